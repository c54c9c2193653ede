# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Files and directories moved between two trees, one of which somebody else wrote.

Both sides are reached by descriptor only (safefs): a directory is entered through the descriptor of
the one above it, a link is never followed below the top, and what was looked at is what is read. So
whoever renames in either tree meanwhile gets another copy, and never a way out (CVE-2018-15664,
CVE-2019-14271, CVE-2021-41089). Nothing is mounted, nothing of a tree is run, no names of users are
looked up.
"""

from __future__ import annotations

import contextlib
import dataclasses
import errno
import hashlib
import os
import secrets
import stat
from collections.abc import Container, Iterator
from dataclasses import dataclass
from typing import Callable, Optional

from . import linux, safefs
from .errors import Error, NotFound

#: Two descriptors are held for each level, and a process may have 1,024.
_DEPTH = 300

#: Files with more than one name whose first copy is remembered by descriptor.
_LINKED = 100

_CHUNK = 1 << 20

#: Larger files may be holes for the most part; these are not read as the zeros they stand for.
_LARGE = 64 << 20

_OBJECT = os.O_PATH | os.O_NOFOLLOW | os.O_CLOEXEC
_DIRECTORY = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC

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

    ``digest`` is a file's content: its SHA-256, or from 64 MiB on ``chunks:`` and the SHA-256 over
    its parts that are not zero; "" when nobody asked. ``target`` is a link's. ``attributes`` are
    extended ones: ``user.*``, and ``security.capability`` where privileges go along.
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
    ``directory_mode`` of directories, or None for the source's. Without ``privileges``, set-uid and
    set-gid bits and capabilities of files are left behind: a file that changes its owner would give
    them to somebody else.
    """

    owner: Optional[tuple[int, int]] = None
    file_mode: Optional[int] = None
    directory_mode: Optional[int] = None
    privileges: bool = True

    def apply(self, entry: Entry) -> Entry:
        """What the copy of an entry shall be. Pure."""
        uid, gid = self.owner or (entry.uid, entry.gid)
        mode = entry.mode
        if entry.kind == "file":
            if self.file_mode is not None:
                mode = self.file_mode
            elif not self.privileges:
                mode &= ~(stat.S_ISUID | stat.S_ISGID)
        elif entry.kind == "directory" and self.directory_mode is not None:
            mode = self.directory_mode
        attributes = entry.attributes
        if not self.privileges:
            attributes = tuple(pair for pair in attributes if pair[0].startswith("user."))
        return dataclasses.replace(entry, uid=uid, gid=gid, mode=mode, attributes=attributes)


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

    The result's last component is no link, or is not there. Raises Error for a loop.
    """
    here = os.fsencode(path)
    for dummy in range(40):
        try:
            fd = root.open(here, _OBJECT)
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
    raise Error(f"{_text(os.fsencode(path))} in {root.path}: too many links")


@contextlib.contextmanager
def _top(root: safefs.Root, path: safefs.Name) -> Iterator[Node]:
    fd = root.open(path, _OBJECT)
    try:
        yield Node(b"", fd, os.fstat(fd))
    finally:
        os.close(fd)


def look(root: safefs.Root, path: safefs.Name, size: Optional[int] = None) -> Optional[Entry]:
    """What is at a path, its last component not followed; None for nothing.

    A file is read for its digest only when its size is ``size``: another one differs anyway.
    """
    try:
        with _top(root, path) as node:
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


def walk(root: safefs.Root, path: safefs.Name, skip: Container[int] = ()) -> Iterator[Node]:
    """As scan, as nodes, whose descriptors hold until the next one is asked for."""
    with _top(root, path) as node:
        yield from _walk(root, node, skip, 0)


def _walk(root: safefs.Root, node: Node, skip: Container[int], depth: int) -> Iterator[Node]:
    yield node
    if node.kind != "directory" or node.status.st_dev in skip:
        return
    if depth > _DEPTH:
        raise Error(f"{_text(node.path)} in {root.path} lies deeper than {_DEPTH} directories")
    directory = os.open(b".", _DIRECTORY, dir_fd=node.fd)
    try:
        for name in sorted(os.fsencode(name) for name in os.listdir(directory)):
            try:
                fd = os.open(name, _OBJECT, dir_fd=directory)
            except FileNotFoundError:
                continue
            try:
                path = node.path + b"/" + name if node.path else name
                yield from _walk(root, Node(path, fd, os.fstat(fd)), skip, depth + 1)
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
        return dataclasses.replace(entry, mode=0o777, target=os.readlink(b"", dir_fd=node.fd))
    if entry.kind != "file":
        return entry
    content = ""
    if digest:
        with _reading(node) as fd:
            content = _digest(fd, status.st_size)
    return dataclasses.replace(
        entry, size=status.st_size, digest=content, attributes=_attributes(node.fd)
    )


@contextlib.contextmanager
def _reading(node: Node) -> Iterator[int]:
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


def _extents(fd: int, size: int) -> Iterator[tuple[int, int]]:
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
    if len(data) < _LARGE:
        return hashlib.sha256(data).hexdigest()
    whole = hashlib.sha256(len(data).to_bytes(8, "big"))
    for at in range(0, len(data), _CHUNK):
        part = data[at : at + _CHUNK]
        if any(part):
            whole.update(at.to_bytes(8, "big") + hashlib.sha256(part).digest())
    return f"chunks:{whole.hexdigest()}"


def _digest(fd: int, size: int) -> str:
    whole = hashlib.sha256()
    if size < _LARGE:
        os.lseek(fd, 0, os.SEEK_SET)
        left = size
        while left > 0:
            part = os.read(fd, min(left, _CHUNK))
            if not part:
                break
            whole.update(part)
            left -= len(part)
        return whole.hexdigest()
    whole.update(size.to_bytes(8, "big"))
    zero = bytes(_CHUNK)
    done = 0
    for begin, length in _extents(fd, size):
        # Aligned, so that where the holes are does not show: they differ between filesystems.
        first = max(done, begin - begin % _CHUNK)
        for at in range(first, begin + length, _CHUNK):
            part = os.pread(fd, _CHUNK, at)
            if part != zero[: len(part)]:
                whole.update(at.to_bytes(8, "big") + hashlib.sha256(part).digest())
            done = at + _CHUNK
    return f"chunks:{whole.hexdigest()}"


@dataclass
class Copied:
    """What a copy did: the bytes of the files it wrote, and what it had to leave out."""

    bytes: int = 0
    left_out: list[str] = dataclasses.field(default_factory=list)


def copy(
    source: safefs.Root,
    source_path: safefs.Name,
    target: safefs.Root,
    target_path: safefs.Name,
    rules: Rules,
    *,
    skip: Container[int] = (),
    wanted: Optional[Callable[[bytes], bool]] = None,
    said: Optional[Copied] = None,
) -> Copied:
    """Make ``target_path`` a copy of ``source_path``, whose last components are not followed.

    A file is written beside its place and renamed, so nobody sees half of it; a directory that is
    there keeps its mode, its owner and what else it holds. ``wanted(path)`` tells which paths below
    are written (all). Modification times go along, names of one file stay names of one file, and
    holes stay holes. Raises NotFound when there is no source, or no directory for the target, and
    Error where a directory and something else stand in each other's place.
    """
    done = said or Copied()
    with _top(source, source_path) as node, contextlib.ExitStack() as held:
        if node.kind not in COPIED:
            raise Error(f"{_text(os.fsencode(source_path))} in {source.path} is a {node.kind}")
        if not os.fsencode(target_path).strip(b"/"):
            if node.kind != "directory":
                raise Error(f"/ in {target.path} is a directory")
            parent, name = target.open("/", os.O_PATH | os.O_DIRECTORY), b"."
        else:
            parent, text = target.open_parent(target_path)
            name = os.fsencode(text)
        held.callback(os.close, parent)
        work = _Copy(target, os.fsencode(target_path), rules, skip, wanted, done)
        held.callback(work.close)
        work.place(node, parent, name, 0)
    return done


class _Copy:
    """One copy under way. Owns descriptors of files that have further names."""

    def __init__(
        self,
        target: safefs.Root,
        top: bytes,
        rules: Rules,
        skip: Container[int],
        wanted: Optional[Callable[[bytes], bool]],
        done: Copied,
    ) -> None:
        self._target = target
        self._top = top
        self._rules = rules
        self._skip = skip
        self._wanted = wanted
        self._done = done
        self._first: dict[tuple[int, int], int] = {}

    def close(self) -> None:
        for fd in self._first.values():
            os.close(fd)

    def place(self, node: Node, parent: int, name: bytes, depth: int) -> None:
        if node.kind not in COPIED:
            self._done.left_out.append(f"{_text(node.path)} is a {node.kind}")
            return
        try:
            if node.kind == "directory":
                self._directory(node, parent, name, depth)
            elif self._wanted is None or self._wanted(node.path):
                self._other(node, parent, name)
        except OSError as exc:
            where = self._top + b"/" + node.path if node.path else self._top
            raise Error(f"{_text(where)} in {self._target.path}: {exc.strerror}") from exc

    def _directory(self, node: Node, parent: int, name: bytes, depth: int) -> None:
        if depth > _DEPTH:
            raise Error(f"{_text(node.path)} lies deeper than {_DEPTH} directories")
        made = False
        try:
            here = os.open(name, _DIRECTORY, dir_fd=parent)
        except FileNotFoundError:
            os.mkdir(name, 0o700, dir_fd=parent)
            made = True
            here = os.open(name, _DIRECTORY, dir_fd=parent)
        try:
            if node.status.st_dev not in self._skip:
                self._children(node, here, depth)
            if made:
                want = self._rules.apply(describe(node))
                os.fchown(here, want.uid, want.gid)
                os.fchmod(here, want.mode)
                os.utime(here, ns=(node.status.st_atime_ns, node.status.st_mtime_ns))
        finally:
            os.close(here)

    def _children(self, node: Node, here: int, depth: int) -> None:
        directory = os.open(b".", _DIRECTORY, dir_fd=node.fd)
        try:
            for child in sorted(os.fsencode(text) for text in os.listdir(directory)):
                try:
                    fd = os.open(child, _OBJECT, dir_fd=directory)
                except FileNotFoundError:
                    continue
                try:
                    path = node.path + b"/" + child if node.path else child
                    self.place(Node(path, fd, os.fstat(fd)), here, child, depth + 1)
                finally:
                    os.close(fd)
        finally:
            os.close(directory)

    def _other(self, node: Node, parent: int, name: bytes) -> None:
        want = self._rules.apply(describe(node, digest=False))
        if self._overwrite(node, parent, name, want):
            return
        temporary = f".slipway-{secrets.token_hex(8)}".encode()
        try:
            if want.kind == "link":
                os.symlink(want.target, temporary, dir_fd=parent)
            elif want.kind == "fifo":
                os.mkfifo(temporary, 0o600, dir_fd=parent)
            elif self._link(node, parent, temporary):
                os.rename(temporary, name, src_dir_fd=parent, dst_dir_fd=parent)
                # A rename onto another name of the same file does nothing (rename(2)).
                with contextlib.suppress(FileNotFoundError):
                    os.unlink(temporary, dir_fd=parent)
                return
            else:
                flags = os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
                fd = os.open(temporary, flags, 0o600, dir_fd=parent)
                try:
                    self._fill(node, fd, want)
                    self._remember(node, fd)
                finally:
                    os.close(fd)
            if want.kind != "file":
                self._attribute(node, parent, temporary, want)
            os.rename(temporary, name, src_dir_fd=parent, dst_dir_fd=parent)
        except BaseException:
            with contextlib.suppress(OSError):
                os.unlink(temporary, dir_fd=parent)
            raise

    def _fill(self, node: Node, fd: int, want: Entry) -> None:
        with _reading(node) as data:
            self._done.bytes += _transfer(data, fd, want.size)
        os.fchown(fd, want.uid, want.gid)
        os.fchmod(fd, want.mode)
        for key, value in want.attributes:
            # A filesystem without them still holds the file.
            with contextlib.suppress(OSError):
                os.setxattr(fd, key, value)
        os.utime(fd, ns=(node.status.st_atime_ns, node.status.st_mtime_ns))

    def _attribute(self, node: Node, parent: int, name: bytes, want: Entry) -> None:
        os.chown(name, want.uid, want.gid, dir_fd=parent, follow_symlinks=False)
        if want.kind == "fifo":
            fd = os.open(name, _OBJECT, dir_fd=parent)
            try:
                os.chmod(f"/proc/self/fd/{fd}", want.mode)
            finally:
                os.close(fd)
        times = (node.status.st_atime_ns, node.status.st_mtime_ns)
        os.utime(name, ns=times, dir_fd=parent, follow_symlinks=False)

    def _overwrite(self, node: Node, parent: int, name: bytes, want: Entry) -> bool:
        """Write into a file that is a mount point, such as /etc/hosts; False for anything else.

        Renamed over from another mount namespace the mount would vanish there: rename(2) refuses
        that for the caller's own mounts only.
        """
        try:
            there = os.open(name, _OBJECT, dir_fd=parent)
        except FileNotFoundError:
            return False
        try:
            kind = stat.S_IFMT(os.fstat(there).st_mode)
            if kind == stat.S_IFDIR or _mount_id(there) == _mount_id(parent):
                return False
            if kind != stat.S_IFREG or want.kind != "file":
                raise OSError(errno.EBUSY, os.strerror(errno.EBUSY))
            fd = os.open(f"/proc/self/fd/{there}", os.O_RDWR | os.O_TRUNC | os.O_CLOEXEC)
        finally:
            os.close(there)
        try:
            self._fill(node, fd, want)
        finally:
            os.close(fd)
        return True

    def _remember(self, node: Node, fd: int) -> None:
        if node.status.st_nlink > 1 and len(self._first) < _LINKED:
            key = (node.status.st_dev, node.status.st_ino)
            self._first.setdefault(key, os.dup(fd))

    def _link(self, node: Node, parent: int, name: bytes) -> bool:
        first = self._first.get((node.status.st_dev, node.status.st_ino))
        if first is None:
            return False
        linux.linkat_fd(first, parent, name)
        return True


def _mount_id(fd: int) -> bytes:
    """Which mount a descriptor was opened through (proc(5), fdinfo)."""
    with open(f"/proc/self/fdinfo/{fd}", "rb") as file:
        return next((line for line in file if line.startswith(b"mnt_id:")), b"")


def _transfer(source: int, target: int, size: int) -> int:
    """Copy ``size`` bytes, holes as holes. Returns how many were data."""
    moved = 0
    for begin, length in _extents(source, size):
        os.lseek(target, begin, os.SEEK_SET)
        at, end = begin, begin + length
        while at < end:
            try:
                count = os.sendfile(target, source, at, min(end - at, _CHUNK))
            except OSError as exc:
                if exc.errno != errno.EINVAL:
                    raise
                count = os.pwrite(target, os.pread(source, min(end - at, _CHUNK), at), at)
                os.lseek(target, at + count, os.SEEK_SET)
            if not count:
                break
            at += count
            moved += count
    os.ftruncate(target, size)
    return moved


def _text(path: bytes) -> str:
    return path.decode("utf-8", "backslashreplace")
