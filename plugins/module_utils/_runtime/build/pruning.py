# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Removing what builds left for those that follow: kept steps, the content of cache mounts, and
contexts that came from the controller.
"""

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
from .sent import kept as kept_contexts

STEP, MOUNT, CONTEXT = "step", "mount", "context"


@dataclass(frozen=True)
class Left:
    """Something a build left, and its bytes. ``name`` is a step's key, the name of a cache mount,
    or the digest of a context.
    """

    name: str
    size: int
    kind: str = STEP
    #: When it was used last, in seconds since 1970.
    used: float = 0.0


def found(layout: Layout, before: Optional[float] = None, spare: int = 0) -> list[Left]:
    """Everything that was not used since ``before``, a time in seconds since 1970 (all); what was
    used last stays as long as all that stays has at most ``spare`` bytes.
    """
    listed = []
    for name, kept in step_cache.entries(layout).items():
        layer = kept.layer
        size = layer.size + layers.size_bytes(layout, kept.chain_id, 0) if layer else 0
        listed.append(Left(name, size, used=step_cache.last_used(layout, name)))
    for path in _mounts(layout):
        listed.append(Left(path.name, _bytes(path), MOUNT, path.stat().st_mtime))
    for name in kept_contexts.names(layout):
        size, used = kept_contexts.size_bytes(layout, name), kept_contexts.last_used(layout, name)
        listed.append(Left(name, size, CONTEXT, used))
    going = [one for one in listed if before is None or one.used < before]
    if not spare:
        return going
    rest = sum(one.size for one in listed)
    chosen = []
    for one in sorted(going, key=lambda one: one.used):
        if rest <= spare:
            break
        chosen.append(one)
        rest -= one.size
    return chosen


def chain_ids(layout: Layout, going: Iterable[str] = ()) -> set[str]:
    """The layers that steps keep, without those of the steps that go."""
    steps = step_cache.entries(layout)
    return {steps[name].chain_id for name in set(steps) - set(going)}


def remove(layout: Layout, left: Iterable[Left]) -> list[Left]:
    """Remove it; a cache mount or context that is in use at this moment stays. Returns what went.
    The layers go with the next collection of the store.
    """
    from . import inputs

    gone = []
    for one in left:
        if one.kind == CONTEXT:
            if kept_contexts.remove(layout, one.name):
                gone.append(one)
            continue
        if one.kind == STEP:
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
