# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which images an archive holds, read from its documents alone; its layers are read later.

Two forms, in a tar or a directory: what ``docker save`` writes (``manifest.json``, a config and
layers), and an OCI image layout (``oci-layout``, ``index.json``, blobs). Docker 25 and later write
both into one archive; then the layout is read, and the two must name the same images
(CVE-2021-41190). Ids are digests computed here, whatever files and directories are called
(CVE-2014-9358), and older layouts that can only be believed (``repositories``) are not read.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Optional

from ...base.errors import Error, NotFound
from ...base.frozen import dataclass, replace
from ...spec import oci
from ...spec.oci import Descriptor
from ...spec.reference import parse_normalized
from ..store import blobs, manifest, platform
from ..store.platform import Platform
from .members import Members

DOCKER, OCI = "docker", "oci"

LAYOUT, INDEX, DOCKER_INDEX = "oci-layout", "index.json", "manifest.json"

#: containerd's annotation, which Docker writes too: the whole name, where OCI's has the tag alone.
CONTAINERD_NAME = "io.containerd.image.name"

_IMAGES_LIMIT = 1000


@dataclass(frozen=True)
class Layer:
    """One layer of a packed image: its file, what it unpacks to, and in a layout its blob."""

    member: str
    diff_id: str
    blob: Optional[Descriptor] = None


@dataclass(frozen=True)
class Packed:
    """An image of an archive. ``names`` are whole references with their tags, in order.

    ``manifest`` is the one of a layout; docker save keeps none.
    """

    id: str
    names: tuple[str, ...]
    config: str
    made_for: Platform
    layers: tuple[Layer, ...]
    manifest: Optional[Descriptor] = None


@dataclass(frozen=True)
class Contents:
    """The images of an archive. ``chosen`` says that it holds others, for other platforms."""

    form: str
    images: tuple[Packed, ...]
    chosen: bool = False


def read(members: Members, wanted: Optional[Platform] = None) -> Contents:
    """The images of an archive; from those for several platforms the one that is ``wanted``.

    Without it that is the host's, and an image for a single platform is taken whatever it is for.
    Raises Error naming the archive.
    """
    with _in(members):
        if members.has(INDEX):
            _check_layout(members)
            found = _read_layout(members, wanted)
        elif members.has(DOCKER_INDEX):
            found = Contents(DOCKER, _merged(_read_docker(members)))
        elif members.has("repositories"):
            raise Error(
                "it was written by a Docker older than 1.10, whose image IDs cannot be verified",
                hint="load it with a current Docker and save it again",
            )
        else:
            raise Error(
                f"it has neither {DOCKER_INDEX} nor {INDEX}",
                hint="to make an image of a root filesystem, use image_import",
            )
        if not found.images:
            raise Error("it contains no image")
        for image in found.images:
            if wanted is not None and not platform.runs_on(image.made_for, wanted):
                raise Error(f"{_shown(image)} is an image for {image.made_for}, not for {wanted}")
        return found


def head(members: Members) -> dict[str, bytes]:
    """Every document of an archive, for all platforms: enough to plan by, on another host too."""
    with _in(members):
        if members.has(INDEX):
            _check_layout(members)
            for entry in _entries(members):
                for candidate in _candidates(members, entry):
                    # An attestation is not an image; of a platform's image only the index may be
                    # here: who reads this chooses neither.
                    with contextlib.suppress(Error):
                        _image(members, candidate)
        if members.has(DOCKER_INDEX):
            _read_docker(members)
    return dict(members.documents)


def absent(members: Members, image: Packed) -> tuple[str, ...]:
    """The files of an image's layers that the archive lacks, or has in another size."""
    lacking = []
    for layer in image.layers:
        try:
            size = members.size(layer.member)
        except NotFound:
            lacking.append(layer.member)
            continue
        if layer.blob is not None and layer.blob.size != size:
            lacking.append(layer.member)
    return tuple(lacking)


@contextlib.contextmanager
def _in(members: Members) -> Iterator[None]:
    try:
        yield
    except Error as exc:
        raise Error(f"{members.path}: {exc.message}", hint=exc.hint) from exc


def _shown(image: Packed) -> str:
    return ", ".join(image.names) or image.id


def _merged(images: Sequence[Packed]) -> tuple[Packed, ...]:
    """Each image once, with all its names; a name that means two images is refused."""
    found: dict[tuple[str, str], Packed] = {}
    meanings: dict[str, str] = {}
    for image in images:
        key = (image.id, image.manifest.digest if image.manifest else "")
        before = found.setdefault(key, image)
        found[key] = replace(before, names=tuple(sorted({*before.names, *image.names})))
        for name in image.names:
            if meanings.setdefault(name, image.id) != image.id:
                raise Error(f"it contains two images named {name}")
    return tuple(found.values())


def _tagged(text: str) -> str:
    """A name of an archive, whole; "" for one that names a digest, which is not a tag."""
    reference = parse_normalized(text)
    return "" if reference.digest else reference.canonical


# --- what docker save writes -----------------------------------------------------------------


def _read_docker(members: Members) -> list[Packed]:
    listed = oci.load_list(members.document(DOCKER_INDEX), DOCKER_INDEX)
    if len(listed) > _IMAGES_LIMIT:
        raise Error(f"{DOCKER_INDEX} lists {len(listed)} images, more than {_IMAGES_LIMIT}")
    return [
        _docker_image(members, entry, f"{DOCKER_INDEX}[{number}]")
        for number, entry in enumerate(listed)
    ]


def _docker_image(members: Members, entry: Any, where: str) -> Packed:
    if not isinstance(entry, dict):
        raise Error(f"{where} is not an object")
    names, files = _texts(entry, "RepoTags", where), _texts(entry, "Layers", where)
    config = entry.get("Config")
    if not isinstance(config, str):
        raise Error(f"{where}.Config is not the name of a file")
    if len(files) > manifest.LAYER_LIMIT:
        raise Error(f"{where} has {len(files)} layers, more than {manifest.LAYER_LIMIT}")
    data = members.document(config)
    document = manifest.parse_config(data, len(files), f"{where}: the config {config!a}")
    diff_ids = document["rootfs"].get("diff_ids") or []
    return Packed(
        id=oci.digest_of(data),
        names=tuple(sorted({name for name in map(_tagged, names) if name})),
        config=config,
        made_for=platform.of_image(document),
        layers=tuple(Layer(file, diff_id) for file, diff_id in zip(files, diff_ids)),
    )


def _texts(entry: Mapping[str, Any], key: str, where: str) -> list[str]:
    value = entry.get(key) or []
    if not isinstance(value, list) or not all(isinstance(text, str) for text in value):
        raise Error(f"{where}.{key} is not a list of strings")
    return value


# --- image layouts ---------------------------------------------------------------------------


def _check_layout(members: Members) -> None:
    document = oci.load(members.document(LAYOUT), LAYOUT)
    version = document.get("imageLayoutVersion")
    if not isinstance(version, str) or not version.startswith("1."):
        raise Error(f"{LAYOUT} has version {str(version)[:20]!a}; only 1.0.0 is supported")


def _read_layout(members: Members, wanted: Optional[Platform]) -> Contents:
    named: dict[str, list[Descriptor]] = {}
    for entry in _entries(members):
        named.setdefault(_name(entry), []).append(entry)
    images, chosen = [], False
    # Those without a name have nothing in common, so each stands for itself.
    groups = [(name, group) for name, group in named.items() if name]
    groups += [("", [entry]) for entry in named.get("", ())]
    for name, group in groups:
        found = [(entry, list(_candidates(members, entry))) for entry in group]
        candidates = {d.digest: d for dummy, several in found for d in several}
        only = len(candidates) == 1 and group[0].media_type in oci.MANIFEST_TYPES
        if only:
            descriptor = next(iter(candidates.values()))
        else:
            asked = wanted or platform.host_platform()
            descriptor = platform.choose(list(candidates.values()), asked, name or INDEX)
            chosen = True
        images.append(replace(_image(members, descriptor), names=(name,) if name else ()))
    merged = _merged(images)
    # What has a name needs no second entry without one.
    known = {image.id for image in merged if image.names}
    merged = tuple(image for image in merged if image.names or image.id not in known)
    if members.has(DOCKER_INDEX):
        _check_agreement(members, named)
    return Contents(OCI, merged, chosen)


def _check_agreement(members: Members, named: Mapping[str, Sequence[Descriptor]]) -> None:
    """Refuse an archive that is one thing to Docker and another to whoever reads layouts."""
    for image in _read_docker(members):
        for name in image.names or ("",):
            entries = named.get(name, ()) if name else [e for s in named.values() for e in s]
            ids = set()
            for entry in entries:
                for candidate in _candidates(members, entry):
                    with contextlib.suppress(Error):
                        ids.add(_image(members, candidate).id)
            if image.id not in ids:
                raise Error(
                    f"{DOCKER_INDEX} and {INDEX} disagree about {name or image.id}: "
                    "the file holds two different archives"
                )


def _entries(members: Members) -> list[Descriptor]:
    """The images index.json lists, those for several platforms as one entry."""
    document = oci.load(members.document(INDEX), INDEX)
    if "layers" in document or "config" in document:
        raise Error(f"{INDEX} is both an image and an index of images, which is not allowed")
    listed = document.get("manifests")
    if document.get("schemaVersion") != 2 or not isinstance(listed, list):
        raise Error(f"{INDEX} is not the index of an image layout")
    if len(listed) > _IMAGES_LIMIT:
        raise Error(f"{INDEX} lists {len(listed)} images, more than {_IMAGES_LIMIT}")
    found = [
        Descriptor.parse(entry, f"{INDEX}: manifests[{number}]")
        for number, entry in enumerate(listed)
    ]
    known = oci.INDEX_TYPES | oci.MANIFEST_TYPES
    return [entry for entry in found if entry.media_type in known]


def _name(entry: Descriptor) -> str:
    """The name of an entry. A word alone is a tag without a repository (image-spec,
    annotations.md), which names nothing here.
    """
    for key in (CONTAINERD_NAME, oci.REF_NAME):
        text = entry.annotations.get(key)
        if not isinstance(text, (str, type(None))):
            raise Error(f"{INDEX}: the annotation {key} is not a string")
        if text and (key == CONTAINERD_NAME or "/" in text or ":" in text):
            return _tagged(text)
    return ""


def _candidates(members: Members, entry: Descriptor) -> tuple[Descriptor, ...]:
    """The manifests an entry of index.json stands for."""
    if entry.media_type in oci.MANIFEST_TYPES:
        return (entry,)
    data = _blob(members, entry)
    return manifest.parse_index(data, entry.media_type, f"the index {entry.digest}")


def _blob(members: Members, descriptor: Descriptor) -> bytes:
    """A document of the layout, verified."""
    data = members.document(_member(descriptor))
    if len(data) != descriptor.size or oci.digest_of(data) != descriptor.digest:
        raise Error(f"the blob {descriptor.digest} does not match its digest")
    return data


def _member(descriptor: Descriptor) -> str:
    blobs.check_supported(descriptor, "a blob")
    return f"blobs/sha256/{descriptor.digest.partition(':')[2]}"


def _image(members: Members, descriptor: Descriptor) -> Packed:
    """One image of the layout, its manifest and config verified."""
    where = f"the manifest {descriptor.digest}"
    plain = replace(descriptor, annotations={}, platform=None)
    found = manifest.parse_manifest(_blob(members, descriptor), plain, where)
    data = _blob(members, found.config)
    config = manifest.parse_config(data, len(found.layers), f"the config {found.config.digest}")
    diff_ids = config["rootfs"].get("diff_ids") or []
    return Packed(
        id=found.config.digest,
        names=(),
        config=_member(found.config),
        made_for=platform.of_image(config),
        layers=tuple(
            Layer(_member(layer), diff_id, Descriptor(layer.media_type, layer.digest, layer.size))
            for layer, diff_id in zip(found.layers, diff_ids)
        ),
        manifest=plain,
    )
