# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Check mode writes nothing (R14): every system call of a task in check mode is looked at.

The tasks are those that are killed beside it, on the hosts they would change.
"""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from support import audit as leaks
from support.containers import World
from support.converging import check
from support.servers.registry import Registry

from .. import figures, killing, state
from ..killing import Point
from ..scene import Scene, perform
from .test_killed_containers import SCENES as OF_CONTAINERS
from .test_killed_hosts import SCENES as OF_HOSTS
from .test_killed_images import NAMES, Sources, scenes, sources

__all__ = ["sources"]

#: Asking is no change: the kernel by netlink, a registry, a name server.
_ASKING = frozenset({"connect", "sendto", "sendmsg"})
#: What a write or a lock may be to: pipes to programs that are asked, and to who waits for us.
_TO_NOBODY = re.compile(
    r"^\d+<(pipe|socket|anon_inode|NETLINK|UNIX|TCP|UDP)[:>\[]|\"/dev/(null|tty)\""
)
#: What is thrown away again, to look whether an image has the program it is to start with; and
#: which OCI runtime serves this host, noted for the next start.
_THROWN_AWAY = re.compile(r"/var/lib/slipway/tmp/root-|/run/slipway/\.?runtime\.json")


def changes(point: Point) -> bool:
    if point.kind in _ASKING or point.kind in ("vfork", "clone", "clone3"):
        return False
    return not (_TO_NOBODY.search(point.text) or _THROWN_AWAY.search(point.text))


def look(world: World, scene: Scene, log: Path) -> list[str]:
    """What a check-mode run of a scene's task does to the host, and what differs after it."""
    scene.before(world)
    before = leaks.snapshot(world.layout.root)
    held = state.holdings(world.layout)
    points = killing.calls(lambda: check(world.layout, scene.task(world), {}), log, ["-y"])
    found = [f"{scene.name}: {point}" for point in points if changes(point)]
    found += [
        f"{scene.name}: {line}" for line in leaks.compare(before, leaks.snapshot(world.layout.root))
    ]
    found += [f"{scene.name}: {line}" for line in state.holdings(world.layout) ^ held]
    for task in scene.undo(world):
        perform(world.layout, task)
    return found


@pytest.mark.parametrize("kind", ["containers", "hosts", "images"])
def test_check_mode_writes_nothing(
    world: World, tmp_path: Path, kind: str, registry: Registry, sources: Sources
) -> None:
    chosen = {"containers": OF_CONTAINERS, "hosts": OF_HOSTS, "images": scenes(sources)}[kind]
    found = [look(world, scene, tmp_path / "log") for scene in chosen if scene.act is None]
    figures.note("R14", kind, sum(not lines for lines in found), len(found))
    wrong = [line for lines in found for line in lines]
    assert not wrong, "\n".join(wrong)


def test_all_images_are_among_them(sources: Sources) -> None:
    assert [scene.name for scene in scenes(sources)] == NAMES
