# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The option forms of a playbook, as tables: text, what it means, and what is refused and why."""

from __future__ import annotations

import pytest

from ansible_collections.slipway.engine.plugins.module_utils._runtime.base.errors import Error
from ansible_collections.slipway.engine.plugins.module_utils._runtime.container.option import (
    dns,
    networks,
    ports,
    supervision,
)
from ansible_collections.slipway.engine.plugins.module_utils._runtime.container.option.form import (
    text,
)
from ansible_collections.slipway.engine.plugins.module_utils._runtime.spec.container import (
    Endpoint,
    Healthcheck,
    Port,
)

PORTS = [
    ("80", [Port(80)]),
    ("80/udp", [Port(80, "udp")]),
    ("5354:53/UDP", [Port(53, "udp", host_port=5354)]),
    ("[fe80::1%eth0]:8080:80", [Port(80, "tcp", "fe80::1%eth0", 8080)]),
    ("[FE80:0::1%br-0.7]::80", [Port(80, "tcp", "fe80::1%br-0.7")]),
    ("8080:80", [Port(80, host_port=8080)]),
    ("127.0.0.1:8080:80", [Port(80, "tcp", "127.0.0.1", 8080)]),
    ("127.0.0.1::80", [Port(80, "tcp", "127.0.0.1", 0)]),
    ("0.0.0.0:8080:80", [Port(80, "tcp", "0.0.0.0", 8080)]),
    ("[::1]:8080:80/sctp", [Port(80, "sctp", "::1", 8080)]),
    ("[0:0::1]:8080:80", [Port(80, "tcp", "::1", 8080)]),
    ("9000-9001:80-81", [Port(80, host_port=9000), Port(81, host_port=9001)]),
    ("80-81", [Port(80), Port(81)]),
    ("9000-9009:80", [Port(80, host_port=9000, host_port_last=9009)]),
    ("[::1]:9000-9009:80/udp", [Port(80, "udp", "::1", 9000, 9009)]),
]


@pytest.mark.parametrize(("text", "meaning"), PORTS, ids=[text for text, dummy in PORTS])
def test_port_forms(text: str, meaning: list[Port]) -> None:
    assert list(ports.ports([text])) == meaning
    # What is shown in diffs means the same again.
    assert list(ports.ports(map(ports.show_port, meaning))) == meaning


def test_ports_are_a_set_in_order() -> None:
    assert ports.ports(["81", "80", "80"]) == (Port(80), Port(81))


BAD_PORTS = [
    ("", "not a port"),
    ("0", "1 to 65535"),
    ("65536", "1 to 65535"),
    ("-1", "not a port"),
    ("82-80", "ascend"),
    ("80/icmp", "protocol"),
    ("http:80", "not a port"),
    ("1-3:80-81", "same length"),
    ("1.2.3:80:80", "not an IP address"),
    ("::1:80:80", "brackets"),
    ("[::1:80", "brackets"),
    ("[::1]:80", "after the address"),
    ("[fe80::1%]:80:80", "not an IP address"),
    ("[fe80::1%a b]:80:80", "not an IP address"),
    ("[fe80::1%a\n]:80:80", "not an IP address"),
    ("127.0.0.1%lo:80:80", "not an IP address"),
    ("80:80\n", "not a port"),
    ("٨٠", "not a port"),
]


@pytest.mark.parametrize(("text", "why"), BAD_PORTS)
def test_bad_ports_say_why(text: str, why: str) -> None:
    with pytest.raises(Error, match="published_ports") as caught:
        ports.ports([text])
    assert why in str(caught.value)


def _ports(**params: object) -> dict[str, object]:
    """What the ports' options make of a task that says this."""
    said: dict[str, object] = {"published_ports": None, "publish_all_ports": None}
    said |= {"exposed_ports": None, "default_host_ip": None, "publish_scope": None, **params}
    found = {option.name: option.value(said) for option in ports.OPTIONS}
    return {name: value for name, value in found.items() if value is not None}


def test_the_default_address_of_the_host_is_for_ports_that_name_none() -> None:
    said = _ports(published_ports=["8080:80", "[::1]:81:81"], default_host_ip="192.0.2.1")
    assert said == {
        "published_ports": (Port(80, "tcp", "192.0.2.1", 8080), Port(81, "tcp", "::1", 81))
    }
    assert _ports(published_ports=["80"], default_host_ip="") == {"published_ports": (Port(80),)}
    assert _ports(default_host_ip="192.0.2.1") == {}
    with pytest.raises(Error, match="default_host_ip"):
        _ports(published_ports=["80"], default_host_ip="eth0")


def test_all_ports_are_published_by_either_word() -> None:
    assert _ports(published_ports=["all", "81"]) == {
        "published_ports": (Port(81),),
        "publish_all_ports": True,
    }
    assert _ports(publish_all_ports=False, published_ports=["ALL"])["publish_all_ports"] is False


def test_exposed_ports() -> None:
    assert ports.exposed_ports(["9", "80-81/udp", "80"]) == ("9/tcp", "80/tcp", "80/udp", "81/udp")
    for bad in ("80/icmp", "0", "http"):
        with pytest.raises(Error, match="exposed_ports"):
            ports.exposed_ports([bad])


@pytest.mark.parametrize(
    ("given", "meaning"),
    [
        (["all"], ()),
        ([], ()),
        (["local"], ("local",)),
        (["lan"], ("lan",)),
        (["192.0.2.0/24", "192.0.2.9", "2001:db8::/64"],
         ("192.0.2.0/24", "192.0.2.9/32", "2001:db8::/64")),
    ],
)  # fmt: skip
def test_scopes(given: list[str], meaning: tuple[str, ...]) -> None:
    assert ports.scopes(given) == meaning
    assert ports.scopes(meaning) == meaning


@pytest.mark.parametrize("given", [["lan", "local"], ["192.0.2.1/24"], ["eth0"], ["all", "lan"]])
def test_bad_scopes(given: list[str]) -> None:
    with pytest.raises(Error, match="publish_scope"):
        ports.scopes(given)


def test_a_name_server_may_have_a_zone() -> None:
    assert dns.addresses("dns_servers", ["FE80::1%eth0"]) == ("fe80::1%eth0",)
    for wrong in ("fe80::1%", "fe80::1%a\nsearch x", "192.0.2.1%eth0", "fe80::1%0123456789abcdef"):
        with pytest.raises(Error, match="dns_servers"):
            dns.addresses("dns_servers", [wrong])
    with pytest.raises(Error, match="IPv6 address"):
        networks.endpoints([{"name": "a", "ipv6_address": "fe80::1%eth0"}])


@pytest.mark.parametrize(
    ("given", "meaning"),
    [
        ({}, Healthcheck(("NONE",))),
        ({"interval": "5s"}, Healthcheck(("NONE",))),
        ({"test": [], "interval": "5s"}, Healthcheck(("NONE",))),
        ({"test": [], "test_cli_compatible": True}, Healthcheck(("NONE",))),
        ({"interval": "5s", "test_cli_compatible": True}, Healthcheck(interval_s=5.0)),
        ({"test": "x", "test_cli_compatible": True}, Healthcheck(("CMD-SHELL", "x"))),
        ({"test": "x", "interval": "5s"}, Healthcheck(("CMD-SHELL", "x"), interval_s=5.0)),
    ],
)
def test_whose_test_a_check_makes(given: dict[str, object], meaning: Healthcheck) -> None:
    found = supervision.healthcheck(given)
    assert found == meaning
    assert supervision.healthcheck(supervision.show_healthcheck(found)) == found


def test_names_a_container_is_given() -> None:
    assert dns.addresses("dns_servers", ["192.0.2.53", "2001:DB8:0::53", "192.0.2.53"]) == (
        "192.0.2.53",
        "2001:db8::53",
    )
    assert dns.domains(["b.example", "a.example", "b.example"]) == ("b.example", "a.example")
    assert dns.resolver_options(["ndots:2", "rotate"]) == ("ndots:2", "rotate")
    assert dns.extra_hosts({"b": "host-gateway", "a.x": "192.0.2.1"}) == {
        "a.x": "192.0.2.1",
        "b": "host-gateway",
    }


@pytest.mark.parametrize(
    ("option", "value"),
    [
        ("dns_servers", ["dns.example"]),
        ("dns_search_domains", ["a b"]),
        ("dns_search_domains", ["a\nnameserver 192.0.2.1"]),
        ("dns_opts", ["ndots:2 rotate"]),
        ("dns_opts", ["ndots:2\n"]),
        ("etc_hosts", {"a b": "192.0.2.1"}),
        ("etc_hosts", {"a": "gateway"}),
        ("etc_hosts", {"a": "192.0.2.1\n192.0.2.2 b"}),
        ("etc_hosts", {"": "192.0.2.1"}),
    ],
)
def test_what_would_break_the_files_of_names_is_refused(option: str, value: object) -> None:
    known = {each.name: each for each in dns.OPTIONS}
    with pytest.raises(Error, match=option):
        known[option].value({option: value})


def test_endpoints_keep_their_order_and_show_what_was_given() -> None:
    given = [
        {"name": "front", "aliases": ["b", "a", "a"]},
        {"name": "back", "ipv4_address": "10.0.0.9", "mac_address": "02:42:AC:11:00:02"},
    ]
    found = networks.endpoints(given)
    assert found == (
        Endpoint("front", aliases=("a", "b")),
        Endpoint("back", ipv4_address="10.0.0.9", mac_address="02:42:ac:11:00:02"),
    )
    assert networks.endpoints(map(networks.show_endpoint, found)) == found


@pytest.mark.parametrize(
    ("value", "why"),
    [
        ({"name": "n", "ipv4_address": "::1"}, "IPv4"),
        ({"name": "n", "ipv6_address": "10.0.0.1"}, "IPv6"),
        ({"name": "n", "aliases": ["evil 10.0.0.1\nx"]}, "aliases"),
    ],
)
def test_bad_endpoints_say_why(value: dict[str, object], why: str) -> None:
    with pytest.raises(Error, match=why):
        networks.endpoints([value])


@pytest.mark.parametrize("value", [True, 1.1, None])
def test_env_values_are_strings(value: object) -> None:
    with pytest.raises(Error, match="PORT"):
        text.string_map("env", {"PORT": value})


@pytest.mark.parametrize("name", ["", "A=B", "A\0"])
def test_env_names(name: str) -> None:
    with pytest.raises(Error, match="env"):
        text.string_map("env", {name: "x"})


def test_words_split_as_a_shell_splits_and_nothing_else() -> None:
    assert text.words("command", "sh -c 'echo $HOME; ls *'") == ("sh", "-c", "echo $HOME; ls *")
    assert text.words("command", ["a b", 3]) == ("a b", "3")
    with pytest.raises(Error, match="command"):
        text.words("command", "echo 'open")


def test_restart_retries_belong_to_on_failure() -> None:
    assert (
        supervision.show_restart_policy(supervision.restart_policy("on-failure", 3))
        == "on-failure:3"
    )
    with pytest.raises(Error, match="on-failure"):
        supervision.restart_policy("always", 3)
