# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Removing what builds left for those that follow: kept steps, and the content of cache mounts."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Optional

from ..base import files
from ..base.errors import LockTimeout
from ..base.frozen import dataclass
from ..base.layout import Layout
from ..image.store import layers, step_cache


@dataclass(frozen=True)
class Left:
    """Something a build left: a step's key or the name of a cache mount, and its bytes."""

    name: str
    size: int
    mount: bool = False


def found(layout: Layout, before: Optional[float] = None) -> list[Left]:
    """Everything that was not used since ``before``, a time in seconds since 1970 (all)."""
    listed = []
    for name, kept in step_cache.entries(layout).items():
        if before is None or step_cache.last_used(layout, name) < before:
            layer = kept.layer
            size = layer.size + layers.size_bytes(layout, kept.chain_id, 0) if layer else 0
            listed.append(Left(name, size))
    for path in _mounts(layout):
        if before is None or path.stat().st_mtime < before:
            listed.append(Left(path.name, _bytes(path), mount=True))
    return listed


def chain_ids(layout: Layout, going: Iterable[str] = ()) -> set[str]:
    """The layers that steps keep, without those of the steps that go."""
    steps = step_cache.entries(layout)
    return {steps[name].chain_id for name in set(steps) - set(going)}


def remove(layout: Layout, left: Iterable[Left]) -> list[Left]:
    """Remove it; a cache mount that a build uses at this moment stays. Returns what went. The
    layers go with the next collection of the store.
    """
    from . import inputs

    gone = []
    for one in left:
        if not one.mount:
            step_cache.forget(layout, [one.name])
            gone.append(one)
            continue
        path = layout.build / "mounts" / one.name
        try:
            with files.lock(path.with_name(f"{one.name}.lock"), deadline_s=0.0):
                files.discard(layout, path)
                gone.append(one)
        except LockTimeout:
            continue
    inputs.tidy(layout)
    return gone


def _mounts(layout: Layout) -> Iterator[Path]:
    try:
        names = sorted(os.listdir(layout.build / "mounts"))
    except FileNotFoundError:
        return
    for name in names:
        path = layout.build / "mounts" / name
        if path.is_dir():
            yield path


def _bytes(path: Path) -> int:
    """What the files below a directory hold."""
    total = 0
    for directory, dummy, names in os.walk(path):
        for name in names:
            try:
                total += os.lstat(os.path.join(directory, name)).st_size
            except FileNotFoundError:
                continue
    return total
