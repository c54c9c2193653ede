# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Talking to one more command in a container: ``docker exec``.

Apart from session.py, which starts containers too: much of what runs in containers comes by here,
and a start has a lot to import.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import struct
import sys
import termios
from collections.abc import Sequence
from typing import Optional

from ...container.engine.attachment import STDERR, STDOUT
from ...container.engine.capture import Piped, Running, Terminal
from ...container.lifecycle import execute as execution
from ...container.lifecycle.execute import Request
from ...plan.plan import Host
from . import console


class _Exec:
    """The streams of a command in a container, for a conversation: pipes, or a terminal."""

    def __init__(self, child: Running, source: Sequence[int], sink: int, errors: int) -> None:
        self.ended = os.pidfd_open(child.pid)
        self._outputs, self._sink, self._errors = list(source), sink, errors
        for fd in {*self._outputs, sink} - {-1}:
            os.set_blocking(fd, False)

    def outputs(self) -> Sequence[int]:
        return self._outputs

    def input(self) -> int:
        return self._sink

    def receive(self, fd: int) -> tuple[int, bytes]:
        try:
            data = os.read(fd, console.PIECE)
        except BlockingIOError:
            raise
        except OSError:
            # EIO of a terminal that nobody has any more.
            data = b""
        if not data:
            self._outputs.remove(fd)
        return (STDERR if fd == self._errors else STDOUT), data

    def send(self, data: bytes) -> int:
        try:
            return os.write(self._sink, data)
        except BrokenPipeError:
            self.end_input()
            raise

    def end_input(self) -> None:
        self._sink = -1


class _Pipes(_Exec):
    """Pipes: the end of input is that of the pipe."""

    def __init__(self, child: Piped) -> None:
        super().__init__(child, (child.stdout, child.stderr), child.stdin, child.stderr)

    def end_input(self) -> None:
        if self._sink >= 0:
            # The number stays taken: whoever owns the pipe closes it.
            null = os.open(os.devnull, os.O_WRONLY | os.O_CLOEXEC)
            os.dup2(null, self._sink, inheritable=False)
            os.close(null)
        super().end_input()

    def resize(self, height: int, width: int) -> None:
        """A pipe has no size."""


class _Window(_Exec):
    """A terminal: input and output are one."""

    def __init__(self, child: Terminal) -> None:
        super().__init__(child, (child.fd,), child.fd, -1)
        self._fd = child.fd

    def resize(self, height: int, width: int) -> None:
        with contextlib.suppress(OSError):
            fcntl.ioctl(self._fd, termios.TIOCSWINSZ, struct.pack("HHHH", height, width, 0, 0))


def execute(
    host: Host, container_id: str, request: Request, stdin: bool, keys: str
) -> Optional[int]:
    """Run a command in a container and talk to it. Returns its exit status, or None when somebody
    detached: it goes on then.
    """
    conversation = console.Conversation(
        stdin=stdin, tty=request.tty, keys=console.detach_keys(keys)
    )
    with contextlib.ExitStack() as stack:
        streams: _Exec
        if request.tty:
            shown = stack.enter_context(execution.on_terminal(host, container_id, request))
            child: Running = shown
            streams = _Window(shown)
        else:
            made = stack.enter_context(execution.on_pipes(host, container_id, request, stdin))
            child = made
            streams = _Pipes(made)
            sys.stderr.buffer.write(made.head)
            sys.stderr.buffer.flush()
        stack.callback(os.close, streams.ended)
        with conversation as talk:
            detached = talk.hold(streams)
        if detached:
            if request.tty:
                _keep(streams.outputs())
            return None
        return child.wait()


def _keep(fds: Sequence[int]) -> None:
    """Hold a terminal open, and read what it shows, until nobody has it: in a process of its own,
    as a command whose terminal is closed is hung up.
    """
    if os.fork():
        return
    with contextlib.suppress(BaseException):
        os.setsid()
        null = os.open(os.devnull, os.O_RDWR)
        for number in (0, 1, 2):
            os.dup2(null, number)
        for fd in fds:
            os.set_blocking(fd, True)
            while os.read(fd, console.PIECE):
                pass
    os._exit(0)
