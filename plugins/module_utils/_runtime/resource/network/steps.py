# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The steps that make, change, restore and remove networks, and connect containers to them.

What acts on containers is imported where a step is executed: a task that finds nothing to do is the
common case, and pays for none of it.
"""

from __future__ import annotations

import contextlib

from ...base.errors import Conflict, Error, NotFound
from ...base.frozen import dataclass, replace
from ...network import attach, lease, synchronise
from ...network.link import probe
from ...plan.plan import Host, Step
from ...records import container_record, network_record, running
from ...spec.container import Endpoint, with_endpoint, without_networks
from ...spec.network import Network, NetworkSpec
from .observe import Member, State


@dataclass(frozen=True)
class Create(Step[State]):
    """Record a network, then put its bridge and its part of the firewall in place."""

    spec: NetworkSpec

    def describe(self) -> str:
        return f"create network {self.spec.name}"

    def after(self, have: State) -> State:
        return replace(have, spec=self.spec, damage=(), users=(), interface_taken=False)

    def execute(self, host: Host) -> None:
        network = network_record.make(self.spec, owned=_ours(self.spec))
        if network_record.find(host.layout, network.id) is None and _occupied(network):
            raise interface_taken(self.spec.name, network.bridge)
        synchronise.announce(host.layout, _change(network))
        network_record.write(host.layout, network)
        try:
            _raise(host, network)
        except Error:
            attach.take_down(network)
            network_record.remove(host.layout, network.id)
            with contextlib.suppress(Error):
                synchronise.synchronise(host.layout)
            raise


@dataclass(frozen=True)
class Update(Step[State]):
    """Change what of a network needs no new bridge: its labels, whether it masquerades."""

    spec: NetworkSpec
    options: tuple[str, ...]

    def describe(self) -> str:
        return f"update network {self.spec.name} ({', '.join(self.options)})"

    def after(self, have: State) -> State:
        return replace(have, spec=self.spec, damage=())

    def execute(self, host: Host) -> None:
        network = network_record.read(host.layout, network_record.network_id(self.spec.name))
        changed = replace(network, spec=self.spec)
        synchronise.announce(host.layout, _change(network))
        network_record.write(host.layout, changed)
        _restore(host, changed)


@dataclass(frozen=True)
class Remake(Step[State]):
    """Recreate a network that containers are on, and reconnect those that run.

    They keep every address that the new network has; the others get new ones. The bridge goes
    first, so whoever is interrupted leaves a network without one, old or new, which is damage that
    a next run repairs.
    """

    spec: NetworkSpec
    options: tuple[str, ...]
    running: tuple[str, ...]

    def describe(self) -> str:
        again = f", reconnecting {', '.join(self.running)}" if self.running else ""
        return f"recreate network {self.spec.name} ({', '.join(self.options)}){again}"

    def after(self, have: State) -> State:
        return replace(have, spec=self.spec, damage=(), interface_taken=False)

    def execute(self, host: Host) -> None:
        before = network_record.read(host.layout, network_record.network_id(self.spec.name))
        network = network_record.make(self.spec, owned=_ours(self.spec))
        if network.bridge != before.bridge and _occupied(network):
            raise interface_taken(self.spec.name, network.bridge)
        synchronise.announce(host.layout, _change(network))
        attach.take_down(before)
        network_record.write(host.layout, network)
        lease.keep_within(host.layout, network)
        _restore(host, network)


@dataclass(frozen=True)
class Repair(Step[State]):
    """Restore what the host lost of a network, and the links of its running containers."""

    name: str
    damage: tuple[str, ...]

    def describe(self) -> str:
        return f"repair network {self.name} ({', '.join(self.damage)})"

    def after(self, have: State) -> State:
        return replace(have, damage=())

    def execute(self, host: Host) -> None:
        _restore(host, network_record.read(host.layout, network_record.network_id(self.name)))


@dataclass(frozen=True)
class Remove(Step[State]):
    """Take down a network's bridge and its part of the firewall, then forget it."""

    name: str

    def describe(self) -> str:
        return f"remove network {self.name}"

    def after(self, have: State) -> State:
        return replace(have, spec=None, damage=(), users=())

    def execute(self, host: Host) -> None:
        remove(host, self.name)


def remove(host: Host, name: str) -> None:
    """Take down a network's bridge and its part of the firewall, then forget it."""
    network = network_record.find(host.layout, network_record.network_id(name))
    if network is not None:
        synchronise.announce(host.layout, _change(network))
        attach.take_down(network)
        network_record.remove(host.layout, network.id)
        synchronise.synchronise(host.layout)
        # A container that was being started on it may have raised it again, see raise_bridges.
        attach.take_down(network)


@dataclass(frozen=True)
class Salvage(Step[State]):
    """Write in place of a damaged record what is known of the network, so that it can be removed.

    Whoever is interrupted after that leaves a network that the next run removes as any other.
    """

    name: str

    def describe(self) -> str:
        return f"replace the damaged record of network {self.name}"

    def after(self, have: State) -> State:
        return replace(have, damaged=False)

    def execute(self, host: Host) -> None:
        from ...network import salvage

        salvage.restore(host.layout, self.name)


@dataclass(frozen=True)
class Connect(Step[State]):
    """Connect a container to the network; one that runs is on it at once."""

    network: str
    container: str

    def describe(self) -> str:
        return f"connect container {self.container} to network {self.network}"

    def after(self, have: State) -> State:
        return _with_member(have, self.container, True)

    def execute(self, host: Host) -> None:
        from ...container.lifecycle import reconnect

        container_id = container_record.by_name(host.layout, self.container)
        if not reconnect.is_on(host, container_id, self.network):
            reconnect.connect(host, container_id, Endpoint(self.network))


@dataclass(frozen=True)
class Disconnect(Step[State]):
    """Take a container off the network; one that runs loses its link at once."""

    network: str
    container: str

    def describe(self) -> str:
        return f"disconnect container {self.container} from network {self.network}"

    def after(self, have: State) -> State:
        users = tuple(user for user in have.users if user.name != self.container)
        return replace(_with_member(have, self.container, False), users=users)

    def execute(self, host: Host) -> None:
        from ...container.lifecycle import reconnect

        # One that is removed meanwhile is on no network.
        with contextlib.suppress(NotFound):
            container_id = container_record.by_name(host.layout, self.container)
            if reconnect.is_on(host, container_id, self.network):
                reconnect.disconnect(host, container_id, self.network)


def _with_member(have: State, name: str, joined: bool) -> State:
    return replace(
        have,
        members=tuple(
            _moved(have.name, member, joined) if member.name == name else member
            for member in have.members
        ),
    )


def _moved(network: str, member: Member, joined: bool) -> Member:
    if joined:
        spec = with_endpoint(member.spec, Endpoint(network))
    else:
        names = {network, network_record.network_id(network)}
        names |= {
            e.network for e in member.spec.networks if network_record.is_id_of(e.network, network)
        }
        spec = without_networks(member.spec, names)
    return replace(member, spec=spec, joined=joined, changed=True)


def _change(network: Network) -> str:
    return f"network-{network.id}"


def _ours(spec: NetworkSpec) -> bool:
    """Whether we make a network's interface: not the parent that the host has already."""
    if spec.driver not in network_record.PARENTED or network_record.parentless(spec):
        return True
    return not probe.exists(network_record.interface(spec))


def _occupied(network: Network) -> bool:
    """Whether the interface a network would make is there already, and so is somebody else's."""
    ours = network.spec.driver == "bridge" or network_record.parentless(network.spec)
    return ours and bool(network.bridge) and probe.exists(network.bridge)


def interface_taken(name: str, bridge: str) -> Conflict:
    """The error for a bridge whose name an interface of the host has."""
    return Conflict(
        f"network {name}: the host already has an interface {bridge}, which does not "
        f"belong to slipway",
        hint="remove it, or choose another name with driver_options: "
        f"{network_record.BRIDGE_OPTION}",
    )


def _raise(host: Host, network: Network) -> None:
    attach.raise_interface(network)
    synchronise.synchronise(host.layout)


def _restore(host: Host, network: Network) -> None:
    """Put a network in place, and connect the running containers on it."""
    from ...container.lifecycle import reconnect

    _raise(host, network)
    for found in running.records(host.layout):
        joined = any(attachment.network_id == network.id for attachment in found.attachments)
        if joined and found.phase in container_record.LIVE:
            # One that ends meanwhile needs no link.
            with contextlib.suppress(NotFound):
                reconnect.rejoin(host, found.id)
