# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The control group of what outlives a task: monitors, the watcher and the name server."""

from __future__ import annotations

import contextlib
import os
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Union

_CGROUPS = Path("/sys/fs/cgroup")

#: Where systemd does not manage the control groups: one beside those of the containers.
_CGROUP = "slipway/conmon"
#: Where it does, and alone may make groups (systemd, CGROUP_DELEGATION.md): a scope it made for us,
#: which is ours to move processes into since it is delegated.
SCOPE = "slipway-monitors.scope"
_SLICE = "system.slice"
#: The scope goes with its last process; one that is just going, or just being made by somebody
#: else, is tried again. Times, seconds.
_TRIES, _PAUSE_S = 50, 0.02


def of_process(pid: Union[int, str]) -> list[tuple[str, str, str]]:
    """Number, controllers and path of a process's groups (cgroups(7), /proc/PID/cgroup).

    Raises FileNotFoundError or ProcessLookupError when the process is gone.
    """
    with open(f"/proc/{pid}/cgroup", "rb") as file:
        return groups_in(file.read())


def groups_in(table: bytes) -> list[tuple[str, str, str]]:
    """The same of such a table. Pure. Whoever may make groups gives them any name without a
    newline.
    """
    found = []
    for line in os.fsdecode(table).split("\n")[:-1]:
        number, controllers, path = line.split(":", 2)
        found.append((number, controllers, path))
    return found


def leave_session(pid: int) -> None:
    """Move a process that outlives us to a cgroup of ours, out of the session or service it began
    in.

    systemd ends what is left in the cgroup of a session or service when that ends
    (KillMode=control-group, KillUserProcesses=), and memory is accounted to it. Where we are at the
    root, or in a cgroup of ours already, as an exit hook is, there is nothing to leave. Where the
    process cannot be moved, it stays where it is.
    """
    memberships = list(_memberships())
    if any(path.endswith(f"/{SCOPE}") for dummy, path in memberships):
        return
    if os.path.isdir("/run/systemd/system") and _join_scope(pid):
        return
    for hierarchy, path in memberships:
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


def _join_scope(pid: int) -> bool:
    """Move a process into our scope, which is made for the first one; False where systemd makes
    none.
    """
    from . import process  # Most hooks are in a cgroup of ours already.

    # The same call that an OCI runtime makes for a container. The scope outlasts the shutdown's
    # first moment, as theirs do: the containers are stopped in order then.
    properties = (
        *("Description", "s", "Monitors of containers, made by slipway.engine"),
        *("Slice", "s", _SLICE),
        *("Delegate", "b", "true"),
        *("DefaultDependencies", "b", "false"),
        *("CollectMode", "s", "inactive-or-failed"),
        *("PIDs", "au", "1", str(pid)),
    )
    call = ["busctl", "--quiet", "call", "org.freedesktop.systemd1", "/org/freedesktop/systemd1"]
    call += ["org.freedesktop.systemd1.Manager", "StartTransientUnit", "ssa(sv)a(sa(sv))"]
    call += [SCOPE, "fail", "6", *properties, "0"]
    for dummy in range(_TRIES):
        if enter(pid):
            return True
        if process.which(call[0]) is None:
            return False
        done = process.run(call, check=False)
        if not done.returncode:
            return True
        if b"already exists" not in done.stderr and b"already loaded" not in done.stderr:
            return False
        time.sleep(_PAUSE_S)
    return False


def enter(pid: int, top: Path = _CGROUPS) -> bool:
    """Move a process into our scope where it is, in every hierarchy; False where it is not.

    Of a hierarchy in which systemd made no group for the scope, the next one above is where it has
    processes of the scope itself.
    """
    own = top / "systemd" if (top / "systemd").is_dir() else top
    if not (own / _SLICE / SCOPE).is_dir():
        return False
    others = [top / name for name in ("unified", "memory", "pids") if own != top]
    for hierarchy in (own, *others):
        for group in (hierarchy / _SLICE / SCOPE, hierarchy / _SLICE, hierarchy):
            if group.is_dir():
                try:
                    (group / "cgroup.procs").write_text(str(pid), "ascii")
                except OSError:
                    # The last process of the scope has just ended, and the scope with it.
                    if hierarchy == own:
                        return False
                break
    return True


def _memberships() -> Iterator[tuple[Path, str]]:
    """Our own cgroup in each hierarchy that matters to a monitor: where it is mounted, and its
    path.

    cgroups(7): ``0::PATH`` is v2, ``N:CONTROLLERS:PATH`` is v1, ``name=systemd`` a v1 hierarchy
    that only groups processes.
    """
    for number, controllers, path in of_process("self"):
        if number == "0":
            unified = _CGROUPS / "unified"
            yield (unified if unified.is_dir() else _CGROUPS), path
        elif controllers == "name=systemd":
            yield _CGROUPS / "systemd", path
        elif controllers in ("memory", "pids"):
            yield _CGROUPS / controllers, path
