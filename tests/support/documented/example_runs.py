# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Run what the documentation shows: plays, and lines of a shell."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path
from typing import Any

from support import compare_predictions
from support.containers import World
from support.documented import examples
from support.inputs import example_needs
from support.inputs.example_needs import EXCUSED, NEEDS, UNFORESEEN, VARIABLES
from support.plays import Play, Run
from support.servers import named

#: Check mode skips what it cannot know.
_SKIPPED = (
    "slipway.engine.compose_exec",
    "slipway.engine.compose_run",
    "slipway.engine.container_exec",
)


def play_as_foretold(
    example: examples.Example, servers: named.Servers, host: World, directory: Path, sandbox: Path
) -> None:
    """Check an example, then run it: what check mode said has to come true."""
    project = directory / "project"
    project.mkdir()
    prepare(host, directory, NEEDS.get(example.name, ""))
    given = _variables(servers, host, sandbox)
    text = example.text.replace(example_needs.CHECKSUM, servers.checksum)
    plays = _without_excused(example.name, examples.Example(example.name, text).plays())
    play = Play(project)

    def run(*arguments: str) -> Run:
        done = play.plays(plays, "-e", json.dumps(given), *arguments)
        assert done.status == 0, done.output
        return done

    try:
        foretold, done = run("--check", "--diff"), run("--diff")
    finally:
        if "slipway.engine.registry" in example.text:
            play.role("registry", {**given, "registry_state": "absent"})
    ours = [
        [
            dict(task)
            for task in one.record
            if task["action"] not in _SKIPPED and (example.name, task["task"]) not in UNFORESEEN
        ]
        for one in (foretold, done)
    ]
    if any(task["action"].startswith(compare_predictions.COLLECTION) for task in ours[1]):
        wrong = compare_predictions.differences(*ours)
        assert not wrong, "\n".join(wrong)


def prepare(host: World, directory: Path, lines: str) -> None:
    status, said = shell(host, directory, lines)
    assert status == 0, said


def shell(host: World, directory: Path, lines: str) -> tuple[int, str]:
    """Run lines of a shell; their exit status, and all they printed."""
    path = f"{host.launcher.parent}:{os.environ['PATH']}"
    done = subprocess.run(
        ["sh", "-euc", lines],
        cwd=directory,
        env={**os.environ, "PATH": path},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
        timeout=120,
    )
    return done.returncode, done.stdout


def _variables(servers: named.Servers, host: World, sandbox: Path) -> dict[str, Any]:
    return {
        **VARIABLES,
        "app_digest": servers.digest,
        "built": {"image": {"Id": host.image.id}},
        "registry_config_directory": str(sandbox / "role-etc"),
        "registry_run_directory": str(sandbox / "role-run"),
        "registry_storage": str(sandbox / "role-storage"),
        "registry_user": "docker-registry",
    }


def _without_excused(name: str, plays: list[dict[str, Any]]) -> list[dict[str, Any]]:
    for play in plays:
        tasks = play.get("tasks", [])
        tasks[:] = [task for task in tasks if (name, task.get("name")) not in EXCUSED]
    return plays
