# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Networks as a resource: the pure plan from what is found to what is declared, and its views.

A network exists from its record to the removal of its record; its bridge and its part of the
firewall follow from that, and are restored if something else removed them. It is used by every
container with an address on it, running or not.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Sequence
from typing import Any, Optional

from ...base.errors import Conflict, Error
from ...base.frozen import fields, replace
from ...network import attach, inspect, lease
from ...plan.plan import Failing, Host, Plan, Resource, Step, difference
from ...records import foreseen, network_record
from ...spec.network import NetworkSpec, Pool
from .declare import Declared, Subnet, fold
from .observe import State, Taken, User, by_name, observe
from .steps import (
    Connect,
    Create,
    Disconnect,
    Remake,
    Remove,
    Repair,
    Salvage,
    Update,
    interface_taken,
)

__all__ = ["RESOURCE", "observe"]


def plan(declared: Declared, have: State) -> Plan[State]:
    """The steps to a declared network. Pure. Raises Error for what cannot or must not be done."""
    if declared.name in ("host", "none"):
        return _plan_predefined(declared, have)
    if declared.state == "absent":
        return _plan_absent(declared, have)
    if declared.config_from and have.config is None:
        missing = f"network {declared.name}: config_from: No such network: {declared.config_from} "
        return Plan(
            have,
            (Create(NetworkSpec(declared.name, config_from=declared.config_from)),),
            (Failing(f"{missing.rstrip()}; declare it with config_only: true"),),
        )
    want = _complete(fold(declared, have.spec, have.config), have)
    steps, reasons = _towards(declared, have, want)
    network = f"network {declared.name}"
    unmet: list[str] = [
        Failing(f"{network}: cannot connect {name}: No such container: {name}")
        for name in have.strangers
    ]
    if have.parent_missing and (have.spec is None or reasons):
        unmet.append(
            f"{network}: the parent interface {network_record.interface(want)} does not exist on"
            " the host"
        )
    steps += _memberships(declared, have)
    return Plan(
        have,
        tuple(steps),
        tuple(unmet),
        tuple(reasons),
        () if have.spec is None else _places(declared, have.spec, want),
    )


def _towards(
    declared: Declared, have: State, want: NetworkSpec
) -> tuple[list[Step[State]], tuple[str, ...]]:
    """The steps to a spec, and the options that differ."""
    if have.parent_user and network_record.interface(want):
        raise Conflict(
            f"network {declared.name}: the interface {network_record.interface(want)} is already"
            f" the parent of the network {have.parent_user}",
            hint="use another parent, such as a VLAN sub-interface",
        )
    if have.spec is None:
        if have.interface_taken and network_record.interface(want):
            raise interface_taken(want.name, network_record.interface(want))
        return [Create(want)], ()
    differing = _differing(have.spec, want)
    if not differing:
        return ([Repair(declared.name, have.damage)] if have.damage else []), ()
    if _structure(have.spec) == _structure(want):
        return [Update(want, differing)], differing
    if have.dependents and have.spec.config_only and not want.config_only:
        raise _depended_on(declared, have, "changed so")
    _refuse_misfits(declared, have, want, differing)
    running = tuple(user.name for user in have.users if user.running)
    return [Remake(want, differing, running)], differing


def _memberships(declared: Declared, have: State) -> list[Step[State]]:
    if declared.connected is None:
        return []
    steps: list[Step[State]] = [Connect(declared.name, name) for name in have.strangers]
    for member in have.members:
        if member.keys and not member.joined:
            steps.append(Connect(declared.name, member.name))
        elif member.joined and not member.keys and not declared.appends:
            steps.append(Disconnect(declared.name, member.name))
    return steps


def _refuse_misfits(
    declared: Declared, have: State, want: NetworkSpec, differing: Sequence[str]
) -> None:
    """Containers keep their addresses, so the new network must have them; or the task says that
    others will do. What a container asked for by name it must have.
    """
    what = f"network {declared.name} cannot be recreated ({', '.join(differing)})"
    if want.config_only and have.users:
        raise Conflict(
            f"{what}: {_names(have.users)} are connected to it", hint="remove them first"
        )
    for user in have.users:
        for address in user.addresses:
            why = lease.misfit(address, want.pools)
            if not why or (declared.force and address not in user.fixed):
                continue
            hint = "set force: true to assign another address"
            if address in user.fixed:
                hint = "it is declared in networks of the container; change it there first"
            raise Conflict(f"{what}: the address {address} of container {user.name} {why}", hint)


def _plan_predefined(declared: Declared, have: State) -> Plan[State]:
    if declared.state == "absent":
        raise Error(f"the network {declared.name} is predefined and cannot be removed")
    if declared.connected:
        raise Error(
            f"containers cannot be connected to the network {declared.name}",
            hint=f"set network_mode: {declared.name} in the container",
        )
    given = (
        declared.pools,
        declared.internal,
        declared.attachable,
        declared.enable_ipv4,
        declared.enable_ipv6,
        declared.driver_options,
        declared.ipam_options,
        declared.labels,
        declared.config_only,
        declared.config_from,
    )
    if any(given):
        raise Error(f"the network {declared.name} is predefined and has no options")
    return Plan(have)


def _plan_absent(declared: Declared, have: State) -> Plan[State]:
    if declared.name in network_record.PREDEFINED:
        raise Error(f"the network {declared.name} is predefined and cannot be removed")
    if have.spec is None:
        return Plan(have)
    if have.dependents:
        raise _depended_on(declared, have, "removed")
    # docker_network takes containers off a network that it removes, without being forced.
    if have.users and not (declared.force or declared.keep):
        running = [user for user in have.users if user.running]
        state = "running containers" if running else "stopped containers"
        raise Conflict(
            f"network {declared.name} cannot be removed: "
            f"the {state} {_names(running or have.users)} are connected to it",
            hint="disconnect or remove them first, or set force: true to disconnect them",
        )
    leave = [Disconnect(declared.name, member.name) for member in have.members if member.joined]
    salvaged = (Salvage(declared.name),) if have.damaged else ()
    return Plan(have, (*salvaged, *leave, Remove(declared.name)))


def _names(users: Sequence[User]) -> str:
    return ", ".join(user.name for user in users)


def _depended_on(declared: Declared, have: State, what: str) -> Conflict:
    return Conflict(
        f"network {declared.name} cannot be {what}: "
        f"the networks {', '.join(have.dependents)} take their settings from it",
        hint="remove them first",
    )


def _complete(spec: NetworkSpec, have: State) -> NetworkSpec:
    """A spec with a subnet for each of its families: its own, which must be free, or the first
    default one that is. Settings without a network need none.
    """
    if spec.config_only:
        return spec
    known = have.spec.pools if have.spec is not None else ()
    for pool in spec.pools:
        if pool.subnet not in [other.subnet for other in known]:
            _refuse_overlap(spec.name, pool.subnet, have.taken)
    pools = spec.pools
    if spec.enable_ipv4 and not _of(4, pools):
        free = lease.free_pool(taken.subnet for taken in have.taken)
        pools = (*(_of(4, known) or _found(spec, free)), *pools)
    if spec.enable_ipv6 and not _of(6, pools):
        free = lease.free_pool6(have.local_prefix, [taken.subnet for taken in have.taken])
        pools = (*pools, *(_of(6, known) or _found(spec, free)))
    return replace(spec, pools=pools)


def _of(family: int, pools: Sequence[Pool]) -> tuple[Pool, ...]:
    return tuple(pool for pool in pools if (":" in pool.subnet) == (family == 6))


def _found(spec: NetworkSpec, free: Optional[Pool]) -> tuple[Pool, ...]:
    if free is None:
        raise Conflict(
            f"network {spec.name}: every default subnet overlaps a network or a route",
            hint="give it a subnet in ipam_config",
        )
    return (free,)


def _refuse_overlap(name: str, subnet: str, taken: Sequence[Taken]) -> None:
    block = ipaddress.ip_network(subnet)
    for other in taken:
        if lease.overlaps(block, ipaddress.ip_network(other.subnet)):
            raise Conflict(
                f"network {name}: the subnet {subnet} overlaps {other.subnet} of {other.owner}",
                hint="choose another subnet in ipam_config",
            )


def _differing(have: NetworkSpec, want: NetworkSpec) -> tuple[str, ...]:
    """The options that differ, in the module's words."""
    names = {"pools": "ipam_config", "ipam_options": "ipam_driver_options"}
    return tuple(
        names.get(field.name, field.name)
        for field in fields(NetworkSpec)
        if getattr(have, field.name) != getattr(want, field.name)
    )


def _places(declared: Declared, have: NetworkSpec, want: NetworkSpec) -> tuple[str, ...]:
    """Where they differ, as docker_network names the places: ``labels.KEY``,
    ``ipam_config[0].subnet``. What a task says of a subnet is one with a subnet that is so.
    """
    differing = _differing(have, want)
    found: list[str] = []
    for option in differing:
        one, other = getattr(have, option, None), getattr(want, option, None)
        if option in ("labels", "driver_options") and one:
            keys = sorted({*one, *(other or {})})
            found += [f"{option}.{key}" for key in keys if one.get(key) != (other or {}).get(key)]
        elif option == "ipam_config":
            found += _pool_places(declared, have)
        else:
            found.append(option)
    gone = "ipam_config" in differing and not found
    return ("ipam_config",) if gone else tuple(found)


def _pool_places(declared: Declared, have: NetworkSpec) -> list[str]:
    known = [Subnet(p.subnet, p.gateway, p.ip_range, p.aux_addresses).said() for p in have.pools]
    return [
        f"ipam_config[{number}].{option}"
        for number, one in enumerate(declared.pools or ())
        if not any(one.said().items() <= other.items() for other in known)
        for option in one.said()
    ]


def diff(planned: Plan[State], found: State) -> dict[str, Any]:
    """The views, and community.docker's words for whether there is one, and for what differs."""
    before, after = planned.have, planned.want
    return {
        "before": {**view(before), "exists": before.spec is not None},
        "after": {**view(after), "exists": after.spec is not None},
        "differences": list(planned.places),
    }


def _structure(spec: NetworkSpec) -> tuple[Any, ...]:
    """What of a network is in its interface, its links and their addresses; all else is changed
    while it stays in place.
    """
    options = spec.driver_options
    return (
        spec.driver,
        spec.config_only,
        tuple((pool.subnet, pool.gateway) for pool in spec.pools),
        spec.internal,
        network_record.interface(spec),
        network_record.mode(spec),
        options.get(network_record.MTU_OPTION),
        options.get(network_record.ICC_OPTION) == "false",
        options.get(network_record.HOST_IP_OPTION),
        options.get(network_record.PREFIX_OPTION, "eth"),
    )


def view(state: State) -> dict[str, Any]:
    """What diffs show, in the module's words."""
    shows: dict[str, Any] = {"name": state.name, "state": "absent"}
    if state.spec is not None:
        shows = {**shows, **_shown(state.spec)}
    if state.counted:
        shows["connected"] = [member.name for member in state.members if member.joined]
    if state.damage:
        shows["damage"] = list(state.damage)
    return shows


def _shown(spec: NetworkSpec) -> dict[str, Any]:
    shows: dict[str, Any] = {
        "state": "present",
        "driver": spec.driver,
        "ipam_config": [
            {
                "subnet": pool.subnet,
                "gateway": pool.gateway,
                "iprange": pool.ip_range,
                "aux_addresses": dict(pool.aux_addresses),
            }
            for pool in spec.pools
        ],
        "internal": spec.internal,
        "enable_ipv6": spec.enable_ipv6,
        "driver_options": dict(spec.driver_options),
        "labels": dict(spec.labels),
    }
    rare = {
        "enable_ipv4": spec.enable_ipv4,
        "attachable": spec.attachable,
        "ipam_driver_options": dict(spec.ipam_options),
        "config_only": spec.config_only,
        "config_from": spec.config_from,
    }
    usual = {"enable_ipv4": True}
    shows |= {key: value for key, value in rare.items() if value != usual.get(key, type(value)())}
    return shows


def result(host: Host, state: State) -> dict[str, Any]:
    """``network`` in the shape of docker inspect; null when there is none."""
    if state.spec is None:
        return {"network": None}
    found = network_record.find(host.layout, by_name(state.name))
    known = foreseen.with_spec(found, state.spec)
    return {"network": inspect.document(known, foreseen.records(host))}


def predict(state: State) -> dict[str, dict[str, Any]]:
    """What later tasks of a check-mode run find: this network, the containers that were connected
    to it or disconnected, and a firewall in place.
    """
    spec = None if state.spec is None else foreseen.as_network(state.spec)
    moved = {
        member.name: foreseen.as_container(member.spec, member.running, container_id=member.id)
        for member in state.members
        if member.changed
    }
    return {"network": {state.name: spec}, "container": moved, **foreseen.FIREWALL}


def verify(want: State, found: State) -> list[str]:
    """The differences that are failures. That somebody makes a container which is to be on a
    network that is gone is none of ours.
    """
    differing = difference(view(want), view(found))
    if want.spec is None:
        differing = [line for line in differing if not line.startswith(".connected:")]
    return differing


#: How much of an id names a network: a shorter one may be the name of another.
_SHORT_ID = 12


def locate(host: Host, declared: Declared) -> Declared:
    """Put the name of a network in the place of its id, or of a beginning that is long enough."""
    name = declared.name
    if len(name) < _SHORT_ID or network_record.find(host.layout, by_name(name)) is not None:
        return declared
    found = foreseen.network(host, name)
    return declared if found is None else replace(declared, name=found.spec.name)


RESOURCE: Resource[Declared, State] = Resource(
    observe,
    plan,
    view,
    result,
    lambda declared: attach.LOCK,
    predict,
    verify,
    diff=diff,
    locate=locate,
)
