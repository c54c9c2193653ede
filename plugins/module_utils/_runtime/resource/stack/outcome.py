# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is told of a stack: of each of its members what its own module would tell."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Optional

from ...base.errors import Error
from ...base.frozen import dataclass, field, replace
from ...plan.plan import Host, Plan, difference
from ...plan.sequence import Part, Sequence
from .member import Member, Stack

#: Where the way the plan was carried out is kept (Host.outcome).
CARRIED_OUT = "stack"


@dataclass(frozen=True)
class About:
    """Whose stages they are. ``orphans`` are what left the declaration and stays, by key;
    ``unmet`` is what the whole lacks beside its members.
    """

    stack: Stack
    members: tuple[Member, ...]
    orphans: tuple[str, ...] = ()
    unmet: tuple[str, ...] = ()


@dataclass(frozen=True)
class Did:
    """What was done for a member: its actions, and what of them are changes; why the rest was not.

    ``skipped`` is that nothing was tried because of another member. ``outcome`` is what its steps
    found out.
    """

    actions: tuple[str, ...] = ()
    changed: bool = False
    failure: str = ""
    skipped: bool = False
    outcome: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class CarriedOut:
    """A plan that was carried out: what it was made for, and what was done for each member."""

    have: Sequence
    did: tuple[Did, ...]


def carried_out(host: Host) -> Optional[CarriedOut]:
    """How the plan of a stack was carried out; None where it was not."""
    found: Optional[CarriedOut] = host.outcome.get(CARRIED_OUT)
    return found


def steps_of(plan: Plan[Sequence]) -> list[list[Any]]:
    """The steps for each member."""
    found: list[list[Any]] = [[] for dummy in plan.have.stages]
    for part in plan.steps:
        if isinstance(part, Part):
            found[part.number].append(part.step)
    return found


def view(found: Sequence) -> dict[str, Any]:
    """The views of all members, by kind and name."""
    whole: dict[str, Any] = {}
    for member, state in zip(found.about.members, found.states):
        whole.setdefault(f"{member.kind}s", {})[member.name] = member.resource.view(state)
    return whole


def diff(plan: Plan[Sequence], found: Sequence) -> dict[str, Any]:
    """The diffs of the members that change, by kind and name."""
    sides: dict[str, dict[str, Any]] = {"before": {}, "after": {}}
    have, steps = plan.have, steps_of(plan)
    for number, member in enumerate(have.about.members):
        if steps[number]:
            part = replace(have.parts[number], steps=tuple(steps[number]))
            told = member.resource.shown(part, found.states[number])
            for side, whole in sides.items():
                whole.setdefault(f"{member.kind}s", {})[member.name] = told[side]
    return sides


def result(host: Host, found: Sequence) -> dict[str, Any]:
    """What report() needs: what was found in the end."""
    host.outcome["found"] = found
    return {"orphans": list(found.about.orphans)}


def report(host: Host, plan: Plan[Sequence]) -> dict[str, Any]:
    """``members``: of each what was done, or would be, and what its module returns of it."""
    found: Sequence = host.outcome["found"]
    return {"members": _members(host, plan, found, carried_out(host), {})}


def judge(host: Host, plan: Plan[Sequence], found: Sequence) -> None:
    """Raise Error for the members that failed, and those that are not as planned."""
    done = carried_out(host)
    if done is None:
        return
    want = plan.want
    failures = {}
    for number, member in enumerate(found.about.members):
        did = done.did[number]
        why = did.failure
        if not why and not did.skipped:
            why = _unlike(member, want.states[number], found.states[number])
        if why:
            failures[number] = why
    if not failures:
        return
    members = _members(host, plan, found, done, failures)
    host.outcome["failed"] = {
        "changed": any(one["changed"] for one in members),
        "actions": [action for one in members for action in one["actions"]],
        "members": members,
        "orphans": list(found.about.orphans),
    }
    stack = found.about.stack
    skipped = [one["name"] for one in members if one["skipped"]]
    hint = f"not done because of that: {', '.join(skipped)}" if skipped else None
    said = "\n".join(_named(found.about.members[number], why) for number, why in failures.items())
    raise Error(f"{stack.word} {stack.name}: {said}", hint=hint)


def _named(member: Member, why: str) -> str:
    return why if member.name in why else f"{member.key}: {why}"


def _unlike(member: Member, want: Any, found: Any) -> str:
    try:
        if member.resource.verify is not None:
            lines = member.resource.verify(want, found)
        else:
            lines = difference(member.resource.view(want), member.resource.view(found))
    except Error as exc:
        return str(exc)
    if not lines:
        return ""
    return f"{member.key} is not in the planned state after the change: {'; '.join(lines)}"


def _members(
    host: Host,
    plan: Plan[Sequence],
    found: Sequence,
    done: Optional[CarriedOut],
    failures: Mapping[int, str],
) -> list[dict[str, Any]]:
    steps = steps_of(plan)
    told = []
    for number, member in enumerate(found.about.members):
        part = replace(plan.have.parts[number], steps=tuple(steps[number]))
        did = Did(tuple(part.actions), part.changed) if done is None else done.did[number]
        own = replace(host, outcome=dict(did.outcome))
        one: dict[str, Any] = {
            "kind": member.kind,
            "name": member.name,
            "changed": did.changed,
            "actions": list(did.actions),
            "failed": number in failures,
            "skipped": did.skipped,
        }
        if part.reasons:
            one["differences"] = list(part.reasons)
        try:
            one.update(member.resource.result(own, found.states[number]))
            if member.resource.report is not None and done is None:
                one.update(member.resource.report(own, part))
        except Error as exc:
            one.setdefault("msg", str(exc))
        if number in failures:
            one.update(failed=True, msg=failures[number])
        told.append(one)
    return told
