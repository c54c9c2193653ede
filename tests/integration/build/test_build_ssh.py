# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""RUN --mount=type=ssh: the socket of an agent is there for one command, and nothing stays."""

from __future__ import annotations

import contextlib
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest
from support.composing import compose
from support.containers import World
from support.converging import apply, check

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
    key = tmp_path / "key"
    key.write_text("a key")
    assert "is not a socket" in refused(f"--ssh=default={key}", given[1])
    assert "SSH_AUTH_SOCK is not set" in refused("--ssh=default")
