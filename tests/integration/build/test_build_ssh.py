# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""RUN --mount=type=ssh: the socket of an agent is there for one command, and nothing stays."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import stat
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from support.composing import compose
from support.containers import World, until
from support.converging import Task, apply, check

from ansible_collections.slipway.engine.plugins.module_utils._runtime.base.errors import Error
from ansible_collections.slipway.engine.plugins.module_utils._runtime.build import agents
from ansible_collections.slipway.engine.plugins.module_utils._runtime.resource.image import (
    image_build,
)

FILE = """
FROM busybox:1
RUN --mount=type=ssh test -S "$SSH_AUTH_SOCK" && stat -c %i "$SSH_AUTH_SOCK" >/inode
RUN --mount=type=ssh,id=mine,target=/agent,required echo "$SSH_AUTH_SOCK" >/place
RUN --mount=type=ssh,id=nobody echo "none${SSH_AUTH_SOCK}" >/none
RUN test -z "$SSH_AUTH_SOCK" && test ! -e /run/buildkit && test ! -e /agent
"""


@pytest.fixture
def agent(tmp_path: Path) -> Iterator[Path]:
    """A socket that somebody listens on."""
    path = tmp_path / "agent"
    with contextlib.closing(socket.socket(socket.AF_UNIX)) as listening:
        listening.bind(str(path))
        listening.listen()
        yield path


def test_a_service(world: World, tmp_path: Path, agent: Path) -> None:
    (tmp_path / "Dockerfile").write_text(FILE)
    text = """
services:
  web:
    build: {context: ., ssh: [default, mine=./agent]}
    command: sleep 1000
    stop_signal: KILL
    network_mode: none
"""
    task = compose(world.layout, tmp_path, text, around={"SSH_AUTH_SOCK": str(agent)})
    foretold = check(world.layout, task, {})
    done, dummy = apply(world.layout, task)
    assert done == foretold and check(world.layout, task, {}).actions == ()
    read = world.slipway("exec", "shop-web-1", "cat", "/inode", "/place", "/none").stdout.decode()
    assert read.split() == [str(agent.stat().st_ino), "/agent", "none"]
    assert world.slipway("exec", "shop-web-1", "ls", "-A", "/run").stdout == b""


def test_the_program(world: World, tmp_path: Path, agent: Path) -> None:
    (tmp_path / "Dockerfile").write_text(FILE)
    given = [f"--ssh={name}={agent}" for name in ("default", "mine")]
    world.slipway("build", "-t", "made:1", *given, str(tmp_path))

    def refused(*words: str) -> str:
        done = world.slipway("build", "--no-cache", *words, str(tmp_path), check=False)
        assert done.returncode != 0
        return done.stderr.decode()

    assert "needs the SSH agent mine" in refused(given[0])
    assert "is neither a socket nor a file" in refused(f"--ssh=default={tmp_path}", given[1])
    assert "SSH_AUTH_SOCK is not set" in refused("--ssh=default")


def key(path: Path, *, passphrase: str = "") -> Path:
    """A private key in a file, beside which is its public one."""
    words = ["ssh-keygen", "-q", "-t", "ed25519", "-N", passphrase, "-f", str(path)]
    subprocess.run(words, check=True)
    return path


def test_keys_in_files(world: World, tmp_path: Path) -> None:
    """An agent of the build's own has them while the command runs."""
    keys = [key(tmp_path / name) for name in ("one", "two")]
    keys[1].chmod(0o644)  # ssh-add itself refuses a file that others may read.
    given = [str(path) for path in keys]
    with agents.agent(world.layout, "default", given) as place:
        asked = {"SSH_AUTH_SOCK": str(place)}
        done = subprocess.run(["ssh-add", "-L"], env=asked, check=True, capture_output=True)
        public = [path.with_suffix(".pub").read_text().split()[1] for path in keys]
        assert [line.split()[1] for line in done.stdout.decode().splitlines()] == public
        mode = place.stat().st_mode
        assert stat.S_ISSOCK(mode) and not mode & 0o077
    assert not place.exists()
    (tmp_path / "Dockerfile").write_text(FILE)
    words = [f"--ssh=default={','.join(given)}", f"--ssh=mine={given[0]}"]
    world.slipway("build", "-t", "made:1", *words, str(tmp_path))
    assert list(world.layout.run_builds.iterdir()) == []
    asked_by_task = [word.partition("=")[2] for word in words]
    params = {"name": "made:2", "path": str(tmp_path), "ssh": asked_by_task, "nocache": True}
    outcome, dummy = apply(world.layout, Task(image_build.declare, image_build.RESOURCE, params))
    assert outcome.changed
    assert list(world.layout.run_builds.iterdir()) == []


def test_keys_that_are_none(world: World, tmp_path: Path) -> None:
    secret = key(tmp_path / "secret", passphrase="not here")
    (tmp_path / "text").write_text("a key")
    agent = agents.agent(world.layout, "default", [str(secret)])
    with pytest.raises(Error, match="secret has a passphrase"), agent:
        pass
    agent = agents.agent(world.layout, "default", [str(tmp_path / "text")])
    with pytest.raises(Error, match="text is not a private key"), agent:
        pass
    assert list(world.layout.run_builds.iterdir()) == []


def test_an_agent_ends_with_its_maker(world: World, tmp_path: Path) -> None:
    """Also if that is killed: the agent looks every ten seconds."""
    given = [str(key(tmp_path / "one"))]
    pid = os.fork()
    if pid == 0:
        with agents.agent(world.layout, "default", given):
            signal.pause()
    until(lambda: list(world.layout.run_builds.glob("*/agent")))
    [place] = world.layout.run_builds.glob("*/agent")
    os.kill(pid, signal.SIGKILL)
    os.waitpid(pid, 0)
    until(lambda: not place.exists(), 30)
