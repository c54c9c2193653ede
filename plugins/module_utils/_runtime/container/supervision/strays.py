# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Watchers whose fifo somebody removed, such as by wiping /run: nobody can tell them anything."""

from __future__ import annotations

import contextlib
import os
import signal

from ...base.layout import Layout
from .watcher import fifo_path


def end(layout: Layout) -> None:
    """End them. Called by their successor, so nothing that starts a container waits for it."""
    for pid in map(int, filter(str.isdecimal, os.listdir("/proc"))):
        if pid != os.getpid() and _is_stray(layout, pid):
            with contextlib.suppress(OSError):
                fd = os.pidfd_open(pid)
                try:
                    # Asked again: the pid cannot have gone to another process since.
                    if _is_stray(layout, pid):
                        signal.pidfd_send_signal(fd, signal.SIGKILL)
                finally:
                    os.close(fd)


def _is_stray(layout: Layout, pid: int) -> bool:
    gone = f"{fifo_path(layout)} (deleted)"
    try:
        with open(f"/proc/{pid}/cmdline", "rb") as file:
            if b"\0supervise\0watch\0" not in file.read():
                return False
        return any(
            os.readlink(f"/proc/{pid}/fd/{fd}") == gone for fd in os.listdir(f"/proc/{pid}/fd")
        )
    except OSError:
        return False
