# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The module ``image_pull``: one image, or with ``all_tags`` every one of a repository."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Union

from ....base.errors import Error, NotFound
from ....base.frozen import dataclass, replace
from ....image import transfer
from ....plan.plan import Host, Plan, Resource, Step
from ....records import foreseen
from ....spec.reference import parse_normalized
from ..names import named_image
from ..names.named_image import State
from . import pull_one


@dataclass(frozen=True)
class Repository:
    """All tags of the repository that ``each`` names one image of."""

    each: pull_one.Declared

    def of_tag(self, tag: str) -> pull_one.Declared:
        return replace(self.each, reference=replace(self.each.reference, tag=tag))


@dataclass(frozen=True)
class Tags:
    """The images of a repository, by their tags in order."""

    repository: str
    images: tuple[State, ...]
    unmet: tuple[str, ...] = ()


@dataclass(frozen=True)
class PullTag(Step["Found"]):
    """Fetch one of the images."""

    step: Step[State]
    name: str

    def describe(self) -> str:
        return self.step.describe()

    def after(self, have: Found) -> Found:
        if not isinstance(have, Tags):
            return self.step.after(have)
        images = (self.step.after(one) if one.name == self.name else one for one in have.images)
        return replace(have, images=tuple(images))

    def execute(self, host: Host) -> None:
        self.step.execute(host)


@dataclass(frozen=True)
class PullUnknown(Step["Found"]):
    """Fetch what there is, where nobody could say what that is."""

    repository: str
    why: str

    def describe(self) -> str:
        return f"Pulled all images of {self.repository}"

    def after(self, have: Found) -> Found:
        return have

    def execute(self, host: Host) -> None:
        raise Error(self.why)


Declared = Union[pull_one.Declared, Repository]
Found = Union[State, Tags]


def declare(params: Mapping[str, Any]) -> Declared:
    """Options of image_pull: those of pulling, and all_tags."""
    declared = pull_one.declare(params)
    if not params.get("all_tags"):
        return declared
    text = str(params["name"])
    if params.get("tag") or declared.reference.digest or ":" in text.rpartition("/")[2]:
        raise Error(f"{text[:200]!a} names a tag or digest, which cannot be combined with all_tags")
    return Repository(declared)


def observe(host: Host, declared: Declared) -> Found:
    """Read the repository's tags, those earlier tasks would have pushed included, and each image's
    state.
    """
    if isinstance(declared, pull_one.Declared):
        return pull_one.observe(host, declared)
    reference = declared.each.reference
    pushed = {parse_normalized(name) for name in foreseen.told_registries(host)}
    tags = {one.tag for one in pushed if one.repository == reference.repository}
    try:
        tags |= set(transfer.tags(host, reference, declared.each.access))
    except NotFound as exc:
        if not tags:
            return Tags(reference.repository, (), (str(exc),))
    except Error as exc:
        return Tags(reference.repository, (), (str(exc),))
    found = (pull_one.observe(host, declared.of_tag(str(tag))) for tag in sorted(map(str, tags)))
    return Tags(reference.repository, tuple(found))


def plan(declared: Declared, have: Found) -> Plan[Found]:
    if isinstance(declared, pull_one.Declared) and isinstance(have, State):
        one = pull_one.plan(declared, have)
        return Plan(have, tuple(PullTag(step, have.name) for step in one.steps), one.unmet)
    if not isinstance(declared, Repository) or not isinstance(have, Tags):
        raise AssertionError("an observation of another kind than declared")
    if have.unmet:
        return Plan(have, (PullUnknown(have.repository, have.unmet[0]),), have.unmet)
    steps: tuple[Step[Found], ...] = ()
    unmet: tuple[str, ...] = ()
    for image in have.images:
        tag = parse_normalized(image.name).tag or ""
        part = pull_one.plan(declared.of_tag(tag), image)
        steps += tuple(PullTag(step, image.name) for step in part.steps)
        unmet += part.unmet
    return Plan(have, steps, unmet)


def view(found: Found) -> dict[str, Any]:
    if isinstance(found, State):
        return named_image.view(found)
    return {"name": found.repository, "images": {one.name: one.status for one in found.images}}


def diff(planned: Plan[Found], found: Found) -> dict[str, Any]:
    have = planned.have
    if isinstance(have, State) and isinstance(found, State):
        return named_image.diff(Plan(have), found)
    now = {one.name: one for one in _images(found)}
    before: dict[str, Any] = {}
    after: dict[str, Any] = {}
    for one in _images(have):
        told = named_image.diff(Plan(one), now.get(one.name, one))
        before[one.name], after[one.name] = told["before"], told["after"]
    repository = have.name if isinstance(have, State) else have.repository
    return {
        "before": {"name": repository, "images": before},
        "after": {"name": repository, "images": after},
    }


def result(host: Host, found: Found) -> dict[str, Any]:
    if isinstance(found, State):
        return named_image.result(host, found)
    return {"images": [named_image.result(host, one)["image"] for one in found.images]}


def report(host: Host, planned: Plan[Found]) -> dict[str, Any]:
    """That the registry was asked, where nothing came of it, as docker_image_pull tells it."""
    have = planned.have
    asked = isinstance(have, State) and have.status == named_image.CURRENT and not planned.steps
    if not asked or not isinstance(have, State) or parse_normalized(have.name).digest:
        return {}
    return {"actions": [f"Pulled image {parse_normalized(have.name).familiar}"]}


def predict(found: Found) -> dict[str, dict[str, Any]]:
    whole: dict[str, dict[str, Any]] = {}
    for one in _images(found):
        for kind, named in named_image.predict(one).items():
            whole.setdefault(kind, {}).update(named)
    return whole


def _differences(want: Found, found: Found) -> list[str]:
    # A tag that came or went in the registry meanwhile is not a fault of the host.
    now = {one.name: one for one in _images(found)}
    both = ((one, now[one.name]) for one in _images(want) if one.name in now)
    return [line for one, other in both for line in named_image.differences(one, other)]


def _images(found: Found) -> tuple[State, ...]:
    return found.images if isinstance(found, Tags) else (found,)


def _lock(declared: Declared) -> tuple[str, str]:
    each = declared.each if isinstance(declared, Repository) else declared
    return named_image.lock(each.reference.canonical)


RESOURCE: Resource[Declared, Found] = Resource(
    observe=observe,
    plan=plan,
    view=view,
    report=report,
    diff=diff,
    result=result,
    lock=_lock,
    predict=predict,
    verify=_differences,
)
