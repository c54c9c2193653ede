# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A container on its networks: leases on disk first, then links, then names.

``attach`` settles what a container has on each network, on disk before anything is made of it.
``prepare_files`` writes the three files of names. ``connect`` makes the links, once the OCI runtime
has made the network namespace. ``release`` gives the leases back when the container is removed; the
links need no undoing, they vanish with the namespace.
"""

from __future__ import annotations

import socket
from collections.abc import Sequence
from pathlib import Path

from .. import files
from ..container.record import Record
from ..container.spec import Endpoint
from ..errors import Error
from ..layout import Layout
from . import dns, lease, link, publish, record
from .spec import Attachment, Network, NetworkSpec

#: The lock under which networks are made, changed and removed: their subnets concern one another.
LOCK = ("network", "all")


def attach(
    layout: Layout, container_id: str, endpoints: Sequence[Endpoint], network_mode: str = ""
) -> tuple[Attachment, ...]:
    """Give a container its addresses on every network it declares, or on the default one.

    Doing it again gives the same answer for as long as the container exists. A container in the
    mode host, none or container:NAME has no network of its own. Raises NotFound for a network that
    does not exist, Conflict for an address somebody else holds; leases made on the way are given
    back.
    """
    if network_mode:
        return ()
    wanted = endpoints or (Endpoint(record.DEFAULT),)
    networks = [_network(layout, endpoint.network) for endpoint in wanted]
    for network in networks:
        if network.spec.driver != "bridge":
            raise Error(
                f"a container cannot join the network {network.spec.name} by name",
                hint=f"set network_mode: {network.spec.name} instead",
            )
    before = {n.id: lease.held_by(layout, n.id, container_id) for n in networks}
    try:
        return tuple(
            _attachment(layout, container_id, number, endpoint, network)
            for number, (endpoint, network) in enumerate(zip(wanted, networks))
        )
    except BaseException:
        for network in networks:
            if not before[network.id]:
                lease.release(layout, network.id, container_id)
        raise


def _network(layout: Layout, name: str) -> Network:
    network = record.read(layout, name)
    if network.spec.name != record.DEFAULT or network.spec.pools:
        return network
    with files.lock(layout.lock(*LOCK)):
        network = record.read(layout, name)
        return network if network.spec.pools else _make_default(layout)


def _make_default(layout: Layout) -> Network:
    """Record the network ``bridge`` on its first use, with a subnet the host has free."""
    taken = [pool.subnet for n in record.networks(layout) for pool in n.spec.pools]
    taken += [subnet for subnet, dummy in lease.host_routes()]
    pool = lease.free_pool(taken)
    if pool is None:
        raise Error(
            "no subnet is free for the network bridge: all default ones overlap networks or routes",
            hint="declare the network bridge with a subnet of your own",
        )
    network = record.make(NetworkSpec(record.DEFAULT, pools=(pool,)))
    record.write(layout, network)
    return network


def _attachment(
    layout: Layout, container_id: str, number: int, endpoint: Endpoint, network: Network
) -> Attachment:
    for alias in endpoint.aliases:
        dns.check_host_name(alias)
    addresses = lease.acquire(
        layout, network, container_id, endpoint.ipv4_address, endpoint.ipv6_address
    )
    return Attachment(
        network_id=network.id,
        network=network.spec.name,
        bridge=network.bridge,
        host_link=host_link(container_id, number),
        interface=f"eth{number}",
        mac_address=endpoint.mac_address or lease.mac_address(addresses.ipv4 or addresses.ipv6),
        ipv4_address=addresses.ipv4,
        ipv4_gateway=addresses.ipv4_gateway,
        ipv6_address=addresses.ipv6,
        ipv6_gateway=addresses.ipv6_gateway,
        mtu=record.mtu(network),
        aliases=endpoint.aliases,
    )


def host_link(container_id: str, number: int) -> str:
    """The name of a container's veth end on the host: at most 15 bytes, the same after a crash."""
    return f"sv{container_id[:10]}{number}"


def raise_bridges(layout: Layout, attachments: Sequence[Attachment]) -> None:
    """Make the bridges of these attachments stand, and the host forward; quick when they do."""
    for attachment in attachments:
        network = record.read(layout, attachment.network_id)
        link.ensure_bridge(network.bridge, record.bridge_addresses(network), record.mtu(network))


def connect(layout: Layout, pid: int, attachments: Sequence[Attachment]) -> None:
    """Give the network namespace of a process what its attachments say, lo first.

    A link that stands is left alone, so this repairs a running container as well. ``attachments``
    are all that the container has. On failure no new host link is left.
    """
    raise_bridges(layout, attachments)
    link.connect(pid, attachments)


def damage(layout: Layout, found: Record, rules: bool = True) -> tuple[str, ...]:
    """What a running container lost of its network on the host, in words; () when all stands.

    Without ``rules`` the firewall does not count: an earlier task of a check-mode run restores it.
    """
    lost = []
    for attachment in found.attachments:
        network = record.find(layout, attachment.network_id)
        if network is None:
            lost.append(f"its network {attachment.network} is gone")
        elif not link.stands(network.bridge, record.bridge_addresses(network)):
            lost.append(f"the bridge {network.bridge} of the network {attachment.network}")
        elif not link.is_port(attachment.host_link, attachment.bridge):
            lost.append(f"its link to the network {attachment.network}")
    if rules and found.attachments and not publish.standing(layout):
        lost.append("the firewall")
    return tuple(lost)


def release(layout: Layout, found: Record) -> None:
    """Give back every lease of a container that is removed, on any network; none is a success."""
    for network in record.networks(layout):
        lease.release(layout, network.id, found.id)


def prepare_files(
    layout: Layout,
    container_id: str,
    hostname: str,
    attachments: Sequence[Attachment],
    network_mode: str = "",
) -> None:
    """Write ``hosts``, ``hostname`` and ``resolv.conf`` below the container's directory.

    They are files of the host with mode 0644, to be bind-mounted. In the mode host they are copies
    of the host's own. Peers come with ``publish.synchronise``.
    """
    directory = layout.container(container_id)
    resolv = dns.read(Path("/etc/resolv.conf"))
    if network_mode == "host":
        dns.write_in_place(directory / "hosts", dns.read(Path("/etc/hosts")))
        dns.write_in_place(directory / "hostname", f"{hostname or socket.gethostname()}\n")
        dns.write_in_place(directory / "resolv.conf", resolv)
        return
    hostname = hostname or container_id[:12]
    dns.check_host_name(hostname)
    own = []
    for attachment in attachments:
        for address in (attachment.ipv4_address, attachment.ipv6_address):
            if address:
                own.append(dns.Entry(address.partition("/")[0], _host_names(hostname)))
    offline = not any(a.ipv4_gateway or a.ipv6_gateway for a in attachments)
    dns.write_in_place(directory / "hosts", dns.hosts(own))
    dns.write_in_place(directory / "hostname", f"{hostname}\n")
    dns.write_in_place(
        directory / "resolv.conf", dns.resolv_conf(resolv, dns.read(dns.RESOLVED), offline)
    )


def _host_names(hostname: str) -> tuple[str, ...]:
    """A full name is followed by its first part, as Docker writes it."""
    short = hostname.partition(".")[0]
    return (hostname,) if short == hostname else (hostname, short)
