# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The plan of a container as tables: what is found, what a task says, and what is done about it."""

from __future__ import annotations

import dataclasses
import re
from typing import Any

import pytest

from ansible_collections.slipway.engine.plugins.module_utils._runtime.base.errors import Error
from ansible_collections.slipway.engine.plugins.module_utils._runtime.container.option import (
    catalogue,
)
from ansible_collections.slipway.engine.plugins.module_utils._runtime.records.journal import (
    Swap,
    Writer,
)
from ansible_collections.slipway.engine.plugins.module_utils._runtime.resource.container import (
    declare,
)
from ansible_collections.slipway.engine.plugins.module_utils._runtime.resource.container.decide import (  # noqa: E501
    plan,
)
from ansible_collections.slipway.engine.plugins.module_utils._runtime.resource.container.observe import (  # noqa: E501
    Around,
    State,
)
from ansible_collections.slipway.engine.plugins.module_utils._runtime.spec.container import (
    ImageDefaults,
)

IMAGE = "docker.io/library/busybox:1"
ID = "sha256:" + "1" * 64
OLD = "sha256:" + "0" * 64
AROUND = Around(reference=IMAGE, image_id=ID)
ALONE = {"image": None}
CUT = Swap("web", "a" * 64, "b" * 64, Writer(1, 1, ""), committed=True)
CHECK = {"healthcheck": {"test": ["CMD", "true"]}}


def params(**given: Any) -> dict[str, Any]:
    return {**catalogue.defaults(), "name": "web", "image": "busybox:1", **given}


def found(around: Around = AROUND, image_id: str = ID, spec: Any = None, **state: Any) -> State:
    """A container that an earlier task of these options made, which runs unless told otherwise."""
    declared = declare.declare(params(**(spec or {})))
    made = declare.resolve(declared, IMAGE, image_id, None)
    state = {"running": True, "id": "c" * 64, "around": around, **state}
    return State("web", made, **state)


def near(**given: Any) -> Around:
    return dataclasses.replace(AROUND, **given)


NONE = State("web", around=AROUND)


def actions(have: State, given: dict[str, Any]) -> list[str]:
    return [step.describe() for step in plan(declare.declare(params(**given)), have).steps]


STOPPED = found(running=False)
BESIDE = dataclasses.replace(AROUND, brought=ImageDefaults(env={"A": "1"}, labels={"a": "1"}))
KEEP = {"undeclared": "keep"}
FIRST = {"update": "start_first"}
ON_CHANGE = {"restart_on_change": ["/x"]}
BIND = {"type": "bind", "source": "/x", "target": "/y"}
MAKES, NEEDS = ({"mounts": [{**BIND, "create_mountpoint": made}]} for made in (True, False))
#: What is found, what the task says beside name and image, what is done.
CASES: dict[str, tuple[State, dict[str, Any], list[str]]] = {
    # Nothing is there.
    "none, absent": (NONE, {"state": "absent"}, []),
    "none, present": (NONE, {"state": "present"}, ["create container web"]),
    "none, stopped": (NONE, {"state": "stopped"}, ["create container web"]),
    "none, started": (NONE, {}, ["create and start container web"]),
    "none, paused": (
        NONE, {"state": "paused"}, ["create and start container web", "pause container web"],
    ),
    "none, paused but not to run": (
        NONE, {"state": "present", "paused": True}, ["create container web"],
    ),
    "none, a job": (
        NONE, {"detach": False}, ["create container web", "run container web until it exits"],
    ),
    "none, a job that is not to run": (
        NONE, {"detach": False, "state": "present"}, ["create container web"],
    ),
    "none, healthy": (
        NONE, {"state": "healthy", **CHECK},
        ["create and start container web", "wait until container web is healthy"],
    ),
    "none, nor its image": (
        State("web", around=near(image_id=None)), {},
        [f"pull image {IMAGE}", "create and start container web"],
    ),
    "none, its image for a platform": (
        State("web", around=near(image_id=None, platform="linux/arm64")), {},
        [f"pull image {IMAGE} for linux/arm64", "create and start container web"],
    ),
    "none, its image is old": (
        State("web", around=near(newer=OLD)), {"pull": "always"},
        [f"pull image {IMAGE}", "create and start container web"],
    ),
    "none, its image is not to be pulled": (
        State("web", around=near(newer=OLD)), {"pull": "never"},
        ["create and start container web"],
    ),
    "none, to come up after a reboot": (
        dataclasses.replace(NONE, boots=False), {"restart_policy": "always"},
        ["have containers started after a reboot", "create and start container web"],
    ),
    "none, not to come up after a reboot": (
        dataclasses.replace(NONE, boots=False), {}, ["create and start container web"],
    ),
    # It is there, and as declared.
    "runs, started": (found(), {}, []),
    "runs, present": (found(), {"state": "present"}, []),
    "runs, absent": (found(), {"state": "absent"}, ["stop and remove container web"]),
    "runs, absent at once": (
        found(), {"state": "absent", "force_kill": True}, ["kill and remove container web"],
    ),
    "stopped, absent": (STOPPED, {"state": "absent"}, ["remove container web"]),
    "runs, stopped": (found(), {"state": "stopped"}, ["stop container web"]),
    "runs, stopped at once": (
        found(), {"state": "stopped", "force_kill": True}, ["kill container web"],
    ),
    "stopped, stopped": (STOPPED, {"state": "stopped"}, []),
    "stopped, present": (STOPPED, {"state": "present"}, []),
    "stopped, started": (STOPPED, {}, ["start container web"]),
    "stopped, a job": (STOPPED, {"detach": False}, ["run container web until it exits"]),
    "runs, a job": (found(), {"detach": False}, []),
    "runs, restarted": (found(), {"state": "restarted"}, ["restart container web"]),
    "stopped, restarted": (STOPPED, {"state": "restarted"}, ["start container web"]),
    "stopped, restarted but present": (STOPPED, {"state": "present", "restart": True}, []),
    "paused, restarted": (found(paused=True), {"state": "restarted"}, ["restart container web"]),
    "paused, restarted and paused": (
        found(paused=True), {"restart": True, "paused": True},
        ["restart container web", "pause container web"],
    ),
    "runs, its file changed": (
        found(changed=("/x",), spec=ON_CHANGE), ON_CHANGE, ["restart container web (/x changed)"],
    ),
    "paused, its file changed, to stay paused": (
        found(changed=("/x",), spec=ON_CHANGE, paused=True), {**ON_CHANGE, "paused": True},
        ["restart container web (/x changed)", "pause container web"],
    ),
    "runs, a file changed that is no longer watched": (
        found(changed=("/x",), spec=ON_CHANGE), {},
        ["update container web (restart_on_change)"],
    ),
    "stopped, its file changed": (
        found(changed=("/x",), spec=ON_CHANGE, running=False), {**ON_CHANGE, "state": "present"},
        [],
    ),
    "stopped, its source may now be made": (
        found(spec=NEEDS, running=False), MAKES,
        ["update container web (volumes)", "start container web"],
    ),
    "runs, its source may now be made": (found(spec=NEEDS), MAKES, []),
    "damaged, started": (
        found(damage=("network",)), {}, ["repair container web (network)"],
    ),
    "damaged, stopped": (found(damage=("network",)), {"state": "stopped"}, ["stop container web"]),
    "damaged, restarted": (
        found(damage=("network",)), {"state": "restarted"}, ["restart container web"],
    ),
    # Paused and not.
    "runs, paused": (found(), {"state": "paused"}, ["pause container web"]),
    "paused, paused": (found(paused=True), {"paused": True}, []),
    "paused, unpaused": (found(paused=True), {"paused": False}, ["unpause container web"]),
    "paused, started": (found(paused=True), {}, ["unpause container web"]),
    "paused, present": (found(paused=True), {"state": "present"}, []),
    "paused, started by a task of no image": (found(paused=True), ALONE, []),
    "paused, started, the rest kept": (found(paused=True), {"undeclared": "keep"}, []),
    "stopped, paused": (
        STOPPED, {"state": "paused"}, ["start container web", "pause container web"],
    ),
    # Options that differ.
    "runs, other limit": (found(), {"memory": "64m"}, ["update container web (memory)"]),
    "runs, other limit and stopped": (
        found(), {"memory": "64m", "state": "stopped"},
        ["update container web (memory)", "stop container web"],
    ),
    "stopped, other limit": (
        STOPPED, {"memory": "64m"}, ["update container web (memory)", "start container web"],
    ),
    "runs, other environment": (
        found(), {"env": {"A": "1"}}, ["recreate container web (env)"],
    ),
    "runs, other environment, the new one first": (
        found(), {"env": {"A": "1"}, **FIRST},
        ["recreate container web (env), starting the new one first"],
    ),
    "runs, other limit, the new one first": (
        found(), {"memory": "64m", **FIRST}, ["update container web (memory)"],
    ),
    "runs, nothing to do, the new one first": (found(), FIRST, []),
    "stopped, other environment, the new one first": (
        STOPPED, {"env": {"A": "1"}, **FIRST}, ["recreate container web (env)"],
    ),
    "runs, other environment, stopped, the new one first": (
        found(), {"env": {"A": "1"}, "state": "stopped", **FIRST}, ["recreate container web (env)"],
    ),
    "paused, other environment, the new one first": (
        found(paused=True), {"env": {"A": "1"}, **FIRST}, ["recreate container web (env)"],
    ),
    "runs, other environment, stopped": (
        found(), {"env": {"A": "1"}, "state": "stopped"}, ["recreate container web (env)"],
    ),
    "runs, other environment, no image": (
        found(), {**ALONE, "env": {"A": "1"}}, ["recreate container web (env)"],
    ),
    "paused, other environment, present": (
        found(paused=True), {"env": {"A": "1"}, "state": "present"},
        ["recreate container web (env)", "pause container web"],
    ),
    "paused, other environment, started": (
        found(paused=True), {"env": {"A": "1"}}, ["recreate container web (env)"],
    ),
    "runs, other environment, a job": (
        found(), {"env": {"A": "1"}, "detach": False},
        ["recreate container web (env)", "run container web until it exits"],
    ),
    "runs, other environment, a job that removes itself": (
        found(), {"env": {"A": "1"}, "detach": False, "auto_remove": True},
        ["recreate container web (env)", "run container web until it exits"],
    ),
    # What the image has of labels and variables.
    "runs, what the image says": (
        found(BESIDE), {"env": {"A": "1"}, "labels": {"a": "1"}}, [],
    ),
    "runs, what the image says, no image": (found(BESIDE), {**ALONE, "labels": {"a": "1"}}, []),
    "runs, what the image says and more": (
        found(BESIDE), {"env": {"A": "1", "B": "2"}}, ["recreate container web (env)"],
    ),
    "runs, another than the image's": (
        found(BESIDE), {"labels": {"a": "2"}}, ["recreate container web (labels)"],
    ),
    "runs, what an old image says": (
        found(BESIDE, OLD, image_is_current=False), {"labels": {"a": "1"}},
        ["recreate container web (image, labels)"],
    ),
    "runs, the rest kept": (
        found(BESIDE, spec={"labels": {"b": "2"}}), {"labels": {"a": "1"}, **KEEP}, [],
    ),
    "runs, another than the image's is not kept": (
        found(BESIDE, spec={"labels": {"a": "2", "b": "2"}}), {"labels": {}, **KEEP},
        ["recreate container web (labels)"],
    ),
    "runs, another than the image's is not mentioned": (
        found(BESIDE, spec={"labels": {"a": "2"}}), KEEP, [],
    ),
    "runs, another than the image's, ignored": (
        found(BESIDE, spec={"labels": {"a": "2"}}),
        {"labels": {"a": "1"}, "comparisons": {"labels": "ignore"}}, [],
    ),
    "runs, to be made again": (
        found(), {"recreate": True}, ["recreate container web (recreate)"],
    ),
    "left out by the last boot": (
        found(running=False, boots=False, comes_up=True), {"restart_policy": "always"},
        ["have containers started after a reboot", "update container web (restart_policy)"],
    ),
    "left out by the last boot, not to run": (
        found(running=False, boots=False, comes_up=True),
        {"restart_policy": "always", "state": "stopped"},
        [
            "have containers started after a reboot",
            "update container web (restart_policy)",
            "stop container web",
        ],
    ),
    "runs, to come up after a reboot": (
        found(boots=False), {"restart_policy": "always"},
        ["have containers started after a reboot", "update container web (restart_policy)"],
    ),
    # Its image.
    "runs, an image that is old": (
        found(image_is_current=False, image_id=OLD), {}, ["recreate container web (image)"],
    ),
    "runs, an image that is old and whatever": (
        found(image_is_current=False, image_id=OLD), {"comparisons": {"image": "ignore"}}, [],
    ),
    "runs, an image that is old and other environment": (
        found(image_is_current=False, image_id=OLD), {"env": {"A": "1"}},
        ["recreate container web (image, env)"],
    ),
    "runs, an image that is old, no image said": (
        found(image_is_current=False, image_id=OLD), ALONE, [],
    ),
    "runs, the registry has a newer image": (
        found(near(newer=OLD)), {"pull": "always"},
        [f"pull image {IMAGE}", "recreate container web (image)"],
    ),
    "runs, the image is gone": (found(near(image_id=None)), {}, []),
    "runs, the image is gone, to be made again": (
        found(near(image_id=None)), {"recreate": True},
        [f"pull image {IMAGE}", "recreate container web (image, recreate)"],
    ),
    "runs, the image is for another platform": (
        found(near(misfits=True, image_id=None), image_is_current=False), {},
        [f"pull image {IMAGE}", "recreate container web (image)"],
    ),
    "runs, another name of the same image": (
        found(near(reference="docker.io/library/other:1")), {}, ["recreate container web (image)"],
    ),
    "runs, another name that does not matter": (
        found(near(reference="docker.io/library/other:1")),
        {"image_name_mismatch": "ignore"}, [],
    ),
    # Health.
    "healthy, healthy": (
        found(health="healthy", spec=CHECK), {"state": "healthy", **CHECK}, [],
    ),
    "unhealthy, healthy": (
        found(health="starting", spec=CHECK), {"state": "healthy", **CHECK},
        ["wait until container web is healthy"],
    ),
    "stopped, healthy": (
        found(running=False, spec=CHECK), {"state": "healthy", **CHECK},
        ["start container web", "wait until container web is healthy"],
    ),
    # A replacement that was interrupted comes first.
    "interrupted, started": (
        found(interrupted=CUT), {},
        ["finish the interrupted replacement of container web"],
    ),
    "interrupted before the new one stayed": (
        found(interrupted=dataclasses.replace(CUT, committed=False), running=False), {},
        ["finish the interrupted replacement of container web", "start container web"],
    ),
    "interrupted, absent": (
        found(interrupted=CUT), {"state": "absent"},
        ["finish the interrupted replacement of container web", "stop and remove container web"],
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", CASES)
def test_what_is_done(name: str) -> None:
    have, given, expected = CASES[name]
    assert actions(have, given) == expected


@pytest.mark.parametrize("name", CASES)
def test_what_was_done_is_done(name: str) -> None:
    """What the plan will have made needs nothing more, but for what is asked for each time."""
    have, given, expected = CASES[name]
    if {"restart", "recreate"} & set(given) or given.get("state") == "restarted":
        return
    want = plan(declare.declare(params(**given)), have).want
    again = dataclasses.replace(want, image_is_current=True)
    if not expected or "run container web until it exits" in expected:
        return
    assert [step.describe() for step in plan(declare.declare(params(**given)), again).steps] == []


#: What is found, what the task says, and what keeps it from being done.
UNMET: dict[str, tuple[State, dict[str, Any], str]] = {
    "no image, none to be pulled": (
        State("web", around=near(image_id=None)),
        {"pull": "never"},
        "Cannot find image with name busybox:1, and pull=never",
    ),
    "no image for the platform": (
        found(near(image_id=None, misfits=True, platform="linux/arm64"), image_is_current=False),
        {"pull": "never"},
        "Cannot find image with name busybox:1 for linux/arm64, and pull=never",
    ),
    "no registry": (
        State("web", around=near(unreachable="it does not answer")),
        {},
        "it does not answer",
    ),
    "no network": (
        State("web", around=near(missing_networks=("net",))),
        {},
        "container web: network net does not exist; create it with slipway.engine.network",
    ),
    "no container whose volumes it uses": (
        State("web", around=near(missing_mounts=("container data",))),
        {},
        "container web: container data, whose volumes it uses, does not exist",
    ),
    "no container to link to": (
        State("web", around=near(missing_links=("db",))),
        {"links": ["db:sql"]},
        "container web: container db, which it is to link to, does not exist",
    ),
}


@pytest.mark.parametrize("name", UNMET)
def test_what_is_missing(name: str) -> None:
    have, given, expected = UNMET[name]
    assert plan(declare.declare(params(**given)), have).unmet == (expected,)


@pytest.mark.parametrize(
    ("around", "given"),
    [
        # Nothing is done, so nothing needs the network, the volumes or the other container.
        ({"missing_networks": ("net",)}, {}),
        ({"missing_mounts": ("container data",)}, {}),
        ({"missing_links": ("db",)}, {}),
        ({"image_id": None}, {"pull": "never"}),
    ],
)
def test_what_is_missing_and_not_needed(around: dict[str, Any], given: dict[str, Any]) -> None:
    assert plan(declare.declare(params(**given)), found(near(**around))).unmet == ()


def test_a_link_on_a_network_of_ones_own_needs_nobody() -> None:
    declared = declare.declare(params(networks=[{"name": "net"}], links=["db"]))
    assert plan(declared, State("web", around=near(missing_links=("db",)))).unmet == ()


@pytest.mark.parametrize(
    ("have", "given", "message"),
    [
        (NONE, ALONE, "container web does not exist, and the task specifies no image"),
        (NONE, {"detach": False, "restart_policy": "always"}, "never does with restart_policy"),
        (NONE, {"detach": False, "state": "healthy"}, "cannot be combined with paused"),
        (NONE, {"detach": False, "state": "paused"}, "cannot be combined with paused"),
        (
            State("web", around=near(labels=("tier", "kept"))),
            {
                "labels": {"kept": "x"},
                "comparisons": {"labels": "strict"},
                "image_label_mismatch": "fail",
            },
            "Some labels should be removed but are present in the base image. You can set"
            " image_label_mismatch to 'ignore' to ignore this error. Labels: \"tier\"",
        ),
    ],
)
def test_what_is_refused(have: State, given: dict[str, Any], message: str) -> None:
    with pytest.raises(Error, match=re.escape(message)):
        plan(declare.declare(params(**given)), have)


def test_labels_of_an_image_that_the_task_has_are_no_error() -> None:
    have = State("web", around=near(labels=("kept",)))
    given = {
        "labels": {"kept": "x"},
        "comparisons": {"labels": "strict"},
        "image_label_mismatch": "fail",
    }
    assert actions(have, given) == ["create and start container web"]
