# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The output of a process in a container, read with a bound on memory and on time.

What is inside writes as much as it likes and for as long as it likes (CVE-2022-1708,
CVE-2022-31030): up to a limit is kept, the rest is read and dropped.
"""

from __future__ import annotations

import contextlib
import os
import select
import selectors
import signal
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Optional

from .. import process

#: Bytes that are kept of each stream unless the caller says otherwise.
OUTPUT_LIMIT = 10 << 20

_CHUNK = 1 << 16

#: How long a stream is still read once its process is gone: a child left behind may hold it for
#: ever.
_LINGER_S = 0.25


@dataclass(frozen=True)
class Captured:
    """A process that ended: its exit status (128 + the signal that killed it) and what it wrote.

    ``truncated``: more was written than was kept. ``timed_out``: it was killed when its time was
    over. ``pid`` is what it was on the host; 0 when it never came to life.
    """

    returncode: int
    stdout: bytes
    stderr: bytes
    truncated: bool = False
    timed_out: bool = False
    pid: int = 0


@dataclass
class _Kept:
    """The first bytes of one stream."""

    limit: int
    data: bytearray = field(default_factory=bytearray)
    truncated: bool = False

    def add(self, part: bytes) -> None:
        room = self.limit - len(self.data)
        self.data += part[:room]
        self.truncated = self.truncated or len(part) > room


def capture(
    argv: Sequence[str],
    stdin: bytes,
    timeout_s: Optional[float],
    limit: int,
    env: Mapping[str, str],
    pid_file: Path,
) -> Captured:
    """Run ``argv`` to its end; it writes to ``pid_file`` the pid of the process it runs for us."""
    child = process.spawn(
        argv,
        env=env,
        stdin=process.PIPE if stdin else None,
        stdout=process.PIPE,
        stderr=process.PIPE,
    )
    deadline = None if timeout_s is None else time.monotonic() + timeout_s
    kept = {"stdout": _Kept(limit), "stderr": _Kept(limit)}
    try:
        timed_out = not _pump(child, memoryview(stdin), kept, deadline)
        pid = _pid(pid_file)
        if timed_out:
            _kill(child, pid)
        returncode = child.wait()
    finally:
        if child.poll() is None:
            _kill(child, _pid(pid_file))
            child.wait()
        for stream in (child.stdin, child.stdout, child.stderr):
            if stream is not None:
                with contextlib.suppress(BrokenPipeError):
                    stream.close()
    if returncode < 0:
        returncode = 128 - returncode
    out, err = kept["stdout"], kept["stderr"]
    truncated = out.truncated or err.truncated
    return Captured(returncode, bytes(out.data), bytes(err.data), truncated, timed_out, pid)


def _pump(
    child: process.Child,
    stdin: memoryview,
    kept: Mapping[str, _Kept],
    deadline: Optional[float],
) -> bool:
    """Move bytes both ways until the process is gone and its streams are read; False at the
    deadline.
    """
    with selectors.DefaultSelector() as selector, contextlib.ExitStack() as stack:
        for name in kept:
            selector.register(_stream(getattr(child, name)), selectors.EVENT_READ, kept[name])
        if child.stdin is not None:
            os.set_blocking(child.stdin.fileno(), False)
            selector.register(child.stdin, selectors.EVENT_WRITE)
        # The pidfd wakes us when the process ends while a child of its keeps the streams open.
        process_fd = os.pidfd_open(child.pid)
        stack.callback(os.close, process_fd)
        selector.register(process_fd, selectors.EVENT_READ)
        gone = False
        while any(isinstance(key.data, _Kept) for key in selector.get_map().values()):
            left = None if deadline is None else deadline - time.monotonic()
            if left is not None and left <= 0 and not gone:
                return False
            ready = selector.select(_LINGER_S if gone else left)
            if not ready and gone:
                return True
            for key, dummy in ready:
                if key.fileobj == process_fd:
                    gone = True
                    selector.unregister(process_fd)
                elif isinstance(key.data, _Kept):
                    part = os.read(key.fd, _CHUNK)
                    key.data.add(part)
                    if not part:
                        selector.unregister(key.fileobj)
                else:
                    stdin = _feed(selector, child, stdin)
        return _ends(child, deadline)


def _ends(child: process.Child, deadline: Optional[float]) -> bool:
    """Wait for a process that has closed its streams."""
    if deadline is None:
        child.wait()
    elif not _wait(child, deadline - time.monotonic()):
        return False
    return True


def _wait(child: process.Child, timeout_s: float) -> bool:
    """Whether a process ends within a time; without a thread and without polling, by its pidfd."""
    fd = os.pidfd_open(child.pid)
    try:
        poll = select.poll()
        poll.register(fd, select.POLLIN)
        return bool(poll.poll(max(0.0, timeout_s) * 1000))
    finally:
        os.close(fd)


def _stream(stream: Optional[IO[bytes]]) -> IO[bytes]:
    if stream is None:
        raise AssertionError("the stream was asked for")
    return stream


def _feed(selector: selectors.BaseSelector, child: process.Child, stdin: memoryview) -> memoryview:
    stream = _stream(child.stdin)
    try:
        stdin = stdin[os.write(stream.fileno(), stdin[:_CHUNK]) :]
    except BlockingIOError:
        return stdin
    except BrokenPipeError:
        stdin = stdin[:0]
    if not stdin:
        selector.unregister(stream)
        stream.close()
    return stdin


def _pid(pid_file: Path) -> int:
    try:
        return int(pid_file.read_text("ascii"))
    except (FileNotFoundError, ValueError):
        return 0


def _kill(child: process.Child, pid: int) -> None:
    """End the process in the container first: ended alone, the runtime would leave it running."""
    if pid and child.poll() is None:
        # While the runtime lives it has not reaped the process, so the pid cannot be another's.
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
        _wait(child, 5.0)
    if child.poll() is None:
        child.kill()
