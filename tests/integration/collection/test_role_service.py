# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The role service, by Ansible: containers that serve, files, secrets, roll-back, backups."""

from __future__ import annotations

import copy
import json
import shutil
import urllib.request
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest
from support.containers import World, until
from support.plays import Play, Run
from support.servers.registry import free_port

PASSWORD = "correct-horse-battery"
#: The name of a task between two parts of the role in one play.
BETWEEN = "The next part"
#: Serves what it is given, and is healthy while its configuration says so.
SERVE = "cp /etc/app/app.conf /srv/page; exec httpd -f -p 80 -h /srv"
HEALTHY = {
    "test": ["CMD-SHELL", "grep -q good /etc/app/app.conf"],
    "interval": "200ms",
    "retries": 2,
}


class Service:
    """A service of two containers, and plays of the role on it."""

    def __init__(self, directory: Path, world: World) -> None:
        self.play = Play(directory)
        self.world = world
        self.place = directory / "etc"
        self.backups = directory / "backups"
        self.port = free_port()
        (directory / "app.conf.j2").write_text("{{ greeting }}\n")
        self.declared: dict[str, Any] = {
            "service_name": "shop",
            "service_directory": str(self.place),
            "service_backup_directory": str(self.backups),
            "service_networks": [{"name": "shop-net"}],
            "service_volumes": [{"name": "shop-data"}],
            "service_files": [
                {"name": "conf/app.conf", "template": str(directory / "app.conf.j2")},
                {"name": "motd", "content": "hello\n", "mode": "0640", "owner": 7},
            ],
            "service_secrets": [{"name": "password", "content": PASSWORD, "owner": 7}],
            "service_containers": [
                {
                    "name": "shop-db",
                    "image": "busybox:1",
                    "command": ["sh", "-c", "exec sleep 1000"],
                    "stop_signal": "KILL",
                    "volumes": ["shop-data:/data"],
                    "secrets": ["password"],
                    "files": ["motd:/etc/motd"],
                },
                {
                    "name": "shop-app",
                    "image": "busybox:1",
                    "command": ["sh", "-c", SERVE],
                    "stop_signal": "KILL",
                    "published_ports": [f"127.0.0.1:{self.port}:80"],
                    "files": ["conf/app.conf:/etc/app/app.conf"],
                    "secrets": ["password:/etc/app/password"],
                    "healthcheck": HEALTHY,
                },
            ],
            "service_wait_for": [{"url": f"http://127.0.0.1:{self.port}/page"}],
            "service_wait_timeout": 60,
            "greeting": "good one",
        }

    def part(self, name: str = "main", **changes: Any) -> dict[str, Any]:
        """A task that is the role, or a part of it, with these variables changed."""
        return {
            "name": "The role",
            "ansible.builtin.include_role": {
                "name": "slipway.engine.service",
                "tasks_from": name,
            },
            "vars": {**self.declared, **changes},
        }

    def tasks(self, tasks: list[dict[str, Any]], *arguments: str) -> Run:
        """Ansible's run of tasks. No secret is in what it prints."""
        run = self.play.tasks(tasks, "--diff", "-e", "ansible_pipelining=true", *arguments)
        assert PASSWORD not in run.output
        return run

    def run(self, *arguments: str, part: str = "main", **changes: Any) -> Run:
        """Ansible's run of the role, or of a part of it, with these variables changed."""
        return self.tasks([self.part(part, **changes)], *arguments)

    def good(self, *arguments: str, part: str = "main", **changes: Any) -> Run:
        done = self.run(*arguments, part=part, **changes)
        assert done.status == 0, done.output
        return done

    def one_by_one(self, *parts: dict[str, Any]) -> list[list[tuple[str, int]]]:
        """What each of several parts changes, in one play."""
        between = {"name": BETWEEN, "ansible.builtin.debug": {"msg": ""}}
        tasks = [task for part in parts for task in (part, between)]
        done = self.tasks(tasks[:-1])
        assert done.status == 0, done.output
        changes: list[list[tuple[str, int]]] = [[]]
        for one in done.record:
            if one["task"] == BETWEEN:
                changes.append([])
            changes[-1] += changes_of([one])
        return changes

    def foreseen(self, part: str = "main", **changes: Any) -> Run:
        """A check of the run. The run is as it foretold, and a second one changes nothing."""
        check = self.good("--check", part=part, **changes)
        task = self.part(part, **changes)
        assert self.one_by_one(task, task) == [changes_of(check.record), []]
        return check

    def inspect(self, name: str) -> Any:
        """What ``docker inspect`` says of a container; None where there is none."""
        found = self.world.slipway("container", "inspect", name, check=False)
        return json.loads(found.stdout)[0] if found.returncode == 0 else None

    def ids(self) -> dict[str, str]:
        """The container of each name."""
        return {name: self.inspect(name)["Id"] for name in ("shop-db", "shop-app")}

    def inside(self, name: str, script: str) -> str:
        return self.world.slipway("exec", name, "sh", "-c", script).stdout.decode()

    def with_container(self, index: int, **options: Any) -> list[dict[str, Any]]:
        """The containers, one of them with other options."""
        containers: list[dict[str, Any]] = copy.deepcopy(self.declared["service_containers"])
        containers[index].update(options)
        return containers


def changes_of(record: Sequence[Mapping[str, Any]]) -> list[tuple[str, int]]:
    """The tasks that change something, and for how many items."""
    counted = [(task["task"], sum(one["changed"] for one in task["results"])) for task in record]
    return [(name, count) for name, count in counted if count]


@pytest.fixture
def service(tmp_path: Path, world: World) -> Service:
    return Service(tmp_path, world)


def test_a_service_comes_changes_and_goes(service: Service) -> None:
    service.foreseen()
    assert served(service) == "good one\n"
    assert service.inside("shop-db", "cat /run/secrets/password") == PASSWORD
    assert service.inside("shop-app", "cat /etc/app/password") == PASSWORD
    assert service.inside("shop-db", "stat -c '%a %u' /run/secrets/password") == "400 7\n"
    assert service.inside("shop-db", "cat /etc/motd; stat -c '%a %u' /etc/motd") == "hello\n640 7\n"
    assert service.inside("shop-app", "ping -c 1 shop-db >/dev/null && echo there") == "there\n"
    for name in ("shop-db", "shop-app"):
        assert PASSWORD not in json.dumps(service.inspect(name))
    assert (service.place.stat().st_mode & 0o777) == 0o700
    # A secret is in the records of containers alone, and in no other file.
    assert [path.name for path in service.place.iterdir()] == ["declared.json"]
    assert PASSWORD not in (service.place / "declared.json").read_text()

    # A file that changes recreates the container that has it, and no other.
    before = service.ids()
    run = service.foreseen(greeting="good two")
    assert served(service) == "good two\n" and "good two" in run.output
    after = service.ids()
    assert after["shop-db"] == before["shop-db"] and after["shop-app"] != before["shop-app"]

    # So does a secret.
    other = [{**service.declared["service_secrets"][0], "content": f"{PASSWORD}-2"}]
    service.foreseen(service_secrets=other, greeting="good two")
    assert service.inside("shop-db", "cat /run/secrets/password") == f"{PASSWORD}-2"
    assert service.inside("shop-app", "cat /etc/app/password") == f"{PASSWORD}-2"
    assert service.ids()["shop-db"] != after["shop-db"]

    # What is no longer declared goes.
    less = {
        "service_containers": service.declared["service_containers"][:1],
        "service_files": service.declared["service_files"][1:],
        "service_networks": [],
        "service_wait_for": [],
    }
    service.foreseen(service_secrets=other, **less)
    assert service.inspect("shop-app") is None and service.inspect("shop-db") is not None
    assert "shop-net" not in listed(service, "network")

    # The service goes, and its data stays.
    service.inside("shop-db", "echo kept >/data/file")
    service.foreseen(service_state="absent")
    assert service.inspect("shop-db") is None and not service.place.exists()
    assert "shop-data" in listed(service, "volume")
    service.good()
    assert service.inside("shop-db", "cat /data/file") == "kept\n"
    service.good(service_state="absent", service_remove_volumes=True)
    assert "shop-data" not in listed(service, "volume")
    assert "shop-net" not in listed(service, "network")


def test_an_update_that_fails_is_rolled_back_as_a_whole(service: Service) -> None:
    service.good()
    before = service.inspect("shop-db")["Config"]["Labels"]
    # The first container takes the update, the second does not become healthy.
    labelled = service.with_container(0, labels={"release": "2"})
    other = [{**service.declared["service_secrets"][0], "content": f"{PASSWORD}-2"}]
    bad = service.run(service_containers=labelled, service_secrets=other, greeting="bad")
    assert bad.status != 0 and "runs again as it was declared before" in bad.output, bad.output
    assert "shop-app" in bad.output
    assert service.inspect("shop-db")["Config"]["Labels"] == before
    assert served(service) == "good one\n"
    # It has the secret of its last run, and the declaration before is that of the role again.
    assert service.inside("shop-app", "cat /etc/app/password") == PASSWORD
    dummy, again = service.one_by_one(service.part(), service.part())
    assert again == []
    # Without an answer it is the same, and networks and containers that were new go.
    nobody = [{"port": free_port(), "timeout": 1}]
    more = [*labelled, {**labelled[0], "name": "shop-more", "volumes": []}]
    networks = [*service.declared["service_networks"], {"name": "shop-new"}]
    late = service.run(service_containers=more, service_networks=networks, service_wait_for=nobody)
    assert late.status != 0 and "nothing listens on" in late.output, late.output
    assert service.inspect("shop-db")["Config"]["Labels"] == before
    assert service.inspect("shop-more") is None and "shop-new" not in listed(service, "network")


def test_a_first_run_that_fails_says_so(service: Service) -> None:
    bad = service.run(greeting="bad", service_wait_timeout=5)
    assert bad.status != 0 and "there is no earlier declaration to go back to" in bad.output, (
        bad.output
    )


def test_volumes_are_kept_in_archives_and_restored(service: Service, tmp_path: Path) -> None:
    service.good()
    started = fill(service)
    fetched = {"service_backup_fetch": str(tmp_path / "fetched"), "service_backup_name": "first"}
    # Fetching says nothing in check mode.
    assert service.good("--check", part="backup", **fetched).changed == 2
    backup = service.part("backup", **fetched)
    written, again = service.one_by_one(backup, backup)
    assert [name for name, dummy in written] == [
        "slipway.engine.service : Make a place for the archives",
        "slipway.engine.service : Keep each of them",
        "slipway.engine.service : Fetch the archives",
    ]
    assert again == []
    archive = service.backups / "first" / "shop-data.tar.gz"
    copy_of_it = tmp_path / "fetched" / "localhost" / "shop" / "first" / "shop-data.tar.gz"
    assert archive.stat().st_mode & 0o777 == 0o600
    assert copy_of_it.read_bytes() == archive.read_bytes()
    assert since(service) != started

    # A container goes on where it is only frozen or left alone, or nothing is to be restored.
    started = since(service)
    ways = ("paused", "running")
    named = [{"service_backup_name": way, "service_backup_while": way} for way in ways]
    changes = service.one_by_one(
        *(service.part("backup", **options) for options in named),
        service.part("restore", service_backup_name="first"),
    )
    assert [len(one) for one in changes] == [2, 2, 0]
    for way in ways:
        other = service.backups / way / "shop-data.tar.gz"
        assert other.read_bytes() == archive.read_bytes()
    assert since(service) == started

    first = {"service_backup_name": "first"}
    service.inside("shop-db", "echo two >/data/file; echo more >/data/another")
    assert service.good("--check", part="restore", **first).changed == 1
    assert service.inside("shop-db", "cat /data/file") == "two\n"
    assert service.good(part="restore", **first).changed == 1
    assert since(service) != started
    assert service.inside("shop-db", "ls /data; stat -c '%a %u:%g' /data/file; cat /data/file") == (
        "file\n4750 7:8\none\n"
    )

    # What cannot be restored is left alone.
    archive.write_bytes(archive.read_bytes()[:-20])
    service.inside("shop-db", "echo three >/data/file")
    damaged = service.run(part="restore", **first)
    assert damaged.status != 0 and "is damaged, and nothing was changed" in damaged.output
    assert since(service)
    archive.unlink()
    missing = service.run(part="restore", **first)
    assert missing.status != 0
    assert "there is no backup first of shop-data" in missing.output, missing.output
    assert service.inside("shop-db", "cat /data/file") == "three\n"

    # What was fetched starts a service where there is none.
    service.good(service_state="absent", service_remove_volumes=True)
    shutil.rmtree(service.backups)
    restored, started_again = service.one_by_one(
        service.part("restore", **fetched), service.part("main")
    )
    assert restored and started_again
    assert service.inside("shop-db", "cat /data/file") == "one\n"


#: What is wrong with a declaration, and what is said of it.
BAD: list[tuple[dict[str, Any], str]] = [
    ({"service_files": [{"name": "../x", "content": ""}]}, 'which "../x" is not'),
    ({"service_files": [{"name": "motd"}]}, "motd needs one of content, template and src"),
    ({"service_files": []}, "mounts the file motd, which service_files has not"),
    ({"service_secrets": []}, "mounts the secret password, which service_secrets has not"),
    (
        {"service_secrets": [{"name": "password", "content": PASSWORD, "mode": "0644"}]},
        "the mode of the secret",
    ),
    ({"service_state": "gone"}, "value of service_state must be one of: present, absent"),
]


def test_a_bad_declaration_is_refused(service: Service) -> None:
    tasks = [
        {
            "block": [service.part(**changes)],
            "rescue": [{"name": f"Refused {number}", "ansible.builtin.debug": {"msg": ""}}],
        }
        for number, (changes, dummy) in enumerate(BAD)
    ]
    run = service.tasks(tasks)
    assert run.status == 0, run.output
    came = [task["task"] for task in run.record if task["task"].startswith("Refused")]
    assert came == [f"Refused {number}" for number in range(len(BAD))], run.output
    said = [str(one.get("msg")) for task in run.record for one in failed(task)]
    for (dummy, expected), message in zip(BAD, said, strict=True):
        assert expected in message
    assert not service.place.exists() and service.inspect("shop-db") is None


def failed(task: Mapping[str, Any]) -> Sequence[Mapping[str, Any]]:
    """The results of a task that failed."""
    results: Sequence[Mapping[str, Any]] = task["results"] if task["status"] == "failed" else ()
    return results


def served(service: Service) -> str:
    with urllib.request.urlopen(f"http://127.0.0.1:{service.port}/page", timeout=30) as answer:
        return str(answer.read().decode())


def fill(service: Service) -> str:
    """Write to the volume, and tell since when the container that uses it runs."""
    service.inside("shop-db", "echo one >/data/file; chown 7:8 /data/file; chmod 4750 /data/file")
    return since(service)


def since(service: Service) -> str:
    """Since when the container with the volume runs."""
    until(lambda: service.inspect("shop-db")["State"]["Status"] == "running")
    return str(service.inspect("shop-db")["State"]["StartedAt"])


def listed(service: Service, kind: str) -> str:
    return service.world.slipway(kind, "ls").stdout.decode()
