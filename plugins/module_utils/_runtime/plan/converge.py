# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Carrying a declaration out: for tasks and for the program alike."""

from __future__ import annotations

import contextlib
from typing import TypeVar

from ..base import files
from ..base.errors import Error
from .plan import Host, Plan, Resource

S = TypeVar("S")
D = TypeVar("D")


def converge(host: Host, resource: Resource[D, S], declared: D) -> tuple[Plan[S], S]:
    """Observe, plan and act under the object's lock, so two tasks on one object come one after the
    other. Returns the plan and what was found after it.

    A difference between the plan and the host after it is a failure, never a quiet surprise; so is
    what the plan relies on and the host lacks, even where nothing else has to be done.
    """
    if resource.ends:
        plan = resource.plan(declared, resource.observe(host, declared))
        if not plan.steps and not plan.unmet:
            return plan, plan.have
    files.prepare(host.layout)
    declared = resource.located(host, declared)
    if resource.locks is not None:
        # So many locks are only worth taking where something is to be done.
        plan = resource.plan(declared, resource.observe(host, declared))
        if not plan.steps and not plan.unmet:
            return plan, plan.have
    kind, name = resource.lock(declared)
    with contextlib.ExitStack() as held:
        for lock in ((kind, name), *(resource.locks(declared) if resource.locks else ())):
            path = host.layout.lock(*lock)
            held.enter_context(files.lock(path, deadline_s=host.lock_timeout_s))
        plan = resource.plan(declared, resource.observe(host, declared))
        if not plan.steps and not plan.unmet:
            return plan, plan.have
        plan = resource.foreseen(host, plan)
        resource.carry_out(host, plan)
        found = resource.observe(host, declared)
    if resource.judge is not None:
        resource.judge(host, plan, found)
        return plan, found
    differing = resource.differences(plan.want, found)
    if differing:
        raise Error(
            f"{kind.partition('-')[0]} {name} is not in the planned state after the "
            f"change: {'; '.join(differing)}",
            hint="run the task again; if this persists, something else on the host is changing it",
        )
    return plan, found
