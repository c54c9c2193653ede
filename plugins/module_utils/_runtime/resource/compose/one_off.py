# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One command of a service in a container of its own: ``docker compose run``. Pure.

First the project is converged around the service, then the container is created, and whoever asked
starts it.
"""

from __future__ import annotations

import os
import secrets
from collections.abc import Mapping
from typing import Any, Optional

from ...base.errors import Error
from ...base.frozen import dataclass, field, replace
from ...base.layout import Layout
from ...compose.reading.files import Asked
from ...container.option import catalogue
from ...spec.texts import texts
from ..container import command as given_command
from ..container import declare as container_declare
from . import declare
from .options import defaults


@dataclass(frozen=True)
class Command:
    """What is asked for over what the service says. None, or nothing, is as the service has it;
    ``publish`` are ports in place of the service's, which are published with ``service_ports``;
    ``volumes``, ``env``, ``labels`` and capabilities are added.
    """

    service: str
    argv: Optional[tuple[str, ...]] = None
    name: str = ""
    entrypoint: Optional[tuple[str, ...]] = None
    user: str = ""
    cwd: str = ""
    env: Mapping[str, str] = field(default_factory=dict, repr=False)
    labels: Mapping[str, str] = field(default_factory=dict)
    volumes: tuple[str, ...] = ()
    publish: tuple[str, ...] = ()
    service_ports: bool = False
    use_aliases: bool = False
    cap_add: tuple[str, ...] = ()
    cap_drop: tuple[str, ...] = ()
    tty: bool = False
    interactive: bool = True
    remove: bool = False
    no_deps: bool = False
    build: bool = False
    pull: str = "policy"
    remove_orphans: bool = False


def command_of(params: Mapping[str, Any]) -> Command:
    """The options of the module compose_run. Raises Error."""
    given_command.check(params)
    entrypoint = params["entrypoint"]
    return Command(
        service=params["service"],
        argv=given_command.argv(params),
        name=params["name"] or "",
        entrypoint=None if entrypoint is None else given_command.words("entrypoint", entrypoint),
        user=params["user"] or "",
        cwd=params["chdir"] or "",
        env=texts("env", params["env"] or {}),
        labels=dict(text.partition("=")[::2] for text in params["labels"] or ()),
        volumes=tuple(params["volumes"] or ()),
        publish=tuple(params["publish"] or ()),
        service_ports=params["service_ports"],
        use_aliases=params["use_aliases"],
        cap_add=tuple(params["cap_add"] or ()),
        cap_drop=tuple(params["cap_drop"] or ()),
        interactive=params["interactive"],
        remove=params["cleanup"],
        no_deps=params["no_deps"],
        build=params["build"],
        remove_orphans=params["remove_orphans"],
    )


def around(asked: Asked, command: Command, layout: Layout) -> declare.Declared:
    """What the service needs, as a project: its networks, volumes and image, and unless it is
    refused the services that it depends on. Raises Error with all mistakes of the files.
    """
    options = {
        "services": [command.service],
        "dependencies": not command.no_deps,
        "around": command.service,
        "build": "always" if command.build else "policy",
        "pull": command.pull,
        "remove_orphans": command.remove_orphans,
    }
    return declare.of_project(asked, {**defaults(), **options}, layout)


def container(asked: Asked, command: Command, layout: Layout) -> container_declare.Declared:
    """The container of the command, which is created and not started. Raises Error."""
    if command.publish and command.service_ports:
        raise Error("the service's ports and others cannot be published both")
    found = declare.one_off(asked, command.service, layout)
    prefix = found.pop("name")
    # It is restarted by nobody, and takes nobody's place.
    for option in ("restart_retries", "update", "share_volumes"):
        found.pop(option, None)
    found |= _over(found, command, asked.directory)
    name = command.name or f"{prefix}-{secrets.token_hex(6)}"
    params = {**catalogue.defaults(), **found, "name": name, "state": "present"}
    return replace(container_declare.declare(params), stdin_once=command.interactive)


def _over(found: Mapping[str, Any], command: Command, directory: str) -> dict[str, Any]:
    """The options of the container that are not the service's."""
    asked: dict[str, Any] = {
        "tty": command.tty,
        "interactive": command.interactive,
        "auto_remove": command.remove,
        "restart_policy": "no",
    }
    if not command.service_ports:
        asked["published_ports"] = list(command.publish) or None
    if not command.use_aliases and found.get("networks"):
        asked["networks"] = [
            {key: value for key, value in one.items() if key != "aliases"}
            for one in found["networks"]
        ]
    if command.entrypoint is not None:
        asked["entrypoint"] = list(command.entrypoint)
        asked["command"] = None
    if command.argv:
        asked["command"] = list(command.argv)
    if command.user:
        asked["user"] = command.user
    if command.cwd:
        asked["working_dir"] = command.cwd
    for option, more in (("env", command.env), ("labels", command.labels)):
        if more:
            asked[option] = {**found.get(option, {}), **more}
    if command.volumes:
        own = [_volume(text, directory) for text in command.volumes]
        asked["volumes"] = [*found.get("volumes", ()), *own]
    for option, more_of, fewer in (
        ("capabilities", command.cap_add, command.cap_drop),
        ("cap_drop", command.cap_drop, command.cap_add),
    ):
        if more_of or fewer:
            kept = [one for one in found.get(option, ()) if one not in fewer]
            asked[option] = [*kept, *more_of]
    return asked


def _volume(text: str, directory: str) -> str:
    source, colon, rest = text.partition(":")
    if colon and source.startswith((".", "~")):
        return f"{os.path.normpath(os.path.join(directory, os.path.expanduser(source)))}:{rest}"
    return text
