# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The streams of a running container, through the socket conmon keeps for whoever attaches.

``attach`` in the bundle is a unix socket of packets (conmon, conn_sock.c). What the container
writes comes in packets whose first byte says to which stream; what is sent is its standard input.
conmon reads at most 32 KiB of a packet and drops the rest; an empty packet is the end of input. If
a client does not read, nobody else does: the container blocks when the buffers are full, as with
Docker.

``ctl`` is a fifo; the line ``1 HEIGHT WIDTH`` sets the size of the container's terminal.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import termios
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Optional

from ...base.errors import Error

#: The first byte of a packet (conmon, enum stdpipe_t).
STDOUT, STDERR = 2, 3

#: The numbers of pseudo-terminals (devices.txt of the kernel: UNIX98_PTY_SLAVE).
_PTS = range(136, 144)

#: How long conmon may take to set the size of a terminal. Seconds.
_DONE_S = 2.0

#: What conmon sends at most, and what it is sent at most. Bytes.
PACKET = 8192


class Attachment:
    """A connection to one container's streams. Owns the socket; close() or ``with`` gives it
    back.
    """

    def __init__(self, bundle: Path) -> None:
        """Raises Error when nobody is there to attach to."""
        import socket  # An exec wants the constants above and no more.

        self._bundle = bundle
        self._at_end = self._input_ended = False
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET | socket.SOCK_CLOEXEC)
        try:
            # The path of a socket has 107 bytes (unix(7)); that of its directory has no such limit.
            directory = os.open(bundle, os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
            try:
                self._socket.connect(f"/proc/self/fd/{directory}/attach")
            finally:
                os.close(directory)
        except OSError as exc:
            self._socket.close()
            raise Error(f"cannot connect to the container's streams: {exc.strerror}") from exc
        self._socket.setblocking(False)

    def __enter__(self) -> Attachment:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()

    def close(self) -> None:
        self._socket.close()

    #: The end of the output is the end of the container, or of its monitor.
    ended = -1

    def outputs(self) -> Sequence[int]:
        """The descriptor to read from; none after the end."""
        return () if self._at_end else (self._socket.fileno(),)

    def input(self) -> int:
        """The descriptor to write to; -1 once input has ended."""
        return -1 if self._at_end or self._input_ended else self._socket.fileno()

    def receive(self, fd: int) -> tuple[int, bytes]:
        """The next piece of output: its stream, and its bytes, which are empty at the end.

        Raises BlockingIOError when there is none yet.
        """
        try:
            packet = self._socket.recv(PACKET + 1)
        except ConnectionError:
            packet = b""
        self._at_end = not packet
        return (packet[0], packet[1:]) if packet else (STDOUT, b"")

    def send(self, data: bytes) -> int:
        """Give input to the container; returns how many bytes were taken.

        Raises BlockingIOError while it takes no more, and BrokenPipeError when it is gone.
        """
        return self._socket.send(data[:PACKET]) if data else 0

    def end_input(self) -> None:
        """The container reads no more input than it was sent; a terminal is left open."""
        self._input_ended = True
        with contextlib.suppress(OSError):
            self._socket.shutdown(1)  # SHUT_WR, shutdown(2)

    def resize(self, height: int, width: int) -> None:
        resize(self._bundle, height, width)


def resize(bundle: Path, height: int, width: int) -> None:
    """Set the size of a container's terminal, in characters; nothing happens when it has ended.

    Returns when it has that size. Of several lines that conmon (2.1.6) reads at once it does the
    first as often as there are lines, so it is given the next one when it has done this one.
    """
    with contextlib.suppress(OSError):
        fd = os.open(bundle / "ctl", os.O_WRONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        try:
            os.write(fd, b"1 %d %d\n" % (height, width))
            deadline = time.monotonic() + _DONE_S
            while not _is_done(bundle, fd, height, width) and time.monotonic() < deadline:
                time.sleep(0.001)
        finally:
            os.close(fd)


def _is_done(bundle: Path, fd: int, height: int, width: int) -> bool:
    """Whether the terminal has this size, or, where it cannot be seen, the fifo was read."""
    size = _terminal_size(bundle)
    if size is None:
        return fcntl.ioctl(fd, termios.FIONREAD, bytes(4)) == bytes(4)
    return (size.lines, size.columns) == (height, width)


def _terminal_size(bundle: Path) -> Optional[os.terminal_size]:
    """The size of the terminal that the container's first process has; None when it has none."""
    pid = (bundle / "pid").read_text("ascii").strip()
    for number in range(3):
        path = f"/proc/{pid}/fd/{number}"
        with contextlib.suppress(OSError):
            # Nothing else may be opened: to open a device can be to use it.
            if os.major(os.stat(path).st_rdev) in _PTS:
                terminal = os.open(path, os.O_RDONLY | os.O_NOCTTY | os.O_NONBLOCK | os.O_CLOEXEC)
                try:
                    return os.get_terminal_size(terminal)
                finally:
                    os.close(terminal)
    return None
