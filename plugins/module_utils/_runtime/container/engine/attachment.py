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
import os
from collections.abc import Sequence
from pathlib import Path

from ...base.errors import Error

#: The first byte of a packet (conmon, enum stdpipe_t).
STDOUT, STDERR = 2, 3

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
    """Set the size of a container's terminal, in characters; nothing happens when it has ended."""
    with contextlib.suppress(OSError):
        fd = os.open(bundle / "ctl", os.O_WRONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        try:
            os.write(fd, b"1 %d %d\n" % (height, width))
        finally:
            os.close(fd)
