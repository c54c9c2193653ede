# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Pods: containers of a stack that share the namespaces of one of them."""

from __future__ import annotations

from typing import Any

import pytest
from support.containers import World, until
from support.converging import Task, apply, check
from support.declaring import converge, isolated
from support.servers import traffic
from support.stacks import stack

from ansible_collections.slipway.engine.plugins.module_utils._runtime.base.errors import Error
from ansible_collections.slipway.engine.plugins.module_utils._runtime.container.lifecycle import (
    actions,
)
from ansible_collections.slipway.engine.plugins.module_utils._runtime.plan.plan import Host
from ansible_collections.slipway.engine.plugins.module_utils._runtime.resource.container import (
    decide,
)

PORT = 18080


def pod(**given: Any) -> Task:
    """A container with the ports, and one that serves in its network."""
    serving = {
        "name": "app",
        "command": traffic.command("app"),
        "volumes": traffic.VOLUMES,
        "network_mode": given.pop("mode", "container:pod"),
        "stop_signal": "TERM",
    }
    ports = {"name": "pod", "network_mode": None, "published_ports": [f"{PORT}:80"], **given}
    defaults = {"network_mode": None}
    return stack(containers=[serving, ports], defaults=defaults)


def serves() -> None:
    def answered() -> bool:
        try:
            return traffic.Http("127.0.0.1", PORT, kept=False)(0) == "app"
        except OSError:
            return False

    until(answered, 20)


@pytest.mark.parametrize("before", ["replaced", "restarted", "started"])
def test_what_shares_namespaces_follows_them(world: World, before: str) -> None:
    apply(world.layout, pod())
    serves()
    given: dict[str, Any] = {"env": {"A": "1"}}
    if before == "restarted":
        given = {"restart": True}
    elif before == "started":
        given = {}
        actions.stop(world.host, actions.identify(world.host, "pod"))
    foretold = check(world.layout, pod(**given), {})
    assert foretold.actions[-1] == "restart container app"
    assert len(foretold.actions) == 2
    assert apply(world.layout, pod(**given))[0] == foretold
    serves()
    if before != "restarted":
        assert check(world.layout, pod(**given), {}).actions == ()


def test_a_pod_cannot_start_beside_itself(world: World) -> None:
    apply(world.layout, pod())
    serves()
    with pytest.raises(Error, match="start_first is not possible: container app runs in its netw"):
        apply(world.layout, pod(env={"A": "1"}, update="start_first"))
    serves()


def test_a_member_of_the_pod_is_named_as_in_compose(world: World) -> None:
    apply(world.layout, pod())
    serves()
    said = pod(mode="service:pod", env={"A": "1"})
    foretold = check(world.layout, said, {})
    assert foretold.actions == ("recreate container pod (env)", "restart container app")
    assert apply(world.layout, said)[0] == foretold
    serves()
    assert check(world.layout, said, {}).actions == ()


@pytest.mark.parametrize("begun", ["replaced", "restarted", "unchanged"])
def test_who_stays_behind_is_named(world: World, begun: str) -> None:
    """By a task about the other container alone, which restarts nobody else."""
    converge(world, isolated("pod"))
    world.run("app", network_mode="container:pod")
    world.run("other", pid_mode="container:app")
    cases: dict[str, dict[str, Any]] = {
        "replaced": {"env": {"A": "1"}},
        "restarted": {"restart": True},
        "unchanged": {},
    }
    given = cases[begun]
    alone, of_stack = Host(world.layout), Host(world.layout)
    declared = decide.declare(isolated("pod", undeclared="keep", **given).params)
    plan = decide.ALONE.plan(declared, decide.ALONE.observe(alone, declared))
    assert plan.changed is (begun != "unchanged")
    decide.ALONE.foreseen(alone, plan)
    task = stack(containers=[{"name": "pod", **given}])
    members = task.declare(task.params)
    found = task.resource.plan(members, task.resource.observe(of_stack, members))
    task.resource.foreseen(of_stack, found)
    wanted = "container app shares namespaces of pod"
    said = [line.partition(",")[0] for line in alone.warnings if "shares namespaces" in line]
    assert said == ([wanted] if plan.changed else [])
    # It becomes one of the stack, so it is recreated in any case.
    said = [line.partition(",")[0] for line in of_stack.warnings if "shares namespaces" in line]
    assert said == [wanted]


def test_init_containers_run_once(world: World) -> None:
    """Two in a row, then what needs them; a second run, and one after a stop, runs none again."""

    def task(**given: Any) -> Task:
        work = "sh -c 'echo $NAME >>/shared/done'"
        shared = {"volumes": ["shared:/shared"]}
        containers = [
            {
                "name": "app",
                "depends_on": {"second": "completed"},
                "command": "sh -c 'cat /shared/done; exec sleep 1000'",
                **shared,
            },
            {
                "name": "second",
                "command": work,
                "env": {"NAME": "second"},
                "depends_on": {"first": "completed"},
                **shared,
            },
            {"name": "first", "command": work, "env": {"NAME": "first"}, **shared},
        ]
        return stack(volumes=[{"name": "shared"}], containers=containers, **given)

    def log() -> str:
        return world.log(actions.identify(world.host, "app"))

    apply(world.layout, task())
    assert log() == "first\nsecond\n"
    assert check(world.layout, task(), {}).actions == ()
    assert not apply(world.layout, task())[0].changed
    apply(world.layout, task(state="stopped"))
    done, dummy = apply(world.layout, task())
    assert done.actions == ("start container app",)
    done, dummy = apply(world.layout, task(state="restarted", only=["app"]))
    assert log().splitlines()[-2:] == ["first", "second"], "they wrote no more"
