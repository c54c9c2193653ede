# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which networks a container is to be on, in what order of routes, by which messages: as tables."""

from __future__ import annotations

import dataclasses
import socket
from typing import Any, Optional

import pytest

from ansible_collections.slipway.engine.plugins.module_utils._runtime.base.errors import Error
from ansible_collections.slipway.engine.plugins.module_utils._runtime.container.option import (
    networks,
)
from ansible_collections.slipway.engine.plugins.module_utils._runtime.network import lease
from ansible_collections.slipway.engine.plugins.module_utils._runtime.network.link import (
    codec,
    container_side,
    netlink,
)
from ansible_collections.slipway.engine.plugins.module_utils._runtime.spec import container
from ansible_collections.slipway.engine.plugins.module_utils._runtime.spec.container import (
    ContainerSpec,
    Endpoint,
)
from ansible_collections.slipway.engine.plugins.module_utils._runtime.spec.network import (
    INTERFACE_OPTION,
    SYSCTLS_OPTION,
    Attachment,
    Pool,
    by_gateway,
    endpoint_sysctls,
)

WEB = [{"name": "web"}]


@pytest.mark.parametrize(
    ("params", "names"),
    [
        ({}, None),
        ({"networks": WEB}, ["web"]),
        ({"networks": []}, []),
        ({"networks": WEB, "networks_cli_compatible": False}, ["bridge", "web"]),
        (
            {"networks": WEB, "networks_cli_compatible": False, "purge_networks": True},
            ["web"],
        ),
        ({"networks": WEB, "network_mode": "default"}, ["bridge", "web"]),
        ({"networks": WEB, "network_mode": "bridge", "purge_networks": True}, ["web"]),
        ({"network_mode": "bridge"}, None),
        ({"network_mode": "web"}, ["web"]),
        ({"network_mode": "db", "networks": WEB}, ["db", "web"]),
        ({"network_mode": "web", "networks": [{"name": "db"}, *WEB]}, ["web", "db"]),
        ({"network_mode": "host"}, None),
    ],
)
def test_modes_and_networks_say_one_thing(
    params: dict[str, Any], names: Optional[list[str]]
) -> None:
    option = next(option for option in networks.OPTIONS if option.name == "networks")
    found = option.value(params)
    assert (None if found is None else [endpoint.network for endpoint in found]) == names


@pytest.mark.parametrize(
    ("option", "text"),
    [
        (networks.mac_address, "02:42:ac:11:00"),
        (networks.mac_address, "02:42:ac:11:00:zz"),
        (networks.mac_address, "01:00:5e:00:00:01"),
        (networks.network_mode, "service:x"),
        (networks.network_mode, "container:"),
        (lambda text: networks.links([text]), "a:"),
        (lambda text: networks.links([text]), "a b:c"),
        (lambda text: networks.links([text]), "a:c\nd"),
        (lambda text: endpoint_sysctls(text, "eth0"), "net.ipv4.ip_forward=1"),
        (lambda text: endpoint_sysctls(text, "eth0"), "net.ipv4.conf.eth9.forwarding=1"),
        (lambda text: endpoint_sysctls(text, "eth0"), "net.ipv4.conf.IFNAME.../../x=1"),
        (
            lambda text: networks.endpoints([{"name": "a", "driver_opts": {text: "1"}}]),
            "com.example",
        ),
        (
            lambda text: networks.endpoints(
                [{"name": "a", "driver_opts": {INTERFACE_OPTION: text}}]
            ),
            "lo",
        ),
    ],
)
def test_what_makes_no_sense_is_refused(option: Any, text: str) -> None:
    with pytest.raises(Error):
        option(text)


def test_endpoints_are_shown_as_they_are_written() -> None:
    written = {
        "name": "web",
        "mac_address": "02:42:00:00:00:01",
        "links": ["db:sql"],
        "gw_priority": 3,
        "driver_opts": {
            INTERFACE_OPTION: "lan0",
            SYSCTLS_OPTION: "net.ipv6.conf.IFNAME.accept_ra=0",
        },
    }
    (endpoint,) = networks.endpoints([written])
    assert networks.show_endpoint(endpoint) == written
    assert endpoint_sysctls(endpoint.driver_opts[SYSCTLS_OPTION], "lan0") == {
        "ipv6/conf/lan0/accept_ra": "0"
    }


def test_containers_come_to_networks_and_leave_them() -> None:
    plain = ContainerSpec("c", "i", "", mac_address="02:00:00:00:00:01", links=("db:sql",))
    (default,) = container.endpoints(plain)
    assert default == Endpoint("bridge", mac_address="02:00:00:00:00:01", links=("db:sql",))
    both = container.with_endpoint(plain, Endpoint("web"))
    assert [e.network for e in container.endpoints(both)] == ["bridge", "web"]
    assert container.without_networks(both, ["web"]).networks == (Endpoint("bridge"),)
    # What was said of the first network is not said of the next one.
    (left,) = container.endpoints(container.without_networks(both, ["bridge"]))
    assert left == Endpoint("web", connected=True)
    none = container.without_networks(both, ["bridge", "web"])
    assert (none.network_mode, none.networks, container.endpoints(none)) == ("none", (), ())
    again = container.with_endpoint(none, Endpoint("web"))
    assert (again.network_mode, again.networks) == ("", (Endpoint("web", connected=True),))
    for mode in ("host", "container:a"):
        with pytest.raises(Error, match=f"has the network mode {mode}"):
            container.with_endpoint(dataclasses.replace(plain, network_mode=mode), Endpoint("web"))


def _attachment(network: str, **given: Any) -> Attachment:
    given = {"ipv4_gateway": "10.9.0.1", **given}
    return Attachment(network, network, f"br-{network}", "sv0", "eth0", "", **given)


@pytest.mark.parametrize(
    ("attachments", "order"),
    [
        ([_attachment("b"), _attachment("a")], "ab"),
        ([_attachment("a"), _attachment("b", gw_priority=1)], "ba"),
        ([_attachment("a", gw_priority=-1), _attachment("b")], "ba"),
        ([_attachment("a"), _attachment("b", ipv6_gateway="fd00::1")], "ba"),
        ([_attachment("a", gw_priority=1), _attachment("b", ipv6_gateway="fd00::1")], "ab"),
    ],
)
def test_the_default_route_is_chosen_as_docker_does(
    attachments: list[Attachment], order: str
) -> None:
    assert "".join(a.network for a in by_gateway(attachments)) == order


def test_unique_local_subnets_are_the_hosts_own() -> None:
    prefix = lease.local_prefix("0123456789abcdef0123456789abcdef")
    assert prefix.startswith("fd") and prefix.endswith("/48")
    assert prefix == lease.local_prefix("0123456789abcdef0123456789abcdef")
    assert prefix != lease.local_prefix("another")
    first = lease.free_pool6(prefix, [])
    assert first is not None and first.subnet == prefix.replace("/48", "/64")
    second = lease.free_pool6(prefix, [first.subnet, "10.0.0.0/8"])
    assert second is not None and second.subnet == prefix.replace("::/48", ":1::/64")


def test_addresses_that_do_not_fit_say_why() -> None:
    pools = [Pool("10.9.0.0/24", "10.9.0.1", aux_addresses={"tap": "10.9.0.9"})]
    assert lease.misfit("10.9.0.2", pools) == ""
    assert lease.misfit("10.9.0.1", pools) == "is the gateway there"
    assert lease.misfit("10.9.0.9", pools) == "is reserved for tap there"
    assert lease.misfit("10.8.0.2", pools) == "is not in any of its subnets"


@pytest.mark.parametrize(
    ("driver", "mode", "number"),
    [
        ("macvlan", "private", 1),
        ("macvlan", "vepa", 2),
        ("macvlan", "bridge", 4),
        ("macvlan", "passthru", 8),
        ("ipvlan", "l2", 0),
        ("ipvlan", "l3", 1),
        ("ipvlan", "l3s", 2),
    ],
)
def test_links_on_a_parent_are_encoded_as_the_kernel_reads_them(
    driver: str, mode: str, number: int
) -> None:
    """By linux/if_link.h: not every kernel that runs these tests has ipvlan."""
    attachment = dataclasses.replace(
        _attachment("lan"),
        bridge="lo",
        host_link="",
        driver=driver,
        mode=mode,
        mac_address="02:42:00:00:00:01" if driver == "macvlan" else "",
        mtu=0,
    )
    request = container_side._link(codec.load(), 1, attachment, 77)
    found = netlink.attributes(request.data[32:])
    ifname, address, parent, info, namespace, mtu = 3, 1, 5, 18, 28, 4
    assert found[ifname] == b"eth0\0"
    assert int.from_bytes(found[parent], "little") == socket.if_nametoindex("lo")
    assert int.from_bytes(found[namespace], "little") == 77
    assert (address in found) is (driver == "macvlan") and mtu not in found
    inner = netlink.attributes(found[info])
    assert inner[1] == f"{driver}\0".encode()
    value = netlink.attributes(inner[2])[1]
    assert (int.from_bytes(value, "little"), len(value)) == (
        number,
        4 if driver == "macvlan" else 2,
    )
