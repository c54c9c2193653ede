# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Changing the networks of a running container.

What it is to have is settled first (leases, names of links, published ports) and recorded together
with what it leaves; then links are removed and added; then the record says that it is done. An
interruption leaves a record that says so, which counts as damage (attach.damage), and doing it
again completes it. What fails is undone.
"""

from __future__ import annotations

import contextlib
from collections.abc import Collection
from typing import Optional

from ...base.errors import Conflict, Error, NotFound
from ...base.frozen import replace
from ...network import attach, lease, synchronise
from ...network.link import container_side
from ...network.names import zones
from ...plan.plan import Host
from ...records import effective, network_record
from ...records.container_record import (
    Record,
    locked,
    read_image,
    read_spec,
    write_record,
    write_spec,
)
from ...spec.container import ContainerSpec, Endpoint, endpoints, with_endpoint, without_networks
from ...spec.network import Attachment
from ..status import liveness
from ..supervision import port_proxy, watcher
from . import incarnation


def rejoin(host: Host, container_id: str, spec: Optional[ContainerSpec] = None) -> Record:
    """Make a container's networks those of its spec, or of a new one that differs in them alone.

    One that does not run gets them at its next start; what it left gives its addresses back at
    once. Raises NotFound for a network that is not there, Conflict for an address or a port that is
    taken; then it has the networks it had.
    """
    with locked(host, container_id) as found:
        before = read_spec(host.layout, container_id)
        return _rejoin(host, found, before, before if spec is None else spec)


def connect(host: Host, container_id: str, endpoint: Endpoint) -> Record:
    """Connect a container to one more network. Raises Conflict when it is on it."""
    with locked(host, container_id) as found:
        before = read_spec(host.layout, container_id)
        network = network_record.read(host.layout, endpoint.network)
        if network.id in _networks(host, before):
            raise Conflict(
                f"container {found.name} is already connected to the network {network.spec.name}"
            )
        # A task that declares it calls it by its name.
        endpoint = replace(endpoint, network=network.spec.name)
        return _rejoin(host, found, before, with_endpoint(before, endpoint))


def disconnect(host: Host, container_id: str, network: str) -> Record:
    """Take a container off a network. Raises Conflict when it is not on it."""
    with locked(host, container_id) as found:
        before = read_spec(host.layout, container_id)
        left = network_record.read(host.layout, network).id
        joined = [e.network for e in endpoints(before) if _id(host, e.network) == left]
        if not joined:
            raise Conflict(f"container {found.name} is not connected to the network {network}")
        return _rejoin(host, found, before, without_networks(before, joined))


def is_on(host: Host, container_id: str, network: str) -> bool:
    """Whether a container is on a network, or will be when it starts. Raises NotFound."""
    return _id(host, network) in _networks(host, read_spec(host.layout, container_id))


def _networks(host: Host, spec: ContainerSpec) -> list[str]:
    return [_id(host, endpoint.network) for endpoint in endpoints(spec)]


def _id(host: Host, name: str) -> str:
    found = network_record.find(host.layout, name)
    return name if found is None else found.id


def _rejoin(host: Host, found: Record, before: ContainerSpec, spec: ContainerSpec) -> Record:
    layout = host.layout
    if not liveness.is_running(layout, found):
        if spec != before:
            write_spec(layout, found.id, spec)
            _give_back(host, found.id, _networks(host, spec))
        return found
    wanted = endpoints(spec)
    held = {n.id for n in network_record.networks(layout) if lease.held_by(layout, n.id, found.id)}
    attachments = attach.attach(
        layout, found.id, wanted, spec.network_mode, standing=found.attachments
    )
    standing = (*found.attachments, *found.leaving)
    leaving = tuple(old for old in standing if not any(_same(old, new) for new in attachments))
    intent = replace(found, attachments=attachments, leaving=leaving)
    try:
        ports = effective.ports(spec, read_image(layout, found.id))
        with synchronise.claim(
            layout, found.id, ports, attachments, scope=spec.publish_scope
        ) as publications:
            intent = replace(intent, publications=publications)
            write_spec(layout, found.id, spec)
            write_record(layout, intent)
        _plug(host, intent)
        done = _finish(host, intent, spec, refresh=attachments != found.attachments)
    except NotFound:
        if liveness.is_running(layout, found):
            _go_back(host, found, intent, before, held)
            raise
        # It ended meanwhile, and whoever settles that clears the rest away.
        return intent
    except BaseException:
        _go_back(host, found, intent, before, held)
        raise
    return done


def _same(there: Attachment, wanted: Attachment) -> bool:
    """Whether a link can stay as it is: all that differs is in its names and in routes."""
    return (
        replace(
            there,
            network=wanted.network,
            aliases=wanted.aliases,
            links=wanted.links,
            gw_priority=wanted.gw_priority,
            host_ip=wanted.host_ip,
            sysctls=wanted.sysctls,
            device_route=wanted.device_route,
            ipv4_gateway=wanted.ipv4_gateway,
            ipv6_gateway=wanted.ipv6_gateway,
        )
        == wanted
    )


def _plug(host: Host, intent: Record) -> None:
    container_side.disconnect(intent.pid, intent.leaving)
    if intent.attachments:
        attach.connect(host.layout, intent.pid, intent.attachments)


def _finish(host: Host, intent: Record, spec: ContainerSpec, refresh: bool) -> Record:
    layout = host.layout
    if refresh:
        zones.prepare(layout, intent.id, spec, intent.attachments)
    for warning in synchronise.synchronise(layout).warnings:
        host.warn(warning)
    _give_back(host, intent.id, [a.network_id for a in intent.attachments])
    done = replace(intent, leaving=())
    write_record(layout, done)
    if port_proxy.served(done):
        incarnation.look_after(host, done)
    else:
        watcher.poke(layout)
    return done


def _go_back(
    host: Host, found: Record, intent: Record, before: ContainerSpec, held: set[str]
) -> None:
    """Restore what a container had. An error here is ignored: the one being raised says more."""
    leaving = tuple(
        new for new in intent.attachments if not any(_same(new, old) for old in found.attachments)
    )
    back = replace(found, leaving=leaving)
    with contextlib.suppress(Error, OSError):
        write_record(host.layout, back)
        write_spec(host.layout, found.id, before)
        _plug(host, back)
        write_record(host.layout, replace(found, leaving=()))
        _give_back(host, found.id, held)
        synchronise.synchronise(host.layout)
        watcher.poke(host.layout)


def _give_back(host: Host, container_id: str, kept: Collection[str]) -> None:
    """Release the addresses on networks that a container is no longer on."""
    for network in network_record.networks(host.layout):
        if network.id not in kept:
            lease.release(host.layout, network.id, container_id)
