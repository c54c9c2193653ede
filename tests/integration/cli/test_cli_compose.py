# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The verbs of ``slipway compose`` on real containers: what they do, print, and exit with."""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Optional

import pytest
import yaml
from support.composing import SERVICE
from support.containers import World

from ansible_collections.slipway.engine.plugins.module_utils._runtime.program import zipapp
from ansible_collections.slipway.engine.plugins.module_utils._runtime.records import (
    network_record,
)
from ansible_collections.slipway.engine.plugins.module_utils._runtime.volume import (
    store as volume_store,
)

SHOP = f"""
name: shop
services:
  db: {{{SERVICE}, volumes: ['data:/data'], healthcheck: {{test: 'true', interval: 100ms}}}}
  web:
    {{{SERVICE.replace("sleep 1000", "sh -c 'echo hello; exec sleep 1000'")},
     depends_on: {{db: {{condition: service_healthy}}}}, ports: ['127.0.0.1:18080:80'],
     environment: {{A: one}}}}
volumes: {{data: }}
"""

FAILING = "sh -c 'sleep 1; exit 3'"


class Compose:
    """Runs ``slipway compose`` in a directory."""

    def __init__(self, world: World, directory: Path) -> None:
        self.world, self.directory = world, directory

    def __call__(
        self, *words: str, status: int = 0, stdin: Optional[str] = None
    ) -> subprocess.CompletedProcess[str]:
        program = str(zipapp.program(self.world.layout))
        done = subprocess.run(
            ["/usr/bin/python3", program, "compose", *words],
            cwd=self.directory,
            env={**os.environ, "TOKEN": "t0"},
            input=stdin if stdin is not None else "",
            text=True,
            capture_output=True,
            check=False,
            timeout=120,
        )
        assert done.returncode == status, done.stdout + done.stderr
        return done

    def lines(self, *words: str) -> list[str]:
        return self(*words).stdout.splitlines()


@pytest.fixture
def compose(world: World, tmp_path: Path) -> Compose:
    (tmp_path / "compose.yaml").write_text(SHOP)
    return Compose(world, tmp_path)


def test_up_and_down(compose: Compose, world: World, tmp_path: Path) -> None:
    up = compose("up", "-d")
    assert up.stdout == ""
    assert up.stderr.splitlines() == [
        ' Volume "shop_data"  Created',
        " Network shop_default  Created",
        " Container shop-db-1  Started",
        " Container shop-web-1  Started",
    ]
    assert compose("up", "-d").stderr.splitlines() == [
        " Container shop-db-1  Running",
        " Container shop-web-1  Running",
    ]
    heading, db, web = compose.lines("ps")
    assert heading.split() == ["NAME", "IMAGE", "COMMAND", "SERVICE", "CREATED", "STATUS", "PORTS"]
    assert db.split()[:2] == ["shop-db-1", "busybox:1"] and "(healthy)" in db
    assert "127.0.0.1:18080->80/tcp" in web
    assert compose.lines("ps", "--services") == ["db", "web"]
    assert len(compose.lines("ps", "-q")) == 2
    rows = [json.loads(line) for line in compose.lines("ps", "--format", "json")]
    assert [(row["Service"], row["State"], row["Health"]) for row in rows] == [
        ("db", "running", "healthy"), ("web", "running", "")
    ]  # fmt: skip
    assert rows[1]["Publishers"] == [
        {"URL": "127.0.0.1", "TargetPort": 80, "PublishedPort": 18080, "Protocol": "tcp"}
    ]
    assert compose.lines("ps", "--format", "{{.Name}}", "web") == ["shop-web-1"]
    assert compose.lines("port", "web", "80") == ["127.0.0.1:18080"]
    assert compose.lines("ls")[1].split() == ["shop", "running(2)", str(tmp_path / "compose.yaml")]
    assert compose.lines("images")[1].split()[:3] == ["shop-db-1", "busybox", "1"]
    assert "sleep 1000" in "\n".join(compose.lines("top", "db"))
    assert compose.lines("logs") == ["web-1  | hello"]
    assert compose.lines("logs", "--no-log-prefix", "web") == ["hello"]

    assert compose("up", "-d", "--scale", "db=2").stderr.splitlines()[1] == (
        " Container shop-db-2  Started"
    )
    (tmp_path / "compose.yaml").write_text(
        SHOP.replace("  db:", "  base:").replace("{db:", "{base:")
    )
    again = compose("up", "-d")
    assert "container shop-db-1" in again.stderr, "orphans are named"
    assert len(compose.lines("ps", "-q")) == 4
    compose("up", "-d", "--remove-orphans")
    assert compose.lines("ps", "--services") == ["base", "web"]

    down = compose("down").stderr.splitlines()
    assert down == [
        " Container shop-web-1  Removed",
        " Container shop-base-1  Removed",
        " Network shop_default  Removed",
    ]
    assert [one.name for one in volume_store.volumes(world.layout)] == ["shop_data"]
    assert compose("down", "-v").stderr.splitlines() == [' Volume "shop_data"  Removed']
    assert compose.lines("ls", "-a") == ["NAME      STATUS    CONFIG FILES"]


def test_what_acts_on_containers(compose: Compose) -> None:
    compose("up", "-d", "--wait")
    assert compose("stop").stderr.splitlines() == [
        " Container shop-web-1  Stopped",
        " Container shop-db-1  Stopped",
    ]
    assert compose.lines("ps", "-q") == []
    assert len(compose.lines("ps", "-a", "-q")) == 2
    assert compose.lines("ps", "--status", "exited", "--services") == ["db", "web"]
    assert compose("start").stderr.splitlines() == [
        " Container shop-db-1  Started",
        " Container shop-web-1  Started",
    ]
    assert compose("restart", "-t", "0", "web").stderr == " Container shop-web-1  Started\n"
    assert compose("pause", "db").stderr == " Container shop-db-1  Paused\n"
    assert compose("unpause").stderr == " Container shop-db-1  Unpaused\n"
    assert compose("exec", "-T", "-e", "B=2", "web", "sh", "-c", "echo $A $B").stdout == "one 2\n"
    assert compose("exec", "-T", "web", "sh", "-c", "exit 7", status=7).stdout == ""
    assert compose("exec", "-T", "web", "cat", stdin="in").stdout == "in"
    (compose.directory / "file").write_text("copied")
    compose("cp", "file", "web:/tmp/file")
    assert compose("exec", "-T", "web", "cat", "/tmp/file").stdout == "copied"
    compose("cp", "web:/tmp/file", "back")
    assert (compose.directory / "back").read_text() == "copied"
    assert compose("kill", "db").stderr == " Container shop-db-1  Killed\n"
    assert compose("rm", "-f", "db").stderr == " Container shop-db-1  Removed\n"
    assert compose.lines("ps", "-a", "--services") == ["web"]
    wrong = compose("stop", "nothing", status=1)
    assert wrong.stderr == "slipway: no such service: nothing\n"
    # A name is enough where there are no files.
    elsewhere = Compose(compose.world, Path("/"))
    assert elsewhere.lines("-p", "shop", "ps", "-a", "--services") == ["web"]
    elsewhere("-p", "shop", "down", "-v")
    assert compose.lines("ps", "-a", "-q") == []
    assert list(network_record.networks(compose.world.layout)) == []


def test_run(compose: Compose) -> None:
    done = compose("run", "--rm", "-T", "web", "sh", "-c", "echo $A; exit 3", status=3)
    assert done.stdout == "one\n"
    assert " Container shop-db-1  Started\n" in done.stderr
    assert compose.lines("ps", "-a", "--services") == ["db"]
    identity = compose("run", "-d", "--name", "once", "--no-deps", "web", "true").stdout.strip()
    assert identity in compose.lines("ps", "-a", "-q")
    compose("up", "-d")
    assert compose.lines("ps", "-a", "--format", "{{.Name}}") == [
        "shop-db-1", "shop-web-1", "once"
    ]  # fmt: skip
    compose("down", "-v")
    assert compose.lines("ps", "-a", "-q") == []


def test_config(compose: Compose, tmp_path: Path) -> None:
    (tmp_path / "more.yaml").write_text(
        "services: {web: {environment: {B: $TOKEN, C: a$$b}, volumes: ['./x:/x']}}"
    )
    told = compose("-f", "compose.yaml", "-f", "more.yaml", "-p", "other", "config").stdout
    found = yaml.safe_load(told)
    assert found["name"] == "other"
    assert found["services"]["web"]["environment"] == {"A": "one", "B": "t0", "C": "a$$b"}
    assert found["services"]["web"]["volumes"] == [f"{tmp_path}/x:/x"]
    (tmp_path / "told.yaml").write_text(told)
    assert compose("-f", "told.yaml", "config").stdout == told, "it means the same again"
    assert compose.lines("config", "--services") == ["db", "web"]
    assert compose.lines("config", "--images") == ["busybox:1", "busybox:1"]
    assert compose.lines("config", "-q") == []
    assert json.loads(compose("config", "--format", "json").stdout)["name"] == "shop"
    (tmp_path / "compose.yaml").write_text("services: {a: {imag: x}, b: {image: i, ports: 5}}")
    wrong = compose("config", status=1)
    up = compose("up", "-d", status=1)
    for line in ("services.a.imag: unknown key; did you mean image?", "services.b.ports: "):
        assert line in wrong.stderr and line in up.stderr


def test_build_and_foreground(compose: Compose, tmp_path: Path) -> None:
    (tmp_path / "Dockerfile").write_text("FROM busybox:1\nARG SAID=no\nRUN echo $SAID > /said\n")
    (tmp_path / "compose.yaml").write_text(
        "name: shop\nservices: {a: {build: ., network_mode: none, command: cat /said}}"
    )
    assert compose("build", "--build-arg", "SAID=yes").stderr.endswith(" shop-a  Built\n")
    done = compose("up")
    assert done.stdout == "a-1  | yes\n"
    assert compose.lines("logs", "--no-log-prefix") == ["yes"]
    compose("down", "--rmi", "local")
    assert compose("pull").stderr == " a Skipped - No image to be pulled\n"


def test_help_says_which_flags_stand_before_the_verb(compose: Compose) -> None:
    told = compose("--help").stdout
    assert "Usage:  slipway compose COMMAND" in told and "-f, --file list" in told
    assert "--detach" in compose("up", "--help").stdout
    assert "'compose frob' is not a slipway command" in compose("frob", status=1).stderr


@contextlib.contextmanager
def staying(compose: Compose, *words: str) -> Iterator[subprocess.Popen[str]]:
    """A command that runs meanwhile, and no longer."""
    program = str(zipapp.program(compose.world.layout))
    begun = subprocess.Popen(
        ["/usr/bin/python3", program, "compose", *words],
        cwd=compose.directory,
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        yield begun
    finally:
        begun.kill()
        begun.communicate()


def test_verbs_that_stay(compose: Compose) -> None:
    """Those that look at what runs until it ends; what happens is told while it happens."""
    compose("up", "-d", "--wait")
    with staying(compose, "events", "--json", "--since", "1h") as told:
        assert told.stdout is not None

        def event() -> dict[str, Any]:
            assert told.stdout is not None
            found: dict[str, Any] = json.loads(told.stdout.readline())
            return found

        first = [event() for dummy in range(4)]
        assert {(one["service"], one["action"]) for one in first} == {
            (service, action) for service in ("db", "web") for action in ("create", "start")
        }
        assert first[0]["attributes"]["image"] == "busybox:1" and first[0]["type"] == "container"
        compose("pause", "web")
        assert event()["action"] == "pause"
        compose("unpause", "web")
        assert event()["action"] == "unpause"
        with staying(compose, "wait", "web") as waiting:
            compose("kill", "web")
            killed, died = event(), event()
            said, dummy = waiting.communicate(timeout=60)
        assert (died["action"], died["attributes"]["exitCode"]) == ("die", "137")
        assert (killed["action"], killed["attributes"]["signal"]) == ("kill", "9")
        assert died["attributes"]["name"] == "shop-web-1"
        assert said == f'container "{died["id"]}" exited with status code 137\n'
        assert waiting.returncode == 137
        compose("rm", "-f", "web")
        assert event()["action"] == "destroy"
    since = compose.lines("events", "--since", "1h", "--until", "0s", "db")
    assert len(since) == 2 and " container create " in since[0] and "name=shop-db-1" in since[0]
    assert "no such service: nobody" in compose("events", "nobody", status=1).stderr
    stats = compose.lines("stats", "--no-stream", "--format", "{{.Name}}")
    assert stats == ["shop-db-1"]
    version = json.loads(compose("version", "-f", "json").stdout)["version"]
    assert compose.lines("version", "--short") == [version]
    assert "copied into containers" in compose("watch", status=1).stderr
    # A container that ends is waited for, and takes the rest of the project with it.
    compose("up", "-d")
    with staying(compose, "wait", "--down-project", "db", "web") as ended:
        compose("kill", "db")
        ended.communicate(timeout=60)
        assert ended.returncode == 137
    assert compose.lines("ps", "-aq") == []


def test_attach_and_what_ends_up(compose: Compose) -> None:
    (compose.directory / "compose.yaml").write_text(
        f"name: shop\nservices:\n  job: {{{SERVICE.replace('sleep 1000', 'head -n 1')},"
        " stdin_open: true}\n"
        f"  bad: {{{SERVICE.replace('sleep 1000', FAILING)}, profiles: [bad]}}\n"
        f"  good: {{{SERVICE}, profiles: [bad]}}\n"
    )
    compose("up", "-d")
    assert compose("attach", "job", stdin="over\n").stdout == "over\n"
    assert compose.lines("ps", "-aq", "--status", "exited")
    # As with Docker Compose, one that has ended runs again.
    assert compose("restart").stderr == " Container shop-job-1  Started\n"
    assert compose.lines("ps", "-q", "job")
    compose("stop", "-t", "0")
    compose("start", "--wait")
    failed = compose("--profile", "bad", "up", "--abort-on-container-failure", status=3)
    assert "Aborting on container exit..." in failed.stderr
    assert compose.lines("ps", "-q") == []
    compose("up", "--exit-code-from", "bad", "bad", "good", status=3)
    assert compose.lines("ps", "-q") == []
    assert compose("up", "--exit-code-from", "nobody", status=1).stderr.endswith(
        "no such service: nobody\n"
    )


def test_what_is_only_foretold(compose: Compose) -> None:
    said = compose("--dry-run", "up", "-d").stderr
    assert " DRY-RUN MODE -  Container shop-db-1  Creating\n" in said
    assert not os.listdir(compose.world.layout.names)
    compose("up", "-d")
    said = compose("--dry-run", "down", "-v").stderr
    assert " DRY-RUN MODE -  Volume shop_data  Removing\n" in said
    assert set(os.listdir(compose.world.layout.names)) == {"shop-db-1", "shop-web-1"}
    assert compose.lines("volumes", "-q") == ["shop_data"]
    assert compose.lines("volumes", "-q", "web") == []
    before = set(compose.lines("ps", "-q"))
    compose("up", "-d", "--force-recreate", "web")
    after = set(compose.lines("ps", "-q"))
    assert len(before & after) == 1, "what it depends on stays"
    compose("up", "-d", "--force-recreate", "--always-recreate-deps", "web")
    assert not after & set(compose.lines("ps", "-q"))
    refused = compose("up", "-d", "--force-recreate", "--update", "start_first", "db", status=1)
    assert "update: start_first is not possible" in refused.stderr
    assert "write to the volume shop_data" in refused.stderr
    compose("up", "-d", "--force-recreate", "--update", "stop_first", "db")
    (compose.directory / "compose.yaml").write_text(
        SHOP.replace("ports: ['127.0.0.1:18080:80']", "labels: {a: b}")
    )
    assert compose.lines("config", "--no-path-resolution", "--services") == ["db", "web"]
    assert "TOKEN=t0" in compose.lines("config", "--environment")
    compose("scale", "web=2", "--no-deps")
    assert len(compose.lines("ps", "-q", "web")) == 2
    (compose.directory / "file").write_text("text")
    compose("cp", "--all", "file", "web:/file")
    for number in ("1", "2"):
        assert compose("exec", "-T", "--index", number, "web", "cat", "/file").stdout == "text"
    compose("export", "-o", "web.tar", "web")
    assert (compose.directory / "web.tar").stat().st_size > 10240
    compose("commit", "web", "made:1")
    assert json.loads(compose.world.slipway("image", "inspect", "made:1").stdout)
    compose.world.slipway("rmi", "made:1")
