# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The content of an untrusted tree, read descriptor by descriptor.

A directory is entered through the descriptor of the one above it, and no link is followed below the
top (safefs). Only regular files are opened, so neither a fifo nor a device can hold us.
"""

from __future__ import annotations

import contextlib
import errno
import hashlib
import io
import os
import stat
from collections.abc import Container, Iterator
from typing import Callable, Optional

from ..base import content
from ..base.content import CHUNK, LARGE
from ..base.errors import Error, NotFound
from ..base.frozen import dataclass, replace
from ..kernel import safefs

#: Two descriptors are held for each level of a copy, and a process may have 1,024.
DEPTH = 300

OBJECT = os.O_PATH | os.O_NOFOLLOW | os.O_CLOEXEC
DIRECTORY = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC

_KINDS = {
    stat.S_IFREG: "file",
    stat.S_IFDIR: "directory",
    stat.S_IFLNK: "link",
    stat.S_IFIFO: "fifo",
    stat.S_IFSOCK: "socket",
    stat.S_IFCHR: "device",
    stat.S_IFBLK: "device",
}

#: What can be copied. A socket without its program is nothing, and a device is the host's.
COPIED = frozenset({"file", "directory", "link", "fifo"})


@dataclass(frozen=True)
class Entry:
    """What is compared of one file, directory, link or fifo.

    ``digest`` is a file's content (base/content); "" when nobody asked. ``target`` is a link's.
    ``attributes`` are extended ones: ``user.*``, and ``security.capability`` where privileges go
    along.
    """

    kind: str
    mode: int
    uid: int
    gid: int
    size: int = 0
    digest: str = ""
    target: bytes = b""
    attributes: tuple[tuple[str, bytes], ...] = ()


@dataclass(frozen=True)
class Rules:
    """How what is copied differs from its source.

    ``owner`` (uid, gid) of everything, or None for the source's. ``file_mode`` of files and
    ``directory_mode`` of directories, or None for the source's; ``change`` makes a mode of another
    one, and is told whether it is a directory's. Without ``privileges``, set-uid and
    set-gid bits and capabilities of files are left behind: a file that changes its owner would give
    them to somebody else.
    """

    owner: Optional[tuple[int, int]] = None
    file_mode: Optional[int] = None
    directory_mode: Optional[int] = None
    privileges: bool = True
    change: Optional[Callable[[int, bool], int]] = None

    def apply(self, entry: Entry) -> Entry:
        """What the copy of an entry should be. Pure."""
        uid, gid = self.owner or (entry.uid, entry.gid)
        mode = entry.mode
        if entry.kind == "file":
            if self.file_mode is not None:
                mode = self.file_mode
            elif not self.privileges:
                mode &= ~(stat.S_ISUID | stat.S_ISGID)
        elif entry.kind == "directory" and self.directory_mode is not None:
            mode = self.directory_mode
        if self.change is not None and entry.kind != "link":
            mode = self.change(mode, entry.kind == "directory")
        attributes = entry.attributes
        if not self.privileges:
            attributes = tuple(pair for pair in attributes if pair[0].startswith("user."))
        return replace(entry, uid=uid, gid=gid, mode=mode, attributes=attributes)


@dataclass(frozen=True)
class Node:
    """Something in a tree, held by an O_PATH descriptor; ``path`` is relative to where the walk
    began, b"" for that itself.
    """

    path: bytes
    fd: int
    status: os.stat_result

    @property
    def kind(self) -> str:
        return _KINDS[stat.S_IFMT(self.status.st_mode)]


def resolve(root: safefs.Root, path: safefs.Name) -> bytes:
    """Where a path leads when links in its last component are followed too, inside the tree.

    The result's last component is not a link, or does not exist. Raises Error for a loop.
    """
    here = os.fsencode(path)
    for dummy in range(40):
        try:
            fd = root.open(here, OBJECT)
        except NotFound:
            return here
        try:
            if not stat.S_ISLNK(os.fstat(fd).st_mode):
                return here
            target = os.readlink(b"", dir_fd=fd)
        finally:
            os.close(fd)
        parent = here.rstrip(b"/").rpartition(b"/")[0]
        here = target if target.startswith(b"/") else parent + b"/" + target
    raise Error(f"{text(os.fsencode(path))} in {root.path}: too many links")


@contextlib.contextmanager
def top(root: safefs.Root, path: safefs.Name) -> Iterator[Node]:
    """The node of one path, open for as long as the block. Raises OSError."""
    fd = root.open(path, OBJECT)
    try:
        yield Node(b"", fd, os.fstat(fd))
    finally:
        os.close(fd)


def look(root: safefs.Root, path: safefs.Name, size: Optional[int] = None) -> Optional[Entry]:
    """What is at a path, its last component not followed; None for nothing.

    A file is read for its digest only when its size is ``size``: another one differs anyway.
    """
    try:
        with top(root, path) as node:
            return describe(node, digest=node.status.st_size == size)
    except NotFound:
        return None


def scan(
    root: safefs.Root, path: safefs.Name, skip: Container[int] = (), digest: bool = True
) -> Iterator[tuple[bytes, Entry]]:
    """A file, link or directory and all below it, a directory before what it holds, in order.

    Directories on the filesystems ``skip`` (numbers of st_dev) show as empty. What cannot be copied
    is among it; what vanishes meanwhile is left out.
    """
    for node in walk(root, path, skip):
        with contextlib.suppress(FileNotFoundError):
            yield node.path, describe(node, digest)


def walk(
    root: safefs.Root,
    path: safefs.Name,
    skip: Container[int] = (),
    left_out: Optional[Callable[[Node], bool]] = None,
) -> Iterator[Node]:
    """As scan, as nodes, whose descriptors hold until the next one is asked for. What is
    ``left_out`` is passed over with all below it.
    """
    with top(root, path) as node:
        yield from _walk(root, node, skip, 0, left_out)


def _walk(
    root: safefs.Root,
    node: Node,
    skip: Container[int],
    depth: int,
    left_out: Optional[Callable[[Node], bool]] = None,
) -> Iterator[Node]:
    if left_out is not None and left_out(node):
        return
    yield node
    if node.kind != "directory" or node.status.st_dev in skip:
        return
    if depth > DEPTH:
        raise Error(f"{text(node.path)} in {root.path} is nested deeper than {DEPTH} directories")
    directory = os.open(b".", DIRECTORY, dir_fd=node.fd)
    try:
        for name in sorted(os.fsencode(name) for name in os.listdir(directory)):
            try:
                fd = os.open(name, OBJECT, dir_fd=directory)
            except FileNotFoundError:
                continue
            try:
                path = node.path + b"/" + name if node.path else name
                yield from _walk(root, Node(path, fd, os.fstat(fd)), skip, depth + 1, left_out)
            finally:
                os.close(fd)
    finally:
        os.close(directory)


def describe(node: Node, digest: bool = True) -> Entry:
    """What is compared of a node. Only a regular file is opened: neither a fifo nor a device is."""
    status = node.status
    entry = Entry(node.kind, stat.S_IMODE(status.st_mode), status.st_uid, status.st_gid)
    if entry.kind == "link":
        # Every link has mode 0777, and it means nothing.
        return replace(entry, mode=0o777, target=os.readlink(b"", dir_fd=node.fd))
    if entry.kind != "file":
        return entry
    found = ""
    if digest:
        with reading(node) as fd:
            found = _digest(fd, status.st_size)
    return replace(entry, size=status.st_size, digest=found, attributes=_attributes(node.fd))


@contextlib.contextmanager
def reading(node: Node) -> Iterator[int]:
    """A descriptor that reads a node's content, for as long as the block."""
    # It is a regular file, and this opens the very inode that was looked at.
    fd = os.open(f"/proc/self/fd/{node.fd}", os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    try:
        yield fd
    finally:
        os.close(fd)


def _attributes(fd: int) -> tuple[tuple[str, bytes], ...]:
    path = f"/proc/self/fd/{fd}"
    found = []
    try:
        for name in sorted(os.listxattr(path)):
            if name == "security.capability" or name.startswith("user."):
                found.append((name, os.getxattr(path, name)))
    except OSError as exc:
        if exc.errno not in (errno.ENOTSUP, errno.ENODATA):
            raise
    return tuple(found)


def extents(fd: int, size: int) -> Iterator[tuple[int, int]]:
    """Offset and length of what is data in a file; the rest are holes (lseek(2), SEEK_DATA)."""
    at = 0
    while at < size:
        try:
            begin = os.lseek(fd, at, os.SEEK_DATA)
        except OSError as exc:
            if exc.errno == errno.ENXIO:
                return
            if exc.errno != errno.EINVAL:
                raise
            begin = at
        end = size
        with contextlib.suppress(OSError):
            end = min(size, os.lseek(fd, begin, os.SEEK_HOLE))
        if begin >= size:
            return
        yield begin, end - begin
        at = end


def digest_of(data: bytes) -> str:
    """``Entry.digest`` of a file with this content."""
    return content.digest(io.BytesIO(data).read, len(data))


def _digest(fd: int, size: int) -> str:
    whole = hashlib.sha256()
    if size < LARGE:
        os.lseek(fd, 0, os.SEEK_SET)
        left = size
        while left > 0:
            part = os.read(fd, min(left, CHUNK))
            if not part:
                break
            whole.update(part)
            left -= len(part)
        return whole.hexdigest()
    whole.update(size.to_bytes(8, "big"))
    zero = bytes(CHUNK)
    done = 0
    for begin, length in extents(fd, size):
        # Aligned, so that where the holes are does not show: they differ between filesystems.
        first = max(done, begin - begin % CHUNK)
        for at in range(first, begin + length, CHUNK):
            part = os.pread(fd, CHUNK, at)
            if part != zero[: len(part)]:
                whole.update(at.to_bytes(8, "big") + hashlib.sha256(part).digest())
            done = at + CHUNK
    return f"chunks:{whole.hexdigest()}"


def text(path: bytes) -> str:
    """A path for messages: what is not UTF-8 is escaped."""
    return path.decode("utf-8", "backslashreplace")
