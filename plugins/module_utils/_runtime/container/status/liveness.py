# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether a container runs (records/running), and how one that does not has ended.

Reading only; whoever acts writes down what it found (incarnation.settle).
"""

from __future__ import annotations

import os
import time
from typing import Optional

from ...base.frozen import replace
from ...base.layout import Layout
from ...kernel import linux
from ...records import container_record, running
from ...records.container_record import Record
from ..engine import conmon_files

#: What an exit is recorded as when nobody saw it: killed, as far as one can tell.
UNSEEN_EXIT = 137

#: How long a monitor that lives may take to write down the end of its container.
_EXIT_WAIT_S = 1.0

#: PF_EXITING of a process's flags (include/linux/sched.h): it is exiting, not a zombie yet.
_EXITING = 0x4


def is_running(layout: Layout, found: Record) -> bool:
    """Whether the process a record names is there, by (pid, start time, boot id)."""
    return running.is_running(found)


def truth(layout: Layout, found: Record) -> Record:
    """A record corrected by what the kernel says."""
    if found.phase not in container_record.LIVE:
        return running.truth(found)
    return found if running.is_running(found) else ended(layout, found)


def current(layout: Layout, container_id: str) -> Record:
    """What is true of a container now. Raises NotFound."""
    while True:
        kept = container_record.read_record(layout, container_id)
        found = truth(layout, kept)
        if found.phase == kept.phase or container_record.read_record(layout, container_id) == kept:
            return found
        # Its exit hook has just recorded how it ended, and cleared away what that is read from.


def current_past_exit(layout: Layout, container_id: str) -> Record:
    """As ``current``; of a process that is on its way out, once it has ended, or a second is over.

    The kernel gives its namespaces up before it counts as ended (kernel/exit.c, do_exit), so for a
    moment what a container has of the host looks damaged.
    """
    deadline = time.monotonic() + _EXIT_WAIT_S
    while True:
        found = current(layout, container_id)
        if (
            found.phase not in container_record.LIVE
            or not _exiting(found.pid)
            or time.monotonic() > deadline
        ):
            return found
        time.sleep(0.002)


def _exiting(pid: int) -> bool:
    try:
        with open(f"/proc/{pid}/stat", "rb") as file:
            flags = int(file.read().rpartition(b")")[2].split()[6])
    except (FileNotFoundError, ProcessLookupError):
        return True
    return bool(flags & _EXITING)


def unsettled(layout: Layout) -> list[str]:
    """The containers that do not run, and of whose last run something is still there, because
    whoever was to clear it away was killed: a task that started or stopped them, or their exit
    hook. Some may be about to start. Those that ran before the host went down are not among them:
    what becomes of them is decided when it comes up (lifecycle/host_power.py).

    Costs one small file per run where nothing is wrong.
    """
    try:
        runs = os.listdir(layout.run_containers)
    except FileNotFoundError:
        return []
    ids = filter(container_record.is_id, runs)
    return [found for found in ids if _is_unsettled(layout, found)]


def _is_unsettled(layout: Layout, container_id: str) -> bool:
    # An exit hook has the pid of its monitor.
    if conmon_files.lives(layout, container_id):
        return False
    found = container_record.find_record(layout, container_id)
    if found is None or running.is_running(found):
        return False
    if found.boot_id and found.boot_id != linux.boot_id():
        return False
    at_work = running.truth(found).phase in ("removing", "restarting")
    return not at_work and not conmon_files.someone_attends(layout, container_id)


def ended(layout: Layout, found: Record) -> Record:
    """The record of a container whose process has ended, with what conmon wrote down about that."""
    seen = _exit(layout, found)
    return replace(
        found,
        phase="exited",
        pid=0,
        pid_start=0,
        conmon_pid=0,
        exit_code=UNSEEN_EXIT if seen is None else seen.code,
        oom_killed=seen is not None and seen.oom_killed,
        # The time of a file is that of the kernel's last tick, so it may lie before the start.
        finished_at="" if seen is None else max(seen.finished_at, found.started_at),
    )


def ended_well(found: Record) -> bool:
    """Whether a container that has ended did its work, which is not a failure. Pure."""
    return found.exit_code == 0


def ending(found: Record) -> str:
    """How a container that has ended did so, in words. Pure."""
    if found.oom_killed:
        return "was killed because it ran out of memory"
    return f"exited with {found.exit_code}"


def _exit(layout: Layout, found: Record) -> Optional[conmon_files.Exit]:
    """What conmon wrote down, awaited while it lives: it hears of the end a moment after us."""
    deadline = time.monotonic() + _EXIT_WAIT_S
    while True:
        monitored = conmon_files.alive(layout, found.id)
        seen = conmon_files.read_exit(layout, found.id, found.generation)
        if seen is not None or not monitored or time.monotonic() > deadline:
            return seen
        time.sleep(0.002)
