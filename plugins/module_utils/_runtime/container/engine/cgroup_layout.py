# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The control groups of this host, as OCI runtimes use them: which version, who manages them, where
a container's are.
"""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path

from ...base.errors import Error
from ...base.frozen import dataclass
from ...kernel import linux

#: Where they are mounted, of either version.
TOP = "/sys/fs/cgroup"


@dataclass(frozen=True)
class Cgroups:
    """How this host mounts its control groups.

    ``mode``: unified (v2), legacy (v1), hybrid (v1 with a v2 side at ``unified``) or none.
    ``v2_controllers``: what the v2 side offers.
    """

    mode: str
    v2_controllers: tuple[str, ...] = ()


def read() -> Cgroups:
    """Read the cgroup layout. Both runtimes look at the same places: /sys/fs/cgroup and
    ``unified``.
    """
    types = {mount.target: mount.fstype for mount in linux.mountinfo()}
    if types.get(TOP) == "cgroup2":
        return Cgroups("unified", _controllers(TOP))
    unified = f"{TOP}/unified"
    if types.get(unified) == "cgroup2":
        return Cgroups("hybrid", _controllers(unified))
    v1 = any(kind == "cgroup" and target.startswith(TOP) for target, kind in types.items())
    return Cgroups("legacy" if v1 else "none")


def _controllers(directory: str) -> tuple[str, ...]:
    try:
        return tuple(Path(directory, "cgroup.controllers").read_text("ascii").split())
    except FileNotFoundError:
        return ()


def is_v2() -> bool:
    """Whether the host has the unified hierarchy only; cheap enough to ask at every start."""
    return os.path.exists(f"{TOP}/cgroup.controllers")


def driver() -> str:
    """``systemd`` when it is PID 1 (sd_booted(3)), since it owns the cgroup tree then, else
    ``cgroupfs``.
    """
    return "systemd" if os.path.isdir("/run/systemd/system") else "cgroupfs"


def path(container_id: str, manager: str = "", parent: str = "") -> str:
    """linux.cgroupsPath of a container: a path, or slice:prefix:name for systemd (both runtimes'
    form). ``manager`` is who manages control groups, by default driver(); ``parent`` the cgroup or
    slice below which it is to be. Raises Error for one that systemd cannot use.
    """
    if (manager or driver()) == "systemd":
        if parent and (not parent.endswith(".slice") or "/" in parent):
            raise Error(
                f"cgroup_parent: {parent!r} is not a slice",
                hint="systemd manages the control groups of this host: use a slice such "
                "as user.slice",
            )
        return f"{parent or 'system.slice'}:slipway:{container_id}"
    return f"/{parent.strip('/') or 'slipway'}/{container_id}"


def remove(container_id: str, parent: str = "") -> None:
    """Remove the control groups a creation that failed may have left; crun leaves them all.

    None is a success, and one with a process in it stays. With systemd they go with their scope.
    """
    if driver() == "systemd":
        return
    below = path(container_id, parent=parent)
    with os.scandir(TOP) as hierarchies:
        tops = [TOP, *(entry.path for entry in hierarchies if entry.is_dir())]
    for top in tops:
        with suppress(OSError):
            os.rmdir(f"{top}{below}")
