# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Containers that end as soon as they are started: a task has one answer, whatever the moment."""

from __future__ import annotations

import os
import signal
import time

import pytest
from support.containers import World, until
from support.converging import apply
from support.declaring import acting, converge, task

from ansible_collections.slipway.engine.plugins.module_utils._runtime.base.errors import Error
from ansible_collections.slipway.engine.plugins.module_utils._runtime.records import (
    container_record,
)


@pytest.mark.parametrize("delay", ["", "sleep 0.02; ", "sleep 0.06; "])
def test_failing_in_the_first_moment_is_an_error_whatever_the_moment(
    world: World, delay: str
) -> None:
    dies = task("web", command=["sh", "-c", f"{delay}exit 3"])
    for dummy in range(2):
        with pytest.raises(Error, match=r"^container web exited with 3 right after its start"):
            apply(world.layout, dies)
        converge(world, acting("web", state="absent"))


@pytest.mark.parametrize("policy", ["always", "on-failure", "on-failure:1"])
@pytest.mark.parametrize("script", ["exit 1", "sleep 0.04; exit 1"])
def test_what_starts_again_may_end_as_it_likes(world: World, policy: str, script: str) -> None:
    name, *retries = policy.split(":")
    most = int(retries[0]) if retries else None
    command = ["sh", "-c", script]
    loops = task("web", command=command, restart_policy=name, restart_retries=most)
    for _again in range(2):
        assert apply(world.layout, loops)[0].changed
        # Its policy may give up between a prediction and the run.
        apply(world.layout, acting("web", state="absent"))
        assert container_record.all_ids(world.layout) == []


def test_a_crash_loop_is_a_started_container_whatever_the_moment(world: World) -> None:
    """Between its end and the exit hook's record of that, too, and while it waits."""
    loops = task("web", command=["false"], restart_policy="always")
    (made,) = converge(world, loops)
    deadline = time.monotonic() + 3
    seen = set()
    while time.monotonic() < deadline:
        seen.add(world.recorded(made).restart_count)
        assert apply(world.layout, loops)[0].actions == ()
    assert len(seen) > 1
    assert apply(world.layout, acting("web", state="stopped"))[0].changed
    assert world.current(made).phase == "exited"
    assert apply(world.layout, acting("web", state="stopped"))[0].actions == ()


def test_a_hook_that_will_not_come_is_not_waited_for(world: World) -> None:
    loops = task("web", restart_policy="always")
    (made,) = converge(world, loops)
    found = world.recorded(made)
    for pid in (found.conmon_pid, found.pid):
        os.kill(pid, signal.SIGKILL)
    until(lambda: world.current(made).phase == "exited")
    assert apply(world.layout, loops)[0].actions == ("start container web",)


def test_what_is_removed_at_its_end_may_end_as_it_likes(world: World) -> None:
    for script in ("exit 3", "sleep 0.02; exit 3"):
        job = task("job", command=["sh", "-c", script], auto_remove=True)
        assert apply(world.layout, job)[0].changed
        until(lambda: not container_record.all_ids(world.layout))
