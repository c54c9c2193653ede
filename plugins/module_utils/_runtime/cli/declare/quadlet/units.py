# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Units of Quadlet, podman-systemd.unit(5), as tasks: containers, networks and volumes.

A unit is written for systemd, which expands specifiers and splits words by rules of its own;
what its other sections say is not about a container.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from ....base.errors import Error
from ...line import run_flags
from ...line.env_variables import file_lines
from ..command import lines
from ..play.objects import add_network, add_volume
from ..play.play import Play
from . import container_keys
from .unit_text import Unit, read, split

#: Kinds of units that nothing here stands for.
_REFUSED = {
    ".kube": "a description for Kubernetes is not read: declare its containers",
    ".pod": "there are no pods here: use network_mode container:NAME",
    ".build": "an image is built by the module image_build",
    ".image": "a container's task pulls its image",
}

#: Sections of systemd, and their keys that are understood or that say nothing about a container.
_SYSTEMD = frozenset(("Unit", "Install", "Service", "Quadlet"))
_RESTART = {
    "no": "no",
    "always": "unless-stopped",
    "on-failure": "on-failure",
    "on-abnormal": "on-failure",
    "on-abort": "on-failure",
    "on-watchdog": "on-failure",
    "on-success": "unless-stopped",
}


def declare(play: Play, paths: Sequence[Path]) -> None:
    """Declare the units in these files. Raises Error for one that is refused."""
    units = {}
    for path in paths:
        if path.suffix in _REFUSED:
            raise Error(f"{path.name}: {path.suffix} units are refused: {_REFUSED[path.suffix]}")
        units[path.name] = read(path)
    names = {name: _name(name, unit) for name, unit in units.items()}
    for path in paths:
        unit = _Reader(play, path, units[path.name], names)
        {".container": unit.container, ".network": unit.network, ".volume": unit.volume}[
            path.suffix
        ]()


def _name(file: str, unit: Unit) -> str:
    """What a unit's container, network or volume is called."""
    stem, kind = os.path.splitext(file)
    section = {".container": "Container", ".network": "Network", ".volume": "Volume"}[kind]
    given = [value for key, value in unit.get(section, ()) if key == f"{section}Name"]
    return given[-1] if given else f"systemd-{stem}"


class _Reader:
    """One unit, into the play."""

    def __init__(self, play: Play, path: Path, unit: Unit, names: Mapping[str, str]) -> None:
        self.play, self.path, self.unit, self.names = play, path, unit, names
        self.called = names[path.name]

    def _section(self, name: str) -> list[tuple[str, str]]:
        for section in self.unit:
            if section not in _SYSTEMD and section != name and not section.startswith("X-"):
                self._note(f"the section {section} is left out: nothing here stands for it")
        if name == "Container" and name not in self.unit:
            raise Error(f"{self.path}: it has no section [{name}]")
        return self.unit.get(name, [])

    def _note(self, what: str) -> None:
        self.play.note(self.path.name, what)

    def _unit_of(self, text: str, kind: str) -> str:
        """What a unit is called that another names; any other name stays as it is."""
        if not text.endswith(kind):
            return text
        return self.names.get(text, f"systemd-{text[: -len(kind)]}")

    def container(self) -> None:
        flags: list[str] = []
        image, entry, user, group = "", "", "", ""
        words: list[str] = []
        for key, value in self._section("Container"):
            if key == "Image":
                image = value
                if value.endswith((".image", ".build")):
                    raise Error(f"{self.path.name}: Image={value} is a unit", hint="name the image")
            elif key == "Exec":
                words = split(value, self.path)
            elif key == "Entrypoint":
                entry = value
            elif key == "User":
                user = value
            elif key == "Group":
                group = value
            elif key == "PodmanArgs":
                flags += split(value, self.path)
            elif key in container_keys.SWITCHES:
                flags += self._switch(key, value)
            elif key in container_keys.FLAGS:
                flags += self._flag(key, value)
            elif key != "ContainerName":
                self._note(f"{key} is left out: {container_keys.why(key)}")
        if not image:
            raise Error(f"{self.path}: Image is missing")
        defaults: dict[str, Any] = {}
        if user or group:
            flags += ["--user", f"{user}:{group}" if group else user]
        if entry:
            # A list, or one word.
            defaults["entrypoint"] = _list(entry)
        defaults |= self._service()
        line = ["--name", self.called, *flags, image, *words]
        try:
            lines.container(self.play, line, str(self.path.absolute().parent), True, defaults)
        except Error as exc:
            raise Error(f"{self.path.name}: {exc.message.splitlines()[0]}", hint=exc.hint) from exc
        self._needs()

    def _switch(self, key: str, value: str) -> list[str]:
        flag = container_keys.SWITCHES[key]
        on = value.lower() in ("1", "yes", "true", "on")
        if key == "NoNewPrivileges":
            return ["--security-opt", "no-new-privileges"] if on else []
        if key == "SecurityLabelDisable":
            return ["--security-opt", "label=disable"] if on else []
        return [f"--{flag}={str(on).lower()}"]

    def _flag(self, key: str, value: str) -> list[str]:
        """One key as flags of run."""
        flag, split_up = container_keys.FLAGS[key]
        if key == "SeccompProfile":
            return ["--security-opt", f"seccomp={value}"]
        if key in container_keys.LABELS:
            return ["--security-opt", f"label={container_keys.LABELS[key]}:{value}"]
        if key == "EnvironmentFile":
            path = os.path.join(self.path.absolute().parent, value)
            if value.startswith("-") and not os.path.exists(path):
                return []
            return [part for line in file_lines(path) for part in ("--env", line)]
        if key == "Network":
            return self._network_flag(value)
        if key == "Volume":
            source, colon, rest = value.partition(":")
            return ["--volume", f"{self._unit_of(source, '.volume')}{colon}{rest}"]
        if key == "Mount":
            return ["--mount", self._mount(value)]
        values = split(value, self.path) if split_up else [value]
        return [part for one in values for part in (f"--{flag}", one)]

    def _network_flag(self, value: str) -> list[str]:
        name, colon, options = value.partition(":")
        if name.endswith(".container"):
            return ["--network", f"container:{self._unit_of(name, '.container')}"]
        name = self._unit_of(name, ".network")
        if name in ("container", "ns"):
            return ["--network", value]
        if name in ("pasta", "slirp4netns", "private"):
            self._note(f"Network={value} is the default network here")
            return []
        return ["--network", f"name={name},{options}" if colon and options else name]

    def _mount(self, value: str) -> str:
        parts = []
        for part in value.split(","):
            key, equals, text = part.partition("=")
            if key in ("source", "src"):
                text = self._unit_of(text, ".volume")
            parts.append(f"{key}{equals}{text}")
        return ",".join(parts)

    def _service(self) -> dict[str, Any]:
        """What [Service] says that an option is for."""
        found: dict[str, Any] = {}
        for key, value in self.unit.get("Service", ()):
            if key == "Restart" and value in _RESTART:
                if _RESTART[value] != "no":
                    found["restart_policy"] = _RESTART[value]
            elif key == "TimeoutStopSec" and value.isdecimal():
                found["stop_timeout"] = int(value)
            else:
                self._note(f"{key} of [Service] is left out: containers are not units here")
        return found

    def _needs(self) -> None:
        """The containers that are to start before this one."""
        task = self.play.tasks[-1]
        for key, value in self.unit.get("Unit", ()):
            for name in value.split() if key in ("After", "Requires", "Wants", "BindsTo") else ():
                file = (
                    f"{name[: -len('.service')]}.container" if name.endswith(".service") else name
                )
                if file in self.names and file.endswith(".container"):
                    task.needs |= {self.names[file]}

    def network(self) -> None:
        options: dict[str, Any] = {}
        pools: list[dict[str, Any]] = []
        for key, value in self._section("Network"):
            if key == "Subnet":
                pools.append({"subnet": value})
            elif key in ("Gateway", "IPRange"):
                if not pools:
                    raise Error(f"{self.path.name}: {key} has no Subnet before it")
                pools[-1][key.lower()] = value
            elif key in ("Internal", "IPv6"):
                if value.lower() in ("1", "yes", "true", "on"):
                    options["internal" if key == "Internal" else "enable_ipv6"] = True
            elif key == "Driver":
                options |= {} if value == "bridge" else {"driver": value}
            elif key == "Label":
                labels = run_flags.pairs(split(value, self.path))
                options["labels"] = {**options.get("labels", {}), **labels}
            elif key == "Options":
                given = run_flags.pairs(value.split(","))
                options["driver_options"] = {
                    container_keys.NETWORK_OPTIONS.get(name, name): one
                    for name, one in given.items()
                }
            elif key != "NetworkName":
                self._note(f"{key} is left out: {container_keys.why(key)}")
        if pools:
            options["ipam_config"] = pools
        add_network(self.play, self.called, options)

    def volume(self) -> None:
        labels: dict[str, str] = {}
        options: dict[str, str] = {}
        for key, value in self._section("Volume"):
            if key == "Label":
                labels |= run_flags.pairs(split(value, self.path))
            elif key in ("Device", "Type", "Options"):
                options[{"Options": "o"}.get(key, key.lower())] = value
            elif key == "Driver" and value == "local":
                continue
            elif key != "VolumeName":
                self._note(f"{key} is left out: {container_keys.why(key)}")
        add_volume(self.play, self.called, "", options, labels)


def _list(text: str) -> list[str]:
    """A list in JSON, or one word."""
    import json

    if not text.startswith("["):
        return [text]
    try:
        return [str(word) for word in json.loads(text)]
    except ValueError as exc:
        raise Error(f"Entrypoint={text[:80]}: it is not JSON") from exc
