# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A container's files while none of its processes is running: frozen, or prevented from
starting.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from typing import Optional

from ...base.errors import Error
from ...plan.plan import Host
from ...records import container_record, journal
from ...records.container_record import Record, locked
from ..engine import oci_runtime
from ..status import liveness
from . import filesystem, private_mount
from .filesystem import Tree


@contextlib.contextmanager
def still(host: Host, container_id: str, write: bool) -> Iterator[Tree]:
    """The files of a container while none of its processes moves: frozen, or kept from starting.

    Its lock is held meanwhile. ``write`` mounts what does not run so that it can be changed.
    """
    with locked(host, container_id) as found, contextlib.ExitStack() as stack:
        if found.phase == "removing":
            raise Error(f"container {found.name} is being removed")
        if liveness.is_running(host.layout, found):
            stack.enter_context(frozen(host, found.id))
            top = stack.enter_context(filesystem.of_process(host.layout, found))
        else:
            top = stack.enter_context(private_mount.mounted(host, found, write))
        yield stack.enter_context(filesystem.held(top, found))


@contextlib.contextmanager
def root_only(host: Host, container_id: str) -> Iterator[int]:
    """A descriptor of a container's root filesystem without anything mounted in it.

    That of one that runs changes meanwhile; one that does not is kept from starting.
    """
    with contextlib.ExitStack() as stack:
        found = stack.enter_context(_unless_running(host, container_id))
        if found is None:
            top = host.layout.run_container(container_id) / "rootfs"
        else:
            top = stack.enter_context(
                private_mount.mounted(host, found, write=False, with_volumes=False)
            )
        fd = os.open(top, os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
        stack.callback(os.close, fd)
        yield fd


@contextlib.contextmanager
def _unless_running(host: Host, container_id: str) -> Iterator[Optional[Record]]:
    """The record of a container, its lock held, or None for one that runs, without the lock."""
    with locked(host, container_id) as found:
        if not liveness.is_running(host.layout, found):
            yield found
            return
    yield None


@contextlib.contextmanager
def frozen(host: Host, container_id: str) -> Iterator[None]:
    """The container's processes frozen for the block; one that was paused before stays so."""
    made_by = container_record.read_record(host.layout, container_id).runtime
    runtime = oci_runtime.choose(host.layout, made_by)
    status = oci_runtime.state(runtime, container_id)
    paused = status is not None and status.get("status") == "paused"
    if status is None or (paused and not journal.left_frozen(host.layout, container_id)):
        yield
        return
    # Written down first, so that it is unfrozen if we are killed meanwhile: at once by the guard,
    # or by whoever comes next if that was killed too.
    with (
        journal.freezing(host.layout, container_id) as mark,
        oci_runtime.guarded(runtime, container_id, mark) as guard,
    ):
        if not paused:
            oci_runtime.pause(runtime, container_id, pass_fds=(guard,))
        try:
            yield
        finally:
            oci_runtime.resume(runtime, container_id)
