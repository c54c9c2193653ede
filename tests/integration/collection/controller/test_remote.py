# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Plays on hosts that are reached by OpenSSH, as an unprivileged user who becomes root by sudo."""

from __future__ import annotations

import json
import os
import signal
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest
from support import compare_predictions
from support.containers import World, until
from support.plays import Play, Run
from support.servers import sshd

#: How many hosts are reached at once.
HOSTS = 10


@pytest.fixture(scope="module")
def ssh(sandbox: Path) -> Iterator[sshd.SshHost]:
    with sshd.ssh_host(sandbox / "ssh") as made:
        yield made


@pytest.fixture(scope="module")
def hosts(sandbox: Path) -> Iterator[list[sshd.SshHost]]:
    with sshd.ssh_hosts(sandbox / "hosts", HOSTS) as made:
        yield made


def module(called: str, /, **options: Any) -> dict[str, Any]:
    return {"name": called, f"slipway.engine.{called}": options}


def run(
    directory: Path,
    hosts: Mapping[str, Mapping[str, Any]],
    tasks: Sequence[Mapping[str, Any]],
    *arguments: str,
    **keywords: Any,
) -> Run:
    inventory = directory / "hosts.json"
    here = {"ansible_connection": "local", "ansible_python_interpreter": "/usr/bin/python3"}
    known = {"servers": {"hosts": hosts}, "here": {"hosts": {"localhost": here}}}
    inventory.write_text(json.dumps({"all": {"children": known}}))
    play = {"hosts": "servers", "gather_facts": False, "become": True, "tasks": list(tasks)}
    done = Play(directory, str(inventory), timeout_s=900).plays([{**play, **keywords}], *arguments)
    assert done.status == 0, done.output
    return done


@pytest.mark.parametrize("pipelining", [True, False])
def test_the_main_modules(
    world: World, ssh: sshd.SshHost, busybox_tar: Path, tmp_path: Path, pipelining: bool
) -> None:
    """Check mode, a run, a second run, as where the controller is the host."""
    (tmp_path / "page").write_text("a page\n")
    hosts = {"server": {**ssh.variables(), "ansible_pipelining": pipelining}}
    network = {"ipam_config": [{"subnet": "10.89.77.0/24"}]}
    web = {
        "image": "shop",
        "command": "sleep 1000",
        "networks": [{"name": "shop"}],
        "published_ports": ["127.0.0.1:18099:80"],
        "volumes": ["site:/srv"],
        "restart_policy": "unless-stopped",
        "stop_signal": "SIGKILL",
    }
    tasks = [
        module("image_import", name="shop", src=str(busybox_tar)),
        module("network", name="shop", **network),
        module("volume", name="site"),
        module("container", name="web", **web),
        module("container_copy_into", container="web", path=f"{tmp_path}/page",
               container_path="/srv/page"),
        module("container_info", name="web"),
    ]  # fmt: skip
    last = module("container_exec", container="web", argv=["grep", "-q", "a page", "/srv/page"])
    foretold = run(tmp_path, hosts, tasks, "--check", "--diff")
    done = run(tmp_path, hosts, tasks, "--diff")
    told, did = ([dict(task) for task in one.record] for one in (foretold, done))
    assert compare_predictions.differences(told, did) == []
    assert done.changed == 5
    assert run(tmp_path, hosts, [*tasks, last]).changed == 1
    assert run(tmp_path, hosts, tasks, "--check").changed == 0
    gone = [module("container", name="web", state="absent")]
    assert run(tmp_path, hosts, gone).changed == 1


def test_a_container_outlives_the_session(world: World, ssh: sshd.SshHost, tmp_path: Path) -> None:
    """No connection is kept, and the exit hook serves the container when nobody is logged in."""
    variables = {**ssh.variables(), "ansible_ssh_args": "-o ControlMaster=no -o ControlPath=none"}
    began = (ssh.directory / "log").read_text().count("Accepted publickey")
    web = {"image": "busybox:1", "command": "sleep 1000", "network_mode": "none"}
    task = module("container", name="web", restart_policy="always", stop_signal="SIGKILL", **web)
    run(tmp_path, {"server": variables}, [task])
    log = (ssh.directory / "log").read_text()
    assert log.count("Accepted publickey") > began
    until(lambda: not sessions())
    container_id = os.readlink(world.layout.names / "web")[-64:]
    first = world.current(container_id)
    assert first.phase == "running"
    os.kill(first.pid, signal.SIGKILL)
    until(lambda: world.current(container_id).pid not in (0, first.pid))
    assert world.current(container_id).phase == "running"


def sessions() -> list[str]:
    """The sessions of users that servers hold."""
    found = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            line = path.read_text(errors="replace")
        except OSError:
            continue
        if line.startswith(f"sshd: {sshd.DEPLOY}"):
            found.append(line)
    return found


@pytest.mark.timeout(1200)  # Ten hosts on one machine, which may have other work.
def test_ten_hosts_at_once(hosts: list[sshd.SshHost], busybox_tar: Path, tmp_path: Path) -> None:
    """Each has an installation and a network of its own."""
    variables = {
        f"host{number}": {**host.variables(), "ansible_pipelining": number % 2 == 0}
        for number, host in enumerate(hosts)
    }
    forks = ("--forks", str(HOSTS))
    image = module("image_import", name="shop", src=str(busybox_tar))
    once = module("image_export", name="shop", path=str(tmp_path / "shop.tar"))
    web = {"image": "shop", "command": "sleep 1000", "stop_signal": "SIGKILL"}
    started = module("container", name="web", network_mode="none", **web)
    later = module("container_exec", container="web", argv=["sh", "-c", "sleep 1; hostname"])
    other = module("container_exec", container="web", argv=["touch", "/{{ inventory_hostname }}"])
    end = module("container", name="web", state="absent")
    free = run(tmp_path, variables, [image, started], *forks, strategy="free")
    assert free.changed == 2 * HOSTS
    tasks = [
        {**once, "run_once": True},
        {**later, "async": 60, "poll": 1},
        {**other, "delegate_to": "host0"},
    ]
    done = run(tmp_path, variables, tasks, *forks)
    assert done.changed == 1 + 2 * HOSTS
    ids = {os.readlink(host.directory / "var/lib/slipway/names/web") for host in hosts}
    assert len(ids) == HOSTS
    (upper,) = hosts[0].directory.glob("var/lib/slipway/containers/*/upper")
    assert {f"host{number}" for number in range(HOSTS)} <= set(os.listdir(upper))
    assert run(tmp_path, variables, [started], *forks).changed == 0
    assert run(tmp_path, variables, [end], *forks, serial=[1, "50%"]).changed == HOSTS
