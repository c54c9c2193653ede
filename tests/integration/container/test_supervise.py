# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Restart policies on real crashes: what conmon's exit hook does when nobody looks."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from pathlib import Path

import pytest
from support.containers import World, page, until

from ansible_collections.slipway.engine.plugins.module_utils._runtime.container.engine import (
    conmon_files,
)
from ansible_collections.slipway.engine.plugins.module_utils._runtime.container.lifecycle import (
    actions,
    on_exit,
)
from ansible_collections.slipway.engine.plugins.module_utils._runtime.container.status import (
    liveness,
)
from ansible_collections.slipway.engine.plugins.module_utils._runtime.spec.container import (
    Mount,
    Port,
    RestartPolicy,
)

ALWAYS = RestartPolicy("always")
UNLESS_STOPPED = RestartPolicy("unless-stopped")


@pytest.mark.parametrize(("script", "code"), [("exit 0", 0), ("exit 3", 3), ("kill -9 $$", 137)])
def test_the_hook_records_how_it_ended(world: World, script: str, code: int) -> None:
    # The shell is not process 1 in its subshell, so that it can kill itself.
    running = world.run("web", f"sh -c '{script}'; exit $?")
    ended = world.reaches(running, "exited")
    assert (ended.exit_code, ended.pid, ended.restart_count) == (code, 0, 0)
    assert not ended.stopped_by_user
    assert ended.finished_at >= ended.started_at
    until(lambda: not world.layout.run_container(running.id).exists())


def test_on_failure_gives_up_after_its_retries(world: World) -> None:
    policy = RestartPolicy("on-failure", 2)
    running = world.run("web", "echo run; exit 3", restart_policy=policy)
    until(lambda: world.recorded(running.id).restart_count == 2)
    ended = world.reaches(running, "exited")
    assert (ended.exit_code, ended.restart_count, ended.generation) == (3, 2, 3)
    assert world.log("web") == "run\n" * 3
    time.sleep(0.5)
    assert world.recorded(running.id) == ended
    # A start by hand begins to count anew.
    assert actions.start(world.host, running.id).restart_count == 0
    until(lambda: world.recorded(running.id).restart_count == 2)


def test_on_failure_leaves_a_success_alone(world: World) -> None:
    running = world.run("web", "exit 0", restart_policy=RestartPolicy("on-failure"))
    world.reaches(running, "exited")
    time.sleep(0.3)
    assert world.recorded(running.id).generation == 1


@pytest.mark.parametrize("policy", [ALWAYS, UNLESS_STOPPED, RestartPolicy("on-failure")])
def test_killed_from_outside_it_comes_back(world: World, policy: RestartPolicy) -> None:
    running = world.run("web", restart_policy=policy)
    os.kill(running.pid, signal.SIGKILL)
    back = until(
        lambda: (
            (now := world.recorded(running.id)).generation == 2 and now.phase == "running" and now
        )
    )
    assert back.pid != running.pid
    assert liveness.is_running(world.layout, back)
    assert (back.exit_code, back.restart_count) == (0, 1)


def test_killed_from_outside_it_serves_again(world: World) -> None:
    running = world.run(
        "web",
        "mkdir -p /www; echo page > /www/index.html; exec httpd -f -p 80 -h /www",
        network_mode="",
        ports=(Port(80, host_port=8080),),
        restart_policy=ALWAYS,
    )
    assert page(8080) == "page\n"
    os.kill(running.pid, signal.SIGKILL)
    until(lambda: world.recorded(running.id).generation == 2)
    assert page(8080) == "page\n"


@pytest.mark.parametrize("policy", [ALWAYS, UNLESS_STOPPED])
def test_what_its_user_stops_stays_down(world: World, policy: RestartPolicy) -> None:
    running = world.run("web", restart_policy=policy)
    assert actions.stop(world.host, running.id).phase == "exited"
    time.sleep(0.5)
    stopped = world.recorded(running.id)
    assert (stopped.phase, stopped.generation, stopped.stopped_by_user) == ("exited", 1, True)


def test_a_stop_in_the_back_off_wins(world: World) -> None:
    running = world.run("web", "exit 1", restart_policy=ALWAYS)
    # From the third try on the window is wide enough to hit for sure.
    until(
        lambda: (now := world.recorded(running.id)).phase == "restarting" and now.backoff_s >= 0.8
    )
    stopped = actions.stop(world.host, running.id)
    assert (stopped.phase, stopped.stopped_by_user) == ("exited", True)
    time.sleep(1.2)
    assert world.recorded(running.id) == stopped


def test_the_back_off_doubles(world: World) -> None:
    running = world.run("web", "exit 1", restart_policy=ALWAYS)
    found = until(lambda: (now := world.recorded(running.id)).restart_count >= 4 and now)
    assert found.backoff_s == pytest.approx(0.1 * 2 ** (found.restart_count - 1))


def test_removing_in_the_back_off_wins(world: World) -> None:
    running = world.run("web", "exit 1", restart_policy=ALWAYS)
    until(
        lambda: (now := world.recorded(running.id)).phase == "restarting" and now.backoff_s >= 0.4
    )
    actions.remove(world.host, running.id, force=True)
    time.sleep(0.6)
    assert not world.layout.container(running.id).exists()


def test_nobody_waits_for_a_restart_that_will_not_come(world: World) -> None:
    running = world.run("web", "exit 1", restart_policy=ALWAYS)
    waiting = until(
        lambda: (
            (now := world.recorded(running.id)).phase == "restarting"
            and now.backoff_s >= 0.8
            and now
        )
    )
    assert world.current(running.id) == waiting
    os.kill(waiting.conmon_pid, signal.SIGKILL)
    until(lambda: world.current(running.id).phase == "exited")
    assert actions.start(world.host, running.id).generation == waiting.generation + 1


def test_a_late_event_is_recognised(world: World) -> None:
    first = world.run("web", restart_policy=ALWAYS)
    second = actions.restart(world.host, first.id)
    assert second.generation == 2
    on_exit.exited(world.host, first.id, 1)
    world.slipway("supervise", "exited", first.id, "1")
    assert world.recorded(first.id) == second
    assert liveness.is_running(world.layout, second)


def test_an_event_of_a_running_container_changes_nothing(world: World) -> None:
    running = world.run("web", restart_policy=ALWAYS)
    on_exit.exited(world.host, running.id, running.generation)
    assert world.recorded(running.id) == running
    assert liveness.is_running(world.layout, running)


def test_an_event_of_a_removed_container_is_no_error(world: World) -> None:
    made = world.create("web")
    actions.remove(world.host, made.id)
    assert world.slipway("supervise", "exited", made.id, "1").stderr == b""


def test_the_truth_is_told_before_the_hook_writes_it(world: World) -> None:
    running = world.run("web")
    os.kill(running.conmon_pid, signal.SIGKILL)
    os.kill(running.pid, signal.SIGKILL)
    until(lambda: not liveness.is_running(world.layout, running))
    assert world.recorded(running.id).phase == "running"
    told = world.current(running.id)
    assert (told.phase, told.exit_code, told.pid) == ("exited", liveness.UNSEEN_EXIT, 0)
    assert actions.start(world.host, running.id).generation == 2


def test_a_restart_that_cannot_be_is_recorded(world: World, tmp_path: Path) -> None:
    blocker = tmp_path / "source"
    blocker.mkdir()
    mounts = (Mount("bind", str(blocker), "/mnt"),)
    running = world.run("web", restart_policy=ALWAYS, mounts=mounts)
    blocker.rmdir()
    blocker.touch()
    os.kill(running.pid, signal.SIGKILL)
    ended = world.reaches(running, "exited")
    assert "/mnt is a directory in the image" in ended.error
    assert ended.exit_code == 137
    blocker.unlink()


def test_who_ends_a_container_spares_its_exit_hook(world: World) -> None:
    """The hook leaves an end to who attends to it, while that one works."""
    attended, left = world.run("attended"), world.run("left")
    with conmon_files.attending(world.layout, attended.id):
        os.kill(attended.pid, signal.SIGKILL)
        until(lambda: not conmon_files.attended(world.layout, attended.id))
        assert world.recorded(attended.id).phase == "running", "nobody has settled it"
    assert world.current(attended.id).phase == "exited"
    gone = subprocess.Popen(["true"])
    gone.wait()
    marker = world.layout.run_container(left.id) / "attended"
    marker.write_text(f"{gone.pid}\n")
    os.kill(left.pid, signal.SIGKILL)
    until(lambda: world.recorded(left.id).phase == "exited")
