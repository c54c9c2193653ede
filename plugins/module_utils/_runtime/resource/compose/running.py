# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Starting the container of one command of a service, and telling of its end."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ...container import attached
from ...container.engine import oci_runtime
from ...container.lifecycle import actions
from ...plan.plan import Host
from ..container import command


def perform(
    host: Host, container_id: str, removed: bool, params: Mapping[str, Any], called: str
) -> dict[str, Any]:
    """Start the container, which has been created, and with ``detach`` leave it alone. Returns the
    result of compose_run. ``removed`` is that it goes at its end. Raises Error where it cannot be
    started, but not for a command that cannot be run: that is a result.
    """
    try:
        with attached.removed_on_failure(host, container_id, removed):
            if params["detach"]:
                actions.start(host, container_id)
                return {"container_id": container_id}
            given, limit = command.stdin(params), params["output_limit"]
            done = attached.run(host, container_id, given, limit)
    except oci_runtime.NotStarted as exc:
        if params["detach"]:
            raise
        refused = {"stdout": "", "stderr": str(exc), "rc": exc.status, "truncated": False}
        return {**refused, "msg": str(exc)}
    if removed:
        attached.await_removal(host, container_id)
    return command.told(done, params, called)
