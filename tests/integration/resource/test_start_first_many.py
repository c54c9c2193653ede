# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Stacks and Compose files whose containers are started before those they replace stop."""

from __future__ import annotations

import functools
import json
from pathlib import Path
from typing import Any

import pytest
from support.composing import compose
from support.containers import World, until
from support.converging import Task, apply, check
from support.servers import traffic
from support.stacks import member, stack

from ansible_collections.slipway.engine.plugins.module_utils._runtime.base.errors import Error
from ansible_collections.slipway.engine.plugins.module_utils._runtime.records import (
    container_record,
    journal,
)

PORTS = (18080, 18081)
ILL = {"test": ["CMD", "false"], "interval": "200ms", "retries": 2}


def shop(*words: str, **given: Any) -> Task:
    """Two services, each on a port of its own."""
    containers = [
        {
            "name": f"web{number}",
            "command": traffic.command(word),
            "published_ports": [f"{PORTS[number]}:80"],
            **(given if number else {}),
        }
        for number, word in enumerate(words)
    ]
    defaults = {
        "volumes": traffic.VOLUMES,
        "network_mode": None,
        "stop_signal": "TERM",
        "update": "start_first",
        "drain_timeout": 2,
    }
    return stack(containers=containers, defaults=defaults)


def answers(port: int, word: str) -> bool:
    try:
        return traffic.Http("127.0.0.1", port, kept=False)(0) == word
    except OSError:
        return False


def serving(*words: str) -> None:
    for port, word in zip(PORTS, words):
        until(functools.partial(answers, port, word))


def test_a_stack_loses_no_request(world: World) -> None:
    apply(world.layout, shop("a", "b"))
    serving("a", "b")
    wanted = shop("c", "d")
    kinds = ("tcp", "tcp-kept")
    first, second = (traffic.clients("127.0.0.1", port, kinds) for port in PORTS)
    with first as one, second as other:
        foretold = check(world.layout, wanted, {})
        outcome, told = apply(world.layout, wanted)
    assert outcome == foretold
    assert member(told, "web0")["actions"] == [
        "recreate container web0 (command), starting the new one first"
    ]
    for found, words in ((one, ["a", "c"]), (other, ["b", "d"])):
        for kind, said in found.items():
            assert (said["lost"], said["errors"]) == (0, []), (kind, said)
            assert sorted(said["answers"]) == words
    assert check(world.layout, wanted, {}).actions == ()
    assert len(container_record.all_ids(world.layout)) == 2


def test_a_member_that_is_not_healthy_stays_as_it_was(world: World) -> None:
    apply(world.layout, shop("a", "b"))
    serving("a", "b")
    clients = traffic.clients("127.0.0.1", PORTS[1], ("tcp", "tcp-kept"))
    said = "web1 did not become ready to serve, and the old one keeps running"
    with clients as found, pytest.raises(Error, match=said):
        apply(world.layout, shop("c", "d", healthcheck=ILL))
    for kind, of_it in found.items():
        assert (of_it["lost"], sorted(of_it["answers"])) == (0, ["b"]), (kind, of_it)
    assert answers(PORTS[0], "c")
    assert not journal.pending(world.layout)


def test_a_member_that_cannot_run_twice_stops_nothing(world: World, tmp_path: Path) -> None:
    volumes = [*traffic.VOLUMES, f"{tmp_path}:/data"]
    apply(world.layout, shop("a", "b", volumes=volumes))
    serving("a", "b")
    before = {found.id: found for found in container_record.records(world.layout)}
    with pytest.raises(Error, match=f"web1: update: start_first is not possible.*{tmp_path}"):
        apply(world.layout, shop("c", "d", volumes=volumes))
    assert {found.id: found for found in container_record.records(world.layout)} == before


def test_a_task_says_the_order(world: World, tmp_path: Path) -> None:
    def project(word: str, **given: Any) -> Task:
        web = {
            "image": "busybox:1",
            "pull_policy": "never",
            "command": traffic.command(word),
            "stop_signal": "TERM",
            "ports": [f"{PORTS[0]}:80"],
            "volumes": [*traffic.VOLUMES, *given.pop("volumes", ())],
        }
        text = json.dumps({"services": {"web": web}}).replace("$", "$$")
        return compose(world.layout, tmp_path, text, **given)

    # That two write to the same directory is for the file to say, of each service.
    shared = [f"{tmp_path}:/data"]
    apply(world.layout, project("a", volumes=shared))
    serving("a")
    with pytest.raises(Error, match=f"shop-web-1: .*start_first is not possible.*{tmp_path}"):
        apply(world.layout, project("b", update="start_first", volumes=shared))
    apply(world.layout, project("a"))
    serving("a")
    wanted = project("b", update="start_first", drain_timeout=2)
    with traffic.clients("127.0.0.1", PORTS[0], ("tcp",)) as found:
        foretold = check(world.layout, wanted, {})
        outcome, dummy = apply(world.layout, wanted)
    assert outcome == foretold
    assert outcome.actions == (
        "recreate container shop-web-1 (command), starting the new one first",
    )
    assert (found["tcp"]["lost"], sorted(found["tcp"]["answers"])) == (0, ["a", "b"]), found
    apply(world.layout, compose(world.layout, tmp_path, state="absent"))


def test_a_compose_file_says_the_order(world: World, tmp_path: Path) -> None:
    def file(word: str) -> str:
        service = {
            "image": "busybox:1",
            "pull_policy": "never",
            "command": traffic.command(word),
            "stop_signal": "TERM",
            "ports": [f"{PORTS[0]}:80"],
            # In a swarm, what both write to is shared.
            "volumes": [*traffic.VOLUMES, f"{tmp_path}:/data"],
            "deploy": {"update_config": {"order": "start-first"}},
        }
        # JSON is YAML; Compose replaces variables.
        return json.dumps({"services": {"web": service}}).replace("$", "$$")

    apply(world.layout, compose(world.layout, tmp_path, file("a")))
    serving("a")
    with traffic.clients("127.0.0.1", PORTS[0], ("tcp",)) as found:
        apply(world.layout, compose(world.layout, tmp_path, file("b")))
    assert (found["tcp"]["lost"], sorted(found["tcp"]["answers"])) == (0, ["a", "b"]), found
    apply(world.layout, compose(world.layout, tmp_path, state="absent"))
