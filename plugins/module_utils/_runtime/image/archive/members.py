# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The files of an image archive, or of an image layout, by name: nothing is ever extracted.

One pass over the tar's headers notes where each file is; a name is a key of that table and never a
path, so none leads anywhere. Files may come in any order. What no program that saves images writes
is rejected, because two readers could interpret it differently: absolute names, ``..``, a name that
comes twice, sparse files, devices, and links to anything but a file of the same archive.

A compressed archive is decompressed into a file without a name, which vanishes with its descriptor;
where only the documents are wanted, what is too large for one is left out of it.
"""

from __future__ import annotations

import contextlib
import os
import posixpath
import stat
import tempfile
from collections.abc import Iterator
from contextlib import AbstractContextManager
from pathlib import Path

from ...base import files
from ...base.errors import Error, NotFound
from ...base.layout import Layout
from ...kernel import safefs
from ...spec import oci
from ..layer import compression, tar
from ..layer.stream import Limits, Readable, Stream, text
from ..store import blobs

#: What a whole archive may ask of us; each layer in it is held to limits of its own besides.
ARCHIVE = Limits(layer_bytes=64 << 30, entries=65_536, path=1024)

#: Documents stay in memory once read; these are the bytes of a thousand images.
_DOCUMENTS_LIMIT = 32 << 20

_SPACE_BYTES = 16 << 20
_MAGIC_BYTES = 512
_ABSENT = -1


class Piece:
    """A part of an open file, read from its start, whatever else is read of the file."""

    def __init__(self, fd: int, offset: int, size: int) -> None:
        self._fd = fd
        self.offset = offset
        self._left = size

    def read(self, size: int, /) -> bytes:
        data = os.pread(self._fd, min(size, self._left), self.offset)
        self.skip(len(data))
        return data

    def skip(self, size: int) -> None:
        size = min(size, self._left)
        self.offset += size
        self._left -= size


class Members:
    """The files of an archive: names, and where in ``fd`` the content of each lies.

    ``documents`` are those read so far. Every method that takes a name raises NotFound.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.documents: dict[str, bytes] = {}

    def has(self, name: str) -> bool:
        try:
            self.size(name)
        except NotFound:
            return False
        return True

    def size(self, name: str) -> int:
        """In bytes."""
        raise NotImplementedError

    def open(self, name: str) -> AbstractContextManager[Piece]:
        """The content of a file."""
        raise NotImplementedError

    def compression(self, name: str) -> str:
        """That of a layer, by its first bytes."""
        with self.open(name) as piece:
            return compression.sniff(piece.read(_MAGIC_BYTES))

    def document(self, name: str) -> bytes:
        """All of a file that is no larger than a document may be."""
        known = self.documents.get(name)
        if known is not None:
            return known
        size = self.size(name)
        if size > blobs.DOCUMENT_LIMIT:
            raise Error(
                f"{name!a} has {size} bytes; a document may have at most {blobs.DOCUMENT_LIMIT}"
            )
        if size + sum(map(len, self.documents.values())) > _DOCUMENTS_LIMIT:
            raise Error(f"the documents of the archive exceed {_DOCUMENTS_LIMIT} bytes in total")
        parts = []
        with self.open(name) as piece:
            while data := piece.read(size + 1):
                parts.append(data)
        found = b"".join(parts)
        if len(found) != size:
            raise Error(f"{name!a} is truncated")
        self.documents[name] = found
        return found


class _Archive(Members):
    """A tar. What is too large for a document has no place in ``fd`` where it was left out."""

    def __init__(
        self, path: Path, fd: int, places: dict[str, tuple[int, int]], links: dict[str, str]
    ) -> None:
        super().__init__(path)
        self._fd = fd
        self._places = places
        self._links = links

    def _place(self, name: str) -> tuple[int, int]:
        found = self._places.get(self._links.get(name, name))
        if found is None:
            raise NotFound(f"the archive {self.path} lacks the file {name!a}")
        return found

    def size(self, name: str) -> int:
        return self._place(name)[1]

    @contextlib.contextmanager
    def open(self, name: str) -> Iterator[Piece]:
        offset, size = self._place(name)
        if offset == _ABSENT:
            raise AssertionError(f"{name} was skipped when the archive was decompressed")
        yield Piece(self._fd, offset, size)


class _Directory(Members):
    """An image layout in a directory, which may be untrusted."""

    def __init__(self, path: Path, root: safefs.Root) -> None:
        super().__init__(path)
        self._root = root

    def size(self, name: str) -> int:
        try:
            found = self._root.stat(name)
        except NotFound as exc:
            raise NotFound(f"the layout {self.path} lacks the file {name!a}") from exc
        if not stat.S_ISREG(found.st_mode):
            raise Error(f"{name!a} is not a regular file")
        return found.st_size

    @contextlib.contextmanager
    def open(self, name: str) -> Iterator[Piece]:
        # Looked at before it is opened: a fifo would keep us waiting.
        size = self.size(name)
        fd = self._root.open(name, os.O_RDONLY | os.O_NONBLOCK | os.O_NOCTTY)
        try:
            yield Piece(fd, 0, size)
        finally:
            os.close(fd)


class _Seekable(Stream):
    """The stream of a file, which passes over content without reading it."""

    def __init__(self, piece: Piece, limits: Limits) -> None:
        super().__init__(piece, limits)
        self._piece = piece

    @property
    def position(self) -> int:
        """The offset of what is read next."""
        return self._piece.offset - len(self._buffer)

    def skip(self, size: int) -> None:
        held = min(size, len(self._buffer))
        super().skip(held)
        self._piece.skip(size - held)

    def drain(self) -> None:
        """What stands behind the end of the archive is nobody's."""


def spool_of(layout: Layout) -> Path:
    """Where to decompress. A host that check mode sees for the first time has nothing prepared."""
    return layout.tmp if layout.tmp.is_dir() else Path(tempfile.gettempdir())


@contextlib.contextmanager
def opened(path: Path, spool: Path, whole: bool, limits: Limits = ARCHIVE) -> Iterator[Members]:
    """The files of a tar, plain or compressed, or of a directory.

    ``spool`` is the directory a compressed one is decompressed in; unless ``whole``, only files
    small enough for documents can then be read. Raises NotFound when there is no such path.
    """
    try:
        fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK | os.O_NOCTTY)
    except (FileNotFoundError, NotADirectoryError) as exc:
        raise NotFound(f"{path} does not exist on this host") from exc
    with contextlib.ExitStack() as stack:
        stack.callback(os.close, fd)
        found = os.fstat(fd)
        if stat.S_ISDIR(found.st_mode):
            yield _Directory(path, stack.enter_context(safefs.Root(path)))
            return
        if not stat.S_ISREG(found.st_mode):
            raise Error(f"{path} is neither a regular file nor a directory")
        piece = Piece(fd, 0, found.st_size)
        with _naming(path):
            if compression.sniff(os.pread(fd, _MAGIC_BYTES, 0)) == compression.PLAIN:
                members = _index(path, fd, piece, limits)
            else:
                kept = stack.enter_context(tempfile.TemporaryFile(dir=spool, buffering=0))
                with compression.plain(piece, oci.LAYER) as plain:
                    members = _decompress(path, plain, kept.fileno(), whole, limits)
        yield members


@contextlib.contextmanager
def _naming(path: Path) -> Iterator[None]:
    """The readers of tar and of compressed streams speak of layers; here it is the archive."""
    try:
        yield
    except Error as exc:
        message = exc.message.replace("the layer", "it", 1)
        raise Error(
            f"{path} is not an image archive: {message}",
            hint="create it with docker save, podman save, skopeo or image_export",
        ) from exc


def _index(path: Path, fd: int, piece: Piece, limits: Limits) -> _Archive:
    """Note the places of files in an archive that is not compressed."""
    size = os.fstat(fd).st_size
    reader = tar.Reader(piece, limits)
    reader.stream = stream = _Seekable(piece, limits)
    table = _Table(path, fd)
    for entry in reader:
        if table.add(entry):
            if stream.position + entry.size > size:
                raise Error("it ends in the middle of an entry")
            table.place(entry, stream.position)
    return table.finish()


def _decompress(path: Path, plain: Readable, fd: int, whole: bool, limits: Limits) -> _Archive:
    """Write the files of a compressed archive one after another to ``fd``."""
    table = _Table(path, fd)
    reader = tar.Reader(plain, limits)
    end = unchecked = 0
    for entry in reader:
        if not table.add(entry):
            continue
        if not whole and entry.size > blobs.DOCUMENT_LIMIT:
            table.place(entry, _ABSENT)
            continue
        table.place(entry, end)
        for piece in reader.content(entry.size):
            unchecked += len(piece)
            if unchecked >= _SPACE_BYTES:
                unchecked = 0
                _check_space(fd, limits)
            end += len(piece)
            files.write_all(fd, piece)
    return table.finish()


def _check_space(fd: int, limits: Limits) -> None:
    space = os.fstatvfs(fd)
    if space.f_blocks and space.f_bavail * space.f_frsize < limits.reserve_bytes:
        raise Error(
            f"decompressing it would leave less than {limits.reserve_bytes} bytes free on the disk",
            hint="free some space, or decompress it elsewhere first",
        )


class _Table:
    """The names of an archive while they are collected."""

    def __init__(self, path: Path, fd: int) -> None:
        self._path = path
        self._fd = fd
        self._places: dict[str, tuple[int, int]] = {}
        self._links: dict[str, str] = {}

    def add(self, entry: tar.Entry) -> bool:
        """Take note of an entry; True for a file, whose place is then given."""
        name = _name(entry.name, entry.name)
        if entry.kind == tar.DIRECTORY:
            return False
        if not name:
            raise _refused(entry, "has no name")
        if name in self._places or name in self._links:
            raise _refused(entry, "occurs twice")
        if entry.kind == tar.SYMLINK:
            if entry.link.startswith(b"/"):
                raise _refused(entry, "is a link that leads out of the archive")
            beside = posixpath.dirname(name).encode()
            target = posixpath.normpath(posixpath.join(beside, entry.link))
            self._links[name] = _name(target, entry.name)
            return False
        if entry.kind == tar.HARDLINK:
            self._links[name] = _name(entry.link, entry.name)
            return False
        if entry.kind != tar.REGULAR:
            raise _refused(entry, "is not a regular file")
        if entry.segments is not None:
            raise _refused(entry, "is a sparse file")
        return True

    def place(self, entry: tar.Entry, offset: int) -> None:
        self._places[_name(entry.name, entry.name)] = (offset, entry.size)

    def finish(self) -> _Archive:
        for name, target in self._links.items():
            # docker save links a layer it saved before to the file of that; one step, never more.
            if target not in self._places:
                raise Error(
                    f"its entry {name[:200]!a} is a link to a file that is not in the archive"
                )
        return _Archive(self._path, self._fd, self._places, self._links)


def _name(name: bytes, entry: bytes) -> str:
    """A name as the table has it: without empty components and dots; "" is the top itself."""
    parts = [part for part in name.split(b"/") if part not in (b"", b".")]
    if name.startswith(b"/") or b".." in parts or b"\0" in name or len(name) > ARCHIVE.path:
        raise Error(f"its entry {text(entry)} leads out of the archive")
    try:
        return b"/".join(parts).decode("ascii")
    except UnicodeDecodeError as exc:
        raise Error(f"its entry {text(entry)} has a name that is not ASCII") from exc


def _refused(entry: tar.Entry, offence: str) -> Error:
    return Error(f"its entry {text(entry.name)} {offence}")
