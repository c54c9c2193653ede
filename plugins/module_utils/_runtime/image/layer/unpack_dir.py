# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The directory a layer is unpacked into: reaching, creating and removing its entries.

Every inode is reached by descriptor, one O_NOFOLLOW step per component from the top; a link on the
way is read and resolved here, with the top as ``/``. So nothing leads outside, whatever an earlier
entry planted. Directories stay open between entries, known by their path without links. That is
sound because everything is below a directory only root may enter, and because this class alone
removes directories in it, and forgets those it removes.
"""

from __future__ import annotations

import errno
import os
import stat
import struct
import tempfile
from collections import deque
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple, NoReturn, Optional

from ...base import files
from ...base.errors import Error
from ...tree import overlay
from .stream import Limits, text

#: Directories kept open. Layers come depth first, so a few would do; well below the usual 1,024.
_OPEN_DIRECTORIES = 128

#: As many links as the kernel follows in one lookup (MAXSYMLINKS).
_LINKS = 40

#: Free space is asked for again after so many bytes or files.
_SPACE_BYTES, _SPACE_FILES = 16 << 20, 4096

DIRECTORY = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_CREATE = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC

#: The time of a directory, kept until the end: seconds since the epoch, nanoseconds, length of the
#: path.
_TIME = struct.Struct("=qIH")


class Directory(NamedTuple):
    """A directory of the layer: an open descriptor, and its path without links (b"" is the top)."""

    fd: int
    path: bytes

    def below(self, name: bytes) -> bytes:
        return self.path + b"/" + name if self.path else name


def refuse(name: bytes, offence: str) -> NoReturn:
    """Stop at an entry that no honest image holds."""
    raise Error(
        f"the layer's entry {text(name)} {offence}",
        hint="the image is damaged or malicious: do not use it, and report it to its maker",
    )


class UnpackDirectory:
    """The target of one layer, which must be empty. ``lowers`` are the layers below, top first."""

    def __init__(self, target: Path, lowers: Sequence[Path], limits: Limits) -> None:
        self._target = target
        self._lowers = lowers
        self._limits = limits
        self._open: dict[bytes, int] = {}
        self._unchecked_bytes = self._unchecked_files = 0
        self.top = Directory(os.open(target, DIRECTORY), b"")
        # Times of directories wait until nothing changes in them any more. They spill to disk, so
        # that a layer of two million directories does not take memory for each.
        self._times = tempfile.SpooledTemporaryFile(  # noqa: SIM115, close() closes it
            max_size=4 << 20, dir=str(target.parent)
        )
        try:
            if os.listdir(self.top.fd):
                raise Error(f"{target} is not empty, so no layer can be unpacked into it")
            self._inherit(self.top)
            self._check_space()
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        for fd in self._open.values():
            os.close(fd)
        self._open.clear()
        self._times.close()
        os.close(self.top.fd)

    def directory(self, path: bytes, entry: bytes) -> Directory:
        """The directory an entry names as its parent. Missing ones are made.

        A link on the way leads to where it leads inside the layer, as in other engines, and where
        nothing is there a directory is made; what else is not a directory gives way to one. The
        descriptor holds until the next call.
        """
        if not path:
            return self.top
        found = self._open.get(path)
        if found is not None:
            return Directory(found, path)
        pending = deque(path.split(b"/"))
        current, links = self.top, 0
        while pending:
            name = pending.popleft()
            if name == b"..":
                # A path without links: the directory above is the one named before.
                current = self._reopen(current.path.rpartition(b"/")[0])
                continue
            here = current.below(name)
            if here.count(b"/") >= self._limits.depth or len(here) > self._limits.path:
                refuse(entry, f"is nested deeper than {self._limits.depth} directories")
            try:
                current = self.enter(current, name)
                continue
            except FileNotFoundError:
                os.mkdir(name, 0o700, dir_fd=current.fd)
                current = self.enter(current, name)
                self._inherit(current)
                continue
            except OSError as exc:
                if exc.errno not in (errno.ELOOP, errno.ENOTDIR):
                    raise
            if not stat.S_ISLNK(self.status(current, name).st_mode):
                current = self.replace(current, name)
                os.fchmod(current.fd, 0o755)
                continue
            links += 1
            if links > _LINKS:
                refuse(entry, "is behind a loop of symbolic links")
            destination = os.readlink(name, dir_fd=current.fd)
            if destination.startswith(b"/"):
                current = self.top
            pending.extendleft(
                part for part in reversed(destination.split(b"/")) if part not in (b"", b".")
            )
        return current

    def enter(self, parent: Directory, name: bytes) -> Directory:
        """The directory ``name`` in ``parent``, from those that are open or by one step."""
        path = parent.below(name)
        fd = self._open.pop(path, None)
        if fd is None:
            fd = os.open(name, DIRECTORY, dir_fd=parent.fd)
            if len(self._open) >= _OPEN_DIRECTORIES:
                os.close(self._open.pop(next(iter(self._open))))
        # The last one used stands at the end, and the one that was not used for longest goes first.
        self._open[path] = fd
        return Directory(fd, path)

    def _reopen(self, path: bytes) -> Directory:
        """A directory by its path without links. Raises OSError when it is not there any more."""
        current = self.top
        for name in path.split(b"/") if path else ():
            current = self.enter(current, name)
        return current

    def status(self, parent: Directory, name: bytes) -> os.stat_result:
        return os.stat(name, dir_fd=parent.fd, follow_symlinks=False)

    def _inherit(self, directory: Directory) -> None:
        """Give a directory that no entry describes the attributes it has in the layers below.

        overlayfs shows those of the topmost layer, so without this a layer that holds ``tmp/x``
        alone would make everybody's /tmp root's own.
        """
        mode, uid, gid = 0o755, 0, 0
        found = overlay.lookup(self._lowers, directory.path)
        if found is not None:
            try:
                below = os.fstat(found)
            finally:
                os.close(found)
            if stat.S_ISDIR(below.st_mode):
                mode, uid, gid = stat.S_IMODE(below.st_mode), below.st_uid, below.st_gid
                self.time_later(directory, below.st_mtime_ns)
        os.fchown(directory.fd, uid, gid)
        os.fchmod(directory.fd, mode)

    def remove(self, parent: Directory, name: bytes) -> None:
        """Remove what an earlier entry of this layer made under a name."""
        try:
            os.unlink(name, dir_fd=parent.fd)
        except IsADirectoryError:
            gone = parent.below(name)
            for path in [path for path in self._open if (path + b"/").startswith(gone + b"/")]:
                os.close(self._open.pop(path))
            _remove_tree(parent.fd, name)

    def replace(self, parent: Directory, name: bytes) -> Directory:
        """A directory where this layer had something else, or a whiteout.

        What lower layers have there was hidden already, so the directory must not restore it.
        """
        os.unlink(name, dir_fd=parent.fd)
        os.mkdir(name, 0o700, dir_fd=parent.fd)
        directory = self.enter(parent, name)
        overlay.make_opaque(directory.fd)
        return directory

    def create(self, parent: Directory, name: bytes) -> int:
        """A new file, open for writing; never one that is there, which may have other names."""
        self._unchecked_files += 1
        if self._unchecked_files >= _SPACE_FILES:
            self._check_space()
        try:
            return os.open(name, _CREATE, 0o600, dir_fd=parent.fd)
        except FileExistsError:
            self.remove(parent, name)
            return os.open(name, _CREATE, 0o600, dir_fd=parent.fd)

    def write(self, fd: int, piece: memoryview) -> None:
        self._unchecked_bytes += len(piece)
        if self._unchecked_bytes >= _SPACE_BYTES:
            self._check_space()
        files.write_all(fd, piece)

    def _check_space(self) -> None:
        """Stop before the filesystem is full: running containers write there too."""
        self._unchecked_bytes = self._unchecked_files = 0
        space = os.fstatvfs(self.top.fd)
        free = space.f_bavail * space.f_frsize
        if space.f_blocks and free < self._limits.reserve_bytes:
            raise Error(
                f"only {free} bytes are left on the filesystem of {self._target},"
                f" but {self._limits.reserve_bytes} must remain free",
                hint="remove unused images, or enlarge the filesystem",
            )

    def time_later(self, directory: Directory, mtime_ns: int) -> None:
        """Note the time a directory should have once everything in it is made."""
        self._times.write(
            _TIME.pack(*divmod(mtime_ns, 10**9), len(directory.path)) + directory.path
        )

    def set_times(self) -> None:
        self._times.seek(0)
        while True:
            head = self._times.read(_TIME.size)
            if not head:
                return
            seconds, fraction, length = _TIME.unpack(head)
            mtime_ns = seconds * 10**9 + fraction
            path = self._times.read(length)
            try:
                directory = self._reopen(path)
            except OSError as exc:
                # A later entry put something else in its place.
                if exc.errno in (errno.ENOENT, errno.ENOTDIR, errno.ELOOP):
                    continue
                raise
            os.utime(directory.fd, ns=(mtime_ns, mtime_ns))

    def lookup_below(self, path: bytes) -> Optional[int]:
        """What the layers below show at a path, as an O_PATH descriptor."""
        return overlay.lookup(self._lowers, path)

    def hide(self, parent: Directory, name: bytes) -> None:
        """Hide what the layers below have under a name, and only that."""
        try:
            overlay.make_whiteout(name, parent.fd)
        except FileExistsError:
            # Any other file of this layer hides the lower one anyway; a directory would be merged.
            if stat.S_ISDIR(self.status(parent, name).st_mode):
                overlay.make_opaque(self.enter(parent, name).fd)

    def hide_all_below(self) -> None:
        """Hide everything the layers below have: overlayfs never takes the top directory for
        opaque.
        """
        for lower in self._lowers:
            for name in os.listdir(os.fsencode(lower)):
                self.hide(self.top, name)


def _remove_tree(parent: int, name: bytes) -> None:
    """Remove a directory of the layer. Its depth is bounded, so one descriptor a level is too."""
    directory = os.open(name, DIRECTORY, dir_fd=parent)
    try:
        for child in os.listdir(directory):
            # The listing of a descriptor is text; encoded again it is exactly the name on disk.
            child_name = os.fsencode(child)
            try:
                os.unlink(child_name, dir_fd=directory)
            except IsADirectoryError:
                _remove_tree(directory, child_name)
    finally:
        os.close(directory)
    os.rmdir(name, dir_fd=parent)
