# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The containers' side of networks: the links of one namespace, their addresses and routes.

A container's network namespace has no name on the host: the OCI runtime creates it, the container's
process keeps it alive, and the kernel removes its links with it, both ends of a veth pair and what
is on a parent, so nothing leaks however a container dies.
"""

from __future__ import annotations

import contextlib
import os
import socket
from collections.abc import Iterator, Sequence
from typing import Any

from ...base.errors import Error, NotFound
from ...kernel import linux
from ...spec.network import Attachment, by_gateway
from . import codec, sysctl
from .host_side import (
    IFF_UP,
    RTM_NEWLINK,
    address_request,
    default_route,
    delete_link,
    index_of,
    request,
    up,
)
from .netlink import NLM_F_CREATE, NLM_F_EXCL, ROUTE, Conversation, Request
from .probe import inside, is_port

_LOOPBACK = 1

#: linux/if_link.h; pyroute2 names them differently from one version to the next.
_MACVLAN_MODES = {"private": 1, "vepa": 2, "bridge": 4, "passthru": 8}
_IPVLAN_MODES = {"l2": 0, "l3": 1, "l3s": 2}


def connect(pid: int, attachments: Sequence[Attachment]) -> None:
    """Give a process's network namespace its interfaces, addresses and default route, and raise lo.

    ``attachments`` are all that the container has, and what they need is in place already. Each
    link is made in one request with its inner end directly in the container's namespace. One that
    is in place is left alone; a host link left by an earlier run of this container, whose namespace
    the kernel has not collected yet, is replaced. When something fails no new link is left.
    """
    messages = codec.load()
    namespace = _namespace(pid)
    try:
        within = inside(pid)
        missing = [a for a in attachments if not _connected(a, within)]
        _unplug(namespace, missing, within)
        links = [_link(messages, n, a, namespace) for n, a in enumerate(missing, 1)]
        try:
            with Conversation(ROUTE) as host:
                host.exchange(links)
                host.exchange(_port_settings(messages, missing))
            with _inside(namespace), Conversation(ROUTE) as inner:
                inner.exchange(_furniture(messages, attachments))
                for attachment in attachments:
                    for name, value in attachment.sysctls.items():
                        sysctl.write(f"net/{name}", value)
            for attachment in missing:
                if attachment.host_link:
                    sysctl.set_ipv6(attachment.host_link, False)
        except BaseException:
            with contextlib.suppress(Error):
                _unplug(namespace, missing, inside(pid))
            raise
    finally:
        os.close(namespace)


def disconnect(pid: int, leaving: Sequence[Attachment]) -> None:
    """Take links away from a process's network namespace; what is gone already is a success."""
    try:
        namespace = _namespace(pid)
    except NotFound:
        return
    try:
        _unplug(namespace, leaving, inside(pid))
    finally:
        os.close(namespace)


def _connected(attachment: Attachment, within: frozenset[str]) -> bool:
    if attachment.interface not in within:
        return False
    return not attachment.host_link or is_port(attachment.host_link, attachment.bridge)


def _unplug(namespace: int, attachments: Sequence[Attachment], within: frozenset[str]) -> None:
    for attachment in attachments:
        if attachment.host_link:
            delete_link(attachment.host_link)
    # A veth's inner end went with its other one, so one that is still there is another's.
    standing = [a.interface for a in attachments if not a.host_link and a.interface in within]
    if standing:
        with _inside(namespace):
            for name in standing:
                delete_link(name)


def _port_settings(messages: codec.Codec, attachments: Sequence[Attachment]) -> list[Request]:
    """How a bridge treats the ports of these attachments, where that is not how it treats all.

    Isolated ports (``enable_icc`` false) reach the bridge's own address and not one another. Where
    bridges filter (br_netfilter), a port sends back what came in by it: there a published port is
    translated while the packet is still on the bridge, so that a container which asks for its own
    port by the host's address is answered on the port it came by. Elsewhere the host itself sends
    such a packet, and the setting would only echo broadcasts. For the same reason ports are not
    isolated there, else containers would not even meet by published ports: what goes from one to
    the other passes the firewall, which keeps them apart.
    """
    hairpin = sysctl.read("net/bridge/bridge-nf-call-iptables") not in ("", "0")
    requests: list[Request] = []
    for attachment in attachments:
        settings = [["IFLA_BRPORT_MODE", 1]] if hairpin else []
        settings += [["IFLA_BRPORT_ISOLATED", 1]] if attachment.isolated and not hairpin else []
        if not attachment.host_link or not settings:
            continue
        data = ["IFLA_INFO_SLAVE_DATA", {"attrs": settings}]
        info = {"attrs": [["IFLA_INFO_SLAVE_KIND", "bridge"], data]}
        link = {"index": index_of(attachment.host_link), "attrs": [["IFLA_LINKINFO", info]]}
        purpose = f"set up the port {attachment.host_link} of {attachment.bridge}"
        requests.append(request(messages.link, RTM_NEWLINK, len(requests) + 1, link, purpose))
    return requests


def _namespace(pid: int) -> int:
    try:
        return os.open(f"/proc/{pid}/ns/net", os.O_RDONLY | os.O_CLOEXEC)
    except (FileNotFoundError, ProcessLookupError) as exc:
        raise NotFound(f"process {pid} ended before it was connected to its networks") from exc


def _furniture(messages: codec.Codec, attachments: Sequence[Attachment]) -> list[Request]:
    """Addresses, routes and the loopback, to be said from within the container's namespace."""
    requests = [up(messages, 1, _LOOPBACK, "lo")]
    for attachment in attachments:
        name = attachment.interface
        number = index_of(name)
        sysctl.set_ipv6(name, bool(attachment.ipv6_address))
        for address in filter(None, (attachment.ipv4_address, attachment.ipv6_address)):
            requests.append(address_request(messages, len(requests) + 1, number, address, name))
        requests.append(up(messages, len(requests) + 1, number, name))
    return [*requests, *_default_routes(messages, len(requests) + 1, attachments)]


def _default_routes(
    messages: codec.Codec, first: int, attachments: Sequence[Attachment]
) -> Iterator[Request]:
    """One per family: through the first attachment, in Docker's order, that leads out."""
    ordered = by_gateway(attachments)
    for family, kind in (("ipv4", socket.AF_INET), ("ipv6", socket.AF_INET6)):
        for attachment in ordered:
            gateway = getattr(attachment, f"{family}_gateway")
            by_device = attachment.device_route and getattr(attachment, f"{family}_address")
            if gateway or by_device:
                number = index_of(attachment.interface)
                yield default_route(messages, first, number, kind, gateway)
                first += 1
                break


@contextlib.contextmanager
def _inside(namespace: int) -> Iterator[None]:
    """Be in another network namespace, with this thread only, for the block."""
    here = os.open("/proc/thread-self/ns/net", os.O_RDONLY | os.O_CLOEXEC)
    try:
        linux.setns(namespace, linux.CLONE_NEWNET)
        try:
            yield
        finally:
            linux.setns(here, linux.CLONE_NEWNET)
    finally:
        os.close(here)


def _link(messages: codec.Codec, number: int, attachment: Attachment, namespace: int) -> Request:
    kinds = {"bridge": _veth, "macvlan": _macvlan, "ipvlan": _ipvlan}
    return kinds[attachment.driver](messages, number, attachment, namespace)


def _macvlan(messages: codec.Codec, number: int, attachment: Attachment, namespace: int) -> Request:
    data = ["IFLA_MACVLAN_MODE", _MACVLAN_MODES[attachment.mode]]
    own = [["IFLA_ADDRESS", attachment.mac_address]]
    return _child(messages, number, attachment, namespace, data, own)


def _ipvlan(messages: codec.Codec, number: int, attachment: Attachment, namespace: int) -> Request:
    """Its links have the parent's MAC address."""
    data = ["IFLA_IPVLAN_MODE", _IPVLAN_MODES[attachment.mode]]
    return _child(messages, number, attachment, namespace, data, [])


def _child(
    messages: codec.Codec,
    number: int,
    attachment: Attachment,
    namespace: int,
    data: list[Any],
    own: list[list[Any]],
) -> Request:
    """A link on a parent of the host, made directly in the container's namespace."""
    info = [["IFLA_INFO_KIND", attachment.driver], ["IFLA_INFO_DATA", {"attrs": [data]}]]
    if attachment.mtu:
        own = [*own, ["IFLA_MTU", attachment.mtu]]
    link = {
        "index": 0,
        "flags": 0,
        "change": 0,
        "attrs": [
            ["IFLA_IFNAME", attachment.interface],
            ["IFLA_LINK", index_of(attachment.bridge)],
            ["IFLA_NET_NS_FD", namespace],
            *own,
            ["IFLA_LINKINFO", {"attrs": info}],
        ],
    }
    purpose = f"connect {attachment.interface} to the network {attachment.network}"
    return request(messages.link, RTM_NEWLINK, number, link, purpose, NLM_F_CREATE | NLM_F_EXCL)


def _veth(messages: codec.Codec, number: int, attachment: Attachment, namespace: int) -> Request:
    """The host's end, up and on its bridge; the container's end named and in its namespace."""
    peer = {
        "attrs": [
            ["IFLA_IFNAME", attachment.interface],
            ["IFLA_ADDRESS", attachment.mac_address],
            ["IFLA_MTU", attachment.mtu],
            ["IFLA_NET_NS_FD", namespace],
        ]
    }
    link = {
        "index": 0,
        "flags": IFF_UP,
        "change": IFF_UP,
        "attrs": [
            ["IFLA_IFNAME", attachment.host_link],
            ["IFLA_MTU", attachment.mtu],
            ["IFLA_MASTER", index_of(attachment.bridge)],
            [
                "IFLA_LINKINFO",
                {
                    "attrs": [
                        ["IFLA_INFO_KIND", "veth"],
                        ["IFLA_INFO_DATA", {"attrs": [["VETH_INFO_PEER", peer]]}],
                    ]
                },
            ],
        ],
    }
    purpose = f"connect {attachment.interface} to the network {attachment.network}"
    return request(messages.link, RTM_NEWLINK, number, link, purpose, NLM_F_CREATE | NLM_F_EXCL)
