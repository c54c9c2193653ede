# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How overlayfs keeps layers on disk, and what a stack of them shows at a path.

A whiteout is a character device 0:0; an opaque directory carries an extended attribute; a directory
is merged with those below it until one is opaque, hidden by a whiteout, or not a directory
(Documentation/filesystems/overlayfs.rst).
"""

from __future__ import annotations

import os
import stat
from collections.abc import Sequence
from pathlib import Path
from typing import Optional

OPAQUE = "trusted.overlay.opaque"

_ANY = os.O_PATH | os.O_NOFOLLOW | os.O_CLOEXEC


def is_whiteout(found: os.stat_result) -> bool:
    """Whether a file stands for one that was removed: a device with number 0."""
    return stat.S_ISCHR(found.st_mode) and found.st_rdev == 0


def is_opaque(directory: int) -> bool:
    """Whether a directory, given by any descriptor of it, hides what lower layers hold there."""
    try:
        return os.getxattr(f"/proc/self/fd/{directory}", OPAQUE) == b"y"
    except OSError:
        return False


def make_opaque(directory: int) -> None:
    """Hide what lower layers hold in a directory, given by a readable descriptor."""
    os.setxattr(directory, OPAQUE, b"y")


def make_whiteout(name: bytes, dir_fd: int) -> None:
    """Hide what lower layers hold under a name. Raises FileExistsError when this layer has that
    name.
    """
    os.mknod(name, stat.S_IFCHR, os.makedev(0, 0), dir_fd=dir_fd)


def lookup(layers: Sequence[Path], path: bytes) -> Optional[int]:
    """An O_PATH descriptor of what a stack of layers, top first, shows at ``path``; None for
    nothing.

    No link is followed, neither on the way nor at the end: overlayfs merges by name. ``path`` is
    relative, without ``..``; an empty one is the top directory.
    """
    names = [name for name in path.split(b"/") if name]
    for layer in layers:
        found, hidden = _find(layer, names)
        if found is not None or hidden:
            return found
    return None


def _find(layer: Path, names: Sequence[bytes]) -> tuple[Optional[int], bool]:
    """What one layer has at a path, and whether it hides what the layers below have there."""
    current = os.open(layer, os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
    hides = False
    try:
        for index, name in enumerate(names):
            try:
                child = os.open(name, _ANY, dir_fd=current)
            except FileNotFoundError:
                return None, hides or (index > 0 and is_opaque(current))
            # The top directory cannot be opaque: overlayfs always stacks those.
            hides = hides or (index > 0 and is_opaque(current))
            os.close(current)
            current = child
            status = os.fstat(current)
            if is_whiteout(status):
                return None, True
            if index < len(names) - 1 and not stat.S_ISDIR(status.st_mode):
                return None, True
        return os.dup(current), False
    finally:
        os.close(current)
