# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What an engine answers, as tasks: a server at a socket that has the documents of one."""

from __future__ import annotations

import http.server
import json
import socketserver
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
import yaml

from ansible_collections.slipway.engine.plugins.module_utils._runtime.base.errors import Error
from ansible_collections.slipway.engine.plugins.module_utils._runtime.cli.declare.engine import (
    api,
    inspected,
)
from ansible_collections.slipway.engine.plugins.module_utils._runtime.cli.declare.play.play import (
    Play,
)

IMAGE = {"Config": {"Cmd": ["serve"], "Env": ["A=1"]}, "RepoTags": ["shop:1"]}


def container(name: str, **more: Any) -> dict[str, Any]:
    config = {"Image": "shop:1", "Cmd": ["serve"], "Env": ["A=1"], **more.pop("Config", {})}
    host = {"NetworkMode": "default", **more.pop("HostConfig", {})}
    found = {"Id": name * 64, "Name": f"/{name}", "Image": "sha256:1", "Created": "1"}
    return {**found, "Config": config, "HostConfig": host, "State": {"Status": "running"}, **more}


@contextmanager
def engine(
    directory: Path, *containers: Mapping[str, Any], status: int = 200, **documents: Any
) -> Iterator[api.Engine]:
    answers: dict[str, Any] = {
        "/version": {"Components": [{"Name": documents.get("name", "Engine")}]},
        "/info": {"LoggingDriver": "json-file", "CgroupVersion": "2"},
        "/containers/json": [
            {"Id": one["Id"], "Created": number} for number, one in enumerate(containers)
        ],
        **{f"/containers/{one['Id']}/json": one for one in containers},
        "/images/sha256%3A1/json": documents.get("image", IMAGE),
        "/images/sha256:1/json": documents.get("image", IMAGE),
        "/networks": documents.get("networks", []),
        **{f"/networks/{one['Id']}": one for one in documents.get("networks", [])},
        "/volumes": {"Volumes": documents.get("volumes")},
    }

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            answer = answers.get(urlsplit(self.path).path)
            data = json.dumps({"message": f"no {self.path}"} if answer is None else answer).encode()
            self.send_response(status if answer is not None else 404)
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        def log_message(self, *words: Any) -> None:
            """Nobody reads it."""

    class Server(socketserver.ThreadingUnixStreamServer):
        daemon_threads = True

    server = Server(str(directory / "socket"), Handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    try:
        yield api.Engine(str(directory / "socket"))
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
        (directory / "socket").unlink()


def declared(made: api.Engine, *names: str) -> tuple[dict[str, dict[str, Any]], Play]:
    play = Play()
    inspected.declare(play, made, names)
    [found] = yaml.safe_load(play.text("all", "x").replace("!unsafe ", ""))
    return {
        task["name"]: next(value for key, value in task.items() if key != "name")
        for task in found["tasks"]
    }, play


def test_what_the_image_says_is_not_declared(tmp_path: Path) -> None:
    own = {"Env": ["A=1", "B=2"], "Labels": {"com.docker.compose.project": "x", "mine": "y"}}
    with engine(tmp_path, container("a", Config=own)) as made:
        found = declared(made)[0]
    assert found == {
        "Container a": {"name": "a", "image": "shop:1", "env": {"B": "2"}, "labels": {"mine": "y"}}
    }


def test_one_that_cannot_be_here_leaves_the_others(tmp_path: Path) -> None:
    networks = [
        {"Id": "1", "Name": "odd", "Driver": "weave", "Scope": "local"},
        {"Id": "2", "Name": "wide", "Driver": "overlay", "Scope": "swarm"},
        {"Id": "3", "Name": "good", "Driver": "bridge", "Scope": "local"},
    ]
    both = {"NanoCpus": 10**9, "CpuQuota": 5000, "OomScoreAdj": 5000}
    odd = container("b", HostConfig={"IpcMode": "container:nobody here", **both})
    contradicts = container("c", HostConfig={"RestartPolicy": {"Name": "always"}, "AutoRemove": 1})
    with engine(tmp_path, container("a"), odd, contradicts, networks=networks) as made:
        found, play = declared(made)
    assert list(found) == ["Network good", "Container a", "Container b"]
    assert found["Container b"] == {"name": "b", "image": "shop:1", "cpus": 1.0}
    notes = "\n".join(play.notes)
    assert "network odd: it is left out: network odd: " in notes
    assert "network wide: it is left out: it is of a swarm" in notes
    assert "c: it is left out: container c: " in notes
    assert "(oom_score_adj is left out)" in notes


@pytest.mark.parametrize(
    ("pool", "kept"),
    [
        ({"Subnet": "172.18.0.0/16", "Gateway": "172.18.0.1"}, False),
        ({"Subnet": "192.168.32.0/20", "Gateway": "192.168.32.1"}, False),
        ({"Subnet": "10.1.0.0/24"}, True),
        ({"Subnet": "172.18.0.0/16", "IPRange": "172.18.1.0/24"}, True),
    ],
)
def test_a_subnet_is_kept_when_somebody_chose_it(
    tmp_path: Path, pool: dict[str, str], kept: bool
) -> None:
    network = {"Id": "1", "Name": "n", "Driver": "bridge", "IPAM": {"Config": [pool]}}
    with engine(tmp_path, container("a"), networks=[network]) as made:
        assert ("ipam_config" in declared(made)[0]["Network n"]) is kept


def test_an_address_keeps_its_subnet(tmp_path: Path) -> None:
    pool = {"Subnet": "172.18.0.0/16", "Gateway": "172.18.0.1"}
    network = {"Id": "1", "Name": "n", "Driver": "bridge", "IPAM": {"Config": [pool]}}
    joined = {"Networks": {"n": {"IPAMConfig": {"IPv4Address": "172.18.0.9"}, "Aliases": ["x"]}}}
    one = container("a", NetworkSettings=joined, HostConfig={"NetworkMode": "n"})
    with engine(tmp_path, one, networks=[network]) as made:
        found = declared(made)[0]
    assert found["Network n"]["ipam_config"] == [
        {"subnet": "172.18.0.0/16", "gateway": "172.18.0.1"}
    ]
    assert found["Container a"]["networks"] == [
        {"name": "n", "ipv4_address": "172.18.0.9", "aliases": ["x"]}
    ]


def test_those_that_are_named_come_with_what_they_use(tmp_path: Path) -> None:
    volumes = [
        {"Name": name, "Driver": "local", "Mountpoint": f"/v/{name}"} for name in ("used", "other")
    ]
    mount = {"Type": "volume", "Name": "used", "Source": "/v/used", "Destination": "/d", "RW": True}
    one, two = container("a", Mounts=[mount]), container("b")
    with engine(tmp_path, one, two, volumes=volumes) as made:
        found, play = declared(made, one["Id"])
        everything = declared(made)[0]
    assert list(found) == ["Volume used", "Container a"]
    assert play.moved == [{"volume": "used", "source": "/v/used", "used_by": ["a"]}]
    assert list(everything) == ["Volume used", "Volume other", "Container a", "Container b"]


def test_an_image_without_a_name_is_noted(tmp_path: Path) -> None:
    nameless = container("a", Config={"Image": "sha256:" + "1" * 64})
    with engine(tmp_path, nameless, image={"Config": {}}) as made:
        found, play = declared(made)
    assert found["Container a"]["image"] == "sha256:1"
    assert "a: its image has no name: save it there" in play.notes[0]


@pytest.mark.parametrize(("access", "noted"), [("", True), ("rwm", False), ("r", False)])
def test_access_that_is_not_told_is_noted(tmp_path: Path, access: str, noted: bool) -> None:
    """Podman shows none; whoever had less than all would get more without a word."""
    device = {"PathOnHost": "/dev/fuse", "PathInContainer": "/dev/fuse"}
    one = container("a", HostConfig={"Devices": [{**device, "CgroupPermissions": access}]})
    with engine(tmp_path, one) as made:
        found, play = declared(made)
    wanted = "/dev/fuse:/dev/fuse:r" if access == "r" else "/dev/fuse"
    assert found["Container a"]["devices"] == [wanted]
    assert ["not told" in note for note in play.notes] == [True] * noted


def test_states_are_kept(tmp_path: Path) -> None:
    states = {"a": "running", "b": "paused", "c": "exited", "d": "created"}
    all_of_them = [container(name, State={"Status": state}) for name, state in states.items()]
    with engine(tmp_path, *all_of_them) as made:
        found = declared(made)[0]
    assert [one.get("state") for one in found.values()] == [None, "paused", "stopped", "created"]


def test_an_engine_that_fails_is_one_sentence(tmp_path: Path) -> None:
    with engine(tmp_path, container("a"), status=500) as made, pytest.raises(Error) as found:
        declared(made)
    assert f"the engine at {tmp_path}/socket answers /version with 500" in str(found.value)
    with engine(tmp_path, container("a")) as made, pytest.raises(Error, match="nobody"):
        declared(made, "nobody")
