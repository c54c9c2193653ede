# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the members of a stack wait for: that a container is healthy, or that it has ended well.

Whoever carries the plan out looks at all waits in turn, and does other things in between.
"""

from __future__ import annotations

import time
from typing import Callable, Optional

from ...base.errors import Error
from ...base.frozen import changing
from ...plan.plan import Host
from ...records import container_record
from .course import Course


@changing
class _Wait:
    """Something that is looked at until it is so. ``reached`` may raise Error, which begins with
    ``what`` then.
    """

    course: Course
    reached: Callable[[float], bool]
    since: float
    then: Callable[[Course], None]
    what: str = ""


class Waits:
    """The waits under way; empty, it is false."""

    def __init__(self, host: Host, limit_s: Optional[float]) -> None:
        """``limit_s`` is how long a container may take to end, in seconds; None is for ever."""
        self.host, self.limit_s = host, limit_s
        self.under_way: list[_Wait] = []

    def __bool__(self) -> bool:
        return bool(self.under_way)

    def health(self, name: str, timeout_s: float, patient: bool = True) -> Callable[[float], bool]:
        """Whether a container is healthy, asked with how long that has been waited for. The answer
        raises Error once ``timeout_s`` is over, and, unless ``patient``, when it is unhealthy.
        """
        from ...container.supervision import health

        layout = self.host.layout

        def reached(waited_s: float) -> bool:
            container_id = container_record.by_name(layout, name)
            return health.is_healthy(layout, container_id, timeout_s, waited_s, patient)

        return reached

    def completion(self, name: str) -> Callable[[float], bool]:
        """Whether a container ended with exit code 0. The answer raises Error where it ended with
        another, and when the time for it is over.
        """
        from ...container.lifecycle import actions

        def reached(waited_s: float) -> bool:
            container_id = container_record.by_name(self.host.layout, name)
            found = actions.current(self.host, container_id)
            if found.phase in container_record.UP:
                limit_s = self.limit_s
                if limit_s is not None and waited_s >= limit_s:
                    raise Error(f"container {name} did not end within {limit_s:g} seconds")
                return False
            if found.exit_code:
                raise Error(f"container {name} exited with {found.exit_code}")
            return True

        return reached

    def begin(
        self,
        course: Course,
        reached: Callable[[float], bool],
        then: Callable[[Course], None],
        what: str = "",
    ) -> None:
        """Wait until ``reached`` says so, then call ``then``; the course is busy meanwhile."""
        course.busy = True
        self.under_way.append(_Wait(course, reached, time.monotonic(), then, what))

    def look(self) -> None:
        """End the waits whose time has come; what fails is the failure of its course."""
        for wait in list(self.under_way):
            course = wait.course
            try:
                if not course.failure and not wait.reached(time.monotonic() - wait.since):
                    continue
            except Error as exc:
                course.failure = f"{wait.what}{exc}"
            self.under_way.remove(wait)
            course.busy = False
            if not course.failure:
                wait.then(course)
