# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A process in a container, run to its end: its output with a bound on memory, its status, its
time.

A process inside may write without limit and forever (CVE-2022-1708, CVE-2022-31030): its output is
kept up to a limit, the rest is read and dropped. The OCI runtime starts the process detached, with
our pipes for its streams, and ends; the process becomes our child, since we adopt orphans
meanwhile. Attached, runc would copy the streams itself and wait for every process that was left
behind with them.
"""

from __future__ import annotations

import contextlib
import os
import select
import selectors
import signal
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Optional

from ...base.errors import Error
from ...base.frozen import changing, dataclass, field
from ...kernel import process
from . import orphans

#: Bytes that are kept of each stream unless the caller says otherwise.
OUTPUT_LIMIT = 10 << 20

_CHUNK = 1 << 16

#: How long the streams are still read once the process is gone: what it left behind may hold them.
_LINGER_S = 0.1

#: How long a process may take to go after SIGKILL.
_KILL_S = 5.0


@dataclass(frozen=True)
class Captured:
    """A process that ended: its exit status (128 + the signal that killed it) and what it wrote.

    ``truncated``: more was written than was kept. ``timed_out``: it was killed when its time was
    over. ``started`` is False when the runtime could not start it, and says why in ``stderr``.
    """

    returncode: int
    stdout: bytes
    stderr: bytes
    truncated: bool = False
    timed_out: bool = False
    started: bool = True


@changing
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
    """Run ``argv``, which starts a process, writes its pid to ``pid_file`` and ends; and wait for
    it.
    """
    deadline = None if timeout_s is None else time.monotonic() + timeout_s
    kept = {"stdout": _Kept(limit), "stderr": _Kept(limit)}
    with orphans.adopted(), contextlib.ExitStack() as stack:
        runtime = _spawned(argv, bool(stdin), env)
        streams = _Streams(runtime, memoryview(stdin), kept)
        stack.callback(streams.close)
        timed_out = not streams.pump_until_end(runtime.pid, deadline)
        if timed_out:
            runtime.kill()
        status = runtime.wait()
        pid = _read_pid(pid_file)
        if status != 0 and not pid:
            streams.drain()
        elif pid:
            timed_out = timed_out or not streams.pump_until_end(pid, deadline)
            status = _reap(pid, kill=timed_out)
            streams.drain()
    out, err = kept["stdout"], kept["stderr"]
    return Captured(
        128 - status if status < 0 else status,
        bytes(out.data),
        bytes(err.data),
        out.truncated or err.truncated,
        timed_out,
        started=bool(pid),
    )


def _spawned(argv: Sequence[str], stdin: bool, env: Mapping[str, str]) -> process.Child:
    return process.spawn(
        argv,
        env=env,
        stdin=process.PIPE if stdin else None,
        stdout=process.PIPE,
        stderr=process.PIPE,
        plainly=True,
    )


@changing
class Running:
    """A process that runs while its caller does other things; 0 is that it was not started, and
    ``complaint`` says why.
    """

    pid: int
    complaint: bytes = b""
    _status: Optional[int] = None

    @property
    def ended(self) -> Optional[int]:
        """Its exit status, once somebody waited for it."""
        return self._status

    def wait(self) -> int:
        """Wait for its end: the exit status, 128 + the signal that killed it."""
        if self._status is None:
            status = os.waitstatus_to_exitcode(os.waitpid(self.pid, 0)[1])
            self._status = 128 - status if status < 0 else status
        return self._status


@changing
class Terminal(Running):
    """The same on a terminal: ``fd`` is our end of it, and reads fail with EIO once nobody has the
    other.
    """

    fd: int = -1


@changing
class Piped(Running):
    """The same with pipes: descriptors of our ends, and what it wrote to standard error before it
    was known that it had begun. ``stdin`` is -1 where it reads nothing.
    """

    stdin: int = -1
    stdout: int = -1
    stderr: int = -1
    head: bytes = b""


@contextlib.contextmanager
def piped(
    argv: Sequence[str], stdin: bool, env: Mapping[str, str], pid_file: Path
) -> Iterator[Piped]:
    """Run ``argv``, which starts a process and ends, with pipes of ours for the process's streams.

    It never gets descriptors that we were given: a terminal of the host can be read from whichever
    side is open, and a file is more than what is written to it. A caller that leaves the block
    before its end leaves it alone, without streams.
    """
    with orphans.adopted(), contextlib.ExitStack() as stack:
        runtime = _spawned(argv, bool(stdin), env)
        fds = [-1, -1, -1]
        for index, file in enumerate((runtime.stdin, runtime.stdout, runtime.stderr)):
            if file is not None:
                # What is written by us alone needs no buffer, nor a close that flushes one.
                fds[index] = os.dup(file.fileno())
                file.close()
                stack.callback(_close, fds, index)
        head = _complaint(runtime, fds[2])
        runtime.wait()
        made = Piped(_read_pid(pid_file), stdin=fds[0], stdout=fds[1], stderr=fds[2])
        if made.pid:
            made.head = head
        else:
            os.set_blocking(fds[2], False)
            with contextlib.suppress(BlockingIOError):
                head += os.read(fds[2], _CHUNK)
            made.complaint = head
        yield made
        if made.pid:
            with contextlib.suppress(ChildProcessError):
                os.waitpid(made.pid, os.WNOHANG)


def _close(fds: list[int], index: int) -> None:
    os.close(fds[index])


def _complaint(runtime: process.Child, source: int) -> bytes:
    """What comes on standard error until the runtime has ended: its own, or the process's."""
    head = bytearray()
    ended = os.pidfd_open(runtime.pid)
    try:
        while not select.select([ended], [], [], 0)[0]:
            if source in select.select([ended, source], [], [])[0]:
                part = os.read(source, _CHUNK)
                head += part
                if not part or len(head) > _HEAD_LIMIT:
                    select.select([ended], [], [])
    finally:
        os.close(ended)
    return bytes(head)


#: What of a stream is held before it is known whose it is. Bytes.
_HEAD_LIMIT = 1 << 20


@contextlib.contextmanager
def terminal(
    argv: Sequence[str], env: Mapping[str, str], pid_file: Path, socket_path: Path
) -> Iterator[Terminal]:
    """Run ``argv``, which starts a process on a terminal, hands our end of it over at
    ``socket_path`` (runc's docs/terminals.md), and ends.
    """
    import socket  # No other command wants it.

    with orphans.adopted(), socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(socket_path))
        listener.listen(1)
        listener.settimeout(_HANDOVER_S)
        runtime = process.spawn(argv, env=env, stderr=process.PIPE, plainly=True)
        master = -1
        try:
            dummy, complaint = runtime.communicate()
            made = Terminal(_read_pid(pid_file), complaint)
            if made.pid:
                connection = listener.accept()[0]
                with connection:
                    connection.settimeout(_HANDOVER_S)
                    received = socket.recv_fds(connection, 4096, 1)[1]
                if not received:
                    raise Error("the OCI runtime did not pass a terminal")
                made.fd = master = received[0]
                os.set_inheritable(master, False)
            yield made
        finally:
            if master >= 0:
                os.close(master)
            pid = _read_pid(pid_file)
            if pid and master >= 0:
                # Without its terminal it gets SIGHUP; what ignores that keeps running.
                with contextlib.suppress(ChildProcessError):
                    os.waitpid(pid, os.WNOHANG)


#: How long the runtime may take from its end to the arrival of what it sent.
_HANDOVER_S = 5.0


class _Streams:
    """Our ends of the pipes of a process. Owns them."""

    def __init__(self, child: process.Child, stdin: memoryview, kept: Mapping[str, _Kept]) -> None:
        self._selector = selectors.DefaultSelector()
        self._stdin = stdin
        self._files = [child.stdin, child.stdout, child.stderr]
        self._open = 0
        for name, sink in kept.items():
            self._selector.register(getattr(child, name), selectors.EVENT_READ, sink)
            self._open += 1
        if child.stdin is not None:
            os.set_blocking(child.stdin.fileno(), False)
            self._selector.register(child.stdin, selectors.EVENT_WRITE)

    def close(self) -> None:
        self._selector.close()
        for file in self._files:
            if file is not None:
                with contextlib.suppress(BrokenPipeError):
                    file.close()

    def pump_until_end(self, pid: int, deadline: Optional[float]) -> bool:
        """Move bytes both ways until a child of ours has ended; False when the deadline came."""
        # A child that has ended is a zombie until we reap it, so the pid has not been reused.
        ended = os.pidfd_open(pid)
        self._selector.register(ended, selectors.EVENT_READ)
        try:
            while True:
                left_s = None if deadline is None else deadline - time.monotonic()
                if left_s is not None and left_s <= 0:
                    return False
                ready = self._selector.select(left_s)
                if any(key.fileobj == ended for key, dummy in ready):
                    return True
                self._move(ready)
        finally:
            self._selector.unregister(ended)
            os.close(ended)

    def drain(self) -> None:
        """Read what was written before the end, without waiting for those who may still write."""
        until = time.monotonic() + _LINGER_S
        while self._open and time.monotonic() < until:
            self._move(self._selector.select(max(0.0, until - time.monotonic())))

    def _move(self, ready: Sequence[tuple[selectors.SelectorKey, int]]) -> None:
        for key, dummy in ready:
            if isinstance(key.data, _Kept):
                part = os.read(key.fd, _CHUNK)
                key.data.add(part)
                if not part:
                    self._selector.unregister(key.fileobj)
                    self._open -= 1
            else:
                self._feed(key)

    def _feed(self, key: selectors.SelectorKey) -> None:
        stream = self._files[0]
        if stream is None:
            raise AssertionError("called without input to feed")
        with contextlib.suppress(BlockingIOError):
            try:
                self._stdin = self._stdin[os.write(key.fd, self._stdin[:_CHUNK]) :]
            except BrokenPipeError:
                self._stdin = self._stdin[:0]
        if not self._stdin:
            self._selector.unregister(stream)
            stream.close()


def _read_pid(pid_file: Path) -> int:
    try:
        return int(pid_file.read_text("ascii"))
    except (FileNotFoundError, ValueError):
        return 0


def _reap(pid: int, kill: bool) -> int:
    """The exit status of a child, negative for a signal; 137 when it would not end after a kill."""
    if kill:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
        fd = os.pidfd_open(pid)
        try:
            poll = select.poll()
            poll.register(fd, select.POLLIN)
            if not poll.poll(_KILL_S * 1000):
                return 128 + signal.SIGKILL
        finally:
            os.close(fd)
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
