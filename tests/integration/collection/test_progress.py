# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""``progress: true``: lines of a play about a task that takes long, and nothing without it."""

from __future__ import annotations

import json
import os
import re
import subprocess
import threading
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from support.builds.building import fill
from support.containers import World, until
from support.plays import Play, Run
from support.servers import sshd
from support.servers.registry import Registry
from support.servers.slow import Slow, slow_image

OFTEN = ("-e", "slipway_progress_interval=0.1")


@pytest.fixture
def slow(world: World, registry: Registry, tmp_path: Path) -> Iterator[Slow]:
    with slow_image(world, registry, tmp_path, "play/image:1") as made:
        yield made


def pull(slow: Slow, **options: Any) -> dict[str, Any]:
    return {"name": "Pull", "slipway.engine.image_pull": {"name": slow.name, **options}}


def watched(play: Play, task: Mapping[str, Any], slow: Slow, *arguments: str) -> str:
    """Run a task, let the server go on once progress was printed, and return all that was."""
    playbook = play.directory / "watched.yml"
    here = {"hosts": "all", "gather_facts": False, "tasks": [task]}
    playbook.write_text(json.dumps([here]))
    output = play.directory / "output"
    with output.open("wb") as out:
        running = subprocess.Popen(
            play.command(str(playbook), *OFTEN, *arguments),
            env=play.environment(),
            stdout=out,
            stderr=subprocess.STDOUT,
        )
    until(lambda: output.read_text().count("Downloading") > 1 or running.poll() is not None)
    slow.go_on.set()
    assert running.wait(120) == 0, output.read_text()
    return output.read_text()


def test_a_pull_tells_how_far_it_is(world: World, slow: Slow, tmp_path: Path) -> None:
    play = Play(tmp_path)
    said = watched(play, pull(slow, progress=True), slow, "-c", "local")
    lines = [line for line in said.splitlines() if "Downloading" in line]
    assert re.fullmatch(r"localhost: Downloading, 2.1MB of 4.2MB \(\d+%\)", lines[0])
    assert "changed=1" in said
    assert os.listdir(world.layout.run_progress) == []
    # A second run has nothing to tell.
    again = play.tasks([pull(slow, progress=True)], *OFTEN)
    assert (again.status, again.changed) == (0, 0)
    assert "ownloading" not in again.output


@pytest.mark.parametrize("how", ["not asked", "check", "no_log", "async"])
def test_nothing_is_told(world: World, slow: Slow, tmp_path: Path, how: str) -> None:
    # Long enough for many lines, were there any.
    threading.Timer(1.5, slow.go_on.set).start()
    task = pull(slow, progress=how != "not asked")
    if how == "no_log":
        task["no_log"] = True
    if how == "async":
        task.update({"async": 60, "poll": 1})
    done = Play(tmp_path).tasks([task], *OFTEN, *(["--check"] if how == "check" else []))
    assert (done.status, done.changed) == (0, 1), done.output
    assert "ownloading" not in done.output
    assert not world.layout.run_progress.exists()


def test_a_build_tells_its_step(world: World, slow: Slow, tmp_path: Path) -> None:
    text = (
        f"FROM {slow.name} AS base\nFROM busybox:1\nCOPY --from=base /random /\n"
        "RUN for i in 1 2 3 4 5 6 7 8; do echo line $i; sleep 0.3; done\n"
    )
    context = fill(tmp_path / "context", {"Dockerfile": text})
    task = {"slipway.engine.image_build": {"name": "made", "path": str(context), "progress": True}}
    said = watched(Play(tmp_path), task, slow, "-c", "local")
    assert f"localhost: pull {slow.name}: Downloading, 2.1MB of 4.2MB" in said
    assert re.search(r"^localhost: \[\S+ \d/\d\] \| line \d$", said, re.MULTILINE)
    assert os.listdir(world.layout.run_progress) == []


def test_a_killed_task_leaves_its_file_to_the_next(world: World, tmp_path: Path) -> None:
    world.layout.run_progress.mkdir(mode=0o700)
    (world.layout.run_progress / "progress-4194303-0123").write_text("{}")
    task = {"slipway.engine.volume": {"name": "v"}}
    assert Play(tmp_path).tasks([task]).changed == 1
    assert os.listdir(world.layout.run_progress) == []


def test_over_ssh_as_another_user(world: World, slow: Slow, sandbox: Path, tmp_path: Path) -> None:
    with sshd.ssh_host(sandbox / "ssh") as host:
        inventory = tmp_path / "hosts.json"
        inventory.write_text(json.dumps({"all": {"hosts": {"far": host.variables()}}}))
        said = watched(Play(tmp_path, str(inventory)), pull(slow, progress=True), slow, "-b")
    assert "far: Downloading, 2.1MB of 4.2MB (" in said
    assert os.listdir(world.layout.run_progress) == []


@pytest.mark.parametrize("given", ["soon", 0, -1])
def test_an_interval_that_is_none(world: World, slow: Slow, tmp_path: Path, given: object) -> None:
    done: Run = Play(tmp_path).tasks(
        [pull(slow, progress=True)], "-e", json.dumps({"slipway_progress_interval": given})
    )
    assert done.status != 0
    assert "slipway_progress_interval" in done.output
    assert not world.layout.run_progress.exists()
