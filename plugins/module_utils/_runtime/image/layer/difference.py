# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a container changed, out of its upper directory: as a layer, or as a list.

The tar stream is a function of the tree alone: names in order, numbers instead of user names, whole
seconds, no times but that of modification. So one tree has one digest.
"""

from __future__ import annotations

import contextlib
import errno
import hashlib
import os
import stat
from collections.abc import Container, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Callable, NamedTuple, Optional, Protocol, Union

from ...base.errors import Error
from ...base.frozen import dataclass
from ...tree import overlay
from . import tar, tarheader
from .stream import text
from .unpack import OPAQUE, WHITEOUT

_CHUNK = 1 << 18

#: As deep as unpack takes it: one descriptor is held for each level.
_DEPTH = 500

_DIRECTORY = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
#: A fifo or a device put there in this moment must neither block nor be set in motion.
_FILE = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC

_KINDS = {
    stat.S_IFREG: tar.REGULAR,
    stat.S_IFLNK: tar.SYMLINK,
    stat.S_IFCHR: tar.CHARACTER,
    stat.S_IFBLK: tar.BLOCK_DEVICE,
    stat.S_IFDIR: tar.DIRECTORY,
    stat.S_IFIFO: tar.FIFO,
}


class Writable(Protocol):
    def write(self, data: bytes, /) -> object:
        """Take all of ``data``."""


@dataclass(frozen=True)
class Layer:
    """``diff_id`` and length of the uncompressed stream that was written."""

    diff_id: str
    size_bytes: int


@dataclass(frozen=True)
class Change:
    """One line of ``docker diff``: kind A (added), C (changed) or D (deleted), and an absolute
    path.
    """

    kind: str
    path: str


class _Node(NamedTuple):
    """Something in the tree: its path from the top, its directory's descriptor, its name there."""

    path: bytes
    parent: int
    name: bytes
    status: os.stat_result


def write_layer(
    upper: Path,
    out: Writable,
    skip: Container[str] = (),
    times: Optional[Callable[[int], int]] = None,
) -> Layer:
    """Write the upper directory of an overlay as a layer (image-spec, layer.md).

    ``skip`` are absolute paths that were made for the container and not by it: they are left out
    while they are empty. ``times`` says what becomes of a time of modification, in seconds.
    """
    return _write(upper, out, skip, layer=True, times=times)


def write_tree(root: Union[Path, int], out: Writable) -> Layer:
    """Write a directory, given by path or descriptor, as it is. What is mounted in it shows as an
    empty directory.
    """
    return _write(root, out, (), layer=False)


def fingerprint(upper: Path, skip: Container[str] = ()) -> str:
    """A text that is another one after anything below a directory was written, removed or given
    other attributes; nothing is read but directories. It relies on times of change, so a write
    within one tick of the kernel's clock, or through a mapping of memory, may not show.
    """
    whole = hashlib.sha256()
    for path, _parent, _name, at in _walk(upper, skip):
        about = (at.st_dev, at.st_ino, at.st_mode, at.st_size, at.st_mtime_ns, at.st_ctime_ns)
        whole.update(repr((path, about)).encode())
    return whole.hexdigest()


def changes(upper: Path, lowers: Sequence[Path], skip: Container[str] = ()) -> list[Change]:
    """What an upper directory adds to, changes in and deletes from the layers below (top first)."""
    found: dict[bytes, str] = {}
    new: set[bytes] = set()
    for node in _walk(upper, skip):
        if overlay.is_whiteout(node.status):
            kind = "D"
        elif node.path.rpartition(b"/")[0] in new:
            kind = "A"
        else:
            kind = _compare(node, lowers)
        directory = stat.S_ISDIR(node.status.st_mode)
        if kind == "A" and directory:
            new.add(node.path)
        if kind:
            found[node.path] = kind
            parent = node.path.rpartition(b"/")[0]
            while parent and parent not in found:
                found[parent] = "C"
                parent = parent.rpartition(b"/")[0]
    return [Change(kind, "/" + os.fsdecode(path)) for path, kind in sorted(found.items())]


def _compare(node: _Node, lowers: Sequence[Path]) -> str:
    below = overlay.lookup(lowers, node.path)
    if below is None:
        return "A"
    try:
        status = os.fstat(below)
    finally:
        os.close(below)
    here = node.status
    if not stat.S_ISDIR(here.st_mode) or not stat.S_ISDIR(status.st_mode):
        return "C"
    same = (here.st_mode, here.st_uid, here.st_gid, here.st_mtime_ns) == (
        status.st_mode,
        status.st_uid,
        status.st_gid,
        status.st_mtime_ns,
    )
    # overlayfs copies a directory up because of what is in it; by itself that is not a change.
    return "" if same else "C"


def _walk(
    top: Union[Path, int], skip: Container[str], one_filesystem: bool = False
) -> Iterator[_Node]:
    """Everything below a directory, in order of names, a directory before what it holds.

    The tree may change meanwhile: what vanishes is left out. The descriptors in a node hold until
    the next one is asked for.
    """
    if isinstance(top, int):
        root = os.open(".", _DIRECTORY, dir_fd=top)
    else:
        root = os.open(top, _DIRECTORY)
    device = os.fstat(root).st_dev
    stack = [(root, b"", iter(_names(root)))]
    try:
        while stack:
            directory, path, names = stack[-1]
            name = next(names, None)
            if name is None:
                stack.pop()
                os.close(directory)
                continue
            here = path + b"/" + name if path else name
            try:
                status = os.stat(name, dir_fd=directory, follow_symlinks=False)
            except FileNotFoundError:
                continue
            if stat.S_ISSOCK(status.st_mode) or _untouched(directory, name, here, status, skip):
                continue
            yield _Node(here, directory, name, status)
            if not stat.S_ISDIR(status.st_mode) or (one_filesystem and status.st_dev != device):
                continue
            if len(stack) > _DEPTH:
                raise Error(f"{text(here)} in {top} is nested deeper than {_DEPTH} directories")
            try:
                child = os.open(name, _DIRECTORY, dir_fd=directory)
            except OSError as exc:
                if exc.errno in (errno.ENOENT, errno.ENOTDIR, errno.ELOOP):
                    continue
                raise
            stack.append((child, here, iter(_names(child))))
    finally:
        for level in stack:
            os.close(level[0])


def _names(directory: int) -> list[bytes]:
    return sorted(os.fsencode(name) for name in os.listdir(directory))


def _untouched(
    parent: int, name: bytes, path: bytes, status: os.stat_result, skip: Container[str]
) -> bool:
    """Whether a path is one of those to skip, and still as empty as it was made."""
    if "/" + os.fsdecode(path) not in skip:
        return False
    if stat.S_ISREG(status.st_mode):
        return status.st_size == 0
    if not stat.S_ISDIR(status.st_mode):
        return stat.S_ISLNK(status.st_mode)
    directory = os.open(name, _DIRECTORY, dir_fd=parent)
    try:
        return all(
            _untouched(
                directory,
                child,
                path + b"/" + child,
                os.stat(child, dir_fd=directory, follow_symlinks=False),
                skip,
            )
            for child in _names(directory)
        )
    finally:
        os.close(directory)


class _Hashed:
    """A stream that is counted and hashed on its way out."""

    def __init__(self, out: Writable) -> None:
        self._out = out
        self._hash = hashlib.sha256()
        self.size = 0

    @property
    def digest(self) -> str:
        return "sha256:" + self._hash.hexdigest()

    def write(self, data: bytes) -> None:
        self._out.write(data)
        self._hash.update(data)
        self.size += len(data)


def _write(
    top: Union[Path, int],
    out: Writable,
    skip: Container[str],
    layer: bool,
    times: Optional[Callable[[int], int]] = None,
) -> Layer:
    stream = _Hashed(out)
    links: dict[tuple[int, int], bytes] = {}
    for node in _walk(top, skip, one_filesystem=not layer):
        if layer:
            if overlay.is_whiteout(node.status):
                parent = node.path[: len(node.path) - len(node.name)]
                stream.write(tarheader.header(parent + WHITEOUT + node.name, tar.REGULAR))
                continue
            if node.name.startswith(WHITEOUT):
                raise Error(
                    f"{text(node.path)} in {top} cannot be kept in a layer",
                    hint="names starting with .wh. mark deleted files in a layer: rename it",
                )
        with contextlib.suppress(FileNotFoundError):
            _write_node(node, stream, links, layer, times)
    stream.write(bytes(2 * tar.BLOCK))
    return Layer(stream.digest, stream.size)


def _write_node(
    node: _Node,
    stream: _Hashed,
    links: dict[tuple[int, int], bytes],
    layer: bool,
    times: Optional[Callable[[int], int]],
) -> None:
    status = node.status
    kind = _KINDS[stat.S_IFMT(status.st_mode)]
    link = b""
    if status.st_nlink > 1 and kind != tar.DIRECTORY:
        first = links.setdefault((status.st_dev, status.st_ino), node.path)
        if first != node.path:
            kind, link = tar.HARDLINK, first
    if kind == tar.SYMLINK:
        link = os.readlink(node.name, dir_fd=node.parent)
    device = status.st_rdev if kind in (tar.CHARACTER, tar.BLOCK_DEVICE) else 0
    name = node.path + b"/" if kind == tar.DIRECTORY else node.path
    modified = status.st_mtime_ns // 10**9

    def entry(attributes: Mapping[bytes, bytes]) -> bytes:
        return tarheader.header(
            name,
            kind,
            mode=stat.S_IMODE(status.st_mode),
            uid=status.st_uid,
            gid=status.st_gid,
            size=status.st_size if kind == tar.REGULAR else 0,
            mtime=modified if times is None else times(modified),
            link=link,
            major=os.major(device),
            minor=os.minor(device),
            attributes=attributes,
        )

    if kind not in (tar.REGULAR, tar.DIRECTORY):
        stream.write(entry({}))
        return
    fd = os.open(node.name, _FILE if kind == tar.REGULAR else _DIRECTORY, dir_fd=node.parent)
    try:
        found = os.fstat(fd)
        if (found.st_dev, found.st_ino) != (status.st_dev, status.st_ino):
            raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT))
        stream.write(entry(_xattrs(fd, node)))
        if kind == tar.REGULAR:
            _copy(fd, status.st_size, stream)
        elif layer and overlay.is_opaque(fd):
            stream.write(tarheader.header(node.path + b"/" + OPAQUE, tar.REGULAR))
    finally:
        os.close(fd)


def _xattrs(fd: int, node: _Node) -> dict[bytes, bytes]:
    """The attributes that unpack takes back, as PAX records."""
    records = {}
    for name in sorted(os.listxattr(fd)):
        if name in ("trusted.overlay.redirect", "trusted.overlay.metacopy"):
            raise Error(
                f"{text(node.path)} was written by an overlay mount with redirect_dir or metacopy",
                hint="the upper directory does not contain the complete file, so the "
                "container cannot be committed",
            )
        # A PAX key ends at the first equals sign.
        if (name == "security.capability" or name.startswith("user.")) and "=" not in name:
            records[b"SCHILY.xattr." + os.fsencode(name)] = os.getxattr(fd, name)
    return records


def _copy(fd: int, size: int, stream: _Hashed) -> None:
    """A file's content, exactly as long as the header says: a file that shrinks meanwhile is filled
    up.
    """
    left = size
    while left:
        data = os.read(fd, min(left, _CHUNK)) or bytes(min(left, _CHUNK))
        stream.write(data)
        left -= len(data)
    stream.write(bytes(-size % tar.BLOCK))
