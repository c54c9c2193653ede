# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A container that starts while another one, with the same volume, swaps what lies in it."""

from __future__ import annotations

import contextlib
import multiprocessing
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from ansible_collections.slipway.engine.plugins.module_utils._runtime.base.errors import Error
from ansible_collections.slipway.engine.plugins.module_utils._runtime.container.lifecycle import (
    actions,
)
from ansible_collections.slipway.engine.plugins.module_utils._runtime.kernel import linux
from ansible_collections.slipway.engine.plugins.module_utils._runtime.spec.container import Mount
from ansible_collections.slipway.engine.plugins.module_utils._runtime.spec.volume import Volume
from ansible_collections.slipway.engine.plugins.module_utils._runtime.volume import store
from support.containers import World

#: What the volume holds: a directory and a link that leads to the host, which change places.
DIRECTORY, LINK = "sub", "link"


@dataclass(frozen=True)
class Rounds:
    """How many starts there were that came to something, and that were refused."""

    started: int
    refused: int


@contextlib.contextmanager
def swapping(directory: Path) -> Iterator[None]:
    """A process that does nothing but swap the two, as fast as the kernel can."""

    def swap() -> None:
        fd = os.open(directory, os.O_PATH | os.O_DIRECTORY)
        while True:
            linux.renameat2(fd, DIRECTORY, fd, LINK, linux.RENAME_EXCHANGE)

    process = multiprocessing.get_context("fork").Process(target=swap, daemon=True)
    process.start()
    try:
        yield
    finally:
        process.kill()
        process.join()


def race(world: World, canary: Path, rounds: int, subpath: bool = False) -> Rounds:
    """Start containers with a volume nested in the volume that is swapped, or with a part of it.

    ``canary`` is the directory of the host that the link leads to; nothing may be mounted there,
    nothing of it be seen inside. Fails with what was.
    """
    layout = world.layout
    store.ensure(layout, Volume("shared", ""))
    data = store.data(layout, "shared")
    if not os.listdir(data):
        (data / DIRECTORY / "deep").mkdir(parents=True)
        (data / LINK).symlink_to(canary)
    before = sorted(os.listdir(canary))
    inner = Mount("volume", "shared", "/part", subpath=f"{DIRECTORY}/deep")
    if not subpath:
        inner = Mount("volume", "inner", f"/shared/{DIRECTORY}/deep")
    mounts = (Mount("volume", "shared", "/shared"), inner)
    started = refused = 0
    with swapping(data):
        for number in range(rounds):
            made = world.create(f"victim{number}", mounts=mounts)
            try:
                running = actions.start(world.host, made.id)
            except Error:
                refused += 1
            else:
                started += 1
                for entry in linux.mountinfo(running.pid):
                    below = "/shared", "/part"
                    ours = entry.target.startswith(below) or "/volumes/" not in entry.root
                    assert ours, f"{entry.root} is mounted at {entry.target}"
                    if entry.target.startswith(below):
                        assert "/volumes/" in entry.root, f"{entry.root} is seen inside"
            spread = [e.target for e in linux.mountinfo() if e.target.startswith(str(canary))]
            assert spread == [], f"mounted on the host: {spread}"
            actions.remove(world.host, made.id, force=True)
    assert sorted(os.listdir(canary)) == before
    return Rounds(started, refused)
