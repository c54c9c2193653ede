# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The bundle handed to the OCI runtime: config.json of runtime-spec 1.0.2, with Docker's defaults.

Everything but write() is pure. Each subject has a file of its own beside this one.

Nothing of an image but its process defaults gets in here: labels and annotations of images steer no
runtime (CVE-2024-3154, CVE-2026-53488).
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ... import files
from ...errors import Error
from ..seccomp import profile as seccomp_profile
from ..spec import ContainerSpec, ImageDefaults, argv
from .capabilities import capabilities
from .devices import device_nodes, device_rules
from .mounts import mounts
from .namespaces import MASKED_PATHS, READONLY_PATHS, namespaces
from .place import Place
from .process import process


def config(spec: ContainerSpec, image: ImageDefaults, place: Place) -> dict[str, Any]:
    """The whole config.json. Raises Error for what no runtime should be asked to do."""
    args = argv(spec, image)
    if not args:
        raise Error(
            f"container {spec.name}: there is no command to run",
            hint="neither the image nor the task names one: set command or entrypoint",
        )
    machine = place.machine or os.uname().machine
    bounding = capabilities(spec, place.capabilities)
    linux: dict[str, Any] = {
        "cgroupsPath": place.cgroups_path,
        "namespaces": namespaces(place),
        "resources": {"devices": device_rules(spec.privileged)},
    }
    if not spec.privileged:
        linux["maskedPaths"] = list(MASKED_PATHS)
        linux["readonlyPaths"] = list(READONLY_PATHS)
        linux["seccomp"] = seccomp_profile(bounding, machine)
    elif place.devices:
        linux["devices"] = device_nodes(place)
    if place.network != "host":
        # As with Docker: a network of its own is no reason to need a capability for port 80 or for
        # ping.
        linux["sysctl"] = {
            "net.ipv4.ip_unprivileged_port_start": "0",
            "net.ipv4.ping_group_range": "0 2147483647",
        }
    return {
        "ociVersion": "1.0.2",
        "process": process(
            spec, image, place.user, args=args, hostname=place.hostname, host=place.capabilities
        ),
        "root": {"path": place.rootfs, "readonly": spec.read_only},
        "hostname": place.hostname,
        "mounts": mounts(spec, place),
        "annotations": {"slipway.engine.id": place.id},
        "linux": linux,
    }


def write(directory: Path, value: Mapping[str, Any]) -> Path:
    """Put config.json into a bundle's directory, for root's eyes only: it holds the environment."""
    path = directory / "config.json"
    files.write_atomic(path, json.dumps(value, separators=(",", ":")).encode(), durable=False)
    return path
