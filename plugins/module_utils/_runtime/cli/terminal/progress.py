# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a build says, on a terminal or in lines.

On a terminal the output of commands is shown in its last lines only, with the seconds of each step
that is under way, and is gone once the step is done; without one every line stays.
"""

from __future__ import annotations

import os
import re
import threading
import time
from collections import deque
from typing import Optional, TextIO

from ...base.regex import regex

_HEIGHT = 8
_DIM, _PLAIN = "\x1b[2m", "\x1b[0m"
#: A line that is too wide is cut by the terminal, which knows how wide its characters are.
_CUT, _WRAP = "\x1b[?7l", "\x1b[?7h"
#: How often the seconds are counted on, and from when on they are shown.
_TICK_S, _SOON_S = 0.25, 1.0
#: A line of a step: its stage and place there, and what it says.
_STEP = regex(r"\A\[(.*) (\d+/\d+)\] (.*)\Z", re.DOTALL)


class Progress:
    """The lines of one build. ``kind`` is auto, plain, tty or quiet."""

    def __init__(self, out: TextIO, kind: str) -> None:
        self._out = out
        self._quiet = kind == "quiet"
        self._live = kind == "tty" or (kind == "auto" and out.isatty())
        self._window: deque[tuple[str, str]] = deque(maxlen=_HEIGHT)
        #: The step that each stage is at, and when it began.
        self._steps: dict[str, tuple[str, float]] = {}
        self._drawn = 0
        self._lock = threading.Lock()
        self._closed = threading.Event()
        self._ticker: Optional[threading.Thread] = None

    def line(self, text: str) -> None:
        """One line that the build says."""
        if self._quiet:
            return
        with self._lock:
            if self._live:
                self._show(text)
            else:
                self._out.write(f"{text}\n")
            self._out.flush()

    def close(self) -> None:
        self._closed.set()
        if self._ticker is not None:
            self._ticker.join()
        with self._lock:
            self._erase()
            self._out.flush()

    def _show(self, text: str) -> None:
        """A line on a terminal: below what stays, or to stay itself."""
        found = _STEP.match(text)
        self._erase()
        if found is not None and found[3].startswith("| "):
            self._window.append((found[1], text))
        else:
            self._out.write(f"{text}\n")
            if found is not None:
                self._follow(found[1], text, found[3])
        self._draw()

    def _follow(self, stage: str, text: str, said: str) -> None:
        if said.startswith(("DONE ", "CACHED ")):
            self._steps.pop(stage, None)
            kept = [one for one in self._window if one[0] != stage]
            self._window = deque(kept, maxlen=_HEIGHT)
            return
        self._steps[stage] = (text.partition("] ")[0] + "]", time.monotonic())
        if self._ticker is None:
            self._ticker = threading.Thread(target=self._tick, daemon=True)
            self._ticker.start()

    def _tick(self) -> None:
        while not self._closed.wait(_TICK_S):
            with self._lock:
                self._erase()
                self._draw()
                self._out.flush()

    def _draw(self) -> None:
        now = time.monotonic()
        lines = [text for dummy, text in self._window]
        for where, begun in self._steps.values():
            if now - begun >= _SOON_S:
                lines.append(f"{where} {now - begun:.0f}s")
        # More than the terminal has would scroll away, and could not be erased.
        lines = lines[-max(1, _rows(self._out) - 1) :]
        for text in lines:
            self._out.write(f"{_CUT}{_DIM}{text}{_PLAIN}{_WRAP}\n")
        self._drawn = len(lines)

    def _erase(self) -> None:
        if self._drawn:
            self._out.write(f"\x1b[{self._drawn}A\x1b[J")
            self._drawn = 0


def _rows(out: TextIO) -> int:
    try:
        return os.get_terminal_size(out.fileno()).lines or 24
    except OSError:
        return 24
