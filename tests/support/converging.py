# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What task.py does with a resource, without Ansible around it: check, apply, a whole play."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Callable

from ansible_collections.slipway.engine.plugins.module_utils._runtime.base import files
from ansible_collections.slipway.engine.plugins.module_utils._runtime.base.errors import Error
from ansible_collections.slipway.engine.plugins.module_utils._runtime.base.layout import Layout
from ansible_collections.slipway.engine.plugins.module_utils._runtime.plan.plan import (
    Host,
    Resource,
)


@dataclass(frozen=True)
class Task:
    """One task: how its options are read, its resource, its options."""

    declare: Callable[[Mapping[str, Any]], Any]
    resource: Resource[Any, Any]
    params: Mapping[str, Any]


@dataclass(frozen=True)
class Outcome:
    """What a user sees of a task; ``result`` and ``warnings`` are not compared."""

    changed: bool
    before: Mapping[str, Any]
    after: Mapping[str, Any]
    actions: tuple[str, ...]


def check(layout: Layout, task: Task, predicted: dict[str, dict[str, Any]]) -> Outcome:
    """Plan only, with the predictions of the tasks before; this task's are added to them."""
    host = Host(layout, predicted=predicted)
    files.check(layout)
    with host.held:
        return _checked(host, task, predicted)


def _checked(host: Host, task: Task, predicted: dict[str, dict[str, Any]]) -> Outcome:
    declared = task.resource.located(host, task.declare(task.params))
    plan = task.resource.plan(declared, task.resource.observe(host, declared))
    plan = task.resource.foreseen(host, plan)
    task.resource.result(host, plan.want)
    if task.resource.report:
        task.resource.report(host, plan)
    for kind, named in task.resource.told(plan, plan.want).items():
        predicted.setdefault(kind, {}).update(named)
    return _outcome(task, plan)


def unmet(layout: Layout, task: Task, predicted: dict[str, dict[str, Any]]) -> str:
    """Why a task would fail in the run, as check mode says it; "" when it would not."""
    host = Host(layout, predicted=predicted)
    declared = task.declare(task.params)
    try:
        return "; ".join(task.resource.plan(declared, task.resource.observe(host, declared)).unmet)
    except Error as exc:
        return str(exc)


def apply(layout: Layout, task: Task) -> tuple[Outcome, dict[str, Any]]:
    """Do it, and fail where the host is not in the planned state."""
    host = Host(layout)
    with host.held:
        return _applied(host, task)


def _applied(host: Host, task: Task) -> tuple[Outcome, dict[str, Any]]:
    declared = task.resource.located(host, task.declare(task.params))
    plan = task.resource.plan(declared, task.resource.observe(host, declared))
    if not plan.steps and not plan.unmet:
        return _outcome(task, plan), _told(task, host, plan, plan.have)
    plan = task.resource.foreseen(host, plan)
    task.resource.carry_out(host, plan)
    found = task.resource.observe(host, declared)
    if task.resource.judge is not None:
        task.resource.judge(host, plan, found)
    else:
        differing = task.resource.differences(plan.want, found)
        if differing:
            raise Error(f"not in the planned state: {'; '.join(differing)}")
    return _outcome(task, plan), _told(task, host, plan, found)


def _told(task: Task, host: Host, plan: Any, found: Any) -> dict[str, Any]:
    result = task.resource.result(host, found)
    return {**result, **(task.resource.report(host, plan) if task.resource.report else {})}


def assert_play_is_predicted(layout: Layout, tasks: Sequence[Task]) -> None:
    """A check-mode run of the whole play shows, task by task, what the run that follows shows."""
    predicted: dict[str, dict[str, Any]] = {}
    foretold = [check(layout, task, predicted) for task in tasks]
    done = [apply(layout, task)[0] for task in tasks]
    assert foretold == done


def _outcome(task: Task, plan: Any) -> Outcome:
    view = task.resource.view
    return Outcome(plan.changed, view(plan.have), view(plan.want), tuple(plan.actions))
