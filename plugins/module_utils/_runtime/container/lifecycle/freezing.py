# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Freezing the processes of a container and letting them go on: pause, unpause.

A container may also be frozen for a moment, by whoever copies its files or commits it; thaw()
undoes that where the one who did it died.
"""

from __future__ import annotations

from ...base.errors import Conflict
from ...base.frozen import replace
from ...plan.plan import Host
from ...records import container_record, journal
from ...records.container_record import Record, locked
from ..engine import oci_runtime
from ..status import liveness
from ..supervision import watcher
from . import incarnation


def pause(host: Host, container_id: str) -> Record:
    """Freeze every process of a container. Raises Conflict when it does not run."""
    thaw(host, container_id)
    with locked(host, container_id) as found:
        if not liveness.is_running(host.layout, found):
            raise Conflict(f"container {found.name} is not running, so it cannot be paused")
        # Written first: what a kill in between leaves is a record that says paused, and unpause()
        # makes that right.
        paused = replace(found, phase="paused")
        container_record.write_record(host.layout, paused)
        runtime = oci_runtime.choose(host.layout, found.runtime)
        if not _is_frozen(host, paused):
            oci_runtime.pause(runtime, container_id)
        if watcher.needed(paused):
            watcher.poke(host.layout)
        return paused


def unpause(host: Host, container_id: str) -> Record:
    """Unpause a container. Raises Conflict when it is not paused."""
    with locked(host, container_id) as found:
        if found.phase != "paused" or not liveness.is_running(host.layout, found):
            raise Conflict(f"container {found.name} is not paused")
        resume(host, found)
        running = replace(found, phase="running")
        container_record.write_record(host.layout, running)
        if watcher.needed(running):
            incarnation.look_after(host)
        return running


def thaw(host: Host, container_id: str) -> bool:
    """Unfreeze a container whose freezer died. Returns whether that was so."""
    if not journal.left_frozen(host.layout, container_id):
        return False
    with locked(host, container_id) as found:
        if found.phase != "paused":
            resume(host, found)
        journal.thawed(host.layout, container_id)
    return True


def resume(host: Host, found: Record) -> None:
    """Unfreeze the processes of a container; its record stays as it is. Idempotent."""
    if _is_frozen(host, found):
        oci_runtime.resume(oci_runtime.choose(host.layout, found.runtime), found.id)


def _is_frozen(host: Host, found: Record) -> bool:
    status = oci_runtime.state(oci_runtime.choose(host.layout, found.runtime), found.id)
    return status is not None and status.get("status") == "paused"
