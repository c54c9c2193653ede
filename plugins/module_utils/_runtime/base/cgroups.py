# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The control group of what outlives a task: monitors, and the name server."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path

_CGROUPS = Path("/sys/fs/cgroup")

#: The cgroup of all conmons, beside those of the containers.
_CGROUP = "slipway/conmon"


def leave_session(pid: int) -> None:
    """Move a process that outlives us to a cgroup of ours, out of the session or service it began
    in.

    systemd ends what is left in the cgroup of a session or service when that ends
    (KillMode=control-group, KillUserProcesses=), and memory is accounted to it. The cgroup is ours
    below the root of each hierarchy; systemd leaves such ones alone, as it does with Docker's.
    Where we are at the root, or in a cgroup of ours already, as an exit hook is, there is nothing
    to leave. A hierarchy that cannot be written is passed over: there the monitor stays where it
    is.
    """
    for hierarchy, path in _memberships():
        if path == "/" or path.startswith("/slipway/"):
            continue
        group = hierarchy / _CGROUP
        with contextlib.suppress(OSError):
            group.mkdir(parents=True, exist_ok=True)
            (group / "cgroup.procs").write_text(str(pid), "ascii")


def remove_empty() -> None:
    """Remove the cgroups that all of ours are made in; one with a process in it stays."""
    for hierarchy in (_CGROUPS, *_CGROUPS.glob("*/")):
        for group in (_CGROUP, "slipway"):
            with contextlib.suppress(OSError):
                (hierarchy / group).rmdir()


def _memberships() -> Iterator[tuple[Path, str]]:
    """Our own cgroup in each hierarchy that matters to a monitor: where it is mounted, and its
    path.

    cgroups(7): ``0::PATH`` is v2, ``N:CONTROLLERS:PATH`` is v1, ``name=systemd`` a v1 hierarchy
    that only groups processes.
    """
    with open("/proc/self/cgroup", encoding="utf-8", errors="surrogateescape") as file:
        for line in file:
            number, controllers, path = line.rstrip("\n").split(":", 2)
            if number == "0":
                unified = _CGROUPS / "unified"
                yield (unified if unified.is_dir() else _CGROUPS), path
            elif controllers == "name=systemd":
                yield _CGROUPS / "systemd", path
            elif controllers in ("memory", "pids"):
                yield _CGROUPS / controllers, path
