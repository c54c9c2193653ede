# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The inventory of containers, of this machine and of hosts behind a real OpenSSH server."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Optional

import pytest
from support import plays
from support.containers import World
from support.documented.examples import Example, inventories
from support.plays import Play
from support.servers import sshd

PLUGIN = {"plugin": "slipway.engine.containers"}


@pytest.fixture(scope="module")
def ssh(sandbox: Path) -> Iterator[sshd.SshHost]:
    with sshd.ssh_host(sandbox / "ssh") as made:
        yield made


def ask(
    directory: Path,
    config: Mapping[str, Any],
    hosts: Optional[Mapping[str, Any]] = None,
    name: str = "slipway.yml",
) -> tuple[dict[str, Any], str]:
    """What ``ansible-inventory --list`` says, and what it says besides."""
    (directory / name).write_text(json.dumps(config))
    (directory / "hosts.json").write_text(json.dumps(hosts or {"all": {}}))
    files = ["-i", str(directory / "hosts.json"), "-i", str(directory / name)]
    environment = Play(directory).environment()
    environment["ANSIBLE_INVENTORY_ANY_UNPARSED_IS_FAILED"] = "true"
    done = subprocess.run(
        [plays.program("ansible-inventory"), *files, "--playbook-dir", str(directory), "--list"],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )
    said = " ".join(done.stderr.split())
    return (json.loads(done.stdout) if done.returncode == 0 else {}), said


def plain(value: Any) -> Any:
    """Without the marks of values that are never templates."""
    if isinstance(value, dict):
        if set(value) == {"__ansible_unsafe"}:
            return value["__ansible_unsafe"]
        return {key: plain(item) for key, item in value.items()}
    return [plain(item) for item in value] if isinstance(value, list) else value


def hostvars(found: Mapping[str, Any]) -> dict[str, Any]:
    variables: dict[str, Any] = plain(found["_meta"]["hostvars"])
    return variables


def test_containers_of_the_controller(world: World, tmp_path: Path) -> None:
    labels = {"tier": "front", "trap": "{{ lookup('pipe', 'touch /tmp/trap') }}"}
    made = world.run("web", labels=labels)
    world.create("db", labels={"tier": "back"})
    config = {
        **PLUGIN,
        "groups": {"up": "docker_state.Running", "down": "not docker_state.Running"},
        "keyed_groups": [{"key": "docker_config.Labels.tier", "prefix": "tier"}],
        "compose": {"trap": "docker_config.Labels.trap | default('')", "named": "docker_name[1:]"},
    }
    found, said = ask(tmp_path, config)
    assert hostvars(found)["web"] == {
        "ansible_connection": "slipway.engine.container",
        "ansible_host": "web",
        "docker_name": "web",
        "docker_short_id": made.id[:13],
        "named": "web",
        "slipway_host": "localhost",
        "trap": labels["trap"],
    }, said
    groups = {name: found[name]["hosts"] for name in ("up", "down", "tier_front", "tier_back")}
    assert groups == {"up": ["web"], "down": ["db"], "tier_front": ["web"], "tier_back": ["db"]}
    assert not Path("/tmp/trap").exists()
    verbose = hostvars(ask(tmp_path, {**PLUGIN, "verbose_output": True})[0])["web"]
    assert verbose["docker_config"]["Labels"]["tier"] == "front"
    legacy = ask(tmp_path, {**PLUGIN, "add_legacy_groups": True})[0]
    assert legacy["running"]["hosts"] == ["web"] and legacy["stopped"]["hosts"] == ["db"]
    assert legacy[made.id[:13]]["hosts"] == ["web"]


def test_filters_and_names(world: World, tmp_path: Path) -> None:
    world.run("web", labels={"managed": "yes"})
    world.create("db")
    world.create("aux")

    def names(**options: Any) -> set[str]:
        found, said = ask(tmp_path, {**PLUGIN, **options})
        assert found, said
        return set(hostvars(found))

    assert names() == {"web", "db", "aux"}
    labelled = [{"include": "'managed' in docker_config.Labels"}, {"exclude": True}]
    assert names(filters=labelled) == {"web"}
    assert names(filters=[{"exclude": "docker_name == '/db'"}]) == {"web", "aux"}
    assert names(filters=[{"exclude": "no.such.variable"}]) == {"web", "db", "aux"}
    assert names(hostname="docker_name ~ '-' ~ slipway_host") >= {"web-localhost"}
    for options, complaint in (
        ({"filters": [{"include": "true", "exclude": "true"}]}, "one of include and exclude"),
        ({"filters": [{"exclude": "no.such.variable"}], "strict": True}, "no.such.variable"),
        ({"hostname": "'same'"}, "set the option hostname"),
        ({"hostname": "nope.nope"}, "hostname: nope.nope"),
    ):
        found, said = ask(tmp_path, {**PLUGIN, **options})
        assert not found and complaint in said


def test_hosts_over_ssh(world: World, ssh: sshd.SshHost, tmp_path: Path) -> None:
    """Of a group, in which variables of the group and its directory count; and one that is away."""
    world.run("web")
    variables = ssh.variables()
    user, port = variables.pop("ansible_user"), variables.pop("ansible_port")
    (tmp_path / "group_vars").mkdir()
    (tmp_path / "group_vars" / "servers.json").write_text(json.dumps({"ansible_port": port}))
    careful = {**variables, "ansible_user": sshd.CAREFUL, "ansible_become_password": "{{ said }}"}
    servers = {
        "hosts": {"one": variables, "two": {**careful, "said": sshd.PASSWORD}},
        "vars": {"ansible_user": user},
    }
    away = {"hosts": {"gone": {**variables, "ansible_port": 1, "ansible_user": user}}}
    hosts = {"all": {"children": {"servers": servers, "away": away}}}
    found, said = ask(tmp_path, {**PLUGIN, "hosts": ["servers", "one"]}, hosts)
    assert set(hostvars(found)) == {"one", "two", "gone", "web.one", "web.two"}, said
    assert hostvars(found)["web.two"]["ansible_slipway_host"] == "two"
    both = {**PLUGIN, "hosts": ["one", "gone"]}
    found, said = ask(tmp_path, both, hosts)
    assert not found and "the containers of gone cannot be read" in said
    found, said = ask(tmp_path, {**both, "ignore_unreachable": True}, hosts)
    assert "web.one" in hostvars(found) and "[WARNING]: the containers of gone" in said
    by_ssh = {**PLUGIN, "hosts": ["one"], "connection_type": "ssh"}
    assert "ansible_connection" not in hostvars(ask(tmp_path, by_ssh, hosts)[0])["web.one"]


def test_what_is_kept(world: World, tmp_path: Path) -> None:
    world.run("web")
    connection = str(tmp_path / "cache")
    cached = {"cache": True, "cache_plugin": "ansible.builtin.jsonfile"}
    config = {**PLUGIN, **cached, "cache_connection": connection}
    assert "web" in hostvars(ask(tmp_path, config)[0])
    world.create("later")
    assert set(hostvars(ask(tmp_path, config)[0])) == {"web"}
    assert set(hostvars(ask(tmp_path, PLUGIN)[0])) == {"web", "later"}


def test_a_host_without_containers_has_none(world: World, tmp_path: Path) -> None:
    assert ask(tmp_path, PLUGIN)[0]["_meta"]["hostvars"] == {}
    (world.layout.program / "current").unlink()
    assert ask(tmp_path, PLUGIN)[0]["_meta"]["hostvars"] == {}


def test_what_docker_containers_had(world: World, tmp_path: Path) -> None:
    """The file of community.docker's plugin, through the redirect, in a play."""
    world.run("web")
    play = Play(tmp_path)
    made = play.playbook("slipway.engine.redirect", "-e", f"redirect_project={tmp_path}")
    assert made.status == 0, made.output
    config = {
        "plugin": "community.docker.docker_containers",
        "docker_host": "unix:///var/run/docker.sock",
        "connection_type": "docker-api",
        "compose": {"ansible_connection": "'community.docker.docker_api'"},
        "groups": {"all_of_them": True},
    }
    found, said = ask(tmp_path, config, name="docker.yml")
    assert hostvars(found)["web"]["ansible_connection"] == "community.docker.docker_api", said
    assert "ignored options: docker_host." in said
    given = {"ansible_docker_extra_env": {"A": "b"}, "ansible_docker_user": "33"}
    check = {"ansible.builtin.raw": "test $A$(id -u) = b33", "vars": given}
    tasks = [check, {**check, "vars": {**given, "ansible_connection": "community.docker.docker"}}]
    (tmp_path / "play").mkdir()
    run = Play(tmp_path, str(tmp_path / "docker.yml")).plays(
        [{"hosts": "all_of_them", "gather_facts": False, "tasks": tasks}]
    )
    assert run.status == 0 and len(run.record) == 2, run.output


@pytest.mark.parametrize("example", inventories(), ids=[one.name for one in inventories()])
def test_examples(example: Example, world: World, ssh: sshd.SshHost, tmp_path: Path) -> None:
    labels = {"tier": "front", "managed": "yes"}
    world.run("web", labels=labels)
    hosts = {"hosts": {"server": ssh.variables()}}
    config = dict(example.inventory() or {})
    if "cache_connection" in config:
        config["cache_connection"] = str(tmp_path / "cache")
    found, said = ask(tmp_path, config, {"all": {"children": {"servers": hosts}}})
    assert any(name.startswith("web") for name in hostvars(found)), said
