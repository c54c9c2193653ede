# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A playbook that names only community.docker's modules runs here, untouched."""

from __future__ import annotations

import os
import urllib.request
from pathlib import Path

import pytest
from support import compare_predictions
from support.containers import World
from support.plays import Play, Run
from support.servers.registry import Registry, free_port

PLAYBOOK = Path(__file__).with_name("community_docker.yml")
PLACE = "collections/ansible_collections/community/docker"

DOCKERFILE = """\
FROM busybox:1 AS small
COPY settings /etc/settings
FROM small
ARG GREETING
RUN echo "$GREETING" >/etc/greeting
CMD ["sh"]
"""


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A directory with playbooks in which the redirect was made, as docs/migrating.md says."""
    variable = f"redirect_project={tmp_path}"
    made = Play(tmp_path).playbook("slipway.engine.redirect", "-e", variable)
    assert made.status == 0 and (tmp_path / PLACE / "meta/runtime.yml").exists(), made.output
    again = Play(tmp_path).playbook("slipway.engine.redirect", "-e", variable)
    assert (again.status, again.changed) == (0, 0), again.output
    (tmp_path / PLAYBOOK.name).write_bytes(PLAYBOOK.read_bytes())
    return tmp_path


def test_names_of_before(world: World, tmp_path: Path) -> None:
    world.run("web", "echo hello; exec sleep 1000")
    task = {"slipway.engine.container_logs": {"container": "web", "docker_host": "tcp://h:2375"}}
    done = Play(tmp_path).tasks([{**task, "register": "found"}, {"debug": {"var": "found.log"}}])
    assert (done.status, done.changed) == (0, 0), done.output
    said = " ".join(done.output.split())
    assert "hello" in said
    assert "Use slipway.engine.container_logs_info instead." in said
    assert "There is no Docker daemon to connect to; ignored options: docker_host." in said


def test_a_play_of_community_docker(world: World, project: Path, registry: Registry) -> None:
    port = free_port()
    context = project / "tools"
    context.mkdir()
    (context / "Dockerfile").write_text(DOCKERFILE)
    (context / "settings").write_text("# of the tools\nMODE=production\n")
    given = [
        f"registry={registry.host}",
        f"shop_port={port}",
        f"archive={project}/web.tar",
        f"context={context}",
        "password=secret",
    ]
    variables = [argument for one in given for argument in ("-e", one)]

    def run(*arguments: str) -> Run:
        done = Play(project).playbook(str(project / PLAYBOOK.name), *variables, *arguments)
        assert done.status == 0, done.output
        return done

    foretold = run("--check", "--diff")
    done = run("--diff")
    ours = [dict(task) for task in done.record if task["action"].startswith("slipway.engine.")]
    assert len(ours) >= 40 and not any("community.docker" in task["action"] for task in ours)
    assert "there is no Docker daemon" in done.output.replace("\n", " ") or "timeout" in done.output
    told = [dict(task) for task in foretold.record]
    skipped = ("Read the page", "Say it to the database")
    assert (
        compare_predictions.differences(
            [task for task in told if task["task"] not in skipped],
            [task for task in ours if task["task"] not in skipped],
        )
        == []
    )
    page = urllib.request.urlopen(f"http://127.0.0.1:{port}/index.html", timeout=10)
    assert page.read() == b"<h1>Open</h1>"
    assert run().changed == 0
    assert run("--check").changed == 0
    assert run("--tags", "remove").changed == 3
    assert not os.listdir(world.layout.containers)


def test_what_is_not_here_says_so(project: Path) -> None:
    play = Play(project)
    run = play.tasks([{"community.docker.docker_swarm": {"state": "present"}}])
    assert run.status != 0 and "has no swarm" in run.output


def test_commands_of_compose(world: World, project: Path) -> None:
    """The three modules beside docker_compose_v2 find their way here, with Docker's options."""
    service = {"image": "busybox:1", "pull_policy": "never", "command": "sleep 1000",
               "stop_signal": "KILL", "network_mode": "none"}  # fmt: skip
    shop = {"project_name": "shop", "definition": {"services": {"web": service}}}
    run = {**shop, "service": "web", "argv": ["true"], "docker_host": "tcp://h:2375", "timeout": 3}
    tasks = [
        {"community.docker.docker_compose_v2_pull": shop},
        {"community.docker.docker_compose_v2": shop},
        {"community.docker.docker_compose_v2_exec": run},
        {"community.docker.docker_compose_v2_run": {**run, "cleanup": True}},
        {"community.docker.docker_compose_v2": {**shop, "state": "absent"}},
    ]
    done = Play(project).tasks(tasks)
    assert (done.status, done.changed) == (0, 4), done.output


def test_community_docker_itself_is_left_alone(tmp_path: Path) -> None:
    own = tmp_path / PLACE / "plugins/modules/docker_container.py"
    own.parent.mkdir(parents=True)
    own.touch()
    variable = f"redirect_project={tmp_path}"
    run = Play(tmp_path).playbook("slipway.engine.redirect", "-e", variable)
    assert run.status != 0 and "remove it first" in run.output
    assert not (tmp_path / PLACE / "meta").exists()
