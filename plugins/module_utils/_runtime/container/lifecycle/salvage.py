# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A container whose files cannot be read: what is known of it without them, so that it can go.

All that a container has on a host goes by its id: its processes, control group, mounts, run
directory, leases and rules. Only which volumes were made for it is in the record alone.
"""

from __future__ import annotations

import os

from ...base import clock, files
from ...base.errors import Error, NotFound
from ...base.layout import Layout
from ...plan.plan import Host
from ...records import container_record
from ...records.container_record import Record
from ...spec.container import ContainerSpec


def unreadable(layout: Layout, container_id: str) -> list[str]:
    """The files of a container that are damaged: ``record.json``, ``spec.json``."""
    read = {"record.json": container_record.read_record, "spec.json": container_record.read_spec}
    found = []
    for name, reader in read.items():
        try:
            reader(layout, container_id)
        except NotFound:
            continue
        except Error:
            found.append(name)
    return found


def damaged(host: Host, name: str, complaint: Error) -> tuple[str, tuple[str, ...]]:
    """The id of a container that is to go, and its damaged files, with a warning. Raises the
    complaint that led here where it is of something else.
    """
    container_id = container_record.by_name(host.layout, name)
    found = tuple(unreadable(host.layout, container_id))
    if not found:
        raise complaint
    host.warn(
        f"container {name}: {' and '.join(found)} cannot be read, so volumes without a name that"
        " were made for it stay; slipway volume prune removes them"
    )
    return container_id, found


def restore(host: Host, container_id: str) -> bool:
    """Write in place of damaged files what a removal needs; whether there were any. The container
    is recorded as one that has ended, without volumes of its own.
    """
    layout = host.layout
    if not unreadable(layout, container_id):
        return False
    with files.lock(layout.container(container_id) / "lock", deadline_s=host.lock_timeout_s):
        lost = unreadable(layout, container_id)
        if "spec.json" in lost:
            spec = ContainerSpec(_name(layout, container_id), "", "")
            container_record.write_spec(layout, container_id, spec)
        spec = container_record.read_spec(layout, container_id)
        if "record.json" in lost:
            found = Record(
                container_id, spec.name, clock.now(), (), phase="exited", runtime=spec.runtime
            )
            container_record.write_record(layout, found)
    return bool(lost)


def _name(layout: Layout, container_id: str) -> str:
    """The name that leads to it; its id where none does."""
    for name in os.listdir(layout.names):
        if os.readlink(layout.names / name) == container_id:
            return name
    return container_id
