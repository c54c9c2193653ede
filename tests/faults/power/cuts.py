# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A piece of work on a disk that is cut off from power at many points, and what is found then.

The work is done once. It is stopped at each of the points, and what has reached the disk is copied;
the last copy is of when the work was reported done. Then every copy is what a machine finds that
starts again: nothing runs, /run is empty, the boot is another one. What was there before the work
and is there after it has to be there, images have to verify, and the task converges. On the last
copy everything is there that the work made, and what it removed is not.
"""

from __future__ import annotations

import contextlib
import hashlib
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Callable, Optional

from support.containers import World
from support.converging import check

from ansible_collections.slipway.engine.plugins.module_utils._runtime.base import files
from ansible_collections.slipway.engine.plugins.module_utils._runtime.base.layout import Layout

from .. import killing, state
from ..scene import Scene, perform
from . import disk

#: What lives in /run, or in the memory of the kernel, ends with the power.
_FLEETING = ("run ", "claim ", "login ")
#: What a removal may leave for the next task to clear away.
_CLEARED = ("blob ", "layer ")


@dataclass(frozen=True)
class Cut:
    """A copy, what has to be in it, and all that may be in it. ``want`` is None within the work."""

    name: str
    copy: Path
    kept: frozenset[str]
    want: Optional[frozenset[str]] = None


@dataclass(frozen=True)
class Cuts:
    """``tried``, the last of them at the end of the work; ``control`` is of its end without syncs,
    and ``world`` is who did it.
    """

    tried: list[Cut]
    control: Cut
    world: World


@dataclass(frozen=True)
class Bench:
    """Where it is tried: the kind of filesystem, and a directory for its files."""

    kind: str
    directory: Path
    new_world: Callable[[], World]
    layout: Layout

    def __enter__(self) -> None:
        self.directory.mkdir()

    def __exit__(self, *dummy: object) -> None:
        shutil.rmtree(self.directory)

    def cuts(self, scene: Scene, count: int) -> Cuts:
        """Do the work to count its points, with cuts, and without syncs."""
        device = self.directory / "disk"
        disk.make(self.kind, device)
        place = self.layout.root
        copies: dict[int, Path] = {}

        def end(name: str, before: frozenset[str]) -> Cut:
            copy = self.directory / f"cut-{name}"
            disk.cut(device, place, copy)
            after = lasting(self.layout)
            _undo(world, scene)
            return Cut("its end", copy, before & after, after)

        def met(number: int) -> None:
            if number in picked:
                copies[number] = self.directory / f"cut-{number}"
                disk.cut(device, place, copies[number])

        with disk.mounted(self.kind, device, place):
            self._restarted()
            world = self.new_world()
            _aside(lambda: scene.before(world))
            calls = self._work(world, scene, lambda number: None)
            _undo(world, scene)
            picked = set(killing.spread_numbers(calls, count))
            _aside(lambda: scene.before(world))
            before = lasting(self.layout)
            self._work(world, scene, met)
            last = end("end", before)
            _aside(lambda: scene.before(world))
            before = lasting(self.layout)
            ended = killing.traced(disk.unsynced(lambda: _act(world, scene)), None)
            assert ended.status == 0, ended.said
            control = end("control", before)
        device.unlink()
        within = [
            Cut(f"call {number} of {calls}", path, last.kept) for number, path in copies.items()
        ]
        return Cuts([*within, last], control, world)

    def _work(self, world: World, scene: Scene, met: Callable[[int], None]) -> int:
        """Do it; how many points it has."""
        number = 0

        def stopped() -> None:
            nonlocal number
            number += 1
            met(number)

        ended = killing.stopped_at_calls(lambda: _act(world, scene), stopped)
        assert ended.status == 0, ended.said
        return number

    def _restarted(self) -> None:
        """A machine that has just started has nothing in /run."""
        for left in self.layout.run.iterdir():
            files.remove_tree(left)
        files.prepare(self.layout)

    def lost(self, cut: Cut) -> list[str]:
        """What is not on a disk, and what cannot be read; nothing is written to it but the tree of
        directories.
        """
        with disk.mounted(self.kind, cut.copy, self.layout.root):
            try:
                self._restarted()
                return _missing(self.layout, cut) + state.damaged(self.layout)
            except Exception as exc:
                return [f"not readable: {type(exc).__name__}: {exc}"]

    def found(self, cut: Cut, scene: Scene, world: World) -> list[str]:
        """What is wrong with a disk, and after tasks on it; [] is all well. The copy is gone."""
        said: list[str] = []
        with contextlib.ExitStack() as stack:
            stack.enter_context(disk.mounted(self.kind, cut.copy, self.layout.root))
            stack.enter_context(disk.booted_again(self.directory / "boot_id"))
            try:
                self._restarted()
                said += _missing(self.layout, cut) + state.damaged(self.layout)
                perform(self.layout, scene.task(world), [])
                said += _missing(self.layout, Cut("", cut.copy, cut.kept))
                again = check(self.layout, scene.task(world), {}).actions
                if again or perform(self.layout, scene.task(world), []):
                    said.append(f"a second run changes something: {', '.join(again)}")
                said += state.litter(self.layout) + state.damaged(self.layout)
                _undo(world, scene)
            except Exception as exc:
                said.append(f"{type(exc).__name__}: {exc}")
                with contextlib.suppress(Exception):
                    world.clear()
        cut.copy.unlink()
        return said


def lasting(layout: Layout) -> frozenset[str]:
    """What an installation holds for longer than until the next boot, and what its records say."""
    lines = {line for line in state.holdings(layout) if not line.startswith(_FLEETING)}
    for place in (layout.networks, layout.volumes, layout.containers):
        for path in place.glob("*/*.json"):
            # What became of a container changes by itself.
            if path.name != "record.json":
                digest = hashlib.sha256(path.read_bytes()).hexdigest()
                lines.add(f"record {path.parent.name}/{path.name} {digest[:12]}")
    return frozenset(lines)


def _missing(layout: Layout, cut: Cut) -> list[str]:
    found = lasting(layout)
    lines = [f"lost: {line}" for line in sorted((cut.want or cut.kept) - found)]
    if cut.want is not None:
        extra = sorted(found - cut.want)
        lines += [f"back again: {line}" for line in extra if not line.startswith(_CLEARED)]
    return lines


def _act(world: World, scene: Scene) -> None:
    if scene.act is not None:
        scene.act(world)
    else:
        perform(world.layout, scene.task(world))


def _undo(world: World, scene: Scene) -> None:
    def undo() -> None:
        for task in scene.undo(world):
            perform(world.layout, task, [])

    _aside(undo)


def _aside(act: Callable[[], Any]) -> None:
    """Do it in a process that is gone afterwards, as it is after a power cut: who left something
    half removed is known by its number.
    """
    ended = killing.traced(act, None)
    assert ended.status == 0, ended.said


def summary(said: Sequence[tuple[Cut, list[str]]]) -> str:
    return "\n  ".join(f"{cut.name}: {line}" for cut, lines in said for line in lines)
