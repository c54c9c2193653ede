# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a plan for a network starts from: the network as found, who uses it, and what is taken."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Optional

from ...base.errors import Error
from ...base.frozen import dataclass, replace
from ...network import attach, lease
from ...network.link import probe
from ...plan.plan import Host
from ...records import container_record, foreseen, network_record, running
from ...spec.container import ContainerSpec, endpoints
from ...spec.network import Network, NetworkSpec
from .declare import Declared


@dataclass(frozen=True)
class Taken:
    """A subnet that is not free, and whose it is, such as ``network web``."""

    subnet: str
    owner: str


@dataclass(frozen=True)
class User:
    """A container that has addresses on the network; ``fixed`` are those it asked for by name."""

    name: str
    running: bool = False
    addresses: tuple[str, ...] = ()
    fixed: tuple[str, ...] = ()


@dataclass(frozen=True)
class Member:
    """A container of which a task says whether it is connected. ``key`` is how the task names it;
    ``id`` is "" for one that is only predicted.
    """

    name: str
    spec: ContainerSpec
    running: bool = False
    id: str = ""
    keys: tuple[str, ...] = ()
    joined: bool = False
    changed: bool = False


@dataclass(frozen=True)
class State:
    """A network as it is.

    ``damage`` is what the host lost of it. ``taken`` are the subnets of others, ``interface_taken``
    that the declared bridge's name belongs to an interface which is not this network's. ``config``
    is the network that ``config_from`` names, ``dependents`` are those that name this one.
    ``parent_missing`` and ``parent_user`` are of the declared parent: that the host has no such
    interface, and the network that has it already. ``local_prefix`` is what IPv6 subnets are taken
    from. ``members`` are containers that are connected or are to be, where the task asks for that
    (``counted``), ``strangers`` the names in ``connected`` that no container has. Of
    one that is ``damaged`` the record cannot be read, and ``spec`` has only its name.
    """

    name: str
    spec: Optional[NetworkSpec] = None
    damage: tuple[str, ...] = ()
    users: tuple[User, ...] = ()
    taken: tuple[Taken, ...] = ()
    interface_taken: bool = False
    config: Optional[NetworkSpec] = None
    dependents: tuple[str, ...] = ()
    parent_missing: bool = False
    parent_user: str = ""
    local_prefix: str = ""
    counted: bool = False
    members: tuple[Member, ...] = ()
    strangers: tuple[str, ...] = ()
    damaged: bool = False


def observe(host: Host, declared: Declared) -> State:
    """Read a network's record, what the host lost of it, and who uses it."""
    name = declared.name
    try:
        specs = _specs(host)
    except Error:
        if declared.state != "absent" or not _is_lost(host, name):
            raise
        return _lost(host, declared)
    source = declared.config_from
    if source is None and declared.keep and name in specs:
        source = specs[name].config_from
    around = State(
        name,
        taken=_taken(host, name, specs),
        config=specs.get(source) if source else None,
        dependents=tuple(n for n, spec in sorted(specs.items()) if spec.config_from == name),
        local_prefix=lease.local_prefix(lease.machine_id()),
        counted=declared.connected is not None or (declared.state == "absent" and declared.force),
    )
    around = _with_interface(declared, around, specs)
    if around.counted:
        members, strangers = _members(host, declared)
        around = replace(around, members=members, strangers=strangers)
    users = _users(host, name)
    if name in foreseen.told_networks(host):
        return replace(around, spec=specs.get(name), users=users, interface_taken=False)
    found = network_record.find(host.layout, by_name(name))
    if found is None or (found.bridge and not found.spec.pools):
        # The default bridge is made on its first use.
        return around
    damage = _damage(host, found)
    return replace(around, spec=found.spec, damage=damage, users=users, interface_taken=False)


def _is_lost(host: Host, name: str) -> bool:
    """Whether the record of a network cannot be read, and no earlier task would remove it."""
    network = network_record.network_id(name)
    if name in foreseen.told_networks(host) or name in network_record.PREDEFINED:
        return False
    return network_record.is_damaged(host.layout, network)


def _lost(host: Host, declared: Declared) -> State:
    """What is known of a network that is to go and whose record cannot be read."""
    name = declared.name
    host.warn(
        f"network {name}: its record cannot be read; an interface of the host that its options"
        " named stays, unless it is the bridge of a container on it"
    )
    others = network_record.readable(host.layout)
    state = State(
        name,
        NetworkSpec(name),
        dependents=tuple(sorted(n.spec.name for n in others if n.spec.config_from == name)),
        counted=declared.force,
        users=_users(host, name),
        damaged=True,
    )
    if declared.force:
        state = replace(state, members=_members(host, declared)[0])
    return state


def by_name(name: str) -> str:
    """What finds a network by its name alone, though the name may look like another's id."""
    return network_record.network_id(name) if name not in network_record.PREDEFINED else name


def _specs(host: Host) -> dict[str, NetworkSpec]:
    """Every network by its name, as earlier tasks of a check-mode run would leave them."""
    return {network.spec.name: network.spec for network in foreseen.networks(host)}


def _taken(host: Host, name: str, specs: Mapping[str, NetworkSpec]) -> tuple[Taken, ...]:
    """The subnets of other networks, and of the host's routes that are none of ours."""
    found = [
        Taken(pool.subnet, f"network {other}")
        for other, spec in sorted(specs.items())
        for pool in spec.pools
        if other != name and not spec.config_only
    ]
    ours = [n.bridge for n in network_record.networks(host.layout) if n.spec.driver == "bridge"]
    found += [
        Taken(subnet, f"the host's route by {interface}")
        for subnet, interface in lease.host_routes(ours)
    ]
    return tuple(found)


def _with_interface(declared: Declared, around: State, specs: Mapping[str, NetworkSpec]) -> State:
    have = specs.get(declared.name)
    options = declared.driver_options or {}
    if around.config is not None:
        options = around.config.driver_options
    elif declared.keep and have is not None:
        options = {**have.driver_options, **options}
    driver = declared.driver or (have.driver if declared.keep and have is not None else "bridge")
    parent = options.get(network_record.PARENT_OPTION, "")
    if driver in network_record.PARENTED and parent:
        vlan = network_record.vlan(parent)
        there = probe.exists(parent) or (vlan is not None and probe.exists(vlan[0]))
        others = (
            name
            for name, spec in sorted(specs.items())
            if name != declared.name
            and spec.driver in network_record.PARENTED
            and network_record.interface(spec) == parent
        )
        return replace(around, parent_missing=not there, parent_user=next(others, ""))
    own = {} if driver in network_record.PARENTED else options
    taken = probe.exists(network_record.bridge_name(declared.name, own))
    return replace(around, interface_taken=taken)


def _damage(host: Host, network: Network) -> tuple[str, ...]:
    if not network.bridge:
        return ()
    lost = []
    if not probe.stands(network.bridge, network_record.bridge_addresses(network)):
        lost.append(attach.interface_word(network))
    if lease.leases(host.layout, network.id):
        for found in running.seen(host):
            if found.phase in container_record.LIVE and not attach.is_connected(network, found):
                lost.append(f"the link of container {found.name}")
    if not foreseen.firewall_stands(host):
        lost += attach.rules_lost(host)
    return tuple(lost)


def _users(host: Host, name: str) -> tuple[User, ...]:
    """The containers that hold addresses, as earlier tasks of a check-mode run would leave them."""
    network = network_record.network_id(name)
    held: dict[str, list[lease.Lease]] = {}
    for one in lease.leases(host.layout, network):
        if not host.layout.container(one.container_id).exists():
            # Nobody's: a container gives its addresses back before it goes.
            continue
        held.setdefault(one.container_id, []).append(one)
    records = {found.id: found for found in running.seen(host)} if held else {}
    users: dict[str, User] = {}
    for container_id, leases in held.items():
        found = records.get(container_id)
        called = container_id[:12] if found is None else found.name
        # Of two that replace one another, which have one name, each holds addresses of its own.
        before = users.get(called, User(called, False))
        users[called] = User(
            called,
            before.running or (found is not None and found.phase in container_record.UP),
            tuple(sorted({*before.addresses, *(one.address for one in leases)})),
            tuple(sorted({*before.fixed, *(one.address for one in leases if one.static)})),
        )
    for other, told in foreseen.told_containers(host).items():
        if told is None or not _on(host, name, told.spec):
            users.pop(other, None)
        elif told.running:
            users.setdefault(other, User(other, True))
            users[other] = replace(users[other], running=True)
        elif other in users:
            users[other] = replace(users[other], running=False)
    return tuple(users[key] for key in sorted(users))


def _on(host: Host, name: str, spec: ContainerSpec) -> bool:
    """Whether a container is on the network of that name, whatever it calls it."""
    wanted = network_record.network_id(name)
    for endpoint in endpoints(spec):
        if endpoint.network == name:
            return True
        if network_record.identify(host.layout, endpoint.network) == wanted:
            return True
    return False


def _members(host: Host, declared: Declared) -> tuple[tuple[Member, ...], tuple[str, ...]]:
    everyone = {member.name: member for member in _containers(host)}
    asked: dict[str, list[str]] = {}
    strangers = []
    for key in declared.connected or ():
        found = _identify(host, everyone, key)
        if found is None:
            strangers.append(key)
        else:
            asked.setdefault(found, []).append(key)
    members = []
    for name, member in sorted(everyone.items()):
        joined = _on(host, declared.name, member.spec)
        if joined or name in asked:
            keys = tuple(asked.get(name, ()))
            members.append(replace(member, joined=joined, keys=keys))
    return tuple(members), tuple(strangers)


def _containers(host: Host) -> Iterable[Member]:
    for one in foreseen.containers(host):
        if one.told or one.record is None or one.record.phase != "removing":
            yield Member(one.name, one.spec, one.running, one.id)


def _identify(host: Host, everyone: Mapping[str, Member], key: str) -> Optional[str]:
    found = foreseen.container(host, key)
    return found.name if found is not None and found.name in everyone else None
