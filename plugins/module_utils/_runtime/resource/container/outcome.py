# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is told of a container that a task was about: its document, the difference, its actions."""

from __future__ import annotations

import contextlib
from typing import Any, Optional

from ...base.errors import NotFound
from ...container.option.catalogue import FIELDS
from ...container.show import documents
from ...plan.plan import Host, Plan
from ...records import container_record
from .observe import State, view


def result(host: Host, state: State) -> dict[str, Any]:
    """``container``, in the shape of docker inspect; None when there is none, or only a predicted
    one.
    """
    found: Optional[dict[str, Any]] = None
    if state.id and state.spec is not None:
        # One that is removed at its end may go at any time.
        with contextlib.suppress(NotFound):
            found = documents.container(host, state.id)
    ran = host.outcome.get("container")
    if ran is None:
        return {"container": found}
    told = {"container": {**(found or {}), "Output": ran["output"]}, "status": ran["status"]}
    return told if not ran["status"] else {**told, "failed": True, "msg": ran["output"]}


#: Sizes that a diff shows in bytes, and the fields of the spec that hold them.
_SIZES = {option: field for option, field in FIELDS.items() if field.endswith("_bytes")}


def diff(plan: Plan[State], found: State) -> dict[str, Any]:
    """The views of both ends, with sizes in bytes and the retries of a restart policy by
    themselves, as docker_container shows them.
    """
    return {"before": _side(plan.have), "after": _side(plan.want)}


def _side(state: State) -> dict[str, Any]:
    shows = view(state)
    if state.spec is None:
        return shows
    for option, field in _SIZES.items():
        if option in shows:
            shows[option] = getattr(state.spec, field)
    if "restart_policy" in shows:
        policy = state.spec.restart_policy
        shows["restart_policy"] = policy.name
        shows["restart_retries"] = policy.maximum_retry_count
    return shows


def report(host: Host, plan: Plan[State]) -> dict[str, Any]:
    """With ``debug``, ``actions`` as docker_container returns them."""
    if not plan.have.around.debug:
        return {}
    from . import docker_actions  # Few tasks ask for them.

    new_id: Optional[str] = None
    with contextlib.suppress(NotFound):
        new_id = container_record.by_name(host.layout, plan.have.name)
    return {"actions": docker_actions.of(plan, new_id)}
