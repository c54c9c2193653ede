# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Mounts assembled below a run's directory, by descriptor, before the OCI runtime sees them.

A volume may be written to by other containers while one starts. A mount point inside it, or a part
of it, is therefore never resolved by path twice: a descriptor is found once within the volume's
top, and mounted on or from as /proc/self/fd/N (CVE-2021-30465, and what Kubernetes called subpath
escapes). The runtime gets the finished tree and binds it as one.

Raises OSError; the caller knows which mount it was.
"""

from __future__ import annotations

import contextlib
import errno
import os
import stat
from pathlib import Path

from ...base.errors import Error, NotFound
from ...kernel import linux, safefs
from ...tree import snapshot

#: How often a place is looked for that others move about meanwhile.
_RACES = 100


def new(directory: Path, like: int = -1) -> Path:
    """A new place to mount at: a file where the descriptor ``like`` stands for one, or a
    directory.
    """
    directory.mkdir(mode=0o700, exist_ok=True)
    place = directory / str(len(os.listdir(directory)))
    if like >= 0 and not stat.S_ISDIR(os.fstat(like).st_mode):
        place.touch(mode=0o600)
    else:
        place.mkdir(mode=0o700)
    return place


def bind(directory: Path, source: int, recursive: bool = True, follow: bool = False) -> Path:
    """Bind what a descriptor stands for at a new place.

    What is mounted there later stays there: it does not spread to where the source came from. With
    ``follow`` what the host mounts in the source later still propagates (rslave).
    """
    place = new(directory, source)
    flags = linux.MS_BIND | (linux.MS_REC if recursive else 0)
    linux.mount(f"/proc/self/fd/{source}", place, None, flags)
    linux.mount(None, place, None, (linux.MS_SLAVE if follow else linux.MS_PRIVATE) | linux.MS_REC)
    return place


def make_read_only(place: Path, deep: bool) -> bool:
    """Make a mount read-only, with ``deep`` all those below it too. Whether that was possible:
    kernels before 5.12 cannot do it deeply.
    """
    try:
        flags = linux.AT_RECURSIVE if deep else 0
        linux.mount_setattr(place, linux.MOUNT_ATTR_RDONLY, flags)
        return True
    except OSError as exc:
        if exc.errno != errno.ENOSYS:
            raise
    # ST_ and MS_ flags of a mount are the same bits; what is not repeated here would be dropped.
    kept = os.statvfs(place).f_flag & (linux.MS_NOSUID | linux.MS_NODEV | linux.MS_NOEXEC)
    linux.mount(None, place, None, linux.MS_REMOUNT | linux.MS_BIND | linux.MS_RDONLY | kept)
    return not deep


def attach(top: Path, path: str, mounted: Path) -> None:
    """Show what is mounted at one place within another, at a relative path; what is missing of it
    is made.
    """
    target = _target(top, path, mounted.is_dir())
    try:
        linux.mount(mounted, f"/proc/self/fd/{target}", None, linux.MS_BIND | linux.MS_REC)
    finally:
        os.close(target)


def _target(top: Path, path: str, directory: bool) -> int:
    """A descriptor of a path within a mount, made where it is missing."""
    with safefs.Root(top) as tree:
        try:
            for dummy in range(_RACES):
                with contextlib.suppress(NotFound):
                    return tree.open(path, os.O_PATH)
                # Somebody who moves it away again and again is met a few times, not forever.
                with contextlib.suppress(NotFound):
                    _make(tree, path, directory)
            return tree.open(path, os.O_PATH)
        except Error as exc:
            # Who calls says which mount of which container it was; the kernel says why.
            raise (exc.__cause__ if isinstance(exc.__cause__, OSError) else exc) from exc


def _make(tree: safefs.Root, path: str, directory: bool) -> None:
    if directory:
        tree.make_dirs(path)
    else:
        tree.make_dirs(os.path.dirname(path))
        tree.write_file(path, b"")


def clear(directory: Path) -> None:
    """Unmount all that was put together; nothing is a success."""
    if not directory.is_dir():
        return
    for name in sorted(os.listdir(directory), key=int, reverse=True):
        snapshot.unmount(directory / name)
