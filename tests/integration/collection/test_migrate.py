# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The playbook migrate: from a real Docker or Podman to containers here, with images and data."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from support.containers import World
from support.plays import Play, Run
from support.servers import engines


@pytest.fixture(scope="module")
def docker(sandbox: Path, busybox_tar: Path) -> Iterator[engines.Docker]:
    made = engines.Docker(sandbox / "docker-to-migrate")
    try:
        made.run("import", "--change", "CMD sh", str(busybox_tar), "elsewhere.example.com/shop:1")
        yield made
    finally:
        made.close()


@pytest.fixture
def podman(sandbox: Path, busybox_tar: Path) -> Iterator[engines.Podman]:
    made = engines.Podman(sandbox / "podman-to-migrate")
    made.run("import", "--change", "CMD sh", str(busybox_tar), "elsewhere.example.com/shop:1")
    with made.service():
        yield made
    made.close()


def migrate(directory: Path, socket: str, status: int = 0, **variables: bool) -> Run:
    given = {
        "migrate_from": socket,
        "migrate_directory": str(directory / "plays"),
        **variables,
    }
    run = Play(directory).playbook(
        "slipway.engine.migrate", "-c", "local", "-e", json.dumps(given), "-vv"
    )
    assert run.status == status, run.output
    return run


def test_a_host_of_docker_moves(world: World, docker: engines.Docker, tmp_path: Path) -> None:
    moves(world, docker, docker.socket, tmp_path)


def test_a_host_of_podman_moves(world: World, podman: engines.Podman, tmp_path: Path) -> None:
    moves(world, podman, podman.socket, tmp_path)


def moves(world: World, engine: engines.Engine, socket: str, tmp_path: Path) -> None:
    engine.run("network", "create", "back")
    engine.run("volume", "create", "data")
    engine.run(
        *("run", "-d", "--name", "db", "--network", "back", "-v", "data:/data", "-v", "/cache"),
        *("-e", "DB_PASSWORD=geheim", "--stop-signal", "KILL", "elsewhere.example.com/shop:1"),
        *("sh", "-c", "echo kept >/data/page; chown 5:6 /data/page; echo c >/cache/c; sleep 1000"),
    )
    engine.run("run", "-d", "--name", "side", "--network", "container:db", "--stop-signal", "KILL",
               "elsewhere.example.com/shop:1", "sleep", "1000")  # fmt: skip
    try:
        run = migrate(tmp_path, socket)
        play = tmp_path / "plays" / "localhost.yml"
        assert play.stat().st_mode & 0o777 == 0o600
        assert "db_db_password: geheim" in play.read_text()
        assert "geheim" not in run.output
        assert "the anonymous volume at /cache is the volume db-cache here" in run.output
        running = engine.run("ps", "--format", "{{.Names}}").split()
        assert sorted(running) == ["db", "side"]
        assert world.slipway("volume", "ls", "-q").stdout == b""

        # Data that is being written to is not copied, and what somebody wrote is kept.
        play.write_text(play.read_text() + "# mine\n")
        refused = migrate(tmp_path, socket, 2, migrate_volumes=True)
        assert "db are running and use volumes whose data is to be" in refused.output
        assert sorted(engine.run("ps", "--format", "{{.Names}}").split()) == ["db", "side"]

        moved = {"migrate_volumes": True, "migrate_images": True, "migrate_stop": True}
        migrate(tmp_path, socket, **moved)
        assert engine.run("ps", "-q") == ""
        assert play.read_text().endswith("# mine\n")
        assert migrate(tmp_path, socket, **moved).changed == 0
    finally:
        # Podman does not see that both go at once.
        for name in ("side", "db"):
            engine.run("rm", "-f", name)
        engine.run("network", "rm", "back")
        engine.run("volume", "rm", "data")
    converged = Play(tmp_path).playbook(str(play), "-c", "local")
    assert converged.status == 0, converged.output
    assert Play(tmp_path).playbook(str(play), "-c", "local").changed == 0
    found = world.slipway("exec", "db", "sh", "-c", "cat /cache/c; stat -c '%u:%g' /data/page")
    assert found.stdout == b"c\n5:6\n"
    assert b"side" in world.slipway("ps", "--format", "{{.Names}}").stdout


def test_without_an_engine_one_sentence_says_so(world: World, tmp_path: Path) -> None:
    given = {"migrate_from": str(tmp_path / "no.sock"), "migrate_directory": str(tmp_path / "x")}
    run = Play(tmp_path).playbook("slipway.engine.migrate", "-c", "local", "-e", json.dumps(given))
    assert run.status == 2
    assert not (tmp_path / "x").exists()


def test_the_program_says_the_same(world: World, docker: engines.Docker, tmp_path: Path) -> None:
    docker.run("create", "--name", "one", "elsewhere.example.com/shop:1", "sleep", "1")
    try:
        migrate(tmp_path, docker.socket)
        play = (tmp_path / "plays" / "localhost.yml").read_text()
        done = world.slipway("declare", "--from", docker.socket, "--hosts", "localhost")
        assert done.stdout.decode() == play
        missing = world.slipway("declare", "--from", docker.socket, "two", check=False)
        assert (missing.returncode, b"No such container: two" in missing.stderr) == (1, True)
        output = ["declare", "--from", docker.socket, "--output", str(tmp_path / "x.yml")]
        assert world.slipway(*output).stdout == b""
        again = world.slipway(*output, check=False)
        assert (again.returncode, b"exists; remove it" in again.stderr) == (1, True)
        assert subprocess.run(["stat", "-c%a", tmp_path / "x.yml"], capture_output=True,
                              check=True).stdout == b"600\n"  # fmt: skip
    finally:
        docker.run("rm", "-f", "one")
