# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The states a task can ask for beside started and stopped: exact in check mode, done once."""

from __future__ import annotations

from pathlib import Path

import pytest
from support import containers
from support.containers import World
from support.converging import apply, check
from support.declaring import acting, converge, task

from ansible_collections.slipway.engine.plugins.module_utils._runtime.base.errors import (
    Conflict,
    Error,
)
from ansible_collections.slipway.engine.plugins.module_utils._runtime.container.engine import (
    oci_runtime,
)
from ansible_collections.slipway.engine.plugins.module_utils._runtime.container.lifecycle import (
    actions,
    freezing,
)
from ansible_collections.slipway.engine.plugins.module_utils._runtime.records import (
    container_record,
)


def _frozen(world: World, container_id: str) -> bool:
    status = oci_runtime.state(oci_runtime.choose(world.layout), container_id)
    return status is not None and status["status"] == "paused"


def test_paused(world: World) -> None:
    (made,) = converge(world, task("web", state="paused"))
    assert _frozen(world, made)
    assert world.current(made).phase == "paused"
    assert b"(Paused)" in world.slipway("ps").stdout
    assert converge(world, acting("web")) == [made], "what a task does not name it leaves"
    assert converge(world, task("web", undeclared="keep")) == [made]
    assert _frozen(world, made)
    converge(world, task("web"))
    assert not _frozen(world, made), "a declaration that leaves it out resets it"
    converge(world, acting("web", paused=True))
    (new,) = converge(world, acting("web", paused=True, env={"A": "1"}))
    assert new != made and _frozen(world, new), "a paused container is paused when it was recreated"
    apply(world.layout, acting("web", state="restarted"))
    assert not _frozen(world, new)
    converge(world, acting("web", paused=True))
    converge(world, acting("web", state="stopped"))
    assert world.current(new).exit_code == 137
    with pytest.raises(Error, match="paused cannot be combined with state stopped"):
        check(world.layout, acting("web", state="stopped", paused=True), {})


def test_pausing_what_cannot_be_paused(world: World) -> None:
    made = world.create("web")
    with pytest.raises(Conflict, match="is not running"):
        freezing.pause(world.host, made.id)
    actions.start(world.host, made.id)
    with pytest.raises(Conflict, match="is not paused"):
        freezing.unpause(world.host, made.id)
    freezing.pause(world.host, made.id)
    assert freezing.pause(world.host, made.id).phase == "paused"
    assert freezing.unpause(world.host, made.id).phase == "running"
    freezing.pause(world.host, made.id)
    actions.remove(world.host, made.id, force=True)


def test_restarted_restarts_every_time(world: World) -> None:
    (made,) = converge(world, task("web"))
    for generation in (2, 3):
        handler = acting("web", state="restarted")
        foretold = check(world.layout, handler, {})
        assert foretold.actions == ("restart container web",)
        assert apply(world.layout, handler)[0] == foretold
        assert world.current(made).generation == generation
    actions.stop(world.host, made)
    assert apply(world.layout, acting("web", state="restarted"))[0].actions == (
        "start container web",
    )


def test_force_kill_with_a_signal(world: World) -> None:
    script = "trap 'exit 9' USR1; echo ready; while :; do sleep 0.05; done"
    (made,) = converge(world, task("web", command=["sh", "-c", script]))
    containers.until(lambda: "ready" in world.log("web"))
    converge(world, acting("web", state="stopped", force_kill=True, kill_signal="USR1"))
    assert world.current(made).exit_code == 9
    converge(world, acting("web"))
    removal = acting("web", state="absent", force_kill=True, removal_wait_timeout=60.0)
    assert converge(world, removal) == []
    assert container_record.all_ids(world.layout) == []


def test_waiting_for_the_end(world: World) -> None:
    made = world.run("job", "while [ ! -e /go ]; do sleep 0.05; done; exit 4")
    with pytest.raises(Error, match=r"did not stop within 0\.01 seconds"):
        actions.wait(world.host, made.id, timeout_s=0.01)
    Path(f"/proc/{made.pid}/root/go").touch()
    ended = actions.wait(world.host, made.id, timeout_s=60)
    assert (ended.phase, ended.exit_code) == ("exited", 4)
    assert actions.wait(world.host, made.id) == world.current(made.id)
