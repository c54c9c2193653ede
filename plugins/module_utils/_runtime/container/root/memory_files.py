# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The secrets and configurations of a container, as files on a tmpfs of its own.

They are written when it starts, out of its declaration, and gone when it has stopped. Each is bound
to its place read-only; the tmpfs itself is in a directory that only root may enter.
"""

from __future__ import annotations

import base64
import os
from pathlib import Path

from ...kernel import linux
from ...spec.container import ContainerSpec, MemoryFile, Mount
from . import mount_assembly


def mounts(spec: ContainerSpec, stages: Path) -> tuple[Mount, ...]:
    """Write the files, and say how they are mounted; nothing is mounted for a container without.

    ``stages`` is where the mounts of this run are put together. Raises OSError.
    """
    wanted = (*spec.secrets, *spec.configs)
    if not wanted:
        return ()
    place = mount_assembly.new(stages)
    flags = linux.MS_NOSUID | linux.MS_NODEV | linux.MS_NOEXEC
    linux.mount("tmpfs", place, "tmpfs", flags, "mode=0700")
    return tuple(_mount(file, place / str(n)) for n, file in enumerate(wanted))


def _mount(file: MemoryFile, path: Path) -> Mount:
    fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    with os.fdopen(fd, "wb") as out:
        out.write(base64.b64decode(file.content) if file.is_base64 else file.content.encode())
        os.fchown(fd, file.uid, file.gid)
        os.fchmod(fd, file.mode)
    return Mount("bind", str(path), file.target, read_only=True, create_source=False)
