# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The module compose as plays use it: check mode, results, refusals, and secrets."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from support.composing import SERVICE
from support.containers import World
from support.plays import Play

CANARY = "canary-compose-5be1"


def compose(**given: Any) -> dict[str, Any]:
    return {"slipway.engine.compose": given}


def test_a_play(world: World, tmp_path: Path) -> None:
    directory = tmp_path / "shop"
    directory.mkdir()
    (directory / "compose.yaml").write_text(
        f"services:\n  db: {{{SERVICE}}}\n  web: {{{SERVICE}, depends_on: [db]}}\n"
    )
    play = Play(tmp_path)
    tasks = [compose(project_src=str(directory))]
    foretold, done, again = (
        play.tasks(tasks, *how) for how in (["--check", "--diff"], ["--diff"], [])
    )
    for run in (foretold, done, again):
        assert run.status == 0, run.output
    told, real = (run.record[0]["results"][0] for run in (foretold, done))
    assert (
        told["actions"]
        == real["actions"]
        == [
            {"what": "network", "id": "shop_default", "status": "Creating"},
            {"what": "container", "id": "shop-db-1", "status": "Creating"},
            {"what": "container", "id": "shop-web-1", "status": "Creating"},
        ]
    )
    assert told["diff"] == real["diff"]
    assert not again.record[0]["results"][0]["diff"], "only who asks for one gets it"
    assert [run.changed for run in (foretold, done, again)] == [1, 1, 0]
    members = real["members"]
    assert [one["name"] for one in members] == ["shop_default", "shop-db-1", "shop-web-1"]
    (directory / "compose.yaml").write_text(
        f"services:\n  db: {{{SERVICE}, gpus: all, memory: 1g}}\n"
        f"  web: {{{SERVICE}, ports: ['x']}}\n"
    )
    wrong = play.tasks(tasks)
    assert wrong.status != 0
    message = wrong.record[0]["results"][0]["msg"]
    for line in (
        "services.db.gpus: ",
        "services.db.memory: unknown key",
        "services.web.ports: 'x'",
    ):
        assert line in message
    end = {"definition": {"services": {"db": {"image": "x"}}}, "state": "absent"}
    gone = play.tasks([compose(project_name="shop", remove_orphans=True, **end)])
    assert gone.status == 0, gone.output
    assert not os.listdir(world.layout.names)


def test_secrets_are_not_shown(world: World, tmp_path: Path) -> None:
    service = {"image": "busybox:1", "pull_policy": "never", "command": "sleep 1000",
               "stop_signal": "KILL", "network_mode": "none", "secrets": ["token"]}  # fmt: skip
    play = Play(tmp_path)
    for content in (CANARY, f"{CANARY}-new"):
        definition = {"services": {"app": service}, "secrets": {"token": {"content": content}}}
        tasks = [compose(project_name="shop", definition=definition)]
        for how in (["--check", "--diff", "-vvv"], ["--diff", "-vvv"]):
            run = play.tasks(tasks, *how)
            assert run.status == 0, run.output
            assert run.changed == 1
            assert CANARY not in run.output
        wrong = compose(project_name="shop", definition=definition, nonsense=1)
        refused = play.tasks([wrong], "-vvv")
        assert refused.status != 0 and "nonsense" in refused.output
        assert CANARY not in refused.output
        inside = world.slipway("exec", "shop-app-1", "cat", "/run/secrets/token").stdout
        assert inside.decode() == content
