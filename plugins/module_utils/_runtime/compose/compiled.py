# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a project comes to: entries for containers, networks, volumes and images, each with the
options of its module.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..base.frozen import dataclass, field
from .base.findings import Findings
from .reading.project import Project
from .service import build, mounts, networks, objects
from .service import options as service_options


@dataclass(frozen=True)
class Entry:
    """One thing that is declared: ``path`` is where in the files, ``key`` its name there.

    Of a container, ``number`` is which of its service, ``needs`` the containers it waits for and
    what of them, ``after`` those it is restarted after, by service.
    """

    path: str
    key: str
    options: Mapping[str, Any]
    number: int = 0
    needs: Mapping[str, str] = field(default_factory=dict)
    services: Mapping[str, str] = field(default_factory=dict)
    after: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        found: str = self.options.get("name") or self.options["volume_name"]
        return found


@dataclass(frozen=True)
class Compiled:
    """All entries of a project, networks and volumes only if a service uses them. An image is
    after those it takes.
    """

    project: Project
    networks: tuple[Entry, ...]
    volumes: tuple[Entry, ...]
    images: tuple[Entry, ...]
    containers: tuple[Entry, ...]


def compile_project(project: Project, findings: Findings) -> Compiled:
    """The entries of a project. What is wrong, or not to be had, goes to ``findings``."""
    containers: list[Entry] = []
    for name in project.services:
        containers += _containers(project, name, findings)
    images = (
        (name, build.entry(project, name, project.services[name], findings))
        for name in build.in_order(project.services, findings)
    )
    return Compiled(
        project=project,
        networks=_networks(project, findings),
        volumes=_volumes(project, findings),
        images=tuple(
            Entry(
                f"services.{name}.build",
                name,
                entry,
                services=dict.fromkeys(build.needed(project.services[name]), "built"),
            )
            for name, entry in images
            if entry
        ),
        containers=tuple(containers),
    )


def _containers(project: Project, name: str, findings: Findings) -> list[Entry]:
    path = f"services.{name}"
    options = service_options.options(project, name, findings)
    count = 1
    with findings.reading(f"{path}.scale"):
        count = project.count(name)
    if count > 1 and project.services[name].get("container_name"):
        findings.wrong(
            f"{path}.container_name", "there is one container of a service that names it"
        )
        count = 1
    waits = list(service_options.needs(project, name, findings))
    needs = {
        container: condition
        for other, condition, dummy in waits
        for container in project.containers(other)
    }
    return [
        Entry(
            path,
            name,
            {"name": project.container(name, number), **options},
            number,
            needs,
            {other: condition for other, condition, dummy in waits},
            tuple(other for other, dummy, restart in waits if restart),
        )
        for number in range(1, count + 1)
    ]


def _networks(project: Project, findings: Findings) -> tuple[Entry, ...]:
    used = {name for given in project.services.values() for name in networks.networks_of(given)}
    declared = objects.ours(project, "networks")
    if "default" not in project.section("networks"):
        declared.append("default")
    return tuple(
        Entry(f"networks.{name}", name, objects.network(project, name, findings))
        for name in declared
        if name in used
    )


def _volumes(project: Project, findings: Findings) -> tuple[Entry, ...]:
    used = {name for given in project.services.values() for name in mounts.volumes_of(given)}
    return tuple(
        Entry(f"volumes.{name}", name, objects.volume(project, name, findings))
        for name in objects.ours(project, "volumes")
        if name in used
    )
