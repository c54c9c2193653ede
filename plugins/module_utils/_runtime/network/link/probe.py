# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is in place on the host's network, read without importing pyroute2 and without a netlink
dump.
"""

from __future__ import annotations

import array
import fcntl
import ipaddress
import os
import socket
import struct
from collections.abc import Sequence

_IFF_UP = 0x1

#: ioctl(2) on a socket, netdevice(7). A struct ifreq is a label and, here, a struct sockaddr_in.
_SIOCGIFCONF, _SIOCGIFFLAGS = 0x8912, 0x8913
_IFREQ = struct.Struct("16s4x4s16x")


def exists(name: str) -> bool:
    """Whether this network namespace has an interface of that name."""
    try:
        socket.if_nametoindex(name)
    except OSError:
        return False
    return True


def stands(name: str, addresses: Sequence[str]) -> bool:
    """Whether an interface is there, up, and has each of ``addresses`` (with prefix lengths)."""
    wanted = [ipaddress.ip_interface(address) for address in addresses]
    request = struct.pack("16s24x", name.encode())
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as probe:
        try:
            flags = struct.unpack_from("=H", fcntl.ioctl(probe, _SIOCGIFFLAGS, request), 16)[0]
            if not flags & _IFF_UP:
                return False
            four = {address.ip.packed for address in wanted if address.version == 4}
            if four and not four <= _ipv4_addresses(probe, name):
                return False
        except OSError:
            return False
    six = {address.ip.packed.hex() for address in wanted if address.version == 6}
    return not six or six <= _ipv6_addresses(name)


def _ipv4_addresses(probe: socket.socket, name: str) -> set[bytes]:
    """SIOCGIFCONF lists every IPv4 address of the host with its interface's label."""
    size = 64
    while True:
        entries = array.array("B", bytes(size * _IFREQ.size))
        place, length = entries.buffer_info()
        answer = fcntl.ioctl(probe, _SIOCGIFCONF, struct.pack("iP", length, place))
        used = struct.unpack("iP", answer)[0]
        if used < length:
            break
        # Full, so there may be more.
        size *= 4
    found = _IFREQ.iter_unpack(entries.tobytes()[:used])
    return {address for label, address in found if label.rstrip(b"\0") == name.encode()}


def is_port(name: str, bridge: str) -> bool:
    """Whether an interface of the host is there, up, and a port of that bridge."""
    try:
        with open(f"/sys/class/net/{name}/flags", encoding="ascii") as file:
            is_up = int(file.read(), 16) & _IFF_UP
        return bool(is_up) and (
            os.path.basename(os.readlink(f"/sys/class/net/{name}/master")) == bridge
        )
    except (OSError, ValueError):
        return False


def _ipv6_addresses(name: str) -> set[str]:
    try:
        with open("/proc/thread-self/net/if_inet6", "rb") as table:
            fields = [line.split() for line in table]
    except FileNotFoundError:
        return set()
    return {line[0].decode("ascii") for line in fields if line[5] == name.encode()}


def is_up(name: str) -> bool:
    """Whether an interface is there and up."""
    return stands(name, [])


def inside(pid: int) -> frozenset[str]:
    """The interfaces of a process's network namespace; none when it is gone."""
    try:
        with open(f"/proc/{pid}/net/dev", "rb") as table:
            return interfaces_in(table.read())
    except OSError:
        return frozenset()


def interfaces_in(table: bytes) -> frozenset[str]:
    """The same of such a table. Pure. A container that may, gives its interfaces any name without
    blanks, slashes and colons.
    """
    lines = table.split(b"\n")[2:-1]
    return frozenset(os.fsdecode(line.partition(b":")[0].strip()) for line in lines)
