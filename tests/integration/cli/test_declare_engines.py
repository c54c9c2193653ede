# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""``slipway declare --from``: what a real Docker or Podman runs, declared and compared."""

from __future__ import annotations

import json
import resource
import signal
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from support.containers import World
from support.plays import Play, Run
from support.servers import engines

from ansible_collections.slipway.engine.plugins.module_utils._runtime.cli.declare.engine import (
    api,
)
from ansible_collections.slipway.engine.plugins.module_utils._runtime.spec.secrets import HIDDEN


@pytest.fixture(scope="module")
def docker(sandbox: Path, busybox_tar: Path) -> Iterator[engines.Docker]:
    made = engines.Docker(sandbox / "docker")
    try:
        import_image(made, busybox_tar)
        yield made
    finally:
        made.close()


def import_image(engine: engines.Engine, tar: Path) -> None:
    changes = ("CMD sh", "ENV FROM_IMAGE=1", "LABEL made=here", "WORKDIR /srv", "EXPOSE 70")
    words = [word for change in changes for word in ("--change", change)]
    engine.run("import", *words, str(tar), "docker.io/library/shop:1")


CONTAINERS = [
    ("create", "--name", "plain", "shop:1", "sleep", "1000"),
    ("run", "-d", "--name", "db", "--network", "back", "--network-alias", "database", "-e", "A=1",
     "-e", "DB_PASSWORD=geheim {{ 1 }}", "-v", "data:/data", "-v", "/anonymous", "--restart",
     "unless-stopped", "--memory", "64m", "--cap-add", "NET_ADMIN", "--cap-drop", "CHOWN",
     "--label", "tier={{ back }}", "--ulimit", "nofile=1024:2048", "--stop-signal", "SIGKILL",
     "--health-cmd", "test -e /data", "--health-interval", "90s", "--health-retries", "2",
     "shop:1", "sleep", "1000"),
    ("run", "-d", "--name", "web", "--network", "back", "--ip", "10.123.7.209", "-p",
     "127.0.0.1:18123:80", "-p", "5353:5353/udp", "--volumes-from", "db", "--user", "1:2",
     "-h", "web1", "--tmpfs", "/run:size=1m", "--read-only", "--init", "-w", "/tmp",
     "--shm-size", "32m", "--add-host", "peer:192.0.2.1", "--dns", "192.0.2.53",
     "--sysctl", "net.core.somaxconn=99", "--device", "/dev/null:/dev/nothing:r",
     "--entrypoint", "sleep", "--stop-signal", "SIGKILL",
     "--mount", "type=bind,source=/srv,target=/site,readonly", "--pids-limit", "50",
     "--cpus", "0.5", "--oom-score-adj", "5", "--group-add", "7", "shop:1", "1000"),
    ("run", "-d", "--name", "side", "--network", "container:web", "--pid", "container:web",
     "--stop-signal", "SIGKILL", "shop:1", "sleep", "1000"),
]  # fmt: skip


Words = tuple[str, ...]


def for_podman(words: Words) -> Words:
    """Without health checks, for which Podman wants systemd, and with a limit of processes that
    this machine allows, as Podman sets one where any limit is asked for.
    """
    kept = list(words)
    for flag in ("--health-cmd", "--health-interval", "--health-retries"):
        if flag in kept:
            del kept[kept.index(flag) : kept.index(flag) + 2]
    if "--ulimit" in kept:
        most = resource.getrlimit(resource.RLIMIT_NPROC)[1]
        kept[kept.index("--ulimit") : kept.index("--ulimit")] = ["--ulimit", f"nproc={most}:{most}"]
    return tuple(kept)


NAMES = [words[words.index("--name") + 1] for words in CONTAINERS]


def declared(world: World, tmp_path: Path, socket: str, *names: str) -> tuple[Path, str]:
    """The play, and what was said besides."""
    play = tmp_path / "declared.yml"
    done = world.slipway("declare", "--from", socket, "--output", str(play), *names)
    return play, done.stderr.decode()


def converge(tmp_path: Path, play: Path, *arguments: str) -> Run:
    run = Play(tmp_path).playbook(str(play), "-c", "local", *arguments)
    assert run.status == 0, run.output
    return run


def listed(socket: str) -> list[dict[str, Any]]:
    return list(api.Engine(socket).get("/containers/json", all="true"))


def inspected(world: World, name: str) -> dict[str, Any]:
    [found] = json.loads(world.slipway("inspect", name).stdout)
    return dict(found)


#: What both say about a container, in the same words.
HOST_CONFIG = (
    "AutoRemove", "CapAdd", "CapDrop", "CpuShares", "Devices", "Dns", "ExtraHosts", "GroupAdd",
    "Init", "Memory", "NanoCpus", "OomScoreAdj", "PidsLimit", "PortBindings", "Privileged",
    "ReadonlyRootfs", "RestartPolicy", "ShmSize", "Sysctls", "Tmpfs", "Ulimits", "VolumesFrom",
)  # fmt: skip
CONFIG = ("Cmd", "Entrypoint", "Healthcheck", "Labels", "StopSignal", "Tty", "User", "WorkingDir")


#: What Podman shows of a container that nobody asked this of, and what is shown here.
PODMANS_OWN = {
    "PidsLimit": 2048,
    "ShmSize": 65536000,
    "RestartPolicy": {"Name": "", "MaximumRetryCount": 0},
}
OURS = {"ShmSize": 67108864, "RestartPolicy": {"Name": "no", "MaximumRetryCount": 0}}


def told(found: dict[str, Any], names: dict[str, str]) -> dict[str, Any]:
    host = {key: host_value(key, found["HostConfig"].get(key)) for key in HOST_CONFIG}
    config = {key: found["Config"].get(key) or None for key in CONFIG}
    if isinstance(config["Entrypoint"], str):
        config["Entrypoint"] = [config["Entrypoint"]]
    if isinstance(config["StopSignal"], int):
        config["StopSignal"] = signal.Signals(config["StopSignal"]).name
    if config["StopSignal"] == "SIGTERM":
        config["StopSignal"] = None
    mode = found["HostConfig"]["NetworkMode"]
    kind, dummy, other = mode.partition(":")
    host["NetworkMode"] = f"container:{names.get(other, other)}" if kind == "container" else mode
    if host["NetworkMode"] == "bridge":
        # Podman says so of every network of this kind; one that is not its own has a name.
        there = [name for name in found["NetworkSettings"]["Networks"] if name in ("back",)]
        host["NetworkMode"] = there[0] if there else "default"
    host["VolumesFrom"] = [names.get(one, one) for one in host["VolumesFrom"] or ()]
    env = dict(text.split("=", 1) for text in found["Config"]["Env"] or ())
    for own in ("PATH", "container", "HOME", "HOSTNAME", "TERM"):
        env.pop(own, None)
    mounts = {
        one["Destination"]: [one.get("Type"), one["RW"], one.get("Name") or one["Source"]]
        for one in found["Mounts"]
        if one.get("Type") != "tmpfs"
    }
    for mount in mounts.values():
        if len(mount[2]) == 64:
            mount[2] = "db-anonymous"
    if "DB_PASSWORD" in env:
        env["DB_PASSWORD"] = HIDDEN
    state = found["State"]["Status"]
    return {"host": host, "config": config, "env": env, "mounts": mounts, "state": state}


def host_value(key: str, value: Any) -> Any:
    if key in ("CapAdd", "CapDrop"):
        return sorted(name if name.startswith("CAP_") else f"CAP_{name}" for name in value or ())
    if value == PODMANS_OWN.get(key):
        return OURS.get(key)
    if key == "PortBindings":
        # Podman shows a port that is only exposed.
        return {port: bound for port, bound in (value or {}).items() if bound} or None
    if key == "Ulimits":
        # Podman's words for them, and one that it sets where others are asked for.
        named = [{**one, "Name": one["Name"].replace("RLIMIT_", "").lower()} for one in value or ()]
        return [one for one in named if one["Name"] != "nproc"] or None
    if key == "Devices":
        # Podman does not tell what may be done with one, so it is declared with all of it.
        return [
            {**one, "CgroupPermissions": one["CgroupPermissions"] or "rwm"} for one in value or ()
        ]
    if key == "Tmpfs" and value:
        return {path: tmpfs_words(options) for path, options in value.items()}
    return value or None


def tmpfs_words(options: str) -> str:
    """Without those that Podman adds to each."""
    words = options.replace("size=1m", "size=1048576").split(",")
    usual = ("rw", "rprivate", "nosuid", "nodev", "tmpcopyup")
    return ",".join(word for word in words if word not in usual)


def test_docker(world: World, docker: engines.Docker, tmp_path: Path, busybox_tar: Path) -> None:
    compare(world, docker, docker.socket, tmp_path, busybox_tar)


@pytest.fixture
def podman(sandbox: Path, busybox_tar: Path) -> Iterator[engines.Podman]:
    made = engines.Podman(sandbox / "podman")
    import_image(made, busybox_tar)
    yield made
    made.close()


def test_podman(world: World, podman: engines.Podman, tmp_path: Path, busybox_tar: Path) -> None:
    with podman.service() as socket:
        compare(world, podman, socket, tmp_path, busybox_tar, for_podman)


def compare(
    world: World,
    engine: engines.Engine,
    socket: str,
    tmp_path: Path,
    tar: Path,
    words_of: Callable[[Words], Words] = lambda words: words,
) -> None:
    engine.run("network", "create", "--subnet", "10.123.7.0/24", "--label", "a=b", "back")
    engine.run("volume", "create", "--label", "keep=yes", "data")
    try:
        for words in CONTAINERS:
            engine.run(*words_of(words))
        before = {one["Names"][0]: one["State"] for one in listed(socket)}
        play, said = declared(world, tmp_path, socket)
        assert "the anonymous volume at /anonymous is the volume db-anonymous here" in said
        # Nothing was stopped, or made otherwise.
        states = {one["Names"][0]: one["State"] for one in listed(socket)}
        assert states == before
        asked = {name: json.loads(engine.run("inspect", name))[0] for name in NAMES}
    finally:
        for name in reversed(NAMES):
            engine.run("rm", "-f", name)
        engine.run("network", "rm", "back")
        engine.run("volume", "rm", "data")
    add_shop(world, tar)
    foretold = converge(tmp_path, play, "--check", "--diff")
    assert foretold.changed == 7
    assert converge(tmp_path, play).changed == 7
    assert converge(tmp_path, play).changed == 0
    names = {found["Id"]: name for name, found in asked.items()}
    ours = {name: inspected(world, name) for name in asked}
    names |= {found["Id"]: name for name, found in ours.items()}
    for name, found in asked.items():
        differing = differences(told(found, names), told(ours[name], names))
        assert not differing, f"{name}: {differing}"
    secret = world.slipway("exec", "db", "sh", "-c", 'echo "$DB_PASSWORD"').stdout
    assert secret == b"geheim {{ 1 }}\n"


def differences(want: dict[str, Any], have: dict[str, Any]) -> dict[str, Any]:
    found = {}
    for key, value in want.items():
        if isinstance(value, dict) and isinstance(have.get(key), dict):
            found.update(differences(value, have[key]))
        elif have.get(key) != value:
            found[key] = (value, have.get(key))
    return found


def add_shop(world: World, tar: Path) -> None:
    changes = ("ENV FROM_IMAGE=1", "LABEL made=here", "WORKDIR /srv", "EXPOSE 70")
    world.add_image("shop", tar, *changes)
