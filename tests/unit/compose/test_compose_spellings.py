# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Short and long ways to write one thing in a Compose file come to the same container, as they are
the same in what docker compose config prints.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from ansible_collections.slipway.engine.plugins.module_utils._runtime.compose.base.findings import (
    Findings,
)
from ansible_collections.slipway.engine.plugins.module_utils._runtime.compose.compiled import (
    compile_project,
)
from ansible_collections.slipway.engine.plugins.module_utils._runtime.compose.reading import (
    files,
    project,
)
from ansible_collections.slipway.engine.plugins.module_utils._runtime.container.option import (
    catalogue,
)
from ansible_collections.slipway.engine.plugins.module_utils._runtime.resource.container import (
    declare,
)

SAME: list[tuple[str, str]] = [
    # Ports
    ("ports: [80]", "ports: ['80']"),
    ("ports: [80]", "ports: [{target: 80}]"),
    ("ports: ['80/udp']", "ports: [{target: '80', protocol: udp}]"),
    ("ports: ['8080:80']", "ports: [{target: 80, published: 8080}]"),
    ("ports: ['8080:80']", "ports: [{target: 80, published: '8080', protocol: tcp, mode: host}]"),
    ("ports: ['8080:80']", "ports: ['8080:80/tcp']"),
    ("ports: ['127.0.0.1:8080:80/udp']",
     "ports: [{target: 80, published: 8080, host_ip: 127.0.0.1, protocol: udp}]"),
    ("ports: ['127.0.0.1::80']", "ports: [{target: 80, host_ip: 127.0.0.1}]"),
    ("ports: ['[::1]:8080:80']", "ports: [{target: 80, published: 8080, host_ip: '::1'}]"),
    ("ports: ['8080-8082:80-82']", "ports: ['8080:80', '8081:81', '8082:82']"),
    ("ports: ['8080-8082:80']", "ports: [{target: 80, published: 8080-8082}]"),
    # Volumes
    ("volumes: ['v:/x']", "volumes: [{type: volume, source: v, target: /x}]"),
    ("volumes: ['v:/x:ro']", "volumes: [{type: volume, source: v, target: /x, read_only: true}]"),
    ("volumes: ['v:/x:nocopy']",
     "volumes: [{type: volume, source: v, target: /x, volume: {nocopy: true}}]"),
    ("volumes: [/x]", "volumes: [{type: volume, target: /x}]"),
    ("volumes: ['./d:/x']", "volumes: [{type: bind, source: ./d, target: /x}]"),
    ("volumes: ['/d:/x:ro,rslave']",
     "volumes: [{type: bind, source: /d, target: /x, read_only: true,"
     " bind: {propagation: rslave, create_host_path: true}}]"),
    ("volumes: ['~/d:/x']", "volumes: [{type: bind, source: ~/d, target: /x}]"),
    ("tmpfs: /x", "tmpfs: [/x]"),
    ("tmpfs: '/x:size=1m,mode=700'",
     "volumes: [{type: tmpfs, target: /x, tmpfs: {size: 1048576, mode: 0700}}]"),
    # Secrets and configs
    ("secrets: [s]", "secrets: [{source: s}]"),
    ("secrets: [s]", "secrets: [{source: s, target: s}]"),
    ("secrets: [s]", "secrets: [{source: s, target: /run/secrets/s}]"),
    ("secrets: [s]", "secrets: [{source: s, mode: 0444}]"),
    ("secrets: [{source: s, mode: 0400}]", "secrets: [{source: s, mode: '0400'}]"),
    ("configs: [t]", "configs: [{source: t, target: /t}]"),
    # Names and values
    ("environment: [A=1, B=x y, C=]", "environment: {A: 1, B: x y, C: ''}"),
    ("environment: [HERE]", "environment: {HERE: }"),
    ("environment: {A: true, B: 1.5}", "environment: {A: 'true', B: '1.5'}"),
    ("environment: {A: $HERE}", "environment: {A: around}"),
    ("environment: {A: '${NOT-x}$$'}", "environment: {A: 'x$$'}"),
    ("env_file: a.env", "env_file: [a.env]"),
    ("env_file: a.env", "env_file: [{path: ./a.env, required: true}]"),
    ("env_file: [a.env, {path: none.env, required: false}]", "environment: {A: '1', Q: 'a b'}"),
    ("env_file: a.env\nenvironment: {A: 2}", "environment: {A: '2', Q: 'a b'}"),
    ("env_file: [{path: a.env, format: raw}]", "environment: {A: '1', Q: \"'a b'\"}"),
    ("labels: [a=b, c]", "labels: {a: b, c: }"),
    ("label_file: a.env", "labels: {A: 1, Q: a b}"),
    ("sysctls: [net.core.somaxconn=9]", "sysctls: {net.core.somaxconn: 9}"),
    # Commands
    ("command: sh -c 'a b'", "command: [sh, -c, a b]"),
    ("command: echo a\\ b \"c d\"", "command: [echo, a b, c d]"),
    ("command: ''", "command: []"),
    ("entrypoint: a b", "entrypoint: [a, b]"),
    ("healthcheck: {test: a b}", "healthcheck: {test: [CMD-SHELL, a b]}"),
    ("healthcheck: {disable: true}", "healthcheck: {test: [NONE]}"),
    ("healthcheck: {test: [CMD, a], interval: 1m30s}",
     "healthcheck: {test: [CMD, a], interval: 90s}"),
    # Networks
    ("networks: [n]", "networks: {n: }"),
    ("networks: [n]", "networks: {n: {}}"),
    ("", "networks: [default]"),
    ("", "networks: {default: }"),
    ("networks: {n: {aliases: [x, x, a]}}", "networks: {n: {aliases: [a, x]}}"),
    ("links: [b]", "links: ['b:b']"),
    # What a service may take
    ("mem_limit: 1g", "mem_limit: 1073741824"),
    ("mem_limit: 1g", "deploy: {resources: {limits: {memory: 1024M}}}"),
    ("mem_reservation: 64m", "deploy: {resources: {reservations: {memory: 64m}}}"),
    ("cpus: 1.5", "deploy: {resources: {limits: {cpus: '1.5'}}}"),
    ("pids_limit: 9", "deploy: {resources: {limits: {pids: 9}}}"),
    ("ulimits: {nofile: 5}", "ulimits: {nofile: {soft: 5, hard: 5}}"),
    ("shm_size: 64mb", "shm_size: 64m"),
    ("devices: [/dev/null]", "devices: ['/dev/null:/dev/null:rwm']"),
    ("devices: ['/dev/null:/dev/x:r']",
     "devices: [{source: /dev/null, target: /dev/x, permissions: r}]"),
    ("dns: 1.1.1.1", "dns: [1.1.1.1]"),
    ("dns_search: x.org", "dns_search: [x.org]"),
    ("extra_hosts: ['x:1.1.1.1']", "extra_hosts: {x: 1.1.1.1}"),
    ("extra_hosts: ['x=::1']", "extra_hosts: ['x=[::1]']"),
    ("restart: 'no'", "restart: no"),
    ("restart: on-failure:3", "deploy: {restart_policy: {condition: on-failure, max_attempts: 3}}"),
    ("restart: always", "deploy: {restart_policy: {condition: any}}"),
    ("stop_grace_period: 1m", "stop_grace_period: 60s"),
    ("privileged: 'true'\ntty: 'yes'", "privileged: true\ntty: true"),
    ("init: ${NOT:-true}", "init: true"),
    ("x-a: {b: c}", ""),
    ("expose: [80, '81/udp']", "expose: ['80', '81/udp']"),
    ("extends: {service: base}", "user: '5'\nlabels: {of: base}"),
    ("extends: base\nlabels: [own=x]", "user: '5'\nlabels: {of: base, own: x}"),
    ("extends: base\nuser: !reset null", "labels: {of: base}"),
    ("extends: base\nlabels: !override {x: y}", "user: '5'\nlabels: {x: y}"),
]  # fmt: skip

AROUND = """
  b: {image: i}
  base: {image: j, user: 5, labels: [of=base]}
networks: {n: }
volumes: {v: }
secrets: {s: {content: x}}
configs: {t: {content: y}}
"""


def values(directory: Path, text: str) -> Any:
    """What a service says, as its container is declared."""
    lines = "\n".join(f"    {line}" for line in text.splitlines())
    (directory / "compose.yaml").write_text(f"services:\n  a:\n    image: i\n{lines}\n{AROUND}")
    findings = Findings()
    asked = files.Asked(directory=str(directory), project="p", around={"HERE": "around"})
    found = project.project(files.read(asked, findings), asked, findings)
    compiled = compile_project(found, findings)
    assert [*findings.mistakes, *findings.left_out] == []
    options = next(entry.options for entry in compiled.containers if entry.key == "a")
    params = {**catalogue.defaults(), **options, "state": "started"}
    return dict(declare.declare(params).values)


@pytest.mark.parametrize(("one", "other"), SAME)
def test_two_ways_to_say_it(tmp_path: Path, one: str, other: str) -> None:
    (tmp_path / "a.env").write_text("A=1\nQ='a b'\n")
    assert values(tmp_path, one) == values(tmp_path, other)


def test_they_say_something(tmp_path: Path) -> None:
    """No row is the same as nothing, but those that say so."""
    (tmp_path / "a.env").write_text("A=1\nQ='a b'\n")
    nothing = values(tmp_path, "")
    silent = {one for pair in SAME if "" in pair for one in pair}
    for pair in SAME:
        for text in set(pair) - silent - {"command: ''", "command: []"}:
            assert values(tmp_path, text) != nothing, text


def test_a_row_is_yaml() -> None:
    for pair in SAME:
        for text in pair:
            assert "!" in text or isinstance(yaml.safe_load(text or "{}"), dict)
