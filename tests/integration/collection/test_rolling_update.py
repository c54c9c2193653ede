# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The playbook rolling_update: one host after the other, until one does not get healthy."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from support.containers import World
from support.plays import Play, Run
from support.servers import sshd

#: How many hosts are in the group.
HOSTS = 3
OLD, NEW = (f"docker.io/library/shop:{version}" for version in (1, 2))


@pytest.fixture(scope="module")
def hosts(sandbox: Path) -> Iterator[list[sshd.SshHost]]:
    with sshd.ssh_hosts(sandbox / "hosts", HOSTS) as made:
        yield made


@pytest.fixture
def inventory(world: World, hosts: list[sshd.SshHost], tmp_path: Path) -> Iterator[Path]:
    path = tmp_path / "hosts.json"
    known = {f"host{number}": host.variables() for number, host in enumerate(hosts)}
    path.write_text(json.dumps({"all": {"children": {"web": {"hosts": known}}}}))
    yield path
    gone = {"name": "web", "state": "absent", "force_kill": True}
    play(path, [{"name": "Remove it", "slipway.engine.container": gone}])


def play(inventory: Path, tasks: list[dict[str, Any]]) -> Run:
    plays = [{"hosts": "web", "gather_facts": False, "become": True, "tasks": tasks}]
    done = Play(inventory.parent, str(inventory)).plays(plays)
    assert done.status == 0, done.output
    return done


def update(inventory: Path, image: str, status: int = 0, **variables: Any) -> Run:
    given = {"rolling_update_container": "web", "rolling_update_image": image, **variables}
    run = Play(inventory.parent, str(inventory)).playbook(
        "slipway.engine.rolling_update", "-e", json.dumps(given)
    )
    assert run.status == status, run.output
    return run


def versions(inventory: Path) -> list[Any]:
    """The image of the container, whether it is running and has its label, host by host."""
    seen = inventory.parent / "seen"
    write: dict[str, Any] = {
        "name": "Write it down",
        "ansible.builtin.copy": {
            "content": "{{ found.container | to_json }}",
            "dest": f"{seen}-{{{{ inventory_hostname }}}}",
            "mode": "0600",
        },
        "delegate_to": "localhost",
        "become": False,
        "vars": {"ansible_connection": "local"},
    }
    look = {"name": "Look", "slipway.engine.container_info": {"name": "web"}, "register": "found"}
    play(inventory, [look, write])
    found = [json.loads(Path(f"{seen}-host{number}").read_text()) for number in range(HOSTS)]
    return [
        (one["Config"]["Image"], one["State"]["Status"], one["Config"]["Labels"].get("kept"))
        for one in found
    ]


def prepare(inventory: Path, tar: Path, **more: Any) -> None:
    images = [
        {
            "name": f"Image {version}",
            "slipway.engine.image_import": {
                "name": "shop", "tag": version, "src": str(tar),
                "changes": [f"ENV VERSION={version}"],
            },
        }
        for version in ("1", "2")
    ]  # fmt: skip
    web = {
        "name": "web",
        "image": "shop:1",
        "command": ["sleep", "1000"],
        "stop_signal": "SIGKILL",
        "network_mode": "none",
        "labels": {"kept": "yes"},
        "env": {"BAD": "3"},
        "healthcheck": {"test": "[ $VERSION != $BAD ]", "interval": "100ms", "retries": 2},
        "state": "healthy",
        **more,
    }
    play(inventory, [*images, {"name": "Web", "slipway.engine.container": web}])


def test_one_host_after_the_other(inventory: Path, busybox_tar: Path, tmp_path: Path) -> None:
    prepare(inventory, busybox_tar)
    order = tmp_path / "order"
    for name, word in (("before", "drained"), ("after", "back")):
        task = {
            "name": "Note it",
            "ansible.builtin.shell": f"echo {{{{ inventory_hostname }}}} {word} >>{order}",
            "delegate_to": "localhost",
            "vars": {"ansible_connection": "local"},
        }
        (tmp_path / f"{name}.yml").write_text(json.dumps([task]))
    around = {
        "rolling_update_before": str(tmp_path / "before.yml"),
        "rolling_update_after": str(tmp_path / "after.yml"),
    }
    foretold = Play(tmp_path, str(inventory)).playbook(
        "slipway.engine.rolling_update", "--check", "-e",
        json.dumps({"rolling_update_container": "web", "rolling_update_image": "shop:2"}),
    )  # fmt: skip
    assert foretold.status == 0, foretold.output
    assert versions(inventory) == [(OLD, "running", "yes")] * HOSTS
    update(inventory, "shop:2", **around)
    assert versions(inventory) == [(NEW, "running", "yes")] * HOSTS
    assert order.read_text().split() == [
        word for number in range(HOSTS)
        for word in (f"host{number}", "drained", f"host{number}", "back")
    ]  # fmt: skip
    assert update(inventory, "shop:2").changed == 0


def test_the_first_failure_ends_it(inventory: Path, busybox_tar: Path) -> None:
    """The hosts before it have the new image, it and those after it the old one."""
    bad = "{{ '2' if inventory_hostname == 'host1' else '3' }}"
    prepare(inventory, busybox_tar, env={"BAD": bad})
    failed = update(inventory, "shop:2", 2)
    old, new = ((OLD, "running", "yes"), (NEW, "running", "yes"))
    assert versions(inventory) == [new, old, old]
    assert f"web was not updated on host1, which still runs {OLD}" in " ".join(
        failed.output.split()
    )
    assert "host2" not in failed.output


def test_what_does_not_answer_is_taken_back(inventory: Path, busybox_tar: Path) -> None:
    prepare(inventory, busybox_tar, healthcheck={"test": ["NONE"]}, state="started")
    refused = update(inventory, "shop:2", 2)
    assert "web has no healthcheck, so nobody can say whether an update serves" in refused.output
    url = {"rolling_update_url": "http://127.0.0.1:1/", "rolling_update_timeout": 2}
    failed = update(inventory, "shop:2", 2, **url)
    assert "web was not updated on host0" in failed.output
    assert versions(inventory) == [(OLD, "running", "yes")] * HOSTS


def test_what_is_to_be_updated_is_named(inventory: Path) -> None:
    failed = update(inventory, "", 2)
    assert "Set rolling_update_container and rolling_update_image." in failed.output


def test_a_host_without_the_container_is_left_alone(inventory: Path) -> None:
    assert update(inventory, "shop:2", rolling_update_container="nothere").changed == 0
