# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a task calls a container by: its name, its id, the beginning of its id; and its networks,
which other tasks may add to.
"""

from __future__ import annotations

from typing import Any

import pytest
from support.containers import World
from support.converging import Task, apply, assert_play_is_predicted, check
from support.declaring import acting, task

from ansible_collections.slipway.engine.plugins.module_utils._runtime.container.show import (
    documents,
)
from ansible_collections.slipway.engine.plugins.module_utils._runtime.records import (
    container_record,
)
from ansible_collections.slipway.engine.plugins.module_utils._runtime.resource.network import (
    decide as network,
)
from ansible_collections.slipway.engine.plugins.module_utils._runtime.resource.network import (
    declare as network_declare,
)


@pytest.mark.parametrize("length", [64, 12, 4])
@pytest.mark.parametrize(
    ("state", "phase"), [("stopped", "exited"), ("started", "running"), ("absent", "")]
)
def test_ids_in_every_state(world: World, length: int, state: str, phase: str) -> None:
    apply(world.layout, task("web", restart=True))
    web = container_record.by_name(world.layout, "web")
    if state == "started":
        apply(world.layout, acting("web", state="stopped", force_kill=True))
    asked = acting(web[:length], state=state, force_kill=True)
    foretold = check(world.layout, asked, {})
    assert apply(world.layout, asked)[0] == foretold and foretold.changed
    left = container_record.all_ids(world.layout)
    assert left == ([web] if phase else [])
    if phase:
        assert world.current(web).phase == phase
        assert not apply(world.layout, asked)[0].changed
        # With an image, too, as long as it cannot be a name that somebody chose.
        if length >= 12:
            assert not apply(world.layout, task(web[:length], state="present"))[0].changed


def test_a_name_wins_over_an_id(world: World) -> None:
    apply(world.layout, task("web"))
    web = container_record.by_name(world.layout, "web")
    apply(world.layout, task(web[:2], state="present"))
    assert len(container_record.all_ids(world.layout)) == 2
    apply(world.layout, acting(web[:2], state="absent"))
    assert container_record.all_ids(world.layout) == [web]
    assert not apply(world.layout, acting("nothing", state="absent"))[0].changed


@pytest.mark.parametrize("option", ["network_mode", "pid_mode", "ipc_mode"])
def test_modes_by_name_and_id_are_one(world: World, option: str) -> None:
    apply(world.layout, task("other", ipc_mode="shareable"))
    other = container_record.by_name(world.layout, "other")
    by_id = task("web", **{option: f"container:{other}"})
    by_name = task("web", **{option: "container:other"})
    shown = apply(world.layout, by_id)[1]["container"]["HostConfig"]
    key = {"network_mode": "NetworkMode", "pid_mode": "PidMode", "ipc_mode": "IpcMode"}[option]
    assert shown[key] == f"container:{other}"
    assert not apply(world.layout, by_name)[0].changed
    short = task("web", **{option: f"container:{other[:12]}"})
    assert not check(world.layout, short, {}).changed


def _network(connected: list[str]) -> Task:
    return Task(network_declare.declare, network.RESOURCE, {"name": "fn", "connected": connected})


def test_who_names_no_networks_leaves_them_to_others(world: World) -> None:
    fresh: dict[str, Any] = {"networks": None, "network_mode": None}
    apply(world.layout, task("fa", **fresh))
    apply(world.layout, _network(connected=["fa"]))
    fa = container_record.by_name(world.layout, "fa")
    for dummy in range(2):
        assert not apply(world.layout, task("fa", **fresh))[0].changed
        assert not apply(world.layout, _network(connected=["fa"]))[0].changed
    assert [a.network for a in world.current(fa).attachments] == ["bridge", "fn"]
    # Another reason to make it anew takes them along, and who names networks has those.
    apply(world.layout, task("fa", **fresh, env={"A": "1"}))
    fa = container_record.by_name(world.layout, "fa")
    assert [a.network for a in world.current(fa).attachments] == ["bridge", "fn"]
    apply(world.layout, task("fa", networks=[{"name": "bridge"}], env={"A": "1"}))
    assert [a.network for a in world.current(fa).attachments] == ["bridge"]


def test_no_networks_at_all(world: World) -> None:
    """An empty list is the default network, unless it is compared strictly."""
    apply(world.layout, task("web", networks=[]))
    web = container_record.by_name(world.layout, "web")
    assert [a.network for a in world.current(web).attachments] == ["bridge"]
    none = task("web", networks=[], comparisons={"networks": "strict"})
    assert apply(world.layout, none)[0].changed
    assert world.current(web).attachments == ()
    assert not apply(world.layout, none)[0].changed
    shown = documents.container(world.host, web)["NetworkSettings"]
    assert shown["Networks"] == {}
    assert world.slipway("ps", "--format", "[{{.Networks}}]").stdout == b"[]\n"
    kept = task("web", image=None, memory="64M")
    assert_play_is_predicted(world.layout, [kept])
    assert documents.container(world.host, web)["NetworkSettings"]["Networks"] == {}
    assert apply(world.layout, task("web", networks=[]))[0].changed
    assert list(documents.container(world.host, web)["NetworkSettings"]["Networks"]) == ["bridge"]
    assert world.slipway("network", "disconnect", "bridge", "web").returncode == 0
    assert documents.container(world.host, web)["NetworkSettings"]["Networks"] == {}
    apply(world.layout, task("none", network_mode="none"))
    other = container_record.by_name(world.layout, "none")
    assert list(documents.container(world.host, other)["NetworkSettings"]["Networks"]) == ["none"]
