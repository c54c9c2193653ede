# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A project: what its files come to, how things are named, and which services are meant. Pure."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator, Mapping
from typing import Any, Optional

from ...base.errors import Error
from ...base.frozen import dataclass, replace
from ..base.findings import Findings
from .extends import KINDS
from .files import Asked, Source

#: Labels by which Compose, and whatever looks at what it made, know what belongs to a project.
PREFIX = "com.docker.compose"
PROJECT = f"{PREFIX}.project"
SERVICE = f"{PREFIX}.service"
NUMBER = f"{PREFIX}.container-number"
ONE_OFF = f"{PREFIX}.oneoff"
WORKING_DIR = f"{PROJECT}.working_dir"
CONFIG_FILES = f"{PROJECT}.config_files"
DEPENDS_ON = f"{PREFIX}.depends_on"
NETWORK = f"{PREFIX}.network"
VOLUME = f"{PREFIX}.volume"

#: The keys at the top of a file.
_KEYS = ("name", "version", "include", *KINDS)

#: More of a service no host runs, and a list of their names is made before anything else.
_MOST_CONTAINERS = 10_000


@dataclass(frozen=True)
class Project:
    """``content`` is all files in one, ``variables`` those of ``${NAME}``, ``services`` those of
    the profiles that are asked for, and ``others`` the rest.
    """

    name: str
    base: str
    files: tuple[str, ...]
    content: Mapping[str, Any]
    variables: Mapping[str, str]
    services: Mapping[str, Mapping[str, Any]]
    others: Mapping[str, Mapping[str, Any]]
    scale: Mapping[str, int]

    def section(self, kind: str) -> Mapping[str, Any]:
        found = self.content.get(kind)
        return found if isinstance(found, Mapping) else {}

    def _named(self, kind: str, name: str) -> str:
        given = self.section(kind).get(name)
        given = given if isinstance(given, Mapping) else {}
        external = given.get("external")
        if given.get("name"):
            return str(given["name"])
        if isinstance(external, Mapping):
            return str(external.get("name") or name)
        return name if is_external(given) else f"{self.name}_{name}"

    def network(self, name: str) -> str:
        """What a network of the files is called on the host."""
        return self._named("networks", name)

    def volume(self, name: str) -> str:
        return self._named("volumes", name)

    def container(self, service: str, number: int = 1) -> str:
        given = self.services[service]
        return str(given.get("container_name") or f"{self.name}-{service}-{number}")

    def count(self, service: str) -> int:
        """How many containers a service has. Raises ValueError, TypeError or OverflowError."""
        if service in self.scale:
            return self.scale[service]
        given = self.services[service]
        deploy = given.get("deploy") or {}
        asked = given.get("scale")
        count = int(deploy.get("replicas", 1) if asked is None else asked)
        if count < 0:
            raise ValueError("it is less than none")
        if count > _MOST_CONTAINERS:
            raise ValueError(f"it is more than {_MOST_CONTAINERS}")
        return count

    def containers(self, service: str) -> list[str]:
        """The names of a service's containers; of one that is wrong, the first."""
        try:
            return [self.container(service, n + 1) for n in range(self.count(service))]
        except (TypeError, ValueError, AttributeError, OverflowError):
            return [self.container(service)]


def is_external(given: Mapping[str, Any]) -> bool:
    """Whether it is somebody else's, and only used."""
    external = given.get("external")
    return bool(external) and str(external).lower() not in ("false", "no", "0")


def project(
    source: Source,
    asked: Asked,
    findings: Findings,
    named: Collection[str] = (),
    scale: Optional[Mapping[str, int]] = None,
) -> Project:
    """The project of files. The services of ``named`` are meant whatever their profiles are."""
    content, variables = source.content, source.variables
    findings.unknown("", content, (*_KEYS, "models"))
    if "models" in content:
        findings.lacks("models", "models are not run here")
    for kind in KINDS:
        given = content.get(kind)
        if given is not None and not isinstance(given, Mapping):
            findings.wrong(kind, "a mapping of names is expected")
    given = content.get("services")
    services = dict(given) if isinstance(given, Mapping) else {}
    if not services:
        findings.wrong("services", "there are none")
    for name, one in list(services.items()):
        if not isinstance(one, Mapping):
            findings.wrong(f"services.{name}", "a mapping is expected")
            del services[name]
    services = {str(name): one for name, one in services.items()}
    profiles = {*asked.profiles, *_listed(variables.get("COMPOSE_PROFILES", ""))}
    active = {
        name: one
        for name, one in services.items()
        if name in named or _meant(one.get("profiles"), profiles)
    }
    others = {name: one for name, one in services.items() if name not in active}
    for name in (*named, *(scale or ())):
        if name not in services:
            findings.wrong("services", f"there is no service {str(name)[:60]}")
    name = asked.project or variables.get("COMPOSE_PROJECT_NAME") or content.get("name")
    return Project(
        name=str(name) if name and valid(str(name)) else _made_of(name, source, findings),
        base=source.base,
        files=source.files,
        content=content,
        variables=variables,
        services=active,
        others=others,
        scale=dict(scale or {}),
    )


def only_services(whole: Project, names: Iterable[str]) -> Project:
    """A project that has none but some of its services."""
    kept = set(names)
    return replace(
        whole, services={name: one for name, one in whole.services.items() if name in kept}
    )


def valid(name: str) -> bool:
    return re.match(r"\A[a-z0-9][a-z0-9_-]*\Z", name) is not None


def _made_of(name: Any, source: Source, findings: Findings) -> str:
    """A project's name, as Compose makes it of the directory's where none is given."""
    if name:
        made = normalised(str(name))
        why = f"{str(name)[:60]!r} cannot name a project: use small letters, digits, '_' and '-'"
        findings.wrong("name", f"{why}, such as {made}" if made else why)
        return made or "project"
    found = normalised(source.base.rstrip("/").rpartition("/")[2])
    if not found:
        raise Error(f"{source.base[:100]!r} cannot name a project", hint="give a project name")
    return found


def normalised(text: str) -> str:
    return re.sub(r"[^a-z0-9_-]", "", text.lower()).lstrip("_-")


def _listed(text: str) -> Iterator[str]:
    yield from (part.strip() for part in text.split(",") if part.strip())


def _meant(given: Any, profiles: Collection[str]) -> bool:
    own = given if isinstance(given, list) else [given] if given else []
    return not own or "*" in profiles or any(str(one) in profiles for one in own)
