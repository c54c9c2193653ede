# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a killed process leaves is gone after the next task, whatever that one is about."""

from __future__ import annotations

import os
import signal
import subprocess

import pytest
from support.containers import World, until
from support.converging import Task
from support.declaring import acting, isolated

from ansible_collections.slipway.engine.plugins.module_utils._runtime.container.engine import (
    oci_runtime,
)
from ansible_collections.slipway.engine.plugins.module_utils._runtime.container.lifecycle import (
    actions,
)
from ansible_collections.slipway.engine.plugins.module_utils._runtime.network import synchronise
from ansible_collections.slipway.engine.plugins.module_utils._runtime.records import (
    container_record,
)

from .. import killing, state, tasks
from ..scene import perform

VOLUMES = ["/data", "/more"]


def kill(world: World, task: Task, where: str) -> None:
    """Kill a task at the first event after one that matches ``where``."""
    ended = killing.killed_after(lambda: perform(world.layout, task), where)
    assert ended.killed, ended.said or "the point was not met"


def unrelated(world: World) -> None:
    """A task that finds nothing to do."""
    assert not perform(world.layout, tasks.volume("data"))


@pytest.fixture
def beside(world: World) -> World:
    """The world with something else on it."""
    perform(world.layout, tasks.volume("data"))
    return world


def anonymous(world: World) -> list[str]:
    return sorted(name for name in os.listdir(world.layout.volumes) if name != "data")


def test_a_removal_takes_its_volumes_along(beside: World) -> None:
    made = isolated("web", volumes=VOLUMES)
    perform(beside.layout, made)

    remove = acting("web", state="absent", keep_volumes=False)
    kill(beside, remove, r"os.rename .*/trash/[0-9a-f]{64}-")
    assert container_record.all_ids(beside.layout) == []
    assert len(anonymous(beside)) == 2
    unrelated(beside)
    assert anonymous(beside) == state.litter(beside.layout) == []
    perform(beside.layout, tasks.volume("data", state="absent"))


def test_volumes_that_are_to_stay_do(beside: World) -> None:
    made = isolated("web", volumes=VOLUMES)
    perform(beside.layout, made)

    remove = acting("web", state="absent", keep_volumes=True)
    # It has lost its name, and is there.
    kill(beside, remove, r"os.remove .*/names/web")
    assert len(container_record.all_ids(beside.layout)) == 1
    unrelated(beside)
    assert container_record.all_ids(beside.layout) == state.litter(beside.layout) == []
    assert len(anonymous(beside)) == 2
    perform(beside.layout, tasks.prune(volumes=True, volumes_filters={"all": True}))


def test_one_that_was_started_since_is_kept(beside: World) -> None:
    made = isolated("web", state="stopped")
    perform(beside.layout, made)

    remove = acting("web", state="absent")
    kill(beside, remove, r"os.rename .*/creations/")
    found = beside.recorded(container_record.by_name(beside.layout, "web"))
    actions.start(beside.host, found.id)
    unrelated(beside)
    assert container_record.all_ids(beside.layout) == [found.id]
    assert state.litter(beside.layout) == []
    perform(beside.layout, remove)
    perform(beside.layout, tasks.volume("data", state="absent"))


def test_a_creation_leaves_no_volumes(beside: World) -> None:
    create = isolated("web", state="present", volumes=VOLUMES)
    kill(beside, create, r"os.rename .*/volumes/[0-9a-f]{64}'")
    assert len(anonymous(beside)) == 1
    unrelated(beside)
    assert anonymous(beside) == state.litter(beside.layout) == []
    perform(beside.layout, tasks.volume("data", state="absent"))


@pytest.mark.parametrize("guarded", [True, False])
def test_a_commit_leaves_nothing_frozen(world: World, guarded: bool) -> None:
    made = isolated("web", command=["sh", "-c", "echo a >/a; exec sleep 1000"])
    perform(world.layout, made)
    found = world.current(container_record.by_name(world.layout, "web"))
    until((world.layout.container(found.id) / "upper" / "a").exists)
    runtime = oci_runtime.choose(world.layout, found.runtime)

    def status() -> object:
        return (oci_runtime.state(runtime, found.id) or {}).get("status")

    commit = tasks.commit("web", "made:1")
    kill(world, commit, r"subprocess.Popen .*'pause'")
    if guarded:
        until(lambda: status() == "running", 10)
        assert not (world.layout.run_container(found.id) / "frozen").exists()
    else:
        # Its guard died with it.
        until(lambda: status() == "running", 10)
        oci_runtime.pause(runtime, found.id)
        gone = '{"boot_id": "x", "pid": 1, "start": 1}'
        (world.layout.run_container(found.id) / "frozen").write_text(gone)
        assert perform(world.layout, made)
        assert status() == "running"
    perform(world.layout, made)
    assert state.litter(world.layout) == []
    perform(world.layout, acting("web", state="absent"))


def test_an_end_that_nobody_recorded_is(beside: World) -> None:
    perform(beside.layout, isolated("web"))
    found = beside.current(container_record.by_name(beside.layout, "web"))
    os.kill(found.conmon_pid, signal.SIGKILL)
    os.kill(found.pid, signal.SIGKILL)
    until(lambda: beside.current(found.id).phase == "exited")
    assert beside.layout.run_container(found.id).exists()
    unrelated(beside)
    assert not beside.layout.run_container(found.id).exists()
    assert beside.recorded(found.id).phase == "exited"
    perform(beside.layout, acting("web", state="absent"))
    perform(beside.layout, tasks.volume("data", state="absent"))


def test_a_start_leaves_no_claim(world: World) -> None:
    starting = world.layout.run / "starting"
    for name in ("web", "db"):
        world.slipway(
            "run", "-d", "--network", "none", "--name", name, "busybox:1", "sleep", "1000"
        )
    assert os.listdir(starting) == []
    for name in ("web", "db"):
        perform(world.layout, acting(name, state="absent"))


def test_rules_of_a_network_that_is_gone_go(beside: World) -> None:
    perform(beside.layout, tasks.network("lan"))
    gone = tasks.network("lan", state="absent")
    # Its record is gone, and its rules are there.
    kill(beside, gone, r"os.rename .*/trash/[0-9a-f]{64}-")
    unrelated(beside)
    assert synchronise.standing(beside.layout)
    assert os.listdir(beside.layout.run / "starting") == []
    perform(beside.layout, gone)
    perform(beside.layout, tasks.volume("data", state="absent"))


def test_content_of_an_image_that_was_given_up_goes(beside: World) -> None:
    layout = beside.layout
    blob = layout.blob(f"sha256:{'a' * 64}")
    blob.write_bytes(b"of an image without a name")
    unrelated(beside)
    assert blob.exists(), "nobody gave up an image"
    layout.collect.touch()
    unrelated(beside)
    assert not blob.exists() and not layout.collect.exists()
    perform(layout, tasks.volume("data", state="absent"))


def test_what_was_half_written_beside_a_record_goes(beside: World) -> None:
    perform(beside.layout, isolated("web", state="present"))
    found = beside.layout.container(container_record.by_name(beside.layout, "web"))
    gone = subprocess.Popen(["true"])
    gone.wait()
    left = found / f".record.json-{gone.pid}-0a1b2c3d4e5f"
    left.write_text("half of it")
    perform(beside.layout, acting("web", state="started"))
    assert not left.exists()
    perform(beside.layout, acting("web", state="absent"))
    perform(beside.layout, tasks.volume("data", state="absent"))
