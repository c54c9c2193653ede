# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A command of a task in a container of a project: ``docker compose exec``."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ...base.errors import Error
from ...compose.base.findings import Findings
from ...compose.reading import files, project
from ...compose.reading.files import Asked
from ...plan.plan import Host
from ..container import command
from . import shown


def perform(host: Host, asked: Asked, params: Mapping[str, Any]) -> dict[str, Any]:
    """Run the command that the options of compose_exec say. Returns the module's result."""
    command.check(params)
    findings = Findings()
    whole = project.project(files.read(asked, findings), asked, findings)
    findings.refuse(whole.name)
    service = params["service"]
    if service not in whole.services and service not in whole.others:
        raise Error(f"project {whole.name} has no service {service[:100]}")
    mine = shown.of_service(host.layout, whole.name, service, params["index"])
    done = command.perform(
        host, mine.record.id, {**params, "tty": False}, f"container {mine.record.name}"
    )
    done.pop("exec_id", None)
    return done
