# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""COPY and ADD: what is copied, where it goes, and the copying itself.

Both sides are reached by descriptor (tree/copy): a link of the image at the destination stays in
the image, and one in the source in the source.
"""

from __future__ import annotations

import contextlib
import os
import posixpath
import stat
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Optional

from ..base import files
from ..base.errors import Error
from ..base.frozen import dataclass
from ..base.layout import Layout
from ..container.root import user
from ..image.dockerfile.modes import Mode
from ..kernel import safefs
from ..spec import oci
from ..tree import copy, scan
from ..tree.scan import Entry, Rules
from .source import context
from .source.context import Selected, Source

if TYPE_CHECKING:
    from ..image.layer.stream import Readable


@dataclass(frozen=True)
class Copy:
    """A COPY or ADD with its variables replaced. ``target`` is absolute, with a slash at its end
    where it is a directory by how it is written. Without ``mode`` it is that of the source. With
    ``link`` nothing of the image below counts (COPY --link).
    """

    sources: tuple[str, ...]
    target: str
    owner: str = ""
    mode: Optional[Mode] = None
    parents: bool = False
    exclude: tuple[str, ...] = ()
    unpack: bool = False
    link: bool = False

    @property
    def is_directory(self) -> bool:
        return self.target.endswith("/") or len(self.sources) > 1 or self.parents


@dataclass(frozen=True)
class Piece:
    """One thing to be copied, with all that is below it."""

    selected: Selected
    entries: dict[bytes, Entry]
    #: What of its own path comes along (--parents).
    prefix: str = ""


def pieces(source: Source, wanted: Copy) -> list[Piece]:
    """Everything that the sources name. Raises NotFound, and Error where there are several and
    the target is not a directory.
    """
    found = []
    for text in wanted.sources:
        pivot = text.rpartition("/./")[0] if wanted.parents else ""
        for one in context.select(source, text):
            name = one.name
            if pivot:
                name = posixpath.relpath(name, posixpath.normpath("/" + pivot).lstrip("/") or ".")
            prefix = name if one.directory else posixpath.dirname(name)
            inside = context.entries(source, one, wanted.exclude)
            found.append(Piece(one, inside, prefix if wanted.parents else ""))
    if len(found) > 1 and not wanted.is_directory:
        raise Error(
            f"copies {len(found)} sources to {wanted.target}",
            hint="a directory needs a slash at its end",
        )
    return found


def content(found: Sequence[Piece], wanted: Copy, owned: bool) -> list[Any]:
    """What a cache key knows of the pieces: names and content."""
    return [
        [
            "" if piece.selected.directory else posixpath.basename(piece.selected.name),
            piece.prefix,
            piece.selected.directory,
            context.digest(piece.entries, owned),
        ]
        for piece in found
    ]


def described(wanted: Copy) -> list[Any]:
    """What it knows of the rest."""
    mode = wanted.mode.text if wanted.mode else ""
    return [wanted.target, wanted.owner, mode, wanted.parents, wanted.unpack, wanted.link]


def owner_of(root: safefs.Root, text: str) -> Optional[tuple[int, int]]:
    """The owner that ``--chown`` names; without a group it is that of the account, or has the
    number that was written.
    """
    if not text:
        return None
    found = user.resolve(root, text)
    return found.uid, found.uid if text.isdecimal() else found.gid


def put(
    source: Source, found: Sequence[Piece], root: safefs.Root, wanted: Copy, scratch: Path
) -> None:
    """Copy the pieces into an image's root. ``scratch`` is a place for archives."""
    owner = owner_of(root, wanted.owner)
    made_by = owner or (0, 0)
    kept = None if source.owned else (0, 0)
    rules = Rules(owner or kept, change=wanted.mode.of if wanted.mode else None)
    top = wanted.target.rstrip("/") or "/"
    for number, piece in enumerate(found):
        one = piece.selected
        if wanted.unpack and not one.directory:
            place = scratch / str(number)
            if _unpacked(source, one, place):
                with safefs.Root(place, label=one.name) as tree:
                    put_tree(tree, root, wanted)
                continue
        base = posixpath.join(top, piece.prefix) if piece.prefix else top
        if one.directory:
            root.make_dirs(base, 0o755, *made_by)
            _copy(source, piece, root, os.fsencode(base), rules)
            continue
        into = wanted.is_directory or len(found) > 1 or _is_directory(root, base)
        name = posixpath.basename(one.name)
        target = posixpath.join(base, name) if into else base
        root.make_dirs(posixpath.dirname(target), 0o755, *made_by)
        _copy(source, piece, root, os.fsencode(target), rules)
    for piece in found:
        again = context.entries(source, piece.selected, wanted.exclude)
        context.check_unchanged(source, piece.entries, again)


def _is_directory(root: safefs.Root, path: str) -> bool:
    found = scan.look(root, scan.resolve(root, path))
    return found is not None and found.kind == "directory"


def _copy(source: Source, piece: Piece, root: safefs.Root, target: bytes, rules: Rules) -> None:
    resolved = scan.resolve(root, target)
    inside = piece.entries
    copy.copy(
        source.root,
        piece.selected.path,
        root,
        resolved,
        rules,
        wanted=lambda path: path in inside,
        entered=lambda path: not path or path in inside,
    )


def _place(tree: safefs.Root, path: str, root: safefs.Root, target: str, rules: Rules) -> None:
    copy.copy(tree, path, root, scan.resolve(root, target), rules)


def put_tree(tree: safefs.Root, root: safefs.Root, wanted: Copy) -> None:
    """All that was in an archive, below the target."""
    owner = owner_of(root, wanted.owner)
    top = wanted.target.rstrip("/") or "/"
    root.make_dirs(top, 0o755, *(owner or (0, 0)))
    _place(tree, "/", root, top, Rules(owner))


def write_heredocs(
    root: safefs.Root, documents: Sequence[tuple[str, bytes]], wanted: Copy, many: bool
) -> None:
    """Files given in the Dockerfile itself."""
    owner = owner_of(root, wanted.owner) or (0, 0)
    mode = wanted.mode.of(0o644, directory=False) if wanted.mode else 0o644
    top = wanted.target.rstrip("/") or "/"
    for name, data in documents:
        into = wanted.target.endswith("/") or many or _is_directory(root, top)
        target = posixpath.join(top, name) if into else top
        root.make_dirs(posixpath.dirname(target), 0o755, *owner)
        root.write_file(scan.resolve(root, target), data, mode, *owner)


def write_file(root: safefs.Root, path: Path, name: str, wanted: Copy) -> None:
    """A file that was fetched; as with Docker only its owner reads it."""
    owner = owner_of(root, wanted.owner) or (0, 0)
    mode = wanted.mode.of(0o600, directory=False) if wanted.mode else 0o600
    top = wanted.target.rstrip("/") or "/"
    into = wanted.target.endswith("/") or _is_directory(root, top)
    target = posixpath.join(top, name) if into else top
    root.make_dirs(posixpath.dirname(target), 0o755, *owner)
    with safefs.Root(path.parent, label=name) as tree:
        _place(tree, path.name, root, target, Rules(owner, mode))


# --- archives --------------------------------------------------------------------------------

_GZIP, _BZIP2, _XZ, _ZSTD = b"\x1f\x8b", b"BZh", b"\xfd7zXZ\0", b"\x28\xb5\x2f\xfd"
#: Where a tar says that it is one, and how (POSIX and GNU).
_USTAR = slice(257, 262)


def _unpacked(source: Source, one: Selected, place: Path) -> bool:
    """Unpack a file of the source at ``place`` where it is a tar; False for any other file."""
    fd = source.root.open(one.path, os.O_RDONLY | os.O_NONBLOCK | os.O_NOFOLLOW)
    with open(fd, "rb") as file:
        if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
            return False
        return unpack_archive(file, place, one.name)


def unpack_archive(file: Any, place: Path, name: str) -> bool:
    """Unpack a tar, plain or compressed with gzip, bzip2, xz or zstd, in a new directory; False
    where the file is something else.

    It goes the way of an image's layer: nothing in it leads out of the directory.
    """
    from ..image.layer import unpack

    with contextlib.ExitStack() as stack:
        head = file.read(4)
        file.seek(0)
        is_compressed = head.startswith((_GZIP, _BZIP2[:3], _XZ[:4], _ZSTD))
        try:
            plain = stack.enter_context(_plain(file, head))
            first = plain.read(512)
        except (Error, OSError, EOFError, ValueError):
            return False
        if first[_USTAR] != b"ustar" or (not is_compressed and len(first) < 512):
            return False
        place.mkdir(mode=0o755)
        try:
            unpack.unpack(_Again(first, plain), place)
        except Error as exc:
            message = exc.message.replace("the layer", "the archive")
            raise Error(f"{name}: {message}", hint=exc.hint) from exc
        return True


class _Again:
    """A stream whose beginning was read already."""

    def __init__(self, first: bytes, rest: Readable) -> None:
        self._first = first
        self._rest = rest

    def read(self, size: int, /) -> bytes:
        if self._first:
            data, self._first = self._first[:size], self._first[size:]
            return data
        return self._rest.read(size)


@contextlib.contextmanager
def _plain(file: Any, head: bytes) -> Iterator[Readable]:
    from ..image.layer import compression

    if head.startswith(_BZIP2):
        import bz2

        with bz2.BZ2File(file) as opened:
            yield opened
    elif head.startswith(_XZ[:4]):
        import lzma

        with lzma.LZMAFile(file) as xz:
            yield xz
    else:
        kind = oci.LAYER_GZIP if head.startswith(_GZIP) else oci.LAYER
        kind = oci.LAYER_ZSTD if head.startswith(_ZSTD) else kind
        with compression.plain(file, kind) as found:
            yield found


@contextlib.contextmanager
def scratch(layout: Layout) -> Iterator[tuple[Path, Path, Path]]:
    """An upper directory, a work directory and room for archives, gone with the step."""
    with files.scratch(layout, "step") as directory:
        upper, work, room = (directory / name for name in ("upper", "work", "room"))
        upper.mkdir(mode=0o755)
        for place in (work, room):
            place.mkdir(mode=0o700)
        yield upper, work, room
