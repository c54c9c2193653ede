# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a network was asked to be, and what an endpoint on it was given."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class Pool:
    """One block of addresses. ``gateway`` is the bridge's own address in it; ``ip_range`` "" is all
    of it.
    """

    subnet: str
    gateway: str
    ip_range: str = ""
    aux_addresses: Mapping[str, str] = dataclasses.field(default_factory=dict)


@dataclass(frozen=True)
class NetworkSpec:
    """A network as declared, with nothing left open: pools are filled in when it is planned."""

    name: str
    driver: str = "bridge"
    pools: tuple[Pool, ...] = ()
    internal: bool = False
    enable_ipv6: bool = False
    driver_options: Mapping[str, str] = dataclasses.field(default_factory=dict)
    labels: Mapping[str, str] = dataclasses.field(default_factory=dict)


@dataclass(frozen=True)
class Network:
    """A network as recorded: its spec, its id (64 hex digits) and the name of its bridge."""

    id: str
    spec: NetworkSpec
    bridge: str
    created: str


@dataclass(frozen=True)
class Attachment:
    """What one container was given on one network. All of it is on disk before a link is made.

    ``host_link`` is the veth end on the bridge, ``interface`` the name inside (eth0, eth1 in
    order); addresses carry their prefix length, such as 10.89.0.2/24; "" where the network has no
    such family.
    """

    network_id: str
    network: str
    bridge: str
    host_link: str
    interface: str
    mac_address: str
    ipv4_address: str = ""
    ipv4_gateway: str = ""
    ipv6_address: str = ""
    ipv6_gateway: str = ""
    mtu: int = 1500
    aliases: tuple[str, ...] = ()


@dataclass(frozen=True)
class Publication:
    """One published port in the firewall: ``host_ip`` "" is every address of the host."""

    container_id: str
    protocol: str
    host_ip: str
    host_port: int
    container_ip: str
    container_port: int
