# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How far one member of a stack has come while its plan is carried out."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ...base.frozen import changing, field
from ..container.run_steps import ArrangeBoot, AwaitHealthy
from ..container.steps import Pull, Recover
from .member import Member
from .outcome import Did


@changing
class Course:
    """How far a member has come. ``at`` is the step that is next, ``busy`` that it is under way."""

    member: Member
    steps: list[Any]
    needs: Mapping[str, str]
    at: int = 0
    busy: bool = False
    failure: str = ""
    skipped: bool = False
    #: Whether it was started in two halves here, so that its first moment is still to be seen.
    begun: bool = False
    generation: int = 0
    outcome: dict[str, Any] = field(default_factory=dict)

    @property
    def step(self) -> Any:
        return self.steps[self.at] if self.at < len(self.steps) else None

    @property
    def over(self) -> bool:
        return bool(self.failure) or self.skipped or self.step is None

    @property
    def stands(self) -> bool:
        """Whether it is as declared, but for its health."""
        waits = isinstance(self.step, AwaitHealthy)
        return not self.failure and not self.skipped and (self.step is None or waits)

    def did(self) -> Did:
        done = self.steps[: self.at]
        return Did(
            tuple(step.describe() for step in done),
            any(step.changes for step in done),
            self.failure,
            self.skipped,
            self.outcome,
        )

    @property
    def leaves(self) -> bool:
        """Whether the member is declared absent."""
        return self.member.leaves or getattr(self.member.declared, "state", "") == "absent"

    @property
    def only_fetched(self) -> bool:
        """Whether nothing of a container was done yet but what comes before it."""
        before = (Pull, ArrangeBoot, Recover)
        return all(isinstance(step, before) for step in self.steps[: self.at])

    def pulls(self, at: int = 0) -> bool:
        """Whether a container's steps from a place on have a pull."""
        return any(isinstance(step, Pull) for step in self.steps[at:])
