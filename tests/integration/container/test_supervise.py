# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Restart policies on real crashes: what conmon's exit hook does when nobody looks."""

from __future__ import annotations

import dataclasses
import os
import signal
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Callable

import pytest
from support.containers import World, page, until
from support.converging import check
from support.declaring import acting, converge, task

from ansible_collections.slipway.engine.plugins.module_utils._runtime.base import files
from ansible_collections.slipway.engine.plugins.module_utils._runtime.container.lifecycle import (
    actions,
    on_exit,
)
from ansible_collections.slipway.engine.plugins.module_utils._runtime.container.status import (
    liveness,
)
from ansible_collections.slipway.engine.plugins.module_utils._runtime.container.supervision import (
    boot,
    watcher,
)
from ansible_collections.slipway.engine.plugins.module_utils._runtime.records import (
    container_record,
)
from ansible_collections.slipway.engine.plugins.module_utils._runtime.spec.container import (
    Healthcheck,
    Mount,
    Port,
    RestartPolicy,
)

ALWAYS = RestartPolicy("always")
UNLESS_STOPPED = RestartPolicy("unless-stopped")


def _phase(world: World, found: container_record.Record, phase: str) -> container_record.Record:
    """Wait for a phase to be recorded, and return the record."""

    def reached() -> object:
        now = world.recorded(found.id)
        return now if now.phase == phase else None

    reached_record = until(reached)
    assert isinstance(reached_record, container_record.Record)
    return reached_record


@pytest.mark.parametrize(("script", "code"), [("exit 0", 0), ("exit 3", 3), ("kill -9 $$", 137)])
def test_the_hook_records_how_it_ended(world: World, script: str, code: int) -> None:
    # The shell is not process 1 in its subshell, so that it can kill itself.
    running = world.run("web", f"sh -c '{script}'; exit $?")
    ended = _phase(world, running, "exited")
    assert (ended.exit_code, ended.pid, ended.restart_count) == (code, 0, 0)
    assert not ended.stopped_by_user
    assert ended.finished_at >= ended.started_at
    until(lambda: not world.layout.run_container(running.id).exists())


def test_on_failure_gives_up_after_its_retries(world: World) -> None:
    policy = RestartPolicy("on-failure", 2)
    running = world.run("web", "echo run; exit 3", restart_policy=policy)
    until(lambda: world.recorded(running.id).restart_count == 2)
    ended = _phase(world, running, "exited")
    assert (ended.exit_code, ended.restart_count, ended.generation) == (3, 2, 3)
    assert world.log("web") == "run\n" * 3
    time.sleep(0.5)
    assert world.recorded(running.id) == ended
    # A start by hand begins to count anew.
    assert actions.start(world.host, running.id).restart_count == 0
    until(lambda: world.recorded(running.id).restart_count == 2)


def test_on_failure_leaves_a_success_alone(world: World) -> None:
    running = world.run("web", "exit 0", restart_policy=RestartPolicy("on-failure"))
    _phase(world, running, "exited")
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
    ended = _phase(world, running, "exited")
    assert "/mnt is a directory in the image" in ended.error
    assert ended.exit_code == 137
    blocker.unlink()


def test_the_host_is_told_once_that_a_container_needs_it(
    world: World, reboot: Callable[[], None]
) -> None:
    converge(world, task("plain"))
    way = boot.arrangement(world.layout)
    assert way is not None
    assert not way.path.exists(), "without a restart policy nothing is to be started"
    tasks = [task("web", restart_policy="always"), task("db", restart_policy="unless-stopped")]
    predicted: dict[str, dict[str, object]] = {}
    foretold = [check(world.layout, one, predicted).actions for one in tasks]
    arranging = "have containers started after a reboot"
    assert foretold == [
        (arranging, "create and start container web"),
        ("create and start container db",),
    ]
    converge(world, *tasks)
    assert way.path.exists()
    # Whoever takes it away has it back with the next run.
    way.path.unlink()
    assert check(world.layout, tasks[0], {}).actions == (arranging,)
    converge(world, tasks[0])
    # What an earlier version wrote is brought up to date, once.
    way.path.write_text("older")
    assert check(world.layout, tasks[0], {}).actions == (arranging,)
    converge(world, tasks[0])
    assert way.path.read_text() == way.content
    assert not check(world.layout, tasks[0], {}).actions
    # A first policy for a container that is there.
    way.path.unlink()
    assert arranging in check(world.layout, acting("plain", restart_policy="always"), {}).actions
    converge(world, acting("plain", restart_policy="always"))
    reboot()
    for directory in world.layout.run.iterdir():
        files.remove_tree(directory)
    (command,) = (line for line in way.content.splitlines() if line.endswith("supervise boot"))
    words = command.partition(str(world.layout.program))[1:]
    subprocess.run(["/usr/bin/python3", *"".join(words).split()], check=True, timeout=60)
    for name in ("web", "db", "plain"):
        now = world.current(container_record.by_name(world.layout, name))
        assert (now.phase, now.generation) == ("running", 2)
    world.clear()


@pytest.fixture
def reboot(world: World, tmp_path: Path) -> Iterator[Callable[[], None]]:
    """What a reboot is to us: no process of ours is left, and the kernel has another boot id."""
    pretended = tmp_path / "boot_id"
    pretended.write_text("00000000-0000-4000-8000-000000000000\n")
    real = "/proc/sys/kernel/random/boot_id"

    def happen() -> None:
        for name in os.listdir(world.layout.names):
            found = world.recorded(actions.identify(world.host, name))
            for pid in (found.conmon_pid, found.pid):
                if pid:
                    os.kill(pid, signal.SIGKILL)
        for mounted in world.layout.run_containers.glob("*/rootfs"):
            subprocess.run(["umount", "--lazy", str(mounted)], check=True)
        subprocess.run(["mount", "--bind", str(pretended), real], check=True)

    yield happen
    subprocess.run(["umount", real], check=False, capture_output=True)


def test_a_reboot(world: World, reboot: Callable[[], None]) -> None:
    policies = {
        "no": RestartPolicy("no"),
        "always": ALWAYS,
        "unless": UNLESS_STOPPED,
        "failure": RestartPolicy("on-failure", 2),
        "always-stopped": ALWAYS,
        "unless-stopped": UNLESS_STOPPED,
    }
    made = {name: world.run(name, restart_policy=policy) for name, policy in policies.items()}
    for name in ("always-stopped", "unless-stopped"):
        actions.stop(world.host, made[name].id)
    reboot()
    phases = {name: world.current(found.id).phase for name, found in made.items()}
    assert set(phases.values()) == {"exited"}
    assert world.slipway("supervise", "boot").stderr == b""
    found = {name: world.recorded(was.id) for name, was in made.items()}
    assert {name: now.phase for name, now in found.items()} == {
        "no": "exited",
        "always": "running",
        "unless": "running",
        "failure": "running",
        "always-stopped": "running",
        "unless-stopped": "exited",
    }
    assert found["no"].exit_code == 255
    # Once is enough: the second time there is nothing left to do.
    world.slipway("supervise", "boot")
    assert found == {name: world.recorded(was.id) for name, was in made.items()}
    world.clear()


def test_the_host_goes_down_and_comes_up(
    world: World, reboot: Callable[[], None], tmp_path: Path
) -> None:
    kept = tmp_path / "kept"
    kept.mkdir()
    # One that says good-bye waits for the others to be asked too: one after the other, none would.
    farewell = (
        "trap 'touch /kept/asked-$NAME; while [ $(ls /kept | grep -c asked) -lt 5 ];"
        " do sleep 0.05; done; echo bye > /kept/$NAME; exit 0' TERM"
    )
    failing = "trap 'exit 3' TERM"

    def run(
        name: str, policy: RestartPolicy, trap: str = farewell, **options: Any
    ) -> container_record.Record:
        return world.run(
            name,
            f"NAME={name}; {trap}; echo here > /kept/$NAME; while :; do sleep 0.05; done",
            restart_policy=policy,
            mounts=(Mount("bind", str(kept), "/kept"),),
            **{"stop_signal": "SIGTERM", "stop_timeout_s": 60, **options},
        )

    checked = Healthcheck(test=("CMD", "true"), interval_s=0.2)
    retried = RestartPolicy("on-failure", 2)
    made = {
        "always": run("always", ALWAYS, healthcheck=checked),
        "unless": run("unless", UNLESS_STOPPED),
        "no": run("no", RestartPolicy("no")),
        "paused": run("paused", UNLESS_STOPPED),
        "done": run("done", retried),
        "failure": run("failure", retried, failing),
        "deaf": run("deaf", ALWAYS, "trap '' TERM", stop_timeout_s=1),
        "stopped": run("stopped", UNLESS_STOPPED, stop_signal="SIGKILL"),
        "looping": run("looping", ALWAYS, "exit 1"),
    }

    once = run("once", RestartPolicy("no"), auto_remove=True)

    def said(word: str) -> list[str]:
        written = {path.name: path.read_text() for path in kept.iterdir()}
        return [name for name in made if word in written.get(name, "")]

    until(lambda: len(list(kept.iterdir())) == len(made))
    actions.stop(world.host, made["stopped"].id)
    actions.pause(world.host, made["paused"].id)
    looping = made["looping"].id
    until(lambda: (now := world.recorded(looping)).phase == "restarting" and now.backoff_s >= 0.8)

    def recorded() -> dict[str, container_record.Record]:
        return {name: world.recorded(was.id) for name, was in made.items()}

    assert world.slipway("supervise", "shutdown").stderr == b""
    assert said("bye") == ["always", "unless", "no", "paused", "done"]
    assert not world.layout.container(once.id).exists()
    down = recorded()
    assert {now.phase for now in down.values()} == {"exited"}
    assert [name for name, now in down.items() if now.stopped_by_user] == ["stopped"]
    ends = {"failure": 3, "deaf": 137, "stopped": 137, "looping": 1}
    codes = {name: now.exit_code for name, now in down.items()}
    assert codes == {**dict.fromkeys(said("bye"), 0), **ends}
    until(lambda: not watcher.fifo_path(world.layout).exists())
    # No hook comes late, that of the longest back-off neither, and once more is nothing more.
    time.sleep(1.0)
    assert world.slipway("supervise", "shutdown").stderr == b""
    assert recorded() == down

    comes_back = ["always", "unless", "paused", "failure", "deaf"]

    def up(generation: int) -> None:
        now = recorded()
        running = [name for name in now if now[name].generation == generation]
        assert running == [*comes_back, *(["looping"] if "looping" in running else [])]
        for name in comes_back:
            assert liveness.is_running(world.layout, now[name])
            assert not now[name].stopped_by_host
        for name in ("no", "done", "stopped"):
            assert now[name] == down[name]

    # The service is restarted, and the host stays up.
    assert world.slipway("supervise", "boot").stderr == b""
    assert liveness.current(world.layout, looping).phase in ("running", "restarting", "exited")
    up(2)
    os.kill(world.recorded(made["deaf"].id).pid, signal.SIGKILL)
    again = until(lambda: (now := world.recorded(made["deaf"].id)).generation == 3 and now)
    _phase(world, again, "running")
    # Who stops it may be killed between the record and the signal: the hook knows all the same.
    with container_record.locked(world.host, again.id) as found:
        container_record.write_record(
            world.layout, dataclasses.replace(found, stopped_by_host=True)
        )
    os.kill(found.pid, signal.SIGKILL)
    _phase(world, again, "exited")
    actions.remove(world.host, made.pop("deaf").id, force=True)
    actions.remove(world.host, made.pop("looping").id, force=True)
    comes_back.remove("deaf")
    assert world.slipway("supervise", "shutdown").stderr == b""
    reboot()
    assert world.slipway("supervise", "boot").stderr == b""
    up(3)
    world.clear()
