# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Installing the on-host program as a step of whatever makes a container.

conmon's exit hook runs the program, so it must be there before a container is. It contains the
command line, which is above the resources; hence this layer wraps a resource instead of the
resource knowing the program.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Callable, Generic, Optional, TypeVar

from ..base.frozen import dataclass, replace
from ..base.layout import Layout
from ..plan.plan import Host, Plan, Resource, Step
from ..program import zipapp
from ..records import container_record, foreseen

if TYPE_CHECKING:
    # Ansible's packer sends every module it finds imported, here too: so the program's come along
    # with whatever installs it, and importing them costs a task nothing.
    from . import main

    _SENT_ALONG = main

S = TypeVar("S")
D = TypeVar("D")


@dataclass(frozen=True)
class WithProgram(Generic[S]):
    """A resource's state, and whether the program in use is the one of these sources."""

    current: bool
    inner: S
    needed: bool = True
    #: Whether containers need it at their end, and it is not there.
    lost: bool = False


@dataclass(frozen=True)
class InstallProgram(Step[WithProgram[S]]):
    def describe(self) -> str:
        return "install the program slipway"

    def after(self, have: WithProgram[S]) -> WithProgram[S]:
        return replace(have, current=True, lost=False)

    def execute(self, host: Host) -> None:
        zipapp.install(host.layout)


@dataclass(frozen=True)
class Inner(Step[WithProgram[S]]):
    """A step of the wrapped resource."""

    step: Step[S]

    @property
    def changes(self) -> bool:  # type: ignore[override]  # It is that of the step inside.
        return self.step.changes

    def describe(self) -> str:
        return self.step.describe()

    def after(self, have: WithProgram[S]) -> WithProgram[S]:
        return replace(have, inner=self.step.after(have.inner))

    def execute(self, host: Host) -> None:
        self.step.execute(host)


def _lost(layout: Layout) -> bool:
    """Whether a host has containers, and no program that their exit hooks can run."""
    in_use = zipapp.program(layout)
    return not zipapp.is_whole(in_use) and bool(container_record.all_ids(layout))


def with_program(
    resource: Resource[D, S], needed: Optional[Callable[[D], bool]] = None
) -> Resource[D, WithProgram[S]]:
    """The same resource, whose plans first install the program where a step needs it; ``needed``
    says for which declarations that is so (all).

    A plan without steps installs nothing: the programs of running containers were installed when
    they were made, and a newer collection alone changes no host. Only where there are containers
    and somebody removed the program it is put back.
    """

    def observe(host: Host, declared: D) -> WithProgram[S]:
        if needed is not None and not needed(declared):
            return WithProgram(False, resource.observe(host, declared), needed=False)
        current = foreseen.program_stands(host) or zipapp.installed(host.layout)
        lost = not current and _lost(host.layout)
        return WithProgram(current, resource.observe(host, declared), lost=lost)

    def plan(declared: D, have: WithProgram[S]) -> Plan[WithProgram[S]]:
        inner = resource.plan(declared, have.inner)
        steps: list[Step[WithProgram[S]]] = [Inner(step) for step in inner.steps]
        acts = any(step.changes for step in steps) or have.lost
        if have.needed and not have.current and acts:
            steps.insert(0, InstallProgram())
        return Plan(have, tuple(steps), inner.unmet, inner.reasons)

    def view(state: WithProgram[S]) -> dict[str, Any]:
        return resource.view(state.inner)

    def predict(state: WithProgram[S]) -> dict[str, dict[str, Any]]:
        states = resource.predict(state.inner) if resource.predict else {}
        return {**states, **foreseen.PROGRAM} if state.current else states

    def verify(want: WithProgram[S], found: WithProgram[S]) -> list[str]:
        lacking = (
            [] if found.current or not want.current else ["the program slipway is not installed"]
        )
        return lacking + resource.differences(want.inner, found.inner)

    def inside(planned: Plan[WithProgram[S]]) -> Plan[S]:
        steps = tuple(step.step for step in planned.steps if isinstance(step, Inner))
        return Plan(planned.have.inner, steps, planned.unmet, planned.reasons)

    def report(host: Host, planned: Plan[WithProgram[S]]) -> dict[str, Any]:
        return resource.report(host, inside(planned)) if resource.report else {}

    def foresee(host: Host, planned: Plan[WithProgram[S]]) -> Sequence[str]:
        return () if resource.foresee is None else resource.foresee(host, inside(planned))

    def diff(planned: Plan[WithProgram[S]], found: WithProgram[S]) -> dict[str, Any]:
        return resource.shown(inside(planned), found.inner)

    def act(host: Host, planned: Plan[WithProgram[S]]) -> None:
        for step in planned.steps:
            if not isinstance(step, Inner):
                step.execute(host)
        resource.carry_out(host, inside(planned))

    def judge(host: Host, planned: Plan[WithProgram[S]], found: WithProgram[S]) -> None:
        if resource.judge is not None:
            resource.judge(host, inside(planned), found.inner)

    return Resource(
        observe,
        plan,
        view,
        lambda host, state: resource.result(host, state.inner),
        resource.lock,
        predict,
        verify,
        report=report,
        diff=diff,
        foresee=foresee,
        locate=resource.locate,
        locks=resource.locks,
        act=None if resource.act is None else act,
        judge=None if resource.judge is None else judge,
    )
