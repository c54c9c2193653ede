# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Compose files, as tasks: one project with its networks, volumes and services.

Names are those ``docker compose`` gives: ``project_network``, ``project-service-1``.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from ...base.frozen import replace
from ...compose.base.findings import Findings
from ...compose.compiled import Compiled, Entry, compile_project
from ...compose.reading import files, project
from ...compose.reading.files import Asked
from .play.objects import add_container, add_network, add_volume
from .play.play import Play


def declare(play: Play, paths: Sequence[Path], asked: Asked) -> None:
    """Declare a project, of one file or several, of which later ones change earlier ones. Raises
    Error with all mistakes; what is not to be had is noted in the play.
    """
    findings = Findings()
    listed = tuple(str(path.absolute()) for path in paths)
    asked = replace(asked, files=listed, around=dict(os.environ))
    whole = project.project(files.read(asked, findings), asked, findings)
    compiled = compile_project(whole, findings)
    findings.refuse(whole.name, lacking=False)
    for line in (*findings.left_out, *findings.warnings):
        where, dummy, what = line.partition(": ")
        play.note(where, what)
    for entry in compiled.networks:
        add_network(play, entry.name, _rest(entry, "name"))
    for entry in compiled.volumes:
        add_volume(
            play,
            entry.name,
            entry.options.get("driver", ""),
            entry.options.get("driver_options", {}),
            entry.options.get("labels", {}),
        )
    _containers(play, compiled)


def _containers(play: Play, compiled: Compiled) -> None:
    waited = {
        other: condition for entry in compiled.containers for other, condition in _waits(entry)
    }
    built = {entry.key: entry.name for entry in compiled.images}
    for entry in compiled.containers:
        options = _rest(entry, "name")
        if entry.key in built:
            image = built[entry.key]
            play.note(entry.name, f"build the image {image} before, by the module image_build")
        if waited.get(entry.name) == "healthy":
            options["state"] = "healthy"
        if options.get("restart_policy") == "no":
            del options["restart_policy"]
        for other, condition in entry.services.items():
            if condition == "completed":
                play.note(
                    entry.name, f"it does not wait for the end of {other}: see the option detach"
                )
        owner = f"{compiled.project.name}_{entry.key}"
        for one in options.get("secrets", ()):
            one["content"] = play.hide(owner, one["name"], one["content"])
        add_container(play, entry.name, options, entry.needs, owner=owner)


def _waits(entry: Entry) -> Sequence[tuple[str, str]]:
    # Whatever waits for health is stronger than what waits for a start.
    return [(name, how) for name, how in entry.needs.items() if how == "healthy"]


def _rest(entry: Entry, name: str) -> dict[str, Any]:
    found = {key: value for key, value in entry.options.items() if key != name}
    if "secrets" in found:
        found["secrets"] = [dict(one) for one in found["secrets"]]
    return found
