# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Secrets stay where they belong: canaries given to tasks are looked for everywhere else.

A play runs as a user runs it at its most talkative, ``-vvv --diff``, in check mode, for real, and
again. Its output, the host's system log, the arguments of every process seen meanwhile, and every
file that others may read must hold none of them.
"""

from __future__ import annotations

import os
import stat
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from support.containers import World
from support.plays import Play
from support.servers.registry import Registry
from support.servers.system_log import listened_to

ENV, NEW_ENV, PASSWORD, CONTENT, EXEC_ENV, STDIN = CANARIES = tuple(
    f"canary-{name}-7f3a91"
    for name in ("env", "new-env", "password", "content", "exec-env", "stdin")
)


@pytest.fixture
def system_log() -> Iterator[list[bytes]]:
    """What is written to the host's system log."""
    with listened_to() as received:
        yield received


@pytest.fixture
def arguments() -> Iterator[set[bytes]]:
    """The command lines of all processes, looked at often while the test runs."""
    seen: set[bytes] = set()
    done = threading.Event()

    def look() -> None:
        while not done.wait(0.02):
            for name in os.listdir("/proc"):
                if name.isdecimal():
                    try:
                        seen.add(Path(f"/proc/{name}/cmdline").read_bytes())
                    except OSError:
                        continue

    looker = threading.Thread(target=look)
    looker.start()
    try:
        yield seen
    finally:
        done.set()
        looker.join()


def play_with_secrets(registry: Registry, env: str) -> list[dict[str, Any]]:
    return [
        {
            "slipway.engine.registry_login": {
                "registry_url": registry.host,
                "username": "demo",
                "password": PASSWORD,
            }
        },
        {
            "slipway.engine.container": {
                "name": "web",
                "image": "busybox:1",
                "command": ["sleep", "1000"],
                "stop_signal": "KILL",
                "network_mode": "none",
                "secret_env": {"TOKEN": env},
                "secrets": [{"name": "token", "content": f"{env} in a file"}],
            },
            "register": "made",
        },
        {"ansible.builtin.debug": {"var": "made"}},
        {
            "slipway.engine.container_copy_into": {
                "container": "web",
                "container_path": "/etc/secret",
                "content": CONTENT,
            },
            # Who asks for a diff of a text sees it.
            "diff": False,
        },
        {"slipway.engine.container_info": {"name": "web"}, "register": "told"},
        {"ansible.builtin.debug": {"var": "told"}},
        {
            "slipway.engine.container_exec": {
                "container": "web",
                # Long enough for the arguments of all who take part to be seen.
                "argv": ["sh", "-c", 'read -r given; test "$given$TOKEN" && sleep 0.2'],
                "env": {"TOKEN": EXEC_ENV},
                "stdin": STDIN,
            },
            "register": "ran",
        },
        {"ansible.builtin.debug": {"var": "ran"}},
        # A module of others logs its arguments, which shows that the log is listened to.
        {"ansible.builtin.command": {"argv": ["true"]}},
    ]


def test_canaries_are_found_nowhere(
    world: World,
    tmp_path: Path,
    registries: Callable[..., Registry],
    system_log: list[bytes],
    arguments: set[bytes],
) -> None:
    registry = registries(username="demo", password=PASSWORD)
    # The registry and the play itself are the test's; what the tasks print, log and start is not.
    play = Play(tmp_path)
    for env, flags in (
        (ENV, ["--check"]),
        (ENV, []),
        (ENV, []),
        (NEW_ENV, ["--check"]),
        (NEW_ENV, []),
    ):
        run = play.tasks(play_with_secrets(registry, env), "-vvv", "--diff", *flags)
        assert run.status == 0, run.output
        for canary in CANARIES:
            assert canary not in run.output, f"{canary} with {flags}"
    for secret in map(str.encode, CANARIES):
        assert not [line for line in system_log if secret in line]
        assert not [line for line in arguments if secret in line]
    # The probes do see something: the modules ran, and conmon with its arguments.
    assert any(b"conmon" in line for line in arguments)
    assert any(b"ansible" in line.lower() for line in system_log)


def test_nothing_of_the_state_is_for_others(world: World) -> None:
    world.run("web", env={"TOKEN": ENV})
    layout = world.layout
    for directory in (layout.root, layout.run, layout.etc):
        assert stat.S_IMODE(directory.stat().st_mode) == 0o700, directory
    for directory in (layout.containers, layout.run):
        for path in directory.rglob("*"):
            # Below a container's own files everything is behind these directories, and is its own.
            if "upper" in path.parts or "rootfs" in path.parts or path.is_symlink():
                continue
            with_secret = path.is_file() and ENV.encode() in path.read_bytes()
            assert not with_secret or path.stat().st_mode & 0o077 == 0, path
