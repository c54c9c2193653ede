# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""SIGKILL at every point of what is done to containers (R1)."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Callable

import pytest
from support.containers import World
from support.declaring import acting, isolated

from .. import killing
from ..killing import Point
from ..scene import Scene, perform, play
from ..tasks import gone


def made(**given: Any) -> Callable[[World], None]:
    """A container web as it is before."""

    def make(world: World) -> None:
        perform(world.layout, isolated("web", **given))

    return make


VOLUMES = {"volumes": ["/data"]}

SCENES = [
    Scene("create", lambda world: isolated("web", state="present", **VOLUMES), gone("web")),
    Scene("create and start", lambda world: isolated("web", **VOLUMES), gone("web")),
    Scene("start", lambda world: isolated("web"), gone("web"), made(state="present")),
    Scene("stop", lambda world: isolated("web", state="stopped"), gone("web"), made()),
    Scene(
        "remove", lambda world: acting("web", state="absent", keep_volumes=False), gone("web"),
        made(**VOLUMES),
    ),
    Scene(
        "replace", lambda world: isolated("web", env={"A": "2"}, **VOLUMES), gone("web"),
        made(**VOLUMES),
    ),
    Scene("restart", lambda world: isolated("web", env={"A": "1"}), gone("web"),
          made(env={"A": "1"}), lambda world: perform(world.layout, acting("web", restart=True))),
    Scene("pause", lambda world: isolated("web", paused=True), gone("web"), made()),
    Scene("unpause", lambda world: isolated("web"), gone("web"), made(paused=True)),
    Scene(
        "amend", lambda world: isolated("web", memory="32m", restart_policy="always"), gone("web"),
        made(),
    ),
]  # fmt: skip


def test_no_step_is_left_out() -> None:
    """Of a hundred points in one function and one in another, both functions are met."""
    many = [Point("open", number, "records/a:write ('x',)") for number in range(1, 101)]
    lone = Point("open", 101, "records/a:new ('x',)")
    picked = killing.each_step([*many[:50], lone, *many[50:]], 2)
    assert lone in picked
    assert picked[0] == many[0]
    assert len(picked) == 4


@pytest.mark.parametrize("scene", SCENES, ids=lambda scene: scene.name.replace(" ", "-"))
def test_killed(world: World, tmp_path: Path, scene: Scene) -> None:
    play(world, scene, tmp_path / "log")
