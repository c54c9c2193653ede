# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Access to files inside an untrusted tree, such as the root of a container.

Every path is resolved as if the tree's top were ``/``: an absolute link, a ``..`` too many and a
rename that races with us all stay inside. The kernel does that with openat2(RESOLVE_IN_ROOT); if a
kernel or a seccomp filter denies the call, it is done component by component, with O_NOFOLLOW. What
comes out is a descriptor, so the file that was checked is the file that is used.
"""

from __future__ import annotations

import contextlib
import errno
import functools
import os
import stat as stat_module
from types import TracebackType
from typing import NoReturn, Optional, Union

from ..base.errors import Error, NotFound
from . import linux

#: What one file of an untrusted tree may put into our memory unless the caller says otherwise.
READ_LIMIT = 1 << 20

#: As many links as the kernel follows in one lookup (MAXSYMLINKS).
_LINKS = 40

#: openat2 answers EAGAIN when a rename raced with ``..``. Somebody who renames all the time must
#: not hold us.
_RACES = 128

_IN_ROOT = linux.RESOLVE_IN_ROOT | linux.RESOLVE_NO_MAGICLINKS
_ANY = os.O_PATH | os.O_NOFOLLOW | os.O_CLOEXEC
_DIRECTORY = os.O_PATH | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC

Name = Union[str, bytes]


@functools.cache
def has_openat2() -> bool:
    """Whether the kernel resolves for us; ENOSYS is one before 5.6, EPERM a seccomp filter."""
    try:
        os.close(linux.openat2(linux.AT_FDCWD, "/", os.O_PATH, 0, _IN_ROOT))
    except OSError as exc:
        if exc.errno in (errno.ENOSYS, errno.EPERM):
            return False
        raise
    return True


class Root:
    """The top of an untrusted tree, held open. Paths are relative to it, with or without ``/``.

    Raises NotFound when something on the way is missing and Error for the rest, both naming tree
    and path. ``walk`` forces the way of resolution (True: without openat2); None takes what the
    kernel offers. ``label`` is what errors call the tree in place of its path.
    """

    def __init__(
        self,
        path: Union[str, os.PathLike[str]],
        walk: Optional[bool] = None,
        label: str = "",
    ) -> None:
        self.path = os.fspath(path)
        self._walk_only = not has_openat2() if walk is None else walk
        try:
            self.fd = os.open(self.path, os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
        except OSError as exc:
            raise NotFound(f"{self.path} cannot be opened: {exc.strerror}") from exc
        self.path = label or self.path

    def __enter__(self) -> Root:
        return self

    def __exit__(
        self,
        kind: Optional[type[BaseException]],
        value: Optional[BaseException],
        trace: Optional[TracebackType],
    ) -> None:
        self.close()

    def close(self) -> None:
        if self.fd >= 0:
            os.close(self.fd)
            self.fd = -1

    def open(self, path: Name, flags: int, mode: int = 0) -> int:
        """A descriptor of the file at ``path``. O_NOFOLLOW concerns the last component, as in
        open(2).
        """
        try:
            return self._open(path, flags, mode)
        except OSError as exc:
            self._fail(path, exc)

    def open_parent(self, path: Name) -> tuple[int, Name]:
        """The directory that contains ``path``, as an O_PATH descriptor, and the name there, which
        is not resolved.
        """
        parent, name = _split(path)
        if name in (b"", b".", b".."):
            raise Error(f"{_text(path)!r} does not name a directory entry in {self.path}")
        fd = self.open(parent, os.O_PATH | os.O_DIRECTORY)
        return fd, name if isinstance(path, bytes) else os.fsdecode(name)

    def stat(self, path: Name, follow: bool = True) -> os.stat_result:
        fd = self.open(path, os.O_PATH if follow else os.O_PATH | os.O_NOFOLLOW)
        try:
            return os.fstat(fd)
        finally:
            os.close(fd)

    def exists(self, path: Name, follow: bool = True) -> bool:
        try:
            self.stat(path, follow)
        except NotFound:
            return False
        return True

    def read_bytes(self, path: Name, limit: int = READ_LIMIT) -> bytes:
        """The content of a regular file of at most ``limit`` bytes.

        The file is looked at through O_PATH before it is opened, so a fifo cannot make us wait and
        a device is never opened (CVE-2024-9676: a passwd file that was a link to something
        endless).
        """
        found = self.open(path, os.O_PATH)
        try:
            if not stat_module.S_ISREG(os.fstat(found).st_mode):
                raise Error(f"{_text(path)} in {self.path} is not a regular file")
            with open(f"/proc/self/fd/{found}", "rb", buffering=0) as file:
                data = _read(file.fileno(), limit + 1)
        except OSError as exc:
            self._fail(path, exc)
        finally:
            os.close(found)
        if len(data) > limit:
            raise Error(f"{_text(path)} in {self.path} is larger than {limit} bytes")
        return data

    def read_text(self, path: Name, limit: int = READ_LIMIT) -> str:
        """As read_bytes, decoded as UTF-8; bytes that are not become U+FFFD."""
        return self.read_bytes(path, limit).decode("utf-8", "replace")

    def write_file(
        self, path: Name, data: bytes, mode: int = 0o644, uid: int = 0, gid: int = 0
    ) -> None:
        """Put a whole file in the place of what ``path`` names; a link there is replaced, not
        followed.
        """
        parent, name = self.open_parent(path)
        temporary = f".slipway-{os.urandom(8).hex()}"
        try:
            fd = os.open(
                temporary,
                os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC,
                0o600,
                dir_fd=parent,
            )
            try:
                try:
                    view = memoryview(data)
                    while view:
                        view = view[os.write(fd, view) :]
                    # chown takes set-uid bits away, so the mode comes after it.
                    os.fchown(fd, uid, gid)
                    os.fchmod(fd, mode)
                finally:
                    os.close(fd)
                os.rename(temporary, name, src_dir_fd=parent, dst_dir_fd=parent)
            except BaseException:
                with contextlib.suppress(OSError):
                    os.unlink(temporary, dir_fd=parent)
                raise
        except OSError as exc:
            self._fail(path, exc)
        finally:
            os.close(parent)

    def make_dirs(self, path: Name, mode: int = 0o755, uid: int = 0, gid: int = 0) -> None:
        """Make a directory and the missing ones above it; those that exist keep their mode and
        owner.

        Links on the way are followed inside the tree, and a dangling one leads to where its target
        is made.
        """
        try:
            os.close(self._walk(path, _DIRECTORY & ~os.O_NOFOLLOW, 0, (mode, uid, gid)))
        except OSError as exc:
            self._fail(path, exc)

    def _open(self, path: Name, flags: int, mode: int) -> int:
        if self._walk_only:
            return self._walk(path, flags | os.O_CLOEXEC, mode)
        mode = mode if flags & (os.O_CREAT | os.O_TMPFILE & ~os.O_DIRECTORY) else 0
        for dummy in range(_RACES):
            try:
                return linux.openat2(self.fd, path or ".", flags, mode, _IN_ROOT)
            except BlockingIOError as exc:
                race = exc
        raise race

    def _walk(
        self, path: Name, flags: int, mode: int, make: Optional[tuple[int, int, int]] = None
    ) -> int:
        """Resolve without openat2. ``..`` goes back on a stack of our own and never reaches the
        kernel.

        With ``make`` (mode, uid, gid) a component that is missing becomes a directory.
        """
        pending = _components(path)
        stack = [os.dup(self.fd)]
        links = 0
        try:
            while pending:
                name = pending.pop()
                if name == b"..":
                    if len(stack) > 1:
                        os.close(stack.pop())
                    continue
                last = not pending and make is None
                try:
                    found = os.open(name, _ANY, dir_fd=stack[-1])
                except FileNotFoundError:
                    if make is not None:
                        found = _make_directory(stack[-1], name, *make)
                    elif last and flags & os.O_CREAT:
                        return os.open(name, flags | os.O_NOFOLLOW, mode, dir_fd=stack[-1])
                    else:
                        raise
                kind = stat_module.S_IFMT(os.fstat(found).st_mode)
                if kind == stat_module.S_IFLNK and not (last and flags & os.O_NOFOLLOW):
                    links += 1
                    try:
                        if links > _LINKS:
                            raise OSError(errno.ELOOP, os.strerror(errno.ELOOP))
                        target = os.readlink(b"", dir_fd=found)
                    finally:
                        os.close(found)
                    if target.startswith(b"/"):
                        while len(stack) > 1:
                            os.close(stack.pop())
                    pending += _components(target)
                elif last:
                    os.close(found)
                    return os.open(name, flags | os.O_NOFOLLOW, mode, dir_fd=stack[-1])
                else:
                    stack.append(found)
                    if kind != stat_module.S_IFDIR:
                        raise NotADirectoryError(errno.ENOTDIR, os.strerror(errno.ENOTDIR))
            # The path ended in a directory that is open already: by "..", "." or a link to one of
            # them.
            return os.open(b".", flags & ~(os.O_CREAT | os.O_EXCL), dir_fd=stack[-1])
        finally:
            for fd in stack:
                os.close(fd)

    def _fail(self, path: Name, exc: OSError) -> NoReturn:
        message = f"{_text(path)} in {self.path}: {exc.strerror}"
        if exc.errno in (errno.ENOENT, errno.ENOTDIR):
            raise NotFound(message) from exc
        raise Error(message) from exc


def _make_directory(parent: int, name: bytes, mode: int, uid: int, gid: int) -> int:
    """Make one directory whatever the umask, and return an O_PATH descriptor of it."""
    with contextlib.suppress(FileExistsError):
        os.mkdir(name, 0o700, dir_fd=parent)
    fd = os.open(name, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC, dir_fd=parent)
    try:
        os.fchown(fd, uid, gid)
        os.fchmod(fd, mode)
        return os.open(b".", _DIRECTORY, dir_fd=fd)
    finally:
        os.close(fd)


def _components(path: Name) -> list[bytes]:
    """The components of a path, last one first, so that the next one is at hand for pop()."""
    parts = [part for part in os.fsencode(path).split(b"/") if part not in (b"", b".")]
    if any(b"\0" in part for part in parts):
        raise OSError(errno.EINVAL, "a name holds a null byte")
    parts.reverse()
    return parts


def _split(path: Name) -> tuple[bytes, bytes]:
    head, dummy, tail = os.fsencode(path).rstrip(b"/").rpartition(b"/")
    return head or b"/", tail


def _read(fd: int, limit: int) -> bytes:
    parts = []
    while limit > 0:
        part = os.read(fd, min(limit, 1 << 16))
        if not part:
            break
        parts.append(part)
        limit -= len(part)
    return b"".join(parts)


def _text(path: Name) -> str:
    return os.fsencode(path).decode("utf-8", "backslashreplace")
