# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The goals, and how far off each is. Pure."""

from __future__ import annotations

import statistics
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Optional

from .figures import Figures

PING = "ansible.builtin.ping"


@dataclass(frozen=True)
class Goal:
    """``who`` is to take at most ``factor`` times what ``beside`` takes; without one, at most
    ``factor`` itself.
    """

    title: str
    work: str
    who: str
    beside: Optional[tuple[str, str]]
    factor: float

    def measured(self, figures: Figures) -> Optional[float]:
        """The ratio of the medians, or the median; None if somebody did not take part."""
        ours = figures.get((self.work, self.who))
        theirs = None if self.beside is None else figures.get(self.beside)
        if not ours or (self.beside is not None and not theirs):
            return None
        return statistics.median(ours) / (statistics.median(theirs) if theirs else 1)


ALONE = "crun and conmon alone"
GOALS = (
    Goal("stack, created and started, beside " + ALONE, "create", "stack", ("create", ALONE), 1.5),
    Goal("stack, unchanged, beside ping", "task", "stack", ("task", PING), 1.8),
    Goal("stack, unchanged, beside a loop of docker_container", "task", "stack",
         ("task", "docker_container in a loop"), 1 / 30),
    Goal("stack, removed, beside creating it", "remove", "stack", ("create", "stack"), 1.0),
    Goal("memory of the task in MiB", "memory", "stack", None, 60),
    Goal("compose up, beside docker-compose", "up", "slipway compose",
         ("up", "docker-compose"), 1 / 4),
    Goal("slipway run -d, beside podman", "run -d", "slipway run -d",
         ("run -d", "podman run -d"), 1.0),
    Goal("one unchanged task with pipelining, beside ping", "pipelining true",
         "slipway.engine.container", ("pipelining true", PING), 1.1),
    Goal("slipway ps of 1,000 containers, in seconds", "ps of 1000", "slipway ps", None, 0.25),
)  # fmt: skip


def rows(figures: Figures) -> Iterator[str]:
    """A table in Markdown, with a row for each goal whose contenders took part."""
    yield "| work | measured | goal | |"
    yield "|---|---|---|---|"
    for goal in GOALS:
        found = goal.measured(figures)
        if found is not None:
            word = "reached" if found <= goal.factor else "missed"
            yield f"| {goal.title} | {found:.3g} | {goal.factor:.3g} | {word} |"
