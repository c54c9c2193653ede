# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Addresses: which subnets a network may have, and which container holds which address of it.

A lease is a symbolic link ``networks/<id>/leases/<address>`` whose target is the container's id:
made in one system call that fails if the address is taken, so no two processes assign the same one
and no crash leaves half a lease. It belongs to the container, not to its run, and so do its
addresses. A target ending in ``/static`` was requested explicitly.
"""

from __future__ import annotations

import contextlib
import hashlib
import ipaddress
import itertools
import os
import socket
import sys
from collections.abc import Iterable, Iterator, Mapping
from typing import Optional, Union

from ..base import files
from ..base.errors import Conflict, Error
from ..base.frozen import dataclass
from ..base.layout import Layout
from ..spec.network import Network, Pool

Address = Union[ipaddress.IPv4Address, ipaddress.IPv6Address]
Block = Union[ipaddress.IPv4Network, ipaddress.IPv6Network]

_STATIC = "/static"

#: Docker's default address pools: (base, prefix length of each subnet).
_DEFAULT_POOLS = (
    ("172.17.0.0/16", 16),
    ("172.18.0.0/16", 16),
    ("172.19.0.0/16", 16),
    ("172.20.0.0/14", 16),
    ("172.24.0.0/14", 16),
    ("172.28.0.0/14", 16),
    ("192.168.0.0/16", 20),
)


@dataclass(frozen=True)
class Addresses:
    """What a container was given on a network: addresses with prefix lengths, "" for none."""

    ipv4: str = ""
    ipv4_gateway: str = ""
    ipv6: str = ""
    ipv6_gateway: str = ""


def acquire(
    layout: Layout, network: Network, container_id: str, ipv4: str = "", ipv6: str = ""
) -> Addresses:
    """Give a container its addresses on a network: those it asks for, holds already, or free ones.

    The leases are on disk when this returns. Raises Conflict naming the holder of an address that
    was asked for, and Error when it is outside the network or nothing is free.
    """
    held = holders(layout, network.id)
    found: dict[int, tuple[str, str]] = {}
    for family, wanted in ((4, ipv4), (6, ipv6)):
        pools = [pool for pool in network.spec.pools if _block(pool.subnet).version == family]
        if not pools:
            if wanted:
                raise Error(
                    f"the network {network.spec.name} has no IPv{family} subnet, "
                    f"so a container cannot have {wanted} on it"
                )
            continue
        own = [a for a, holder in held.items() if holder == container_id and _version(a) == family]
        address = _settle(layout, network, container_id, pools, wanted, own)
        pool = _pool_of(pools, address)
        found[family] = (f"{address}/{_block(pool.subnet).prefixlen}", pool.gateway)
    four, six = found.get(4, ("", "")), found.get(6, ("", ""))
    if network.spec.internal:
        # The bridge keeps its address, but nobody is told of a way out that is none.
        four, six = (four[0], ""), (six[0], "")
    return Addresses(four[0], four[1], six[0], six[1])


def _settle(
    layout: Layout,
    network: Network,
    container_id: str,
    pools: list[Pool],
    wanted: str,
    own: list[str],
) -> str:
    if wanted:
        address = _claim_static(layout, network, container_id, pools, wanted)
        for other in own:
            if other != address:
                _drop(layout, network.id, other)
        return address
    within = [a for a in own if any(ipaddress.ip_address(a) in _block(p.subnet) for p in pools)]
    if within:
        return min(within, key=ipaddress.ip_address)
    return _claim_free(layout, network, container_id, pools)


@dataclass(frozen=True)
class Lease:
    """An address and the container that holds it; ``static`` when that asked for it by name."""

    address: str
    container_id: str
    static: bool


def leases(layout: Layout, network_id: str) -> list[Lease]:
    """Every lease of a network, in no order."""
    return [
        Lease(address, target.partition("/")[0], target.endswith(_STATIC))
        for address, target in _leases(layout, network_id)
    ]


def holders(layout: Layout, network_id: str) -> dict[str, str]:
    """Every leased address of a network and the id of the container that holds it."""
    return {address: target.partition("/")[0] for address, target in _leases(layout, network_id)}


def _leases(layout: Layout, network_id: str) -> Iterator[tuple[str, str]]:
    directory = layout.network(network_id) / "leases"
    try:
        names = os.listdir(directory)
    except FileNotFoundError:
        return
    for name in names:
        # A file or a directory is nobody's lease.
        with contextlib.suppress(OSError):
            yield name, os.readlink(directory / name)


def held_by(layout: Layout, network_id: str, container_id: str) -> list[str]:
    """The addresses a container holds on a network."""
    return [a for a, holder in holders(layout, network_id).items() if holder == container_id]


def is_held(layout: Layout, network_id: str, address: str, container_id: str) -> bool:
    """Whether a container has the lease of an address. Reads one link."""
    try:
        target = os.readlink(layout.network(network_id) / "leases" / address)
    except OSError:
        return False
    return target.partition("/")[0] == container_id


def release(layout: Layout, network_id: str, container_id: str) -> None:
    """Give back every address a container holds on a network; none is a success."""
    for address in held_by(layout, network_id, container_id):
        _drop(layout, network_id, address)


def keep_within(layout: Layout, network: Network) -> None:
    """Release the leases of addresses that a network no longer has."""
    blocks = [_block(pool.subnet) for pool in network.spec.pools]
    for address in holders(layout, network.id):
        if not any(ipaddress.ip_address(address) in block for block in blocks):
            _drop(layout, network.id, address)


def misfit(address: str, pools: Iterable[Pool]) -> str:
    """Why an address cannot be had in these pools, in words; "" when it can. Pure."""
    parsed = ipaddress.ip_address(address)
    for pool in pools:
        if parsed in _block(pool.subnet):
            reserved = reservations(pool).get(parsed)
            return f"is {reserved} there" if reserved else ""
    return "is not in any of its subnets"


def _drop(layout: Layout, network_id: str, address: str) -> None:
    with contextlib.suppress(FileNotFoundError):
        os.unlink(layout.network(network_id) / "leases" / address)


def _claim(layout: Layout, network: Network, address: str, target: str) -> bool:
    """Make a lease and its name durable; False when somebody has the address."""
    directory = layout.network(network.id) / "leases"
    try:
        os.symlink(target, directory / address)
    except FileExistsError:
        return False
    except FileNotFoundError as exc:
        raise Error(f"the network {network.spec.name} was removed in the meantime") from exc
    files.fsync_dir(directory)
    return True


def _claim_static(
    layout: Layout, network: Network, container_id: str, pools: list[Pool], wanted: str
) -> str:
    try:
        parsed = ipaddress.ip_address(wanted)
    except ValueError as exc:
        raise Error(f"{wanted!r} is not an IP address") from exc
    for pool in pools:
        if parsed in _block(pool.subnet):
            break
    else:
        subnets = ", ".join(pool.subnet for pool in pools)
        raise Error(
            f"the address {parsed} is not in the network {network.spec.name} ({subnets})",
            hint="choose an address in one of its subnets",
        )
    reserved = reservations(pool)
    if parsed in reserved:
        raise Conflict(
            f"the address {parsed} of the network {network.spec.name} is not available: "
            f"it is {reserved[parsed]}"
        )
    address = str(parsed)
    if _claim(layout, network, address, container_id + _STATIC):
        return address
    with contextlib.suppress(FileNotFoundError):
        holder = os.readlink(layout.network(network.id) / "leases" / address).partition("/")[0]
        if holder == container_id:
            return address
        raise Conflict(
            f"the address {address} of the network {network.spec.name} "
            f"is in use by container {_name(layout, holder)}"
        )
    # It was given back between the two calls.
    return _claim_static(layout, network, container_id, pools, wanted)


def _name(layout: Layout, container_id: str) -> str:
    """A container's name for a message, found through the names' links; its short id otherwise."""
    with contextlib.suppress(OSError):
        for name in os.listdir(layout.names):
            if os.readlink(layout.names / name) == container_id:
                return name
    return container_id[:12]


def _claim_free(layout: Layout, network: Network, container_id: str, pools: list[Pool]) -> str:
    """The next free address after the last one given, then from the start: reuse comes late."""
    leases = dict(_leases(layout, network.id))
    for pool in pools:
        last = max(
            (
                ipaddress.ip_address(address)
                for address, target in leases.items()
                if not target.endswith(_STATIC)
                and ipaddress.ip_address(address) in _block(pool.subnet)
            ),
            key=int,
            default=None,
        )
        for candidate in candidates(pool, last):
            address = str(candidate)
            if address not in leases and _claim(layout, network, address, container_id):
                return address
    subnets = ", ".join(pool.ip_range or pool.subnet for pool in pools)
    raise Error(
        f"the network {network.spec.name} has no free address left in {subnets}",
        hint="remove containers, or use a network with a larger subnet",
    )


def candidates(pool: Pool, last: Optional[Address]) -> Iterator[Address]:
    """Every address a pool may give away, in the order of trial: after ``last``, then before."""
    block = _block(pool.ip_range or pool.subnet)
    reserved = reservations(pool)
    low, high = int(block.network_address), int(block.broadcast_address)
    start = int(last) + 1 if last is not None and low <= int(last) < high else low
    kind = type(block.network_address)
    for number in itertools.chain(range(start, high + 1), range(low, start)):
        address = kind(number)
        if address not in reserved:
            yield address


def reservations(pool: Pool) -> Mapping[Address, str]:
    """The addresses of a subnet that no container gets, and what each is instead."""
    block = _block(pool.subnet)
    found: dict[Address, str] = {}
    if block.version == 6 or block.prefixlen < 31:
        found[block.network_address] = "the subnet's own address"
    if block.version == 4 and block.prefixlen < 31:
        found[block.broadcast_address] = "the broadcast address"
    if pool.gateway:
        found[ipaddress.ip_address(pool.gateway)] = "the gateway"
    for name, address in pool.aux_addresses.items():
        found[ipaddress.ip_address(address)] = f"reserved for {name}"
    return found


def mac_address(address: str) -> str:
    """Docker's deterministic MAC address of an address: 02:42 and its last four octets.

    So a container that takes over an address takes over the neighbours' cache entries with it.
    """
    packed = ipaddress.ip_interface(address).ip.packed[-4:]
    return ":".join(f"{octet:02x}" for octet in (0x02, 0x42, *packed))


def free_pool(taken: Iterable[str]) -> Optional[Pool]:
    """The first of the default subnets that overlaps none of ``taken``; None when all do. Pure."""
    blocks = [_block(subnet) for subnet in taken]
    for base, length in _DEFAULT_POOLS:
        for subnet in _block(base).subnets(new_prefix=length):
            if not any(overlaps(subnet, block) for block in blocks):
                return Pool(str(subnet), str(subnet.network_address + 1))
    return None


def free_pool6(prefix: str, taken: Iterable[str]) -> Optional[Pool]:
    """The first /64 of a host's unique local prefix that overlaps none of ``taken``. Pure."""
    blocks = [_block(subnet) for subnet in taken if ":" in subnet]
    for subnet in _block(prefix).subnets(new_prefix=64):
        if not any(overlaps(subnet, block) for block in blocks):
            return Pool(str(subnet), str(subnet.network_address + 1))
    return None


def local_prefix(machine: str) -> str:
    """The /48 of unique local addresses (RFC 4193) that a machine's networks get theirs from, by
    its machine-id: the same on every run, and different from one host to the next.
    """
    digest = hashlib.sha256(f"slipway ipv6 {machine}".encode()).digest()
    return f"{ipaddress.IPv6Address(bytes((0xFD, *digest[:5])) + bytes(10))}/48"


def machine_id() -> str:
    """What tells this host from others; its name where it has no machine-id(5)."""
    for path in ("/etc/machine-id", "/var/lib/dbus/machine-id"):
        found = _read(path).decode("ascii").strip()
        if found:
            return found
    return socket.gethostname()


def overlaps(one: Block, other: Block) -> bool:
    """Whether two blocks share addresses; those of different families do not."""
    return one.version == other.version and one.overlaps(other)


def host_routes(ignore: Iterable[str] = ()) -> list[tuple[str, str]]:
    """The host's routed subnets and their interfaces, less default routes and ``ignore``d ones."""
    ignored = {*ignore, "lo"}
    found = [*_routes4(), *_routes6()]
    return [(subnet, interface) for subnet, interface in found if interface not in ignored]


def _routes4() -> Iterator[tuple[str, str]]:
    return routes4_in(_read("/proc/thread-self/net/route"))


def routes4_in(table: bytes) -> Iterator[tuple[str, str]]:
    """The routed subnets in such a table, and their interfaces, whose names may hold any byte."""
    for line in table.split(b"\n")[1:-1]:
        fields = line.split()
        # Addresses are written as numbers of the host's byte order.
        address, mask = (int(fields[i], 16).to_bytes(4, sys.byteorder) for i in (1, 7))
        length = bin(int.from_bytes(mask, "big")).count("1")
        if length:
            yield f"{ipaddress.IPv4Address(address)}/{length}", os.fsdecode(fields[0])


def _routes6() -> Iterator[tuple[str, str]]:
    return routes6_in(_read("/proc/thread-self/net/ipv6_route"))


def routes6_in(table: bytes) -> Iterator[tuple[str, str]]:
    """The same for IPv6."""
    for line in table.split(b"\n")[:-1]:
        fields = line.split()
        address = ipaddress.IPv6Address(bytes.fromhex(fields[0].decode("ascii")))
        length = int(fields[1], 16)
        if length and not address.is_link_local and not address.is_multicast:
            yield f"{address}/{length}", os.fsdecode(fields[9])


def _read(path: str) -> bytes:
    try:
        with open(path, "rb") as table:
            return table.read()
    except FileNotFoundError:
        return b""


def _block(subnet: str) -> Block:
    return ipaddress.ip_network(subnet)


def _version(address: str) -> int:
    return 6 if ":" in address else 4


def _pool_of(pools: list[Pool], address: str) -> Pool:
    parsed = ipaddress.ip_address(address)
    return next(pool for pool in pools if parsed in _block(pool.subnet))
