# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a plan does, in the dictionaries that docker_container returns as ``actions``.

Parameters are in the words of the module, not of Docker's API. What Docker has no word for, such as
a repair, is ``{"done": <the sentence>}``.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Optional

from ...container.option.catalogue import FIELDS
from ...plan.plan import Plan, Step
from ...spec.container import ContainerSpec, Endpoint
from .declare import shown
from .observe import State
from .run_steps import Pause, Restart, RunToEnd, Start, Stop, Unpause
from .steps import Amend, Create, Pull, Remove, Replace


def of(plan: Plan[State], new_id: Optional[str]) -> list[dict[str, Any]]:
    """The dictionaries of all steps. ``new_id`` is the id of the container after a run."""
    told: list[dict[str, Any]] = []
    have = plan.have
    for step in plan.steps:
        told += _of(step, have, new_id)
        have = step.after(have)
    return told


def _of(step: Step[State], have: State, new_id: Optional[str]) -> Iterator[dict[str, Any]]:
    own_id = have.id or new_id
    timeout_s = None if have.spec is None else have.spec.stop_timeout_s
    if isinstance(step, Pull):
        yield {"pulled_image": _tagged(have.around.written), "changed": True}
    elif isinstance(step, Create):
        yield _created(step.spec)
        if step.start:
            yield {"started": new_id}
    elif isinstance(step, Replace):
        made = [_created(step.spec), *([{"started": new_id}] if step.start else [])]
        ended = [{"stopped": own_id, "timeout": timeout_s}] if have.running else []
        ended.append(_removed(own_id, volumes=not step.keep_volumes))
        yield from (*ended, *made) if step.beside is None else (*made, *ended)
    elif isinstance(step, Amend):
        yield from _amended(step, have, own_id)
    elif isinstance(step, (Start, RunToEnd)):
        if isinstance(step, Start) or step.start:
            yield {"started": own_id}
    elif isinstance(step, Restart):
        yield {"restarted": own_id, "timeout": timeout_s}
    elif isinstance(step, Stop):
        yield _stopped(step, own_id, timeout_s)
    elif isinstance(step, (Pause, Unpause)):
        yield {"set_paused": isinstance(step, Pause)}
    elif isinstance(step, Remove):
        if step.running:
            yield _stopped(step, own_id, timeout_s)
        yield _removed(own_id, step.volumes)
    elif step.changes:
        yield {"done": step.describe()}


def _tagged(image: str) -> str:
    named = "@" in image or ":" in image.rpartition("/")[2]
    return image if named else f"{image}:latest"


def _created(spec: ContainerSpec) -> dict[str, Any]:
    parameters = shown(spec)
    networks = parameters.pop("networks", [])
    return {
        "created": "Created container",
        "create_parameters": parameters,
        "networks": {network["name"]: network for network in networks},
    }


def _removed(own_id: Optional[str], volumes: bool) -> dict[str, Any]:
    return {"removed": own_id, "volume_state": volumes, "link": False, "force": False}


def _stopped(step: Any, own_id: Optional[str], timeout_s: Optional[int]) -> dict[str, Any]:
    if step.kill:
        return {"killed": own_id, "signal": step.signal or None}
    return {"stopped": own_id, "timeout": timeout_s}


def _amended(step: Amend, have: State, own_id: Optional[str]) -> Iterator[dict[str, Any]]:
    before = have.spec.networks if have.spec is not None else ()
    if "networks" in step.options:
        yield from _reconnected(before, step.spec)
    others = [option for option in step.options if option != "networks"]
    if others:
        shows = shown(step.spec)
        # What has its default again is not shown.
        parameters = {option: shows.get(option) for option in others if option in FIELDS}
        yield {"updated": own_id, "update_parameters": parameters}


def _reconnected(before: tuple[Endpoint, ...], spec: ContainerSpec) -> Iterator[dict[str, Any]]:
    shows = {network["name"]: network for network in shown(spec).get("networks", [])}
    for endpoint in before:
        if endpoint not in spec.networks:
            yield {"removed_from_network": endpoint.network}
    for endpoint in spec.networks:
        if endpoint not in before:
            parameters = shows.get(endpoint.network)
            yield {"added_to_network": endpoint.network, "network_parameters": parameters}
