# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A stack as a resource: its members as one sequence, each planned as those before it will leave
the host, and carried out together.
"""

from __future__ import annotations

from ...base.frozen import replace
from ...plan import sequence
from ...plan.plan import Host, Plan, Resource
from ...plan.sequence import Sequence
from ..container import declare as container_declare
from ..container.observe import State as ContainerState
from ..container.run_steps import Restart, Start
from ..container.steps import Pull, Replace
from . import act, needs, orphans, outcome
from .declare import declare
from .member import CONTAINER, IMAGE, NETWORK, Stack
from .outcome import About

__all__ = ["RESOURCE", "declare"]


def observe(host: Host, stack: Stack) -> Sequence:
    """Read all members, each as the plans of those before it will leave the host; after the plan
    was carried out, what became of them.
    """
    host.seen = {}
    try:
        if outcome.CARRIED_OUT in host.outcome:
            return sequence.observe_again(host, host.outcome[outcome.CARRIED_OUT].have)
        members, left = orphans.beside(host, stack)
        stages = tuple(member.stage for member in members)
        found = sequence.observe_all(host, stages, About(stack, members, left))
        found = _of_new_images(found)
        return _restarted_after(found)
    finally:
        host.seen = None


def _of_new_images(found: Sequence) -> Sequence:
    """With containers made anew of images that are built anew: what these will be is not known, so
    a container by itself would take its image for the same. So would one that does not ask the
    registry, when another one does and pulls what is newer.
    """
    pairs = list(zip(found.about.members, found.parts))
    built = {(IMAGE, one.name) for one, part in pairs if one.built and part.changed}
    for member, part in pairs:
        if member.kind == CONTAINER and part.have.around.newer and part.have.around.image_id:
            built |= {(IMAGE, member.declared.image)} if _pulls(part) else set()
    if not built:
        return found
    parts = list(found.parts)
    for number, (member, part) in enumerate(pairs):
        if member.kind == CONTAINER and member.uses & built and part.have.spec is not None:
            goes = any(isinstance(step, Replace) for step in part.steps)
            if goes or (
                container_declare.compared(member.declared, "image") == container_declare.IGNORE
            ):
                continue
            declared = replace(member.declared, recreate=True)
            parts[number] = member.resource.plan(declared, part.have)
    return replace(found, parts=tuple(parts))


def _pulls(part: Plan[ContainerState]) -> bool:
    return any(isinstance(step, Pull) for step in part.steps)


def _restarted_after(found: Sequence) -> Sequence:
    """With the restart of containers that run, and of which one they are restarted after is begun
    anew, or one whose namespaces they share: theirs are those of its process before.
    """
    containers = [
        (number, member)
        for number, member in enumerate(found.about.members)
        if member.kind == CONTAINER
    ]
    parts = list(found.parts)
    anew, begun = set(), set()
    for number, member in containers:
        steps = parts[number].steps
        if any(isinstance(step, (Replace, Restart)) for step in steps):
            begun.add(member.name)
            anew |= {member.name} if parts[number].have.running else set()
        elif any(isinstance(step, Start) for step in steps):
            begun.add(member.name)
    if not begun:
        return found
    for number, member in containers:
        part = parts[number]
        if member.name in begun or not (part.have.running and part.want.running):
            continue
        shares = begun & set(needs.shared(part.want.spec)) if part.want.spec else set()
        if shares or (member.after & anew and not part.changed):
            again = Restart(member.name)
            reasons = (*part.reasons, "namespaces" if shares else "depends_on")
            parts[number] = replace(part, steps=(*part.steps, again), reasons=reasons)
            anew.add(member.name)
            begun.add(member.name)
    return replace(found, parts=tuple(parts))


def plan(stack: Stack, have: Sequence) -> Plan[Sequence]:
    """The plans of all members as one. Pure."""
    return sequence.plan(have.stages, have)


def foresee(host: Host, planned: Plan[Sequence]) -> list[str]:
    """What will be in the way of the members that are made or started again; a warning is of others
    that share their namespaces, since members are restarted (_restarted_after).
    """
    from ..container import sharing  # Only who acts pays for it.

    members = [member.name for member in planned.have.about.members if member.kind == CONTAINER]
    parts = zip(planned.have.about.members, planned.have.parts)
    begun = [
        member.name
        for member, part in parts
        if member.kind == CONTAINER and sharing.begins_anew(part)
    ]
    sharing.warn(host, begun, members)
    host.seen = {}
    try:
        return sequence.foresee(host, planned)
    finally:
        host.seen = None


def locate(host: Host, stack: Stack) -> Stack:
    members = tuple(
        replace(one, declared=one.resource.located(host, one.declared)) for one in stack.members
    )
    return replace(stack, members=members)


def locks(stack: Stack) -> list[tuple[str, str]]:
    """Those of its members, each kind in the order of its names. That of all networks is taken for
    the moments in which networks change (act.py): who starts a container may want it.
    """
    found = {
        member.resource.lock(member.declared) for member in stack.members if member.kind != NETWORK
    }
    return sorted(found)


RESOURCE: Resource[Stack, Sequence] = Resource(
    observe=observe,
    plan=plan,
    view=outcome.view,
    result=outcome.result,
    lock=lambda stack: (stack.word, stack.name),
    locks=locks,
    predict=sequence.predict,
    verify=sequence.differences,
    report=outcome.report,
    diff=outcome.diff,
    foresee=foresee,
    locate=locate,
    act=act.act,
    judge=outcome.judge,
)


def needs_program(stack: Stack) -> bool:
    """Whether something is to be done that needs the program on the host: a container that is to
    be there, or an image that is built.
    """
    return any(member.kind in (CONTAINER, IMAGE) for member in stack.members) and (
        stack.state != "absent"
    )
