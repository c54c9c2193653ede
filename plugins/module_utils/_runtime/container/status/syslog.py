# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Sending what a container writes to syslog, in the forms of Docker's driver of that name.

The monitor writes a log file as for every other container, from which ``slipway logs`` reads; a
child of the watcher follows it and sends each line, and the hook of the exit sends what is left of
a container that was faster. ``syslog`` in the container's directory is locked by whoever sends, and
holds the time of the last line that was sent, in seconds since the epoch.
"""

from __future__ import annotations

import fcntl
import os
import socket
import time
from collections.abc import Iterator
from typing import Optional

from ...base import clock
from ...base.layout import Layout
from ...records import container_record
from ..engine.conmon_files import LogEntry
from ..option.logging import Syslog, logging
from . import logs

#: Priorities of syslog(3) by stream, as Docker has them: informational and error.
_SEVERITIES = {"stdout": 6, "stderr": 3}
#: A longer line is sent in pieces, as Docker does. Bytes.
_PIECE = 16384
#: How long a socket that takes nothing is waited for, and when it is tried again. Seconds.
_TIMEOUT_S = 5.0
_AGAIN_S = 1.0


def forward(layout: Layout, container_id: str, follow: bool) -> None:
    """Send what was not sent yet; with ``follow`` until the container has ended. Does nothing while
    somebody else sends.

    While the socket is not there lines are kept, and sent once it is, at the latest by the next
    start.
    """
    spec = container_record.read_spec(layout, container_id)
    kept = logging(spec)
    if kept.syslog is None:
        return
    record = container_record.read_record(layout, container_id)
    held = os.open(layout.container(container_id) / "syslog", os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
        tag = f"{kept.tagged(record.id)}[{record.pid or os.getpid()}]"
        _send_all(layout, container_id, held, kept.syslog, tag, follow)
    except BlockingIOError:
        return
    finally:
        os.close(held)


def _send_all(
    layout: Layout, container_id: str, held: int, where: Syslog, tag: str, follow: bool
) -> None:
    sent = float(os.pread(held, 64, 0) or b"0")
    link = _Link(where)
    for entry in logs.entries(layout, container_id, follow=follow):
        at = clock.seconds(entry.time) or 0.0
        if at <= sent:
            continue
        for message in messages(entry, where, tag):
            while not link.send(message):
                if not follow or not logs.goes_on(layout, container_id):
                    return
                time.sleep(_AGAIN_S)
        text = f"{at!r:<32}".encode()
        os.pwrite(held, text, 0)


def messages(entry: LogEntry, where: Syslog, tag: str) -> Iterator[bytes]:
    """A line as syslog takes it, in as many pieces as it needs. Pure, but for the host's name."""
    priority = where.facility * 8 + _SEVERITIES[entry.stream]
    seconds = clock.seconds(entry.time) or 0.0
    name, host = tag.rpartition("[")[0], socket.gethostname()
    if where.form.startswith("rfc5424"):
        moment = entry.time if where.form == "rfc5424micro" else clock.text(int(seconds) * 10**9)
        head = f"<{priority}>1 {moment} {host} {name} {tag.rpartition('[')[2][:-1]} {name} - "
    else:
        moment = time.strftime("%b %e %H:%M:%S", time.localtime(seconds))
        middle = f"{host} " if where.form == "rfc3164" else ""
        head = f"<{priority}>{moment} {middle}{tag}: "
    data = entry.data.rstrip(b"\n")
    for start in range(0, len(data) or 1, _PIECE):
        yield head.encode() + data[start : start + _PIECE]


class _Link:
    """A socket of syslog, made again when it breaks."""

    def __init__(self, where: Syslog) -> None:
        self._where = where
        self._socket: Optional[socket.socket] = None

    def send(self, message: bytes) -> bool:
        """Whether it was taken; tried on a fresh socket once more."""
        for dummy in range(2):
            try:
                if self._socket is None:
                    self._socket = self._connected()
                self._socket.send(message)
                return True
            except OSError:
                if self._socket is not None:
                    self._socket.close()
                self._socket = None
        return False

    def _connected(self) -> socket.socket:
        family, address = self._where.endpoint
        made = socket.socket(family, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC)
        try:
            made.settimeout(_TIMEOUT_S)
            made.connect(address)
        except OSError:
            made.close()
            raise
        return made
