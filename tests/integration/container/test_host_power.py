# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What happens to containers when the host goes down and comes up."""

from __future__ import annotations

import contextlib
import dataclasses
import os
import signal
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Callable

import pytest
from support.containers import World, until
from support.converging import apply, check
from support.declaring import acting, converge, task

from ansible_collections.slipway.engine.plugins.module_utils._runtime.base import files
from ansible_collections.slipway.engine.plugins.module_utils._runtime.base.errors import Error
from ansible_collections.slipway.engine.plugins.module_utils._runtime.container.lifecycle import (
    actions,
    freezing,
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
    RestartPolicy,
)

ALWAYS = RestartPolicy("always")
UNLESS_STOPPED = RestartPolicy("unless-stopped")


@pytest.fixture
def openrc(tmp_path: Path) -> Iterator[Path]:
    """A host that OpenRC booted, as far as we see it: where it notes what it has started.

    The program that starts services is a script that reads them as OpenRC does.
    """
    state, upper = Path("/run/openrc"), tmp_path / "upper"
    for place in (tmp_path / "state", tmp_path / "state/started", upper, tmp_path / "work"):
        place.mkdir()
    # The mount is the sandbox's own.
    state.mkdir(exist_ok=True)
    subprocess.run(["mount", "--bind", str(tmp_path / "state"), str(state)], check=True)
    (state / "softlevel").touch()
    options = f"lowerdir=/usr/sbin,upperdir={upper},workdir={tmp_path}/work"
    subprocess.run(["mount", "-t", "overlay", "overlay", "/usr/sbin", "-o", options], check=True)
    for name, script in (("openrc-run", ""), ("rc-service", RC_SERVICE)):
        (Path("/usr/sbin") / name).write_text(f"#!/bin/sh\n{script}")
        (Path("/usr/sbin") / name).chmod(0o755)
    for kept in ("init.d", "runlevels"):
        (Path("/etc") / kept).mkdir(exist_ok=True)
    yield state / "started"
    subprocess.run(["umount", "/usr/sbin", str(state)], check=True)
    with contextlib.suppress(OSError):
        state.rmdir()


RC_SERVICE = """
[ "$1" != --quiet ] || shift
started=/run/openrc/started/$1
ebegin() { :; }
eend() { return "$1"; }
case $2 in
    status) [ -e "$started" ] ;;
    start)
        [ ! -e /run/openrc/refuses ] || { echo "$1 needs a service" >&2; exit 1; }
        . "/etc/init.d/$1"
        start && ln -s "/etc/init.d/$1" "$started"
        ;;
esac
"""


def test_what_a_boot_left_out_is_started_by_the_next_run(
    world: World, reboot: Callable[[], None], openrc: Path
) -> None:
    arranging = "have containers started after a reboot"
    tasks = [
        task("web", restart_policy="always"),
        task("db", restart_policy="unless-stopped"),
        task("job", restart_policy="on-failure"),
        task("down", restart_policy="unless-stopped", state="stopped"),
        task("plain"),
    ]
    converge(world, *tasks)
    (mark,) = openrc.iterdir()
    reboot()
    for left in world.layout.run.iterdir():
        files.remove_tree(left) if left.is_dir() else left.unlink()
    mark.unlink()
    predicted: dict[str, dict[str, object]] = {}
    assert [check(world.layout, one, predicted).actions for one in tasks] == [
        (arranging,), (), (), (), ("start container plain",),
    ]  # fmt: skip
    refuses = openrc.parent / "refuses"
    refuses.touch()
    with pytest.raises(Error, match=r"does not start its containers.*slipway-boot needs a service"):
        apply(world.layout, tasks[0])
    refuses.unlink()
    converge(world, *tasks)
    assert mark.exists()
    for one, generation in (("web", 2), ("db", 2), ("job", 2), ("down", 0), ("plain", 2)):
        found = world.recorded(container_record.by_name(world.layout, one))
        assert (one, found.generation) == (one, generation)
    world.clear()


def test_containers_come_up_side_by_side_and_after_what_they_need(
    world: World, reboot: Callable[[], None], tmp_path: Path
) -> None:
    """Of containers that write down when they began, and with which network."""
    kept = tmp_path / "kept"
    kept.mkdir()
    mounts = (Mount("bind", str(kept), "/kept"),)
    # Ids are drawn by lot, and the order of the records is theirs: several of each.
    pairs = [(f"first{number}", f"second{number}") for number in range(3)]
    for first, second in pairs:
        world.run(first, restart_policy=ALWAYS, mounts=mounts)
        world.run(second, restart_policy=ALWAYS, mounts=mounts, network_mode=f"container:{first}")
    reboot()
    assert world.slipway("supervise", "boot").stderr == b""
    for first, second in pairs:
        one, other = (
            world.recorded(container_record.by_name(world.layout, name)) for name in (first, second)
        )
        assert (one.generation, other.generation) == (2, 2)
        assert os.readlink(f"/proc/{one.pid}/ns/net") == os.readlink(f"/proc/{other.pid}/ns/net")
    world.clear()


def test_one_that_takes_long_keeps_no_other_waiting(
    world: World, reboot: Callable[[], None]
) -> None:
    """The first in the order of the records is locked by somebody else, and the next comes up."""
    made = sorted((world.run(name, restart_policy=ALWAYS) for name in "ab"), key=lambda r: r.id)
    reboot()
    argv = ["/usr/bin/python3", str(world.layout.program / "current"), "supervise", "boot"]
    with container_record.locked(world.host, made[0].id):
        booting = subprocess.Popen(argv)
        until(lambda: world.recorded(made[1].id).generation == 2)
        assert booting.poll() is None
    assert booting.wait(60) == 0
    assert world.recorded(made[0].id).generation == 2
    world.clear()


def test_a_container_that_cannot_come_up_keeps_no_other_from_it(
    world: World, reboot: Callable[[], None], tmp_path: Path
) -> None:
    source = tmp_path / "source"
    source.mkdir()
    bad = world.run("bad", restart_policy=ALWAYS, mounts=(Mount("bind", str(source), "/mnt"),))
    needs = world.run("needs", restart_policy=ALWAYS, network_mode="container:bad")
    good = world.run("good", restart_policy=ALWAYS)
    reboot()
    source.rmdir()
    source.touch()
    done = world.slipway("supervise", "boot", check=False)
    assert done.returncode == 1
    said = sorted(done.stderr.decode().splitlines())
    assert len(said) == 2
    text = "\n".join(said)
    assert f"{bad.id[:12]}: " in text and "/mnt is a directory in the image" in text
    assert f"{needs.id[:12]}: " in text and "shares the network of bad, which is not" in text
    assert world.recorded(good.id).phase == "running"
    world.clear()


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
    freezing.pause(world.host, made["paused"].id)
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
    world.reaches(again, "running")
    # Who stops it may be killed between the record and the signal: the hook knows all the same.
    with container_record.locked(world.host, again.id) as found:
        container_record.write_record(
            world.layout, dataclasses.replace(found, stopped_by_host=True)
        )
    os.kill(found.pid, signal.SIGKILL)
    world.reaches(again, "exited")
    actions.remove(world.host, made.pop("deaf").id, force=True)
    actions.remove(world.host, made.pop("looping").id, force=True)
    comes_back.remove("deaf")
    assert world.slipway("supervise", "shutdown").stderr == b""
    reboot()
    assert world.slipway("supervise", "boot").stderr == b""
    up(3)
    world.clear()
