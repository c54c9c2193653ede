# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Pages about a real host: by the program, and by tasks of stack and compose."""

from __future__ import annotations

import os
import stat
from pathlib import Path
from typing import Any

from support.composing import SERVICE
from support.containers import World
from support.plays import Play
from support.stacks import DEFAULTS

from ansible_collections.slipway.engine.plugins.module_utils._runtime.records import (
    container_record,
)
from ansible_collections.slipway.engine.plugins.module_utils._runtime.report import drift

CANARY = "canary-report-91c2"
EVIL = "<script>alert('label')</script>"


def stack(path: Path, **given: Any) -> dict[str, Any]:
    """A stack with secrets, and with labels that would be markup."""
    db = {
        "name": "db",
        "env": {"PASSWORD": CANARY},
        "secret_env": {"TOKEN": CANARY},
        "labels": {"com.docker.compose.project": EVIL},
        "command": ["sh", "-c", f"sleep 1000; : {CANARY}"],
        "network_mode": None,
        "networks": [{"name": "back"}],
        **given,
    }
    return {
        "slipway.engine.stack": {
            "name": "shop",
            "defaults": {**DEFAULTS, "network_mode": "none"},
            "networks": [{"name": "back", "ipam_config": [{"subnet": "10.86.4.0/24"}]}],
            "containers": [db, {"name": "job"}],
            "report": str(path),
        }
    }


def test_a_stack_writes_a_page(world: World, tmp_path: Path) -> None:
    path, play = tmp_path / "report.html", Play(tmp_path)
    told = play.tasks([stack(path)], "--check")
    assert told.status == 0, told.output
    assert not path.exists()
    done = play.tasks([stack(path)])
    assert (done.status, done.changed) == (0, 1), done.output
    first = path.read_text()
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    for said in ("2 of 2", "create network back", "10.86.4.2", "busybox:1", "This run of shop"):
        assert said in first, said
    assert CANARY not in first and "<script" not in first
    assert "Since the last page" not in first
    # Nothing to do is no change, and is told; the file keeps its mode.
    path.chmod(0o644)
    again = play.tasks([stack(path)])
    assert (again.status, again.changed) == (0, 0), again.output
    second = path.read_text()
    assert stat.S_IMODE(path.stat().st_mode) == 0o644
    assert "Nothing to change." in second and "Nothing is different." in second
    # What somebody did in between is seen, and what the task did about it.
    world.slipway("rm", "-f", "job")
    world.slipway("run", "-d", "--name", "other", "--network", "none", "busybox:1", "sleep", "1000")
    third = play.tasks([stack(path, env={"PASSWORD": f"{CANARY}2"})])
    assert (third.status, third.changed) == (0, 1), third.output
    text = path.read_text()
    for said in ("container other is new", "container job was made anew", "recreate container db"):
        assert said in text, said
    # A task that fails tells so.
    failed = play.tasks([stack(path, command=["false"])])
    assert failed.status != 0
    assert "It failed." in path.read_text() and CANARY not in path.read_text()
    # A place that cannot be is an error before anything is done.
    before = container_record.by_name(world.layout, "db")
    nowhere = play.tasks([stack(tmp_path / "not" / "there.html", env={"A": "1"})])
    assert nowhere.status != 0
    assert "is not a directory" in nowhere.record[0]["results"][0]["msg"]
    assert container_record.by_name(world.layout, "db") == before
    end = {"slipway.engine.stack": {"name": "shop", "state": "absent", "report": str(path)}}
    assert play.tasks([end]).status == 0
    assert "container db is gone" in path.read_text()


def test_a_project_and_the_program(world: World, tmp_path: Path) -> None:
    path = tmp_path / "page.html"
    file = f"services: {{web: {{{SERVICE}, ports: ['127.0.0.1:18080:80']}}}}"
    (tmp_path / "compose.yaml").write_text(file)
    given = {"project_src": str(tmp_path), "project_name": "shop", "report": str(path)}
    done = Play(tmp_path).tasks([{"slipway.engine.compose": given}])
    assert done.status == 0, done.output
    assert "127.0.0.1:18080→80/tcp" in path.read_text()
    # Somebody's link is replaced and not followed.
    other = tmp_path / "other"
    other.write_text("mine")
    link = tmp_path / "link.html"
    link.symlink_to(other)
    world.slipway("report", "-o", str(link))
    assert other.read_text() == "mine" and "shop-web-1" in link.read_text()
    assert not link.is_symlink()
    printed = world.slipway("report").stdout.decode()
    assert printed.startswith("<!DOCTYPE html>")
    snapshot = drift.of_page(printed)
    assert snapshot is not None and list(snapshot["containers"]) == ["shop-web-1"]
    os.mkfifo(tmp_path / "pipe")
    pipe = world.slipway("report", "-o", str(tmp_path / "pipe"), check=False)
    assert (pipe.returncode, b"is not a file" in pipe.stderr) == (1, True)
