# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Serving published ports that the kernel cannot forward: between IPv6 and IPv4, and from an
address of one link alone. One process per container, a child of the watcher, runs this.

The container sees the host as its client. Who may use a port is decided as the firewall does for
the others: by its scope, and always the host and its containers.
"""

from __future__ import annotations

import asyncio
import contextlib
import ipaddress
import socket
import struct
import time
from collections.abc import Sequence
from typing import Callable, Optional, Union

from ..base.layout import Layout
from ..records import network_record
from ..spec.network import Publication
from .firewall.elements import scope_networks
from .port import awaits_link, has_link, socket_address

#: How long a client of a UDP port is remembered without a word, and how many are. Seconds.
_UDP_IDLE_S, _UDP_CLIENTS = 90.0, 1024
#: How often a port is tried that is not free yet. Seconds.
_AGAIN_S = 0.1
#: How often the address of a link is looked for that is not there. Seconds.
_LINK_S = 1.0
_CONNECT_S = 30.0
_CHUNK = 65536
#: Messages of sockets about the address of a packet (ip(7), ipv6(7)); older Pythons lack some.
_IP_PKTINFO, _IPV6_RECVPKTINFO, _IPV6_PKTINFO = 8, 49, 50


def serve(
    layout: Layout,
    publications: Sequence[Publication],
    ended: Sequence[int],
    ready: Callable[[], None],
) -> None:
    """Serve until a descriptor of ``ended`` is readable; ``ready`` is called once all ports are
    open, but for those of a link that is not there. A port that is in use is waited for.
    """
    asyncio.run(_serve(layout, publications, ended, ready))


async def _serve(
    layout: Layout,
    publications: Sequence[Publication],
    ended: Sequence[int],
    ready: Callable[[], None],
) -> None:
    loop = asyncio.get_running_loop()
    over = asyncio.Event()
    for fd in ended:
        loop.add_reader(fd, over.set)
    opening = loop.create_task(_open(layout, publications, ready))
    await over.wait()
    # Connections end with the process, as they do with the container's.
    opening.cancel()


async def _open(
    layout: Layout, publications: Sequence[Publication], ready: Callable[[], None]
) -> None:
    kept: list[_Datagrams] = []
    later = []
    for publication in publications:
        if awaits_link(publication) and not has_link(publication):
            task = _open_one(layout, publication, kept, _LINK_S)
            later.append(asyncio.get_running_loop().create_task(task))
        else:
            await _open_one(layout, publication, kept, _AGAIN_S)
    ready()
    while True:
        await asyncio.sleep(_UDP_IDLE_S / 3)
        for one in kept:
            one.forget_idle()


async def _open_one(
    layout: Layout, publication: Publication, kept: list[_Datagrams], again_s: float
) -> None:
    bound = _bound(publication)
    while bound is None:
        await asyncio.sleep(again_s)
        bound = _bound(publication)
    if publication.protocol == "udp":
        kept.append(_Datagrams(layout, publication, bound))
    else:
        await asyncio.start_server(_Stream(layout, publication).meet, sock=bound)


def _bound(publication: Publication) -> Optional[socket.socket]:
    """A socket on the host's side of a publication; None while that is not to be had."""
    six = publication.family == 6
    udp = publication.protocol == "udp"
    made = socket.socket(
        socket.AF_INET6 if six else socket.AF_INET,
        (socket.SOCK_DGRAM if udp else socket.SOCK_STREAM) | socket.SOCK_NONBLOCK,
    )
    try:
        if six:
            made.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        if not udp:
            made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        elif six:
            made.setsockopt(socket.IPPROTO_IPV6, _IPV6_RECVPKTINFO, 1)
        else:
            made.setsockopt(socket.IPPROTO_IP, _IP_PKTINFO, 1)
        made.bind(socket_address(publication.host_ip, publication.host_port))
        if not udp:
            made.listen(128)
    except OSError:
        made.close()
        return None
    return made


def admits(layout: Layout, publication: Publication, address: str, local: bool) -> bool:
    """Whether a client may use a publication; ``local`` is whether its address is the host's."""
    if local or not publication.scope:
        return True
    client = ipaddress.ip_address(address.partition("%")[0])
    allowed = scope_networks(publication.family, publication.scope)
    pools = (pool.subnet for n in network_record.networks(layout) for pool in n.spec.pools)
    return any(client in ipaddress.ip_network(block, strict=False) for block in (*allowed, *pools))


def _is_local(address: tuple[Union[str, int], ...], six: bool) -> bool:
    """Whether an address is one of this host: only those can be bound."""
    with socket.socket(socket.AF_INET6 if six else socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.bind((address[0], 0, *address[2:]))
        except OSError:
            return False
    return True


def _admitted(
    layout: Layout, publication: Publication, client: tuple[Union[str, int], ...]
) -> bool:
    local = bool(publication.scope) and _is_local(client, publication.family == 6)
    return admits(layout, publication, str(client[0]), local)


class _Stream:
    """A published TCP port."""

    def __init__(self, layout: Layout, publication: Publication) -> None:
        self._layout = layout
        self._publication = publication

    async def meet(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Carry one connection; what the other side closes or breaks is closed or broken here."""
        goal = self._publication
        ends = [writer]
        try:
            if not _admitted(self._layout, goal, writer.get_extra_info("peername")):
                raise ConnectionRefusedError
            answers, asked = await asyncio.wait_for(
                asyncio.open_connection(goal.container_ip, goal.container_port), _CONNECT_S
            )
            ends.append(asked)
            for end in ends:
                plain = end.get_extra_info("socket")
                plain.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
                plain.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            await asyncio.gather(_carry(reader, asked), _carry(answers, writer))
            for end in ends:
                end.close()
        except (OSError, asyncio.TimeoutError, TypeError):
            # TypeError: it is gone already, so it has no name.
            for end in ends:
                end.transport.abort()


async def _carry(source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
    while True:
        data = await source.read(_CHUNK)
        if not data:
            break
        sink.write(data)
        await sink.drain()
    sink.write_eof()


class _Datagrams:
    """A published UDP port: a socket towards the container for each client."""

    def __init__(self, layout: Layout, publication: Publication, bound: socket.socket) -> None:
        self._layout = layout
        self._publication = publication
        self._bound = bound
        self._loop = asyncio.get_running_loop()
        #: By the client and the address it sent to: its socket, and when it was used (monotonic).
        self._flows: dict[tuple[object, ...], tuple[socket.socket, list[float]]] = {}
        self._loop.add_reader(bound.fileno(), self._ask)

    def _ask(self) -> None:
        with contextlib.suppress(OSError):
            data, ancillary, dummy, client = self._bound.recvmsg(_CHUNK, 128)
            towards = tuple(
                (level, kind, _without_link(kind, bytes(content)))
                for level, kind, content in ancillary
                if kind in (_IP_PKTINFO, _IPV6_PKTINFO)
            )
            key = (client, towards)
            if key not in self._flows:
                if not _admitted(self._layout, self._publication, client):
                    return
                self._begin(key)
            flow, used = self._flows[key]
            used[0] = time.monotonic()
            flow.send(data)

    def _begin(self, key: tuple[object, ...]) -> None:
        if len(self._flows) >= _UDP_CLIENTS:
            self._end(min(self._flows, key=lambda known: self._flows[known][1][0]))
        goal = self._publication
        six = ":" in goal.container_ip
        kind = socket.SOCK_DGRAM | socket.SOCK_NONBLOCK
        flow = socket.socket(socket.AF_INET6 if six else socket.AF_INET, kind)
        try:
            flow.connect((goal.container_ip, goal.container_port))
        except OSError:
            flow.close()
            raise
        self._flows[key] = (flow, [time.monotonic()])
        self._loop.add_reader(flow.fileno(), lambda: self._answer(flow, *key))

    def _answer(self, flow: socket.socket, client: object, towards: object) -> None:
        with contextlib.suppress(OSError):
            # From the address that was asked, which matters where the port is on all of them.
            self._bound.sendmsg([flow.recv(_CHUNK)], towards, 0, client)  # type: ignore[arg-type]

    def _end(self, key: tuple[object, ...]) -> None:
        flow, dummy = self._flows.pop(key)
        self._loop.remove_reader(flow.fileno())
        flow.close()

    def forget_idle(self) -> None:
        now = time.monotonic()
        for key in [k for k, (dummy, used) in self._flows.items() if now - used[0] > _UDP_IDLE_S]:
            self._end(key)


def _without_link(kind: int, content: bytes) -> bytes:
    """The address a packet was sent to, without its link: the answer takes the route it has.

    struct in_pktinfo begins with the number of the link, struct in6_pktinfo ends with it. Of the
    former the local address is the second field.
    """
    if kind == _IPV6_PKTINFO:
        return content[:16] + struct.pack("=I", 0)
    return struct.pack("=I", 0) + content[4:]
