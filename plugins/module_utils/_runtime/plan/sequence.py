# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Several resources as one: each is observed as the plans of those before it will leave the host.

It is what a play in check mode does with its tasks, done within one task.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Callable

from ..base.errors import Error
from ..base.frozen import dataclass, replace
from .plan import Host, Plan, Resource, Step


@dataclass(frozen=True)
class Stage:
    """A resource, and what is declared of it; ``name`` is what errors call it among many."""

    resource: Resource[Any, Any]
    declared: Any
    name: str = ""


@dataclass(frozen=True)
class Sequence:
    """The stages in order, the state of each, and the plan for it; ``about`` is what whoever has
    them knows of them besides.
    """

    stages: tuple[Stage, ...]
    states: tuple[Any, ...]
    parts: tuple[Plan[Any], ...] = ()
    about: Any = None


@dataclass(frozen=True)
class Part(Step[Sequence]):
    """A step of one of the stages."""

    number: int
    step: Step[Any]

    @property
    def changes(self) -> bool:  # type: ignore[override]  # It is that of the step inside.
        return self.step.changes

    def describe(self) -> str:
        return self.step.describe()

    def after(self, have: Sequence) -> Sequence:
        states = list(have.states)
        states[self.number] = self.step.after(states[self.number])
        return replace(have, states=tuple(states))

    def execute(self, host: Host) -> None:
        self.step.execute(host)


def observe(host: Host, stages: tuple[Stage, ...]) -> Sequence:
    predicted = {kind: dict(named) for kind, named in host.predicted.items()}
    states, parts = [], []
    for stage in stages:
        # Warnings of every stage are the task's.
        foretold = replace(host, predicted=predicted)
        have = stage.resource.observe(foretold, stage.declared)
        part = stage.resource.plan(stage.declared, have)
        states.append(have)
        parts.append(part)
        if part.steps:
            _merge(predicted, stage.resource, part.want)
    return Sequence(stages, tuple(states), tuple(parts))


def observe_all(host: Host, stages: tuple[Stage, ...], about: Any = None) -> Sequence:
    """The same for stages of which each may be wrong by itself: one Error names all that are."""
    predicted = {kind: dict(named) for kind, named in host.predicted.items()}
    foretold = replace(host, predicted=predicted)
    states, parts, failures = [], [], []
    for stage in stages:
        try:
            have = stage.resource.observe(foretold, stage.declared)
            part = stage.resource.plan(stage.declared, have)
        except Error as exc:
            failures.append(f"{stage.name}: {exc}")
            continue
        states.append(have)
        parts.append(part)
        if part.steps:
            _merge(predicted, stage.resource, part.want)
    if failures:
        raise Error("\n".join(failures))
    return Sequence(stages, tuple(states), tuple(parts), about)


def foresee(host: Host, plan: Plan[Sequence]) -> list[str]:
    """What will keep the steps of each stage from being done, once those before it have been."""
    predicted = {kind: dict(named) for kind, named in host.predicted.items()}
    foretold = replace(host, predicted=predicted)
    found: list[str] = []
    for stage, part in zip(plan.have.stages, plan.have.parts):
        if part.steps:
            known = len(part.unmet)
            found += stage.resource.foreseen(foretold, part).unmet[known:]
            _merge(predicted, stage.resource, part.want)
    return found


def observe_again(host: Host, before: Sequence) -> Sequence:
    """What became of the stages."""
    states = (one.resource.observe(host, one.declared) for one in before.stages)
    return replace(before, states=tuple(states))


def plan(stages: tuple[Stage, ...], have: Sequence) -> Plan[Sequence]:
    """The plans of all stages as one; they were made as each was observed."""
    parts = have.parts
    steps = [Part(number, step) for number, part in enumerate(parts) for step in part.steps]
    unmet = tuple(why for part in parts for why in part.unmet)
    return Plan(have, tuple(steps), unmet, tuple(why for part in parts for why in part.reasons))


def view(found: Sequence) -> dict[str, Any]:
    """All views in one; what the first says under a name stays."""
    whole: dict[str, Any] = {}
    for stage, one in zip(found.stages, found.states):
        whole = {**stage.resource.view(one), **whole}
    return whole


def diff(plan: Plan[Sequence], found: Sequence) -> dict[str, Any]:
    """All diffs in one; what the first says under a name stays."""
    before: dict[str, Any] = {}
    after: dict[str, Any] = {}
    for number, (stage, have) in enumerate(zip(plan.have.stages, plan.have.states)):
        steps = [
            part.step for part in plan.steps if isinstance(part, Part) and part.number == number
        ]
        told = stage.resource.shown(Plan(have, tuple(steps)), found.states[number])
        before, after = {**told["before"], **before}, {**told["after"], **after}
    return {"before": before, "after": after}


def predict(found: Sequence) -> dict[str, dict[str, Any]]:
    predicted: dict[str, dict[str, Any]] = {}
    for stage, one in zip(found.stages, found.states):
        _merge(predicted, stage.resource, one)
    return predicted


def differences(want: Sequence, found: Sequence) -> list[str]:
    """What each stage finds to be other than planned; see Resource.differences."""
    return [
        line
        for stage, one, other in zip(want.stages, want.states, found.states)
        for line in stage.resource.differences(one, other)
    ]


def sequence(
    result: Callable[[Host, Sequence], dict[str, Any]],
) -> Resource[tuple[Stage, ...], Sequence]:
    """The resource of any stages; the lock is the first one's."""
    return Resource(
        observe=observe,
        plan=plan,
        view=view,
        result=result,
        lock=lambda stages: stages[0].resource.lock(stages[0].declared),
        predict=predict,
        verify=differences,
        diff=diff,
    )


def _merge(predicted: dict[str, dict[str, Any]], resource: Resource[Any, Any], state: Any) -> None:
    made: Mapping[str, Mapping[str, Any]] = resource.predict(state) if resource.predict else {}
    for kind, named in made.items():
        predicted.setdefault(kind, {}).update(named)
