# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Loading as a resource: an archive on the host, whose images should be here under its names.

Ids follow from the archive's documents, so a plan reads no layer. What is loaded is verified layer
by layer, and no image gets its name before all of them are whole.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Optional

from ....base.errors import Error, NotFound
from ....base.frozen import dataclass, replace
from ....image import expected
from ....image.archive import inventory, load
from ....image.archive.inventory import Packed
from ....image.archive.members import Members, opened, spool_of
from ....image.expected import Local
from ....image.show import documents
from ....image.store import platform, store
from ....image.store.platform import Platform
from ....plan.plan import Host, Plan, Resource, Step
from ....records import foreseen
from ....spec.reference import Reference, parse_normalized
from ..names import named_image
from ..names.named_image import ABSENT, CURRENT, OUTDATED


@dataclass(frozen=True)
class Declared:
    """An archive; ``name`` replaces the names its only image has there."""

    path: Path
    name: Optional[Reference]
    platform: Optional[Platform]


@dataclass(frozen=True)
class Wanted:
    """A name the archive gives an image, or its id where it gives none; and what is here of it.

    ``digest`` is that of its manifest, "" where the archive has none, or a mark that stands for it.
    """

    name: str
    id: str
    status: str
    local: Optional[Local] = None
    digest: str = ""
    #: Whether a plan brings it.
    planned: bool = False


@dataclass(frozen=True)
class State:
    """What an archive holds, compared with the host."""

    images: tuple[Wanted, ...]
    unmet: tuple[str, ...] = ()


@dataclass(frozen=True)
class Load(Step[State]):
    """Bring the images into the store, unpack them, and give them their names last."""

    declared: Declared
    images: tuple[Wanted, ...]

    def describe(self) -> str:
        names = [image.name for image in self.images if image.status != CURRENT]
        return f"Loaded image {', '.join(names) or 'from the archive'}"

    def after(self, have: State) -> State:
        return replace(have, images=tuple(map(_loaded, have.images)))

    def execute(self, host: Host) -> None:
        declared, layout = self.declared, host.layout
        with store.lease(layout), opened(declared.path, layout.tmp, whole=True) as members:
            images = _images(declared, members)
            if {(i.name, i.id) for i in self.images} != {(n, i) for n, i, dummy in _named(images)}:
                raise Error(
                    f"{declared.path} changed after it was read",
                    hint="run the task again when nothing is writing to it",
                )
            load.bring(host, members, images)


def _loaded(image: Wanted) -> Wanted:
    if image.status == CURRENT:
        return image
    digest = image.digest or named_image.mark("load", image.id)
    return replace(image, status=CURRENT, digest=digest, planned=True)


def declare(params: Mapping[str, Any]) -> Declared:
    """Options of image_load: path, name and platform."""
    if not params.get("path"):
        raise Error(
            "src is a file on the controller, which only the action plugin can read",
            hint="use path for a file on the host",
        )
    name, wanted = params.get("name"), params.get("platform")
    reference = parse_normalized(str(name)) if name else None
    if reference is not None and reference.digest:
        raise Error(f"{reference.canonical} names a digest; a loaded image needs a tag")
    return Declared(
        path=Path(os.path.abspath(os.path.expanduser(str(params["path"])))),
        name=reference,
        platform=platform.parse_platform(wanted) if wanted else None,
    )


def observe(host: Host, declared: Declared) -> State:
    """Read the archive's documents, and look for what it holds."""
    told = foreseen.told_archives(host).get(str(declared.path))
    try:
        if told is not None:
            found = _foretold(declared, told)
        else:
            with opened(declared.path, spool_of(host.layout), whole=False) as members:
                packed = _images(declared, members)
            _warn(host, declared, packed)
            found = _named(packed)
    except NotFound as exc:
        missing = NotFound(exc.message, hint="use src for a file on the controller")
        return State((), (str(missing),))
    return State(tuple(_compare(host, *image) for image in sorted(found)))


def _named(images: Sequence[Packed]) -> list[tuple[str, str, str]]:
    """Name, id and manifest digest of each; one without a name goes by its id."""
    return [
        (name, image.id, image.manifest.digest if image.manifest else "")
        for image in images
        for name in image.names or (image.id,)
    ]


def _compare(host: Host, name: str, image_id: str, digest: str) -> Wanted:
    if name == image_id:
        local = expected.find(host, image_id)
    else:
        local = expected.named(host, parse_normalized(name))
    if local is None:
        return Wanted(name, image_id, ABSENT, None, digest)
    whole = local.image is None or not store.missing(host.layout, local.image)
    current = whole and named_image.same(local.id, image_id)
    return Wanted(name, image_id, CURRENT if current else OUTDATED, local, digest)


def _images(declared: Declared, members: Members) -> tuple[Packed, ...]:
    """What to load of an archive, under which names."""
    found = inventory.read(members, declared.platform).images
    if declared.name is None:
        return found
    if len(found) > 1:
        raise Error(
            f"{declared.path} holds {len(found)} images, but name applies to a single one",
            hint="omit it to use the names in the archive",
        )
    return (replace(found[0], names=(declared.name.canonical,)),)


def _foretold(declared: Declared, told: Sequence[foreseen.Packed]) -> list[tuple[str, str, str]]:
    """What an archive will hold that an earlier task of a check-mode run would write."""
    found = []
    for image in told:
        names = [declared.name.canonical] if declared.name else image.names or [image.id]
        found += [(name, image.id, "") for name in names if name]
    return found


def _warn(host: Host, declared: Declared, images: Sequence[Packed]) -> None:
    own = platform.host_platform()
    for image in images:
        if image.made_for.os != own.os:
            raise platform.does_not_serve(image.made_for, ", ".join(image.names) or image.id)
        if declared.platform is None and not platform.runs_on(image.made_for, own):
            named = ", ".join(image.names) or image.id
            host.warn(f"{named} is an image for {image.made_for}, but this host is {own}")


def plan(declared: Declared, have: State) -> Plan[State]:
    if not have.unmet and all(image.status == CURRENT for image in have.images):
        return Plan(have)
    return Plan(have, (Load(declared, have.images),), have.unmet)


def view(found: State) -> dict[str, Any]:
    return {"images": {image.name: image.status for image in found.images}}


def result(host: Host, found: State) -> dict[str, Any]:
    """``image_names`` and ``stdout`` as docker load prints them, and ``images`` as docker image
    inspect does.
    """
    inspected: dict[str, dict[str, Any]] = {}
    for image in found.images:
        local = None if image.planned else image.local
        if local is not None and local.image is not None:
            inspected[image.id] = documents.inspect(host.layout, local.image)
        elif image.name != image.id:
            inspected[image.name] = documents.foretold([parse_normalized(image.name)], image.id)
        else:
            inspected[image.id] = {"Id": image.id, "RepoTags": [], "RepoDigests": []}
    names = [
        image.name if image.name == image.id else parse_normalized(image.name).familiar
        for image in found.images
    ]
    kinds = (" ID" if image.name == image.id else "" for image in found.images)
    said = (f"Loaded image{kind}: {name}" for kind, name in zip(kinds, names))
    return {
        "image_names": names,
        "stdout": "\n".join(said),
        "images": list(inspected.values()),
    }


def predict(found: State) -> dict[str, dict[str, Any]]:
    named: dict[str, Any] = {}
    untagged: dict[str, Any] = {}
    for image in found.images:
        if image.status != CURRENT:
            continue
        digest = image.digest
        if not image.planned and image.local is not None:
            digest = image.local.digest
        value = foreseen.as_image(image.id, digest)
        if image.name == image.id:
            untagged[image.id] = value
            continue
        named[image.name] = value
        before = named_image.State(
            image.name, CURRENT, image.local, image.id, digest, planned=image.planned
        )
        untagged.update(named_image.displaced(before).get(foreseen.UNTAGGED, {}))
    return {"image": named, **({foreseen.UNTAGGED: untagged} if untagged else {})}


RESOURCE: Resource[Declared, State] = Resource(
    observe=observe,
    plan=plan,
    view=view,
    result=result,
    lock=lambda declared: ("archive", named_image.lock(str(declared.path))[1]),
    predict=predict,
)
