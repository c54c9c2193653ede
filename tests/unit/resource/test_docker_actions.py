# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a task with ``debug`` returns as ``actions``: plans of a container, in Docker's keys."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.slipway.engine.plugins.module_utils._runtime.container.option import (
    catalogue,
)
from ansible_collections.slipway.engine.plugins.module_utils._runtime.resource.container import (
    declare,
    docker_actions,
)
from ansible_collections.slipway.engine.plugins.module_utils._runtime.resource.container.decide import (  # noqa: E501
    plan,
)
from ansible_collections.slipway.engine.plugins.module_utils._runtime.resource.container.observe import (  # noqa: E501
    Around,
    State,
)

IMAGE = "docker.io/library/busybox:1"
ID = "sha256:" + "1" * 64
OLD, NEW = "c" * 64, "d" * 64


def params(**given: Any) -> dict[str, Any]:
    return {**catalogue.defaults(), "name": "web", "image": "busybox:1", "debug": True, **given}


def found(spec: dict[str, Any], **state: Any) -> State:
    made = declare.resolve(declare.declare(params(**spec)), IMAGE, ID, None)
    around = Around(reference=IMAGE, image_id=ID, debug=True, written="busybox:1")
    return State("web", made, **{"running": True, "id": OLD, "around": around, **state})


LACKING = State("web", around=Around(IMAGE, image_id=None, debug=True, written="busybox"))
HERE = State("web", around=Around(IMAGE, image_id=ID, debug=True, written="busybox:1"))
STARTED = {"started": NEW}
STOPPED = {"stopped": OLD, "timeout": 10}
REMOVED = {"removed": OLD, "volume_state": False, "link": False, "force": False}


def created(networks: Any = None, **parameters: Any) -> dict[str, Any]:
    parameters = {"image": IMAGE, **parameters}
    return {
        "created": "Created container",
        "create_parameters": parameters,
        "networks": networks or {},
    }


CASES: dict[str, tuple[State, dict[str, Any], list[dict[str, Any]]]] = {
    "nothing": (found({}), {}, []),
    "pulled and made": (
        LACKING,
        {"image": "busybox", "command": ["x"], "networks": [{"name": "shop"}]},
        [
            {"pulled_image": "busybox:latest", "changed": True},
            created({"shop": {"name": "shop"}}, command=["x"]),
            STARTED,
        ],
    ),
    "made": (HERE, {"state": "present"}, [created()]),
    "secrets are masked": (
        HERE,
        {"state": "present", "env": {"A": "secret"}},
        [created(env={"A": "********"})],
    ),
    "a job": (HERE, {"detach": False}, [created(), STARTED]),
    "made again": (
        found({"command": ["x"]}),
        {"command": ["y"]},
        [STOPPED, REMOVED, created(command=["y"]), STARTED],
    ),
    "made again, the new one first": (
        found({"command": ["x"]}),
        {"command": ["y"], "update": "start_first"},
        [created(command=["y"]), STARTED, STOPPED, REMOVED],
    ),
    "made again without volumes": (
        found({"command": ["x"]}, running=False),
        {"command": ["y"], "keep_volumes": False, "state": "present"},
        [{**REMOVED, "volume_state": True}, created(command=["y"])],
    ),
    "updated": (
        found({"memory": "64M"}),
        {"memory": "128M"},
        [{"updated": OLD, "update_parameters": {"memory": "128M"}}],
    ),
    "a limit taken away": (
        found({"memory": "64M"}),
        {},
        [{"updated": OLD, "update_parameters": {"memory": None}}],
    ),
    "other networks": (
        found({"networks": [{"name": "one"}, {"name": "two"}]}),
        {"networks": [{"name": "two"}, {"name": "three", "aliases": ["x"]}]},
        [
            {"removed_from_network": "one"},
            {
                "added_to_network": "three",
                "network_parameters": {"name": "three", "aliases": ["x"]},
            },
        ],
    ),
    "started and paused": (
        found({}, running=False),
        {"state": "paused"},
        [{"started": OLD}, {"set_paused": True}],
    ),
    "unpaused": (found({}, paused=True), {}, [{"set_paused": False}]),
    "restarted": (found({}), {"restart": True}, [{"restarted": OLD, "timeout": 10}]),
    "stopped": (found({}), {"state": "stopped"}, [STOPPED]),
    "killed": (
        found({}),
        {"state": "stopped", "force_kill": True, "kill_signal": "TERM"},
        [{"killed": OLD, "signal": "TERM"}],
    ),
    "removed": (found({}), {"state": "absent"}, [STOPPED, REMOVED]),
    "repaired": (
        found({}, damage=("a link",)),
        {},
        [{"done": "repair container web (a link)"}],
    ),
    "waited for": (found({}, health="starting"), {"state": "healthy"}, []),
}


@pytest.mark.parametrize("case", CASES)
def test_steps_in_keys_of_docker(case: str) -> None:
    have, given, wanted = CASES[case]
    assert docker_actions.of(plan(declare.declare(params(**given)), have), NEW) == wanted
