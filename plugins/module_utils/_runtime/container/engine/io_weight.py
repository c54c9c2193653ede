# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The weight of a container's disk I/O where the runtime cannot give it.

On control groups v1 its file is blkio.bfq.weight (block/bfq-iosched.rst: 1 to 1000, 100 by default)
since the kernel's other scheduler with weights has gone (Linux 5.0), and crun writes to
blkio.weight only. So there no runtime is told of the weight, and it is written to the group that
the runtime has made before anything runs in it.
"""

from __future__ import annotations

from pathlib import Path
from typing import Optional

from ...base.errors import Error
from ...base.frozen import replace
from ...kernel import cgroups
from ...spec.container import ContainerSpec
from . import cgroup_layout

#: What a group has that nobody gave a weight.
DEFAULT = 100
_FILE, _RUNTIMES_FILE = "blkio.bfq.weight", "blkio.weight"


def is_ours(spec: ContainerSpec) -> bool:
    """Whether a container has a weight that is written here and not by the runtime."""
    return bool(spec.blkio_weight) and _served_here()


def _served_here() -> bool:
    if cgroup_layout.is_v2():
        return False
    # The group at the top has no weight, as there is nothing beside it.
    groups = list(Path(cgroup_layout.TOP, "blkio").glob("*/"))
    there = {name for name in (_FILE, _RUNTIMES_FILE) if any((g / name).exists() for g in groups)}
    # Where there is no group yet, the first one shows when it is made.
    return there == {_FILE} or not groups


def without(spec: ContainerSpec) -> ContainerSpec:
    """What the runtime is told: without a weight that is written here."""
    return replace(spec, blkio_weight=0) if is_ours(spec) else spec


def give(spec: ContainerSpec, pid: int) -> None:
    """Write the weight to the control group of a container's process."""
    group = _group(pid)
    weight = spec.blkio_weight or DEFAULT
    for name in (_FILE, _RUNTIMES_FILE):
        if group is not None and (group / name).exists():
            (group / name).write_text(str(weight), "ascii")
            return
    raise Error(
        f"container {spec.name}: the control groups of this host do not support the option"
        " blkio_weight",
        hint="omit the option blkio_weight on this host",
    )


def _group(pid: int) -> Optional[Path]:
    """The v1 group of a process that counts its I/O (cgroups(7), /proc/PID/cgroup)."""
    for dummy, controllers, path in cgroups.of_process(pid):
        if "blkio" in controllers.split(","):
            return Path(cgroup_layout.TOP, "blkio", path.lstrip("/"))
    return None
