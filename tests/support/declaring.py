# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Tasks of the module container, as a play has them, and carrying them out for tests."""

from __future__ import annotations

from typing import Any

from ansible_collections.slipway.engine.plugins.module_utils._runtime.cli import installing
from ansible_collections.slipway.engine.plugins.module_utils._runtime.container.option import (
    catalogue,
)
from ansible_collections.slipway.engine.plugins.module_utils._runtime.records import (
    container_record,
)
from ansible_collections.slipway.engine.plugins.module_utils._runtime.resource.container import (
    decide,
)
from support.containers import World
from support.converging import Task, apply, assert_play_is_predicted, check


def task(name: str, **given: Any) -> Task:
    """A task of the module container, with the defaults of its options and those of tests."""
    usual: dict[str, Any] = {
        "image": "busybox:1",
        "pull": "never",
        "command": ["sleep", "1000"],
        "stop_signal": "KILL",
        "keep_volumes": False,
    }
    params = {**catalogue.defaults(), **usual, "name": name, **given}
    return Task(decide.declare, installing.with_program(decide.RESOURCE), params)


def isolated(name: str, **given: Any) -> Task:
    """The same, for a container without a network."""
    return task(name, **{"network_mode": "none", **given})


def acting(name: str, **given: Any) -> Task:
    """A task that names no image, so it declares nothing but what it says."""
    return task(name, image=None, command=None, stop_signal=None, **given)


def converge(world: World, *tasks: Task) -> list[str]:
    """Check, apply, apply again: the prediction held, and the second run found nothing to do."""
    assert_play_is_predicted(world.layout, tasks)
    for again in tasks:
        outcome, dummy = apply(world.layout, again)
        assert outcome.actions == ()
        assert check(world.layout, again, {}).actions == ()
    return container_record.all_ids(world.layout)
