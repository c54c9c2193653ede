# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Compose files, as tasks: variables, files of variables, several files, services, refusals."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from ansible_collections.slipway.engine.plugins.module_utils._runtime.base.errors import Error
from ansible_collections.slipway.engine.plugins.module_utils._runtime.cli.declare import compose
from ansible_collections.slipway.engine.plugins.module_utils._runtime.cli.declare.play.play import (
    Play,
)
from ansible_collections.slipway.engine.plugins.module_utils._runtime.compose.reading.files import (
    Asked,
)


def tasks(directory: Path, *texts: str, **asked: Any) -> tuple[dict[str, dict[str, Any]], Play]:
    """The options of each task by its name, of files with these contents."""
    paths = []
    for number, text in enumerate(texts):
        paths.append(directory / f"compose{number}.yaml")
        paths[-1].write_text(text)
    play = Play()
    compose.declare(play, paths, Asked(**{"project": "p", **asked}))
    [found] = yaml.safe_load(play.text("all", "x").replace("!unsafe ", ""))
    return {
        task["name"]: next(value for key, value in task.items() if key != "name")
        for task in found["tasks"]
    }, play


def service(directory: Path, text: str, **asked: Any) -> tuple[dict[str, Any], Play]:
    """The options of the service ``a``, of the image i."""
    lines = "\n".join(f"    {line}" for line in text.splitlines())
    image = "" if "image:" in text else "    image: i\n"
    found, play = tasks(directory, f"services:\n  a:\n{image}{lines}\n", **asked)
    return next(v for k, v in found.items() if k.startswith("Container ")), play


DEFAULT = [{"name": "p_default", "aliases": ["a"]}]

ROWS: list[tuple[str, dict[str, Any]]] = [
    ("", {"name": "p-a-1", "image": "i", "networks": DEFAULT}),
    ("container_name: c", {"name": "c"}),
    ("command: sh -c 'a b'", {"command": ["sh", "-c", "a b"]}),
    ("entrypoint: [a, 1]", {"entrypoint": ["a", "1"]}),
    ("ports: [22:22, '80', 127.0.0.1:53:53/udp]",
     {"published_ports": ["22:22", "80", "127.0.0.1:53:53/udp"]}),
    ("ports: [{target: 80, published: '8080', host_ip: '::1', protocol: udp}]",
     {"published_ports": ["[::1]:8080:80/udp"]}),
    ("environment: {A: yes, B: 1.50, C: true, D: null}",
     {"env": {"A": "yes", "B": "1.5", "C": "true"}}),
    ("environment: [A=b=c, D=]", {"env": {"A": "b=c", "D": ""}}),
    ("restart: on-failure:3", {"restart_policy": "on-failure", "restart_retries": 3}),
    ("restart: 'no'", {"restart_policy": None}),
    ("privileged: '${NOT_THERE:-false}'\nread_only: '${NOT_THERE:-true}'",
     {"privileged": None, "read_only": True}),
    ("ulimits: {nproc: 5, nofile: {soft: 1, hard: 2}}", {"ulimits": ["nproc:5:5", "nofile:1:2"]}),
    ("extra_hosts: ['a:1.2.3.4', 'b=::1']", {"etc_hosts": {"a": "1.2.3.4", "b": "::1"}}),
    ("healthcheck: {disable: true}", {"healthcheck": {"test": ["NONE"]}}),
    ("healthcheck: {interval: 1m}",
     {"healthcheck": {"interval": "1m", "test_cli_compatible": True}}),
    ("volumes: [/x, ./y:/y:ro, ~/z:/z]", {"volumes": ["/x", "{here}/y:/y:ro", "/root/z:/z"]}),
    ("volumes: [{type: bind, source: ./y, target: /y, read_only: true}]",
     {"mounts": [{"type": "bind", "target": "/y", "source": "{here}/y", "read_only": True,
                  "create_mountpoint": True}]}),
    ("network_mode: host", {"network_mode": "host", "networks": None}),
    ("stop_grace_period: 1m30s", {"stop_timeout": 90}),
    ("pull_policy: always", {"pull": "always"}),
    ("logging: {driver: local, options: {max-file: 3}}",
     {"log_driver": "local", "log_options": {"max-file": "3"}}),
    ("deploy: {resources: {limits: {cpus: '0.5', memory: 1g, pids: 9}}}",
     {"cpus": 0.5, "memory": "1g", "pids_limit": 9}),
    ("deploy: {restart_policy: {condition: on-failure, max_attempts: 2}}",
     {"restart_policy": "on-failure", "restart_retries": 2}),
    ("labels: [a=b, c]", {"labels": {"a": "b", "c": ""}}),
    ("build: .\nimage: j", {"image": "j"}),
]  # fmt: skip


@pytest.mark.parametrize(("text", "wanted"), ROWS)
def test_a_service(
    tmp_path: Path, text: str, wanted: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", "/root")
    found = service(tmp_path, text)[0]
    here = str(tmp_path)
    assert {key: found.get(key) for key in wanted} == yaml.safe_load(
        yaml.safe_dump(wanted).replace("{here}", here)
    )


NAMED = [
    ("annotations: {a: b}", "services.a.annotations: is left out: nothing here stands for it"),
    ("develop: {watch: []}", "services.a.develop: is left out: it is for the work on an image"),
    ("build: .", "build the image i before"),
    ("environment: [NOT_THERE_AT_ALL]", "environment: NOT_THERE_AT_ALL is left out"),
    ("deploy: {placement: {}}", "services.a.deploy.placement: is left out: it is for a swarm"),
    ("userns_mode: x", "(userns_mode is left out)"),
    ("ports: ['x', '80']", "published_ports: 'x' is not valid"),
    ("image: '${NOT_THERE_AT_ALL}i'", "the variable NOT_THERE_AT_ALL is not set"),
]


@pytest.mark.parametrize(("text", "said"), NAMED)
def test_what_is_left_out_is_named(tmp_path: Path, text: str, said: str) -> None:
    notes = service(tmp_path, text)[1].notes
    assert any(said in note for note in notes), notes


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("services: {a: {image: i, nonsense: 1}}", "services.a.nonsense: unknown key"),
        ("services: {a: {image: i, secrets: [x]}}", "x is not declared; add it to secrets"),
        ("services: {a: {}}", "services.a: it has neither image nor build"),
        ("services: {a: {image: i, networks: [b]}}", "the network b is used and not declared"),
        ("services: {a: {image: i, volumes: ['b:/b']}}", "the volume b is used and not declared"),
        ("services: {a: {image: i, volumes_from: [b]}}", "the service b is used and is not there"),
        ("services: {a: {image: '$'}}", "services.a.image: '$' has a $ alone"),
        ("services: {a: {image: '${A:?say it}'}}", "the variable A is needed: say it"),
        ("services: {a: {image: '${A'}}", "lacks a closing brace"),
        ("services: {a: {image: i, cpus: x}}", "services.a.cpus: its form is not understood"),
        ("services: {a: {image: i}, a: {image: j}}", "the key 'a' stands twice"),
        ("services: {a: !reset {}}", "services: there are none"),
        ("services: [", "compose0.yaml:1: "),
        ("- a", "it is not a Compose file"),
        ("services:\n a: {image: i, depends_on: [b]}\n b: {image: i, depends_on: [a]}",
         "p-a-1, p-b-1 need one another in a circle"),
    ],
)  # fmt: skip
def test_what_is_refused(tmp_path: Path, text: str, said: str) -> None:
    with pytest.raises(Error) as found:
        tasks(tmp_path, text)
    assert said in str(found.value)


def test_a_project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FROM_AROUND", "yes")
    (tmp_path / ".env").write_text("TAG=16\nFROM_AROUND=no\n")
    (tmp_path / "db.env").write_text("POSTGRES_PASSWORD=geheim\nMODE=file\n")
    first = """\
name: shop
x-a: &a {restart: always}
services:
  web:
    <<: *a
    image: web
    depends_on: {db: {condition: service_healthy}}
    networks: {default: , front: {aliases: [w], ipv4_address: 10.7.0.2}}
    deploy: {replicas: 2}
    links: ["db:base"]
  db:
    <<: *a
    image: postgres:${TAG}-${FROM_AROUND}
    env_file: [db.env, {path: missing.env, required: false}]
    environment: {MODE: mine}
    volumes: [data:/data, shared:/shared]
  debug: {image: i, profiles: [tools]}
networks:
  front: {internal: true, ipam: {config: [{subnet: 10.7.0.0/24, ip_range: 10.7.0.0/28}]}}
  unused: {}
volumes:
  data: {labels: [a=b], driver_opts: {type: nfs, device: ":/x", o: "addr=1.2.3.4"}}
  shared: {external: true, name: common}
"""
    second = "services:\n  web: {environment: [B=2], restart: 'no'}\n  db: {environment: {B: 2}}\n"
    found, play = tasks(tmp_path, first, second, project="")
    assert list(found) == [
        "Network shop_front", "Network shop_default", "Volume shop_data", "Container shop-db-1",
        "Container shop-web-1", "Container shop-web-2",
    ]  # fmt: skip
    assert found["Network shop_front"] == {
        "name": "shop_front", "internal": True,
        "ipam_config": [{"subnet": "10.7.0.0/24", "iprange": "10.7.0.0/28"}],
    }  # fmt: skip
    assert found["Volume shop_data"] == {
        "name": "shop_data", "labels": {"a": "b"},
        "driver_options": {"type": "nfs", "device": ":/x", "o": "addr=1.2.3.4"},
    }  # fmt: skip
    db = found["Container shop-db-1"]
    assert db["image"] == "postgres:16-yes"
    assert db["env"] == {"MODE": "mine", "B": "2"}
    assert db["secret_env"] == {"POSTGRES_PASSWORD": "{{ shop_db_postgres_password }}"}
    assert (db["volumes"], db["state"]) == (["shop_data:/data", "common:/shared"], "healthy")
    web = found["Container shop-web-2"]
    assert "restart_policy" not in web and web["env"] == {"B": "2"}
    assert web["networks"] == [
        {"name": "shop_default", "aliases": ["web"], "links": ["shop-db-1:base"]},
        {"name": "shop_front", "ipv4_address": "10.7.0.2", "aliases": ["web", "w"],
         "links": ["shop-db-1:base"]},
    ]  # fmt: skip
    assert play.secrets == {"shop_db_postgres_password": "geheim"}
    assert "Container shop-debug-1" in tasks(tmp_path, first, project="", profiles=("tools",))[0]


def test_secrets_are_for_a_vault(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TOKEN", "geheim")
    text = (
        "services: {a: {image: i, secrets: [t, f], configs: [c]}}\n"
        "secrets: {t: {environment: TOKEN}, f: {file: x}}\nconfigs: {c: {content: open}}\n"
    )
    found, play = tasks(tmp_path, text)
    options = found["Container p-a-1"]
    assert play.secrets == {"p_a_t": "geheim"}
    [secret], [config], [mount] = options["secrets"], options["configs"], options["mounts"]
    assert (secret["content"], secret["target"]) == ("{{ p_a_t }}", "/run/secrets/t")
    assert (config["content"], config["target"]) == ("open", "/c")
    assert (mount["source"], mount["target"]) == (str(tmp_path / "x"), "/run/secrets/f")


def test_without_a_parser_one_sentence_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "yaml", None)
    path = tmp_path / "compose.yaml"
    path.write_text("services: {}")
    with pytest.raises(Error) as found:
        compose.declare(Play(), [path], Asked())
    assert str(found.value) == (
        "reading Compose files needs PyYAML, which this Python does not have; install the package"
        " python3-yaml"
    )
