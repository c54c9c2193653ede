# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Tagging as a resource: an image of the host, and the additional names it should have."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Optional

from ....base.errors import Error, NotFound
from ....base.frozen import dataclass, replace
from ....base.layout import Layout
from ....image import expected
from ....image.expected import Local
from ....image.show import documents
from ....image.store import index, store
from ....plan.plan import Failing, Host, Plan, Resource, Step
from ....records import foreseen
from ....records.foreseen import UNTAGGED
from ....spec.reference import Reference, is_id, parse_normalized
from . import named_image
from .named_image import ABSENT, CURRENT, OUTDATED


@dataclass(frozen=True)
class Declared:
    """An image by a name or id, and its further names; ``keep`` leaves those other images have."""

    source: str
    targets: tuple[Reference, ...]
    keep: bool


@dataclass(frozen=True)
class Target:
    """A name: whether it is that of the image (CURRENT), of another one (OUTDATED), or of none."""

    name: str
    status: str
    local: Optional[Local]


@dataclass(frozen=True)
class Tags:
    """The image, and its names as they are and as they are planned."""

    source: str
    local: Optional[Local]
    targets: tuple[Target, ...]
    planned: bool = False


@dataclass(frozen=True)
class Tag(Step[Tags]):
    """Give the image one of the names, taking it away from another one."""

    source: str
    target: Reference

    def describe(self) -> str:
        return f"Tagged image {_shown(self.source)} as {self.target.familiar}"

    def after(self, have: Tags) -> Tags:
        targets = tuple(
            replace(one, status=CURRENT) if one.name == self.target.canonical else one
            for one in have.targets
        )
        return replace(have, targets=targets, planned=True)

    def execute(self, host: Host) -> None:
        image = store.find(host.layout, self.source)
        if image is None:
            raise _missing(self.source)
        tag(host.layout, image, self.target)


def _shown(source: str) -> str:
    return source if is_id(source) else parse_normalized(source).familiar


def tag(layout: Layout, image: store.Image, target: Reference) -> None:
    """Give an image of the store a name. What its repository's registry is known to serve it as
    holds for the new name too.
    """
    own = f"{target.repository}@"
    digests = [pair for pair in image.repo_digests if pair.startswith(own)]
    index.tag(layout, target, image.manifest, digests=digests)


def target_of(option: str, text: str, tag: Optional[str] = None) -> Reference:
    """A name to give to an image; ``tag`` is for one that has none, ``option`` says where it
    stands.
    """
    if named_image.is_whole_id(text):
        raise Error(f"{option} must not be an image ID; got: {text}")
    reference = named_image.reference_of({"name": text, "tag": tag})
    if reference.digest:
        raise Error(f"{option} must not have a digest; got: {text[:300]}")
    return reference


def declare(params: Mapping[str, Any]) -> Declared:
    """Options of image_tag: name, tag, repository, existing_images."""
    text, tag = str(params["name"]), params.get("tag")
    if not (named_image.is_whole_id(text) or (is_id(text) and not tag)):
        text = named_image.reference_of(params).canonical
    given = params.get("repository") or ()
    wanted = (target_of(f"repository[{i}]", str(one), tag) for i, one in enumerate(given, 1))
    targets = {one.canonical: one for one in wanted}
    if not targets:
        raise Error("repository must contain at least one name")
    return Declared(text, tuple(targets.values()), params.get("existing_images") == "keep")


def observe(host: Host, declared: Declared) -> Tags:
    local = expected.find(host, declared.source)
    targets = []
    for reference in declared.targets:
        there = expected.named(host, reference)
        status = ABSENT if there is None else OUTDATED
        if there is not None and (local is None or _same(there, local)):
            status = CURRENT
        targets.append(Target(reference.canonical, status, there))
    return Tags(declared.source, local, tuple(targets))


def _same(one: Local, other: Local) -> bool:
    """Whether two are one image, by ids where both are known, else by digests."""
    if one.id and other.id:
        return one.id == other.id
    return bool(one.known_as & other.known_as)


def _missing(source: str) -> NotFound:
    return NotFound(f"No such image: {source}", hint="pull, import or load it first")


def plan(declared: Declared, have: Tags) -> Plan[Tags]:
    kept = (CURRENT, OUTDATED) if declared.keep else (CURRENT,)
    wanted = {reference.canonical: reference for reference in declared.targets}
    steps = [
        Tag(declared.source, wanted[target.name])
        for target in have.targets
        if target.status not in kept
    ]
    unmet = () if have.local is not None else (Failing(_missing(declared.source)),)
    return Plan(have, tuple(steps), unmet)


def view(found: Tags) -> dict[str, Any]:
    return {"name": found.source, "names": {one.name: one.status for one in found.targets}}


def diff(planned: Plan[Tags], found: Tags) -> dict[str, Any]:
    """Which image each name is of, in community.docker's words."""

    def images(tags: Tags) -> list[dict[str, Any]]:
        told = []
        for one in tags.targets:
            local = tags.local if one.status == CURRENT else one.local
            name = parse_normalized(one.name)
            known = {"name": name.familiar_repository, "tag": name.tag}
            told.append({**known, **named_image.shown(local)})
        return told

    return {
        "before": {"name": planned.have.source, "images": images(planned.have)},
        "after": {"name": planned.have.source, "images": images(planned.want)},
    }


def result(host: Host, found: Tags) -> dict[str, Any]:
    if found.local is None:
        return {"image": {}}
    if found.local.image is None:
        return {"image": documents.foretold([parse_normalized(found.source)], found.local.id)}
    # A check-mode run tells the names that the image would have besides.
    given = {one.name for one in found.targets if one.status == CURRENT}
    image = replace(found.local.image, names=tuple(sorted({*found.local.image.names, *given})))
    return {"image": documents.inspect(host.layout, image)}


def report(host: Host, planned: Plan[Tags]) -> dict[str, Any]:
    """Result tagged_images: the names that were given."""
    steps = (step for step in planned.steps if isinstance(step, Tag))
    return {"tagged_images": [step.target.familiar for step in steps]}


def predict(found: Tags) -> dict[str, dict[str, Any]]:
    """The names that change hands, and the images that lose their last one."""
    local = found.local
    if not found.planned or local is None:
        return {}
    value = foreseen.as_image(local.id, local.digest)
    given = [one for one in found.targets if one.status == CURRENT]
    lost: dict[str, Any] = {}
    names = {one.name for one in given}
    for one in given:
        old = one.local
        if old is None or _same(old, local) or set(old.names) - names:
            continue
        if old.id or old.digest:
            lost[old.id or old.digest] = foreseen.as_image(old.id, old.digest)
    return {"image": dict.fromkeys(sorted(names), value), **({UNTAGGED: lost} if lost else {})}


RESOURCE: Resource[Declared, Tags] = Resource(
    observe=observe,
    plan=plan,
    view=view,
    diff=diff,
    result=result,
    lock=lambda declared: named_image.lock(declared.targets[0].canonical),
    predict=predict,
    report=report,
)
