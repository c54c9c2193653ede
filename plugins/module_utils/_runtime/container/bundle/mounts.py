# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The mounts of a container: the kernel's filesystems, and what the task declares. Pure."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import Any

from ...base.errors import Error
from ...spec.container import CGROUPS, ContainerSpec
from .place import Place


def mounts(spec: ContainerSpec, place: Place) -> list[dict[str, Any]]:
    """The mounts in their order. Raises Error for one that would take a mask away."""
    system = ("nosuid", "noexec", "nodev")
    ro = () if spec.privileged else ("ro",)
    head = [
        _mount("/proc", "proc", "proc", system),
        _mount("/dev", "tmpfs", "tmpfs", ("nosuid", "strictatime", "mode=755", "size=65536k")),
        _mount(
            "/dev/pts",
            "devpts",
            "devpts",
            ("nosuid", "noexec", "newinstance", "ptmxmode=0666", "mode=0620", "gid=5"),
        ),
        _mount("/sys", "sysfs", "sysfs", (*system, *ro)),
        *_cgroups(place, system, ro),
        _mount("/dev/mqueue", "mqueue", "mqueue", system),
        *_shm(spec, place, system),
    ]
    own = []
    for mount in place.mounts:
        # CVE-2019-16884: a mount over /proc removes the masks that protect the host.
        path = os.path.normpath("/" + mount.destination.lstrip("/"))
        if path in ("/", "/proc", "/sys") or path.startswith(("/proc/", "/sys/")):
            raise Error(
                f"container {spec.name}: {mount.destination} is not allowed as a mount point"
            )
        own.append(_mount(path, mount.type, mount.source, mount.options))
    # A mount hides what was mounted below it before, so parents come first.
    own.sort(key=lambda mount: str(mount["destination"]).count("/"))
    return head + own


def _cgroups(place: Place, system: Sequence[str], ro: Sequence[str]) -> list[dict[str, Any]]:
    if not place.cgroups:
        return []
    return [_mount(CGROUPS, "cgroup", "cgroup", (*system, *(ro if place.cgroups == "ro" else ())))]


def _shm(spec: ContainerSpec, place: Place, system: Sequence[str]) -> list[dict[str, Any]]:
    if place.shared.shm == "none":
        return []
    if place.shared.shm:
        options = ("rbind", "rprivate", "rw", "nosuid", "noexec", "nodev")
        return [_mount("/dev/shm", "bind", place.shared.shm, options)]
    size = f"size={spec.shm_size_bytes >> 10}k"
    return [_mount("/dev/shm", "tmpfs", "shm", (*system, "mode=1777", size))]


def shared(place: Place) -> bool:
    """Whether what is mounted inside later is to be seen on the host."""
    return any({"shared", "rshared"} & {*mount.options} for mount in place.mounts)


def _mount(target: str, kind: str, source: str, options: Sequence[str]) -> dict[str, Any]:
    return {"destination": target, "type": kind, "source": source, "options": list(options)}
