# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Unpack one image layer into a directory of its own, as overlayfs wants it.

The layer is hostile until proven otherwise. unpack_dir.py reaches parents without leaving the
target; what is done here is done on an open descriptor or on a single name in such a parent, never
following a link (CVE-2014-9356, CVE-2025-47290, CVE-2021-21272, CVE-2021-32760). tar.py and
stream.py bound what the layer may make us read, keep and write.
"""

from __future__ import annotations

import contextlib
import errno
import os
import stat
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Optional

from ...base.errors import Error, NotFound
from ...base.frozen import dataclass
from ...kernel import linux
from ...kernel.safefs import Root
from ...tree import overlay
from . import tar
from .stream import Limits, Readable, text
from .unpack_dir import Directory, UnpackDirectory, refuse

__all__ = ["Limits", "Unpacked", "unpack"]

WHITEOUT = b".wh."
#: AUFS's own bookkeeping, which old images carry, and the sign of an opaque directory.
META = b".wh..wh."
OPAQUE = b".wh..wh..opq"
#: Where AUFS keeps the files that have several names; the names are hard links to these.
LINKS = b".wh..wh.plnk"

_XATTR = b"SCHILY.xattr."
_ANY = os.O_PATH | os.O_NOFOLLOW | os.O_CLOEXEC

_DEFAULT_LIMITS = Limits()


@dataclass(frozen=True)
class Unpacked:
    """``diff_id``: digest of the whole uncompressed stream. ``size_bytes``: what its files hold."""

    diff_id: str
    size_bytes: int
    entries: int


def unpack(
    stream: Readable, target: Path, lowers: Sequence[Path] = (), limits: Limits = _DEFAULT_LIMITS
) -> Unpacked:
    """Unpack the uncompressed tar ``stream`` into the empty directory ``target``.

    ``lowers`` are the directories of the layers below, top first: a directory that this layer does
    not list takes its attributes from there, and a hard link may name a file there. Raises Error
    naming the entry; the target then holds a part of the layer and is for the caller to remove.
    """
    reader = tar.Reader(stream, limits)
    entry: Optional[tar.Entry] = None
    try:
        layer = _Layer(target, lowers, limits)
        try:
            for entry in reader:
                layer.place(entry, reader)
            entry = None
            layer.finish()
        finally:
            layer.close()
    except OSError as exc:
        what = "the layer" if entry is None else f"the layer's entry {text(entry.name)}"
        hint = None
        if exc.errno in (errno.ENOSPC, errno.EDQUOT):
            hint = f"free some space on the filesystem of {target}"
        elif exc.errno in (errno.EOPNOTSUPP, errno.EPERM):
            hint = f"the filesystem of {target} must keep owners, devices and extended attributes"
        raise Error(f"{what} cannot be unpacked: {exc.strerror}", hint=hint) from exc
    return Unpacked(reader.stream.digest, layer.size_bytes, layer.entries)


class _Layer:
    """A layer on its way into its directory."""

    def __init__(self, target: Path, lowers: Sequence[Path], limits: Limits) -> None:
        self._limits = limits
        self._into = UnpackDirectory(target, lowers, limits)
        self._tree = Root(target)
        self._hides_lowers = False
        self._has_links = False
        self._copied_bytes = 0
        self.size_bytes = 0
        self.entries = 0

    def close(self) -> None:
        self._tree.close()
        self._into.close()

    def place(self, entry: tar.Entry, reader: tar.Reader) -> None:
        """Make the inode of one entry."""
        self.entries += 1
        parts = self._parts(entry.name)
        if not parts:
            if entry.kind != tar.DIRECTORY:
                refuse(entry.name, "would replace the root directory (CVE-2021-29136)")
            self._directory_attributes(self._into.top, entry)
            return
        name = parts.pop()
        if parts == [LINKS] and entry.kind == tar.REGULAR and not name.startswith(WHITEOUT):
            if not self._has_links:
                os.mkdir(LINKS, 0o700, dir_fd=self._into.top.fd)
                self._has_links = True
        elif WHITEOUT in entry.name and (
            name.startswith(WHITEOUT) or any(part.startswith(WHITEOUT) for part in parts)
        ):
            self._whiteout(entry, parts, name)
            return
        kind, parent_path = entry.kind, b"/".join(parts)
        if kind == tar.HARDLINK:
            self._hardlink(entry, parent_path, name)
            return
        parent = self._into.directory(parent_path, entry.name)
        if kind == tar.REGULAR:
            self._file(entry, reader, parent, name)
        elif kind == tar.DIRECTORY:
            self._directory(entry, parent, name)
        elif kind == tar.SYMLINK:
            self._symlink(entry, parent, name)
        elif kind in (tar.CHARACTER, tar.BLOCK_DEVICE, tar.FIFO):
            self._node(entry, parent, name)
        else:
            shown = kind.decode("ascii", "backslashreplace")
            refuse(entry.name, f"has the type {shown!r}, which is not allowed in a layer")

    def finish(self) -> None:
        """What has to wait until all entries are there."""
        if self._has_links:
            self._into.remove(self._into.top, LINKS)
        if self._hides_lowers:
            self._into.hide_all_below()
        self._into.set_times()

    def _parts(self, name: bytes) -> list[bytes]:
        """The components of an entry's name. A leading slash means the top, as everywhere."""
        if not name or b"\0" in name:
            refuse(name, "has an invalid file name")
        if len(name) > self._limits.path:
            refuse(name, f"has a name longer than {self._limits.path} bytes")
        parts: list[bytes] = []
        words = [part for part in name.split(b"/") if part and part != b"."]
        for part in words:
            if part == b"..":
                # Cleaned as text, as Docker does: no directory of the layer is asked.
                if not parts or words[-1] == b"..":
                    refuse(name, "leaves the layer by '..' (CVE-2014-9356)")
                parts.pop()
            else:
                parts.append(part)
        if len(parts) > self._limits.depth:
            refuse(name, f"is nested deeper than {self._limits.depth} directories")
        return parts

    def _directory(self, entry: tar.Entry, parent: Directory, name: bytes) -> None:
        try:
            os.mkdir(name, 0o700, dir_fd=parent.fd)
        except FileExistsError:
            if not stat.S_ISDIR(self._into.status(parent, name).st_mode):
                self._directory_attributes(self._into.replace(parent, name), entry)
                return
        self._directory_attributes(self._into.enter(parent, name), entry)

    def _directory_attributes(self, directory: Directory, entry: tar.Entry) -> None:
        os.fchown(directory.fd, entry.uid, entry.gid)
        os.fchmod(directory.fd, entry.mode)
        if entry.records:
            for key, value in _xattrs(entry):
                os.setxattr(directory.fd, key, value)
        self._into.time_later(directory, entry.mtime_ns)

    def _file(self, entry: tar.Entry, reader: tar.Reader, parent: Directory, name: bytes) -> None:
        fd = self._into.create(parent, name)
        try:
            if entry.segments is None:
                for piece in reader.content(entry.size):
                    self._into.write(fd, piece)
            else:
                for offset, length in entry.segments:
                    os.lseek(fd, offset, os.SEEK_SET)
                    for piece in reader.content(length):
                        self._into.write(fd, piece)
                os.ftruncate(fd, entry.real_size)
            self.size_bytes += entry.size
            # Both writing and chown take set-uid bits and file capabilities away: they come last.
            os.fchown(fd, entry.uid, entry.gid)
            os.fchmod(fd, entry.mode)
            if entry.records:
                for key, value in _xattrs(entry):
                    os.setxattr(fd, key, value)
            os.utime(fd, ns=(entry.mtime_ns, entry.mtime_ns))
        finally:
            os.close(fd)

    def _symlink(self, entry: tar.Entry, parent: Directory, name: bytes) -> None:
        self._check_link(entry)
        try:
            os.symlink(entry.link, name, dir_fd=parent.fd)
        except FileExistsError:
            self._into.remove(parent, name)
            os.symlink(entry.link, name, dir_fd=parent.fd)
        os.chown(name, entry.uid, entry.gid, dir_fd=parent.fd, follow_symlinks=False)
        times = (entry.mtime_ns, entry.mtime_ns)
        os.utime(name, ns=times, dir_fd=parent.fd, follow_symlinks=False)

    def _check_link(self, entry: tar.Entry) -> None:
        if not 0 < len(entry.link) <= self._limits.path or b"\0" in entry.link:
            refuse(entry.name, "is a link with an invalid target")

    def _node(self, entry: tar.Entry, parent: Directory, name: bytes) -> None:
        """A device or a fifo. They are kept for fidelity; nobody but root can reach them here."""
        kind, device = stat.S_IFIFO, 0
        if entry.kind != tar.FIFO:
            kind = stat.S_IFCHR if entry.kind == tar.CHARACTER else stat.S_IFBLK
            if not 0 <= entry.major < 1 << 12 or not 0 <= entry.minor < 1 << 20:
                refuse(entry.name, "is a device with an invalid number")
            device = os.makedev(entry.major, entry.minor)
            if kind == stat.S_IFCHR and device == 0:
                refuse(
                    entry.name, "is a character device 0:0, which overlayfs treats as a whiteout"
                )
        try:
            os.mknod(name, kind | 0o600, device, dir_fd=parent.fd)
        except FileExistsError:
            self._into.remove(parent, name)
            os.mknod(name, kind | 0o600, device, dir_fd=parent.fd)
        # Opened with O_PATH: opening a device or a fifo itself has effects.
        fd = os.open(name, _ANY, dir_fd=parent.fd)
        try:
            itself = f"/proc/self/fd/{fd}"
            os.chown(itself, entry.uid, entry.gid)
            os.chmod(itself, entry.mode)
            os.utime(itself, ns=(entry.mtime_ns, entry.mtime_ns))
        finally:
            os.close(fd)

    def _hardlink(self, entry: tar.Entry, parent_path: bytes, name: bytes) -> None:
        """Another name for a file of this layer, or a copy of one of the layers below.

        The target is resolved with the layer's directory as ``/`` and held open from then on, so
        what was looked at is what gets the name (CVE-2021-21272). A link at its end is not
        followed.
        """
        self._check_link(entry)
        below = False
        found: Optional[int]
        try:
            found = self._tree.open(entry.link, os.O_PATH | os.O_NOFOLLOW)
        except NotFound:
            parts = [part for part in entry.link.split(b"/") if part not in (b"", b".")]
            below = b".." not in parts
            found = self._into.lookup_below(b"/".join(parts)) if below else None
        if found is None:
            refuse(entry.name, f"is a hard link to {text(entry.link)}, which does not exist")
        try:
            status = os.fstat(found)
            if stat.S_ISDIR(status.st_mode):
                refuse(entry.name, f"is a hard link to the directory {text(entry.link)}")
            if overlay.is_whiteout(status):
                refuse(entry.name, f"is a hard link to {text(entry.link)}, which has been removed")
            parent = self._into.directory(parent_path, entry.name)
            if below:
                self._copy_up(entry, found, status, parent, name)
                return
            try:
                linux.linkat_fd(found, parent.fd, name)
            except FileExistsError:
                there = self._into.status(parent, name)
                if (there.st_dev, there.st_ino) != (status.st_dev, status.st_ino):
                    self._into.remove(parent, name)
                    linux.linkat_fd(found, parent.fd, name)
            self._attributes_again(entry, found, status, parent, name)
        finally:
            os.close(found)

    def _attributes_again(
        self,
        entry: tar.Entry,
        fd: int,
        status: os.stat_result,
        parent: Directory,
        name: bytes,
    ) -> None:
        """Give a file what the header of another of its names says, which came later."""
        itself = f"/proc/self/fd/{fd}"
        if (entry.uid, entry.gid) != (status.st_uid, status.st_gid):
            # chown(2) takes file capabilities away, which headers of hard links do not repeat.
            capability = None
            if stat.S_ISREG(status.st_mode):
                with contextlib.suppress(OSError):
                    capability = os.getxattr(itself, "security.capability")
            os.chown(name, entry.uid, entry.gid, dir_fd=parent.fd, follow_symlinks=False)
            if capability is not None:
                os.setxattr(itself, "security.capability", capability)
        if not stat.S_ISLNK(status.st_mode):
            os.chmod(itself, entry.mode)

    def _copy_up(
        self,
        entry: tar.Entry,
        source: int,
        status: os.stat_result,
        parent: Directory,
        name: bytes,
    ) -> None:
        """A file of a lower layer under a new name: a copy, for each layer is a directory of its
        own.
        """
        if not stat.S_ISREG(status.st_mode):
            refuse(entry.name, f"is a hard link to {text(entry.link)}, which is not a regular file")
        self._copied_bytes += status.st_size
        if self._copied_bytes > self._limits.layer_bytes:
            refuse(entry.name, "is one of many hard links, whose copies would fill the disk")
        with open(f"/proc/self/fd/{source}", "rb", buffering=0) as reading:
            fd = self._into.create(parent, name)
            try:
                while True:
                    piece = reading.read(1 << 18)
                    if not piece:
                        break
                    self._into.write(fd, memoryview(piece))
                self.size_bytes += status.st_size
                os.fchown(fd, status.st_uid, status.st_gid)
                os.fchmod(fd, stat.S_IMODE(status.st_mode))
                for key in os.listxattr(reading.fileno()):
                    if key == "security.capability" or key.startswith("user."):
                        os.setxattr(fd, key, os.getxattr(reading.fileno(), key))
                os.utime(fd, ns=(status.st_mtime_ns, status.st_mtime_ns))
            finally:
                os.close(fd)

    def _whiteout(self, entry: tar.Entry, parts: Sequence[bytes], name: bytes) -> None:
        """A sign that something of the lower layers is gone (image-spec, layer.md, "Whiteouts").

        It says nothing about this layer's own files. The type of the entry does not matter: AUFS
        made whiteouts hard links to a file of its own.
        """
        if any(part.startswith(META) for part in parts) or (
            name.startswith(META) and name != OPAQUE
        ):
            return
        if any(part.startswith(WHITEOUT) for part in parts):
            refuse(entry.name, "is in a directory whose name is reserved for whiteouts")
        hidden = name[len(WHITEOUT) :]
        if hidden in (b"", b".", b".."):
            refuse(entry.name, "is a whiteout of nothing")
        if name == OPAQUE and not parts:
            self._hides_lowers = True
            return
        parent = self._into.directory(b"/".join(parts), entry.name)
        if name == OPAQUE:
            overlay.make_opaque(parent.fd)
        else:
            self._into.hide(parent, hidden)


def _xattrs(entry: tar.Entry) -> Iterator[tuple[bytes, bytes]]:
    """The extended attributes to set on a file or directory.

    overlayfs's own would let a layer redirect a directory or borrow another file's content, so only
    we write those. Of the rest, images rely on file capabilities and user attributes; labels of
    security modules and ACLs belong to the host that made the layer.
    """
    for key, value in entry.records.items():
        if not key.startswith(_XATTR):
            continue
        name = key[len(_XATTR) :]
        if name.split(b".")[1:2] == [b"overlay"]:
            continue
        if name.startswith(b"trusted."):
            refuse(entry.name, f"sets the attribute {text(name)}, which an image must not do")
        if name.startswith(b"user.") or (
            name == b"security.capability" and entry.kind == tar.REGULAR
        ):
            yield name, value
