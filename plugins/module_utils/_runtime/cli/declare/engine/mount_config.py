# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The forms of a mount in the module container, of what ``docker inspect`` shows. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


def volume(source: str, found: Mapping[str, Any]) -> str:
    """One of ``volumes``: source, target and modes, of one of the ``Mounts`` of a container."""
    bind = (found.get("Type") or "bind") == "bind"
    modes = [] if found.get("RW", True) else ["ro"]
    words = str(found.get("Mode") or "").split(",")
    # Docker shows the first of them of every volume that has a name.
    relabel = ("z", "Z") if bind else ()
    modes += [word for word in words if word in ("nocopy", *relabel)]
    if bind and found.get("Propagation") not in (None, "", "rprivate", "private"):
        modes.append(found["Propagation"])
    return ":".join([source, found["Destination"], *([",".join(modes)] if modes else [])])


def tmpfs(asked: Mapping[str, Any]) -> dict[str, Any]:
    """One of ``mounts``, of a --mount of type tmpfs."""
    found: dict[str, Any] = {"type": "tmpfs", "target": asked["Target"]}
    options = asked.get("TmpfsOptions") or {}
    if options.get("SizeBytes"):
        found["tmpfs_size"] = str(options["SizeBytes"])
    if options.get("Mode"):
        found["tmpfs_mode"] = f"{options['Mode']:o}"
    return {**found, **({"read_only": True} if asked.get("ReadOnly") else {})}


def suboptions(asked: Mapping[str, Any]) -> dict[str, Any]:
    """What a --mount says that volumes cannot."""
    bind, volume = asked.get("BindOptions") or {}, asked.get("VolumeOptions") or {}
    found: dict[str, Any] = {}
    for one, key, option in (
        (bind, "NonRecursive", "non_recursive"),
        (bind, "CreateMountpoint", "create_mountpoint"),
        (bind, "ReadOnlyNonRecursive", "read_only_non_recursive"),
        (bind, "ReadOnlyForceRecursive", "read_only_force_recursive"),
        (volume, "NoCopy", "no_copy"),
        (volume, "Subpath", "subpath"),
        (volume, "Labels", "labels"),
    ):
        if one.get(key):
            found[option] = one[key]
    if found and bind.get("Propagation") not in (None, "", "rprivate"):
        found["propagation"] = bind["Propagation"]
    return found
