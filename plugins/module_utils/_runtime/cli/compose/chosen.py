# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which project and which containers a command line of ``slipway compose`` means."""

from __future__ import annotations

import os
from collections.abc import Collection, Sequence
from typing import Any, Optional

from ...base.errors import Error
from ...base.frozen import replace
from ...compose.base.findings import Findings
from ...compose.reading import files, project
from ...compose.reading.files import Asked
from ...compose.reading.project import DEPENDS_ON, Project
from ...plan.plan import Host
from ...resource.compose import shown
from ...resource.compose.shown import Mine
from ...resource.stack import order
from ..line.verbs import Arguments
from ..terminal.output import complain


def asked_of(arguments: Arguments) -> Asked:
    """What the flags before the verb say."""
    directory = arguments["project-directory"]
    # Files are found from where the command is given, whatever the project's directory is.
    listed = tuple(one if one == "-" else os.path.abspath(one) for one in arguments["file"])
    return Asked(
        files=listed,
        directory=os.path.abspath(directory) if directory else "" if listed else os.getcwd(),
        project=arguments["project-name"],
        env_files=tuple(os.path.abspath(name) for name in arguments["env-file"]),
        profiles=tuple(arguments["profile"]),
        around=dict(os.environ),
        upwards=True,
    )


def read(arguments: Arguments, services: Collection[str] = (), raw: bool = False) -> Project:
    """The project of the files, with ``raw`` without values for their variables. Raises one Error
    with all mistakes at their top.
    """
    findings = Findings()
    asked = replace(asked_of(arguments), raw=raw)
    found = project.project(files.read(asked, findings), asked, findings, services)
    findings.refuse(found.name)
    for line in findings.warnings:
        complain(f"warning: {line}")
    return found


def name_of(arguments: Arguments) -> str:
    """The project's name, for verbs that need its files for nothing else."""
    return named(arguments)[0]


def named(arguments: Arguments) -> tuple[str, Optional[Project]]:
    """The project's name, and what its files say if there are any: a name suffices."""
    name = arguments["project-name"] or os.environ.get("COMPOSE_PROJECT_NAME", "")
    try:
        found = read(arguments)
    except Error as exc:
        if name and not arguments["file"] and "has no Compose file" in exc.message:
            return name, None
        raise
    return found.name, found


def containers(
    host: Host, arguments: Arguments, services: Sequence[str] = (), all_of: bool = False
) -> list[Mine]:
    """The containers of the project, or of some of its services. Raises Error for a service that
    is not there.
    """
    name, whole = named(arguments)
    every = shown.containers(host.layout, name, all_of=all_of)
    known = {mine.service for mine in every}
    if whole is not None:
        known |= {*whole.services, *whole.others}
    for service in services:
        if service not in known:
            raise Error(f"no such service: {service[:100]}")
    return [mine for mine in every if not services or mine.service in services]


def one(
    host: Host, arguments: Arguments, service: str, index: Optional[int], running: bool = True
) -> Mine:
    """One container of a service, by its number or the first. Raises Error."""
    name, whole = named(arguments)
    if whole is not None and service not in {*whole.services, *whole.others}:
        every = shown.containers(host.layout, name)
        if service not in {mine.service for mine in every}:
            raise Error(f"no such service: {service[:100]}")
    return shown.of_service(host.layout, name, service, index, running)


def ordered(found: Sequence[Mine], ends: bool = False) -> list[Mine]:
    """Containers after those that their services depend on; with ``ends`` before them."""
    needs_of = {mine.service: needs(mine) for mine in found}
    if order.circle(needs_of) is not None:
        return list(found)
    place = {service: number for number, service in enumerate(order.ordered(needs_of))}
    sign = -1 if ends else 1
    return sorted(found, key=lambda mine: (sign * place[mine.service], mine.number))


def needs(mine: Mine, condition: str = "") -> set[str]:
    """The services that a container's depends on, by its labels; with ``condition`` those that it
    waits for in this way.
    """
    listed = (one.split(":") for one in mine.labels.get(DEPENDS_ON, "").split(",") if one)
    return {name for name, *rest in listed if not condition or condition in rest}


def short(mine: Mine) -> str:
    """What Compose calls a container in front of its output: without the project."""
    prefix = f"{mine.labels.get(project.PROJECT, '')}-"
    name = mine.record.name
    return name[len(prefix) :] if name.startswith(prefix) else name


def numbers(given: Sequence[str]) -> dict[str, Any]:
    """``--scale SERVICE=NUM``, several times."""
    found = {}
    for text in given:
        name, equals, number = text.partition("=")
        if not equals or not number.isdecimal():
            raise Error(f"--scale: {text[:60]!r} is not SERVICE=NUM")
        found[name] = int(number)
    return found
