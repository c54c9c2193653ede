# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The mounts of a container in the shape of ``docker inspect``. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from ...base.layout import Layout
from ...spec.container import Mount, is_socket
from ...spec.secrets import without_passwords


def asked(mounts: Iterable[Mount]) -> dict[str, Any]:
    """What HostConfig has of the mounts that were asked for: Binds, Mounts and Tmpfs.

    Which of them a mount was written as is not kept, so Binds has what can be said there.
    """
    found = tuple(mounts)
    return {
        "Binds": [_bind(mount) for mount in found if _is_bind(mount)] or None,
        "Mounts": [_asked(mount) for mount in found if _is_asked(mount)] or None,
        "Tmpfs": {m.target: _tmpfs(m) for m in found if m.kind == "tmpfs"} or None,
    }


def found(layout: Layout, mount: Mount) -> dict[str, Any]:
    """One entry of Mounts: a mount of the container as it is."""
    value: dict[str, Any] = {
        "Type": mount.kind,
        "Source": mount.source,
        "Destination": mount.target,
        "Mode": ",".join([*(["ro"] if mount.read_only else []), *filter(None, [mount.relabel])]),
        "RW": not mount.read_only,
        "Propagation": mount.propagation if mount.kind == "bind" else "",
    }
    if mount.kind == "volume":
        value |= {
            "Name": mount.source,
            "Source": str(layout.volume(mount.source) / "_data"),
            "Driver": "local",
        }
    return value


def _is_asked(mount: Mount) -> bool:
    """Whether a mount says what only the option mounts can; Docker then has it in Mounts."""
    if mount.kind in ("tmpfs", "image"):
        return mount.kind == "image"
    return bool(
        mount.subpath
        or mount.driver_options
        or mount.labels
        or not mount.recursive
        or mount.read_only_recursive
        or (mount.kind == "bind" and not (mount.create_source or is_socket(mount.source)))
    )


def _is_bind(mount: Mount) -> bool:
    return mount.kind in ("bind", "volume") and not _is_asked(mount)


def _bind(mount: Mount) -> str:
    flags = ["ro" if mount.read_only else "rw"]
    if mount.relabel:
        flags.append(mount.relabel)
    if not mount.copy_up:
        flags.append("nocopy")
    if mount.kind == "bind" and mount.propagation != "rprivate":
        flags.append(mount.propagation)
    return f"{mount.source}:{mount.target}:{','.join(flags)}"


def _asked(mount: Mount) -> dict[str, Any]:
    """A mount as the API's Mount has it."""
    kind = "volume" if mount.kind == "anonymous" else mount.kind
    value: dict[str, Any] = {"Type": kind, "Source": mount.source, "Target": mount.target}
    if not mount.source:
        del value["Source"]
    if mount.read_only:
        value["ReadOnly"] = True
    options: dict[str, Any] = {}
    if kind == "bind":
        options = {
            "Propagation": "" if mount.propagation == "rprivate" else mount.propagation,
            "NonRecursive": not mount.recursive,
            "CreateMountpoint": mount.create_source,
            "ReadOnlyNonRecursive": mount.read_only_recursive == "no",
            "ReadOnlyForceRecursive": mount.read_only_recursive == "force",
        }
    elif kind == "volume":
        driver = {"Name": "local", "Options": without_passwords(mount.driver_options)}
        options = {
            "NoCopy": not mount.copy_up,
            "Labels": dict(mount.labels),
            "DriverConfig": driver if mount.driver_options else None,
        }
    if mount.subpath:
        options["Subpath"] = mount.subpath
    options = {key: item for key, item in options.items() if item}
    if options:
        value[f"{kind.capitalize()}Options"] = options
    return value


def _tmpfs(mount: Mount) -> str:
    return ",".join([*(["ro"] if mount.read_only else []), *mount.options])
