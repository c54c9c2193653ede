# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Networks as a resource: observe, plan, and the steps that make, change, restore and remove one.

A network exists from its record to the removal of its record; its bridge and its part of the
firewall follow from that, and are restored when somebody else took them away. It is used by every
container that holds an address of it, running or not.
"""

from __future__ import annotations

import contextlib
import dataclasses
import ipaddress
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Optional

from .. import document
from ..container import liveness
from ..container import record as container_record
from ..errors import Conflict, Error, NotFound
from ..plan import Host, Plan, Resource, Step
from . import attach, inspect, lease, link, publish, record
from .declare import Declared, fold
from .firewall import MASQUERADE_OPTION
from .spec import Network, NetworkSpec

#: What of a network changes while it stands and is used.
_LIVE_OPTIONS = frozenset({MASQUERADE_OPTION})


@dataclass(frozen=True)
class Taken:
    """A subnet that is not free, and whose it is, such as ``network web``."""

    subnet: str
    owner: str


@dataclass(frozen=True)
class State:
    """A network as it is.

    ``users`` hold addresses of it, ``running`` are those whose containers run; ``damage`` is what
    the host lost of it. ``taken`` are the subnets of others, ``interface_taken`` that the declared
    bridge's name belongs to an interface which is not this network's.
    """

    name: str
    spec: Optional[NetworkSpec] = None
    damage: tuple[str, ...] = ()
    users: tuple[str, ...] = ()
    running: tuple[str, ...] = ()
    taken: tuple[Taken, ...] = ()
    interface_taken: bool = False


def observe(host: Host, declared: Declared) -> State:
    """Read a network's record, what the host lost of it, and who uses it."""
    name = declared.name
    taken = _taken(host, name)
    predicted = host.predicted.get("network", {})
    if name in predicted:
        value = predicted[name]
        spec = None if value is None else document.from_json(NetworkSpec, value["spec"])
        return State(name, spec, taken=taken)
    found = record.find(host.layout, _by_name(name))
    if found is None or not found.spec.pools:
        bridge = record.bridge_name(name, declared.driver_options or {})
        spec = found.spec if found and found.spec.driver != "bridge" else None
        return State(name, spec, taken=taken, interface_taken=link.exists(bridge))
    users, running = _users(host, found)
    return State(name, found.spec, _damage(host, found), users, running, taken)


def _by_name(name: str) -> str:
    """What finds a network by its name alone, though the name may look like another's id."""
    return record.network_id(name) if name not in record.PREDEFINED else name


def _damage(host: Host, network: Network) -> tuple[str, ...]:
    lost = []
    if not link.stands(network.bridge, record.bridge_addresses(network)):
        lost.append(f"the bridge {network.bridge}")
    if "firewall" not in host.predicted and not publish.standing(host.layout):
        lost.append("the firewall")
    return tuple(lost)


def _users(host: Host, network: Network) -> tuple[tuple[str, ...], tuple[str, ...]]:
    holders = set(lease.holders(host.layout, network.id).values())
    records = {found.id: found for found in container_record.records(host.layout)}
    names = {i: records[i].name if i in records else i[:12] for i in holders}
    # A prediction may have removed a container that still holds its address.
    gone = {n for n, value in host.predicted.get("container", {}).items() if value is None}
    running = [
        names[i]
        for i in holders
        if i in records and records[i].phase in ("running", "paused", "restarting")
    ]
    return (
        tuple(sorted(name for name in names.values() if name not in gone)),
        tuple(sorted(name for name in running if name not in gone)),
    )


def _taken(host: Host, name: str) -> tuple[Taken, ...]:
    """The subnets of other networks, and of the host's routes that are none of ours."""
    networks = record.networks(host.layout)
    specs = {network.spec.name: network.spec for network in networks}
    for other, value in host.predicted.get("network", {}).items():
        specs.pop(other, None)
        if value is not None:
            specs[other] = document.from_json(NetworkSpec, value["spec"])
    found = [
        Taken(pool.subnet, f"network {other}")
        for other, spec in sorted(specs.items())
        for pool in spec.pools
        if other != name
    ]
    ours = [network.bridge for network in networks]
    found += [
        Taken(subnet, f"the host's route by {interface}")
        for subnet, interface in lease.host_routes(ours)
    ]
    return tuple(found)


@dataclass(frozen=True)
class Create(Step[State]):
    """Record a network, then make its bridge and its part of the firewall stand."""

    spec: NetworkSpec

    def describe(self) -> str:
        return f"create network {self.spec.name}"

    def after(self, have: State) -> State:
        return dataclasses.replace(
            have, spec=self.spec, damage=(), users=(), running=(), interface_taken=False
        )

    def execute(self, host: Host) -> None:
        network = record.make(self.spec)
        if record.find(host.layout, network.id) is None and link.exists(network.bridge):
            raise _interface_taken(self.spec.name, network.bridge)
        record.write(host.layout, network)
        try:
            _raise(host, network)
        except Error:
            link.delete_link(network.bridge)
            record.remove(host.layout, network.id)
            raise


@dataclass(frozen=True)
class Update(Step[State]):
    """Change what of a network needs no new bridge: its labels, whether it masquerades."""

    spec: NetworkSpec
    options: tuple[str, ...]

    def describe(self) -> str:
        return f"update network {self.spec.name} ({', '.join(self.options)})"

    def after(self, have: State) -> State:
        return dataclasses.replace(have, spec=self.spec, damage=())

    def execute(self, host: Host) -> None:
        network = record.read(host.layout, record.network_id(self.spec.name))
        changed = dataclasses.replace(network, spec=self.spec)
        record.write(host.layout, changed)
        _restore(host, changed)


@dataclass(frozen=True)
class Repair(Step[State]):
    """Restore what the host lost of a network, and the links of its running containers."""

    name: str
    damage: tuple[str, ...]

    def describe(self) -> str:
        return f"repair network {self.name} ({', '.join(self.damage)})"

    def after(self, have: State) -> State:
        return dataclasses.replace(have, damage=())

    def execute(self, host: Host) -> None:
        _restore(host, record.read(host.layout, record.network_id(self.name)))


@dataclass(frozen=True)
class Remove(Step[State]):
    """Take down a network's bridge and its part of the firewall, then forget it."""

    name: str

    def describe(self) -> str:
        return f"remove network {self.name}"

    def after(self, have: State) -> State:
        return dataclasses.replace(have, spec=None, damage=(), users=(), running=())

    def execute(self, host: Host) -> None:
        network = record.find(host.layout, record.network_id(self.name))
        if network is not None:
            link.delete_link(network.bridge)
            publish.synchronise(host.layout, without=[network.id])
            record.remove(host.layout, network.id)


def _raise(host: Host, network: Network) -> None:
    link.ensure_bridge(network.bridge, record.bridge_addresses(network), record.mtu(network))
    publish.synchronise(host.layout)


def _restore(host: Host, network: Network) -> None:
    _raise(host, network)
    for found in container_record.records(host.layout):
        joined = any(attachment.network_id == network.id for attachment in found.attachments)
        if joined and liveness.is_running(host.layout, found):
            # One that ends meanwhile needs no link.
            with contextlib.suppress(NotFound):
                attach.connect(host.layout, found.pid, found.attachments)


def plan(declared: Declared, have: State) -> Plan[State]:
    """The steps to a declared network. Pure. Raises Error for what cannot or must not be done."""
    if declared.name in ("host", "none"):
        return _plan_predefined(declared, have)
    if declared.state == "absent":
        return _plan_absent(declared, have)
    want = _complete(fold(declared, have.spec), have)
    if have.spec is None:
        bridge = record.bridge_name(want.name, want.driver_options)
        if have.interface_taken:
            raise _interface_taken(want.name, bridge)
        return Plan(have, (Create(want),))
    differing = _differing(have.spec, want)
    if not differing:
        return Plan(have, (Repair(declared.name, have.damage),) if have.damage else ())
    if _live(have.spec, want):
        return Plan(have, (Update(want, differing),), reasons=differing)
    _refuse_used(declared, have, f"made again, since it differs in {', '.join(differing)}")
    return Plan(have, (Remove(declared.name), Create(want)), reasons=differing)


def _plan_predefined(declared: Declared, have: State) -> Plan[State]:
    if declared.state == "absent":
        raise Error(f"the network {declared.name} is predefined and cannot be removed")
    if any(
        value is not None
        for value in (
            declared.pools,
            declared.internal,
            declared.enable_ipv6,
            declared.driver_options,
            declared.labels,
        )
    ):
        raise Error(f"the network {declared.name} is predefined and has no options")
    return Plan(have)


def _plan_absent(declared: Declared, have: State) -> Plan[State]:
    if declared.name in record.PREDEFINED:
        raise Error(f"the network {declared.name} is predefined and cannot be removed")
    if have.spec is None:
        return Plan(have)
    _refuse_used(declared, have, "removed")
    return Plan(have, (Remove(declared.name),))


def _refuse_used(declared: Declared, have: State, what: str) -> None:
    if have.running:
        raise Conflict(
            f"network {declared.name} cannot be {what}: "
            f"the running containers {', '.join(have.running)} are on it",
            hint="remove or stop them first",
        )
    if have.users and not declared.force:
        raise Conflict(
            f"network {declared.name} cannot be {what}: "
            f"the stopped containers {', '.join(have.users)} have addresses on it",
            hint="remove them first, or set force: true to give them new addresses later",
        )


def _complete(spec: NetworkSpec, have: State) -> NetworkSpec:
    """A spec with an IPv4 subnet: its own, which must be free, or the first default one that is."""
    known = have.spec.pools if have.spec is not None else ()
    for pool in spec.pools:
        if pool not in known:
            _refuse_overlap(spec.name, pool.subnet, have.taken)
    if any(":" not in pool.subnet for pool in spec.pools):
        return spec
    four = tuple(pool for pool in known if ":" not in pool.subnet)
    if not four:
        free = lease.free_pool(taken.subnet for taken in have.taken)
        if free is None:
            raise Conflict(
                f"network {spec.name}: every default subnet overlaps a network or a route",
                hint="give it a subnet in ipam_config",
            )
        four = (free,)
    return dataclasses.replace(spec, pools=(*four, *spec.pools))


def _refuse_overlap(name: str, subnet: str, taken: Sequence[Taken]) -> None:
    block = ipaddress.ip_network(subnet)
    for other in taken:
        if lease.overlaps(block, ipaddress.ip_network(other.subnet)):
            raise Conflict(
                f"network {name}: the subnet {subnet} overlaps {other.subnet} of {other.owner}",
                hint="choose another subnet in ipam_config",
            )


def _interface_taken(name: str, bridge: str) -> Conflict:
    return Conflict(
        f"network {name}: the host has an interface {bridge} already, which is not slipway's",
        hint=f"remove it, or choose another name with driver_options: {record.BRIDGE_OPTION}",
    )


def _differing(have: NetworkSpec, want: NetworkSpec) -> tuple[str, ...]:
    """The options that differ, in the module's words."""
    names = {"pools": "ipam_config"}
    return tuple(
        names.get(field.name, field.name)
        for field in dataclasses.fields(NetworkSpec)
        if getattr(have, field.name) != getattr(want, field.name)
    )


def _live(have: NetworkSpec, want: NetworkSpec) -> bool:
    """Whether all that differs is changed while the network stands."""
    same = dataclasses.replace(want, labels=have.labels, driver_options=have.driver_options)
    keys = {*have.driver_options, *want.driver_options}
    changed = {k for k in keys if have.driver_options.get(k) != want.driver_options.get(k)}
    return same == have and changed <= _LIVE_OPTIONS


def view(state: State) -> dict[str, Any]:
    """What diffs show, in the module's words."""
    if state.spec is None:
        return {"name": state.name, "state": "absent"}
    spec = state.spec
    shows: dict[str, Any] = {
        "name": state.name,
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
    if state.damage:
        shows["damage"] = list(state.damage)
    return shows


def find(host: Host, name_or_id: str) -> Optional[Network]:
    """A network as recorded, or as an earlier task of a check-mode run predicted it."""
    predicted = host.predicted.get("network", {})
    found = record.find(host.layout, name_or_id)
    name = found.spec.name if found is not None else name_or_id
    if name not in predicted:
        return found
    if predicted[name] is None:
        return None
    return _recorded(found, document.from_json(NetworkSpec, predicted[name]["spec"]))


def _recorded(found: Optional[Network], spec: NetworkSpec) -> Network:
    """A network with a spec; what only its record would tell is left open."""
    if found is not None:
        return dataclasses.replace(found, spec=spec)
    bridge = record.bridge_name(spec.name, spec.driver_options)
    return Network(record.network_id(spec.name), spec, bridge, "")


def result(host: Host, state: State) -> dict[str, Any]:
    """``network`` in the shape of docker inspect; null when there is none."""
    if state.spec is None:
        return {"network": None}
    found = record.find(host.layout, _by_name(state.name))
    records = list(container_record.records(host.layout))
    return {"network": inspect.document(_recorded(found, state.spec), records)}


def predict(state: State) -> dict[str, dict[str, Any]]:
    """What later tasks of a check-mode run find: this network, and a firewall that stands."""
    spec = None if state.spec is None else {"spec": document.to_json(state.spec)}
    return {"network": {state.name: spec}, "firewall": {"table": {}}}


RESOURCE: Resource[Declared, State] = Resource(
    observe, plan, view, result, lambda declared: attach.LOCK, predict
)
