# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The module stack as plays use it: check mode, results, failures, and secrets."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from support.containers import World
from support.plays import Play
from support.stacks import DEFAULTS

ENV, SECRET, SHARED = CANARIES = tuple(f"canary-{name}-51c2d0" for name in ("env", "own", "all"))


def stack(**given: Any) -> dict[str, Any]:
    defaults = {**DEFAULTS, **given.pop("defaults", {})}
    return {"slipway.engine.stack": {"name": "shop", "defaults": defaults, **given}}


def test_a_play(world: World, tmp_path: Path) -> None:
    play = Play(tmp_path)
    containers: list[dict[str, Any]] = [
        {"name": "db"},
        {"name": "app", "depends_on": ["db"], "labels": {"tier": "web"}},
    ]
    tasks = [
        stack(containers=containers, networks=[{"name": "back"}]),
        {
            "slipway.engine.container": {
                "name": "beside",
                "image": "busybox:1",
                "pull": "never",
                "command": "sleep 1000",
                "stop_signal": "KILL",
                "networks": [{"name": "back"}],
            }
        },
        stack(containers=containers, networks=[{"name": "back"}]),
    ]
    foretold = play.tasks(tasks, "--check", "--diff")
    done = play.tasks(tasks, "--diff")
    again = play.tasks(tasks)
    for run in (foretold, done, again):
        assert run.status == 0, run.output
    told, real = (run.record[0]["results"][0] for run in (foretold, done))
    assert told["actions"] == real["actions"]
    assert told["diff"] == real["diff"]
    assert [
        {key: one[key] for key in ("kind", "name", "changed", "actions", "failed", "skipped")}
        for one in told["members"]
    ] == [
        {key: one[key] for key in ("kind", "name", "changed", "actions", "failed", "skipped")}
        for one in real["members"]
    ]
    assert [one["name"] for one in real["members"]] == ["back", "db", "app"]
    assert real["members"][2]["container"]["Config"]["Labels"]["tier"] == "web"
    assert [run.changed for run in (foretold, done, again)] == [2, 2, 0]
    broken = [{**containers[0], "command": "sh -c 'exit 7'"}, {**containers[1], "env": {"A": "1"}}]
    failed = play.tasks([stack(containers=broken, networks=[{"name": "back"}])])
    assert failed.status != 0
    result = failed.record[0]["results"][0]
    assert "the old one was restarted" in result["msg"]
    assert [(one["name"], one["failed"], one["skipped"]) for one in result["members"]] == [
        ("back", False, False),
        ("db", True, False),
        ("app", False, True),
    ]
    gone = play.tasks([{"slipway.engine.container": {"name": "beside", "state": "absent"}}])
    assert gone.status == 0, gone.output
    gone = play.tasks([{"slipway.engine.stack": {"name": "shop", "state": "absent"}}])
    assert gone.status == 0, gone.output
    assert gone.record[0]["results"][0]["actions"] == [
        *("stop and remove container app", "stop and remove container db", "remove network back"),
    ]


def test_secrets_are_not_shown(world: World, tmp_path: Path) -> None:
    containers = [
        {"name": "app", "env": {"A": ENV}, "secret_env": {"TOKEN": SECRET}},
        {"name": "db", "env": {"A": "1"}},
    ]
    tasks = [stack(containers=containers, defaults={"secret_env": {"ALL": SHARED}})]
    changed = [stack(containers=containers, defaults={"secret_env": {"ALL": f"{SHARED}-new"}})]
    play = Play(tmp_path)
    for run in (
        play.tasks(tasks, "--check", "--diff", "-vvv"),
        play.tasks(tasks, "--diff", "-vvv"),
        play.tasks(changed, "--diff", "-vvv"),
    ):
        assert run.status == 0, run.output
        for canary in CANARIES[1:]:
            assert canary not in run.output
        assert ENV not in run.output.replace(f'"A={ENV}"', ""), "but what inspect shows"
    inside = world.slipway("exec", "db", "sh", "-c", "echo $ALL").stdout.decode().strip()
    assert inside == f"{SHARED}-new"
