# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Where shared build caches are: images of a registry, and OCI image layouts in directories.

What is read is believed in one thing only, which step a layer is of: whoever can write to a cache
decides that, so a build uses those alone that its owner names. Digests and sizes are verified on
the way into the store, and where the host's policy wants images of a registry signed, caches are
images.
"""

from __future__ import annotations

import contextlib
import os
import stat
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Callable

from ...base import files, progress
from ...base.errors import Error, NotFound
from ...base.frozen import dataclass
from ...base.layout import Layout
from ...image import signatures, transfer
from ...image.access import OF_HOST, connect, first, sources_of
from ...image.store import blobs
from ...image.store.step_cache import Kept
from ...kernel import safefs
from ...plan.plan import Host
from ...spec import oci
from ...spec.oci import Descriptor
from ...spec.reference import parse_normalized
from ..asked.cache import LOCAL, Place
from . import form

_INDEX, _LAYOUT = "index.json", "oci-layout"
_CHUNK = 1 << 20


@dataclass(frozen=True)
class Cache:
    """One that is open: its steps by key, and what brings a layer of one into the store."""

    steps: Mapping[str, Kept]
    bring: Callable[[Descriptor], None]


def opened(host: Host, place: Place) -> contextlib.AbstractContextManager[Cache]:
    """The cache at a place. Raises NotFound, NotACache, Unreachable, or Error."""
    return _of_directory(host, place) if place.kind == LOCAL else _of_registry(host, place)


def write(host: Host, place: Place, steps: Mapping[str, Kept]) -> None:
    """Leave a cache of these steps, whose layers are in the store, in place of the one that has the
    same tag. The caller holds a lease. Raises Error.
    """
    described = blobs.put(host.layout, form.config(steps), form.CONFIG)
    layers = form.layers(steps)
    data = form.document(described, layers)
    act = _to_directory if place.kind == LOCAL else _to_registry
    act(host, place, (*layers, described), data)


# --- registries ------------------------------------------------------------------------------


@contextlib.contextmanager
def _of_registry(host: Host, place: Place) -> Iterator[Cache]:
    layout, reference = host.layout, parse_normalized(place.where)
    with sources_of(host, reference.domain, OF_HOST) as sources:
        found, data = first(sources, lambda r: r.manifest(reference.path, reference.wanted))
        described, known = form.read_manifest(data, place.where)
        signatures.verified(layout, sources, reference, found.digest, OF_HOST)

        def bring(layer: Descriptor) -> None:
            thing = progress.named(layer.digest)
            count = host.counting(thing, progress.DOWNLOADING, layer.size)
            transfer.fetch_blob(layout, sources, reference.path, layer, count)
            host.show(thing, progress.PULLED)

        transfer.fetch_blob(layout, sources, reference.path, described)
        yield Cache(form.read_config(blobs.read(layout, described), known, place.where), bring)


def _to_registry(host: Host, place: Place, content: tuple[Descriptor, ...], data: bytes) -> None:
    reference = parse_normalized(place.where)
    with connect(host, reference.domain, OF_HOST) as registry:
        with contextlib.suppress(NotFound):
            if registry.resolve(reference.path, reference.wanted).digest == oci.digest_of(data):
                return

        def offer(one: Descriptor) -> None:
            if registry.has_blob(reference.path, one.digest):
                return
            thing = progress.named(one.digest)
            count = host.counting(thing, progress.PUSHING, one.size)
            registry.upload_blob(reference.path, one, host.layout.blob(one.digest), count=count)
            host.show(thing, progress.PUSHED)

        with transfer.side_by_side(offer, {one.digest: one for one in content}) as futures:
            for future in futures.values():
                future.result()
        registry.put_manifest(reference.path, reference.wanted, oci.MANIFEST, data)


# --- directories -----------------------------------------------------------------------------


@contextlib.contextmanager
def _of_directory(host: Host, place: Place) -> Iterator[Cache]:
    with safefs.Root(place.where, label=place.where) as root:
        entries = _entries(root.read_bytes(_INDEX, blobs.DOCUMENT_LIMIT), place.where)
        chosen = [
            one
            for one in entries
            if one.digest == place.digest
            or (not place.digest and one.annotations.get(oci.REF_NAME) == place.tag)
        ]
        if not chosen:
            raise NotFound(f"{place.where} has no cache {place.digest or place.tag}")
        if chosen[0].media_type != oci.MANIFEST:
            raise form.NotACache(f"{place.where} is not a build cache of this engine")
        described, known = form.read_manifest(_document(root, chosen[0]), place.where)
        steps = form.read_config(_document(root, described), known, place.where)
        yield Cache(steps, lambda layer: _copy_in(host.layout, root, layer))


def _entries(data: bytes, where: str) -> list[Descriptor]:
    listed = oci.load(data, f"{where}/{_INDEX}").get("manifests")
    if not isinstance(listed, list):
        raise Error(f"{where}/{_INDEX} is not the index of an image layout")
    return [
        Descriptor.parse(entry, f"{where}/{_INDEX}: manifests[{number}]")
        for number, entry in enumerate(listed)
    ]


def _document(root: safefs.Root, described: Descriptor) -> bytes:
    blobs.check_supported(described, root.path)
    data = root.read_bytes(_blob(described), blobs.DOCUMENT_LIMIT)
    if oci.digest_of(data) != described.digest:
        raise Error(f"{root.path}/{_blob(described)} does not match its digest")
    return data


def _blob(described: Descriptor) -> str:
    return f"blobs/sha256/{described.digest.partition(':')[2]}"


def _copy_in(layout: Layout, root: safefs.Root, layer: Descriptor) -> None:
    if blobs.has(layout, layer):
        return
    found = root.open(_blob(layer), os.O_PATH)
    try:
        if not stat.S_ISREG(os.fstat(found).st_mode):
            raise Error(f"{root.path}/{_blob(layer)} is not a regular file")
        with (
            open(f"/proc/self/fd/{found}", "rb", buffering=0) as file,
            blobs.writing(layout) as out,
        ):
            while out.total <= layer.size and (data := file.read(_CHUNK)):
                out.write(data)
            if (out.digest, out.total) != (layer.digest, layer.size):
                raise Error(f"{root.path}/{_blob(layer)} does not match its digest")
            out.publish(layer.media_type)
    finally:
        os.close(found)


def _to_directory(host: Host, place: Place, content: tuple[Descriptor, ...], data: bytes) -> None:
    top = Path(place.where)
    lock = host.layout.lock("cache", oci.digest_of(os.fsencode(top)).partition(":")[2])
    with files.lock(lock):
        others = _others(top, place)
        for directory in (top, top / "blobs", top / "blobs" / "sha256"):
            directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        for one in content:
            _copy_out(host.layout, one, top / _blob(one))
        described = Descriptor(
            oci.MANIFEST, oci.digest_of(data), len(data), {oci.REF_NAME: place.tag}
        )
        files.write_atomic(top / _blob(described), data)
        files.write_atomic(top / _LAYOUT, b'{"imageLayoutVersion":"1.0.0"}')
        document: dict[str, Any] = {
            "schemaVersion": 2,
            "mediaType": oci.INDEX,
            "manifests": [one.document() for one in (*others, described)],
        }
        files.write_json(top / _INDEX, document)


def _others(top: Path, place: Place) -> list[Descriptor]:
    """The other caches of a directory. Raises Error for one with something else in it."""
    try:
        names = os.listdir(top)
    except FileNotFoundError:
        return []
    if _INDEX not in names:
        if names:
            raise Error(
                f"{top} is neither empty nor an image layout", hint="name another directory"
            )
        return []
    with safefs.Root(top) as root:
        entries = _entries(root.read_bytes(_INDEX, blobs.DOCUMENT_LIMIT), place.where)
    return [one for one in entries if one.annotations.get(oci.REF_NAME) != place.tag]


def _copy_out(layout: Layout, one: Descriptor, path: Path) -> None:
    with contextlib.suppress(FileNotFoundError):
        if path.stat().st_size == one.size:
            return
    with files.replacing(path) as fd, blobs.open_verified(layout, one) as reader:
        while data := reader.read(_CHUNK):
            files.write_all(fd, data)
