# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a build says while it runs: one line for each step, cached or with its seconds, and the
output of its commands as it comes.
"""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable
from typing import Optional

from ..plan.plan import Host

#: Lines of a command that an error repeats, and characters of each.
_LAST, _WIDTH = 12, 500
#: A line that does not end is shown in pieces. Bytes.
_LONGEST = 1 << 16


class Log:
    """The lines of one build, for whoever watches ``host``. Stages that are built side by side
    write to it at the same time.
    """

    def __init__(self, host: Host) -> None:
        self._host = host
        self._lock = threading.Lock()
        self.ran = 0
        self.cached = 0

    def say(self, text: str) -> None:
        with self._lock:
            self._host.tell(text)

    def step(self, where: str, text: str) -> Step:
        return Step(self, where, text)


class Step:
    """One step under way. ``where`` is such as ``build 2/5``."""

    def __init__(self, log: Log, where: str, text: str) -> None:
        self._log = log
        self._where = where
        self._text = _printable(" ".join(text.split()))[:200]
        self._begun = time.monotonic()
        self._part = b""
        self._last: deque[str] = deque(maxlen=_LAST)

    def cached(self) -> None:
        self._log.cached += 1
        self._log.say(f"[{self._where}] CACHED {self._text}")

    def noted(self) -> None:
        """It changed defaults alone."""
        self._log.say(f"[{self._where}] {self._text}")

    def begin(self) -> Callable[[bytes], None]:
        """It runs; returns what is told its output."""
        self._log.ran += 1
        self._log.say(f"[{self._where}] {self._text}")
        return self._output

    def done(self) -> None:
        self._flush()
        seconds = time.monotonic() - self._begun
        self._log.say(f"[{self._where}] DONE {seconds:.1f}s")

    def last(self) -> Optional[str]:
        """The last lines that a command wrote, for an error."""
        self._flush()
        return "\n".join(self._last) if self._last else None

    def _output(self, data: bytes) -> None:
        *lines, self._part = (self._part + data).split(b"\n")
        for line in lines:
            self._line(line)
        if len(self._part) > _LONGEST:
            self._flush()

    def _flush(self) -> None:
        if self._part:
            self._line(self._part)
            self._part = b""

    def _line(self, line: bytes) -> None:
        # What overwrites itself, as a progress bar does, shows as it ended.
        text = line.rstrip(b"\r").rpartition(b"\r")[2].decode("utf-8", "replace")
        shown = _printable(text)
        self._last.append(shown[:_WIDTH])
        self._log.say(f"[{self._where}] | {shown}")


def _printable(text: str) -> str:
    """Without what a terminal would take for a command."""
    return "".join(char if char.isprintable() or char == "\t" else " " for char in text)
