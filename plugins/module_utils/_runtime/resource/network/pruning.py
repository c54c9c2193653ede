# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The networks without containers, running or not: found, and removed."""

from __future__ import annotations

from collections.abc import Collection, Iterable

from ...base import clock, files
from ...network import attach, lease
from ...plan.plan import Host
from ...records import container_record, foreseen, network_record
from ...spec.container import ContainerSpec, endpoints
from ...spec.network import NetworkSpec
from ...text.filters import Filters
from . import steps


def unused(host: Host, asked: Filters, gone: Collection[str] = ()) -> tuple[str, ...]:
    """The networks that would be pruned once the containers ``gone`` were, by name.

    The ones that exist on every host stay, and so does one that only holds settings.
    """
    told = foreseen.told_networks(host)
    used = _used(host, gone)
    found = []
    for network in foreseen.networks(host):
        spec = network.spec
        if not _may_go(spec) or {spec.name, network.id} & used:
            continue
        # When one will be made that is not there yet, nobody knows.
        created = None if spec.name in told else clock.seconds(network.created)
        if asked.match(created, spec.labels):
            found.append(spec.name)
    return tuple(found)


def _may_go(spec: NetworkSpec) -> bool:
    return spec.name not in network_record.PREDEFINED and not spec.config_only


def _used(host: Host, gone: Collection[str]) -> set[str]:
    """The names and ids of networks that containers are on, or hold addresses of."""
    found: set[str] = set()
    told = foreseen.told_containers(host)
    left = {
        known.id
        for known in container_record.records(host.layout)
        if known.name in gone or known.name in told
    }
    for one in foreseen.containers(host):
        if one.name not in gone:
            found |= _named(host, one.spec)
    for network in network_record.networks(host.layout):
        if any(one.container_id not in left for one in lease.leases(host.layout, network.id)):
            found.add(network.id)
    return found


def _named(host: Host, spec: ContainerSpec) -> set[str]:
    names = set()
    for endpoint in endpoints(spec):
        known = foreseen.network(host, endpoint.network)
        names |= {endpoint.network, endpoint.network if known is None else known.id}
    return names


def remove(host: Host, names: Iterable[str]) -> list[str]:
    """Remove networks; one that a container came to use meanwhile stays. Returns what did not go,
    whoever else may have removed it.
    """
    left = []
    with files.lock(host.layout.lock(*attach.LOCK), deadline_s=host.lock_timeout_s):
        free = unused(host, Filters())
        for name in names:
            if name in free:
                steps.remove(host, name)
            else:
                left.append(name)
    return left
