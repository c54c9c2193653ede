# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The order of a stack's members, and how its entries are read."""

from __future__ import annotations

from typing import Any, Optional

import pytest

from ansible_collections.slipway.engine.plugins.module_utils._runtime.base.errors import Error
from ansible_collections.slipway.engine.plugins.module_utils._runtime.container.option import (
    catalogue,
)
from ansible_collections.slipway.engine.plugins.module_utils._runtime.resource.stack import (
    declare,
    member,
    options,
    order,
)

DEFAULTS = {name: one.get("default") for name, one in declare.ARGUMENT_SPEC.items()}


def stack(**given: Any) -> member.Stack:
    return declare.declare({**DEFAULTS, "name": "shop", **given})


def mistakes(**given: Any) -> str:
    with pytest.raises(Error) as raised:
        stack(**given)
    return str(raised.value)


@pytest.mark.parametrize(
    ("needs", "found"),
    [
        ({}, None),
        ({"a": ["b"], "b": []}, None),
        ({"a": ["nobody"]}, None),
        ({"a": ["a"]}, {"a"}),
        ({"a": ["b"], "b": ["a"]}, {"a", "b"}),
        ({"a": ["b"], "b": ["c"], "c": ["b"], "d": []}, {"b", "c"}),
    ],
)
def test_circles(needs: dict[str, list[str]], found: Optional[set[str]]) -> None:
    circle = order.circle(needs)
    assert (None if circle is None else set(circle)) == found
    if circle is not None:
        assert circle[0] == circle[-1]
        assert all(other in needs[one] for one, other in zip(circle, circle[1:])), "each needs next"


@pytest.mark.parametrize(
    "needs",
    [
        {"a": ["b"], "b": ["c"], "c": []},
        {"a": [], "b": ["a", "c"], "c": ["a"], "d": ["b", "nobody"]},
    ],
)
def test_each_comes_after_what_it_needs(needs: dict[str, list[str]]) -> None:
    found = order.ordered(needs)
    assert sorted(found) == sorted(needs)
    for name, others in needs.items():
        assert all(found.index(other) < found.index(name) for other in others if other in needs)
    ending = order.reversed_needs(needs)
    assert all(name in ending[other] for name in needs for other in needs[name] if other in needs)


def test_what_is_needed_comes_along() -> None:
    needs = {"a": ["b"], "b": ["c"], "c": [], "d": ["a"]}
    assert order.with_needed(needs, ["a"]) == {"a", "b", "c"}
    assert order.with_needed(needs, ["nobody"]) == set()


def test_members_are_in_the_order_in_which_they_rely_on_one_another() -> None:
    given: dict[str, Any] = {
        "containers": [
            {"name": "app", "image": "i", "depends_on": {"db": "healthy"}},
            {"name": "side", "image": "i", "network_mode": "container:app"},
            {"name": "db", "image": "i"},
        ],
        "networks": [{"name": "n"}],
        "volumes": [{"name": "v"}],
        "images": [{"name": "i"}],
    }
    keys = [member.key for member in stack(**given).members]
    assert keys[:3] == ["volume v", "network n", "image i"]
    assert keys[3:] == ["container db", "container app", "container side"]
    app, side = (one for one in stack(**given).members if one.name in ("app", "side"))
    assert (app.needs, side.needs) == ({"db": "healthy"}, {"app": "started"})
    gone = [member.key for member in stack(**given, state="absent").members]
    assert gone == [
        *("container side", "container app", "container db"),
        *("network n", "volume v"),
    ]
    assert {m.declared.state for m in stack(**given, state="absent").members} == {"absent"}


def test_what_a_task_says_of_all_containers() -> None:
    given: dict[str, Any] = {
        "defaults": {"image": "i", "env": {"A": "1"}, "memory": "1G"},
        "containers": [
            {"name": "a"},
            {"name": "b", "env": {"B": 2}, "memory": None, "state": "stopped"},
        ],
    }
    one, other = (member.declared for member in stack(**given).members)
    assert (one.image, one.values["env"], one.values["memory_bytes"]) == ("i", {"A": "1"}, 1 << 30)
    assert (other.values["env"], other.values.get("memory_bytes")) == ({"B": "2"}, None)
    assert one.values["labels"] == {"slipway.stack": "shop"}
    assert (one.state, other.state) == ("started", "stopped")
    for options_given, expected in (
        ({"state": "stopped"}, ("stopped", "stopped")),
        ({"state": "absent"}, ("absent", "absent")),
    ):
        found = stack(**given, **options_given).members
        assert tuple(member.declared.state for member in found) == expected
    again = [member.declared for member in stack(**given, state="restarted").members]
    assert [one.restart for one in again] == [True, False]
    waiting = [member.declared for member in stack(**given, wait=True, wait_timeout=7).members]
    assert [(one.healthy, one.healthy_wait_timeout_s) for one in waiting] == [
        (True, 7.0),
        (False, 7.0),
    ]
    assert all(m.declared.recreate for m in stack(**given, recreate="always").members)
    assert stack(**given, recreate="never").members[0].declared.comparisons == {"*": "ignore"}
    assert stack(**given, pull="always").members[0].declared.pull == "always"


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"name": "no good"}, "name: 'no good' is not valid"),
        ({"containers": [["a"]]}, "containers[0]: expected a dictionary, found a list"),
        ({"containers": [{"name": "a", "memory": {}}]}, "containers[0].memory: expected a text"),
        ({"containers": [{"name": "a", "init": "maybe"}]}, "containers[0].init: expected a bool"),
        ({"containers": [{"name": "a", "state": "up"}]}, "containers[0].state: 'up' is none of"),
        (
            {"containers": [{"name": "a", "labels": {"slipway.stack": "b"}}]},
            "containers[0].labels: slipway.stack names the stack",
        ),
        (
            {"containers": [{"name": "a", "networks": [{"name": "n", "alias": "x"}]}]},
            "containers[0].networks[0].alias: unknown option; did you mean aliases?",
        ),
        ({"containers": [{"name": "a", "force_kill": 1, "forcekill": 1}]}, "is given already"),
        ({"defaults": {"name": "a"}}, "defaults.name: is not a default of containers"),
        ({"defaults": {"memry": 1}}, "defaults.memry: unknown option; did you mean memory?"),
        (
            {"containers": [{"name": "a", "ipc_mode": "service:b"}]},
            "containers[0].ipc_mode: the stack has no container b",
        ),
        (
            {"containers": [{"name": "a", "image": "i", "network_mode": "service:a"}]},
            "containers: wait for one another: a -> a",
        ),
        (
            {
                "defaults": {"image": "i", "restart_policy": "always"},
                "containers": [{"name": "a", "depends_on": {"b": "completed"}}, {"name": "b"}],
            },
            "containers[1].restart_policy: others wait until b has completed, which it never does",
        ),
        (
            {
                "defaults": {"image": "i"},
                "containers": [
                    {"name": "a", "depends_on": {"b": "completed"}},
                    {"name": "b", "auto_remove": True},
                ],
            },
            "containers[1].auto_remove: others wait until b has completed, which nobody knows",
        ),
        ({"networks": [{"name": "-"}]}, "networks[0]: '-' is not a network name"),
        ({"volumes": [{"name": "v", "driver": "nfs"}]}, "volumes[0]: volume v: unknown driver"),
        ({"images": [{"name": "i", "source": "load"}]}, "images[0]: source: load requires load"),
        (
            {"images": [{"name": "i", "source": "build", "build": {"path": "/a", "src": "b"}}]},
            "images[0].build: only one of path, src can be given",
        ),
        (
            {"images": [{"name": "i", "source": "build", "build": {"src": "b"}}]},
            "images[0].build.src: a context on the controller is not supported",
        ),
    ],
)
def test_mistakes_are_named_with_their_path(given: dict[str, Any], said: str) -> None:
    assert said in mistakes(**given)


def test_several_mistakes_in_one_container() -> None:
    wrong = {"name": "a", "memory": "1x", "published_ports": ["x:y"], "stop_signal": "NONE"}
    said = mistakes(containers=[wrong])
    for option in ("memory", "published_ports", "stop_signal"):
        assert f"containers[0].{option}: " in said


def test_secrets_are_found_wherever_they_are() -> None:
    found = declare.secrets(
        {
            "defaults": {"secret_env": {"A": "one"}},
            "containers": [{"name": "a", "secret_env": {"B": 2}}, "wrong"],
            "images": [{"name": "i", "password": "three"}],
        }
    )
    assert sorted(found) == ["2", "one", "three"]


@pytest.mark.parametrize(
    ("kind", "value", "read"),
    [
        ("bool", "yes", True),
        ("bool", 0, False),
        ("int", "5", 5),
        ("float", 2, 2.0),
        ("str", 7, "7"),
        ("list", "a,b", ["a", "b"]),
        ("list", 7, ["7"]),
        ("path", "/srv", "/srv"),
    ],
)
def test_values_are_taken_as_ansible_takes_them(kind: str, value: Any, read: Any) -> None:
    wrong = options.Mistakes()
    known = options.table({"option": {"type": kind, "elements": "str"}})
    assert options.said(known, {"option": value}, "", wrong) == {"option": read}
    assert wrong == []


def test_an_entry_has_the_options_of_its_module() -> None:
    tables = declare._tables()
    assert set(tables["containers"].spec) == {*catalogue.ARGUMENTS, "depends_on"}


def test_namespaces_of_a_member_are_named_as_in_compose() -> None:
    given = {"name": "app", "network_mode": "service:pod", "pid_mode": "service:pod"}
    found = stack(defaults={"image": "i"}, containers=[given, {"name": "pod"}]).members
    assert [one.name for one in found] == ["pod", "app"]
    app = found[1].declared.values
    assert (app["network_mode"], app["pid_mode"]) == ("container:pod", "container:pod")
    assert dict(found[1].needs) == {"pod": "started"}


def test_a_job_that_is_tried_again_may_be_waited_for() -> None:
    job = {"name": "b", "restart_policy": "on-failure"}
    containers = [{"name": "a", "depends_on": {"b": "completed"}}, job]
    assert len(stack(defaults={"image": "i"}, containers=containers).members) == 2
    always = [containers[0], {"name": "b", "restart_policy": "always"}]
    assert len(stack(containers=always, state="absent").members) == 2
