# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""``slipway events``: what happens on the host, told while it happens."""

from __future__ import annotations

import contextlib
import json
import subprocess
from collections.abc import Iterator
from pathlib import Path
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
        killed = next(found)["Actor"]["Attributes"]
        assert (killed["signal"], killed["name"], killed["tier"]) == ("9", "shop", "front")
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
    wrong = world.slipway(*asked, "-f", "event=resize", check=False)
    assert wrong.returncode == 1 and b"is never reported here" in wrong.stderr


def test_what_is_in_no_record(world: World, tmp_path: Path) -> None:
    run = ("run", "-d", "--name", "web", "--network", "none", "--stop-signal", "KILL")
    made = world.slipway(*run, "-v", "data:/data:ro", "busybox:1", "sleep", "1000")
    container_id = made.stdout.decode().strip()
    with told(world, "--since", "1h", "-f", "type=container", "-f", "type=volume") as found:
        assert names(found, 4) == [
            "volume create", "container create", "volume mount", "container start",
        ]  # fmt: skip
        world.slipway("exec", "web", "sh", "-c", "exit 3", check=False)
        said = [next(found) for dummy in range(3)]
        assert [one["Action"] for one in said] == [
            "exec_create: sh -c exit 3", "exec_start: sh -c exit 3", "exec_die",
        ]  # fmt: skip
        about = [one["Actor"]["Attributes"] for one in said]
        assert {one["execID"] for one in about} == {about[0]["execID"]}
        assert about[2]["exitCode"] == "3"
        assert (about[0]["image"], about[0]["name"]) == ("busybox:1", "web")
        assert said[0]["id"] == container_id
        world.slipway("top", "web")
        world.slipway("kill", "-s", "USR1", "web")
        world.slipway("export", "-o", str(tmp_path / "tar"), "web")
        world.slipway("commit", "web", "made:1")
        assert names(found, 1) == ["container top"]
        assert next(found)["Actor"]["Attributes"]["signal"] == "10"
        assert names(found, 1) == ["container export"]
        assert next(found)["Actor"]["Attributes"]["imageRef"] == "docker.io/library/made:1"
        world.slipway("restart", "-t", "0", "web")
        assert names(found, 7) == [
            "container kill", "container die", "volume unmount", "container stop",
            "volume mount", "container start", "container restart",
        ]  # fmt: skip
        world.slipway("stop", "web")
        said = [next(found) for dummy in range(4)]
        assert [one["Action"] for one in said] == ["kill", "die", "unmount", "stop"]
        assert said[2]["Actor"] == {
            "ID": "data", "Attributes": {"container": container_id, "driver": "local"}
        }  # fmt: skip
        world.slipway("rm", "-f", "web")
        assert names(found, 1) == ["container destroy"]


def test_what_was_noted_before(world: World) -> None:
    world.run("web")
    for number in range(3):
        world.slipway("exec", "web", "test", str(number))
    asked = ("events", "--since", "1h", "--until", "0s", "-f", "event=exec_start")
    lines = world.slipway(*asked, "--format", "{{.Action}}").stdout.decode().splitlines()
    assert lines == [f"exec_start: test {number}" for number in range(3)]
    directory = world.layout.run / "events"
    assert directory.stat().st_mode & 0o777 == 0o700
    assert {path.stat().st_mode & 0o777 for path in directory.iterdir()} == {0o600}
