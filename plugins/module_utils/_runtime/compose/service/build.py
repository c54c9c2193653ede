# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""``build`` of a service, as an image that is built. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Callable, Optional

from ...build.asked import cache
from ...build.source import git_url
from ..base.findings import Findings
from ..base.values import listed, pairs, switch, text, text_pairs, words
from ..reading import paths
from ..reading.merge import hosts
from ..reading.project import Project
from . import mounts
from .service_keys import OF_EACH, ulimits

#: Keys of ``build``, the option of the module image that each is, and how it is written there.
_SIMPLE: Mapping[str, tuple[str, Callable[[Any], Any]]] = {
    "dockerfile": ("dockerfile", text),
    "extra_hosts": ("etc_hosts", hosts),
    "labels": ("labels", text_pairs),
    "network": ("network", text),
    "no_cache": ("nocache", switch),
    "pull": ("pull", switch),
    "shm_size": ("shm_size", text),
    "tags": ("tags", words),
    "target": ("target", text),
    "ulimits": ("ulimits", ulimits),
}
_LACKING = {
    "entitlements": "a build has no more rights than a container",
    "isolation": "it is for Windows",
    "privileged": "a build has no more rights than a container",
}
#: What a context is called that is the image of another service.
_SERVICE = "service:"
#: How contexts are called that are other images.
_IMAGES = ("docker-image://", "oci-layout://")
#: What says nothing about the image.
_SILENT = ("provenance", "sbom")
_KNOWN = (*_SIMPLE, *_LACKING, *_SILENT, "additional_contexts", "args", "cache_from", "cache_to",
          "context", "dockerfile_inline", "platforms", "secrets", "ssh")  # fmt: skip


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
    options: dict[str, Any] = {}
    with findings.reading(f"{where}.context"):
        options["path"] = _place(project, context, f"{where}.context", findings)
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
    if asked.get("dockerfile_inline") is not None:
        with findings.reading(f"{where}.dockerfile_inline"):
            options["dockerfile_inline"] = text(asked["dockerfile_inline"])
        if asked.get("dockerfile") is not None:
            findings.wrong(where, "only one of dockerfile and dockerfile_inline can be given")
    options |= _caches(project, where, asked, findings)
    options |= _contexts(project, where, asked, findings)
    options |= _secrets(project, where, asked, findings)
    options |= _agents(project, where, asked, findings)
    platforms = words(asked.get("platforms"))
    if len(platforms) > 1:
        findings.lacks(f"{where}.platforms", "an image is built for one platform")
    platform = text(given.get("platform")) or next(iter(platforms), "")
    if platform:
        options["platform"] = platform
    return {"name": image_of(project, service, given), "source": "build", "build": options}


def _caches(
    project: Project, where: str, asked: Mapping[str, Any], findings: Findings
) -> dict[str, Any]:
    """``cache_from`` and ``cache_to``, with paths of the project. With ``type=inline`` the image is
    the same, so nobody who runs it lacks it.
    """
    found: dict[str, Any] = {}
    for key, read in (("cache_from", cache.source), ("cache_to", cache.target)):
        for number, given in enumerate(_words(where, key, asked, findings)):
            at = f"{where}.{key}[{number}]"
            with findings.reading(at):
                one = cache.with_paths(given, lambda path: paths.absolute(path, project.base))
                if read(one).known:
                    found.setdefault(key, []).append(one)
                else:
                    findings.warn(at, "has no effect: this engine has no caches of that type")
    return found


def _words(where: str, key: str, asked: Mapping[str, Any], findings: Findings) -> list[str]:
    with findings.reading(f"{where}.{key}"):
        return words(asked.get(key))
    return []


def _place(project: Project, text: str, where: str, findings: Findings) -> str:
    """A context of files: a directory of the host, or a git repository."""
    if not paths.remote(text):
        return paths.absolute(text, project.base)
    if git_url.is_repository(text):
        git_url.repository(text)
    else:
        findings.lacks(where, "a context is a directory of the host, or a git repository")
    return text


def _contexts(
    project: Project, where: str, asked: Mapping[str, Any], findings: Findings
) -> dict[str, Any]:
    """Further contexts by name: directories of the host, images, and layouts of images; the image
    that another service builds is its name.
    """
    found = {}
    with findings.reading(f"{where}.additional_contexts"):
        for name, value in pairs(asked.get("additional_contexts")).items():
            at, place = f"{where}.additional_contexts.{name}", text(value)
            if place.startswith(_SERVICE):
                found[name] = _built(project, place[len(_SERVICE) :], at, findings)
            elif place.startswith("target:"):
                findings.lacks(at, "targets are of files of bake; use service:NAME")
            elif place.startswith(_IMAGES):
                found[name] = place
            else:
                with findings.reading(at):
                    found[name] = _place(project, place, at, findings)
    return {"contexts": found} if found else {}


def _built(project: Project, other: str, where: str, findings: Findings) -> str:
    given = project.services.get(other)
    if given is None:
        why = "has a profile that is not active" if other in project.others else "is not there"
        findings.wrong(where, f"the service {other[:60]} {why}")
    elif given.get("build") is None:
        findings.wrong(where, f"the service {other[:60]} builds no image; use docker-image://NAME")
    return f"docker-image://{image_of(project, other, given or {})}"


def needed(given: Mapping[str, Any]) -> list[str]:
    """The services whose images the build of one takes as contexts; what is wrong has none."""
    asked = given.get("build")
    try:
        places = pairs(asked.get("additional_contexts")) if isinstance(asked, Mapping) else {}
    except TypeError:
        return []
    texts = (text(place) for place in places.values() if isinstance(place, str))
    return [place[len(_SERVICE) :] for place in texts if place.startswith(_SERVICE)]


def in_order(services: Mapping[str, Mapping[str, Any]], findings: Findings) -> list[str]:
    """Services, each after those whose images its build takes."""
    needs = {
        name: [other for other in needed(given) if other in services]
        for name, given in services.items()
    }
    if not any(needs.values()):
        return list(services)
    import graphlib

    try:
        return list(graphlib.TopologicalSorter(needs).static_order())
    except graphlib.CycleError as exc:
        circle = " -> ".join(reversed(exc.args[1]))
        findings.wrong("services", f"their builds take one another: {circle}")
        return list(services)


def _agents(
    project: Project, where: str, asked: Mapping[str, Any], findings: Findings
) -> dict[str, Any]:
    """``ssh``: ids of agents, each with its socket, the file of a key, or the socket of the
    environment.
    """
    found = []
    with findings.reading(f"{where}.ssh"):
        for name, value in pairs(asked.get("ssh")).items():
            given = text(value) if value is not None else ""
            path = given or project.variables.get("SSH_AUTH_SOCK", "")
            if path:
                found.append(f"{name}={paths.absolute(path, project.base)}")
            else:
                findings.wrong(
                    f"{where}.ssh",
                    f"{name} has no agent: SSH_AUTH_SOCK is not set; give a socket or a key",
                )
    return {"ssh": found} if found else {}


def _secrets(
    project: Project, where: str, asked: Mapping[str, Any], findings: Findings
) -> dict[str, Any]:
    """What RUN may read by the names of secrets, and the image does not keep."""
    found = []
    with findings.reading(f"{where}.secrets"):
        for number, one in enumerate(listed(asked.get("secrets") or [])):
            at = f"{where}.secrets[{number}]"
            with findings.reading(at):
                given = one if isinstance(one, Mapping) else {"source": text(one)}
                findings.unknown(at, given, OF_EACH["secrets"])
                if any(given.get(key) is not None for key in ("uid", "gid", "mode")):
                    findings.warn(at, "uid, gid and mode have no effect in a build")
                name = text(given["source"])
                path, content = mounts.source_of(project, "secrets", name, at, findings)
                called = text(given.get("target") or name)
                if path is not None:
                    found.append({"id": called, "type": "file", "src": path})
                elif content is not None:
                    found.append({"id": called, "type": "value", "value": content})
    return {"secrets": found} if found else {}
