# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Networks and volumes that somebody else has made: a project uses them, and never makes them."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Callable

from ...base.frozen import dataclass
from ...compose.reading.project import Project, is_external
from ...compose.service import mounts, networks
from ...plan.plan import Failing, Host
from ...records import foreseen
from ...volume import expected


@dataclass(frozen=True)
class External:
    """``kind`` is network or volume, ``path`` its place in the files, ``name`` that on the host."""

    kind: str
    path: str
    name: str


def used(project: Project, services: Iterable[str]) -> tuple[External, ...]:
    """Those that services use. Pure."""
    found = {}
    of_service = (("network", networks.networks_of), ("volume", mounts.volumes_of))
    for service in services:
        for kind, named in of_service:
            for name in named(project.services[service]):
                given = project.section(f"{kind}s").get(name)
                if isinstance(given, dict) and is_external(given):
                    called = project.network(name) if kind == "network" else project.volume(name)
                    found[kind, name] = External(kind, f"{kind}s.{name}", called)
    return tuple(found.values())


def lacking(host: Host, asked: Iterable[External]) -> tuple[str, ...]:
    """Why the project cannot be: those that neither are there nor will be by earlier tasks."""
    looked: dict[str, Callable[[Host, str], object]] = {
        "network": foreseen.network,
        "volume": expected.find,
    }
    return tuple(
        Failing(
            f"{one.path}: the external {one.kind} {one.name[:128]} does not exist; make it by a"
            f" task of the module {one.kind} before, or leave out external"
        )
        for one in asked
        if looked[one.kind](host, one.name) is None
    )
