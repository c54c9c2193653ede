# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""No space, no inodes, a read-only file system, I/O errors, no descriptors, no pids, no memory, at
the calls that ask for them (R9): one clear error, and the same task converges once there is room.

Every error but an I/O error lasts until the process ends, so undoing meets it too.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Callable, Optional

import pytest
from support.containers import World
from support.declaring import acting, isolated, task

from ansible_collections.slipway.engine.plugins.module_utils._runtime.records import (
    container_record,
)

from .. import figures, killing, tasks
from ..killing import Ended, Point
from ..scene import Scene, Trial, perform, play
from ..tasks import gone

_MAKING = "openat mkdir mkdirat mknodat linkat symlink symlinkat rename"


@dataclass(frozen=True)
class Fault:
    """An error, and the calls that give it."""

    error: str
    calls: str
    lasting: bool = True


FAULTS = [
    Fault("ENOSPC", f"{_MAKING} write pwrite64"),
    Fault("EROFS", f"{_MAKING} unlink unlinkat rmdir chmod fchmod"),
    Fault("EIO", "write pwrite64 fsync rename openat unlink", False),
    Fault("EMFILE", "openat"),
    Fault("EAGAIN", "vfork clone clone3"),
    Fault("ENOMEM", "vfork clone clone3 mount"),
]

#: Points per error and scene.
SAMPLE, MOST = 2, 12


def clear(fault: Fault) -> Callable[[Ended], Optional[list[str]]]:
    def judge(ended: Ended) -> Optional[list[str]]:
        if ended.status == 0:
            # The work went on without what was refused; what came of it is compared next.
            return []
        last = ended.said.strip().rpartition("\n")[2]
        if ended.status != 1 or not re.match(r"\S+\.errors\.\w+: ", last):
            return [f"ended with {ended.status}: {ended.said[-600:]}"]
        return ["an error that does not say of what"] if "system call: " in last else []

    return judge


def trial(fault: Fault) -> Trial:
    def picked(points: Sequence[Point]) -> Iterator[Point]:
        able = [point for point in points if point.kind in fault.calls.split()]
        return killing.spread(able, MOST if figures.WHOLE else SAMPLE)

    def do(act: Callable[[], Any], point: Point) -> Ended:
        return killing.refused(act, point, fault.error, fault.lasting)

    return Trial("R9", killing.calls, picked, do, clear(fault))


def made(**given: Any) -> Callable[[World], None]:
    def make(world: World) -> None:
        perform(world.layout, isolated("web", **given))

    return make


def changed(world: World) -> None:
    made(env={"A": "1"}, volumes=["/data"])(world)


SCENES = [
    Scene("create", lambda world: isolated("web", volumes=["/data"]), gone("web")),
    Scene("replace", lambda world: isolated("web", env={"A": "2"}, volumes=["/data"]), gone("web"),
          changed),
    Scene("remove", lambda world: acting("web", state="absent", keep_volumes=False), gone("web"),
          changed),
    Scene("network", lambda world: task("web", networks=[{"name": "lan"}]),
          lambda world: [*gone("web")(world), tasks.network("lan", state="absent")],
          lambda world: perform(world.layout, tasks.network("lan"))),
    Scene("tag", lambda world: tasks.tag("busybox:1", "other:1"),
          lambda world: [tasks.untag("other:1")]),
    Scene("commit", lambda world: tasks.commit("web", "made:1"),
          lambda world: [acting("web", state="absent"), tasks.untag("made:1")], changed),
]  # fmt: skip


@pytest.mark.parametrize("scene", SCENES, ids=lambda scene: scene.name)
def test_refused(world: World, tmp_path: Path, scene: Scene) -> None:
    play(world, scene, tmp_path / "log", [trial(fault) for fault in FAULTS])
    assert container_record.all_ids(world.layout) == []
