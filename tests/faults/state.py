# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What an installation holds, and what may not be in it once a task has ended well."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path

from ansible_collections.slipway.engine.plugins.module_utils._runtime.base.layout import Layout
from ansible_collections.slipway.engine.plugins.module_utils._runtime.image import verify
from ansible_collections.slipway.engine.plugins.module_utils._runtime.image.store import index
from ansible_collections.slipway.engine.plugins.module_utils._runtime.records import (
    container_record,
)

Holdings = frozenset[str]


def holdings(layout: Layout) -> Holdings:
    """Every object, one line each: ``volume data``, ``blob HEX``."""
    places = {
        "container": layout.containers,
        "name": layout.names,
        "network": layout.networks,
        "volume": layout.volumes,
        "blob": layout.blobs,
        "layer": layout.layers,
        "run": layout.run_containers,
        "login": layout.etc,
        "step": layout.build / "steps",
        "context": layout.build / "contexts",
        "claim": layout.run / "starting",
    }
    lines = {f"image {entry.name} {entry.manifest.digest}" for entry in index.entries(layout)}
    for kind, place in places.items():
        lines |= {f"{kind} {name}" for name in _listed(place)}
    return frozenset(lines)


def counted(held: Holdings) -> dict[str, int]:
    """How many objects of each kind there are: what two runs have in common."""
    counts: dict[str, int] = {}
    for line in held:
        kind = line.partition(" ")[0]
        # Claims of those who are gone are forgotten by whoever changes the firewall next.
        if kind != "claim":
            counts[kind] = counts.get(kind, 0) + 1
    return dict(sorted(counts.items()))


def litter(layout: Layout) -> list[str]:
    """What only work under way has: journals, claims, what is half made, what is frozen."""
    found: list[Path] = []
    for place in (layout.creations, layout.swaps, layout.tmp, layout.trash, layout.ingest,
                  layout.run_builds, layout.run_progress):  # fmt: skip
        found += [place / name for name in _listed(place)]
    for container_id in _listed(layout.run_containers):
        found += layout.run_container(container_id).glob("frozen")
        if container_id not in _listed(layout.containers):
            found.append(layout.run_container(container_id))
    for top in (layout.root, layout.run, layout.etc):
        found += _hidden(top, (layout.layers, layout.containers, layout.volumes))
    for name in _listed(layout.names):
        if os.readlink(layout.names / name) not in _listed(layout.containers):
            found.append(layout.names / name)
    lines = [str(path) for path in found]
    for container_id in container_record.all_ids(layout):
        record = container_record.read_record(layout, container_id)
        named = layout.names / record.name
        if not named.is_symlink() or os.readlink(named) != container_id:
            lines.append(f"container {container_id[:12]} has lost its name {record.name}")
        if record.phase == "removing":
            lines.append(f"container {record.name} is half removed")
        if container_record.read_spec(layout, container_id).name != record.name:
            lines.append(f"container {record.name} is declared by another name")
    return lines


def damaged(layout: Layout) -> list[str]:
    """The blobs and layers of all images that are not what their digests say."""
    return [f"{found.image}: {found.what}" for found in verify.verify(layout).findings]


def _hidden(top: Path, but: tuple[Path, ...]) -> Iterator[Path]:
    """What killed writers leave beside their files (write_atomic)."""
    for directory, names, files in os.walk(top):
        path = Path(directory)
        if path in but or path.name == "rootfs":
            # Of these only what the engine itself writes, one level down. What is beside the record
            # of a container goes when that is locked next, which other tasks do not do.
            if path.name not in ("rootfs", "containers"):
                for name in names:
                    yield from (path / name).glob(".*-*-*")
            names.clear()
            continue
        yield from (path / f for f in files if f.startswith(".") and not f.endswith(".lock"))


def _listed(place: Path) -> list[str]:
    try:
        return sorted(os.listdir(place))
    except FileNotFoundError:
        return []


def watcher_pid() -> int:
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        with contextlib.suppress(OSError):
            if b"\0supervise\0watch\0" in path.read_bytes():
                return int(path.parent.name)
    raise AssertionError("there is no watcher")
