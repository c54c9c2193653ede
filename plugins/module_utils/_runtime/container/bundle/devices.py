# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The devices of a container: which nodes there are, and which may be opened. Pure."""

from __future__ import annotations

from typing import Any, Optional

from ...spec.container import ContainerSpec
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


def device_rules(spec: ContainerSpec, place: Place) -> list[dict[str, Any]]:
    """linux.resources.devices, in the order in which they are applied."""
    if spec.privileged:
        return [{"allow": True, "access": "rwm"}]
    rules: list[dict[str, Any]] = [{"allow": False, "access": "rwm"}]
    for major, minor, kind, access in _DEVICES:
        rules.append(_rule(kind, major, minor, access))
    for device in place.devices:
        if device.access:
            rules.append(_rule(device.type, device.major, device.minor, device.access))
    for text in spec.device_cgroup_rules:
        kind, numbers, access = text.split(" ")
        major, minor = (None if n == "*" else int(n) for n in numbers.split(":"))
        rules.append(_rule(kind, major, minor, access))
    return rules


def _rule(kind: str, major: Optional[int], minor: Optional[int], access: str) -> dict[str, Any]:
    numbers = {"major": major, "minor": minor}
    return {
        "allow": True,
        "type": kind,
        **{name: number for name, number in numbers.items() if number is not None},
        "access": access,
    }


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
