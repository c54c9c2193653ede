# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which port of the host is forwarded to which of a container: ranges, random ones, and ports in
use.
"""

from __future__ import annotations

import contextlib
import errno
import os
import random
import socket
from collections.abc import Iterator, Sequence
from typing import Union

from ..base.errors import Conflict, Error
from ..base.frozen import replace
from ..base.layout import Layout
from ..spec.container import Port
from ..spec.network import PROXIED_PROTOCOLS, Attachment, Publication, by_gateway
from .link import sockets
from .names import aardvark

_TYPES = {"tcp": socket.SOCK_STREAM, "udp": socket.SOCK_DGRAM, "sctp": socket.SOCK_STREAM}
_PROTOCOLS = {
    "tcp": socket.IPPROTO_TCP,
    "udp": socket.IPPROTO_UDP,
    "sctp": getattr(socket, "IPPROTO_SCTP", 132),
}
_ANY = ("", "0.0.0.0", "::")
#: How the processes call themselves that serve what the kernel does not forward.
PROXY = b"slipway-proxy"
#: How /proc/net/tcp writes the state of a socket that listens (include/net/tcp_states.h).
_TCP_LISTEN = "0A"


def settle(
    layout: Layout,
    container_id: str,
    ports: Sequence[Port],
    attachments: Sequence[Attachment],
    before: Sequence[Publication],
    holding: Sequence[tuple[str, Publication]],
    scope: tuple[str, ...],
) -> tuple[Publication, ...]:
    """The publications of ports; ``before`` are those the container had, ``holding`` others'.

    Raises Conflict naming whoever has a port.
    """
    settled: list[Publication] = []
    for asked in ports:
        port = replace(asked, host_ip=asked.host_ip or _host_ip(attachments))
        addresses = _container_addresses(attachments, port.host_ip)
        if not addresses and port.protocol in PROXIED_PROTOCOLS:
            # The kernel cannot translate between families, so a process serves it.
            addresses = _container_addresses(attachments, "")
        if not addresses:
            raise Error(
                f"port {port.container_port}/{port.protocol} cannot be published: "
                f"the container has no address {port.host_ip or 'the host'} can forward to",
                hint="join a network that is not internal and has that address family",
            )
        taken = [*holding, *(("this container", p) for p in settled)]
        host_port = port.host_port
        if not host_port or port.host_port_last:
            host_port = _choose(layout, container_id, port, addresses, before, taken)
        for made in _publications(container_id, port, host_port, addresses):
            _check_free(layout, made, taken)
            settled.append(replace(made, scope=scope))
    return tuple(settled)


def _container_addresses(attachments: Sequence[Attachment], host_ip: str) -> list[str]:
    """The container's address per family, on the network that gives the default route: there the
    answers leave. Of macvlan and ipvlan networks, which the host does not reach, on the next.
    """
    families = (4, 6) if not host_ip else (6,) if ":" in host_ip else (4,)
    found = []
    for family in families:
        for attachment in _bridged(attachments):
            address, gateway = (
                (attachment.ipv4_address, attachment.ipv4_gateway)
                if family == 4
                else (attachment.ipv6_address, attachment.ipv6_gateway)
            )
            if address and gateway:
                found.append(address.partition("/")[0])
                break
    return found


def _bridged(attachments: Sequence[Attachment]) -> list[Attachment]:
    return [a for a in by_gateway(attachments) if a.driver == "bridge"]


def _host_ip(attachments: Sequence[Attachment]) -> str:
    """Where a network says its containers' ports are published; "" is everywhere."""
    return next((a.host_ip for a in _bridged(attachments)), "")


def _publications(
    container_id: str, port: Port, host_port: int, addresses: Sequence[str]
) -> Iterator[Publication]:
    for address in addresses:
        yield Publication(
            container_id, port.protocol, port.host_ip, host_port, address, port.container_port
        )


def _choose(
    layout: Layout,
    container_id: str,
    port: Port,
    addresses: Sequence[str],
    before: Sequence[Publication],
    taken: Sequence[tuple[str, Publication]],
) -> int:
    """A free host port: the one it had before, or one of the host's ephemeral range."""
    had = [
        p.host_port
        for p in before
        if (p.protocol, p.host_ip, p.container_port)
        == (port.protocol, port.host_ip, port.container_port)
    ]
    asked = (port.host_port, port.host_port_last)
    low, high = asked if port.host_port else _ephemeral_range()
    span = range(low, high + 1)
    # Of a range that was asked for the first free one, as Docker does; elsewhere any.
    tried = list(span) if port.host_port else random.sample(span, min(len(span), 200))
    for candidate in (*(p for p in had if p in span or not port.host_port), *tried):
        try:
            for made in _publications(container_id, port, candidate, addresses):
                _check_free(layout, made, taken)
        except Conflict:
            continue
        return candidate
    raise Conflict(f"no free {port.protocol} port from {low} to {high} on the host")


def _ephemeral_range() -> tuple[int, int]:
    try:
        with open("/proc/sys/net/ipv4/ip_local_port_range", encoding="ascii") as file:
            low, high = file.read().split()
        return int(low), int(high)
    except (FileNotFoundError, ValueError):
        return 32768, 60999


def _check_free(
    layout: Layout, made: Publication, taken: Sequence[tuple[str, Publication]]
) -> None:
    for holder, other in taken:
        if _collide(made, other):
            raise _port_taken(made, holder)
    _check_sockets(layout, made)


def _collide(one: Publication, other: Publication) -> bool:
    if (one.protocol, one.host_port) != (other.protocol, other.host_port):
        return False
    if one.family != other.family:
        return False
    # Without their zones: the firewall tells two of them apart by nothing else.
    here, there = (made.host_ip.partition("%")[0] for made in (one, other))
    return here in _ANY or there in _ANY or here == there


def _port_taken(made: Publication, holder: str) -> Conflict:
    where = f"{made.host_ip}:" if made.host_ip else ""
    return Conflict(
        f"port {where}{made.host_port}/{made.protocol} on the host is already in use by {holder}",
        hint="publish another port, or stop what uses it",
    )


def _check_sockets(layout: Layout, made: Publication) -> None:
    """Raise Conflict when a socket of the host has the port: binding one of our own is the test."""
    six = made.family == 6
    family = socket.AF_INET6 if six else socket.AF_INET
    kind, protocol = _TYPES[made.protocol], _PROTOCOLS[made.protocol]
    address = made.host_ip if made.host_ip not in _ANY else "::" if six else "0.0.0.0"
    try:
        probe = socket.socket(family, kind | socket.SOCK_CLOEXEC, protocol)
    except OSError as exc:
        if exc.errno in (errno.EPROTONOSUPPORT, errno.EAFNOSUPPORT, errno.ESOCKTNOSUPPORT):
            # A kernel without SCTP or IPv6 sockets has none that could be in the way.
            return
        raise
    with probe:
        try:
            if six:
                probe.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
            probe.bind(socket_address(address, made.host_port))
        except OSError as exc:
            if exc.errno == errno.EADDRINUSE:
                if made.protocol == "tcp" and _only_connections(made.host_port):
                    return
                if made.host_port == 53 and aardvark.has_alone(layout, made.protocol):
                    return
                if _proxies_alone(layout, made):
                    return
                raise _port_taken(made, _owner(made)) from exc
            if exc.errno == errno.EADDRNOTAVAIL and awaits_link(made):
                return
            if exc.errno == errno.EADDRNOTAVAIL:
                raise Error(
                    f"port {made.host_port}/{made.protocol} cannot be published on {made.host_ip}: "
                    "that is not an address of this host"
                ) from exc
            raise


def awaits_link(made: Publication) -> bool:
    """Whether a port is one of a single link, whose address may come with the link or a moment
    after it: the process that serves it waits for that.
    """
    return made.proxied and "%" in made.host_ip


def has_link(made: Publication) -> bool:
    """Whether the address of a link is there and can be bound."""
    with socket.socket(socket.AF_INET6, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as probe:
        try:
            probe.bind(socket_address(made.host_ip, 0))
        except OSError:
            return False
    return True


def socket_address(address: str, port: int) -> tuple[Union[str, int], ...]:
    """What bind(2) takes: a zone is a number in it. Raises OSError for one that is not there."""
    if "%" not in address:
        return address, port
    plain, dummy, zone = address.partition("%")
    try:
        return plain, port, 0, int(zone) if zone.isdecimal() else socket.if_nametoindex(zone)
    except OSError as exc:
        raise OSError(errno.EADDRNOTAVAIL, exc.strerror or "no such interface") from exc


def _only_connections(port: int) -> bool:
    """Whether connections alone have a TCP port of the host: of a server that is gone, which wait
    out their time, or of a client. They are in nobody's way. A socket that is bound and does not
    listen yet is in no table of the kernel.
    """
    states = set()
    for table in ("tcp", "tcp6"):
        with contextlib.suppress(OSError), open(f"/proc/thread-self/net/{table}") as lines:
            for line in list(lines)[1:]:
                fields = line.split()
                if int(fields[1].rpartition(":")[2], 16) == port:
                    states.add(fields[3])
    return bool(states) and _TCP_LISTEN not in states


def _proxies_alone(layout: Layout, made: Publication) -> bool:
    """Whether a port is that of our own proxies: of a container that the records count, or of one
    that has just ended, and its proxy is about to.
    """
    found = sockets.having(sockets.inodes(made.protocol, made.host_port))
    return bool(found) and all(_is_proxy(layout, pid) for pid in found)


def _is_proxy(layout: Layout, pid: int) -> bool:
    try:
        with open(f"/proc/{pid}/comm", "rb") as comm, open(f"/proc/{pid}/cmdline", "rb") as words:
            program = os.fsencode(layout.program)
            return comm.read().strip() == PROXY and any(
                word.startswith(program) for word in words.read().split(b"\0")
            )
    except OSError:
        return False


def _owner(made: Publication) -> str:
    """The process whose socket has a port, for the message."""
    found = sockets.having(sockets.inodes(made.protocol, made.host_port))
    return sockets.describe(next(iter(sorted(found)), 0))
