# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a running container lost on the host that only a new start brings back.

Its process is there, so it is running by all that is recorded. But without its monitor nobody
records its end, restarts it or reads what it writes; nothing can be executed in it without what the
OCI runtime wrote down; no limit holds outside of its control groups; and a layer, a volume or a
file that was removed and made again is not the one it has.
"""

from __future__ import annotations

import os

from ...base.layout import Layout
from ...records.container_record import Record
from ...spec.container import ContainerSpec
from ..engine import conmon_files


def adrift(layout: Layout, found: Record, spec: ContainerSpec) -> tuple[str, ...]:
    """What is gone, in words; () for a container that has all it was started with. Reads only."""
    run = layout.run_container(found.id)
    if not os.path.isdir(run):
        return (f"its directory {run}",)
    lost = []
    if not conmon_files.attended(layout, found.id):
        lost.append("its monitor, conmon")
    if not _known_to_runtime(layout, found.id):
        lost.append("the OCI runtime's record of it")
    groups = _read(f"/proc/{found.pid}/cgroup")
    if groups and found.id not in groups:
        lost.append("its control group")
    lost += [f"its layer {c[7:19]}" for c in found.layers if not os.path.isdir(layout.layer(c))]
    return (*lost, *_unlinked(found, spec))


def _known_to_runtime(layout: Layout, container_id: str) -> bool:
    roots = (name for name in os.listdir(layout.run) if name.startswith("runtime-"))
    return any(os.path.isdir(layout.run / name / container_id) for name in roots)


def _unlinked(found: Record, spec: ContainerSpec) -> list[str]:
    """The volumes and files of names that it has mounted and that were removed (the kernel's
    fs/d_path.c: what is mounted and has no place in its file system any more ends so in mountinfo).
    """
    table = _read(f"/proc/{found.pid}/mountinfo")
    if "//deleted" not in table:
        return []
    named = [mount.source for mount in spec.mounts if mount.kind == "volume" and mount.source]
    places = {f"volume {n}": f"{n}/_data" for n in sorted({*named, *found.anonymous_volumes})}
    places.update({f"file {n}": f"{found.id}/{n}" for n in ("hosts", "resolv.conf", "hostname")})
    return [f"its {what}" for what, place in places.items() if f"/{place}//deleted" in table]


def _read(path: str) -> str:
    """A file of a process; "" when that is gone."""
    try:
        with open(path, encoding="utf-8", errors="replace") as file:
            return file.read()
    except OSError:
        return ""
