# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""SELinux labels of files that containers share: what :z and :Z of a mount ask for.

A label is the extended attribute security.selinux (selinux(8)).
"""

from __future__ import annotations

import errno
import os
from collections.abc import Iterator

from ..base.errors import Error

_ATTRIBUTE = "security.selinux"

#: What other programs of the host need under its own label: relabelled, a host does not boot or let
#: anybody in any more.
_KEPT = frozenset(
    {"/", "/bin", "/boot", "/dev", "/etc", "/etc/passwd", "/etc/pki", "/etc/shadow", "/home"}
    | {"/lib", "/lib64", "/media", "/opt", "/proc", "/root", "/run", "/sbin", "/srv", "/sys"}
    | {"/system", "/tmp", "/usr", "/usr/bin", "/usr/lib", "/usr/lib64", "/usr/sbin", "/usr/share"}
    | {"/usr/tmp", "/usr/local", "/var", "/var/lib", "/var/log", "/var/run", "/var/spool"}
    | {"/var/tmp", "/run/user"}
)


def check(path: str) -> None:
    """Raise Error for a path whose label the host itself depends on."""
    real = os.path.realpath(path)
    if real in _KEPT:
        raise Error(
            f"{path} cannot be relabelled for a container: the host needs its current labels",
            hint="omit z and Z, or mount a directory used only by containers",
        )


def relabel(fd: int, path: str, context: str, private: bool) -> None:
    """Give a file or a directory, and all below it, the label of a container's files.

    ``context`` is that label, with the container's own categories, which stay with ``private`` and
    are left out for what several containers share; "" where SELinux is off, and nothing is done.
    ``path`` is what the user called it. Raises Error for what the host depends on.
    """
    if not context:
        return
    if path.startswith("/"):
        check(path)
    set_label(fd, context if private else shared(context))


def share(fd: int, context: str) -> None:
    """Label a tree for all containers, unless its top says that this was done; as relabel()."""
    if not context:
        return
    wanted = shared(context)
    try:
        if os.getxattr(f"/proc/self/fd/{fd}", _ATTRIBUTE).rstrip(b"\0").decode() == wanted:
            return
    except OSError:
        # Without a label so far, or on a filesystem without labels.
        pass
    set_label(fd, wanted)


def shared(context: str) -> str:
    """A label without categories: every container may use what has it."""
    parts = context.split(":", 3)
    return ":".join([*parts[:3], parts[3].partition(":")[0]]) if len(parts) > 3 else context


def set_label(fd: int, value: str) -> None:
    """Label the tree that a descriptor stands for. No link is followed, and no other filesystem
    entered.
    """
    top = f"/proc/self/fd/{fd}"
    device = os.fstat(fd).st_dev
    _set(top, value, follow=True)
    if not os.path.isdir(top):
        return
    directory = os.open(top, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        for path in _below(directory, device):
            _set(path, value, follow=False)
    finally:
        os.close(directory)


def _below(top: int, device: int) -> Iterator[str]:
    for dummy, directories, names, fd in os.fwalk(dir_fd=top, top=".", follow_symlinks=False):
        kept = []
        for name in directories:
            found = os.stat(name, dir_fd=fd, follow_symlinks=False)
            if found.st_dev == device:
                yield f"/proc/self/fd/{fd}/{name}"
                kept.append(name)
        directories[:] = kept
        for name in names:
            yield f"/proc/self/fd/{fd}/{name}"


def _set(path: str, value: str, follow: bool) -> None:
    try:
        os.setxattr(path, _ATTRIBUTE, value.encode() + b"\0", follow_symlinks=follow)
    except OSError as exc:
        # A filesystem without labels has one for all its files, given when it was mounted.
        if exc.errno not in (errno.ENOTSUP, errno.ENOENT):
            raise Error(f"{path} cannot be relabelled: {exc.strerror}") from exc
