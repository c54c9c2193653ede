# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A Compose project as a resource: the stack that its files come to, told in Compose's words."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from ...base.frozen import replace
from ...plan.plan import Host, Plan, Resource
from ...plan.sequence import Sequence
from ..stack import decide as stack
from . import external
from .declare import Declared, declare

__all__ = ["RESOURCE", "declare"]

#: What Compose says of a thing that was, or would be, changed, by the first word of the step.
_STATUS = {
    "build": "Building",
    "create": "Creating",
    "kill": "Killing",
    "pull": "Pulling",
    "pulled": "Pulling",
    "recreate": "Recreate",
    "remove": "Removing",
    "removed": "Removing",
    "restart": "Restarting",
    "run": "Starting",
    "start": "Starting",
    "stop": "Stopping",
}


def observe(host: Host, declared: Declared) -> Sequence:
    for warning in declared.warnings:
        host.warn(warning)
    found = stack.RESOURCE.observe(host, declared.stack)
    missing = external.lacking(host, declared.externals)
    return replace(found, about=replace(found.about, unmet=missing)) if missing else found


def plan(declared: Declared, have: Sequence) -> Plan[Sequence]:
    """Pure."""
    found = stack.RESOURCE.plan(declared.stack, have)
    return replace(found, unmet=(*have.about.unmet, *found.unmet))


def result(host: Host, found: Sequence) -> dict[str, Any]:
    """``containers`` and ``images`` of the project as they are on the host."""
    from . import shown

    name = found.about.stack.name
    mine = shown.containers(host.layout, name)
    host.outcome["found"] = found
    return {
        "containers": [shown.document(host.layout, one) for one in mine],
        "images": [shown.image(host.layout, one) for one in mine],
        "orphans": list(found.about.orphans),
    }


def report(host: Host, planned: Plan[Sequence]) -> dict[str, Any]:
    """``members`` as a stack returns them, and ``actions`` as docker_compose_v2 does."""
    report_of = stack.RESOURCE.report
    members = report_of(host, planned)["members"] if report_of else []
    return {"members": members, "actions": actions(members)}


def actions(members: Iterable[Mapping[str, Any]]) -> list[dict[str, str]]:
    """Each change with what it is of, its name and Compose's word for it."""
    found = []
    for one in members:
        for action in map(str, one["actions"] if one["changed"] else ()):
            # Whatever is stopped and removed is removed.
            word = "remove" if " and remove " in action else action.partition(" ")[0].lower()
            told = {"what": one["kind"], "id": one["name"], "status": _STATUS.get(word, "")}
            if told["status"] and told not in found:
                found.append(told)
    return found


def judge(host: Host, planned: Plan[Sequence], found: Sequence) -> None:
    """Raise Error for what failed, with what became of each member."""
    if stack.RESOURCE.judge is not None:
        try:
            stack.RESOURCE.judge(host, planned, found)
        finally:
            failed = host.outcome.get("failed")
            if failed is not None:
                failed["actions"] = actions(failed["members"])


RESOURCE: Resource[Declared, Sequence] = Resource(
    observe=observe,
    plan=plan,
    view=stack.RESOURCE.view,
    result=result,
    lock=lambda declared: stack.RESOURCE.lock(declared.stack),
    locks=lambda declared: stack.locks(declared.stack),
    predict=stack.RESOURCE.predict,
    verify=stack.RESOURCE.verify,
    report=report,
    diff=stack.RESOURCE.diff,
    foresee=stack.RESOURCE.foresee,
    locate=lambda host, declared: replace(declared, stack=stack.locate(host, declared.stack)),
    act=stack.RESOURCE.act,
    judge=judge,
)


def needs_program(declared: Declared) -> bool:
    return stack.needs_program(declared.stack)
