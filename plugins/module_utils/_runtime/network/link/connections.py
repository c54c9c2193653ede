# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The sockets of a network namespace, from /proc/PID/net of a process in it (proc(5)).

Reads only. Of a process that has ended there are none.
"""

from __future__ import annotations

import ipaddress
import struct
from collections.abc import Iterator

from ...base.frozen import dataclass

#: How /proc/PID/net writes the states of sockets (include/net/tcp_states.h): a TCP socket that
#: listens, a UDP socket that is not connected, and connections over which something may still come
#: or go.
_LISTEN, _UNCONNECTED = "0A", "07"
_OPEN = frozenset({"01", "03", "04", "08", "09", "0B"})


@dataclass(frozen=True)
class _Socket:
    protocol: str
    state: str
    port: int
    local: bytes
    peer: bytes


def listening(pid: int) -> frozenset[tuple[str, int]]:
    """What is listened on in the namespace of a process, as (``tcp`` or ``udp``, port), except on a
    loopback address alone.
    """
    return frozenset(
        (found.protocol, found.port)
        for found in (*_sockets(pid, "tcp"), *_sockets(pid, "udp"))
        if found.state == (_LISTEN if found.protocol == "tcp" else _UNCONNECTED)
        and not _is_loopback(found.local)
    )


def inbound(pid: int) -> int:
    """How many TCP connections others have to what is listened on in the namespace of a process.

    Those of the namespace with itself do not count, nor those that wait out their time.
    """
    found = list(_sockets(pid, "tcp"))
    ports = {one.port for one in found if one.state == _LISTEN}
    return sum(
        one.state in _OPEN and one.port in ports and not _is_loopback(one.peer) for one in found
    )


def _sockets(pid: int, protocol: str) -> Iterator[_Socket]:
    for table in (protocol, f"{protocol}6"):
        try:
            with open(f"/proc/{pid}/net/{table}", encoding="ascii") as lines:
                rows = [line.split() for line in list(lines)[1:]]
        except OSError:
            # It has ended, or the kernel has no IPv6.
            continue
        for fields in rows:
            local, port = _address(fields[1])
            yield _Socket(protocol, fields[3], port, local, _address(fields[2])[0])


def _address(text: str) -> tuple[bytes, int]:
    """Words of the host's byte order, four bytes each, and the port."""
    address, dummy, port = text.partition(":")
    words = (address[i : i + 8] for i in range(0, len(address), 8))
    return b"".join(struct.pack("=I", int(word, 16)) for word in words), int(port, 16)


def _is_loopback(packed: bytes) -> bool:
    address = ipaddress.ip_address(packed)
    mapped = getattr(address, "ipv4_mapped", None)
    return (mapped or address).is_loopback
