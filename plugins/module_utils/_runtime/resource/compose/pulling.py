# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Pulling the images of a project's services: each image once, whichever services have it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ...base.errors import Error
from ...base.frozen import dataclass, replace
from ...compose.base.findings import Findings
from ...compose.base.values import text
from ...compose.compiled import compile_project
from ...compose.reading import files, project
from ...compose.reading.files import Asked
from ...plan import sequence
from ...plan.plan import Host, Plan, Resource, Step
from ...plan.sequence import Sequence, Stage
from ..image.remote import pull_one
from ..stack.order import with_needed

#: Policies under which nothing is pulled, and why Compose says so.
_NEVER = {"never": "Image pull is disabled", "build": "Image is built"}

#: Where the steps note which images could not be pulled.
_FAILED = "compose pull failed"


@dataclass(frozen=True)
class Wanted:
    """One image; ``may_fail`` is that a failure is a warning: it is built otherwise, or the task
    ignores failures.
    """

    image: str
    services: tuple[str, ...]
    declared: pull_one.Declared
    may_fail: bool

    @property
    def stage(self) -> Stage:
        return Stage(pull_one.RESOURCE, self.declared, self.image)


@dataclass(frozen=True)
class Declared:
    """``skipped`` are services that pull nothing, each with why."""

    name: str
    wanted: tuple[Wanted, ...]
    skipped: Mapping[str, str]
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True)
class PullImage(Step[Sequence]):
    """Pull one of the images, and go on where it may fail."""

    number: int
    wanted: Wanted
    step: Step[Any]

    def describe(self) -> str:
        return self.step.describe()

    def after(self, have: Sequence) -> Sequence:
        return sequence.Part(self.number, self.step).after(have)

    def execute(self, host: Host) -> None:
        try:
            self.step.execute(host)
        except Error as exc:
            if not self.wanted.may_fail:
                raise
            host.outcome.setdefault(_FAILED, {})[self.number] = str(exc)


def declare(asked: Asked, params: Mapping[str, Any]) -> Declared:
    """The options of compose_pull besides those of the project: policy, services, include_deps,
    ignore_buildable, ignore_pull_failures. Raises one Error with all mistakes of the files.
    """
    findings = Findings()
    named = tuple(params["services"] or ())
    whole = project.project(files.read(asked, findings), asked, findings, named)
    compiled = compile_project(whole, findings)
    findings.refuse(whole.name)
    chosen = list(whole.services)
    if named:
        needs = {entry.key: set(entry.services) for entry in compiled.containers}
        kept = {*named, *(with_needed(needs, named) if params["include_deps"] else ())}
        chosen = [name for name in chosen if name in kept]
    wanted: dict[tuple[str, str], Wanted] = {}
    skipped: dict[str, str] = {}
    for name in chosen:
        given = whole.services[name]
        policy = text(params["policy"] or given.get("pull_policy"))
        builds = given.get("build") is not None
        image, platform = text(given.get("image")), text(given.get("platform"))
        if not image:
            skipped[name] = "No image to be pulled"
        elif policy in _NEVER:
            skipped[name] = _NEVER[policy]
        elif builds and params["ignore_buildable"]:
            skipped[name] = "Image can be built"
        else:
            before = wanted.get((image, platform))
            services = (*(before.services if before else ()), name)
            # The policy is how often a service looks; who asks to pull looks now, unless told so.
            pull = "not_present" if policy in ("missing", "if_not_present") else "always"
            given_to = {"name": image, "platform": platform or None, "pull": pull}
            may_fail = builds or params["ignore_pull_failures"]
            wanted[image, platform] = Wanted(
                image,
                services,
                pull_one.declare(given_to),
                may_fail and (before is None or before.may_fail),
            )
    return Declared(whole.name, tuple(wanted.values()), skipped, tuple(findings.warnings))


def observe(host: Host, declared: Declared) -> Sequence:
    """Each image, and what its registry has where that has to be asked. ``about`` is why images
    could not be had that need not be.
    """
    for warning in declared.warnings:
        host.warn(warning)
    found = sequence.observe(host, tuple(one.stage for one in declared.wanted))
    failed: dict[int, str] = dict(host.outcome.get(_FAILED, {}))
    for number, (one, part) in enumerate(zip(declared.wanted, found.parts)):
        if part.unmet and one.may_fail:
            failed.setdefault(number, "; ".join(part.unmet))
    for number, why in failed.items():
        host.warn(f"{declared.wanted[number].image} was not pulled: {why}")
    return replace(found, about={"declared": declared, "failed": failed})


def plan(declared: Declared, have: Sequence) -> Plan[Sequence]:
    """The pulls of all images but those that failed and may. Pure."""
    steps: list[Step[Sequence]] = []
    unmet: list[str] = []
    for number, (one, part) in enumerate(zip(declared.wanted, have.parts)):
        if number in have.about["failed"]:
            continue
        steps += [PullImage(number, one, step) for step in part.steps]
        where = f"service {one.services[0]}: "
        unmet += [why if why.startswith(where) else where + why for why in part.unmet]
    return Plan(have, tuple(steps), tuple(unmet))


def report(host: Host, planned: Plan[Sequence]) -> dict[str, Any]:
    """``actions`` as docker_compose_v2_pull has them, of the images that were pulled."""
    failed = host.outcome.get(_FAILED, {})
    pulled = [
        step.wanted.image
        for step in planned.steps
        if isinstance(step, PullImage) and step.number not in failed
    ]
    actions = [{"what": "image", "id": image, "status": "Pulling"} for image in pulled]
    return {"changed": bool(pulled), "actions": actions}


def result(host: Host, found: Sequence) -> dict[str, Any]:
    """Nothing but what was done is told."""
    return {}


def _view(found: Sequence) -> dict[str, Any]:
    pairs = zip(found.about["declared"].wanted, found.stages, found.states)
    return {"images": {one.image: stage.resource.view(state) for one, stage, state in pairs}}


def _diff(planned: Plan[Sequence], found: Sequence) -> dict[str, Any]:
    """Both ends of each image."""
    before, after = {}, {}
    for number, one in enumerate(found.about["declared"].wanted):
        have, state = planned.have.states[number], found.states[number]
        shown = pull_one.RESOURCE.shown(Plan(have), state)
        before[one.image], after[one.image] = shown["before"], shown["after"]
    return {"before": {"images": before}, "after": {"images": after}}


def _differences(want: Sequence, found: Sequence) -> list[str]:
    return [
        line
        for number, stage in enumerate(want.stages)
        if number not in found.about["failed"]
        for line in stage.resource.differences(want.states[number], found.states[number])
    ]


def _locks(declared: Declared) -> list[tuple[str, str]]:
    return sorted({pull_one.RESOURCE.lock(one.declared) for one in declared.wanted})


RESOURCE: Resource[Declared, Sequence] = Resource(
    observe=observe,
    plan=plan,
    view=_view,
    result=result,
    lock=lambda declared: ("project", declared.name),
    locks=_locks,
    predict=sequence.predict,
    verify=_differences,
    report=report,
    diff=_diff,
)
