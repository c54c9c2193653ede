# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Changing what a container is asked to be while it stays the one it is: limits, networks, health
check.
"""

from __future__ import annotations

from ...base.errors import Error
from ...base.frozen import replace
from ...plan.plan import Host
from ...records import container_record, notes
from ...records.container_record import Record, locked
from ...spec.container import ContainerSpec, endpoints
from ..bundle import resources
from ..engine import cgroup_layout, io_weight, oci_runtime
from ..root import host_support
from ..status import fingerprint, liveness
from ..supervision import health, watcher
from . import incarnation, reconnect


def amend(host: Host, container_id: str, spec: ContainerSpec) -> Record:
    """Change what a container is asked to be, in the fields that need no new one.

    A running one gets its new limits first; if the kernel refuses them, for example less memory
    than is in use, nothing has changed. Other networks take effect at once.
    """
    with locked(host, container_id) as found:
        have = container_record.read_spec(host.layout, container_id)
        if liveness.is_running(host.layout, found):
            _limit(host, found, have, spec)
        if have.restart_on_change != spec.restart_on_change:
            known = {path: found.digests.get(path) for path in spec.restart_on_change}
            kept = {path: one or fingerprint.digest(path) for path, one in known.items()}
            found = replace(found, digests=kept)
            container_record.write_record(host.layout, found)
        if have.healthcheck != spec.healthcheck:
            found = _check_otherwise(host, found, spec)
        if endpoints(have) == endpoints(spec):
            container_record.write_spec(host.layout, container_id, spec)
            notes.note(host.layout, container_id, "update")
            return found
    notes.note(host.layout, container_id, "update")
    return reconnect.rejoin(host, container_id, spec)


def _check_otherwise(host: Host, found: Record, spec: ContainerSpec) -> Record:
    """Switch to another health check; the results of the old one are discarded."""
    image = container_record.read_image(host.layout, found.id)
    check = health.effective(spec.healthcheck, image.healthcheck)
    found = replace(found, watched=check is not None)
    container_record.write_spec(host.layout, found.id, spec)
    container_record.write_record(host.layout, found)
    if liveness.is_running(host.layout, found):
        health.write(host.layout, found, health.Health(found.generation))
        if found.watched:
            incarnation.look_after(host)
        else:
            watcher.poke(host.layout)
    return found


def _limit(host: Host, found: Record, have: ContainerSpec, want: ContainerSpec) -> None:
    lacking = host_support.lacking(want, cgroup_layout.is_v2())
    told = (io_weight.without(have), io_weight.without(want))
    changes = resources.changes(*told, lacking, *host_support.everything())
    try:
        if changes:
            runtime = oci_runtime.choose(host.layout, found.runtime)
            oci_runtime.update(runtime, found.id, changes)
        if told != (have, want) and have.blkio_weight != want.blkio_weight:
            io_weight.give(want, found.pid)
    except Error as exc:
        raise Error(f"container {found.name}: its limits cannot be changed: {exc}") from exc
