# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Waiting until files appear, go, or are replaced in directories, which costs nothing meanwhile."""

from __future__ import annotations

import contextlib
import os
import select
import time
from collections.abc import Iterable
from pathlib import Path

from . import linux

_MASK = linux.IN_MOVED_FROM | linux.IN_MOVED_TO | linux.IN_CREATE | linux.IN_DELETE
#: Longer than any one event: its 16 bytes and a name.
_READ = 64 << 10


class Changes:
    """The directories that are followed. Where the kernel follows no more of them, or none at all,
    wait() comes back after a short while in any case.
    """

    def __init__(self, often_s: float) -> None:
        """``often_s`` is how long wait() takes at most where it cannot be told, in seconds."""
        self._often_s = often_s
        self._followed: set[Path] = set()
        self._told = True
        try:
            self._fd = linux.inotify_init1(os.O_NONBLOCK | os.O_CLOEXEC)
        except OSError:
            self._fd, self._told = -1, False

    def __enter__(self) -> Changes:
        return self

    def __exit__(self, *error: object) -> None:
        if self._fd >= 0:
            os.close(self._fd)

    def follow(self, directories: Iterable[Path]) -> bool:
        """Follow these from now on, and no longer those that are not among them. Whether one is
        new: what happened in it before is not told.
        """
        wanted = set(directories)
        # The kernel forgets a directory by itself when it is removed.
        self._followed &= wanted
        new = False
        for path in wanted - self._followed if self._told else ():
            try:
                linux.inotify_add_watch(self._fd, path, _MASK | linux.IN_ONLYDIR)
            except FileNotFoundError:
                continue
            except OSError:
                self._told = False
                break
            self._followed.add(path)
            new = True
        return new

    def wait(self, timeout_s: float) -> bool:
        """Wait until something changed, or the time is over. Whether something may have."""
        if not self._told:
            time.sleep(min(timeout_s, self._often_s))
            return True
        poll = select.poll()
        poll.register(self._fd, select.POLLIN)
        if not poll.poll(max(0, round(timeout_s * 1000))):
            return False
        with contextlib.suppress(BlockingIOError):
            while os.read(self._fd, _READ):
                pass
        return True
