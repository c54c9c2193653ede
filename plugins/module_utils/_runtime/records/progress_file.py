# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How far a task is, in a file for its action plugin on the controller, which looks now and then.

``/run/slipway/progress/progress-PID-TOKEN`` is one line of JSON: ``line``, what a build said last,
and ``things``, of each its name, its status, and how many bytes are done of how many. It is made
when there is something to say, and removed at the task's end; what a killed task leaves goes with
the next one, as everything whose name has the pid of a process that is gone.
"""

from __future__ import annotations

import contextlib
import json
import os
import threading
from pathlib import Path
from typing import Any, Optional

from ..base import files
from ..base.layout import Layout

#: How often it is written at most; who looks does so less often. Seconds.
_EVERY_S = 0.2


class ProgressFile:
    """The file of one task, known to the controller by ``token``: letters and digits."""

    def __init__(self, layout: Layout, token: str) -> None:
        self._path = layout.run_progress / f"progress-{os.getpid()}-{token}"
        self._things: dict[str, tuple[str, int, int]] = {}
        self._line = ""
        self._changed = False
        self._lock = threading.Lock()
        self._closed = threading.Event()
        self._writer: Optional[threading.Thread] = None

    def note(self, thing: str, status: str, done: int, total: int) -> None:
        """Host.watch: how far something is."""
        with self._lock:
            known = self._things.get(thing)
            self._things[thing] = (status, done, total or (known[2] if known else 0))
            self._begin()

    def line(self, text: str) -> None:
        """Host.progress: a line of a build."""
        with self._lock:
            self._line = text
            self._begin()

    def close(self) -> None:
        self._closed.set()
        if self._writer is not None:
            self._writer.join()
        with contextlib.suppress(FileNotFoundError):
            self._path.unlink()

    def _begin(self) -> None:
        self._changed = True
        if self._writer is None:
            self._writer = threading.Thread(target=self._write, daemon=True)
            self._writer.start()

    def _write(self) -> None:
        files.make_private(self._path.parent)
        while not self._closed.wait(_EVERY_S):
            with self._lock:
                changed, self._changed = self._changed, False
                things = [[thing, *about] for thing, about in self._things.items()]
                data: dict[str, Any] = {"line": self._line, "things": things}
            if changed:
                files.write_atomic(self._path, json.dumps(data).encode(), durable=False)


def pattern(token: str) -> Path:
    """Where the file of a task is, for a shell to expand."""
    return Layout.default().run_progress / f"progress-*-{token}"
