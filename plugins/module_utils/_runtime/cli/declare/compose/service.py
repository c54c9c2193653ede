# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One service of a Compose file, as the options of its containers."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from ....base.errors import Error
from ....base.frozen import dataclass
from ..play.objects import absolute, add_container
from ..play.play import Play
from . import compose_text
from .service_keys import JOINED, LEFT_OUT, SIMPLE, pairs, text

#: What asks for no network of the project.
_MODES = ("none", "host")


@dataclass(frozen=True)
class Project:
    """A project: ``content`` is all its files in one, ``variables`` those of ``${NAME}``."""

    name: str
    base: str
    content: Mapping[str, Any]
    variables: Mapping[str, str]
    profiles: frozenset[str]

    def _named(self, kind: str, name: str) -> str:
        given = (self.content.get(kind) or {}).get(name) or {}
        external = given.get("external")
        if given.get("name"):
            return str(given["name"])
        if isinstance(external, Mapping):
            return str(external.get("name") or name)
        return name if external else f"{self.name}_{name}"

    def network(self, name: str) -> str:
        """What a network of the file is called on the host."""
        return self._named("networks", name)

    def volume(self, name: str) -> str:
        return self._named("volumes", name)

    def container(self, service: str, given: Mapping[str, Any], number: int = 1) -> str:
        return str(given.get("container_name") or f"{self.name}-{service}-{number}")

    def networks_of(self, given: Mapping[str, Any]) -> list[str]:
        """The networks of a service, by their names in the file."""
        if given.get("network_mode"):
            return []
        return [str(name) for name in given.get("networks") or ("default",)]

    def volumes_of(self, given: Mapping[str, Any]) -> Iterator[str]:
        """The volumes of a service, by their names in the file."""
        for one in given.get("volumes") or ():
            if isinstance(one, Mapping):
                source = str(one.get("source") or "") if one.get("type") == "volume" else ""
            else:
                source = str(one).partition(":")[0] if ":" in str(one) else ""
            if source and source[0] not in "/.~":
                yield source


def declare_service(
    play: Play,
    project: Project,
    service: str,
    given: Mapping[str, Any],
    services: Mapping[str, Mapping[str, Any]],
) -> None:
    """Declare the containers of a service. Raises Error for what is not understood."""
    try:
        options = _options(play, project, service, given, services)
        count = int(given.get("scale") or (given.get("deploy") or {}).get("replicas", 1))
    except (TypeError, ValueError, KeyError, AttributeError) as exc:
        raise Error(f"services.{service}: {exc}: its form is not understood") from exc
    needs = set()
    for other in compose_text.names(given.get("depends_on")):
        if other in services:
            needs.add(project.container(other, services[other]))
    if any(
        _condition(found, service) == "service_healthy"
        for found in (one.get("depends_on") for one in services.values())
    ):
        options["state"] = "healthy"
    for number in range(1, count + 1):
        name = project.container(service, given, number)
        if count > 1 and given.get("container_name"):
            raise Error(f"services.{service}: with container_name there is one container of it")
        add_container(play, name, options, needs, owner=f"{project.name}_{service}")


def _condition(found: Any, service: str) -> str:
    given = found.get(service) if isinstance(found, Mapping) else None
    return str((given or {}).get("condition") or "")


def _options(
    play: Play,
    project: Project,
    service: str,
    given: Mapping[str, Any],
    services: Mapping[str, Mapping[str, Any]],
) -> dict[str, Any]:
    name = project.container(service, given)
    options: dict[str, Any] = {}
    for key, value in given.items():
        if value is None or key in JOINED or str(key).startswith("x-"):
            continue
        if key in SIMPLE and SIMPLE[key][0]:
            option, convert = SIMPLE[key]
            options[option] = convert(value)
        else:
            why = LEFT_OUT.get(key, "nothing here stands for it")
            play.note(name, f"{key} is left out: {why}")
    if "extends" in given:
        raise Error(f"services.{service}: extends is not read", hint=LEFT_OUT["extends"])
    _image(play, project, name, service, given, options)
    if "privileged" in options and not options["privileged"]:
        del options["privileged"]
    env = _environment(play, project, name, given)
    if env:
        options["env"] = env
    _namespaces(project, options, services)
    _restart(given, options)
    _logging(given, options)
    if given.get("stop_grace_period") is not None:
        from ....container.option.form.text import duration_s

        options["stop_timeout"] = round(duration_s("stop_grace_period", given["stop_grace_period"]))
    _mounts(play, project, name, given, options)
    options |= _networks(project, service, given, services)
    if given.get("volumes_from"):
        options["volumes_from"] = [
            _other(project, str(one), services) for one in given["volumes_from"]
        ]
    _deploy(play, name, given.get("deploy") or {}, options)
    for other, condition in _conditions(given.get("depends_on")):
        if condition == "service_completed_successfully":
            play.note(name, f"it does not wait for the end of {other}: see the option detach")
    return options


def _conditions(found: Any) -> Iterator[tuple[str, str]]:
    if isinstance(found, Mapping):
        yield from ((name, str((one or {}).get("condition") or "")) for name, one in found.items())


def _image(
    play: Play,
    project: Project,
    name: str,
    service: str,
    given: Mapping[str, Any],
    options: dict[str, Any],
) -> None:
    if given.get("build") is not None:
        options.setdefault("image", f"{project.name}-{service}")
        play.note(name, f"build the image {options['image']} before, by the module image_build")
    if not options.get("image"):
        raise Error(f"services.{service}: it has neither image nor build")
    policy = given.get("pull_policy")
    if policy in ("always", "never", "missing"):
        options["pull"] = policy
    elif policy not in (None, "if_not_present"):
        play.note(name, f"pull_policy {policy} is left out: see the option pull")


def _environment(
    play: Play, project: Project, name: str, given: Mapping[str, Any]
) -> dict[str, str]:
    """The files' variables under the service's own; a name alone is one of those around."""
    found: dict[str, str] = {}
    listed = given.get("env_file") or []
    for one in listed if isinstance(listed, list) else [listed]:
        asked = one if isinstance(one, Mapping) else {"path": one}
        path = Path(os.path.join(project.base, os.path.expanduser(str(asked["path"]))))
        if not path.exists() and asked.get("required") is False:
            continue
        found |= compose_text.env_file(path, project.variables, asked.get("format") == "raw")
    for key, value in compose_text.pairs(given.get("environment")).items():
        if value is not None:
            found[key] = text(value)
        elif key in project.variables:
            found[key] = project.variables[key]
        elif not isinstance(given.get("environment"), Mapping):
            play.note(name, f"environment {key} is left out: the variable has no value around us")
    return found


def _other(project: Project, one: str, services: Mapping[str, Mapping[str, Any]]) -> str:
    """``service[:mode]`` or ``container:NAME[:mode]`` as the container's name."""
    kind, colon, rest = one.partition(":")
    if kind == "container":
        return rest
    if kind not in services:
        raise Error(f"the service {kind[:60]!r} is used and not there")
    return f"{project.container(kind, services[kind])}{colon}{rest}"


def _namespaces(
    project: Project, options: dict[str, Any], services: Mapping[str, Mapping[str, Any]]
) -> None:
    for option in ("pid_mode", "ipc_mode"):
        kind, dummy, other = str(options.get(option, "")).partition(":")
        if kind == "service":
            options[option] = f"container:{_other(project, other, services)}"


def _restart(given: Mapping[str, Any], options: dict[str, Any]) -> None:
    policy, dummy, retries = text(given.get("restart")).partition(":")
    if policy not in ("", "no", "false"):
        options["restart_policy"] = policy
        if retries:
            options["restart_retries"] = int(retries)


def _logging(given: Mapping[str, Any], options: dict[str, Any]) -> None:
    found = given.get("logging") or {}
    if found.get("driver"):
        options["log_driver"] = str(found["driver"])
    if found.get("options"):
        options["log_options"] = pairs(found["options"])


def _mounts(
    play: Play, project: Project, name: str, given: Mapping[str, Any], options: dict[str, Any]
) -> None:
    volumes: list[str] = []
    mounts: list[dict[str, Any]] = []
    for one in given.get("volumes") or ():
        if isinstance(one, Mapping):
            mounts.append(_mount(play, project, name, one))
            continue
        source, colon, rest = str(one).partition(":")
        if not colon:
            volumes.append(source)
        elif source[:1] in ("/", ".", "~"):
            volumes.append(absolute(str(one), project.base))
        else:
            volumes.append(f"{project.volume(source)}:{rest}")
    options |= {"volumes": volumes} if volumes else {}
    options |= {"mounts": mounts} if mounts else {}


def _mount(play: Play, project: Project, name: str, one: Mapping[str, Any]) -> dict[str, Any]:
    """The long form of a volume."""
    kind = str(one.get("type") or "volume")
    found: dict[str, Any] = {"type": kind, "target": str(one["target"])}
    source = str(one.get("source") or "")
    if source:
        found["source"] = {
            "bind": lambda: absolute(source, project.base),
            "volume": lambda: project.volume(source),
        }.get(kind, lambda: source)()
    if one.get("read_only"):
        found["read_only"] = True
    known = {
        "bind": {"propagation": "propagation", "create_host_path": "create_mountpoint"},
        "volume": {"nocopy": "no_copy", "subpath": "subpath", "labels": "labels"},
        "tmpfs": {"size": "tmpfs_size", "mode": "tmpfs_mode"},
        "image": {"subpath": "subpath"},
    }
    for key, value in (one.get(kind) or {}).items():
        option = known.get(kind, {}).get(key)
        if option is None:
            play.note(name, f"volumes: {kind}.{key} is left out: nothing here stands for it")
        elif option == "tmpfs_mode":
            found[option] = f"{int(value):o}"
        else:
            found[option] = text(value) if option == "tmpfs_size" else value
    if kind == "bind" and (one.get("bind") or {}).get("create_host_path") is None:
        found["create_mountpoint"] = True
    return found


def _networks(
    project: Project,
    service: str,
    given: Mapping[str, Any],
    services: Mapping[str, Mapping[str, Any]],
) -> dict[str, Any]:
    mode = str(given.get("network_mode") or "")
    links = []
    for one in given.get("links") or ():
        other, colon, alias = str(one).partition(":")
        links.append(f"{_other(project, other, services)}:{alias if colon else other}")
    if mode in (*_MODES, "bridge"):
        return {"network_mode": mode, **({"links": links} if links else {})}
    if mode:
        kind, dummy, other = mode.partition(":")
        name = _other(project, other, services) if kind == "service" else other
        return {"network_mode": f"container:{name}"}
    asked = given.get("networks") or ["default"]
    listed = asked if isinstance(asked, Mapping) else dict.fromkeys(map(str, asked))
    ordered = sorted(listed.items(), key=lambda one: -int((one[1] or {}).get("priority") or 0))
    found = []
    for name, value in ordered:
        one = value or {}
        endpoint: dict[str, Any] = {"name": project.network(name)}
        for key in ("ipv4_address", "ipv6_address", "mac_address", "gw_priority"):
            if one.get(key):
                endpoint[key] = one[key]
        endpoint["aliases"] = list(dict.fromkeys([service, *(one.get("aliases") or ())]))
        if links:
            endpoint["links"] = links
        if one.get("driver_opts"):
            endpoint["driver_opts"] = pairs(one["driver_opts"])
        found.append(endpoint)
    return {"networks": found}


def _deploy(play: Play, name: str, given: Mapping[str, Any], options: dict[str, Any]) -> None:
    """What Compose itself heeds of ``deploy``: limits, the restart policy, replicas."""
    resources = given.get("resources") or {}
    limits, kept = resources.get("limits") or {}, resources.get("reservations") or {}
    for source, key, option, convert in (
        (limits, "cpus", "cpus", float),
        (limits, "memory", "memory", str),
        (limits, "pids", "pids_limit", int),
        (kept, "memory", "memory_reservation", str),
    ):
        if source.get(key) is not None:
            options.setdefault(option, convert(source[key]))
    if kept.get("devices"):
        play.note(name, "deploy: devices are left out: list the device nodes under devices")
    policy = given.get("restart_policy") or {}
    if policy and "restart_policy" not in options:
        words = {"any": "always", "on-failure": "on-failure", "none": "no"}
        options["restart_policy"] = words.get(str(policy.get("condition") or "any"), "always")
        if policy.get("max_attempts") and options["restart_policy"] == "on-failure":
            options["restart_retries"] = int(policy["max_attempts"])
    for key in set(given) - {"resources", "restart_policy", "replicas", "mode"}:
        play.note(name, f"deploy: {key} is left out: it is for a swarm")
