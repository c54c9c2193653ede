# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The option forms of a playbook, as tables: text, what it means, and what is refused and why."""

from __future__ import annotations

import pytest

from ansible_collections.slipway.engine.plugins.module_utils.runtime.container.option import (
    mounts,
    networks,
    ports,
    supervision,
    text,
)
from ansible_collections.slipway.engine.plugins.module_utils.runtime.container.spec import (
    Endpoint,
    Mount,
    Port,
)
from ansible_collections.slipway.engine.plugins.module_utils.runtime.errors import Error

PORTS = [
    ("80", [Port(80)]),
    ("80/udp", [Port(80, "udp")]),
    ("8080:80", [Port(80, host_port=8080)]),
    ("127.0.0.1:8080:80", [Port(80, "tcp", "127.0.0.1", 8080)]),
    ("127.0.0.1::80", [Port(80, "tcp", "127.0.0.1", 0)]),
    ("0.0.0.0:8080:80", [Port(80, "tcp", "0.0.0.0", 8080)]),
    ("[::1]:8080:80/sctp", [Port(80, "sctp", "::1", 8080)]),
    ("[0:0::1]:8080:80", [Port(80, "tcp", "::1", 8080)]),
    ("9000-9001:80-81", [Port(80, host_port=9000), Port(81, host_port=9001)]),
    ("80-81", [Port(80), Port(81)]),
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
    ("80:80\n", "not a port"),
    ("٨٠", "not a port"),
]


@pytest.mark.parametrize(("text", "why"), BAD_PORTS)
def test_bad_ports_say_why(text: str, why: str) -> None:
    with pytest.raises(Error, match="published_ports") as caught:
        ports.ports([text])
    assert why in str(caught.value)


MOUNTS = [
    ("data:/srv", Mount("volume", "data", "/srv")),
    ("data:/srv:ro", Mount("volume", "data", "/srv", read_only=True)),
    ("data:/srv:nocopy,ro", Mount("volume", "data", "/srv", read_only=True, copy_up=False)),
    ("/etc/x:/y//z/:rslave", Mount("bind", "/etc/x", "/y/z", propagation="rslave")),
    ("/etc/x:/y:Z", Mount("bind", "/etc/x", "/y", relabel="Z")),
    ("/srv", Mount("anonymous", "", "/srv")),
]


@pytest.mark.parametrize(("text", "meaning"), MOUNTS, ids=[text for text, dummy in MOUNTS])
def test_volume_forms(text: str, meaning: Mount) -> None:
    assert mounts.mounts([text]) == (meaning,)
    assert mounts.mounts([mounts.show_mount(meaning)]) == (meaning,)


BAD_MOUNTS = [
    ("data:srv", "absolute"),
    ("data:/", "root"),
    ("data:/x/../..", "root"),
    ("data:/proc/sys", "/proc or /sys"),
    ("data:/x/../sys", "/proc or /sys"),
    ("a b:/srv", "neither"),
    ("data:/srv:rslave", "not a mode"),
    ("/a:/b:nocopy", "not a mode"),
    ("data:/s\nrv", "absolute"),
    ("a:b:c:d", "write"),
    (":/srv", "write"),
]


@pytest.mark.parametrize(("text", "why"), BAD_MOUNTS)
def test_bad_volumes_say_why(text: str, why: str) -> None:
    with pytest.raises(Error, match="volumes") as caught:
        mounts.mounts([text])
    assert why in str(caught.value)


def test_a_target_is_mounted_once() -> None:
    with pytest.raises(Error, match="mounted twice"):
        mounts.mounts(["a:/srv", "b:/srv/"])


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


@pytest.mark.parametrize("value", [8080, True, 1.1, None])
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
