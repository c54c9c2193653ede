# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Networks as tables: what tasks say, what is planned, what addresses and names come of it."""

from __future__ import annotations

import dataclasses
import ipaddress
from pathlib import Path
from typing import Any, Optional

import pytest

from ansible_collections.slipway.engine.plugins.module_utils._runtime.base import document
from ansible_collections.slipway.engine.plugins.module_utils._runtime.base.errors import (
    Conflict,
    Error,
)
from ansible_collections.slipway.engine.plugins.module_utils._runtime.network import lease
from ansible_collections.slipway.engine.plugins.module_utils._runtime.network.firewall import (
    chains,
    ruleset,
)
from ansible_collections.slipway.engine.plugins.module_utils._runtime.network.names import (
    aardvark,
    etc_files,
)
from ansible_collections.slipway.engine.plugins.module_utils._runtime.records import network_record
from ansible_collections.slipway.engine.plugins.module_utils._runtime.resource.network import (
    decide,
    declare,
    observe,
)
from ansible_collections.slipway.engine.plugins.module_utils._runtime.spec.network import (
    NetworkSpec,
    Pool,
    Publication,
)

NINE = {"subnet": "10.9.0.0/24"}
SIX = {"subnet": "fd00:9::/64"}
POOL = Pool("10.9.0.0/24", "10.9.0.1")
RANGED = Pool("10.9.0.0/24", "10.9.0.7", "10.9.0.128/25", {"a": "10.9.0.9"})
POOL6 = Pool("fd00:9::/64", "fd00:9::1")
FIRST = Pool("172.17.0.0/16", "172.17.0.1")


def said(**params: Any) -> declare.Declared:
    return declare.declare({"name": "web", **params})


@pytest.mark.parametrize(
    ("params", "complaint"),
    [
        ({"name": "a/b"}, "'a/b' is not a network name"),
        ({"name": "a\nb"}, "is not a network name"),
        ({"name": "x" * 300}, "is not a network name"),
        ({"name": ""}, "is not a network name"),
        ({"ipam_config": [{"subnet": "10.9.0.1/24"}]}, "ipam_config[0].subnet '10.9.0.1/24'"),
        ({"ipam_config": [{"subnet": "nonsense"}]}, "is not a valid CIDR"),
        ({"ipam_config": [{"subnet": "10.9.0.0/31"}]}, "is too small"),
        ({"ipam_config": [{"subnet": "127.9.0.0/24"}]}, "for hosts"),
        ({"ipam_config": [{"subnet": "224.9.0.0/24"}]}, "for hosts"),
        ({"ipam_config": [{"subnet": "0.0.0.0/0"}]}, "for hosts"),
        ({"ipam_config": [{"subnet": "fe80::/64"}]}, "for hosts"),
        ({"ipam_config": [NINE, {"subnet": "10.9.0.128/25"}]}, "overlap"),
        ({"ipam_config": [{**NINE, "gateway": "10.8.0.1"}]}, "is not in the subnet 10.9.0.0/24"),
        ({"ipam_config": [{**NINE, "gateway": "10.9.0.255"}]}, "is the first or last"),
        ({"ipam_config": [{**NINE, "gateway": "x"}]}, "is not an IP address"),
        ({"ipam_config": [{**NINE, "iprange": "10.8.0.0/25"}]}, "is not within the subnet"),
        ({"ipam_config": [{**NINE, "iprange": "10.0.0.0/8"}]}, "is not within the subnet"),
        ({"ipam_config": [{**NINE, "aux_addresses": {"a": "10.8.0.1"}}]}, "is not in the subnet"),
        ({"ipam_config": [SIX], "enable_ipv6": False}, "enable_ipv6 is false"),
        ({"driver_options": {"com.docker.network.bridge.name": "a b"}}, "not an interface name"),
        ({"driver_options": {"com.docker.network.bridge.name": "x" * 16}}, "not an interface name"),
        (
            {"driver_options": {"com.docker.network.driver.mtu": "big"}},
            "expected a number of bytes",
        ),
        ({"driver_options": {"com.docker.network.driver.mtu": 9}}, "expected a number of bytes"),
        ({"driver_options": {"colour": "red"}}, "unknown option 'colour'"),
        ({"driver_options": {"macvlan_mode": "loud"}}, "bridge, private, vepa, passthru"),
        ({"driver_options": {network_record.HOST_IP_OPTION: "::1"}}, "expected an IPv4 address"),
        (
            {"driver_options": {network_record.DEFAULT_OPTION: True}},
            "the default bridge is the network",
        ),
        ({"driver": "overlay"}, "overlay networks require a swarm"),
        ({"driver": "weave"}, "unknown driver 'weave'"),
        ({"driver": "host"}, "the only network of the driver host"),
        ({"name": "host", "driver": "bridge"}, "its driver is host"),
        ({"ingress": True}, "ingress networks require a swarm"),
        ({"scope": "swarm"}, "the scope swarm requires a swarm"),
        ({"ipam_driver": "dhcp"}, "unknown IPAM driver 'dhcp'"),
        (
            {"config_only": True, "config_from": "c"},
            "config_only and config_from are mutually exclusive",
        ),
        ({"config_from": "c", "internal": True}, "internal cannot be combined with config_from"),
        ({"config_only": True, "connected": ["a"]}, "nothing can be connected to it"),
    ],
)
def test_what_makes_no_sense_is_refused_by_name(params: dict[str, Any], complaint: str) -> None:
    with pytest.raises(Error) as refused:
        said(**params)
    assert complaint in str(refused.value)


@pytest.mark.parametrize(
    ("params", "have", "want"),
    [
        ({}, None, NetworkSpec("web")),
        ({"ipam_config": [NINE]}, None, NetworkSpec("web", pools=(POOL,))),
        (
            {"ipam_config": [NINE, SIX]},
            None,
            NetworkSpec("web", pools=(POOL, POOL6), enable_ipv6=True),
        ),
        # Subnets stay until others are declared; what else is left out is reset.
        (
            {},
            NetworkSpec("web", pools=(POOL,), internal=True, labels={"a": "1"}),
            NetworkSpec("web", pools=(POOL,)),
        ),
        (
            {"undeclared": "keep", "labels": {"b": 1}},
            NetworkSpec("web", pools=(POOL,), internal=True, labels={"a": "1"}),
            NetworkSpec("web", pools=(POOL,), internal=True, labels={"a": "1", "b": "1"}),
        ),
        (
            {"labels": {"b": 2}},
            NetworkSpec("web", pools=(POOL,), labels={"a": "1"}),
            NetworkSpec("web", pools=(POOL,), labels={"b": "2"}),
        ),
        (
            {"ipam_config": [NINE]},
            NetworkSpec("web", pools=(FIRST, POOL6), enable_ipv6=True),
            NetworkSpec("web", pools=(POOL,)),
        ),
        (
            {"enable_ipv6": False},
            NetworkSpec("web", pools=(POOL, POOL6), enable_ipv6=True),
            NetworkSpec("web", pools=(POOL,)),
        ),
        # The order of subnets means nothing.
        (
            {"ipam_config": [SIX, NINE]},
            NetworkSpec("web", pools=(POOL, POOL6), enable_ipv6=True),
            NetworkSpec("web", pools=(POOL, POOL6), enable_ipv6=True),
        ),
        # What is left out of a subnet is reset, or kept.
        (
            {"ipam_config": [NINE]},
            NetworkSpec("web", pools=(RANGED,)),
            NetworkSpec("web", pools=(POOL,)),
        ),
        (
            {"undeclared": "keep", "ipam_config": [NINE]},
            NetworkSpec("web", pools=(RANGED,)),
            NetworkSpec("web", pools=(RANGED,)),
        ),
    ],
)
def test_declarations_fold_into_one_total_spec(
    params: dict[str, Any], have: Optional[NetworkSpec], want: NetworkSpec
) -> None:
    assert declare.fold(said(**params), have) == want


def plan(have: observe.State, **params: Any) -> list[str]:
    """The actions of a plan, which must be empty once more from where it leads."""
    declared = said(**params)
    made = decide.plan(declared, have)
    assert not decide.plan(declared, made.want).steps
    return made.actions


OTHER = {"subnet": "10.8.0.0/24"}
HAVE = observe.State("web", NetworkSpec("web", pools=(POOL,)))


@pytest.mark.parametrize(
    ("params", "places"),
    [
        ({"ipam_config": [NINE]}, []),
        (
            {"ipam_config": [{**OTHER, "gateway": "10.8.0.2", "aux_addresses": {"a": "10.8.0.3"}}]},
            ["ipam_config[0].subnet", "ipam_config[0].gateway", "ipam_config[0].aux_addresses"],
        ),
        ({"ipam_config": [NINE, SIX]}, ["ipam_config[1].subnet", "enable_ipv6"]),
        ({"internal": True, "labels": {"a": "1"}}, ["internal", "labels"]),
    ],
)
def test_a_diff_names_the_places_that_differ_as_docker_network_does(
    params: dict[str, Any], places: list[str]
) -> None:
    made = decide.plan(said(**params), HAVE)
    told = decide.diff(made, made.want)
    assert sorted(told["differences"]) == sorted(places)
    assert told["before"]["exists"] and told["after"]["exists"]


def test_a_diff_says_whether_there_is_a_network() -> None:
    made = decide.plan(said(), observe.State("web"))
    told = decide.diff(made, made.want)
    assert (told["before"]["exists"], told["after"]["exists"]) == (False, True)
    assert told["differences"] == []


USED = observe.State("web", HAVE.spec, users=(observe.User("db", True, ("10.9.0.2",)),))
FIXED = observe.State(
    "web", HAVE.spec, users=(observe.User("db", True, ("10.9.0.2",), ("10.9.0.2",)),)
)


@pytest.mark.parametrize(
    ("have", "params", "actions"),
    [
        (observe.State("web"), {}, ["create network web"]),
        (observe.State("web"), {"state": "absent"}, []),
        (HAVE, {}, []),
        (HAVE, {"ipam_config": [NINE]}, []),
        (HAVE, {"state": "absent"}, ["remove network web"]),
        (
            USED,
            {"state": "absent", "undeclared": "keep"},
            ["remove network web"],
        ),
        (HAVE, {"labels": {"a": "1"}}, ["update network web (labels)"]),
        (
            HAVE,
            {"driver_options": {chains.MASQUERADE_OPTION: False}},
            ["update network web (driver_options)"],
        ),
        (HAVE, {"internal": True}, ["recreate network web (internal)"]),
        (
            HAVE,
            {"driver_options": {network_record.MTU_OPTION: 1400}},
            ["recreate network web (driver_options)"],
        ),
        (
            observe.State("web", HAVE.spec, damage=("the bridge sl-1", "the firewall")),
            {},
            ["repair network web (the bridge sl-1, the firewall)"],
        ),
        (
            observe.State("web", HAVE.spec, users=(observe.User("db"),)),
            {"labels": {"a": 1}},
            ["update network web (labels)"],
        ),
        (
            observe.State("web", HAVE.spec, users=(observe.User("db"),)),
            {"state": "absent", "force": True},
            ["remove network web"],
        ),
        # Containers keep the addresses that the new network has, and get others when told so.
        (USED, {"internal": True}, ["recreate network web (internal), reconnecting db"]),
        (
            USED,
            {"ipam_config": [{"subnet": "10.9.0.0/16"}]},
            ["recreate network web (ipam_config), reconnecting db"],
        ),
        (
            USED,
            {"ipam_config": [OTHER], "force": True},
            ["recreate network web (ipam_config), reconnecting db"],
        ),
        (
            USED,
            {"ipam_config": [{**NINE, "iprange": "10.9.0.128/25"}]},
            ["update network web (ipam_config)"],
        ),
        (HAVE, {"attachable": True}, ["update network web (attachable)"]),
        (HAVE, {"ipam_driver_options": {"a": 1}}, ["update network web (ipam_driver_options)"]),
        (
            HAVE,
            {"driver_options": {network_record.ICC_OPTION: True}},
            ["update network web (driver_options)"],
        ),
        (
            HAVE,
            {"driver_options": {network_record.ICC_OPTION: False}},
            ["recreate network web (driver_options)"],
        ),
        (
            HAVE,
            {"driver": "macvlan", "driver_options": {"parent": "eth0"}},
            ["recreate network web (driver, driver_options)"],
        ),
    ],
)
def test_plans(have: observe.State, params: dict[str, Any], actions: list[str]) -> None:
    assert plan(have, **params) == actions


@pytest.mark.parametrize(
    ("have", "params", "complaint"),
    [
        (
            observe.State("web", taken=(observe.Taken("10.0.0.0/8", "network other"),)),
            {"ipam_config": [NINE]},
            "the subnet 10.9.0.0/24 overlaps 10.0.0.0/8 of network other",
        ),
        (
            observe.State("web", taken=(observe.Taken("10.9.0.0/16", "the host's route by eth0"),)),
            {"ipam_config": [NINE]},
            "the host's route by eth0",
        ),
        (
            observe.State(
                "web",
                taken=(observe.Taken("172.16.0.0/12", "x"), observe.Taken("192.168.0.0/16", "y")),
            ),
            {},
            "every default subnet overlaps",
        ),
        (observe.State("web", interface_taken=True), {}, "the host already has an interface sl-"),
        (
            observe.State("web", HAVE.spec, users=(observe.User("db"),)),
            {"state": "absent"},
            "stopped containers db",
        ),
        (
            observe.State("web", HAVE.spec, users=(observe.User("db", True),)),
            {"state": "absent"},
            "running containers db",
        ),
        (USED, {"ipam_config": [OTHER]}, "the address 10.9.0.2 of container db is not in any"),
        (
            USED,
            {"ipam_config": [{**NINE, "gateway": "10.9.0.2"}]},
            "the address 10.9.0.2 of container db is the gateway there",
        ),
        (
            FIXED,
            {"ipam_config": [OTHER], "force": True},
            "change it there first",
        ),
        (USED, {"config_only": True}, "db are connected to it"),
        (observe.State("web"), {"enable_ipv4": False}, "are both false"),
        (
            observe.State("web", parent_user="lan"),
            {"driver": "macvlan", "driver_options": {"parent": "eth0"}},
            "the interface eth0 is already the parent of the network lan",
        ),
        (
            observe.State("web"),
            {"driver_options": {"parent": "eth0"}},
            "'parent' is not an option of the driver",
        ),
        (
            observe.State("web", config=HAVE.spec),
            {"config_from": "c"},
            "is not a config_only network",
        ),
        (
            observe.State("web", HAVE.spec, dependents=("a",)),
            {"state": "absent"},
            "networks a take",
        ),
        (observe.State("host"), {"name": "host", "connected": ["a"]}, "cannot be connected"),
        (observe.State("web"), {"name": "bridge", "state": "absent"}, "predefined"),
        (observe.State("web"), {"name": "host", "state": "absent"}, "predefined"),
        (observe.State("web"), {"name": "none", "labels": {"a": 1}}, "predefined"),
    ],
)
def test_plans_that_are_refused(
    have: observe.State, params: dict[str, Any], complaint: str
) -> None:
    with pytest.raises(Error) as refused:
        decide.plan(said(**params), have)
    assert complaint in str(refused.value)


def test_a_network_without_subnet_gets_the_first_that_is_free() -> None:
    taken = (
        observe.Taken("172.17.0.0/16", "a"),
        observe.Taken("172.18.5.0/24", "b"),
        observe.Taken("10.0.0.0/8", "c"),
    )
    want = decide.plan(said(), observe.State("web", taken=taken)).want
    assert want.spec is not None and want.spec.pools[0].subnet == "172.19.0.0/16"
    vpn = (observe.Taken("172.16.0.0/12", "route"), observe.Taken("192.168.0.0/24", "route"))
    want = decide.plan(said(), observe.State("web", taken=vpn)).want
    assert want.spec is not None and want.spec.pools[0].subnet == "192.168.16.0/20"
    # Only IPv6 declared: IPv4 comes with it and stays.
    declared = said(ipam_config=[SIX])
    want = decide.plan(declared, observe.State("web")).want
    assert want.spec is not None and [p.subnet for p in want.spec.pools] == [
        "172.17.0.0/16",
        "fd00:9::/64",
    ]
    assert not decide.plan(declared, want).steps


def test_every_spec_survives_its_record() -> None:
    spec = NetworkSpec("web", pools=(POOL, POOL6), enable_ipv6=True, labels={"a": "b"})
    network = network_record.make(spec)
    assert document.from_json(type(network), document.to_json(network)) == network


def test_addresses_are_tried_after_the_last_and_then_from_the_start() -> None:
    pool = Pool("10.9.0.0/29", "10.9.0.1", aux_addresses={"printer": "10.9.0.4"})
    assert [str(a) for a in lease.candidates(pool, None)] == [
        "10.9.0.2", "10.9.0.3", "10.9.0.5", "10.9.0.6",
    ]  # fmt: skip
    last = ipaddress.ip_address("10.9.0.3")
    assert [str(a) for a in lease.candidates(pool, last)] == [
        "10.9.0.5", "10.9.0.6", "10.9.0.2", "10.9.0.3",
    ]  # fmt: skip
    ranged = Pool("10.9.0.0/24", "10.9.0.1", "10.9.0.128/30")
    assert [str(a) for a in lease.candidates(ranged, None)] == [
        "10.9.0.128", "10.9.0.129", "10.9.0.130", "10.9.0.131",
    ]  # fmt: skip
    assert str(next(lease.candidates(POOL6, None))) == "fd00:9::2"


def test_mac_addresses_follow_addresses() -> None:
    assert lease.mac_address("172.17.0.2/16") == "02:42:ac:11:00:02"


def test_names_of_links_fit_the_kernel() -> None:
    assert network_record.bridge_name("bridge", {}) == "slipway0"
    assert len(network_record.bridge_name("x" * 128, {})) <= 15
    assert network_record.bridge_name("web", {network_record.BRIDGE_OPTION: "br0"}) == "br0"


def test_rules_know_no_zones() -> None:
    network = network_record.make(NetworkSpec("six", pools=(POOL6,)))
    plain, zoned = (
        Publication("c", "tcp", address, 8080, "fd00:9::2", 80, scope=("lan",))
        for address in ("fe80::1", "fe80::1%eth0")
    )
    assert ruleset.ruleset([network], [zoned]) == ruleset.ruleset([network], [plain])


def test_the_ruleset_depends_on_no_order() -> None:
    one, two = (
        network_record.make(NetworkSpec(n, pools=(p,))) for n, p in (("a", POOL), ("b", FIRST))
    )
    ports = [Publication("c", "tcp", "", port, "10.9.0.2", 80) for port in (8080, 443, 53)] + [
        Publication("c", "udp", "192.0.2.1", 53, "172.17.0.2", 53)
    ]
    rules = ruleset.ruleset([one, two], ports)
    assert ruleset.ruleset([two, one], ports[::-1]) == rules
    assert ruleset.ruleset([one, two], ports[:-1])[-1] != rules[-1]
    assert ruleset.ruleset([], []) == rules[:2]


def test_resolvers_a_container_cannot_reach_are_left_out() -> None:
    host = "# made by hand\nnameserver 127.0.0.53\nsearch example.org\noptions edns0\n"
    resolved = "nameserver 192.0.2.53 # first\nnameserver ::1\nnameserver fe80::1%2\nsearch lan\n"
    assert etc_files.upstream("nameserver 192.0.2.1\n" + host, resolved) == etc_files.Resolver(
        ("192.0.2.1",), ("example.org",), ("edns0",)
    )
    assert etc_files.upstream(host, resolved) == etc_files.Resolver(("192.0.2.53",), ("lan",))
    assert etc_files.upstream(host) == etc_files.Resolver((), ("example.org",), ("edns0",))
    assert etc_files.upstream("domain a\nsearch b c\n").search == ("b", "c")


def test_servers_are_replaced_and_the_rest_of_resolv_conf_stays() -> None:
    text = etc_files.resolv_conf(
        etc_files.Resolver(("192.0.2.1",), ("a.example", "b"), ("rotate",))
    )
    assert text == (
        "# slipway: name servers\nnameserver 192.0.2.1\n# slipway: end\n"
        "search a.example b\noptions rotate\n"
    )
    assert etc_files.with_servers(text + "# mine\n", ["10.9.0.1"], ["ndots:0"]) == (
        "# slipway: name servers\nnameserver 10.9.0.1\noptions ndots:0\n# slipway: end\n"
        "search a.example b\noptions rotate\n# mine\n"
    )
    assert etc_files.with_servers(etc_files.with_servers(text, ["10.9.0.1"]), ["192.0.2.1"]) == text
    # What the container says itself counts.
    own = text + "options ndots:3\n"
    assert "ndots:0" not in etc_files.with_servers(own, ["10.9.0.1"], ["ndots:0"])
    # Whoever took our lines away wants no others.
    assert (
        etc_files.with_servers("nameserver 192.0.2.9\n", ["10.9.0.1"]) == "nameserver 192.0.2.9\n"
    )
    nothing = etc_files.resolv_conf(etc_files.Resolver(), "because")
    assert "\nnameserver" not in nothing and "# No name server: because\n" in nothing


def zone(**changes: Any) -> aardvark.Zone:
    member = aardvark.Member("aa", ("10.9.0.2",), ("fd00:9::2",), ("web", "www", "web", "aa"))
    made = aardvark.Zone("ab" * 32, ("10.9.0.1", "fd00:9::1"), (member,))
    return dataclasses.replace(made, **changes)


def test_the_name_servers_files() -> None:
    """The format is aardvark-dns's own, config.md."""
    asking = aardvark.Member("bb", ("10.9.0.3",), (), ("db",), ("192.0.2.53", "192.0.2.54"))
    made = aardvark.configuration([zone(members=(asking, *zone().members))], "mark")
    assert made == {
        "ab" * 16: "10.9.0.1,fd00:9::1\n"
        "aa 10.9.0.2 fd00:9::2 web,www,aa\n"
        "bb 10.9.0.3  db 192.0.2.53,192.0.2.54\n"
        "slipwayabababababab 10.9.0.1 fd00:9::1 mark 255.255.255.255\n"
    }
    # CVE-2024-29018: what is asked on an internal network leaves in no version.
    inside = aardvark.configuration([zone(members=(asking,), internal=True)], "mark")
    assert list(inside) == ["ab" * 16 + "%int"]
    assert "bb 10.9.0.3  db 255.255.255.255\n" in inside["ab" * 16 + "%int"]


def test_the_mark_of_the_zones_changes_with_anything_in_them() -> None:
    one, two = zone(), zone(network_id="cd" * 32)
    mark = aardvark.digest([one, two])
    assert aardvark.digest([two, one]) == mark
    assert len(mark) <= 63
    other = aardvark.Member("aa", ("10.9.0.2",), (), ("web",))
    for changed in (zone(members=(other,)), zone(internal=True), zone(listen=("10.9.0.1",))):
        assert aardvark.digest([changed, two]) != mark


@pytest.mark.parametrize(
    "name", ["", "a b", "a\nb", "-a", "a\t10.0.0.1", "x" * 64, "a..b", "ä", "a\0b", "a#b"]
)
def test_names_that_would_forge_a_line_are_refused(name: str) -> None:
    with pytest.raises(Error):
        etc_files.hosts([etc_files.Entry("10.9.0.2", (name,))])


def test_hosts_keep_what_the_container_wrote(tmp_path: Path) -> None:
    own = [etc_files.Entry("10.9.0.2", ("web.example.org", "web"))]
    peers = [etc_files.Entry("10.9.0.3", ("db", "database", "db"))]
    text = etc_files.hosts(own, peers)
    assert "10.9.0.2\tweb.example.org web\n" in text
    assert text.endswith("10.9.0.3\tdb database\n# slipway: end\n")
    path = tmp_path / "hosts"
    assert etc_files.write_in_place(path, text) and not etc_files.write_in_place(path, text)
    inode = path.stat().st_ino
    with path.open("a") as file:
        file.write("192.0.2.9 mine\n")
    assert etc_files.write_in_place(path, etc_files.with_peers(etc_files.read(path), []))
    assert path.read_text() == etc_files.hosts(own) + "192.0.2.9 mine\n"
    assert path.stat().st_ino == inode
    assert path.stat().st_mode & 0o777 == 0o644
    (tmp_path / "link").symlink_to(path)
    assert etc_files.read(tmp_path / "link") == ""
    with pytest.raises(OSError):
        etc_files.write_in_place(tmp_path / "link", "x")


def test_a_used_network_is_a_conflict() -> None:
    with pytest.raises(Conflict):
        decide.plan(
            said(state="absent"), observe.State("web", HAVE.spec, users=(observe.User("db"),))
        )
