# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Removing as a resource: a name, a digest or an ID that should refer to no image on the host.

As in Docker, an image goes with its last name. One that containers were made from needs force for
that, and then stays without a name until the last of them is gone, because they use its layers.
"""

from __future__ import annotations

import contextlib
from collections.abc import Collection, Mapping
from typing import Any, Optional

from ....base.errors import Conflict, Error
from ....base.frozen import dataclass, replace
from ....base.layout import Layout
from ....image import expected
from ....image.expected import Local
from ....image.show import documents
from ....image.store import index, lineage, step_cache, store
from ....image.store.blobs import Damaged
from ....image.store.store import Image
from ....plan.plan import Failing, Host, Plan, Resource, Step
from ....records import container_record, foreseen
from ....records.foreseen import UNTAGGED
from ....spec.reference import Reference, is_id, parse_normalized
from . import named_image
from .named_image import ABSENT, PRESENT, Removal, State

#: As long as the ids that Docker shows. The task that removes the image named ``cafe`` must not
#: find, the next time, that some image's id begins so.
_SHORT_ID = 12


@dataclass(frozen=True)
class Declared:
    """What should refer to no image: ``reference``, or where none of this name is there, ``id``,
    which is an id or the start of one. ``prune`` takes along the untagged images it was made from.
    """

    reference: Optional[Reference]
    id: str
    force: bool
    prune: bool

    @property
    def name(self) -> str:
        return self.reference.canonical if self.reference else self.id


@dataclass(frozen=True)
class Remove(Step[State]):
    """Remove the name, and what nothing refers to any more."""

    name: str
    reference: Optional[Reference]
    parents: tuple[str, ...]

    def describe(self) -> str:
        return f"Removed image {_shown(self.name)}"

    def after(self, have: State) -> State:
        return replace(have, status=ABSENT, planned=True)

    def execute(self, host: Host) -> None:
        layout = host.layout
        if self.reference is None:
            image = store.find(layout, self.name)
            if image is not None:
                forget(layout, image)
        else:
            image = None
            with contextlib.suppress(Damaged):
                image = store.find_reference(layout, self.reference)
            used = image is not None and bool(users(host, image.id, ""))
            index.untag(layout, self.reference, keep_unnamed=used)
        for parent in self.parents:
            image = store.find(layout, parent)
            if image is not None and not (image.names or users(host, image.id, "")):
                forget(layout, image)
        collect(layout)


def _shown(name: str) -> str:
    return name if is_id(name) else parse_normalized(name).familiar


def forget(layout: Layout, image: Image) -> None:
    """Take an image out of the store under all its names; collect() removes its content."""
    index.forget(layout, [manifest.digest for manifest in store.manifests_of(layout, image)])


def collect(layout: Layout) -> tuple[str, ...]:
    """Remove what neither an image nor a container needs; returns digests and chain ids."""
    return store.collect(layout, pinned(layout))


def pinned(layout: Layout) -> set[str]:
    """The chain ids that containers stand on, or that the next build may."""
    return {
        chain_id
        for found in container_record.records(layout)
        for chain_id in container_record.pinned(found)
    } | {kept.chain_id for kept in step_cache.entries(layout).values()}


def declare(params: Mapping[str, Any]) -> Declared:
    """Options of image_remove: name (a name, a digest, an id or the start of one), tag, force,
    prune; and force_absent of image.
    """
    text = str(params["name"])
    force = bool(params.get("force") or params.get("force_absent"))
    prune = bool(params.get("prune", True))
    if named_image.is_whole_id(text) or text.startswith("sha256:"):
        return Declared(None, text, force, prune)
    if not is_id(text) or params.get("tag") or len(text) < _SHORT_ID:
        text = ""
    return Declared(named_image.reference_of(params), text, force, prune)


def observe(host: Host, declared: Declared) -> State:
    """Read the image, which containers were made from it, and what goes with it."""
    reference = declared.reference
    local = expected.named(host, reference) if reference else None
    if local is None and declared.id:
        local, reference = expected.find(host, declared.id), None
    if local is None:
        return _of_damaged(host, reference) or State(declared.name, ABSENT)
    name = reference.canonical if reference else local.id
    found = State(name, PRESENT, local, local.id, users=_all_users(host, local))
    others = tuple(other for other in local.names if other != name)
    if reference is not None:
        if found.users and not others and not declared.force:
            return replace(found, unmet=(Failing(_used(found)),))
    elif found.users:
        return replace(found, unmet=(Failing(_used(found)),))
    elif len(others) > 1 and not declared.force:
        error = Conflict(
            f"image {declared.id} has other names: {', '.join(others)}",
            hint="remove them by name, or set force: true",
        )
        return replace(found, unmet=(Failing(error),))
    if local.image is None:
        return replace(found, removal=Removal((name, *_unserved(local, name)) if reference else ()))
    return replace(found, removal=_removal(host, declared, reference, local, local.image))


def _of_damaged(host: Host, reference: Optional[Reference]) -> Optional[State]:
    """The name of an image whose documents nobody can read: it goes, and what was of the image
    alone with it.
    """
    name = "" if reference is None else index.name_of(reference)
    if not name or foreseen.told_images(host).gone(name):
        return None
    if all(entry.name != name for entry in index.entries(host.layout)):
        return None
    return State(name, PRESENT, removal=Removal((name,)))


def _unserved(local: Local, name: str) -> list[str]:
    """The ``repository@digest`` of an earlier task's push that goes with a name."""
    kept = {pair for other, pair in local.pushed if other != name}
    return [pair for other, pair in local.pushed if other == name and pair not in kept]


def _removal(
    host: Host, declared: Declared, reference: Optional[Reference], local: Local, image: Image
) -> Removal:
    """What removing an image from the store removes, in the steps of Remove."""
    layout = host.layout
    manifests = {manifest.digest for manifest in store.manifests_of(layout, image)}
    entries = index.entries(layout)
    if reference is None:
        left = [entry for entry in entries if entry.manifest.digest not in manifests]
    else:
        left = index.without(entries, reference, bool(_all_users(host, local)))
    staying = [entry for entry in left if entry.manifest.digest in manifests]
    names = {entry.name for entry in staying}
    digests = {pair for entry in staying for pair in entry.digests}
    untagged = (
        *(name for name in image.names if name not in names),
        *(pair for pair in image.repo_digests if pair not in digests),
    )
    if reference is not None:
        pushed = _unserved(local, reference.canonical)
        untagged += tuple(pair for pair in pushed if pair not in (*digests, *untagged))
    if staying or set(local.names) - set(image.names):
        return Removal(untagged)
    everything = [one for one in store.all_images(layout) if not expected.is_gone(host, one)]
    going = [image]
    for parent in lineage.parents(everything, image) if declared.prune else ():
        rest = [one for one in everything if one not in going]
        # As in Docker, the first that is still of use keeps those before it.
        if parent.names or parent.repo_digests or lineage.has_child(rest, parent):
            break
        if users(host, parent.id, ""):
            break
        going.append(parent)
    rest = [one for one in everything if one not in going]
    chain_ids = lineage.freed(going, rest, pinned(layout))
    return Removal(untagged, tuple(going), tuple(chain_ids))


def _used(found: State) -> Error:
    return Conflict(
        f"image {found.name} is used by container {', '.join(found.users)}",
        hint="remove the containers first"
        + ("" if is_id(found.name) else ", or set force: true: it then stays as a dangling image"),
    )


def _all_users(host: Host, local: Local) -> tuple[str, ...]:
    found = set(users(host, local.id, ""))
    for name in local.names:
        found |= set(users(host, local.id, name))
    return tuple(sorted(found))


def users(host: Host, image_id: str, name: str) -> tuple[str, ...]:
    """The containers made from an image, those an earlier task of the run predicted included."""
    found = set()
    for one in foreseen.containers(host):
        known = one.record.images if one.record is not None and not one.told else ()
        ids = (one.spec.image_id, *(image.id for image in known))
        # One that is to be made from an image that comes only now knows its name alone.
        by_name = one.told and one.spec.image == name != ""
        if by_name or (image_id in ids and image_id):
            found.add(one.name)
    return tuple(sorted(found))


def plan(declared: Declared, have: State) -> Plan[State]:
    if have.status == ABSENT:
        return Plan(have)
    reference = None if declared.reference is None or is_id(have.name) else declared.reference
    parents = tuple(image.id for image in have.removal.images[1:])
    return Plan(have, (Remove(have.name, reference, parents),), have.unmet)


def predict(found: State) -> dict[str, dict[str, Any]]:
    if found.status != ABSENT:
        return {}
    local, removal = found.local, found.removal
    if local is None:
        return {"image": dict.fromkeys(removal.untagged)} if removal.untagged else {}
    gone = {name for name in (*removal.untagged, found.name) if not is_id(name)}
    untagged: dict[str, Any] = {image.id: None for image in removal.images}
    left = set(local.names) - gone
    if found.users and not left and (local.id or local.digest):
        untagged[local.id or local.digest] = foreseen.as_image(local.id, local.digest)
    return {"image": dict.fromkeys(sorted(gone)), **({UNTAGGED: untagged} if untagged else {})}


def report(host: Host, planned: Plan[State]) -> dict[str, Any]:
    """Results of image_remove: image (as it was), untagged, deleted."""
    have, removal = planned.have, planned.have.removal
    document: dict[str, Any] = {}
    if have.local is not None and have.local.image is not None:
        document = documents.inspect(host.layout, have.local.image)
    elif have.local is not None and not is_id(have.name):
        document = documents.foretold([parse_normalized(have.name)], have.id)
    if not planned.steps:
        removal = Removal()
    return {
        "image": document,
        "untagged": [parse_normalized(name).familiar for name in removal.untagged],
        "deleted": [*(image.id for image in removal.images), *removal.chain_ids],
    }


def diff(planned: Plan[State], found: State) -> dict[str, Any]:
    """The image with its names, in community.docker's words: all of them before, and what is left
    of them.
    """
    have, removal = planned.have, planned.have.removal
    local = have.local
    name = {"name": have.name}
    if local is None:
        there = bool(removal.untagged)
        return {"before": {**name, "exists": there}, "after": {**name, "exists": False}}
    digests = {pair for dummy, pair in local.pushed}
    if local.image is not None:
        digests.update(local.image.repo_digests)

    def told(gone: Collection[str]) -> dict[str, Any]:
        tags = [parse_normalized(one).familiar for one in local.names if one not in gone]
        pairs = [parse_normalized(one).familiar for one in digests if one not in gone]
        untold = {parse_normalized(n).repository for n in local.pushed_unknown if n not in gone}
        pairs += ["unknown"] * len(untold)
        return {**name, **named_image.shown(local), "tags": sorted(tags), "digests": sorted(pairs)}

    before = told(())
    if not planned.steps:
        return {"before": before, "after": before}
    after = told({*removal.untagged, have.name})
    # One that only an earlier task of the run would have made goes with its last name.
    if removal.images or (local.image is None and not after["tags"] and not have.users):
        after = {**name, "exists": False}
    return {"before": before, "after": after}


def differences(want: State, found: State) -> list[str]:
    """The view's name is an id while the image is there that was asked for by its start."""
    return [] if found.status == want.status else [f".image: {want.status!r} -> {found.status!r}"]


RESOURCE: Resource[Declared, State] = Resource(
    observe=observe,
    plan=plan,
    view=named_image.view,
    diff=diff,
    result=named_image.result,
    lock=lambda declared: named_image.lock(declared.name),
    predict=predict,
    verify=differences,
    report=report,
)
