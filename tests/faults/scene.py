# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A piece of work that is killed at every point, and what has to be true after that.

After each kill the same task is run again, as a play would: it must end well, and a second run must
find nothing to do. Then the installation holds as many objects as after a run that nobody killed,
no journal, claim or half-made file is left, and all blobs and layers are what their digests say.
What undoes the work then leaves the host as it was before: that is the leak audit.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Callable, Optional

from support import audit as leaks
from support.containers import World
from support.converging import Task, check

from ansible_collections.slipway.engine.plugins.module_utils._runtime.base import errors
from ansible_collections.slipway.engine.plugins.module_utils._runtime.base.layout import Layout
from ansible_collections.slipway.engine.plugins.module_utils._runtime.container.supervision import (
    boot,
)
from ansible_collections.slipway.engine.plugins.module_utils._runtime.network.link import sysctl
from ansible_collections.slipway.engine.plugins.module_utils._runtime.plan.converge import converge
from ansible_collections.slipway.engine.plugins.module_utils._runtime.plan.plan import Host
from ansible_collections.slipway.engine.plugins.module_utils._runtime.resource import leftovers
from ansible_collections.slipway.engine.plugins.module_utils._runtime.volume import store

from . import figures, killing, state
from .killing import Ended, Point

#: Points per list of a scene: in the sample, and at most in the whole run.
SAMPLE, MOST = 2, 12


def nothing(world: World) -> None:
    """What many scenes do before or after."""


@dataclass(frozen=True)
class Scene:
    """``task`` is what is declared; ``act`` what is killed, the task itself by default.

    ``before`` makes what has to be there, ``undo`` takes away that and the rest by tasks. ``lists``
    are the lists of points that are tried. ``proves`` looks at more than the state.
    """

    name: str
    task: Callable[[World], Task]
    undo: Callable[[World], Sequence[Task]]
    before: Callable[[World], Any] = nothing
    act: Optional[Callable[[World], Any]] = None
    lists: tuple[str, ...] = ("calls", "events")
    proves: Callable[[World], Any] = nothing
    #: Whether the work ends when its time is up, so that not every point is met again.
    timed: bool = False


def perform(
    layout: Layout, task: Task, warned: Optional[list[str]] = None, lock_timeout_s: float = 30.0
) -> bool:
    """One task as the module does it (_task.converge); whether it changed anything. It has no
    warnings, unless they are asked for.
    """
    host = Host(layout, lock_timeout_s=lock_timeout_s)
    try:
        with host.held:
            leftovers.finish(host)
            plan, dummy = converge(host, task.resource, task.declare(task.params))
    except (OSError, RuntimeError, MemoryError) as exc:
        refused = errors.refusal(exc)
        if refused is None:
            raise
        raise refused from exc
    if warned is not None:
        warned += host.warnings
    assert warned is not None or not host.warnings, host.warnings
    return plan.changed


@dataclass(frozen=True)
class Trial:
    """One list of points, those of it that are tried, and how; ``judge`` says what is wrong with
    how the work ended there: None where the point was not met.
    """

    goal: str
    listing: Callable[[Callable[[], Any], Path], list[Point]]
    picked: Callable[[Sequence[Point]], Iterable[Point]]
    do: Callable[[Callable[[], Any], Point], Ended]
    judge: Callable[[Ended], Optional[list[str]]]
    #: Whether each step that is listed has to be survived, and not only what was met again.
    each_step: bool = False


def kills(scene: Scene) -> list[Trial]:
    """SIGKILL at the points of the lists of a scene; in the whole run also at each step of the list
    of events.
    """
    count = MOST if figures.WHOLE else SAMPLE
    ways = {
        "calls": (killing.calls, killing.killed_at_call),
        "events": (killing.events, killing.killed_at_event),
    }
    return [
        Trial(
            "R1",
            ways[name][0],
            _picked(name, count),
            ways[name][1],
            lambda ended: [] if ended.killed else None,
            figures.WHOLE and name == "events" and not scene.timed,
        )
        for name in scene.lists
    ]


def _picked(name: str, count: int) -> Callable[[Sequence[Point]], Iterable[Point]]:
    pick = killing.each_step if figures.WHOLE and name == "events" else killing.spread
    return lambda points: pick(points, count)


def as_at_first(layout: Layout) -> None:
    """Forget what a host notes or sets once, so that each point finds it as the list of points did:
    what its OCI runtime can do, how its containers are started after a boot, and that it forwards.
    """
    for path in layout.run.glob("runtime*.json"):
        path.unlink()
    asked = boot.arrangement(layout)
    if asked is not None:
        boot.withdraw(asked)
    for family in ("ipv4/ip_forward", "ipv6/conf/all/forwarding"):
        sysctl.write(f"net/{family}", "0")


#: How long what a kill leaves running may take to end, on a busy machine.
_SETTLES_S = 10.0
#: How often a point is tried that is not met.
_TRIES = 3


def play(world: World, scene: Scene, log: Path, trials: Optional[Sequence[Trial]] = None) -> None:
    """Do the work of a scene with each fault. Raises AssertionError with all that went wrong."""
    before = leaks.snapshot(world.layout.root)
    held = state.holdings(world.layout)
    wanted: Optional[dict[str, int]] = None
    wrong: list[str] = []
    tried = survived = 0
    missed: list[str] = []
    trials = kills(scene) if trials is None else trials
    # Once in this process, so that what it imports is there in all that are forked from it.
    scene.before(world)
    wrong += [*_after(world, scene, None)[1], *_undone(world, scene, before, held)]
    for trial in trials:
        as_at_first(world.layout)
        scene.before(world)
        points = trial.listing(lambda: _work(world, scene), log)
        wanted, said = _after(world, scene, wanted)
        said += _undone(world, scene, before, held)
        wrong += [f"{scene.name}, without a fault: {line}" for line in said]
        if wrong:
            break
        steps = {point.step for point in points if trial.each_step}
        for point in trial.picked(points):
            said = []
            for dummy in range(_TRIES):
                as_at_first(world.layout)
                scene.before(world)
                verdict = trial.judge(trial.do(lambda: _work(world, scene), point))
                said += [*_after(world, scene, wanted)[1], *_undone(world, scene, before, held)]
                if verdict is not None:
                    break
                point = killing.nearer(point)
            said += verdict or []
            missed += [str(point)] if verdict is None else []
            tried += verdict is not None
            survived += verdict is not None and not said
            wrong += [f"{scene.name}, at {point}: {line}" for line in said]
            if verdict is not None and not said:
                steps.discard(point.step)
            if len(wrong) > 60:
                break
        wrong += [
            f"{scene.name}: no kill at {kind} in {place} was survived" for kind, place in steps
        ]
    figures.note(trials[0].goal, scene.name, survived, tried)
    print(
        f"{scene.name}: {survived} of {tried} survived, {len(missed)} not met", *missed, sep="\n  "
    )
    assert not wrong, f"{survived} of {tried} survived\n  " + "\n  ".join(wrong)
    assert tried and (scene.timed or not missed), f"not met: {missed}"


def _work(world: World, scene: Scene) -> None:
    if scene.act is not None:
        scene.act(world)
    else:
        perform(world.layout, scene.task(world))


def _after(
    world: World, scene: Scene, wanted: Optional[dict[str, int]]
) -> tuple[dict[str, int], list[str]]:
    """Converge, twice; what is there then, and what should not be."""
    said: list[str] = []
    with _noting(said, "converging"):
        perform(world.layout, scene.task(world))
    with _noting(said, "converging again"):
        again = check(world.layout, scene.task(world), {}).actions
        if again:
            said.append(f"a second run does {', '.join(again)}")
        if perform(world.layout, scene.task(world)) and not again:
            said.append("a second run changes something")
    with _noting(said, "looking"):
        scene.proves(world)
    said += _littered(world.layout)
    said += state.damaged(world.layout)
    found = _held(world.layout, wanted)
    if wanted is not None and found != wanted:
        kinds = sorted({*found, *wanted})
        said += [
            f"{found.get(kind, 0)} of {kind}, not {wanted.get(kind, 0)}"
            for kind in kinds
            if found.get(kind, 0) != wanted.get(kind, 0)
        ]
    return found, said


def _held(layout: Layout, wanted: Optional[dict[str, int]]) -> dict[str, int]:
    """How many objects there are, once an exit hook that may be under way has ended."""
    deadline = time.monotonic() + _SETTLES_S
    while True:
        found = state.counted(state.holdings(layout))
        if wanted in (None, found) or time.monotonic() > deadline:
            return found
        time.sleep(0.05)


def _littered(layout: Layout) -> list[str]:
    """What is left for longer than what a kill leaves running may take to end."""
    deadline = time.monotonic() + _SETTLES_S
    while True:
        found = state.litter(layout)
        if not found or time.monotonic() > deadline:
            return found
        time.sleep(0.05)


def _undone(world: World, scene: Scene, before: leaks.Snapshot, held: state.Holdings) -> list[str]:
    """Undo everything; what is left then. The next point begins with a clean host all the same."""
    said: list[str] = []
    for task in scene.undo(world):
        with _noting(said, "undoing"):
            perform(world.layout, task)
    said += leaks.settle(before, world.layout.root, 5.0)
    left = state.holdings(world.layout)
    said += [f"left: {line}" for line in sorted(left - held)]
    said += [f"gone: {line}" for line in sorted(held - left)]
    if said:
        with contextlib.suppress(Exception):
            world.clear()
        for line in left - held:
            kind, dummy, name = line.partition(" ")
            if kind == "volume":
                store.remove(world.layout, name)
    return said


@contextlib.contextmanager
def _noting(said: list[str], what: str) -> Any:
    try:
        yield
    except Exception as exc:
        said.append(f"{what} failed: {type(exc).__name__}: {exc}")
