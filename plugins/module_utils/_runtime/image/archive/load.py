# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Images from an archive into the store: every layer verified and unpacked, then the names.

What an image layout holds is kept byte by byte, so digests stay what they were. docker save keeps
layers uncompressed and no manifest, so they are compressed here, unless a layer of the same content
is in the store already, and get a manifest of ours. The ID, the digest of the config, is the same
in both.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Optional

from ...base import progress
from ...base.errors import Error
from ...base.frozen import replace
from ...base.layout import Layout
from ...plan.plan import Host
from ...spec import oci
from ...spec.oci import Descriptor
from ...spec.reference import Reference, parse_normalized
from ..build import assemble
from ..layer import compression
from ..layer.stream import Limits, Stream
from ..store import blobs, index, layers, store
from . import inventory
from .inventory import Layer, Packed
from .members import Members

#: Where an image is from that has no name: an index entry needs none.
_NOWHERE = ("docker.io", "library/unnamed")
#: What one layer may ask of us, as when it is pulled.
LAYER = Limits()
#: How much larger than its file an unpacked layer is expected to be, its blob included.
_EXPANSION = {compression.PLAIN: 2}
_COMPRESSED_EXPANSION = 4
_RESERVE_BYTES = 64 << 20
#: Who loads an archive waits for it; the next level takes twice the time for a hundredth less.
_GZIP_LEVEL = 1
_OCI_TYPES = {
    compression.PLAIN: oci.LAYER,
    compression.GZIP: oci.LAYER_GZIP,
    compression.ZSTD: oci.LAYER_ZSTD,
}


def bring(host: Host, members: Members, images: Sequence[Packed], limits: Limits = LAYER) -> None:
    """Have these images in the store under all their names. The caller holds a lease.

    Raises Error, with no name given, when a layer is missing or is not what it has to be.
    """
    for image in images:
        lacking = inventory.absent(members, image)
        if lacking:
            raise Error(
                f"{members.path} lacks the layer {lacking[0][:200]!a}, or has it with "
                f"a different size",
                hint="it is truncated or damaged; save it again",
            )
    layout = host.layout
    known = _known_layers(layout)
    _check_space(layout, members, images)
    manifests = [_bring(host, members, image, known, limits) for image in images]
    for image, descriptor in zip(images, manifests):
        _replace_broken(layout, image.id, descriptor)
    for image, descriptor in zip(images, manifests):
        for name in image.names:
            index.tag(layout, parse_normalized(name), descriptor)
        if not image.names and index.find_manifest(layout, descriptor.digest) is None:
            index.tag(layout, Reference(*_NOWHERE, None, descriptor.digest), descriptor)


def _known_layers(layout: Layout) -> dict[str, Descriptor]:
    """The layer blobs of the store by what they unpack to."""
    return {
        diff_id: layer
        for image in store.all_images(layout)
        for layer, diff_id in zip(image.layers, image.diff_ids)
        if blobs.has(layout, layer)
    }


def _check_space(layout: Layout, members: Members, images: Sequence[Packed]) -> None:
    """Refuse what cannot end well before it has filled the disk."""
    sizes = {}
    for image in images:
        chain = oci.chain_ids([layer.diff_id for layer in image.layers])
        for layer, chain_id in zip(image.layers, chain):
            if not layers.is_unpacked(layout, chain_id):
                factor = _EXPANSION.get(members.compression(layer.member), _COMPRESSED_EXPANSION)
                sizes[chain_id] = members.size(layer.member) * factor
    needed = sum(sizes.values()) + (_RESERVE_BYTES if sizes else 0)
    disk = os.statvfs(layout.root)
    free = disk.f_bavail * disk.f_frsize
    if free < needed:
        raise Error(
            f"{members.path} needs about {needed >> 20} MiB below {layout.root}, and "
            f"only {free >> 20} MiB are free",
            hint="free some space, or remove unused images",
        )


def _bring(
    host: Host,
    members: Members,
    image: Packed,
    known: Mapping[str, Descriptor],
    limits: Limits,
) -> Descriptor:
    """Blobs and unpacked layers of one image; returns its manifest."""
    layout = host.layout
    below: list[Path] = []
    kept = []
    for layer, chain_id in zip(image.layers, oci.chain_ids([one.diff_id for one in image.layers])):
        descriptor = layer.blob or known.get(layer.diff_id)
        if descriptor is None or not blobs.has(layout, descriptor):
            descriptor = _keep(host, members, layer, limits)
        thing = progress.named(layer.diff_id)
        count = host.counting(thing, progress.EXTRACTING, descriptor.size)
        try:
            path = layers.unpack_layer(layout, descriptor, layer.diff_id, chain_id, below, count)
        except blobs.Damaged:
            # It lay here damaged; unpacking found out and removed it.
            descriptor = _keep(host, members, layer, limits)
            path = layers.unpack_layer(layout, descriptor, layer.diff_id, chain_id, below, count)
        host.show(thing, progress.LOADED)
        below.append(path)
        kept.append(
            replace(descriptor, media_type=_OCI_TYPES[compression.kind(descriptor.media_type)])
        )
    config = members.document(image.config)
    if image.manifest is None:
        twin = _stored(layout, image.id)
        if twin is not None and not store.missing(layout, twin):
            # The manifest it was pulled with, say, which a registry knows.
            return twin.manifest
        return assemble.put_manifest(layout, blobs.put(layout, config, oci.CONFIG), kept)
    data = members.document(f"blobs/sha256/{image.manifest.digest.partition(':')[2]}")
    blobs.put(layout, config, oci.CONFIG)
    return blobs.put(layout, data, image.manifest.media_type)


def _stored(layout: Layout, image_id: str) -> Optional[store.Image]:
    return next((image for image in store.all_images(layout) if image.id == image_id), None)


def _replace_broken(layout: Layout, image_id: str, descriptor: Descriptor) -> None:
    """Let a whole manifest take the place of one of the same image whose layers are missing."""
    old = _stored(layout, image_id)
    if old is None or old.manifest.digest == descriptor.digest or not store.missing(layout, old):
        return
    for name in old.names:
        index.tag(layout, parse_normalized(name), descriptor)
    index.forget(layout, [old.manifest.digest])


def _keep(host: Host, members: Members, layer: Layer, limits: Limits) -> Descriptor:
    """One layer as a blob, published only when it is what the image says of it."""
    layout, packed = host.layout, members.compression(layer.member)
    thing, size = progress.named(layer.diff_id), members.size(layer.member)
    count = host.counting(thing, progress.LOADING, size)
    with members.open(layer.member) as source, blobs.writing(layout) as blob:
        stream = source if count is None else progress.Counted(source, count)
        if layer.blob is not None:
            while data := stream.read(assemble.CHUNK):
                blob.write(data)
            _check(members, layer, blob.digest, layer.blob.digest)
            return blob.publish(layer.blob.media_type)
        if packed not in (compression.GZIP, compression.ZSTD):
            out = assemble.LayerWriter(blob, _GZIP_LEVEL)
            with compression.plain(stream, oci.LAYER) as plain:
                content = Stream(plain, limits)
                while piece := content.some():
                    out.write(piece)
            _check(members, layer, content.digest, layer.diff_id)
            return out.publish()
        tee = assemble.Tee(stream, blob)
        with compression.plain(tee, _OCI_TYPES[packed]) as plain:
            content = Stream(plain, limits)
            content.drain()
        while tee.read(assemble.CHUNK):
            pass
        _check(members, layer, content.digest, layer.diff_id)
        return blob.publish(_OCI_TYPES[packed])


def _check(members: Members, layer: Layer, found: str, expected: str) -> None:
    if found != expected:
        raise Error(
            f"the layer {layer.member[:200]!a} of {members.path} is {found}, but the image "
            f"says {expected}",
            hint="the archive is damaged or forged; get it again from a trusted source",
        )
