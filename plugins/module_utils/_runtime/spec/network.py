# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a network was asked to be, and what an endpoint on it was given."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from ..base.errors import Error
from ..base.frozen import dataclass, field
from ..base.regex import regex

#: Docker's options of an endpoint: the name of the interface inside, and settings of it.
INTERFACE_OPTION = "com.docker.network.endpoint.ifname"
SYSCTLS_OPTION = "com.docker.network.endpoint.sysctls"

_SYSCTL = regex(r"\Anet\.(ipv4|ipv6|mpls)\.(conf|neigh)\.IFNAME\.[a-z0-9_]+\Z", re.ASCII)
_VALUE = regex(r"\A[0-9a-zA-Z_.:-]{1,40}\Z", re.ASCII)


@dataclass(frozen=True)
class Pool:
    """One block of addresses. ``gateway`` is the bridge's own address in it, or of the router that
    containers on a macvlan or ipvlan network use; ``ip_range`` "" is all of it.
    """

    subnet: str
    gateway: str
    ip_range: str = ""
    aux_addresses: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class NetworkSpec:
    """A network as declared, with nothing left open: pools are filled in when it is planned.

    ``config_only`` networks hold settings that others take over (``config_from``), and nothing can
    join them.
    """

    name: str
    driver: str = "bridge"
    pools: tuple[Pool, ...] = ()
    internal: bool = False
    enable_ipv6: bool = False
    driver_options: Mapping[str, str] = field(default_factory=dict)
    labels: Mapping[str, str] = field(default_factory=dict)
    enable_ipv4: bool = True
    attachable: bool = False
    ipam_options: Mapping[str, str] = field(default_factory=dict)
    config_only: bool = False
    config_from: str = ""


@dataclass(frozen=True)
class Network:
    """A network as recorded: its spec, its id (64 hex digits) and its interface on the host.

    ``bridge`` is that interface: the bridge, or the parent of macvlan and ipvlan links. ``owned``
    says that we made it, so that it goes with the network.
    """

    id: str
    spec: NetworkSpec
    bridge: str
    created: str
    owned: bool = True


@dataclass(frozen=True)
class Attachment:
    """What one container was given on one network. All of it is on disk before a link is made.

    ``host_link`` is the veth end on the bridge, ``interface`` the name inside (eth0, eth1 in
    order); addresses carry their prefix length, such as 10.89.0.2/24; "" where the network has no
    such family. A macvlan or ipvlan link is on ``bridge``, its parent, with no ``host_link``; its
    ``mtu`` may be 0, the parent's. With ``device_route`` the default route has no gateway.
    ``isolated`` links reach the host and not one another. ``host_ip`` is where ports are published
    that say nothing of it. ``sysctls`` are (setting below net/ as a path, value).
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
    driver: str = "bridge"
    mode: str = ""
    device_route: bool = False
    isolated: bool = False
    host_ip: str = ""
    links: tuple[str, ...] = ()
    gw_priority: int = 0
    sysctls: Mapping[str, str] = field(default_factory=dict)


def by_gateway(attachments: Sequence[Attachment]) -> list[Attachment]:
    """The order in which attachments are asked for the default route of either family.

    Docker's: the highest priority, then those that lead out in both families, then the networks'
    names (libnetwork, Endpoint.Less).
    """
    return sorted(
        attachments,
        key=lambda a: (-a.gw_priority, not (a.ipv4_gateway and a.ipv6_gateway), a.network),
    )


#: What a process can carry where the kernel forwards nothing.
PROXIED_PROTOCOLS = ("tcp", "udp")


@dataclass(frozen=True)
class Publication:
    """One published port in the firewall: ``host_ip`` "" is every address of the host.

    ``scope`` is who may use it beside the host and its containers: () is everybody, else
    ``local``, ``lan`` or networks. ``zone`` is which flows of datagrams to the port the kernel
    remembers for it: those of a container that took over from another one are not the other's.
    """

    container_id: str
    protocol: str
    host_ip: str
    host_port: int
    container_ip: str
    container_port: int
    scope: tuple[str, ...] = ()
    zone: int = 0

    @property
    def family(self) -> int:
        """Of the host's side, 4 or 6."""
        return 6 if ":" in (self.host_ip or self.container_ip) else 4

    @property
    def proxied(self) -> bool:
        """Whether a process serves it, because the kernel forwards neither between families nor
        from an address of one link.
        """
        differs = (self.family == 6) != (":" in self.container_ip)
        return self.protocol in PROXIED_PROTOCOLS and (differs or "%" in self.host_ip)


def endpoint_sysctls(text: str, interface: str) -> dict[str, str]:
    """Docker's form of an endpoint's settings, ``net.ipv4.conf.IFNAME.log_martians=1,...``, by
    their paths below net/. Raises Error.
    """
    found = {}
    for part in filter(None, text.split(",")):
        name, equals, value = part.strip().partition("=")
        if not equals or not _SYSCTL.match(name) or not _VALUE.match(value):
            raise Error(
                f"{SYSCTLS_OPTION}: {part[:100]!r} is not valid",
                hint="write it like net.ipv4.conf.IFNAME.log_martians=1",
            )
        family, kind, dummy, setting = name.split(".")[1:]
        found[f"{family}/{kind}/{interface}/{setting}"] = value
    return found
