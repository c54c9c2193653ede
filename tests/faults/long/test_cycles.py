# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Containers that are created, started, stopped and removed over and over: nothing grows (R6)."""

from __future__ import annotations

import os
import time

from support import audit as leaks
from support.containers import World, until
from support.declaring import acting, isolated, task

from ansible_collections.slipway.engine.plugins.module_utils._runtime.records import notes

from .. import figures, state, tasks
from ..scene import perform

#: Rounds of a container without a network, and of one on a network with a port.
ROUNDS = 500 if figures.WHOLE else 20
#: Rounds whose times are printed, at the beginning and at the end; a hundred cycles of all.
TIMED = ROUNDS // 10


def everything(world: World) -> list[str]:
    """Each file of the installation, by its path. The places of locks that last are not counted,
    nor the notes of what was done, of which the last ones stay.
    """
    layout, found = world.layout, []
    passed = tuple(f"{top}/" for top in (layout.locks, notes.directory(layout)))
    for top in (world.layout.root, world.layout.run, world.layout.etc):
        for directory, names, files in os.walk(top):
            found += [os.path.join(directory, name) for name in (*names, *files)]
    return sorted(path for path in found if not path.startswith(passed))


def too_many_notes(world: World) -> list[str]:
    """Said of more notes than there may be; some more than are kept, before the oldest go."""
    count = len(os.listdir(notes.directory(world.layout)))
    return [f"{count} notes of what was done"] if count > 2 * notes.KEPT else []


def ended(world: World, at_first: leaks.Snapshot) -> None:
    """Wait until what began since then has ended; a monitor's hook outlives its container."""
    until(lambda: leaks.snapshot(world.layout.root)["process"] <= at_first["process"])


def size_bytes(world: World) -> int:
    return sum(
        os.lstat(path).st_blocks * 512 for path in everything(world) if os.path.lexists(path)
    )


def test_nothing_grows(world: World) -> None:
    perform(world.layout, tasks.network("lan"))

    def cycle() -> None:
        perform(world.layout, isolated("web", volumes=["/data"]))
        port = ["127.0.0.1:8098:80"]
        perform(world.layout, task("db", networks=[{"name": "lan"}], published_ports=port))
        perform(world.layout, isolated("web", volumes=["/data"], state="stopped"))
        for name in ("web", "db"):
            perform(world.layout, acting(name, state="absent", keep_volumes=False))

    # What the first of its kind makes stays: the firewall's table, caches.
    at_first = leaks.snapshot(world.layout.root)
    cycle()
    ended(world, at_first)
    before, files = leaks.snapshot(world.layout.root), everything(world)
    size, open_files = size_bytes(world), len(os.listdir("/proc/self/fd"))
    locks = len(os.listdir(world.layout.locks))
    took = []
    for dummy in range(ROUNDS):
        began = time.monotonic()
        cycle()
        took.append(time.monotonic() - began)
    for name, some in (("first", took[:TIMED]), ("last", took[-TIMED:])):
        print(f"the {name} {2 * len(some)} of {2 * ROUNDS} cycles took {sum(some):.1f} s")
    left = leaks.settle(before, world.layout.root)
    left += sorted({*everything(world)} ^ {*files}) + too_many_notes(world)
    figures.note("R6", "cycles", 0 if left else 2 * ROUNDS, 2 * ROUNDS)
    assert left == state.litter(world.layout) == []
    assert len(os.listdir("/proc/self/fd")) == open_files
    assert len(os.listdir(world.layout.locks)) == locks
    assert abs(size_bytes(world) - size) < 1 << 20
    perform(world.layout, tasks.network("lan", state="absent"))
