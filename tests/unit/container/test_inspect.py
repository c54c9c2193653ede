# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The inspect document, in the places playbooks and templates read."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.slipway.engine.plugins.module_utils._runtime.base.layout import Layout
from ansible_collections.slipway.engine.plugins.module_utils._runtime.container.show import inspect
from ansible_collections.slipway.engine.plugins.module_utils._runtime.records import (
    container_record,
)
from ansible_collections.slipway.engine.plugins.module_utils._runtime.spec.container import (
    ContainerSpec,
    Endpoint,
    ImageDefaults,
    Mount,
    Port,
    RestartPolicy,
)
from ansible_collections.slipway.engine.plugins.module_utils._runtime.spec.network import (
    Attachment,
    Publication,
)

ID = "ab" * 32
LAYOUT = Layout(Path("/r"), Path("/run/r"), Path("/e"))
IMAGE = ImageDefaults(
    entrypoint=("/entry",),
    cmd=("serve", "80"),
    env={"PATH": "/bin", "MODE": "image"},
    labels={"from": "image", "both": "image"},
    user="www",
    working_dir="/srv",
    stop_signal="SIGQUIT",
    exposed_ports=("80/tcp", "443/tcp"),
    volumes=("/cache", "/data"),
)
SPEC = ContainerSpec(
    name="web",
    image="docker.io/library/web:1",
    image_id="sha256:" + "cd" * 32,
    env={"MODE": "asked"},
    labels={"both": "asked"},
    ports=(Port(80, "tcp", "127.0.0.1", 8080), Port(80)),
    mounts=(
        Mount("bind", "/etc/web", "/etc/web", read_only=True, relabel="z"),
        Mount("volume", "data", "/data"),
        Mount("anonymous", "", "/tmp/work"),
    ),
    networks=(Endpoint("front", ipv4_address="10.89.0.9", aliases=("www",)), Endpoint("back")),
    restart_policy=RestartPolicy("on-failure", 3),
    hostname="",
    cap_add=("NET_ADMIN",),
)
ATTACHMENT = Attachment(
    network_id="ef" * 32,
    network="front",
    bridge="sb0",
    host_link="sv0",
    interface="eth0",
    mac_address="02:42:0a:59:00:09",
    ipv4_address="10.89.0.9/24",
    ipv4_gateway="10.89.0.1",
    ipv6_address="fd00::9/64",
    ipv6_gateway="fd00::1",
)
RUNNING = container_record.Record(
    id=ID,
    name="web",
    created="2026-01-02T03:04:05.000000006Z",
    layers=("sha256:" + "1" * 64, "sha256:" + "2" * 64),
    phase="running",
    generation=1,
    pid=4711,
    started_at="2026-01-02T03:04:06.000000000Z",
    restart_count=2,
    attachments=(ATTACHMENT,),
    publications=(
        Publication(ID, "tcp", "127.0.0.1", 8080, "10.89.0.9", 80),
        Publication(ID, "tcp", "", 32768, "10.89.0.9", 80),
        Publication(ID, "tcp", "", 32768, "fd00::9", 80),
    ),
    anonymous_volumes=("a" * 64, "b" * 64),
)


def _at(document: Any, path: str) -> Any:
    for key in path.split():
        document = document[key]
    return document


def _document(record: container_record.Record = RUNNING, **changes: Any) -> dict[str, Any]:
    return inspect.document(LAYOUT, dataclasses.replace(SPEC, **changes), record, IMAGE)


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("Id", ID),
        ("Name", "/web"),
        ("Path", "/entry"),
        ("Args", ["serve", "80"]),
        ("Created", "2026-01-02T03:04:05.000000006Z"),
        ("Image", SPEC.image_id),
        ("RestartCount", 2),
        ("State Status", "running"),
        ("State Running", True),
        ("State Pid", 4711),
        ("State FinishedAt", inspect.NEVER),
        ("LogPath", f"/r/containers/{ID}/log"),
        ("GraphDriver Data LowerDir", f"/r/layers/{'2' * 64}/diff:/r/layers/{'1' * 64}/diff"),
        ("GraphDriver Data MergedDir", f"/run/r/containers/{ID}/rootfs"),
        ("HostConfig Binds", ["/etc/web:/etc/web:ro,z", "data:/data:rw"]),
        ("HostConfig NetworkMode", "front"),
        ("HostConfig RestartPolicy", {"Name": "on-failure", "MaximumRetryCount": 3}),
        ("HostConfig CapAdd", ["NET_ADMIN"]),
        ("HostConfig CapDrop", None),
        (
            "HostConfig PortBindings 80/tcp",
            [{"HostIp": "127.0.0.1", "HostPort": "8080"}, {"HostIp": "", "HostPort": ""}],
        ),
        ("Config Hostname", ID[:12]),
        ("Config User", "www"),
        ("Config Env", ["PATH=/bin", "MODE=asked"]),
        ("Config Cmd", ["serve", "80"]),
        ("Config Entrypoint", ["/entry"]),
        ("Config Image", "docker.io/library/web:1"),
        ("Config Labels", {"from": "image", "both": "asked"}),
        ("Config ExposedPorts", {"443/tcp": {}, "80/tcp": {}}),
        ("Config Volumes", {"/tmp/work": {}, "/cache": {}}),
        ("Config StopSignal", "SIGQUIT"),
        ("NetworkSettings IPAddress", "10.89.0.9"),
        ("NetworkSettings IPPrefixLen", 24),
        ("NetworkSettings Ports 443/tcp", None),
        (
            "NetworkSettings Ports 80/tcp",
            [
                {"HostIp": "127.0.0.1", "HostPort": "8080"},
                {"HostIp": "0.0.0.0", "HostPort": "32768"},
                {"HostIp": "::", "HostPort": "32768"},
            ],
        ),
        ("NetworkSettings Networks front NetworkID", ATTACHMENT.network_id),
        ("NetworkSettings Networks front IPAMConfig", {"IPv4Address": "10.89.0.9"}),
        ("NetworkSettings Networks front Aliases", ["www"]),
        ("NetworkSettings Networks front GlobalIPv6Address", "fd00::9"),
        ("NetworkSettings Networks front MacAddress", "02:42:0a:59:00:09"),
        ("NetworkSettings Networks back IPAddress", ""),
    ],
)
def test_a_running_container(path: str, value: object) -> None:
    assert _at(_document(), path) == value


def test_mounts_name_their_volumes() -> None:
    shown = [
        (m["Type"], m.get("Name", ""), m["Source"], m["Destination"], m["RW"])
        for m in _document()["Mounts"]
    ]
    assert shown == [
        ("volume", "b" * 64, f"/r/volumes/{'b' * 64}/_data", "/cache", True),
        ("volume", "data", "/r/volumes/data/_data", "/data", True),
        ("bind", "", "/etc/web", "/etc/web", False),
        ("volume", "a" * 64, f"/r/volumes/{'a' * 64}/_data", "/tmp/work", True),
    ]


def test_an_exited_container_shows_no_address() -> None:
    ended = dataclasses.replace(
        RUNNING, phase="exited", pid=0, exit_code=3, oom_killed=True, finished_at="2026-01-02"
    )
    document = _document(ended)
    assert document["State"]["ExitCode"] == 3
    assert document["State"]["OOMKilled"] is True
    assert document["State"]["Running"] is False
    assert document["NetworkSettings"]["Ports"] == {}
    assert document["NetworkSettings"]["Networks"]["front"]["IPAddress"] == ""


def test_restarting_counts_as_running_as_in_docker() -> None:
    state = _document(dataclasses.replace(RUNNING, phase="restarting", pid=9))["State"]
    assert (state["Status"], state["Running"], state["Restarting"], state["Pid"]) == (
        *("restarting", True, True),
        0,
    )


@pytest.mark.parametrize(
    ("changes", "path", "args"),
    [
        ({"command": ("x",)}, "/entry", ["x"]),
        ({"entrypoint": ("/own",)}, "/own", []),
        ({"entrypoint": (), "command": ("sh", "-c")}, "sh", ["-c"]),
    ],
)
def test_the_process_follows_dockers_rule(
    changes: dict[str, Any], path: str, args: list[str]
) -> None:
    document = _document(**changes)
    assert (document["Path"], document["Args"]) == (path, args)


def test_host_network_is_shown_as_a_network() -> None:
    document = _document(networks=(), network_mode="host", ports=())
    assert document["HostConfig"]["NetworkMode"] == "host"
    assert list(document["NetworkSettings"]["Networks"]) == ["host"]
