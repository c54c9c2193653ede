# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Blobs: content-addressed files of the image layout.

A blob exists under its digest only when every byte of it was hashed on the way in and is on disk:
it is written in tmp, fsynced, and renamed to its name. So any blob that exists may be used, and two
writers of the same content both succeed. What is read back is hashed again, because disks and
people change files.
"""

from __future__ import annotations

import contextlib
import hashlib
import io
import os
import secrets
import time
from collections.abc import Iterator
from pathlib import Path

from ...base import files
from ...base.errors import Error
from ...base.layout import Layout
from ...spec.oci import Descriptor, digest_of

#: A manifest or config is at most this large, in bytes; Docker's registry and containerd use 4 MiB
#: too.
DOCUMENT_LIMIT = 4 << 20

_CHUNK = 1 << 20
_OTHER_CONTENT = "does not match its digest"
_PART_LIFE_S = 86400.0


class Damaged(Error):
    """A file of the store is missing or not what its name says; fetching it anew repairs it."""


def check_supported(descriptor: Descriptor, where: str) -> None:
    """Refuse a blob the store has no place for: it keeps sha256 only, as registries do."""
    if not descriptor.digest.startswith("sha256:"):
        raise Error(
            f"{where} is named by {descriptor.digest[:20]}...; only sha256 is supported for blobs"
        )


def has(layout: Layout, descriptor: Descriptor) -> bool:
    """Whether a blob is there, by its name and size; its content is checked when it is read."""
    try:
        return layout.blob(descriptor.digest).stat().st_size == descriptor.size
    except FileNotFoundError:
        return False


def read(layout: Layout, descriptor: Descriptor) -> bytes:
    """The bytes of a small blob (a manifest or a config), checked. Raises Damaged."""
    if descriptor.size > DOCUMENT_LIMIT:
        raise Error(
            f"{descriptor.digest} is a document of {descriptor.size} bytes, over {DOCUMENT_LIMIT}"
        )
    try:
        with open(layout.blob(descriptor.digest), "rb") as file:
            data = file.read(descriptor.size + 1)
    except FileNotFoundError as exc:
        raise _damaged(layout, descriptor, "is missing") from exc
    if len(data) != descriptor.size or digest_of(data) != descriptor.digest:
        raise _damaged(layout, descriptor, _OTHER_CONTENT)
    return data


@contextlib.contextmanager
def open_verified(layout: Layout, descriptor: Descriptor) -> Iterator[Reader]:
    """Read a blob of any size. The end of the block reads it to its end, and raises Damaged unless
    it is exactly what the descriptor says; so nothing made from it may be published before.

    An error of whoever reads it is Damaged too if the blob is: that explains it.
    """
    try:
        file = open(layout.blob(descriptor.digest), "rb", buffering=0)  # noqa: SIM115
    except FileNotFoundError as exc:
        raise _damaged(layout, descriptor, "is missing") from exc
    with file:
        reader = Reader(file, descriptor.size)
        try:
            yield reader
        except Error as exc:
            if not reader.is_whole(descriptor):
                raise _damaged(layout, descriptor, _OTHER_CONTENT) from exc
            raise
        if not reader.is_whole(descriptor):
            raise _damaged(layout, descriptor, _OTHER_CONTENT)


class Reader:
    """A file read once from its start and hashed on the way; it ends just behind the declared
    size.
    """

    def __init__(self, file: io.FileIO, size: int) -> None:
        self._file = file
        self._hash = hashlib.sha256()
        self._size = size
        self.total = 0

    def read(self, size: int = -1, /) -> bytes:
        if self.total > self._size:
            return b""
        data = self._file.read(size) or b""
        self._hash.update(data)
        self.total += len(data)
        return data

    def is_whole(self, descriptor: Descriptor) -> bool:
        """Read what is left, and say whether it was the blob with this descriptor."""
        while self.read(_CHUNK):
            pass
        found = "sha256:" + self._hash.hexdigest()
        return (self.total, found) == (descriptor.size, descriptor.digest)


class Writer:
    """A blob being written: a file in tmp and the hash of what went into it."""

    def __init__(self, layout: Layout) -> None:
        self._layout = layout
        self._path = layout.tmp / f"blob-{os.getpid()}-{secrets.token_hex(6)}"
        self._fd = os.open(self._path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        self._hash = hashlib.sha256()
        self.total = 0

    def write(self, data: bytes, /) -> int:
        self._hash.update(data)
        self.total += len(data)
        files.write_all(self._fd, data)
        return len(data)

    @property
    def digest(self) -> str:
        """Of what was written so far."""
        return "sha256:" + self._hash.hexdigest()

    def publish(self, media_type: str) -> Descriptor:
        """Make what was written a blob, durable under its name."""
        descriptor = Descriptor(media_type, self.digest, self.total)
        files.fsync(self._fd)
        adopt(self._layout, self._path, descriptor)
        return descriptor

    def discard(self) -> None:
        """Give the descriptor back and, unless it was published, the file."""
        os.close(self._fd)
        with contextlib.suppress(FileNotFoundError):
            os.unlink(self._path)


@contextlib.contextmanager
def writing(layout: Layout) -> Iterator[Writer]:
    """Write a blob of yet unknown digest; it appears when ``publish`` is called, or never."""
    writer = Writer(layout)
    try:
        yield writer
    finally:
        writer.discard()


def put(layout: Layout, data: bytes, media_type: str) -> Descriptor:
    """Keep a small blob and return its descriptor."""
    descriptor = Descriptor(media_type, digest_of(data), len(data))
    try:
        whole = layout.blob(descriptor.digest).read_bytes() == data
    except FileNotFoundError:
        whole = False
    if not whole:
        files.write_atomic(layout.blob(descriptor.digest), data)
    return descriptor


def adopt(layout: Layout, path: Path, descriptor: Descriptor) -> None:
    """Rename a whole, checked and fsynced file of our filesystem to the blob it is."""
    os.rename(path, layout.blob(descriptor.digest))
    files.fsync_dir(layout.blobs)


@contextlib.contextmanager
def locked(layout: Layout, digest: str, deadline_s: float = 3600.0) -> Iterator[None]:
    """Be the only one who fetches a blob; a second task waits here and then finds it published."""
    with files.lock(layout.lock("blob", digest.partition(":")[2]), deadline_s=deadline_s):
        yield


def _damaged(layout: Layout, descriptor: Descriptor, what: str) -> Damaged:
    return Damaged(
        f"the blob {layout.blob(descriptor.digest)} {what}",
        hint="pull or import the image again",
    )


def all_digests(layout: Layout) -> Iterator[str]:
    """The digest of every blob that is there."""
    for name in sorted(os.listdir(layout.blobs)):
        if not name.startswith("."):
            yield f"sha256:{name}"


def forget_old_parts(layout: Layout) -> None:
    """Remove unfinished downloads that nobody took up again for a day. Nobody may be downloading
    now.
    """
    for part in layout.ingest.iterdir():
        with contextlib.suppress(FileNotFoundError):
            if part.stat().st_mtime < time.time() - _PART_LIFE_S:
                part.unlink()


def delete(layout: Layout, digest: str) -> int:
    """Remove a blob; returns the bytes it held, 0 when it was gone already."""
    path = layout.blob(digest)
    try:
        size = path.stat().st_size
        path.unlink()
    except FileNotFoundError:
        return 0
    return size
