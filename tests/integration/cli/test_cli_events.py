# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""``slipway events``: what happens on the host, told while it happens."""

from __future__ import annotations

import contextlib
import json
import subprocess
from collections.abc import Iterator
from typing import Any

from support.containers import World

from ansible_collections.slipway.engine.plugins.module_utils._runtime.program import zipapp


@contextlib.contextmanager
def told(world: World, *words: str) -> Iterator[Iterator[dict[str, Any]]]:
    """The events of a command that runs meanwhile, and no longer."""
    program = str(zipapp.program(world.layout))
    begun = subprocess.Popen(
        ["/usr/bin/python3", program, "events", "--format", "json", *words],
        stdout=subprocess.PIPE,
        text=True,
    )
    assert begun.stdout is not None
    try:
        yield map(json.loads, iter(begun.stdout.readline, ""))
    finally:
        begun.kill()
        begun.communicate()


def names(found: Iterator[dict[str, Any]], count: int) -> list[str]:
    return [f"{one['Type']} {one['Action']}" for dummy, one in zip(range(count), found)]


def test_events_as_they_happen(world: World) -> None:
    world.run("old", network_mode="")  # The network bridge is made on its first use.
    with told(world, "--since", "1h") as found:
        # What was there comes first, so from here on changes are waited for.
        old = ["container create", "container start", "network create"]
        assert sorted(names(found, 3)) == old
        world.slipway("network", "create", "blue")
        assert next(found)["Actor"]["Attributes"] == {"name": "blue", "type": "bridge"}
        world.slipway("volume", "create", "data")
        assert next(found)["Actor"] == {"ID": "data", "Attributes": {"driver": "local"}}
        world.slipway("tag", "busybox:1", "busybox:two")
        assert next(found)["Actor"]["Attributes"] == {"name": "busybox:two"}
        made = world.run("web", network_mode="", labels={"tier": "front"})
        said = next(found)
        assert (said["Action"], said["id"], said["from"]) == ("create", made.id, "web:1")
        assert said["Actor"]["Attributes"]["tier"] == "front"
        assert names(found, 2) == ["network connect", "container start"]
        world.slipway("rename", "web", "shop")
        assert next(found)["Actor"]["Attributes"]["oldName"] == "/web"
        world.slipway("kill", "shop")
        died = next(found)
        assert (died["Action"], died["Actor"]["Attributes"]["exitCode"]) == ("die", "137")
        assert next(found)["Action"] == "disconnect"
        world.slipway("rm", "shop")
        assert next(found)["Action"] == "destroy"
        world.slipway("network", "rm", "blue")
        assert names(found, 1) == ["network destroy"]
        world.slipway("volume", "rm", "data")
        assert names(found, 1) == ["volume destroy"]
        world.slipway("rmi", "busybox:two")
        assert names(found, 1) == ["image untag"]


def test_what_is_asked_for(world: World) -> None:
    world.run("web")
    world.create("idle")
    asked = ("events", "--since", "1h", "--until", "0s", "--filter", "type=container")

    def lines(*words: str) -> list[str]:
        return world.slipway(*asked, *words).stdout.decode().splitlines()

    assert lines("--format", "{{.Action}} {{.Actor.Attributes.name}}") == [
        *("create web", "start web", "create idle"),
    ]
    assert lines("-f", "container=web", "-f", "event=start", "--format", "{{.From}}") == ["web:1"]
    [line] = lines("-f", "event=start")
    made = world.recorded(world.slipway("ps", "-q", "--no-trunc").stdout.decode().strip())
    assert line.partition(" ")[2] == f"container start {made.id} (image=web:1, name=web)"
    assert world.slipway("system", *asked).stdout.count(b"\n") == 3
    wrong = world.slipway(*asked, "-f", "event=exec_start", check=False)
    assert wrong.returncode == 1 and b"is never reported here" in wrong.stderr
