# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Tasks of the module stack, as a play has them."""

from __future__ import annotations

from typing import Any

from ansible_collections.slipway.engine.plugins.module_utils._runtime.cli import installing
from ansible_collections.slipway.engine.plugins.module_utils._runtime.resource.stack import (
    decide,
    declare,
)
from support.converging import Task

#: What containers of tests have unless they say something else.
DEFAULTS: dict[str, Any] = {
    "image": "busybox:1",
    "pull": "never",
    "command": ["sleep", "1000"],
    "stop_signal": "KILL",
    "network_mode": "none",
}


def stack(**given: Any) -> Task:
    """A task of the module stack, with the defaults of its options and those of tests."""
    usual = {name: option.get("default") for name, option in declare.ARGUMENT_SPEC.items()}
    defaults = {**DEFAULTS, **given.pop("defaults", {})}
    defaults = {name: value for name, value in defaults.items() if value is not None}
    params = {**usual, "name": "shop", "defaults": defaults, **given}
    resource = installing.with_program(decide.RESOURCE, decide.needs_program)
    return Task(declare.declare, resource, params)


def member(told: dict[str, Any], name: str) -> dict[str, Any]:
    """What a result says of one member."""
    found: dict[str, Any] = next(one for one in told["members"] if one["name"] == name)
    return found
