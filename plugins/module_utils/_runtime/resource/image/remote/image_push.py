# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Pushing as a resource: a name, and whether its registry serves what the host has under it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ....base.errors import Error, NotFound
from ....base.frozen import dataclass, replace
from ....image import expected, transfer
from ....image.access import Access
from ....image.store import store
from ....plan.plan import Failing, Host, Plan, Resource, Step
from ....records import foreseen
from ....spec.reference import Reference
from ..names import named_image
from ..names.named_image import ABSENT, CURRENT, OUTDATED, State
from .pull_one import access_of


@dataclass(frozen=True)
class Declared:
    """An image that its registry should serve."""

    reference: Reference
    access: Access


@dataclass(frozen=True)
class Push(Step[State]):
    """Upload what the registry lacks of an image, and its manifest under the tag."""

    declared: Declared

    def describe(self) -> str:
        return f"Pushed image {self.declared.reference.familiar}"

    def after(self, have: State) -> State:
        return replace(have, status=CURRENT)

    def execute(self, host: Host) -> None:
        image = store.find_reference(host.layout, self.declared.reference)
        if image is None:
            raise _missing(self.declared.reference)
        try:
            transfer.push(host, image, self.declared.reference, self.declared.access)
        except Error as exc:
            raise _failed(self.declared.reference, exc) from exc


def declare(params: Mapping[str, Any]) -> Declared:
    """Options of image_push: name, tag, and those of the registry."""
    if named_image.is_whole_id(str(params["name"])):
        raise Error("Cannot push an image by ID")
    reference = named_image.reference_of(params)
    if reference.digest:
        raise Error("Cannot push an image by digest")
    return Declared(reference, access_of(params))


def observe(host: Host, declared: Declared) -> State:
    """Read the image here, and the digest the registry has under the name: one HEAD request."""
    reference = declared.reference
    name = reference.canonical
    local = expected.named(host, reference)
    found = State(name, ABSENT, local, place="registry")
    if local is None:
        return replace(found, unmet=(Failing(_missing(reference)),))
    told = foreseen.told_registries(host)
    if name in told:
        served = told[name] or ""
        current = named_image.same(local.digest, served)
        return replace(found, status=CURRENT if current else OUTDATED)
    try:
        served = transfer.resolve_for_push(host, reference, declared.access)
    except Error as exc:
        return replace(found, unmet=(str(_failed(reference, exc)),))
    if not served:
        return found
    # The digest of the index an image was chosen from counts too: pushing would replace it by one
    # part.
    current = served in local.known_as
    return replace(found, status=CURRENT if current else OUTDATED)


def _missing(reference: Reference) -> NotFound:
    return NotFound(f"Cannot find image {reference.familiar}")


def _failed(reference: Reference, why: Error) -> Error:
    return Error(f"Error pushing image {reference.familiar}: {why.message}", why.hint)


def plan(declared: Declared, have: State) -> Plan[State]:
    if have.status == CURRENT:
        return Plan(have)
    return Plan(have, (Push(declared),), have.unmet)


def result(host: Host, found: State) -> dict[str, Any]:
    """Besides the image, what its registry calls it: the manifest's digest, and its size in
    bytes.
    """
    image = found.local.image if found.local else None
    digest = {"digest": image.manifest.digest, "size": image.manifest.size} if image else {}
    return {**named_image.result(host, found), **digest}


def predict(found: State) -> dict[str, dict[str, Any]]:
    return {"registry": {found.name: found.local.digest if found.local else ""}}


RESOURCE: Resource[Declared, State] = Resource(
    observe=observe,
    plan=plan,
    view=named_image.view,
    result=result,
    lock=lambda declared: named_image.lock(declared.reference.canonical),
    predict=predict,
)
