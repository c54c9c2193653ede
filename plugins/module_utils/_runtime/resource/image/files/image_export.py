# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Exporting as a resource: a file on the host that should be the archive of these images."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Optional

from ....base import files
from ....base.errors import Error, NotFound
from ....base.frozen import dataclass, replace
from ....image import expected
from ....image.archive import inventory, members, save
from ....image.archive.save import Chosen
from ....image.expected import Local
from ....image.show import documents
from ....image.store import platform, store
from ....image.store.platform import Platform
from ....plan.plan import Failing, Host, Plan, Resource, Step
from ....records import foreseen
from ....spec.reference import is_id
from ..names import named_image
from ..names.named_image import ABSENT, CURRENT, OUTDATED


@dataclass(frozen=True)
class Declared:
    """An archive at ``path`` of the images that ``names`` mean; an id gives an image no name."""

    path: Path
    names: tuple[str, ...]
    tag: str
    form: str
    force: bool
    platform: Optional[Platform] = None


@dataclass(frozen=True)
class Found:
    """An image that should be in the archive, under these names; ``asked`` are the places at which
    the task names it.
    """

    local: Local
    names: tuple[str, ...]
    asked: tuple[int, ...] = ()


@dataclass(frozen=True)
class State:
    """The file at a path, compared with what was declared."""

    path: Path
    status: str
    images: tuple[Found, ...]
    unmet: tuple[str, ...] = ()


@dataclass(frozen=True)
class Export(Step[State]):
    """Write the archive beside its place, and rename it."""

    declared: Declared
    images: tuple[Found, ...]

    def describe(self) -> str:
        names = ", ".join(self.declared.names)
        return f"export image {names} to {self.declared.path}"

    def after(self, have: State) -> State:
        return replace(have, status=CURRENT)

    def execute(self, host: Host) -> None:
        images = self.images
        if any(found.local.image is None for found in images):
            # Steps before this one have made them meanwhile.
            images = observe(host, self.declared).images
        chosen = tuple(
            Chosen(found.local.image, found.names)
            for found in images
            if found.local.image is not None
        )
        with store.lease(host.layout):
            write(host, self.declared.path, self.declared.form, chosen)


def write(host: Host, path: Path, form: str, chosen: tuple[Chosen, ...]) -> None:
    """Replace a file by an archive of these images as a whole, readable by root alone."""
    with files.replacing(path) as fd:
        save.write(host, form, chosen, fd)


def declare(params: Mapping[str, Any]) -> Declared:
    """Options of image_export: names, tag, path, format, force and platform."""
    names = tuple(str(name) for name in params["names"])
    if not names:
        raise Error("names is empty", hint="specify at least one image")
    wanted = params.get("platform")
    return Declared(
        path=Path(os.path.abspath(os.path.expanduser(str(params["path"])))),
        names=names,
        tag=str(params.get("tag") or "latest"),
        form=str(params.get("format") or inventory.DOCKER),
        force=bool(params.get("force")),
        platform=platform.parse_platform(wanted) if wanted else None,
    )


def observe(host: Host, declared: Declared) -> State:
    """Find the images, and read the documents of what is at the path."""
    images, unmet = _find(host, declared)
    status = _compare(host, declared, images)
    if not declared.path.parent.is_dir():
        unmet.append(f"the directory {declared.path.parent} does not exist on this host")
    if declared.path.is_dir():
        raise Error(f"{declared.path} is a directory", hint="path must be the file of the archive")
    return State(declared.path, status, images, tuple(unmet))


def _find(host: Host, declared: Declared) -> tuple[tuple[Found, ...], list[str]]:
    """The images, each once with all the names it was given by; and what keeps one from it."""
    found: dict[str, Found] = {}
    unmet: list[str] = []
    for place, text in enumerate(declared.names):
        name, local = _named(host, text, declared.tag)
        if local is None:
            missing = NotFound(
                f"No such image: {name or text}",
                hint="pull, load or import it first",
            )
            unmet.append(Failing(missing))
            continue
        if local.image is not None and store.missing(host.layout, local.image):
            unmet.append(f"the store lacks a layer of {name or text}; pull or load it again")
        if local.image is not None and declared.platform is not None:
            made_for = platform.of_image(local.image.config)
            if not platform.runs_on(made_for, declared.platform):
                unmet.append(f"{name or text} is an image for {made_for}, not {declared.platform}")
        # One whose id nobody knows yet is nobody's twin.
        key = local.id or text
        before = found.get(key, Found(local, ()))
        names = tuple(sorted({*before.names, *filter(None, [name])}))
        found[key] = replace(before, names=names, asked=(*before.asked, place))
    return tuple(found.values()), unmet


def _named(host: Host, text: str, tag: str) -> tuple[str, Optional[Local]]:
    """What a name means, and the name it has in the archive: "" where an id or a digest is given.

    Names go before ids, as in Docker.
    """
    bare = text[7:] if text.startswith("sha256:") else text
    if not text.startswith("sha256:") and len(bare) < 64:
        reference = named_image.reference_of({"name": text, "tag": tag})
        local = expected.named(host, reference)
        if local is not None or not is_id(text):
            return "" if reference.digest else reference.canonical, local
    return "", expected.find(host, text)


def _compare(host: Host, declared: Declared, images: tuple[Found, ...]) -> str:
    """Whether the file holds exactly these images; its layers are looked at, not read."""
    try:
        with members.opened(declared.path, members.spool_of(host.layout), whole=False) as there:
            contents = inventory.read(there)
            whole = not any(inventory.absent(there, image) for image in contents.images)
    except NotFound:
        return ABSENT
    except Error:
        # Whatever it is, it is not an archive of ours.
        return OUTDATED
    if contents.form != declared.form or contents.chosen or not whole:
        return OUTDATED
    keeps_manifests = declared.form == inventory.OCI
    have = {
        (image.id, image.manifest.digest if image.manifest else "", image.names)
        for image in contents.images
    }
    want = {
        (found.local.id, found.local.digest if keeps_manifests else "", found.names)
        for found in images
    }
    return CURRENT if have == want else OUTDATED


def plan(declared: Declared, have: State) -> Plan[State]:
    if have.status == CURRENT and not declared.force:
        return Plan(have)
    return Plan(have, (Export(declared, have.images),), have.unmet)


def view(found: State) -> dict[str, Any]:
    return {"path": str(found.path), "archive": found.status}


def result(host: Host, found: State) -> dict[str, Any]:
    """``images``: the image of each name the task gives, in the shape of docker image inspect."""
    images = {place: image for image in found.images for place in image.asked}
    return {
        "images": [
            documents.inspect(host.layout, image.local.image)
            if image.local.image is not None
            else {"Id": image.local.id, "RepoTags": list(image.names), "RepoDigests": []}
            for dummy, image in sorted(images.items())
        ]
    }


def predict(found: State) -> dict[str, dict[str, Any]]:
    """What a task that loads the archive later in the run would find in it."""
    if found.status != CURRENT:
        return {}
    images = tuple(foreseen.Packed(image.local.id, image.names) for image in found.images)
    return {"archive": {str(found.path): foreseen.as_archive(images)}}


RESOURCE: Resource[Declared, State] = Resource(
    observe=observe,
    plan=plan,
    view=view,
    result=result,
    lock=lambda declared: ("archive", named_image.lock(str(declared.path))[1]),
    predict=predict,
)
