# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the host gives a container: found or made before the bundle is written."""

from __future__ import annotations

from collections.abc import Mapping

from ...base.frozen import dataclass, field
from ...spec.user import User
from .labels import Enforced

_NOTHING = Enforced()


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
    """A device node to be made inside: of the task's devices, or all of a privileged container's.

    ``access`` is what the container may do with it, of the letters r, w and m; "" when another rule
    says so.
    """

    path: str
    type: str
    major: int
    minor: int
    mode: int
    uid: int = 0
    gid: int = 0
    access: str = ""


@dataclass(frozen=True)
class Shared:
    """The namespaces that are not the container's own.

    "" is one of its own; ``host`` is the host's, and a path is another container's. ``shm`` is what
    is mounted at /dev/shm: a path of the host, "" for memory of its own, ``none`` for nothing.
    """

    network: str = ""
    pid: str = ""
    ipc: str = ""
    uts: str = ""
    cgroup: str = "host"
    shm: str = ""


_OWN = Shared()


@dataclass(frozen=True)
class Place:
    """What the host gives a container: found or made before the bundle is written.

    ``rootfs``: the absolute path of the mounted root. ``capabilities``: those the host can give,
    all of them when empty. ``numbers``: major and minor of the block devices with limited rates, by
    path. ``lacking``: fields of the spec this host's control groups have no interface for.
    ``init``: the program that is process 1 before the container's own, by its path inside. ``env``:
    variables for this run alone.
    ``cgroups``: how the control groups are mounted, ro or rw, or "" for not by the runtime.
    ``environment``: variables of the engine, which everything else may set otherwise.
    """

    id: str
    rootfs: str
    hostname: str
    user: User
    mounts: tuple[BindMount, ...]
    cgroups_path: str
    shared: Shared = _OWN
    capabilities: tuple[str, ...] = ()
    devices: tuple[Device, ...] = ()
    machine: str = ""
    numbers: Mapping[str, tuple[int, int]] = field(default_factory=dict)
    lacking: tuple[str, ...] = ()
    enforced: Enforced = _NOTHING
    init: str = ""
    env: Mapping[str, str] = field(default_factory=dict, repr=False)
    cgroups: str = "ro"
    environment: Mapping[str, str] = field(default_factory=dict)
