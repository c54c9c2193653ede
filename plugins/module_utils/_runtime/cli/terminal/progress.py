# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a build says, on a terminal or in lines.

On a terminal the output of a command is shown in its last lines only, and is gone once the step is
done; without one every line stays.
"""

from __future__ import annotations

import os
import sys
import threading
from collections import deque
from typing import TextIO

_HEIGHT = 8
_DIM, _PLAIN = "\x1b[2m", "\x1b[0m"


class Progress:
    """The lines of one build. ``kind`` is auto, plain, tty or quiet."""

    def __init__(self, out: TextIO, kind: str) -> None:
        self._out = out
        self._quiet = kind == "quiet"
        self._live = kind == "tty" or (kind == "auto" and out.isatty())
        self._window: deque[str] = deque(maxlen=_HEIGHT)
        self._drawn = 0
        self._lock = threading.Lock()

    def line(self, text: str) -> None:
        """One line that the build says."""
        if self._quiet:
            return
        with self._lock:
            if not self._live:
                self._out.write(f"{text}\n")
            elif "] | " in text:
                self._window.append(text)
                self._erase()
                self._draw()
            else:
                self._erase()
                self._window.clear()
                self._out.write(f"{text}\n")
            self._out.flush()

    def close(self) -> None:
        with self._lock:
            self._erase()
            self._out.flush()

    def _draw(self) -> None:
        width = _width()
        for text in self._window:
            self._out.write(f"{_DIM}{text[: width - 1]}{_PLAIN}\n")
        self._drawn = len(self._window)

    def _erase(self) -> None:
        if self._drawn:
            self._out.write(f"\x1b[{self._drawn}A\x1b[J")
            self._drawn = 0


def _width() -> int:
    try:
        return max(20, os.get_terminal_size(sys.stderr.fileno()).columns)
    except OSError:
        return 80
