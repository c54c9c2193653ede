# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Stacks on a real host: what is made, in which order, and what becomes of what left them."""

from __future__ import annotations

import os
from typing import Any

import pytest
from support.containers import World, until
from support.converging import Outcome, Task, apply, assert_play_is_predicted, check
from support.declaring import isolated
from support.stacks import member, stack

from ansible_collections.slipway.engine.plugins.module_utils._runtime.base.errors import Error
from ansible_collections.slipway.engine.plugins.module_utils._runtime.base.layout import Layout
from ansible_collections.slipway.engine.plugins.module_utils._runtime.plan.plan import Host
from ansible_collections.slipway.engine.plugins.module_utils._runtime.records import (
    container_record,
    network_record,
)
from ansible_collections.slipway.engine.plugins.module_utils._runtime.records import (
    running as running_records,
)
from ansible_collections.slipway.engine.plugins.module_utils._runtime.volume import (
    store as volume_store,
)

NETWORK = {"name": "back", "ipam_config": [{"subnet": "10.87.0.0/24"}]}
ON_IT: dict[str, Any] = {"network_mode": None, "networks": [{"name": "back"}]}


def predicted(world: World, task: Task) -> tuple[Outcome, dict[str, Any]]:
    """Check, apply and apply again: the prediction held, and the second run changes nothing."""
    foretold = check(world.layout, task, {})
    done, told = apply(world.layout, task)
    assert done == foretold
    again, dummy = apply(world.layout, task)
    assert (again.changed, again.actions) == (False, ())
    return done, told


def failed(world: World, task: Task) -> tuple[str, dict[str, dict[str, Any]]]:
    """The message of a task that fails, and what it says of each member."""
    host = Host(world.layout)
    resource = task.resource
    declared = resource.located(host, task.declare(task.params))
    plan = resource.foreseen(host, resource.plan(declared, resource.observe(host, declared)))
    resource.carry_out(host, plan)
    found = resource.observe(host, declared)
    assert resource.judge is not None
    with pytest.raises(Error) as raised:
        resource.judge(host, plan, found)
    return str(raised.value), {one["name"]: one for one in host.outcome["failed"]["members"]}


def running(layout: Layout) -> set[str]:
    found = running_records.records(layout)
    return {one.name for one in found if one.phase in container_record.UP}


def ids(layout: Layout) -> dict[str, str]:
    return {name: os.readlink(layout.names / name) for name in os.listdir(layout.names)}


def test_a_stack_lives_its_life(world: World) -> None:
    names = [f"c{number}" for number in range(5)]
    whole: dict[str, Any] = {
        "networks": [NETWORK],
        "volumes": [{"name": "data"}],
        "defaults": {**ON_IT, "restart_policy": "unless-stopped"},
    }
    done, told = predicted(
        world, stack(**whole, containers=[{"name": name} for name in names[::-1]])
    )
    assert done.actions[:3] == (
        "create volume data",
        "create network back",
        "have containers started after a reboot",
    )
    assert running(world.layout) == set(names)
    web = member(told, "c1")["container"]
    assert web["State"]["Status"] == "running"
    assert web["Config"]["Labels"]["slipway.stack"] == "shop"
    assert member(told, "back")["network"]["Labels"] == {"slipway.stack": "shop"}
    assert member(told, "data")["volume"]["Labels"] == {"slipway.stack": "shop"}
    for name in names:
        # All know all others, though the host followed them only once.
        done_inside = world.slipway("exec", name, "ping", "-c1", "-W5", names[0])
        assert b"1 packets received" in done_inside.stdout

    before = ids(world.layout)
    changed = [{"name": name} for name in names[:4]] + [{"name": "c4", "env": {"A": "1"}}]
    done, told = predicted(world, stack(**whole, containers=changed))
    assert done.actions == ("recreate container c4 (env)",)
    assert member(told, "c4")["differences"] == ["env"]
    assert [one["name"] for one in told["members"] if one["changed"]] == ["c4"]
    after = ids(world.layout)
    assert {name for name in names if before[name] != after[name]} == {"c4"}

    done, dummy = predicted(world, stack(**whole, containers=changed, state="stopped"))
    assert running(world.layout) == set()
    assert sorted(done.actions) == [f"stop container {name}" for name in names]

    done, dummy = predicted(world, stack(**whole, containers=[{"name": "c0"}]))
    assert set(ids(world.layout)) == running(world.layout) == {"c0"}

    done, told = predicted(world, stack(state="absent"))
    assert ids(world.layout) == {}
    assert network_record.networks(world.layout) == []
    assert told["orphans"] == ["volume data"], "what it holds is nobody's to lose"
    done, told = predicted(world, stack(state="absent", remove_volumes=True))
    assert (told["orphans"], volume_store.find(world.layout, "data")) == ([], None)


def test_what_left_the_declaration(world: World) -> None:
    apply(world.layout, stack(containers=[{"name": "one"}, {"name": "two"}]))
    apply(world.layout, stack(name="other", containers=[{"name": "three"}]))
    apply(world.layout, isolated("four"))
    for way in ("keep", "report"):
        done, told = predicted(world, stack(containers=[{"name": "one"}], orphans=way))
        assert told["orphans"] == ["container two"]
        assert running(world.layout) == {"one", "two", "three", "four"}
    host = Host(world.layout)
    report = stack(containers=[{"name": "one"}], orphans="report")
    report.resource.observe(host, report.declare(report.params))
    assert host.warnings == ["stack shop: left the declaration and stay: container two"]
    done, told = predicted(world, stack(containers=[{"name": "one"}]))
    assert done.actions == ("stop and remove container two",)
    assert running(world.layout) == {"one", "three", "four"}


def test_a_new_container_gets_the_port_of_one_that_left(world: World) -> None:
    published = {"network_mode": None, "published_ports": ["127.0.0.1:18345:80"]}
    assert_play_is_predicted(
        world.layout,
        [
            stack(defaults=published, containers=[{"name": "old"}]),
            stack(defaults=published, containers=[{"name": "new"}]),
        ],
    )
    assert running(world.layout) == {"new"}


CHECK = {
    "test": ["CMD", "test", "-e", "/well"],
    "interval": "0.1s",
    "start_period": "60s",
    "start_interval": "0.1s",
}


def test_one_waits_for_another(world: World) -> None:
    containers: list[dict[str, Any]] = [
        {
            "name": "app",
            "depends_on": {"db": "healthy", "job": {"condition": "completed"}},
            "command": "sh -c 'cat /shared/done && exec sleep 1000'",
            "volumes": ["shared:/shared"],
        },
        {
            "name": "job",
            "depends_on": ["db"],
            "command": "sh -c 'sleep 0.3; echo done >/shared/done'",
            "volumes": ["shared:/shared"],
        },
        {
            "name": "db",
            "command": "sh -c 'sleep 0.5; touch /well; exec sleep 1000'",
            "healthcheck": CHECK,
        },
    ]
    done, told = predicted(world, stack(containers=containers, wait=True))
    assert [action for action in done.actions if "create" in action] == [
        "create and start container db",
        "create and start container job",
        "create and start container app",
    ]
    assert world.log(ids(world.layout)["app"]) == "done\n"
    began = {
        name: container_record.read_record(world.layout, container_id)
        for name, container_id in ids(world.layout).items()
    }
    assert began["job"].finished_at < began["app"].started_at
    # A job that is done is done again when it changes, or when it failed.
    changed = [dict(one) for one in containers]
    changed[1]["env"] = {"A": "1"}
    done, dummy = predicted(world, stack(containers=changed))
    assert done.actions == ("recreate container job (env)",)
    changed[1]["command"] = "sh -c 'sleep 0.5; exit 3'"
    changed[0]["env"] = {"B": "1"}
    said, told = failed(world, stack(containers=changed))
    assert "container app needs container job completed: container job exited with 3" in said
    assert told["app"]["failed"] and not told["app"]["changed"]
    assert ids(world.layout)["app"] == began["app"].id


def test_a_member_that_fails(world: World) -> None:
    """Its container is rolled back; those that need it are skipped, others as the task says."""
    good = [{"name": "bad"}, {"name": "last", "depends_on": ["bad"]}, {"name": "other"}]
    apply(world.layout, stack(containers=good))
    before = ids(world.layout)
    worse = [
        {"name": "bad", "command": "sh -c 'exit 3'"},
        {"name": "last", "depends_on": ["bad"], "env": {"A": "1"}},
        {"name": "other", "depends_on": ["first"], "env": {"A": "1"}},
        {"name": "first", "depends_on": {"slow": "completed"}},
        {"name": "slow", "command": "sleep 1"},
    ]
    said, told = failed(world, stack(containers=worse))
    assert "the new container bad did not stay up, and the old one was restarted" in said
    assert told["bad"]["failed"] and "exited with 3" in told["bad"]["msg"]
    assert not told["bad"]["changed"]
    assert told["last"]["skipped"] and told["first"]["skipped"] and told["other"]["skipped"]
    assert told["last"]["container"]["Id"] == before["last"]
    assert {"bad", "last", "other"} <= running(world.layout)
    assert {name: ids(world.layout)[name] for name in before} == before
    said, told = failed(world, stack(containers=worse, on_error="continue"))
    assert told["last"]["skipped"] and not told["other"]["skipped"]
    assert (told["other"]["changed"], told["first"]["changed"]) == (True, True)
    after = ids(world.layout)
    assert after["other"] != before["other"] and after["last"] == before["last"]
    for name in ("bad", "last", "other", "first"):
        assert name in running(world.layout)


def test_a_new_member_that_ends_at_once_fails(world: World) -> None:
    containers = [
        {"name": "good", **ON_IT},
        {"name": "bad", "command": "sh -c 'exit 3'", **ON_IT},
    ]
    said, told = failed(world, stack(networks=[NETWORK], containers=containers))
    assert "container bad exited with 3 right after its start" in said
    assert told["bad"]["failed"] and not told["good"]["failed"]
    assert running(world.layout) == {"good"}


def test_mistakes_are_found_together_and_before_anything(world: World) -> None:
    containers = [
        {"name": "a", "depends_on": ["b"]},
        {"name": "b", "depends_on": ["a"], "image": "busybox:1"},
        {"name": "c", "memory": "1x", "published_ports": ["x:y"]},
        {"name": "d", "memroy": "1G", "env": ["A"]},
        {"name": "a"},
        {"name": "e", "depends_on": {"nobody": "healthy"}},
        {"name": "f", "depends_on": {"a": "well"}},
        {"image": "busybox:1"},
    ]
    networks = [{"name": "n", "ipam_config": [{"subnet": "10.1.2.3/99"}, {"gateway": "10.0.0.1"}]}]
    wrong = stack(containers=containers, networks=networks, volumes=[{"name": "data"}])
    with pytest.raises(Error) as raised:
        check(world.layout, wrong, {})
    said = str(raised.value)
    for part in (
        "stack shop: ",
        "networks[0].ipam_config[1].subnet: is required",
        "containers[2].memory: '1x' is not valid",
        "containers[2].published_ports: 'x:y' is not valid",
        "containers[3].memroy: unknown option; did you mean memory?",
        "containers[3].env: expected a dictionary, found a list",
        "containers[4]: container a is declared already, by containers[0]",
        "containers[5].depends_on: the stack has no container nobody",
        "containers[6].depends_on.a: expected one of started, healthy, completed",
        "containers[7].name: is required",
    ):
        assert part in said, said
    with pytest.raises(Error, match=r"containers: wait for one another: a -> b -> a"):
        check(world.layout, stack(containers=containers[:2]), {})
    # What only the host tells is found together, too.
    for both in (check, apply):
        with pytest.raises(Error) as raised:
            both(
                world.layout,
                stack(
                    containers=[
                        {"name": "a"},
                        {"name": "c", "memory": "8M", "memory_reservation": "9M"},
                        {"name": "d", "memory_swap": "9M"},
                    ],
                    volumes=[{"name": "data"}],
                ),
                *([{}] if both is check else []),
            )
        assert "containers[1]: container c: container c: memory_reservation" in str(raised.value)
        assert "containers[2]: container d: container d: memory_swap requires" in str(raised.value)
    assert ids(world.layout) == {} and volume_store.find(world.layout, "data") is None


def test_only_some_of_it(world: World) -> None:
    whole: dict[str, Any] = {
        "networks": [NETWORK, {"name": "front"}],
        "containers": [
            {"name": "app", "depends_on": ["db"], "network_mode": None, "networks": "back"},
            {"name": "db"},
            {"name": "rest"},
        ],
    }
    whole["containers"][0]["networks"] = [{"name": "back"}]
    done, dummy = predicted(world, stack(**whole, only=["app"]))
    assert running(world.layout) == {"app", "db"}
    assert [one.spec.name for one in network_record.networks(world.layout)] == ["back"]
    predicted(world, stack(**whole))
    before = ids(world.layout)
    done, dummy = predicted(world, stack(**whole, only=["db"], state="stopped"))
    assert done.actions == ("stop container db",)
    apply(world.layout, stack(**whole, only=["db"], state="restarted"))
    assert running(world.layout) == {"app", "db", "rest"}
    done, dummy = predicted(world, stack(containers=[{"name": "db"}], only=["db"]))
    assert ids(world.layout) == before, "what is not asked about is not removed"
    with pytest.raises(Error, match="only: the stack has no member nobody"):
        check(world.layout, stack(**whole, only=["nobody"]), {})
    done, dummy = predicted(world, stack(**whole, only=["rest"], state="absent"))
    assert set(ids(world.layout)) == {"app", "db"}


def test_restarting_and_recreating(world: World) -> None:
    containers: list[dict[str, Any]] = [
        {"name": "app", "depends_on": ["db"]},
        {"name": "db"},
        {"name": "idle", "state": "stopped"},
    ]
    predicted(world, stack(containers=containers))
    before = ids(world.layout)
    task = stack(containers=containers, state="restarted")
    foretold = check(world.layout, task, {})
    done, dummy = apply(world.layout, task)
    assert done == foretold
    assert done.actions == ("restart container db", "restart container app")
    assert ids(world.layout) == before
    started = {
        name: container_record.read_record(world.layout, container_id).started_at
        for name, container_id in before.items()
    }
    assert started["db"] < started["app"] and not started["idle"]
    changed = [{**one, "env": {"A": "1"}} for one in containers]
    assert predicted(world, stack(containers=changed, recreate="never"))[0].actions == ()
    done, dummy = apply(world.layout, stack(containers=containers, recreate="always"))
    assert len(done.actions) == 3
    assert not set(ids(world.layout).values()) & set(before.values())


def test_what_ends_at_once_goes_in_the_order_of_dependencies(world: World) -> None:
    last = "trap 'sleep 0.2; exit' TERM; while :; do sleep 0.05; done"
    containers = [
        {"name": "db", "stop_signal": "TERM", "command": ["sh", "-c", last]},
        {"name": "app", "stop_signal": "TERM", "command": ["sh", "-c", last], "depends_on": ["db"]},
    ]
    predicted(world, stack(containers=containers))
    until(lambda: running(world.layout) == {"db", "app"})
    predicted(world, stack(containers=containers, state="stopped"))
    ended = {
        name: container_record.read_record(world.layout, container_id)
        for name, container_id in ids(world.layout).items()
    }
    assert ended["app"].finished_at < ended["db"].finished_at
    assert [one.exit_code for one in ended.values()] == [0, 0]
