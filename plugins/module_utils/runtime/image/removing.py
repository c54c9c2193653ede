# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Removing as a resource: a name, a digest or an id that shall name no image on the host.

As in Docker, an image goes with its last name. One that containers were made from needs force for
that, and then stays without a name until the last of them is gone, since they stand on its layers.
"""

from __future__ import annotations

import contextlib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Optional

from ..container import record
from ..errors import Conflict, Error, NotFound
from ..layout import Layout
from ..plan import Host, Plan, Resource, Step
from ..reference import Reference, is_id
from . import index, state, store
from .state import ABSENT, PRESENT, Local, State


@dataclass(frozen=True)
class Declared:
    """What shall name no image; ``reference`` is None when ``text`` is an id."""

    text: str
    reference: Optional[Reference]
    force: bool

    @property
    def name(self) -> str:
        return self.reference.canonical if self.reference else self.text


@dataclass(frozen=True)
class Remove(Step[State]):
    """Take the name away, and what nothing refers to any more."""

    declared: Declared

    def describe(self) -> str:
        return f"remove image {self.declared.name}"

    def after(self, have: State) -> State:
        return replace(have, status=ABSENT, planned=True)

    def execute(self, host: Host) -> None:
        layout = host.layout
        image = store.find(layout, self.declared.text)
        if image is not None and self.declared.reference is None:
            index.forget(layout, [m.digest for m in store.manifests_of(layout, image)])
        elif self.declared.reference is not None:
            used = image is not None and bool(_users(host, image.id, ""))
            index.untag(layout, self.declared.reference, keep_unnamed=used)
        collect(layout)


def collect(layout: Layout) -> tuple[str, ...]:
    """Remove what neither an image nor a container needs; returns digests and chain ids."""
    kept = {chain_id for found in record.records(layout) for chain_id in found.layers}
    return store.collect(layout, kept)


def declare(params: Mapping[str, Any]) -> Declared:
    """Options name (a name, a digest or an id), tag and force_absent."""
    text = str(params["name"])
    if is_id(text) and (text.startswith("sha256:") or len(text) == 64):
        return Declared(text, None, bool(params.get("force_absent")))
    reference = state.reference_of(params)
    return Declared(reference.canonical, reference, bool(params.get("force_absent")))


def observe(host: Host, declared: Declared) -> State:
    """Read the image, and which containers were made from it."""
    if declared.reference is not None:
        local = state.here(host, declared.reference)
    else:
        local = state.find(host, declared.text)
    if local is None:
        return State(declared.name, ABSENT)
    users = _users(host, local.id, declared.name)
    others = _other_names(local, declared.name)
    found = State(declared.name, PRESENT, local, local.id, users=users)
    if declared.reference is None and users:
        return replace(found, unmet=(str(_used(declared, users)),))
    if declared.reference is None and len(others) > 1 and not declared.force:
        error = Conflict(
            f"image {declared.text} has the names {', '.join(others)}",
            hint="remove them by name, or set force_absent",
        )
        return replace(found, unmet=(str(error),))
    if users and not others and not declared.force:
        return replace(found, unmet=(str(_used(declared, users)),))
    return found


def _used(declared: Declared, users: tuple[str, ...]) -> Error:
    hint = "remove the containers first"
    return Conflict(
        f"image {declared.name} is used by container {', '.join(users)}",
        hint=f"{hint}, or set force_absent" if declared.reference else hint,
    )


def _other_names(local: Local, name: str) -> tuple[str, ...]:
    if local.image is None:
        return ()
    return tuple(other for other in local.image.names if other != name)


def _users(host: Host, image_id: str, name: str) -> tuple[str, ...]:
    """The containers made from an image, those an earlier task of the run predicted included."""
    predicted = host.predicted.get("container", {})
    found = set()
    for known in record.records(host.layout):
        if known.name not in predicted:
            # A container that is being removed at this moment uses nothing any more.
            with contextlib.suppress(NotFound):
                if image_id and record.read_spec(host.layout, known.id).image_id == image_id:
                    found.add(known.name)
    for container, value in predicted.items():
        spec_of = (value or {}).get("spec") or {}
        if spec_of.get("image_id") == image_id != "" or spec_of.get("image") == name != "":
            found.add(container)
    return tuple(sorted(found))


def plan(declared: Declared, have: State) -> Plan[State]:
    if have.status == ABSENT:
        return Plan(have)
    return Plan(have, (Remove(declared),), have.unmet)


def predict(found: State) -> dict[str, dict[str, Any]]:
    if found.status != ABSENT:
        return {}
    names = {found.name}
    if found.local is not None and found.local.image is not None and is_id(found.name):
        names = set(found.local.image.names)
    return {"image": dict.fromkeys(sorted(names))}


RESOURCE: Resource[Declared, State] = Resource(
    observe=observe,
    plan=plan,
    view=state.view,
    result=state.result,
    lock=lambda declared: state.lock(declared.name),
    predict=predict,
)
