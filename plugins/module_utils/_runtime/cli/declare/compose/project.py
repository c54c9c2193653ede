# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Compose files, as tasks: one project with its networks, volumes and services.

Names are those ``docker compose`` gives: ``project_network``, ``project-service-1``.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from ....base.errors import Error
from ....base.frozen import dataclass
from ..play.objects import add_network, add_volume
from ..play.play import Play
from . import compose_text
from .service import Project, declare_service

#: Top-level keys that are read, or that say nothing.
_KNOWN = frozenset(("services", "networks", "volumes", "configs", "secrets", "name", "version"))

_NETWORK = frozenset(
    ("name", "driver", "driver_opts", "ipam", "internal", "attachable", "enable_ipv4",
     "enable_ipv6", "labels", "external")
)  # fmt: skip
_VOLUME = frozenset(("name", "driver", "driver_opts", "labels", "external"))


@dataclass(frozen=True)
class Asked:
    """What the command line says: the project's name, files of variables, profiles."""

    project: str = ""
    env_files: tuple[str, ...] = ()
    profiles: tuple[str, ...] = ()


def declare(play: Play, paths: Sequence[Path], asked: Asked) -> None:
    """Declare a project, of one file or several, of which later ones change earlier ones."""
    base = paths[0].absolute().parent
    variables = _variables(base, asked.env_files)
    content: dict[str, Any] = {}
    for path in paths:
        found = _read(path)
        # Interpolation comes first: a mapping may be the value of a variable's default.
        content = compose_text.merged(content, compose_text.interpolated(found, variables))
    for key in content:
        if key not in _KNOWN and not key.startswith("x-"):
            hint = "join the files by docker compose config" if key == "include" else None
            if hint:
                raise Error(f"{paths[0]}: {key} is not read", hint=hint)
            play.note(str(paths[0]), f"{key} is left out: nothing here stands for it")
    name = asked.project or variables.get("COMPOSE_PROJECT_NAME") or content.get("name")
    project = Project(
        name=_project_name(str(name or base.name)),
        base=str(base),
        content=content,
        variables=variables,
        profiles=frozenset((*asked.profiles, *_list(variables.get("COMPOSE_PROFILES", "")))),
    )
    services = content.get("services")
    if not isinstance(services, Mapping) or not services:
        raise Error(f"{paths[0]}: it has no services")
    chosen = dict(_active(project, services))
    _networks(play, project, chosen)
    _volumes(play, project, chosen)
    for service, given in chosen.items():
        declare_service(play, project, service, given, chosen)


def _list(text: str) -> list[str]:
    return [part for part in text.split(",") if part]


def _read(path: Path) -> dict[str, Any]:
    try:
        text = path.read_text("utf-8-sig")
    except UnicodeDecodeError as exc:
        raise Error(f"{path} is not a text") from exc
    found = compose_text.load(text, str(path))
    if not isinstance(found, dict):
        raise Error(f"{path}: it is not a Compose file: a mapping with services is expected")
    return found


def _variables(base: Path, files: Sequence[str]) -> dict[str, str]:
    """Those around us, over those of the files, by default ``.env`` beside the first file."""
    around = dict(os.environ)
    found: dict[str, str] = {}
    paths = [Path(name) for name in files]
    if not paths and (base / ".env").exists():
        paths = [base / ".env"]
    for path in paths:
        found |= compose_text.env_file(path, {**found, **around})
    return {**found, **around}


def _project_name(text: str) -> str:
    """As Compose makes it of a directory's name."""
    found = re.sub(r"[^a-z0-9_-]", "", text.lower()).lstrip("_-")
    if not found:
        raise Error(f"{text[:60]!r} cannot name a project", hint="name it with --project-name")
    return found


def _active(project: Project, services: Mapping[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    """The services without a profile, and those whose profile is asked for."""
    for name, given in services.items():
        if not isinstance(given, Mapping):
            raise Error(f"services.{name}: a mapping is expected")
        profiles = set(given.get("profiles") or ())
        if not profiles or profiles & project.profiles or "*" in project.profiles:
            yield str(name), dict(given)


def _networks(play: Play, project: Project, services: Mapping[str, Any]) -> None:
    used = {name for given in services.values() for name in project.networks_of(given)}
    declared = dict(project.content.get("networks") or {})
    for name in sorted(used - set(declared) - {"default"}):
        raise Error(f"the network {name} is used and not declared", hint="add it to networks")
    for name in (*declared, *({"default"} & used - set(declared))):
        given = dict(declared.get(name) or {})
        if name not in used or given.get("external"):
            continue
        _name_unknown(play, f"network {name}", given, _NETWORK)
        add_network(play, project.network(name), _network(play, name, given))


def _network(play: Play, name: str, given: Mapping[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    if given.get("driver") not in (None, "bridge"):
        found["driver"] = given["driver"]
    if given.get("driver_opts"):
        options = given["driver_opts"].items()
        found["driver_options"] = {key: _text(value) for key, value in options}
    ipam = given.get("ipam") or {}
    names = {"subnet": "subnet", "gateway": "gateway", "ip_range": "iprange",
             "aux_addresses": "aux_addresses"}  # fmt: skip
    pools = [
        {names[key]: value for key, value in one.items() if key in names}
        for one in ipam.get("config") or ()
    ]
    if pools:
        found["ipam_config"] = pools
    for key in ("internal", "attachable", "enable_ipv6"):
        if given.get(key):
            found[key] = True
    if given.get("enable_ipv4") is False:
        found["enable_ipv4"] = False
    labels = compose_text.pairs(given.get("labels"))
    if labels:
        found["labels"] = {key: _text(value) for key, value in labels.items()}
    return found


def _volumes(play: Play, project: Project, services: Mapping[str, Any]) -> None:
    used = {name for given in services.values() for name in project.volumes_of(given)}
    declared = dict(project.content.get("volumes") or {})
    for name in sorted(used - set(declared)):
        raise Error(f"the volume {name} is used and not declared", hint="add it to volumes")
    for name, value in declared.items():
        given = dict(value or {})
        if name not in used or given.get("external"):
            continue
        _name_unknown(play, f"volume {name}", given, _VOLUME)
        labels = compose_text.pairs(given.get("labels"))
        add_volume(
            play,
            project.volume(name),
            str(given.get("driver") or ""),
            {key: _text(item) for key, item in (given.get("driver_opts") or {}).items()},
            {key: _text(item) for key, item in labels.items()},
        )


def _name_unknown(play: Play, where: str, given: Mapping[str, Any], known: frozenset[str]) -> None:
    for key in given:
        if key not in known and not str(key).startswith("x-"):
            play.note(where, f"{key} is left out: nothing here stands for it")


def _text(value: Any) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    return "" if value is None else str(value)
