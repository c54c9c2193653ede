# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The devices of a container: which nodes there are, and which may be opened. Pure."""

from __future__ import annotations

from typing import Any

from .place import Place

#: Device nodes a container may open: null, zero, full, random, urandom, tty, console, ptmx, pts.
#: Making any node is allowed to whoever has CAP_MKNOD, opening it is not.
_DEVICES = (
    (None, None, "c", "m"),
    (None, None, "b", "m"),
    (1, 3, "c", "rwm"),
    (1, 5, "c", "rwm"),
    (1, 7, "c", "rwm"),
    (1, 8, "c", "rwm"),
    (1, 9, "c", "rwm"),
    (5, 0, "c", "rwm"),
    (5, 1, "c", "rwm"),
    (5, 2, "c", "rwm"),
    (136, None, "c", "rwm"),
)


def device_rules(privileged: bool) -> list[dict[str, Any]]:
    """linux.resources.devices, in the order in which they are applied."""
    if privileged:
        return [{"allow": True, "access": "rwm"}]
    rules: list[dict[str, Any]] = [{"allow": False, "access": "rwm"}]
    for major, minor, kind, access in _DEVICES:
        rule: dict[str, Any] = {"allow": True, "type": kind, "access": access}
        if major is not None:
            rule["major"] = major
        if minor is not None:
            rule["minor"] = minor
        rules.append(rule)
    return rules


def device_nodes(place: Place) -> list[dict[str, Any]]:
    """linux.devices: what is made in /dev beside the usual nodes."""
    return [
        {
            "path": device.path,
            "type": device.type,
            "major": device.major,
            "minor": device.minor,
            "fileMode": device.mode,
            "uid": device.uid,
            "gid": device.gid,
        }
        for device in place.devices
    ]
