# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""``build`` of a service, as an image that is built. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Callable, Optional

from ..base.findings import Findings
from ..base.values import pairs, switch, text, text_pairs, words
from ..reading import paths
from ..reading.merge import hosts
from ..reading.project import Project

#: Keys of ``build``, the option of the module image that each is, and how it is written there.
_SIMPLE: Mapping[str, tuple[str, Callable[[Any], Any]]] = {
    "cache_from": ("cache_from", words),
    "dockerfile": ("dockerfile", text),
    "extra_hosts": ("etc_hosts", hosts),
    "labels": ("labels", text_pairs),
    "network": ("network", text),
    "no_cache": ("nocache", switch),
    "pull": ("pull", switch),
    "shm_size": ("shm_size", text),
    "target": ("target", text),
}
_LACKING = {
    "additional_contexts": "build it by the module image_build, which has contexts",
    "cache_to": "build it by the module image_build",
    "dockerfile_inline": "write it to a file",
    "entitlements": "a build has no more rights than a container",
    "isolation": "it is for Windows",
    "privileged": "a build has no more rights than a container",
    "secrets": "build it by the module image_build, which has secrets",
    "ssh": "a build has no agent",
    "tags": "name the image by the key image",
    "ulimits": "a build has the limits of whoever builds",
}
#: What says nothing about the image.
_SILENT = ("provenance", "sbom")
_KNOWN = (*_SIMPLE, *_LACKING, *_SILENT, "args", "context", "platforms")


def image_of(project: Project, service: str, given: Mapping[str, Any]) -> str:
    """The name of a service's image."""
    return text(given.get("image")) or f"{project.name}-{service}"


def entry(
    project: Project, service: str, given: Mapping[str, Any], findings: Findings
) -> Optional[dict[str, Any]]:
    """The options of the module image for what a service builds; None if it builds nothing."""
    if given.get("build") is None:
        return None
    where = f"services.{service}.build"
    asked = given["build"]
    asked = {"context": asked} if isinstance(asked, str) else asked
    if not isinstance(asked, Mapping):
        findings.wrong(where, "a directory or a mapping is expected")
        return None
    findings.unknown(where, asked, _KNOWN)
    context = str(asked.get("context") or ".")
    if paths.remote(context):
        findings.lacks(f"{where}.context", "a context is a directory of the host")
    options: dict[str, Any] = {"path": paths.absolute(context, project.base)}
    for key, value in asked.items():
        if value is None:
            continue
        if key in _LACKING:
            findings.lacks(f"{where}.{key}", _LACKING[key])
        elif key in _SIMPLE:
            with findings.reading(f"{where}.{key}"):
                option, convert = _SIMPLE[key]
                options[option] = convert(value)
    with findings.reading(f"{where}.args"):
        args = {
            name: project.variables.get(name) if value is None else text(value)
            for name, value in pairs(asked.get("args")).items()
        }
        if any(value is not None for value in args.values()):
            options["args"] = {name: value for name, value in args.items() if value is not None}
    platforms = words(asked.get("platforms"))
    if len(platforms) > 1:
        findings.lacks(f"{where}.platforms", "an image is built for one platform")
    platform = text(given.get("platform")) or next(iter(platforms), "")
    if platform:
        options["platform"] = platform
    return {"name": image_of(project, service, given), "source": "build", "build": options}
