# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How far long work is, as people read it: bars, rates, the time that is left. Pure: who asks says
what time it is.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Collection
from typing import Optional

from ..base import progress
from ..base.frozen import changing, field
from .table import size

#: A rate is that of the last few seconds, and unknown before this much of them. Seconds.
_WINDOW_S, _SOON_S = 5.0, 0.5
#: A bar as long as Docker's, and the shortest that is worth its place. Characters.
_LONGEST, _SHORTEST = 50, 8


@changing
class Thing:
    """What is under way: ``done`` bytes of ``total``, 0 where nobody knows."""

    name: str
    status: str
    done: int = 0
    total: int = 0
    #: How much was done at some time, the oldest first.
    _samples: deque[tuple[float, int]] = field(default_factory=deque)

    def sample(self, now: float) -> None:
        """Note how much is done now."""
        if self._samples and self._samples[-1][1] > self.done:
            # It began anew.
            self._samples.clear()
        self._samples.append((now, self.done))
        while now - self._samples[0][0] > _WINDOW_S and len(self._samples) > 2:
            self._samples.popleft()

    def rate(self) -> float:
        """Bytes a second; 0 while that is not known."""
        if not self._samples:
            return 0.0
        (begun, before), (now, done) = self._samples[0], self._samples[-1]
        return (done - before) / (now - begun) if now - begun >= _SOON_S else 0.0

    def line(self, width: int) -> str:
        """What fits into ``width`` characters of it, without a bar where there is no room."""
        head = f"{self.name}: {self.status}" if self.name else self.status
        if not self.done and not self.total:
            return head[:width]
        figures = [f"{size(self.done)}/{size(self.total)}" if self.total else size(self.done)]
        rate = self.rate()
        if rate:
            figures.append(f"{size(rate)}/s")
            left = self.total - self.done
            if left > 0:
                figures.append(span(left / rate))
        while len(figures) > 1 and len(head) + 2 + len("  ".join(figures)) > width:
            figures.pop()
        tail = "  ".join(figures)
        room = min(_LONGEST, width - len(head) - len(tail) - 5)
        if self.total and room >= _SHORTEST:
            return f"{head} [{bar_of(self.done, self.total, room)}]  {tail}"
        return f"{head}  {tail}"[:width]


def bar_of(done: int, total: int, width: int) -> str:
    """``===>      ``, as Docker draws it."""
    full = min(width, width * done // total)
    return ("=" * (full - 1) + ">" if full else "").ljust(width)


def span(seconds: float) -> str:
    """How long something takes still: ``9s``, ``2m05s``, ``1h02m``."""
    whole = int(seconds + 0.5)
    if whole < 60:
        return f"{whole}s"
    if whole < 3600:
        return f"{whole // 60}m{whole % 60:02}s"
    return f"{whole // 3600}h{whole % 3600 // 60:02}m"


def summary(things: Collection[Thing], before: Optional[tuple[float, int]], now: float) -> str:
    """All that is under way on one line; "" when there is nothing to say. ``before`` is when there
    was such a line, and what amount() was then.
    """
    moving = [one for one in things if one.done and not progress.ends(one.status)]
    if not moving:
        return ""
    done, total = amount(things)
    phases = [one for one in moving if not progress.fetched(one.status)] or moving
    parts = [phases[0].status]
    if total:
        parts.append(f"{size(done)} of {size(total)} ({100 * done // total}%)")
    else:
        parts.append(size(done))
    if len(things) > 1:
        parts.append(f"{sum(progress.ends(one.status) for one in things)} of {len(things)} layers")
    if before is not None and now > before[0] and done > before[1]:
        rate = (done - before[1]) / (now - before[0])
        parts.append(f"{size(rate)}/s")
        if total > done:
            parts.append(f"{span((total - done) / rate)} left")
    return ", ".join(parts)


def amount(things: Collection[Thing]) -> tuple[int, int]:
    """How many bytes are done of how many: of what is fetched, and once all of it is, of what is
    unpacked.
    """
    # A total of which not all is known is none.
    total = sum(one.total for one in things)
    if any(one.done and not one.total for one in things):
        total = 0
    if all(progress.fetched(one.status) for one in things):
        done = sum(
            one.total if progress.ends(one.status) else one.done
            for one in things
            if one.status != progress.DOWNLOADED
        )
    else:
        done = sum(one.total if progress.fetched(one.status) else one.done for one in things)
    return done, total
