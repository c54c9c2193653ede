# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Files and directories copied between two trees, one of which is untrusted.

Both sides are reached by descriptor only (safefs): a directory is entered through the descriptor of
the one above it, a link is never followed below the top, and what was looked at is what is read. So
renaming in either tree meanwhile changes the copy, but never leads out of the tree (CVE-2018-15664,
CVE-2019-14271, CVE-2021-41089). Nothing is mounted, nothing of a tree is run, no names of users are
looked up.
"""

from __future__ import annotations

import contextlib
import errno
import os
import secrets
import stat
from collections.abc import Container
from typing import Callable, Optional

from ..base import content
from ..base.errors import Error
from ..base.frozen import changing, field
from ..kernel import linux, safefs
from . import scan
from .scan import COPIED, Entry, Node, Rules

#: Files with more than one name whose first copy is remembered by descriptor.
_LINKED = 100


@changing
class Copied:
    """What a copy did: the bytes of the files it wrote, and what it had to leave out. ``count`` is
    told how many bytes these are by now.
    """

    bytes: int = 0
    left_out: list[str] = field(default_factory=list)
    count: Optional[Callable[[int], None]] = field(default=None, compare=False)

    def add(self, written: int) -> None:
        self.bytes += written
        if self.count is not None:
            self.count(self.bytes)


def copy(
    source: safefs.Root,
    source_path: safefs.Name,
    target: safefs.Root,
    target_path: safefs.Name,
    rules: Rules,
    *,
    skip: Container[int] = (),
    wanted: Optional[Callable[[bytes], bool]] = None,
    entered: Optional[Callable[[bytes], bool]] = None,
    said: Optional[Copied] = None,
    make_room: bool = False,
) -> Copied:
    """Make ``target_path`` a copy of ``source_path``, whose last components are not followed.

    A file is written beside its place and renamed, so nobody sees half of it; a directory that is
    there keeps its mode, its owner and what else it holds. ``wanted(path)`` tells which paths below
    are written (all), ``entered(path)`` which directories are made or looked into (all).
    Modification times go along, names of one file stay names of one file, and holes stay holes.
    ``make_room`` lets a file or link take the place of an empty directory at ``target_path``.
    Raises NotFound when there is no source, or no directory for the target, and Error where a
    directory and something else are in each other's place.
    """
    done = said or Copied()
    with scan.top(source, source_path) as node, contextlib.ExitStack() as held:
        if node.kind not in COPIED:
            raise Error(f"{scan.text(os.fsencode(source_path))} in {source.path} is a {node.kind}")
        if not os.fsencode(target_path).strip(b"/"):
            if node.kind != "directory":
                raise Error(f"/ in {target.path} is a directory")
            parent, name = target.open("/", os.O_PATH | os.O_DIRECTORY), b"."
        else:
            parent, text = target.open_parent(target_path)
            name = os.fsencode(text)
        held.callback(os.close, parent)
        work = _Copy(
            target, os.fsencode(target_path), rules, skip, wanted, entered, done, make_room
        )
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
        entered: Optional[Callable[[bytes], bool]],
        done: Copied,
        make_room: bool,
    ) -> None:
        self._target = target
        self._top = top
        self._rules = rules
        self._skip = skip
        self._wanted = wanted
        self._entered = entered
        self._done = done
        self._make_room = make_room
        self._first: dict[tuple[int, int], int] = {}

    def close(self) -> None:
        for fd in self._first.values():
            os.close(fd)

    def place(self, node: Node, parent: int, name: bytes, depth: int) -> None:
        if node.kind not in COPIED:
            self._done.left_out.append(f"{scan.text(node.path)} is a {node.kind}")
            return
        try:
            if node.kind == "directory":
                if self._entered is None or self._entered(node.path):
                    self._directory(node, parent, name, depth)
            elif self._wanted is None or self._wanted(node.path):
                self._other(node, parent, name)
        except OSError as exc:
            where = self._top + b"/" + node.path if node.path else self._top
            raise Error(f"{scan.text(where)} in {self._target.path}: {exc.strerror}") from exc

    def _directory(self, node: Node, parent: int, name: bytes, depth: int) -> None:
        if depth > scan.DEPTH:
            raise Error(f"{scan.text(node.path)} is nested deeper than {scan.DEPTH} directories")
        made = False
        try:
            here = os.open(name, scan.DIRECTORY, dir_fd=parent)
        except FileNotFoundError:
            os.mkdir(name, 0o700, dir_fd=parent)
            made = True
            here = os.open(name, scan.DIRECTORY, dir_fd=parent)
        try:
            if node.status.st_dev not in self._skip:
                self._children(node, here, depth)
            if made:
                want = self._rules.apply(scan.describe(node))
                os.fchown(here, want.uid, want.gid)
                os.fchmod(here, want.mode)
                os.utime(here, ns=(node.status.st_atime_ns, node.status.st_mtime_ns))
        finally:
            os.close(here)

    def _children(self, node: Node, here: int, depth: int) -> None:
        directory = os.open(b".", scan.DIRECTORY, dir_fd=node.fd)
        try:
            for child in sorted(os.fsencode(text) for text in os.listdir(directory)):
                try:
                    fd = os.open(child, scan.OBJECT, dir_fd=directory)
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
        want = self._rules.apply(scan.describe(node, digest=False))
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
            if self._make_room and not node.path:
                with contextlib.suppress(FileNotFoundError, NotADirectoryError):
                    os.rmdir(name, dir_fd=parent)
            os.rename(temporary, name, src_dir_fd=parent, dst_dir_fd=parent)
        except BaseException:
            with contextlib.suppress(OSError):
                os.unlink(temporary, dir_fd=parent)
            raise

    def _fill(self, node: Node, fd: int, want: Entry) -> None:
        with scan.reading(node) as data:
            _transfer(data, fd, want.size, self._done.add)
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
            fd = os.open(name, scan.OBJECT, dir_fd=parent)
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
            there = os.open(name, scan.OBJECT, dir_fd=parent)
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


def _transfer(source: int, target: int, size: int, moved: Callable[[int], None]) -> None:
    """Copy ``size`` bytes, holes as holes. ``moved`` is told of each piece that was data."""
    for begin, length in scan.extents(source, size):
        os.lseek(target, begin, os.SEEK_SET)
        at, end = begin, begin + length
        while at < end:
            try:
                count = os.sendfile(target, source, at, min(end - at, content.CHUNK))
            except OSError as exc:
                if exc.errno != errno.EINVAL:
                    raise
                count = os.pwrite(target, os.pread(source, min(end - at, content.CHUNK), at), at)
                os.lseek(target, at + count, os.SEEK_SET)
            if not count:
                break
            at += count
            moved(count)
    os.ftruncate(target, size)
