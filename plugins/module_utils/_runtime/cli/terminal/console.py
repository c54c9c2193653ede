# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A conversation between the terminal or pipes of this process and a process in a container.

Bytes are copied as they are. Nothing is read from one side before the other has accepted the
previous data, so a slow side slows the other one and memory use stays small. The terminal is as it
was after every way out but SIGKILL.
"""

from __future__ import annotations

import contextlib
import os
import select
import signal
import termios
import time
from collections.abc import Collection, Iterator, Sequence
from typing import Callable, Optional, Protocol

from ...base.errors import Error
from ...container.engine.attachment import STDERR

#: What a pipe that is ready surely takes without waiting (PIPE_BUF, pipe(7)).
_SURE = 4096
PIECE = 8192

#: What leaves a container without ending it, as Docker has it: Ctrl-P Ctrl-Q.
DETACH_KEYS = "ctrl-p,ctrl-q"

#: Signals that are handed on to the container's process. What ends and stops a job of a shell is
#: not among them, nor is what says that our own window has changed.
PROXIED = ("HUP", "INT", "QUIT", "USR1", "USR2", "TERM", "ALRM")

#: How long output is still read once the process is gone, while others may hold the streams.
_LINGER_S = 0.1


class Streams(Protocol):
    """The other side."""

    #: A pidfd that tells the end where the end of output may never come; -1 for none.
    ended: int

    def outputs(self) -> Sequence[int]:
        """The descriptors that output may still come from."""

    def input(self) -> int:
        """The descriptor that takes input, -1 when none does any more."""

    def receive(self, fd: int) -> tuple[int, bytes]:
        """Output of one of them: its stream, and bytes, none at its end."""

    def send(self, data: bytes) -> int:
        """Give input; returns how many bytes were taken."""

    def end_input(self) -> None:
        """There is no more input."""

    def resize(self, height: int, width: int) -> None:
        """The window has this size."""


def detach_keys(text: str) -> bytes:
    """A sequence of keys as Docker writes it: ``ctrl-p,ctrl-q``, ``a,ctrl-@``. "" is not a key."""
    found = bytearray()
    for key in text.split(",") if text else ():
        control, dash, letter = key.partition("-")
        if control.lower() == "ctrl" and dash and len(letter) == 1 and "@" <= letter.upper() <= "_":
            found.append(ord(letter.upper()) & 0x1F)
        elif len(key) == 1 and key.isascii():
            found += key.encode("ascii")
        else:
            raise Error(
                f"detach keys: {key[:20]!r} is not a key",
                hint="use a single character, or ctrl- followed by a letter or one of @[\\]^_",
            )
    return bytes(found)


class Keys:
    """Finds the keys that detach in what is typed."""

    def __init__(self, keys: bytes) -> None:
        self._keys = keys
        self._held = b""

    def feed(self, data: bytes) -> tuple[bytes, bool]:
        """What of the input is to be handed on, and whether the keys were typed in it."""
        if not self._keys:
            return data, False
        whole = self._held + data
        position = whole.find(self._keys)
        if position >= 0:
            return whole[:position], True
        # The end of the input may be the beginning of the keys: it waits for the next one.
        for size in range(min(len(self._keys) - 1, len(whole)), 0, -1):
            if whole.endswith(self._keys[:size]):
                self._held = whole[-size:]
                return whole[:-size], False
        self._held = b""
        return whole, False


def window(fd: int) -> Optional[tuple[int, int]]:
    """The height and width of the terminal behind a descriptor; None where there is none."""
    try:
        size = os.get_terminal_size(fd)
    except OSError:
        return None
    return (size.lines, size.columns) if size.lines and size.columns else None


@contextlib.contextmanager
def raw(fd: int) -> Iterator[None]:
    """Have every key of a terminal handed on as it is typed, for the block (cfmakeraw(3))."""
    before = termios.tcgetattr(fd)
    changed = termios.tcgetattr(fd)
    changed[0] &= ~(
        termios.IGNBRK | termios.BRKINT | termios.PARMRK | termios.ISTRIP
        | termios.INLCR | termios.IGNCR | termios.ICRNL | termios.IXON
    )  # fmt: skip
    changed[1] &= ~termios.OPOST
    changed[2] = changed[2] & ~(termios.CSIZE | termios.PARENB) | termios.CS8
    changed[3] &= ~(termios.ECHO | termios.ECHONL | termios.ICANON | termios.ISIG | termios.IEXTEN)
    changed[6][termios.VMIN], changed[6][termios.VTIME] = 1, 0
    termios.tcsetattr(fd, termios.TCSADRAIN, changed)
    try:
        yield
    finally:
        with contextlib.suppress(termios.error):
            termios.tcsetattr(fd, termios.TCSADRAIN, before)


class Conversation:
    """One conversation, from ``with`` on: it owns the signal handlers and the terminal's mode.

    ``stdin``: our standard input is handed on. ``tty``: the other side has a terminal; ours, if it
    is one, goes raw. ``proxy`` is called with the number of each signal that comes for the other
    side. ``shown`` names the streams that are shown; others are read and dropped.
    """

    def __init__(
        self,
        *,
        stdin: bool,
        tty: bool,
        keys: bytes = b"",
        proxy: Optional[Callable[[int], None]] = None,
        shown: Collection[str] = ("stdout", "stderr"),
    ) -> None:
        self._stdin, self._tty, self._proxy = stdin, tty, proxy
        self._shown = {fd for fd, name in ((1, "stdout"), (2, "stderr")) if name in shown}
        self._keys = Keys(keys if tty else b"")
        self._stack = contextlib.ExitStack()
        self._wakeup = -1
        self._signals: list[int] = []

    def __enter__(self) -> Conversation:
        try:
            self._prepare()
        except BaseException:
            self._stack.close()
            raise
        return self

    def __exit__(self, *error: object) -> None:
        self.close()

    def close(self) -> None:
        """Give the terminal and the signals back."""
        self._stack.close()

    def _prepare(self) -> None:
        self._wakeup, write = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)
        self._stack.callback(os.close, self._wakeup)
        self._stack.callback(os.close, write)
        before = signal.set_wakeup_fd(write, warn_on_full_buffer=False)
        self._stack.callback(signal.set_wakeup_fd, before)
        for name in (*PROXIED, "WINCH"):
            number = signal.Signals[f"SIG{name}"]
            if name == "WINCH" or self._proxy is not None:
                self._handle(number, lambda number, frame: self._signals.append(number))
            elif name != "INT":
                # The default would end us without giving the terminal back.
                self._handle(number, _leave)
        if self._stdin and self._tty and os.isatty(0):
            self._stack.enter_context(raw(0))

    def _handle(self, number: int, handler: Callable[[int, object], None]) -> None:
        before = signal.signal(number, handler)
        self._stack.callback(signal.signal, number, before)

    def hold(self, streams: Streams) -> bool:
        """Move bytes until the other side has ended, or the keys that detach were typed: True."""
        if self._tty:
            self._resize(streams)
        if not self._stdin:
            pending_input: Optional[bytes] = None
        else:
            pending_input = b""
        out: list[tuple[int, bytes]] = []
        until: Optional[float] = None
        while True:
            outputs = streams.outputs()
            if not out and (not outputs or (until is not None and time.monotonic() > until)):
                return False
            ready = self._wait(streams, outputs, out, pending_input, until)
            if self._wakeup in ready:
                self._heed(streams)
            if streams.ended in ready and until is None:
                until = time.monotonic() + _LINGER_S
            if out:
                if out[0][0] in ready:
                    self._write(out)
            else:
                for fd in outputs:
                    if fd in ready:
                        self._receive(streams, fd, out)
            if pending_input:
                if streams.input() in ready:
                    pending_input = _send(streams, pending_input)
            elif pending_input is not None and 0 in ready:
                pending_input, detached = self._read(streams)
                if detached:
                    return True

    def _wait(
        self,
        streams: Streams,
        outputs: Sequence[int],
        out: list[tuple[int, bytes]],
        pending_input: Optional[bytes],
        until: Optional[float],
    ) -> set[int]:
        """The descriptors with which something can be done; poll(2), as it takes plain files."""
        poll = select.poll()
        wanted: dict[int, int] = {self._wakeup: select.POLLIN}
        if out:
            wanted[out[0][0]] = select.POLLOUT
        else:
            wanted |= dict.fromkeys(outputs, select.POLLIN)
        if streams.ended >= 0 and until is None:
            wanted[streams.ended] = select.POLLIN
        if pending_input and streams.input() >= 0:
            fd = streams.input()
            wanted[fd] = wanted.get(fd, 0) | select.POLLOUT
        elif pending_input == b"" and streams.input() >= 0:
            wanted[0] = wanted.get(0, 0) | select.POLLIN
        for fd, events in wanted.items():
            poll.register(fd, events)
        timeout = None if until is None else max(0.0, until - time.monotonic()) * 1000
        return {fd for fd, dummy in poll.poll(timeout)}

    def _heed(self, streams: Streams) -> None:
        with contextlib.suppress(BlockingIOError):
            os.read(self._wakeup, 512)
        while self._signals:
            number = self._signals.pop(0)
            if number == signal.SIGWINCH:
                if self._tty:
                    self._resize(streams)
            elif self._proxy is not None:
                self._proxy(number)

    def _resize(self, streams: Streams) -> None:
        size = window(0) or window(1)
        if size is not None:
            streams.resize(*size)

    def _receive(self, streams: Streams, fd: int, out: list[tuple[int, bytes]]) -> None:
        with contextlib.suppress(BlockingIOError):
            stream, data = streams.receive(fd)
            to = 2 if stream == STDERR else 1
            if data and to in self._shown:
                out.append((to, data))

    def _write(self, out: list[tuple[int, bytes]]) -> None:
        fd, data = out.pop(0)
        written = os.write(fd, data[:_SURE])
        if written < len(data):
            out.insert(0, (fd, data[written:]))

    def _read(self, streams: Streams) -> tuple[Optional[bytes], bool]:
        """What is typed, or None when there will be no more; and whether it says to detach."""
        try:
            data = os.read(0, PIECE)
        except OSError:
            # The terminal is gone, or standard input was closed before we began.
            data = b""
        if not data:
            streams.end_input()
            return None, False
        given, detached = self._keys.feed(data)
        if detached and given:
            _send(streams, given)
        return given, detached


def _send(streams: Streams, data: bytes) -> Optional[bytes]:
    """What is left of the input after some was taken; None when nobody takes it any more."""
    try:
        return data[streams.send(data) :]
    except BlockingIOError:
        return data
    except OSError:
        return None


def _leave(number: int, frame: object) -> None:
    raise SystemExit(128 + number)
