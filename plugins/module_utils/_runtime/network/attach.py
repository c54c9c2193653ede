# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A container on its networks: leases on disk first, then links, then names.

``attach`` settles what a container has on each network, on disk before anything is created.
``connect`` makes the links, once the OCI runtime has made the network namespace. ``release`` gives
the leases back when the container is removed; the links need no cleanup, they vanish with the
namespace.
"""

from __future__ import annotations

import itertools
from collections.abc import Collection, Sequence
from typing import Callable

from ..base import files
from ..base.errors import Error, NotFound
from ..base.layout import Layout
from ..plan.plan import Host
from ..records import foreseen, network_record
from ..records.container_record import Record
from ..spec.container import Endpoint
from ..spec.network import (
    INTERFACE_OPTION,
    SYSCTLS_OPTION,
    Attachment,
    Network,
    NetworkSpec,
    endpoint_sysctls,
)
from . import lease, synchronise
from .link import container_side, host_side, probe
from .names import etc_files

#: The lock under which networks are made, changed and removed: their subnets concern one another.
LOCK = ("network", "all")


def attach(
    layout: Layout,
    container_id: str,
    endpoints: Sequence[Endpoint],
    network_mode: str = "",
    standing: Sequence[Attachment] = (),
) -> tuple[Attachment, ...]:
    """Give a container its addresses on every network it declares, or on the default one.

    Doing it again gives the same answer for as long as the container exists. Names of links are
    those of ``standing``, what a running container has, and the next free ones. A container in the
    mode host, none or container:NAME has no network of its own. Raises NotFound for a network that
    does not exist, Conflict for an address somebody else holds; leases made on the way are given
    back.
    """
    if network_mode:
        return ()
    wanted = endpoints or (Endpoint(network_record.DEFAULT),)
    networks = [_network(layout, endpoint.network) for endpoint in wanted]
    for network in networks:
        if network.spec.config_only:
            raise Error(
                f"a container cannot join the network {network.spec.name}: it is config_only",
                hint="join a network created with config_from",
            )
        if not network.bridge:
            raise Error(
                f"a container cannot join the network {network.spec.name} by name",
                hint=f"set network_mode: {network.spec.name} instead",
            )
    before = {n.id: lease.held_by(layout, n.id, container_id) for n in networks}
    if len(before) < len(networks):
        named = ", ".join(endpoint.network for endpoint in wanted)
        raise Error(f"two of the networks {named} are the same", hint="list it once")
    names = _Names(container_id, standing, [network.id for network in networks])
    try:
        return tuple(
            _attachment(layout, container_id, names, endpoint, network)
            for endpoint, network in zip(wanted, networks)
        )
    except BaseException:
        for network in networks:
            if not before[network.id]:
                lease.release(layout, network.id, container_id)
        raise


def settled(host: Host, found: Record, endpoints: Sequence[Endpoint]) -> bool:
    """Whether a running container's attachments are those that its endpoints ask for. Reads only.

    It is not when somebody was interrupted who changed its networks.
    """
    if found.leaving:
        return False
    wanted = {}
    for endpoint in endpoints:
        network = network_record.seen(host, endpoint.network)
        if network is not None:
            wanted[network.id] = endpoint
    if wanted.keys() != {attachment.network_id for attachment in found.attachments}:
        return False
    return all(_asked_for(a, wanted[a.network_id]) for a in found.attachments)


def _asked_for(attachment: Attachment, endpoint: Endpoint) -> bool:
    for wanted, given in (
        (endpoint.ipv4_address, attachment.ipv4_address.partition("/")[0]),
        (endpoint.ipv6_address, attachment.ipv6_address.partition("/")[0]),
        (endpoint.mac_address, attachment.mac_address),
    ):
        if wanted and wanted != given:
            return False
    return (endpoint.aliases, endpoint.links, endpoint.gw_priority) == (
        attachment.aliases,
        attachment.links,
        attachment.gw_priority,
    )


class _Names:
    """The names of a container's links: those it has, and for new ones the lowest that are free."""

    def __init__(
        self, container_id: str, standing: Sequence[Attachment], staying: Collection[str]
    ) -> None:
        self._container_id = container_id
        self._standing = {a.network_id: a for a in standing if a.network_id in staying}
        kept = self._standing.values()
        self._taken = {name for a in kept for name in (a.host_link, a.interface) if name}

    def host_link(self, network: Network) -> str:
        there = self._standing.get(network.id)
        if network.spec.driver != "bridge":
            return ""
        if there is not None and there.host_link:
            return there.host_link
        return self._free(lambda number: host_link(self._container_id, number))

    def interface(self, network: Network, asked: str) -> str:
        there = self._standing.get(network.id)
        prefix = network.spec.driver_options.get(network_record.PREFIX_OPTION, "eth")
        if asked:
            if asked in self._taken and (there is None or there.interface != asked):
                raise Error(f"two networks of one container have the interface name {asked}")
            self._taken.add(asked)
            return asked
        if there is not None and there.interface.startswith(prefix):
            return there.interface
        return self._free(lambda number: f"{prefix}{number}")

    def _free(self, name: Callable[[int], str]) -> str:
        found = next(name(n) for n in itertools.count() if name(n) not in self._taken)
        self._taken.add(found)
        return found


def _network(layout: Layout, name: str) -> Network:
    network = network_record.read(layout, name)
    if network.spec.name != network_record.DEFAULT or network.spec.pools:
        return network
    with files.lock(layout.lock(*LOCK)):
        network = network_record.read(layout, name)
        return network if network.spec.pools else _make_default(layout)


def _make_default(layout: Layout) -> Network:
    """Record the network ``bridge`` on its first use, with a subnet the host has free."""
    taken = [pool.subnet for n in network_record.networks(layout) for pool in n.spec.pools]
    taken += [subnet for subnet, dummy in lease.host_routes()]
    pool = lease.free_pool(taken)
    if pool is None:
        raise Error(
            "no free subnet for the network bridge: all default subnets overlap networks or routes",
            hint="declare the network bridge with a subnet",
        )
    network = network_record.make(NetworkSpec(network_record.DEFAULT, pools=(pool,)))
    network_record.write(layout, network)
    return network


def _attachment(
    layout: Layout, container_id: str, names: _Names, endpoint: Endpoint, network: Network
) -> Attachment:
    for alias in endpoint.aliases:
        etc_files.check_host_name(alias)
    spec = network.spec
    mac_address = endpoint.mac_address
    if mac_address and spec.driver == "ipvlan":
        raise Error(
            f"the network {spec.name} is an ipvlan network, whose interfaces share "
            f"their parent's MAC "
            f"address, so a container cannot have {mac_address} on it",
            hint="omit mac_address, or use a macvlan network",
        )
    interface = names.interface(network, endpoint.driver_opts.get(INTERFACE_OPTION, ""))
    addresses = lease.acquire(
        layout, network, container_id, endpoint.ipv4_address, endpoint.ipv6_address
    )
    if not mac_address and spec.driver != "ipvlan":
        mac_address = lease.mac_address(addresses.ipv4 or addresses.ipv6)
    # In the modes l3 and l3s the parent routes, and has no address that could be a gateway.
    routed = network_record.mode(spec) in ("l3", "l3s")
    return Attachment(
        network_id=network.id,
        network=spec.name,
        bridge=network.bridge,
        host_link=names.host_link(network),
        interface=interface,
        mac_address=mac_address,
        ipv4_address=addresses.ipv4,
        ipv4_gateway="" if routed else addresses.ipv4_gateway,
        ipv6_address=addresses.ipv6,
        ipv6_gateway="" if routed else addresses.ipv6_gateway,
        mtu=network_record.mtu(network),
        aliases=endpoint.aliases,
        driver=spec.driver,
        mode=network_record.mode(spec),
        device_route=routed and not spec.internal,
        isolated=spec.driver_options.get(network_record.ICC_OPTION) == "false",
        host_ip=spec.driver_options.get(network_record.HOST_IP_OPTION, ""),
        links=endpoint.links,
        gw_priority=endpoint.gw_priority,
        sysctls=endpoint_sysctls(endpoint.driver_opts.get(SYSCTLS_OPTION, ""), interface),
    )


def host_link(container_id: str, number: int) -> str:
    """The name of a container's veth end on the host: at most 15 bytes, the same after a crash."""
    return f"sv{container_id[:10]}{number}"


def raise_interface(network: Network) -> bool:
    """Make sure that what a network needs is in place, and that the host forwards; quick if so.
    Returns whether something had to be done.
    """
    if network.spec.driver == "bridge":
        addresses = network_record.bridge_addresses(network)
        return host_side.ensure_bridge(network.bridge, addresses, network_record.mtu(network))
    if not network.bridge:
        return False
    vlan = None if network_record.parentless(network.spec) else network_record.vlan(network.bridge)
    return host_side.ensure_parent(network.bridge, vlan, network.owned)


def raise_bridges(layout: Layout, attachments: Sequence[Attachment]) -> None:
    """Bring up the bridges and parents of these attachments. Raises NotFound for a network that
    is removed meanwhile, of which nothing is left.
    """
    for attachment in attachments:
        network = network_record.find(layout, attachment.network_id)
        if network is None:
            raise NotFound(f"the network {attachment.network} was removed in the meantime")
        if raise_interface(network) and network_record.find(layout, network.id) is None:
            # Who removed it may have looked for its interface before we made it.
            take_down(network)
            raise NotFound(f"the network {network.spec.name} was removed in the meantime")


def take_down(network: Network) -> None:
    """Remove what a network needs, if it is ours; it is a success if that is gone already."""
    if network.bridge and network.owned:
        host_side.delete_link(network.bridge)


def connect(layout: Layout, pid: int, attachments: Sequence[Attachment]) -> None:
    """Give the network namespace of a process what its attachments say, lo first.

    A link that is in place is left alone, so this repairs a running container as well.
    ``attachments`` are all that the container has. On failure no new host link is left.
    """
    raise_bridges(layout, attachments)
    try:
        container_side.connect(pid, attachments)
    except Error as exc:
        for attachment in attachments:
            if network_record.find(layout, attachment.network_id) is None:
                raise NotFound(
                    f"the network {attachment.network} was removed in the meantime"
                ) from exc
        raise


def _stands(host: Host, network: Network) -> bool:
    addresses = network_record.bridge_addresses(network)
    return host.once(("bridge", network.id), lambda: probe.stands(network.bridge, addresses))


def damage(host: Host, found: Record, rules: bool = True) -> tuple[str, ...]:
    """What a running container lost of its network on the host, in words; () when nothing is.

    Without ``rules`` the firewall and the name server do not count: an earlier task of a check-mode
    run restores them.
    """
    lost = []
    within = probe.inside(found.pid) if found.attachments else frozenset()
    for attachment in found.attachments:
        network = network_record.seen(host, attachment.network_id)
        missing = _unleased(host, found.id, attachment)
        if network is None:
            lost.append(f"its network {attachment.network} is missing")
        elif missing:
            lost.append(f"its hold on the address {missing}")
        elif attachment.network in foreseen.told_networks(host):
            # An earlier task of a check-mode run restores bridges, and the links to them.
            if attachment.interface not in within and _is_plugged(attachment):
                lost.append(f"its link to the network {attachment.network}")
        elif not _stands(host, network):
            lost.append(f"{interface_word(network)} of the network {attachment.network}")
        elif attachment.interface not in within or not _is_plugged(attachment):
            lost.append(f"its link to the network {attachment.network}")
    if rules and found.attachments:
        lost += rules_lost(host)
    return tuple(lost)


def rules_lost(host: Host) -> tuple[str, ...]:
    """What the host lost of what follows from all records, in words; looked at once where many
    networks and containers are observed.
    """
    return host.once("rules", lambda: synchronise.lost(host.layout))


def _unleased(host: Host, container_id: str, attachment: Attachment) -> str:
    """An address that a container has on a network, and no lease of; "" for none."""
    for address in (attachment.ipv4_address, attachment.ipv6_address):
        plain = address.partition("/")[0]
        if plain and not lease.is_held(host.layout, attachment.network_id, plain, container_id):
            return plain
    return ""


def _is_plugged(attachment: Attachment) -> bool:
    return not attachment.host_link or probe.is_port(attachment.host_link, attachment.bridge)


def is_connected(network: Network, found: Record) -> bool:
    """Whether a running container's link is in place, and as the network is now: whoever was
    interrupted while the network was made again left one of before.
    """
    for attachment in found.attachments:
        if attachment.network_id == network.id:
            addresses = filter(None, (attachment.ipv4_address, attachment.ipv6_address))
            return (
                (attachment.bridge, attachment.driver, attachment.mode)
                == (network.bridge, network.spec.driver, network_record.mode(network.spec))
                and _is_plugged(attachment)
                and not any(
                    lease.misfit(address.partition("/")[0], network.spec.pools)
                    for address in addresses
                )
            )
    return True


def interface_word(network: Network) -> str:
    """What a network needs, for messages."""
    kind = "bridge" if network.spec.driver == "bridge" else "interface"
    return f"the {kind} {network.bridge}"


def release(layout: Layout, found: Record) -> None:
    """Give back every lease of a container that is removed, on any network; none is a success."""
    for network in network_record.networks(layout):
        lease.release(layout, network.id, found.id)
