# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The bundle passed to the OCI runtime: config.json of runtime-spec 1.0.2, with Docker's defaults.

Everything but write() is pure. Each subject has a file of its own next to this one.

Nothing of an image except its process defaults is used here: labels and annotations of images do
not control a runtime (CVE-2024-3154, CVE-2026-53488).
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Optional

from ...base import files
from ...base.errors import Error
from ...spec.container import ContainerSpec, ImageDefaults, argv
from .capabilities import capabilities
from .default_seccomp import profile as seccomp_profile
from .devices import device_nodes, device_rules
from .labels import labels
from .masks import masks
from .mounts import mounts, shared
from .namespaces import namespaces, sysctls
from .place import Place
from .process import process
from .resources import resources, throttles
from .seccomp import seccomp_of


def config(spec: ContainerSpec, image: ImageDefaults, place: Place) -> dict[str, Any]:
    """The whole config.json. Raises Error for what no runtime should be asked to do."""
    args = argv(spec, image)
    if not args:
        raise Error(
            f"container {spec.name}: no command specified",
            hint="neither the image nor the task has one: set command or entrypoint",
        )
    if place.init:
        args = (place.init, "--", *args)
    confined = labels(spec, place.id, place.enforced)
    linux: dict[str, Any] = {
        "cgroupsPath": place.cgroups_path,
        "namespaces": namespaces(place),
        "resources": _resources(spec, place),
        **masks(spec),
    }
    seccomp = _seccomp(spec, place)
    parameters = sysctls(spec, place)
    found: dict[str, Any] = {
        "seccomp": seccomp,
        "devices": device_nodes(place),
        "sysctl": parameters,
        "mountLabel": confined.mount,
        # Runtimes cut a container off from the host's mounts unless they are told not to.
        "rootfsPropagation": "shared" if shared(place) else "",
    }
    linux.update({name: value for name, value in found.items() if value})
    return {
        "ociVersion": "1.0.2",
        "process": process(
            spec,
            image,
            place.user,
            args=args,
            env=place.env,
            hostname=place.hostname,
            engine=place.environment,
            host=place.capabilities,
            labels=confined,
        ),
        "root": {"path": place.rootfs, "readonly": spec.read_only},
        # In the host's own uts namespace, setting it would rename the host.
        **({} if place.shared.uts else {"hostname": place.hostname}),
        "mounts": mounts(spec, place),
        "annotations": {"slipway.engine.id": place.id},
        "linux": linux,
    }


def _resources(spec: ContainerSpec, place: Place) -> dict[str, Any]:
    found = resources(spec, place.lacking)
    throttled = throttles(spec, place)
    if throttled:
        found["blockIO"] = {**found.get("blockIO", {}), **throttled}
    return {"devices": device_rules(spec, place), **found}


def _seccomp(spec: ContainerSpec, place: Place) -> Optional[dict[str, Any]]:
    """The filter of system calls: ours, the task's own, or none."""
    asked = [opt[8:] for opt in spec.security_opts if opt.startswith("seccomp=")]
    if asked == ["unconfined"] or (spec.privileged and not asked):
        return None
    bounding = capabilities(spec, place.capabilities)
    machine = place.machine or os.uname().machine
    if not asked:
        return seccomp_profile(bounding, machine)
    return seccomp_of(json.loads(asked[0]), bounding, machine)


def write(directory: Path, value: Mapping[str, Any]) -> Path:
    """Put config.json into a bundle's directory, for root's eyes only: it holds the environment."""
    path = directory / "config.json"
    files.write_atomic(path, json.dumps(value, separators=(",", ":")).encode(), durable=False)
    return path
