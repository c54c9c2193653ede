# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Images of the store as one archive: what ``docker save`` writes, or a tar of an image layout.

The bytes are a function of the images and their names alone: files are in a fixed order, belong to
root and are dated 1970. Documents come first, so that readers of documents read no layer.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Mapping, Sequence

from ...base import files, progress
from ...base.document import canonical
from ...base.errors import Error
from ...base.frozen import dataclass, replace
from ...plan.plan import Host
from ...spec import oci
from ...spec.oci import Descriptor
from ..build.assemble import CHUNK
from ..layer import compression
from ..layer.stream import Readable
from ..layer.tar import BLOCK
from ..layer.tarheader import header, with_size
from ..store import blobs
from ..store.store import Image
from . import inventory

#: tar programs write whole records of so many blocks, and some complain of less.
_RECORD = 20 * BLOCK


@dataclass(frozen=True)
class Chosen:
    """An image for an archive, and the names it has there: whole references, in order."""

    image: Image
    names: tuple[str, ...]


def write(host: Host, form: str, images: Sequence[Chosen], fd: int) -> None:
    """Write an archive of these images to a seekable, empty file. Raises Damaged."""
    out = _Tar(fd)
    if form == inventory.DOCKER:
        _write_docker(host, images, out)
    else:
        _write_layout(host, images, out)
    out.finish()


def write_documents(documents: Mapping[str, bytes], fd: int) -> None:
    """Write an archive of small files only, as archive.head() gives them."""
    out = _Tar(fd)
    for name, data in sorted(documents.items()):
        out.file(name, data)
    out.finish()


class _Tar:
    """A tar being written to a seekable file."""

    def __init__(self, fd: int) -> None:
        self._fd = fd

    def file(self, name: str, data: bytes) -> None:
        self._write(header(name.encode(), b"0", 0o644, size=len(data)))
        self._write(data + bytes(-len(data) % BLOCK))

    def stream(self, name: str, source: Readable) -> str:
        """A file whose size is known at its end. Returns the digest of what was written."""
        start = os.lseek(self._fd, 0, os.SEEK_CUR)
        block = header(name.encode(), b"0", 0o644)
        self._write(block)
        size, found = 0, hashlib.sha256()
        while data := source.read(CHUNK):
            self._write(data)
            found.update(data)
            size += len(data)
        self._write(bytes(-size % BLOCK))
        os.pwrite(self._fd, with_size(block, size), start)
        return "sha256:" + found.hexdigest()

    def finish(self) -> None:
        end = os.lseek(self._fd, 0, os.SEEK_CUR) + 2 * BLOCK
        self._write(bytes(2 * BLOCK + -end % _RECORD))

    def _write(self, data: bytes) -> None:
        files.write_all(self._fd, data)


# --- what docker save writes -----------------------------------------------------------------


def _write_docker(host: Host, images: Sequence[Chosen], out: _Tar) -> None:
    entries = [
        {
            "Config": f"{_hexadecimal(chosen.image.id)}.json",
            # Whole, where docker save writes web:1: Docker reads both as the same name, and Podman
            # would make that localhost/web:1.
            "RepoTags": list(chosen.names) or None,
            "Layers": [f"{_hexadecimal(diff_id)}.tar" for diff_id in chosen.image.diff_ids],
        }
        for chosen in images
    ]
    out.file(inventory.DOCKER_INDEX, canonical(entries))
    layout = host.layout
    configs = {chosen.image.id: chosen.image.config_descriptor for chosen in images}
    for image_id, descriptor in configs.items():
        out.file(f"{_hexadecimal(image_id)}.json", blobs.read(layout, descriptor))
    contents = {
        diff_id: layer
        for chosen in images
        for diff_id, layer in zip(chosen.image.diff_ids, chosen.image.layers)
    }
    for diff_id, layer in contents.items():
        with blobs.open_verified(layout, layer) as blob:
            source = _watched(host, diff_id, layer, blob)
            with compression.plain(source, layer.media_type) as plain:
                found = out.stream(f"{_hexadecimal(diff_id)}.tar", plain)
        if found != diff_id:
            raise Error(
                f"the layer {layer.digest} unpacks to {found}, but the image config says {diff_id}",
                hint="the image is damaged; pull or load it again",
            )
        host.show(progress.named(diff_id), progress.SAVED)


def _watched(host: Host, digest: str, layer: Descriptor, blob: Readable) -> Readable:
    """A blob that is read, and counted where somebody watches."""
    count = host.counting(progress.named(digest), progress.SAVING, layer.size)
    return blob if count is None else progress.Counted(blob, count)


def _hexadecimal(digest: str) -> str:
    return digest.partition(":")[2]


# --- a tar of an image layout ----------------------------------------------------------------


def _write_layout(host: Host, images: Sequence[Chosen], out: _Tar) -> None:
    entries = []
    for chosen in images:
        for name in chosen.names or ("",):
            # With the whole name in both, whatever reads one of them gives the image its own name.
            notes = {oci.REF_NAME: name, inventory.CONTAINERD_NAME: name} if name else {}
            entries.append(replace(chosen.image.manifest, annotations=notes).document())
    out.file(inventory.LAYOUT, b'{"imageLayoutVersion":"1.0.0"}')
    index = {"schemaVersion": 2, "mediaType": oci.INDEX, "manifests": entries}
    out.file(inventory.INDEX, canonical(index))
    layout = host.layout
    documents = {
        descriptor.digest: descriptor
        for chosen in images
        for descriptor in (chosen.image.manifest, chosen.image.config_descriptor)
    }
    for digest, descriptor in documents.items():
        out.file(_blob(digest), blobs.read(layout, descriptor))
    contents = {layer.digest: layer for chosen in images for layer in chosen.image.layers}
    for digest, descriptor in contents.items():
        if digest not in documents:
            with blobs.open_verified(layout, descriptor) as blob:
                out.stream(_blob(digest), _watched(host, digest, descriptor, blob))
            host.show(progress.named(digest), progress.SAVED)


def _blob(digest: str) -> str:
    return f"blobs/sha256/{_hexadecimal(digest)}"
