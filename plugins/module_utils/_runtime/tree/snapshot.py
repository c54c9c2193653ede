# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The root filesystem of a container: overlayfs over an image's layers.

Before a runtime sees that filesystem, its upper directory holds real directories and files wherever
runtimes make mount points. An image whose /dev, /proc or /etc is a link therefore cannot lead one
to write on the host: old crun and runc did (CVE-2026-47766, CVE-2026-41579), and distributions ship
them for years.
"""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Sequence
from pathlib import Path
from typing import Optional

from ..base import files
from ..base.errors import Error
from ..kernel import linux
from . import overlay

_DIRECTORIES = ("dev", "dev/pts", "dev/shm", "etc", "proc", "sys")
_FILES = ("etc/hostname", "etc/hosts", "etc/resolv.conf")
_MTAB = "etc/mtab"

#: What prepare_upper makes: not a change of the container until the container touches it.
INIT_PATHS = frozenset(f"/{path}" for path in (*_DIRECTORIES, *_FILES, _MTAB))

#: mount(2) takes one page of options with its final null byte.
_OPTIONS_BYTES = 4095

_OPEN_DIRECTORY = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC


def prepare_upper(upper: Path, lowers: Sequence[Path]) -> None:
    """Make what must be real in the upper directory, and make it if it is missing.

    ``lowers`` are the image's layers, top first. A directory that the image has keeps its content,
    mode and owner; anything else of the image at these places is hidden. Idempotent; to be called
    before every start, since what a container did to its /etc meets the next start.
    """
    upper.mkdir(mode=0o755, exist_ok=True)
    top = os.open(upper, _OPEN_DIRECTORY)
    try:
        if not os.listdir(top):
            # overlayfs shows the upper directory's own mode at /.
            _resemble(top, lowers, "")
        for path in _DIRECTORIES:
            _make_directory(top, lowers, path)
        for path in _FILES:
            _make_file(top, upper, path)
        if not _exists(top, _MTAB) and _below(lowers, _MTAB) is None:
            os.symlink("/proc/mounts", _MTAB, dir_fd=top)
    finally:
        os.close(top)


def _make_directory(top: int, lowers: Sequence[Path], path: str) -> None:
    # The parent, where there is one, was made before: it is a real directory, and no link is
    # crossed.
    try:
        os.mkdir(path, 0o700, dir_fd=top)
    except FileExistsError:
        if stat.S_ISDIR(os.stat(path, dir_fd=top, follow_symlinks=False).st_mode):
            return
        os.unlink(path, dir_fd=top)
        os.mkdir(path, 0o700, dir_fd=top)
    directory = os.open(path, _OPEN_DIRECTORY, dir_fd=top)
    try:
        _resemble(directory, lowers, path)
    finally:
        os.close(directory)


def _resemble(directory: int, lowers: Sequence[Path], path: str) -> None:
    """Give a directory of the upper layer the attributes of the image's directory it is merged
    with.
    """
    mode, uid, gid = 0o755, 0, 0
    below = _below(lowers, path)
    if below is not None and stat.S_ISDIR(below.st_mode):
        mode, uid, gid = stat.S_IMODE(below.st_mode), below.st_uid, below.st_gid
        os.utime(directory, ns=(below.st_mtime_ns, below.st_mtime_ns))
    os.fchown(directory, uid, gid)
    os.fchmod(directory, mode)


def _make_file(top: int, upper: Path, path: str) -> None:
    """An empty file: the runtime mounts the real one on it."""
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
    try:
        fd = os.open(path, flags, 0o644, dir_fd=top)
    except FileExistsError:
        if stat.S_ISREG(os.stat(path, dir_fd=top, follow_symlinks=False).st_mode):
            return
        files.remove_tree(upper / path)
        fd = os.open(path, flags, 0o644, dir_fd=top)
    try:
        os.fchmod(fd, 0o644)
    finally:
        os.close(fd)


def _exists(top: int, path: str) -> bool:
    try:
        os.stat(path, dir_fd=top, follow_symlinks=False)
    except FileNotFoundError:
        return False
    return True


def _below(lowers: Sequence[Path], path: str) -> Optional[os.stat_result]:
    found = overlay.lookup(lowers, os.fsencode(path))
    if found is None:
        return None
    try:
        return os.fstat(found)
    finally:
        os.close(found)


def mount(lowers: Sequence[Path], upper: Path, work: Path, target: Path, context: str = "") -> None:
    """Mount the layers, top first, with a writable one above them, at ``target``.

    Layers are named to the kernel as /proc/self/fd/N: their paths would fill the one page of
    options after about fifty, and colons and commas in them would need escapes that differ between
    kernels. An image may have 127 layers; there is room for 190. (fsconfig's ``lowerdir+`` would do
    too, from 6.8.) ``context`` is the SELinux context all files have in this mount.
    """
    if not lowers:
        # An image without layers: overlayfs wants a lower one, and there is nothing to merge.
        try:
            linux.mount(upper, target, None, linux.MS_BIND)
        except OSError as exc:
            raise _explain(exc, 0, upper, work, target) from exc
        return
    opened: list[int] = []
    try:
        for path in (*lowers, upper, work):
            opened.append(os.open(path, os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC))
        names = [f"/proc/self/fd/{fd}" for fd in opened]
        # Without these, a kernel configured so would move directories by reference and files by
        # halves, and the upper directory would not say any more what the container changed.
        options = (
            f"lowerdir={':'.join(names[:-2])},upperdir={names[-2]},workdir={names[-1]}"
            ",redirect_dir=nofollow,metacopy=off,index=off"
            + (f',context="{context}"' if context else "")
        )
        if len(options) > _OPTIONS_BYTES:
            raise Error(
                f"an image of {len(lowers)} layers has more layers than a mount supports",
                hint="rebuild the image with fewer layers",
            )
        try:
            linux.mount("overlay", target, "overlay", 0, options)
        except OSError as exc:
            raise _explain(exc, len(lowers), upper, work, target) from exc
    except FileNotFoundError as exc:
        raise Error(
            f"{exc.filename} is missing, so the root filesystem cannot be mounted at {target}",
            hint="pull the image again",
        ) from exc
    finally:
        for fd in opened:
            os.close(fd)


def mount_read_only(lowers: Sequence[Path], empty: Path, target: Path) -> None:
    """Mount layers, top first, without a writable one. ``empty`` is a directory that stands below
    them, since overlayfs wants two at least.
    """
    opened: list[int] = []
    try:
        for path in (*lowers, empty):
            opened.append(os.open(path, os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC))
        names = ":".join(f"/proc/self/fd/{fd}" for fd in opened)
        # One directory of a single layer is what overlayfs refuses; twice the empty one it takes.
        options = f"lowerdir={names}" if len(opened) > 1 else f"lowerdir={names}:{names}"
        flags = linux.MS_RDONLY | linux.MS_NODEV | linux.MS_NOSUID
        linux.mount("overlay", target, "overlay", flags, f"{options},redirect_dir=nofollow")
    except OSError as exc:
        raise Error(f"an image cannot be mounted at {target}: {exc.strerror}") from exc
    finally:
        for fd in opened:
            os.close(fd)


def _explain(exc: OSError, layers: int, upper: Path, work: Path, target: Path) -> Error:
    what = f"the root filesystem of {layers} layers cannot be mounted at {target}: {exc.strerror}"
    if exc.errno == errno.ENODEV:
        return Error(what, hint="this kernel has no overlayfs: load its module (modprobe overlay)")
    if exc.errno == errno.EPERM:
        return Error(what, hint="mounting requires root with CAP_SYS_ADMIN on this host")
    if os.stat(upper).st_dev != os.stat(work).st_dev:
        return Error(what, hint=f"{upper} and {work} must be on the same filesystem")
    kind = _filesystem(upper)
    if kind in ("overlay", "nfs", "nfs4", "vfat", "exfat", "fuse", "9p", "virtiofs"):
        return Error(
            what,
            hint=f"{upper} lies on {kind}, which overlayfs cannot use for writing: "
            "put the storage on ext4, xfs, btrfs or tmpfs",
        )
    return Error(what, hint="see the last lines of dmesg for what overlayfs rejected")


def _filesystem(path: Path) -> str:
    """The type of the filesystem a path is on."""
    real = os.path.realpath(path)
    best, kind = "", "unknown"
    for entry in linux.mountinfo():
        inside = real == entry.target or real.startswith(entry.target.rstrip("/") + "/")
        if inside and len(entry.target) >= len(best):
            best, kind = entry.target, entry.fstype
    return kind


def mounted(target: Path) -> bool:
    """Whether something is mounted at a path."""
    real = os.path.join(os.path.realpath(target.parent), target.name)
    return any(entry.target == real for entry in linux.mountinfo())


def unmount(target: Path) -> None:
    """Take away whatever is mounted at ``target``, all of it; nothing mounted is a success.

    One that is in use goes out of sight at once and ends with its last user.
    """
    while True:
        try:
            linux.umount2(target, linux.UMOUNT_NOFOLLOW)
        except OSError as exc:
            if exc.errno == errno.EBUSY:
                linux.umount2(target, linux.UMOUNT_NOFOLLOW | linux.MNT_DETACH)
            elif exc.errno in (errno.EINVAL, errno.ENOENT):
                return
            else:
                raise Error(f"{target} cannot be unmounted: {exc.strerror}") from exc
