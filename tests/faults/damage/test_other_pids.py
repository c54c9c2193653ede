# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Process numbers that are in use again (R12): wherever the state names a process, it names one
that began at another time. It is never signalled, and never taken for what the state means.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Callable

import pytest
from support.containers import World, until
from support.converging import check
from support.declaring import acting, isolated, task

from ansible_collections.slipway.engine.plugins.module_utils._runtime.base.frozen import replace
from ansible_collections.slipway.engine.plugins.module_utils._runtime.container.engine import (
    conmon_files,
)
from ansible_collections.slipway.engine.plugins.module_utils._runtime.kernel import linux
from ansible_collections.slipway.engine.plugins.module_utils._runtime.records import (
    container_record,
)
from ansible_collections.slipway.engine.plugins.module_utils._runtime.records.container_record import (  # noqa: E501
    Record,
)

from .. import figures, state, tasks
from ..scene import perform


@dataclass(frozen=True)
class Stranger:
    """A process of somebody else, that has a number which the state knows."""

    pid: int
    start: int

    @property
    def other_start(self) -> int:
        return self.start - 1

    def unharmed(self) -> bool:
        """Whether it lives, and nobody stopped it."""
        status = Path(f"/proc/{self.pid}/stat").read_text().rpartition(")")[2].split()[0]
        return status == "S"


@pytest.fixture
def stranger() -> Iterator[Stranger]:
    with subprocess.Popen(["sleep", "1000"]) as child:
        start = linux.process_start_time(child.pid)
        assert start is not None
        until(lambda: Path(f"/proc/{child.pid}/comm").read_text() == "sleep\n")
        yield Stranger(child.pid, start)
        child.kill()


Write = Callable[[World, Record, Stranger], None]


def recorded(world: World, found: Record, other: Stranger) -> None:
    now = replace(found, phase="running", pid=other.pid, pid_start=other.other_start)
    container_record.write_record(world.layout, now)


def of_another_boot(world: World, found: Record, other: Stranger) -> None:
    now = replace(found, phase="running", pid=other.pid, pid_start=other.start, boot_id="another")
    container_record.write_record(world.layout, now)


def waiting(world: World, found: Record, other: Stranger) -> None:
    """As of one that waits for its next start."""
    now = replace(found, phase="restarting", pid=0)
    now = replace(now, conmon_pid=other.pid, pid_start=other.other_start)
    container_record.write_record(world.layout, now)


def monitor(world: World, found: Record, other: Stranger) -> None:
    run = world.layout.run_container(found.id)
    for name in ("conmon.pid", "pid"):
        (run / name).write_text(str(other.pid))
    recorded(world, replace(found, conmon_pid=other.pid), other)


def attender(world: World, found: Record, other: Stranger) -> None:
    path = world.layout.run_container(found.id) / "attended"
    path.write_text(f"{other.pid} {other.other_start}\n")


def claimant(world: World, found: Record, other: Stranger) -> None:
    starting = world.layout.run / "starting"
    starting.mkdir(exist_ok=True)
    (starting / found.id).write_text(f"{other.pid} {other.other_start}\n")


def freezer(world: World, found: Record, other: Stranger) -> None:
    who = {"boot_id": linux.boot_id(), "pid": other.pid, "start": other.other_start}
    (world.layout.run_container(found.id) / "frozen").write_text(json.dumps(who))


def maker(world: World, found: Record, other: Stranger) -> None:
    """A container of that id was being removed."""
    who = {"boot_id": linux.boot_id(), "pid": other.pid, "start": other.other_start}
    path = world.layout.creations / f"{found.id}.json"
    value = {"id": found.id, "writer": who, "beside": False, "volumes": [], "serving": False}
    path.write_text(json.dumps({**value, "removing": True}))


def end_unseen(world: World, found: Record) -> None:
    """End a container, and nobody records that."""
    os.kill(found.conmon_pid, signal.SIGKILL)
    os.kill(found.pid, signal.SIGKILL)
    until(lambda: world.current(found.id).phase == "exited")


ROWS = [recorded, of_another_boot, waiting, monitor, attender, claimant, freezer, maker]


@pytest.mark.parametrize("write", ROWS, ids=lambda write: write.__name__)
def test_a_number_in_use_again(world: World, stranger: Stranger, write: Write) -> None:
    declared = isolated("web")
    perform(world.layout, declared)
    found = world.current(container_record.by_name(world.layout, "web"))
    end_unseen(world, found)
    write(world, found, stranger)
    assert world.current(found.id).phase == "exited"
    assert check(world.layout, declared, {}).changed
    assert perform(world.layout, declared)
    assert not perform(world.layout, declared)
    now = world.current(container_record.by_name(world.layout, "web"))
    assert now.phase == "running" and now.pid != stranger.pid and stranger.unharmed()
    assert state.litter(world.layout) == []
    end_unseen(world, now)
    write(world, now, stranger)
    for last in ["absent"] if write is maker else ["stopped", "absent"]:
        perform(world.layout, acting("web", state=last))
        assert stranger.unharmed()
    assert os.listdir(world.layout.containers) == os.listdir(world.layout.run_containers) == []
    figures.note("R12", write.__name__, 1, 1)


@pytest.mark.parametrize("form", ["{pid} {other_start}", "{pid}", ""])
def test_an_end_that_nobody_attends_to(world: World, stranger: Stranger, form: str) -> None:
    """The exit hook records it, though the number of who attended to it is in use again."""
    perform(world.layout, isolated("web"))
    found = world.current(container_record.by_name(world.layout, "web"))
    text = form.format(pid=stranger.pid, other_start=stranger.other_start)
    (world.layout.run_container(found.id) / "attended").write_text(text)
    assert not conmon_files.someone_attends(world.layout, found.id)
    os.kill(found.pid, signal.SIGKILL)
    world.reaches(found, "exited")
    perform(world.layout, acting("web", state="absent"))


def test_a_name_server_of_that_number(world: World, stranger: Stranger) -> None:
    perform(world.layout, tasks.network("lan"))
    declared = task("web", networks=[{"name": "lan"}])
    perform(world.layout, declared)
    noted = world.layout.run / "dns" / "aardvark.pid"
    server = int(noted.read_text())
    noted.write_text(str(stranger.pid))
    os.kill(server, signal.SIGKILL)
    until(lambda: linux.process_start_time(server) is None)
    assert perform(world.layout, declared)
    assert not perform(world.layout, declared)
    for gone in (acting("web", state="absent"), tasks.network("lan", state="absent")):
        perform(world.layout, gone)
    assert stranger.unharmed()
    figures.note("R12", "name server", 1, 1)
