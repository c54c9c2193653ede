# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Images created here, by import and commit: one new layer, a config and a manifest.

Everything is deterministic: the same content and options give the same bytes, so an image's id is a
pure function of what it was made from, and check mode computes it without writing.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import zlib
from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Optional, Union

from ...base.document import canonical, to_json
from ...base.errors import Error
from ...base.layout import Layout
from ...spec import oci
from ...spec.oci import Descriptor
from ..layer.stream import Readable
from ..store import blobs

if TYPE_CHECKING:
    from concurrent.futures import Executor, Future

#: Half of zlib's best ratio at a third of its time; registries and the disk see the result.
_GZIP_LEVEL = 3
CHUNK = 1 << 20
_MEMBER_BYTES = 1 << 20
_MEMBERS_AT_ONCE = 8
#: What is compressed already, such as archives and pictures, is recognized by pieces of it.
_PIECE_BYTES, _PIECES, _WORTHWHILE = 8 << 10, 4, 0.97
EPOCH = "1970-01-01T00:00:00Z"


class Nowhere:
    """A sink that keeps nothing: for what hashes while it writes."""

    def write(self, data: bytes, /) -> int:
        return len(data)


class _Gzip:
    """gzip in members of a fixed size, one after another (RFC 1952, 2.2), made side by side.

    So the bytes depend on the content alone, not on the number of processors. Every engine reads
    several members: lazily pulled layers (eStargz) consist of them.
    """

    def __init__(self, out: blobs.Writer, level: int) -> None:
        self._out = out
        self._level = level
        self._pieces: list[bytes] = []
        self._length = 0
        self._executor: Optional[Executor] = None
        self._pending: deque[Future[bytes]] = deque()

    def write(self, data: bytes, /) -> int:
        self._pieces.append(data)
        self._length += len(data)
        if self._length > _MEMBER_BYTES:
            whole, at = b"".join(self._pieces), 0
            while self._length - at > _MEMBER_BYTES:
                self._submit(whole[at : at + _MEMBER_BYTES])
                at += _MEMBER_BYTES
            self._pieces = [whole[at:]]
            self._length -= at
        return len(data)

    def _submit(self, member: bytes) -> None:
        workers = min(os.cpu_count() or 1, _MEMBERS_AT_ONCE)
        if self._executor is None:
            # Layers of a few files, most of those made here, need no threads.
            from concurrent.futures import ThreadPoolExecutor

            self._executor = ThreadPoolExecutor(workers)
        self._pending.append(self._executor.submit(_member, member, self._level))
        while len(self._pending) > 2 * workers:
            self._out.write(self._pending.popleft().result())

    def close(self) -> None:
        """Write what is left; ``out`` stays open."""
        for compressed in self._pending:
            self._out.write(compressed.result())
        self._out.write(_member(b"".join(self._pieces), self._level))
        if self._executor is not None:
            self._executor.shutdown()


def _member(data: bytes, level: int) -> bytes:
    if not _is_compressible(data):
        level = 0
    # With wbits of 31 zlib writes the header itself, and all it could vary in is zero. It works
    # without the interpreter's lock.
    compressor = zlib.compressobj(level, zlib.DEFLATED, 31)
    return compressor.compress(data) + compressor.flush()


def _is_compressible(data: bytes) -> bool:
    """Whether it is worth the time, which is thirty times that of storing it as it is."""
    if len(data) < _PIECE_BYTES * _PIECES:
        return True
    view, step = memoryview(data), len(data) // _PIECES
    pieces = b"".join(view[n * step : n * step + _PIECE_BYTES] for n in range(_PIECES))
    return len(zlib.compress(pieces, 1)) < _WORTHWHILE * len(pieces)


class LayerWriter:
    """A layer being written as a gzip blob."""

    def __init__(self, blob: blobs.Writer, level: int = _GZIP_LEVEL) -> None:
        self._blob = blob
        self._gzip = _Gzip(blob, level)

    def write(self, data: bytes, /) -> int:
        return self._gzip.write(data)

    def publish(self) -> Descriptor:
        self._gzip.close()
        return self._blob.publish(oci.LAYER_GZIP)


@contextlib.contextmanager
def writing_layer(layout: Layout) -> Iterator[LayerWriter]:
    """Write a layer; it becomes a blob when ``publish`` is called."""
    with blobs.writing(layout) as blob:
        yield LayerWriter(blob)


class Tee:
    """What is read of one stream is written to another."""

    def __init__(self, source: Readable, sink: Union[blobs.Writer, LayerWriter]) -> None:
        self._source = source
        self._sink = sink

    def read(self, size: int, /) -> bytes:
        data = self._source.read(size)
        self._sink.write(data)
        return data


def keep_layer(layout: Layout, source: Readable, media_type: str) -> tuple[Descriptor, str]:
    """Store a compressed layer byte by byte as it is; returns its descriptor and its diff_id."""
    from ..layer import compression

    with blobs.writing(layout) as blob:
        tee = Tee(source, blob)
        with compression.plain(tee, media_type) as plain:
            diff_id = digest_of_stream(plain)
        while tee.read(CHUNK):
            pass
        return blob.publish(media_type), diff_id


def digest_of_stream(stream: Readable) -> str:
    """``sha256:HEX`` of what a stream has left."""
    found = hashlib.sha256()
    while data := stream.read(CHUNK):
        found.update(data)
    return "sha256:" + found.hexdigest()


def encoded(config: Mapping[str, Any]) -> bytes:
    """A config as it is stored. Raises Error for a text in it that is not Unicode, which nobody
    could read: a byte of a command line that is not UTF-8, or half of a surrogate pair.
    """
    data = canonical(config)
    if b"\\ud" in data:
        text = json.dumps(to_json(config), ensure_ascii=False)
        try:
            text.encode()
        except UnicodeEncodeError as exc:
            wrong = text[max(0, exc.start - 20) : exc.end]
            raise Error(
                f"the config of the image cannot be written: {wrong!a} in it is not Unicode",
                hint="labels, variables, commands and comments of images are UTF-8",
            ) from exc
    return data


def image_id(config: Mapping[str, Any]) -> str:
    """The id of the image with this config. Raises Error for one that is not Unicode."""
    return oci.digest_of(encoded(config))


def put_image(
    layout: Layout, config: Mapping[str, Any], layers: Sequence[Descriptor]
) -> Descriptor:
    """Store a config and the manifest that joins it with its layers; returns the manifest's
    descriptor.
    """
    return put_manifest(layout, blobs.put(layout, encoded(config), oci.CONFIG), layers)


def put_manifest(layout: Layout, config: Descriptor, layers: Sequence[Descriptor]) -> Descriptor:
    """The same for a config that is in the store already, byte by byte as it came."""
    document = {
        "schemaVersion": 2,
        "mediaType": oci.MANIFEST,
        "config": config.document(),
        "layers": [Descriptor(d.media_type, d.digest, d.size).document() for d in layers],
    }
    return blobs.put(layout, canonical(document), oci.MANIFEST)
