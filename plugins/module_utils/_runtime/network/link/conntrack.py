# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Flows the kernel still sends where a published port led before.

A translation is decided with a flow's first packet. A TCP connection ends with its container, but a
UDP client that keeps sending from one port (a collector of logs or figures, a tunnel) would keep
its entry alive, and so reach a removed container, or the host's own closed port, forever.
"""

from __future__ import annotations

import errno
import socket
import struct
from collections.abc import Collection, Iterator

from ...spec.network import Publication
from . import netlink

#: linux/netfilter/nfnetlink_conntrack.h.
_GET, _DELETE = (1 << 8) | 1, (1 << 8) | 2
_TUPLE_ORIG, _TUPLE_REPLY, _ID, _FILTER = 1, 2, 12, 25
_TUPLE_IP, _TUPLE_PROTO = 1, 2
_SOURCE, _DESTINATION = {4: 1, 6: 3}, {4: 2, 6: 4}
_PROTO_NUM, _PROTO_SOURCE_PORT, _PROTO_DESTINATION_PORT = 1, 2, 3
_FILTER_ORIG_FLAGS = 1
#: Which fields of a tuple a dump is filtered by: CTA_FILTER_F_* of the kernel's nf_internals.h.
_BY_PROTOCOL_AND_PORT = (1 << 3) | (1 << 5)
_NESTED = 0x8000

#: How many flows are forgotten at once: the answers have to fit into the socket's buffer.
_AT_ONCE = 64

_PROTOCOLS = {"udp": socket.IPPROTO_UDP}


#: A flow as the kernel tracks it: its address family, its tuple and its id, as netlink writes them.
Flow = tuple[int, bytes, bytes]


def forget_stale(publications: Collection[Publication]) -> int:
    """Forget the flows to published UDP ports that lead elsewhere. Returns how many there were."""
    count = 0
    for publication in publications:
        if publication.protocol in _PROTOCOLS:
            with netlink.Conversation(netlink.NETFILTER) as conversation:
                stale = list(_stale(conversation, publication))
                for first in range(0, len(stale), _AT_ONCE):
                    some = enumerate(stale[first : first + _AT_ONCE], 1)
                    conversation.exchange([_deletion(number, *flow) for number, flow in some])
                count += len(stale)
    return count


def _stale(conversation: netlink.Conversation, publication: Publication) -> Iterator[Flow]:
    """The flows to a published port that were not translated to its container.

    Kernels before 5.8 do not know the filter and name all flows.
    """
    family = 6 if ":" in publication.container_ip else 4
    kind = socket.AF_INET6 if family == 6 else socket.AF_INET
    port = struct.pack("!H", publication.host_port)
    protocol = bytes((_PROTOCOLS[publication.protocol],))
    fields = netlink.attribute(_PROTO_NUM, protocol)
    fields += netlink.attribute(_PROTO_DESTINATION_PORT, port)
    wanted = _nested(_TUPLE_ORIG, _nested(_TUPLE_PROTO, fields))
    flags = netlink.attribute(_FILTER_ORIG_FLAGS, struct.pack("=I", _BY_PROTOCOL_AND_PORT))
    question = bytes((kind, 0, 0, 0)) + wanted + _nested(_FILTER, flags)
    asked = netlink.NLM_F_REQUEST | netlink.NLM_F_DUMP
    local: dict[bytes, bool] = {}
    for answer in conversation.dump(netlink.message(_GET, asked, 1, question)):
        found = netlink.attributes(answer[4:])
        tuple_ = found.get(_TUPLE_ORIG, b"")
        to, number, to_port = _side(tuple_, _DESTINATION[family], _PROTO_DESTINATION_PORT)
        source, dummy, source_port = _side(
            found.get(_TUPLE_REPLY, b""), _SOURCE[family], _PROTO_SOURCE_PORT
        )
        if answer[0] != kind or number != protocol or to_port != port:
            continue
        translated = source == socket.inet_pton(
            kind, publication.container_ip
        ) and source_port == struct.pack("!H", publication.container_port)
        if not translated and local.setdefault(to, _is_local(kind, to)):
            yield kind, tuple_, found.get(_ID, b"")


def _side(tuple_: bytes, address: int, port: int) -> tuple[bytes, bytes, bytes]:
    """An address, the protocol and a port of a tuple."""
    fields = netlink.attributes(tuple_)
    protocol = netlink.attributes(fields.get(_TUPLE_PROTO, b""))
    addresses = netlink.attributes(fields.get(_TUPLE_IP, b""))
    return addresses.get(address, b""), protocol.get(_PROTO_NUM, b""), protocol.get(port, b"")


def _is_local(kind: int, address: bytes) -> bool:
    """Whether an address is this host's own: others' flows only pass through."""
    with socket.socket(kind, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as probe:
        try:
            probe.bind((socket.inet_ntop(kind, address), 0))
        except (OSError, ValueError):
            return False
    return True


def _deletion(number: int, kind: int, tuple_: bytes, identity: bytes) -> netlink.Request:
    body = bytes((kind, 0, 0, 0)) + _nested(_TUPLE_ORIG, tuple_)
    body += netlink.attribute(_ID, identity) if identity else b""
    flags = netlink.NLM_F_REQUEST | netlink.NLM_F_ACK
    return netlink.Request(
        netlink.message(_DELETE, flags, number, body), "delete a connection", (errno.ENOENT,)
    )


def _nested(kind: int, value: bytes) -> bytes:
    return netlink.attribute(kind | _NESTED, value)
