# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A person at a terminal: a program with a pseudo-terminal of its own, typed at and looked at."""

from __future__ import annotations

import contextlib
import fcntl
import os
import pty
import select
import signal
import struct
import termios
import time
from collections.abc import Iterator, Sequence
from typing import Any


class Screen:
    """A running program and what it has shown so far."""

    def __init__(self, argv: Sequence[str], rows: int = 24, columns: int = 80) -> None:
        # The size has to be there before the program looks, so the child waits for it.
        waiting, go = os.pipe()
        self.pid, self.fd = pty.fork()
        if self.pid == 0:
            os.close(go)
            os.read(waiting, 1)
            os.execv(argv[0], list(argv))
        os.close(waiting)
        self.shown = b""
        self.resize(rows, columns)
        self.mode = termios.tcgetattr(self.fd)
        os.close(go)

    def resize(self, rows: int, columns: int) -> None:
        fcntl.ioctl(self.fd, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))

    def type(self, text: bytes) -> None:
        os.write(self.fd, text)

    def expect(self, wanted: bytes, timeout_s: float = 60.0) -> bytes:
        """Wait until something is shown; it and what stands before it count as seen."""
        deadline = time.monotonic() + timeout_s
        while wanted not in self.shown:
            if not self._read(deadline):
                raise AssertionError(f"{wanted!r} was not shown, but {self.shown!r}")
        seen, dummy, self.shown = self.shown.partition(wanted)
        return seen + wanted

    def end(self, timeout_s: float = 60.0) -> int:
        """Wait for the program to end. Returns its exit status, negative for a signal."""
        deadline = time.monotonic() + timeout_s
        while self._read(deadline):
            pass
        while time.monotonic() < deadline:
            pid, status = os.waitpid(self.pid, os.WNOHANG)
            if pid:
                self.pid = 0
                return os.waitstatus_to_exitcode(status)
            time.sleep(0.005)
        raise AssertionError(f"it did not end; it showed {self.shown!r}")

    def restored(self) -> bool:
        """Whether the terminal has the mode it began with."""
        now: list[Any] = termios.tcgetattr(self.fd)
        return now == self.mode

    def changed(self) -> bool:
        return not self.restored()

    def _read(self, deadline: float) -> bool:
        ready = select.select([self.fd], [], [], max(0.0, deadline - time.monotonic()))[0]
        try:
            part = os.read(self.fd, 1 << 16) if ready else b""
        except OSError:
            # Linux says EIO when the last program has closed the terminal.
            part = b""
        self.shown += part
        return bool(part)

    def close(self) -> None:
        if self.pid:
            os.kill(self.pid, signal.SIGKILL)
            os.waitpid(self.pid, 0)
        os.close(self.fd)


@contextlib.contextmanager
def screen(argv: Sequence[str], rows: int = 24, columns: int = 80) -> Iterator[Screen]:
    made = Screen(argv, rows, columns)
    try:
        yield made
    finally:
        made.close()
