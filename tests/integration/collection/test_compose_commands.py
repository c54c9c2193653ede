# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""compose_exec, compose_run and compose_pull as plays use them."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest
from support.composing import SERVICE
from support.containers import World
from support.plays import Play
from support.servers.registry import Registry

from ansible_collections.slipway.engine.plugins.module_utils._runtime.records import (
    container_record,
)

SHOP = f"""
name: shop
services:
  db: {{{SERVICE}, labels: {{a: one}}}}
  web:
    {{{SERVICE.replace("sleep 1000", "echo the service itself")},
     depends_on: [db], environment: {{A: one, B: two}}, user: '7:8', working_dir: /tmp,
     cap_add: [SYS_TIME], ports: ['127.0.0.1:18081:80'], tty: true, restart: always,
     labels: {{b: two}}}}
"""


@pytest.fixture
def project(tmp_path: Path) -> Path:
    directory = tmp_path / "shop"
    directory.mkdir()
    (directory / "compose.yaml").write_text(SHOP)
    return directory


def answers(
    directory: Path, tasks: Sequence[Mapping[str, Any]], *flags: str
) -> list[dict[str, Any]]:
    """Run tasks, and read all that each of them returned."""
    path = directory / "answers.json"
    named = [
        {**task, "register": f"answer{number}", "failed_when": False}
        for number, task in enumerate(tasks)
    ]
    content = "{{ [" + ", ".join(str(task["register"]) for task in named) + "] | to_json }}"
    written = {"ansible.builtin.copy": {"dest": str(path), "content": content}}
    run = Play(directory).tasks([*named, {**written, "check_mode": False}], *flags)
    assert run.status == 0, run.output
    found: list[dict[str, Any]] = json.loads(path.read_text())
    return found


def task(called: str, project: Path, /, **options: Any) -> dict[str, Any]:
    return {f"slipway.engine.{called}": {"project_src": str(project), **options}}


def test_commands_in_a_service(world: World, project: Path, tmp_path: Path) -> None:
    both = task("compose", project, scale={"db": 2}, services=["db"])
    where = ["cat", "/etc/hostname"]
    tasks = [
        both,
        task("compose_exec", project, service="db", argv=["sh", "-c", "echo $A; id -u; pwd; cat"],
             env={"A": "x y"}, user="5", chdir="/tmp", stdin="in"),
        task("compose_exec", project, service="db", command="sh -c 'echo o; echo e >&2; exit 3'"),
        task("compose_exec", project, service="db", argv=where),
        task("compose_exec", project, service="db", argv=where, index=2),
        task("compose_exec", project, service="db", argv=where, index=3),
        task("compose_exec", project, service="web", argv=["true"]),
        task("compose_exec", project, service="nobody", argv=["true"]),
        task("compose_exec", project, service="db", argv=["nothing-there"]),
        task("compose_exec", project, service="db", argv=["touch", "/tmp/done"], detach=True),
        task("compose_exec", project, service="db", argv=["cat"], detach=True, stdin="x"),
        task("compose_exec", project, service="db", privileged=True,
             argv=["grep", "CapBnd", "/proc/self/status"]),
    ]  # fmt: skip
    found = answers(tmp_path, tasks)
    first, told, one, two, three, stopped, unknown, missing, detached, wrong, mighty = found[1:]
    assert (first["stdout"], first["rc"]) == ("x y\n5\n/tmp\nin", 0)
    assert (told["stdout"], told["stderr"], told["rc"]) == ("o", "e", 3)
    assert told["msg"] == "the command in container shop-db-1 exited with 3: e"
    ids = [container_record.by_name(world.layout, f"shop-db-{number}") for number in (1, 2)]
    assert [one["stdout"], two["stdout"]] == [name[:12] for name in ids]
    assert three["msg"] == 'service "db" has no container #3'
    assert stopped["msg"] == 'service "web" has no container'
    assert unknown["msg"] == "project shop has no service nobody"
    assert missing["rc"] == 127
    assert detached["changed"] and "stdout" not in detached and "rc" not in detached
    assert "cannot be combined with detach" in wrong["msg"]
    bounding = int(mighty["stdout"].split()[1], 16)
    own = world.slipway("exec", "shop-db-1", "grep", "CapBnd", "/proc/self/status").stdout
    assert bounding > int(own.split()[1], 16)
    skipped = answers(tmp_path, tasks[1:3], "--check")
    assert all(one["skipped"] and not one["changed"] for one in skipped)


def test_a_container_for_a_command(world: World, project: Path, tmp_path: Path) -> None:
    shell = ["sh", "-c", "echo $A $B $C; id -u; pwd; cat; echo to err >&2; exit 4"]
    tasks = [
        task("compose_run", project, service="web"),
        task("compose_run", project, service="web", argv=shell, stdin="the input",
             env={"B": "other", "C": "three"}, cleanup=True, name="mine"),
        task("compose_run", project, service="web", command="cat /proc/self/status",
             cap_add=["NET_ADMIN"], cap_drop=["SYS_TIME"], user="0", cleanup=True),
        task("compose_run", project, service="web", entrypoint="sh -c 'ls /own; echo $0'",
             volumes=["./data:/own"], cleanup=True, chdir="/"),
        task("compose_run", project, service="web", argv=["nothing-there"], cleanup=True),
        task("compose_run", project, service="web", argv=["cat"], stdin="x", detach=True),
        task("compose_run", project, service="web", argv=["sleep", "1000"], detach=True,
             labels=["b=three", "c=four"], service_ports=True, use_aliases=True),
        task("compose_run", project, service="nobody", argv=["true"]),
        task("compose_run", project, service="db", argv=["sh", "-c", "seq 100000"],
             output_limit=1000, cleanup=True, no_deps=True),
        task("compose_run", project, service="db", cleanup=True, no_deps=True, argv=["wc", "-c"],
             stdin="x" * 300000, stdin_add_newline=False),
    ]  # fmt: skip
    (project / "data").mkdir()
    (project / "data" / "file").touch()
    found = answers(tmp_path, tasks)
    plain, first, mighty, other, missing, wrong, detached, unknown, long, much = found
    assert (plain["stdout"], plain["stderr"], plain["rc"]) == ("the service itself", "", 0)
    assert first["stdout"] == "one other three\n7\n/tmp\nthe input"
    assert (first["stderr"], first["rc"], first["changed"]) == ("to err", 4, True)
    assert first["msg"] == "the command in container mine exited with 4: to err"
    caps = next(line for line in mighty["stdout"].splitlines() if line.startswith("CapBnd"))
    mask = int(caps.split()[1], 16)
    assert (mask >> 12 & 1, mask >> 25 & 1) == (1, 0), "NET_ADMIN, and SYS_TIME no more"
    assert other["stdout"] == "file\nsh", other
    assert missing["rc"] == 127 and "nothing-there" in missing["msg"]
    assert "cannot be combined with detach" in wrong["msg"]
    assert "there is no service nobody" in unknown["msg"]
    assert long["truncated"] and len(long["stdout"]) <= 1000
    assert much["stdout"] == "300000"
    shown = json.loads(world.slipway("inspect", detached["container_id"]).stdout)[0]
    assert shown["State"]["Running"] and shown["HostConfig"]["RestartPolicy"]["Name"] == "no"
    labels = shown["Config"]["Labels"]
    assert (labels["b"], labels["c"]) == ("three", "four")
    assert labels["com.docker.compose.oneoff"] == "True"
    assert shown["HostConfig"]["PortBindings"] == {
        "80/tcp": [{"HostIp": "127.0.0.1", "HostPort": "18081"}]
    }
    assert "web" in shown["NetworkSettings"]["Networks"]["shop_default"]["Aliases"]
    # What went at its end has gone; the service that was needed runs.
    names = set(os.listdir(world.layout.names))
    left = {name for name in names if name.startswith("shop-web-run-")}
    assert len(left) == 2 and names - left == {"shop-db-1"}
    skipped = answers(tmp_path, tasks[:1], "--check")
    assert skipped[0]["skipped"] and set(os.listdir(world.layout.names)) == names


def test_images_of_services(world: World, registry: Registry, tmp_path: Path) -> None:
    one, two, gone = (f"{registry.host}/shop/{name}:1" for name in ("one", "two", "gone"))
    for name in (one, two):
        world.slipway("tag", "busybox:1", name)
        world.slipway("push", name)
        world.slipway("rmi", name)
    project = tmp_path / "shop"
    project.mkdir()
    (project / "compose.yaml").write_text(f"""
name: shop
services:
  a: {{image: "{one}", depends_on: [b]}}
  b: {{image: "{two}"}}
  again: {{image: "{one}"}}
  built: {{image: "{gone}", build: .}}
  never: {{image: "{gone}", pull_policy: never}}
  nothing: {{build: .}}
  late: {{image: "{gone}", profiles: [late]}}
""")
    tasks = [
        task("compose_pull", project, services=["a"]),
        task("compose_pull", project, services=["a"], include_deps=True),
        task("compose_pull", project),
        task("compose_pull", project, services=["a", "built"], ignore_buildable=True,
             policy="missing"),
        task("compose_pull", project, services=["late"]),
        task("compose_pull", project, services=["late"], ignore_pull_failures=True),
    ]  # fmt: skip
    foretold = answers(tmp_path, tasks, "--check", "--diff")
    found = answers(tmp_path, tasks, "--diff")
    first, with_needed, whole, missing, late, ignored = found

    def pulled(*names: str) -> list[dict[str, str]]:
        return [{"what": "image", "id": name, "status": "Pulling"} for name in names]

    assert (first["changed"], first["actions"]) == (True, pulled(one))
    assert (with_needed["changed"], with_needed["actions"]) == (True, pulled(two))
    assert (whole["changed"], whole["actions"], missing["changed"]) == (False, [], False)
    assert gone in whole["warnings"][0] and "warnings" not in missing
    assert gone.rpartition(":")[0] in late["msg"] or "service late" in late["msg"]
    assert (ignored["changed"], len(ignored["warnings"])) == (False, 1)
    assert first["diff"]["after"]["images"][one]["exists"] is True
    for told, real in zip(foretold[:4], found):
        assert (told["changed"], told["actions"]) == (real["changed"], real["actions"])
