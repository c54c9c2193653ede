# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""SSH agents for RUN --mount=type=ssh: one of the host, or one of our own that holds keys of files.

No key comes into the container: it asks the agent to sign (draft-miller-ssh-agent).
"""

from __future__ import annotations

import contextlib
import os
import signal
from collections.abc import Iterator, Sequence
from pathlib import Path

from ..base.errors import Error
from ..base.layout import Layout
from ..kernel import process
from . import running

#: The agent lives while this command does, and cat does until its input ends, as it does when we
#: are killed. ssh-agent(1) looks every ten seconds whether the command is there.
_WHILE_WE_LIVE = ("sh", "-c", 'echo "$SSH_AGENT_PID"; exec cat')


@contextlib.contextmanager
def agent(layout: Layout, name: str, paths: Sequence[str]) -> Iterator[Path]:
    """The socket of the agent with an id of a build, while the block lasts. ``paths`` are one
    socket, or files with private keys. Raises Error.
    """
    sockets = [path for path in paths if Path(path).is_socket()]
    if sockets:
        if len(paths) > 1:
            raise Error(f"the SSH agent {name}: give one socket, or files with keys")
        yield Path(sockets[0])
        return
    for path in paths:
        if not Path(path).is_file():
            raise Error(
                f"the SSH agent {name}: {path} is neither a socket nor a file with a key",
                hint="start ssh-agent, add the key to it, and give its socket, or give the key",
            )
    for program in ("ssh-agent", "ssh-add"):
        if process.which(program) is None:
            raise Error(
                f"the SSH agent {name}: keys of files need {program}, which is not on this host",
                hint="install openssh-client, or give the socket of an agent",
            )
    with contextlib.ExitStack() as stack:
        directory = stack.enter_context(running.secrets_directory(layout))
        place = stack.enter_context(_started(directory / "agent"))
        for path in paths:
            _add(place, name, path)
        yield place


@contextlib.contextmanager
def _started(place: Path) -> Iterator[Path]:
    child = process.spawn(
        ["ssh-agent", "-a", str(place), *_WHILE_WE_LIVE],
        stdin=process.PIPE,
        stdout=process.PIPE,
    )
    if child.stdin is None or child.stdout is None:
        raise AssertionError("both are pipes")
    with contextlib.closing(child.stdin), contextlib.closing(child.stdout):
        line = child.stdout.readline().strip()
        try:
            if not line.isdigit():
                raise Error("ssh-agent did not start")
            yield place
        finally:
            if line.isdigit():
                # A child of cat, which never asks how it ended, so the number stays its own.
                with contextlib.suppress(ProcessLookupError):
                    os.kill(int(line), signal.SIGTERM)
            child.stdin.close()
            child.wait()


def _add(place: Path, name: str, path: str) -> None:
    """Give a key to the agent, by a pipe: ssh-add refuses files that others may read."""
    done = process.run(
        ["ssh-add", "-q", "-"],
        stdin=running.read_secret(path),
        env={"SSH_AUTH_SOCK": str(place), "SSH_ASKPASS_REQUIRE": "never"},
        check=False,
        unasked=True,
    )
    if done.returncode == 0:
        return
    if b"passphrase" in done.stderr:
        raise Error(
            f"the SSH agent {name}: the key {path} has a passphrase",
            hint="add it to an agent, and give its socket",
        )
    said = process.complaint(done.stderr)
    raise Error(f"the SSH agent {name}: {path} is not a private key: {said}")
