# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The last lines of a terminal, drawn anew while something is under way; what is written stays
above them.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Sequence
from typing import Callable, Optional, TextIO

_DIM, _PLAIN = "\x1b[2m", "\x1b[0m"
#: A line that is too wide is cut by the terminal, which knows how wide its characters are.
_CUT, _WRAP = "\x1b[?7l", "\x1b[?7h"
#: How often the lines are drawn, whatever happens.
_TICK_S = 0.25


def capable(out: TextIO) -> bool:
    """Whether it is a terminal on which lines can be drawn anew (terminfo calls others dumb)."""
    return out.isatty() and os.environ.get("TERM", "") not in ("", "dumb")


class Live:
    """The lines at the end of a terminal. Not for threads: who uses it holds ``lock``."""

    def __init__(self, out: TextIO, lines: Callable[[int], Sequence[str]]) -> None:
        """``lines(width)`` says what is under way, in that many columns."""
        self._out = out
        self._lines = lines
        self._drawn = 0
        self._wide = 0
        #: https://no-color.org: any value but the empty one.
        self._dim = ("", "") if os.environ.get("NO_COLOR") else (_DIM, _PLAIN)
        self.lock = threading.Lock()
        self._closed = threading.Event()
        self._ticker: Optional[threading.Thread] = None

    def begin(self) -> None:
        """Draw every quarter of a second from now on."""
        if self._ticker is None:
            self._ticker = threading.Thread(target=self._tick, daemon=True)
            self._ticker.start()

    def close(self) -> None:
        self._closed.set()
        if self._ticker is not None:
            self._ticker.join()
        with self.lock:
            self.erase()
            self._out.flush()

    def write(self, *texts: str) -> None:
        """Lines that stay, and below them what is under way now."""
        self.erase()
        for text in texts:
            self._out.write(f"{text}\n")
        self.draw()
        self._out.flush()

    def _tick(self) -> None:
        while not self._closed.wait(_TICK_S):
            with self.lock:
                self.write()

    def draw(self) -> None:
        size = _size(self._out)
        # More than the terminal has would scroll away, and could not be erased.
        lines = list(self._lines(size.columns))[-max(1, size.lines - 1) :]
        before, after = self._dim
        for text in lines:
            self._out.write(f"{_CUT}{before}{text}{after}{_WRAP}\n")
        self._drawn = len(lines)
        self._wide = min(size.columns, max(map(len, lines), default=0))

    def erase(self) -> None:
        # A terminal that became narrower may have wrapped its lines, and nobody knows how many
        # there are now: they stay, so that nothing above is erased.
        if self._drawn and self._wide <= _size(self._out).columns:
            self._out.write(f"\x1b[{self._drawn}A\x1b[J")
        self._drawn = 0


def _size(out: TextIO) -> os.terminal_size:
    try:
        found = os.get_terminal_size(out.fileno())
    except OSError:
        found = os.terminal_size((0, 0))
    return os.terminal_size((found.columns or 80, found.lines or 24))
