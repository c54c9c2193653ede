# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether the watcher is running; watcher_process.py is the watcher itself.

Every task and every command asks, so this imports none of what a check needs.
"""

from __future__ import annotations

import contextlib
import errno
import os
from pathlib import Path
from typing import TYPE_CHECKING, Optional

from ...base.layout import Layout

if TYPE_CHECKING:
    from ...records.container_record import Record


def needed(run: Record) -> bool:
    """Whether a run has something that a watcher does."""
    return run.watched or run.log_bytes > 0 or any(p.proxied for p in run.publications)


def poke(layout: Layout) -> bool:
    """Tell the watcher that something has changed; False when there is none."""
    fd = _reach(layout)
    if fd is None:
        return False
    try:
        # A full fifo has told it already.
        with contextlib.suppress(BlockingIOError):
            os.write(fd, b".")
    finally:
        os.close(fd)
    return True


def listens(layout: Layout) -> bool:
    """Whether there is a watcher."""
    fd = _reach(layout)
    if fd is None:
        return False
    os.close(fd)
    return True


def _reach(layout: Layout) -> Optional[int]:
    """The writing end of the watcher's fifo; None unless somebody has the other end open."""
    try:
        return os.open(fifo_path(layout), os.O_WRONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError as exc:
        if exc.errno in (errno.ENOENT, errno.ENXIO):
            return None
        raise


def lost(layout: Layout) -> bool:
    """Whether a watcher was killed, and nobody has taken its place."""
    return fifo_path(layout).exists() and not listens(layout)


def fifo_path(layout: Layout) -> Path:
    """Where the watcher listens; it is there from before the watcher is until after it."""
    return layout.run / "watch.fifo"
