# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether a container runs. A record only claims it; the kernel knows.

A process is (pid, start time, boot id): pids are reused, and files in /run may have survived a
reboot or their process. Whoever asks for the phase of a container asks here or, where it matters
how a container ended, container/status/liveness.
"""

from __future__ import annotations

from collections.abc import Iterator

from ..base.frozen import replace
from ..base.layout import Layout
from ..kernel import linux, processes
from ..plan.plan import Host
from . import container_record
from .container_record import LIVE, Record


def is_running(found: Record) -> bool:
    """Whether the process a record names is there, by (pid, start time, boot id)."""
    return (
        found.phase in LIVE
        and found.boot_id == linux.boot_id()
        and processes.alive(found.pid, found.pid_start)
    )


def _awaited(found: Record) -> bool:
    """Whether the process that waits to start a container again is there; it takes the place of its
    monitor.
    """
    return found.boot_id == linux.boot_id() and processes.alive(found.conmon_pid, found.pid_start)


def truth(found: Record) -> Record:
    """A record whose phase is what the kernel says; how the container ended it does not say."""
    if found.phase in LIVE and not is_running(found):
        return replace(found, phase="exited", pid=0, pid_start=0, conmon_pid=0)
    if found.phase == "restarting" and not _awaited(found):
        return replace(found, phase="exited", pid_start=0, conmon_pid=0)
    return found


def records(layout: Layout) -> Iterator[Record]:
    """Every container's record, with its true phase."""
    return map(truth, container_record.records(layout))


def seen(host: Host) -> tuple[Record, ...]:
    """The same, read once where many things are observed."""
    return host.once("records", lambda: tuple(records(host.layout)))
