# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the host gives a container: found or made before the bundle is written."""

from __future__ import annotations

from dataclasses import dataclass

from ..user import User


@dataclass(frozen=True)
class BindMount:
    """A mount beyond the usual ones; ``source`` is a resolved path of the host, or the type's own
    word.
    """

    source: str
    destination: str
    options: tuple[str, ...] = ("rbind", "rprivate", "rw")
    type: str = "bind"


@dataclass(frozen=True)
class Device:
    """A device node to be made inside: what a privileged container sees of the host's /dev."""

    path: str
    type: str
    major: int
    minor: int
    mode: int
    uid: int = 0
    gid: int = 0


@dataclass(frozen=True)
class Place:
    """What the host gives a container: found or made before the bundle is written.

    ``rootfs``: the absolute path of the mounted root. ``network``: new, host, or the path of a
    network namespace. ``capabilities``: those the host can give, all of them when empty.
    ``devices``: nodes for a privileged container.
    """

    id: str
    rootfs: str
    hostname: str
    user: User
    mounts: tuple[BindMount, ...]
    cgroups_path: str
    network: str = "new"
    cgroup_v2: bool = True
    capabilities: tuple[str, ...] = ()
    devices: tuple[Device, ...] = ()
    machine: str = ""
