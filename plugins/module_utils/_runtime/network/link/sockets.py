# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Who has a port of the host, as far as /proc tells (proc(5))."""

from __future__ import annotations

import contextlib
import os
import struct
from collections.abc import Collection, Iterator


def describe(pid: int) -> str:
    """A process by number and name, for messages; 0 is one that cannot be seen."""
    with contextlib.suppress(OSError), open(f"/proc/{pid}/comm", "rb") as comm:
        # A process calls itself as it likes.
        return f"process {pid} ({comm.read().strip().decode('utf-8', 'replace')})"
    return "another program"


def inodes(protocol: str, port: int, addresses: Collection[bytes] = ()) -> set[str]:
    """The sockets on a port of these addresses, as links of /proc/PID/fd name them; () is all."""
    return {
        f"socket:[{inode}]"
        for table in (protocol, f"{protocol}6")
        for local, inode in _sockets(table, port)
        if not addresses or local in addresses
    }


def having(sockets: Collection[str]) -> set[int]:
    """The processes that have one of these sockets open."""
    pids = map(int, filter(str.isdecimal, os.listdir("/proc"))) if sockets else ()
    return {pid for pid in pids if has_open(pid, sockets)}


def has_open(pid: int, sockets: Collection[str]) -> bool:
    """Whether a process has one of these sockets open."""
    try:
        descriptors = os.listdir(f"/proc/{pid}/fd")
    except OSError:
        return False
    for descriptor in descriptors:
        with contextlib.suppress(OSError):
            if os.readlink(f"/proc/{pid}/fd/{descriptor}") in sockets:
                return True
    return False


def _sockets(table: str, wanted: int) -> Iterator[tuple[bytes, str]]:
    """The address and the inode of every socket on a port."""
    with contextlib.suppress(OSError), open(f"/proc/thread-self/net/{table}") as lines:
        for line in list(lines)[1:]:
            fields = line.split()
            text, dummy, port = fields[1].partition(":")
            if int(port, 16) == wanted:
                # Words of the host's byte order, four bytes each.
                words = (text[i : i + 8] for i in range(0, len(text), 8))
                yield b"".join(struct.pack("=I", int(word, 16)) for word in words), fields[9]
