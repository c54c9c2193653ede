# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Health checks without a daemon: Docker's verdicts, one watcher, and what waits for them."""

from __future__ import annotations

import os
import select
import signal
from pathlib import Path
from typing import Any

import pytest
from support.audit import is_watcher
from support.containers import World, until
from support.converging import apply, assert_play_is_predicted, check
from support.declaring import acting, converge, task

from ansible_collections.slipway.engine.plugins.module_utils._runtime.base.errors import Error
from ansible_collections.slipway.engine.plugins.module_utils._runtime.container.lifecycle import (
    actions,
    freezing,
)
from ansible_collections.slipway.engine.plugins.module_utils._runtime.container.show import (
    documents,
)
from ansible_collections.slipway.engine.plugins.module_utils._runtime.container.supervision import (
    watcher,
)
from ansible_collections.slipway.engine.plugins.module_utils._runtime.records import (
    container_record,
)
from ansible_collections.slipway.engine.plugins.module_utils._runtime.spec.container import (
    Healthcheck,
)

#: Well while there is a file /well, and it says as whom and where it looked.
LOOK = ("CMD-SHELL", 'echo "$WHO $(id -u) $PWD"; test -e /well')


def _check(**more: Any) -> Healthcheck:
    return Healthcheck(LOOK, **{"interval_s": 0.1, "timeout_s": 5.0, "retries": 2, **more})


def _shown(world: World, found: container_record.Record) -> dict[str, Any]:
    shown: dict[str, Any] = documents.container(world.host, found.id)["State"]["Health"]
    return shown


def _reach(world: World, found: container_record.Record, status: str) -> dict[str, Any]:
    until(lambda: _shown(world, found)["Status"] == status)
    return _shown(world, found)


def _watchers() -> list[int]:
    """The watchers of this sandbox, by the descriptors' numbers at the end of their command."""
    found = []
    for pid in filter(str.isdecimal, os.listdir("/proc")):
        try:
            words = Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
            ours = os.readlink(f"/proc/{pid}/ns/mnt") == os.readlink("/proc/self/ns/mnt")
            parent = int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1])
        except OSError:
            continue
        # A check runs in a child of the watcher under the same command line.
        if ours and words[-4:-3] == [b"watch"] and not is_watcher(parent):
            found.append(int(pid))
    return found


def test_verdicts_one_watcher_and_its_end(world: World) -> None:
    running = world.run(
        "web",
        "exec sleep 1000",
        healthcheck=_check(),
        env={"WHO": "web"},
        user="1000",
        working_dir="/tmp",
    )
    assert _shown(world, running)["Status"] == "starting"
    ill = _reach(world, running, "unhealthy")
    assert ill["FailingStreak"] >= 2
    assert ill["Log"][0]["Output"] == "web 1000 /tmp\n"
    assert ill["Log"][0]["ExitCode"] == 1
    assert ill["Log"][0]["Start"] <= ill["Log"][0]["End"]
    assert b"(unhealthy)" in world.slipway("ps").stdout
    Path(world.layout.run_container(running.id), "rootfs/well").touch()
    well = _reach(world, running, "healthy")
    assert well["FailingStreak"] == 0
    until(lambda: len(_shown(world, running)["Log"]) == 5)
    other = world.run("other", healthcheck=_check())
    until(lambda: _shown(world, other)["Log"])
    (pid,) = _watchers()
    rss = Path(f"/proc/{pid}/status").read_text().split("VmRSS:")[1].split()[0]
    assert int(rss) < 20480, f"{rss} kB"
    # Killed, it comes back with the next command, and goes on where it was.
    os.kill(pid, signal.SIGKILL)
    until(lambda: not watcher.listens(world.layout))
    assert "its watcher" in str(check(world.layout, acting("web"), {}).actions)
    world.slipway("ps")
    assert watcher.listens(world.layout)
    Path(world.layout.run_container(running.id), "rootfs/well").unlink()
    _reach(world, running, "unhealthy")
    # A pause is no illness.
    freezing.pause(world.host, running.id)
    seen = until(lambda: (now := _shown(world, running)) == _shown(world, running) and now)
    freezing.unpause(world.host, running.id)
    until(lambda: _shown(world, running)["Log"][-1] != seen["Log"][-1])
    actions.stop(world.host, running.id)
    assert _shown(world, running) == {"Status": "unhealthy", "FailingStreak": 0, "Log": []}
    actions.stop(world.host, other.id)
    until(lambda: not _watchers())
    assert not watcher.lost(world.layout)
    actions.start(world.host, other.id)
    until(lambda: _shown(world, other)["Log"])
    actions.remove(world.host, other.id, force=True)


def test_what_a_check_cannot_do(world: World) -> None:
    slow = Healthcheck(("CMD-SHELL", "echo asleep; sleep 1000"), 0.1, 0.2, retries=1)
    loud = Healthcheck(("CMD-SHELL", "yes | head -c 100000"), 0.1, 5.0)
    none = Healthcheck(("CMD", "/no/such"), 0.1, 5.0, retries=1)
    early = Healthcheck(("CMD", "false"), 0.1, 5.0, 1000.0, 0.1, 1)
    made = {
        name: world.run(name, healthcheck=one)
        for name, one in {"slow": slow, "loud": loud, "none": none, "early": early}.items()
    }
    timed_out = _reach(world, made["slow"], "unhealthy")["Log"][0]
    assert (timed_out["ExitCode"], timed_out["Output"]) == (
        -1,
        "Health check exceeded timeout (0.2s): asleep\n",
    )
    assert len(_reach(world, made["loud"], "healthy")["Log"][0]["Output"]) == 4096
    missing = _reach(world, made["none"], "unhealthy")["Log"][0]
    assert missing["ExitCode"] == -1 and "/no/such" in missing["Output"]
    until(lambda: len(_shown(world, made["early"])["Log"]) > 2)
    assert _shown(world, made["early"])["Status"] == "starting"
    assert _shown(world, made["early"])["FailingStreak"] == 0


def test_an_image_s_check_is_a_default(world: World, busybox_tar: Path) -> None:
    world.add_image("busybox", busybox_tar, "HEALTHCHECK --interval=100ms CMD test ! -e /ill")
    (made,) = converge(world, task("web", state="healthy"))
    found = documents.container(world.host, made)
    assert found["State"]["Health"]["Status"] == "healthy"
    assert found["Config"]["Healthcheck"] == {
        "Test": ["CMD-SHELL", "test ! -e /ill"],
        "Interval": 100000000,
    }
    (same,) = converge(world, task("web", healthcheck={"test": ["NONE"]}))
    assert same == made, "a check is changed in the container as it is"
    assert "Health" not in documents.container(world.host, made)["State"]
    until(lambda: not _watchers())
    converge(world, task("web"))
    assert container_record.read_record(world.layout, made).watched


def test_healthy_waits_and_goes_back(world: World) -> None:
    given = {"test": "echo looked; test -e /well", "interval": "100ms", "retries": 2}
    well = ["sh", "-c", "touch /well; exec sleep 1000"]
    (old,) = converge(world, task("web", state="healthy", command=well, healthcheck=given))
    apply(world.layout, acting("web", state="restarted"))
    waited, dummy = apply(world.layout, acting("web", state="healthy"))
    assert not waited.changed
    ill = task("web", healthcheck=given, rollback_unless_healthy=True)
    with pytest.raises(
        Error, match=r"did not become healthy, and the old one was restarted: .*looked"
    ):
        apply(world.layout, ill)
    assert container_record.all_ids(world.layout) == [old]
    assert world.current(old).phase == "running"
    late = task("web", state="healthy", healthcheck=given, healthy_wait_timeout=0.3)
    with pytest.raises(
        Error, match=r"Timeout of 0\.3 seconds exceeded while waiting for container"
    ):
        apply(world.layout, late)
    with pytest.raises(Error, match="no health check"):
        apply(world.layout, task("web", recreate=True, rollback_unless_healthy=True))
    ended = task("job", command=["false"], state="healthy", healthcheck=given)
    with pytest.raises(Error, match="ended with 1 before it became healthy"):
        apply(world.layout, ended)


def test_a_watcher_that_is_killed_while_it_checks_is_missed_at_once(world: World) -> None:
    """Its checks go on for as long as they take, which is none that the host has a watcher."""
    check_of = {"test": "touch /begun; sleep 1000", "interval": "100ms", "timeout": "200s"}
    play = [task(name, healthcheck=check_of) for name in ("web", "db")]
    made = converge(world, *play)
    begun = [Path(world.layout.run_container(one), "rootfs/begun") for one in made]
    until(lambda: all(path.exists() for path in begun))
    (pid,) = _watchers()
    ended = os.pidfd_open(pid)
    os.kill(pid, signal.SIGKILL)
    select.select([ended], [], [])
    os.close(ended)
    assert not watcher.listens(world.layout)
    # Of two containers that need it, the first task brings it back.
    assert_play_is_predicted(world.layout, play)
    assert watcher.listens(world.layout)
    assert [check(world.layout, one, {}).actions for one in play] == [(), ()]
