# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What long work says, on a terminal or in lines.

On a terminal each layer has a bar while it is under way, and the output of a build's commands is
shown in its last lines only, with the seconds of each step; all of that is gone once it is done.
Without a terminal there are the lines that Docker prints there.
"""

from __future__ import annotations

import contextlib
import re
import sys
import threading
import time
from collections import deque
from collections.abc import Iterator
from typing import Callable, Optional, TextIO

from ...base import progress
from ...base.regex import regex
from ...plan.plan import Host
from ...text.progress_lines import Thing
from .live import Live, capable

_HEIGHT = 8
#: From when on the seconds of a step are shown.
_SOON_S = 1.0
#: A line of a step: its stage and place there, and what it says.
_STEP = regex(r"\A\[(.*) (\d+/\d+)\] (.*)\Z", re.DOTALL)


@contextlib.contextmanager
def shown(
    host: Host, quiet: bool = False, tell: Optional[Callable[[str], object]] = None
) -> Iterator[None]:
    """Show how far the work of the block is: bars where standard error is a terminal, and lines by
    ``tell`` where it is not.
    """
    if quiet:
        yield
        return
    if not capable(sys.stderr):
        host.watch = Lines(tell).note if tell is not None else None
        try:
            yield
        finally:
            host.watch = None
        return
    made = Progress(sys.stderr, "tty")
    host.watch = made.note
    try:
        yield
    finally:
        host.watch = None
        made.close()


class Lines:
    """A line for each step of each layer, as docker pull prints them without a terminal."""

    def __init__(self, tell: Callable[[str], object]) -> None:
        self._tell = tell
        self._lock = threading.Lock()

    def note(self, thing: str, status: str, done: int, total: int) -> None:
        if not done:
            with self._lock:
                self._tell(f"{thing}: {status}")


class Progress:
    """What one build or transfer says. ``kind`` is auto, plain, tty or quiet."""

    def __init__(self, out: TextIO, kind: str) -> None:
        self._out = out
        self._quiet = kind == "quiet"
        self._window: deque[tuple[str, str]] = deque(maxlen=_HEIGHT)
        #: The step that each stage is at, and when it began.
        self._steps: dict[str, tuple[str, float]] = {}
        #: What is copied, by its name.
        self._things: dict[str, Thing] = {}
        self._lock = threading.Lock()
        live = kind == "tty" or (kind == "auto" and capable(out))
        self._live = Live(out, self._lines) if live else None

    def line(self, text: str) -> None:
        """One line that the build says."""
        if self._quiet:
            return
        if self._live is None:
            with self._lock:
                self._out.write(f"{text}\n")
                self._out.flush()
            return
        with self._live.lock:
            found = _STEP.match(text)
            if found is not None and found[3].startswith("| "):
                self._window.append((found[1], text))
                self._live.write()
                return
            if found is not None:
                self._follow(found[1], text, found[3])
            self._live.write(text)

    def note(self, thing: str, status: str, done: int, total: int) -> None:
        """How far something is. What is done with stays, as a line above what is not."""
        if self._live is None:
            return
        found = self._things.get(thing)
        if done and found is not None and found.status == status:
            # Drawn at the next tick; a number needs no lock.
            found.done = done
            return
        with self._live.lock:
            self._things[thing] = Thing(thing, status, done, total)
            if not progress.ends(status):
                self._live.begin()
                return
            del self._things[thing]
            if thing:
                self._live.write(f"{thing}: {status}")

    def close(self) -> None:
        if self._live is not None:
            self._live.close()

    def _follow(self, stage: str, text: str, said: str) -> None:
        if said.startswith(("DONE ", "CACHED ")):
            self._steps.pop(stage, None)
            kept = [one for one in self._window if one[0] != stage]
            self._window = deque(kept, maxlen=_HEIGHT)
            return
        self._steps[stage] = (text.partition("] ")[0] + "]", time.monotonic())
        if self._live is not None:
            self._live.begin()

    def _lines(self, width: int) -> list[str]:
        now = time.monotonic()
        lines = [text for dummy, text in self._window]
        for where, begun in self._steps.values():
            if now - begun >= _SOON_S:
                lines.append(f"{where} {now - begun:.0f}s")
        # What moves is last, where it is seen even if there are more than the terminal has.
        for one in sorted(self._things.values(), key=lambda one: one.done > 0):
            one.sample(now)
            lines.append(one.line(width))
        return lines
