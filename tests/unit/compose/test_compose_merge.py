# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How several Compose files become one: a row for each rule of the specification."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.slipway.engine.plugins.module_utils._runtime.compose.reading import (
    merge,
    yaml_text,
)

#: A key of a service, its value in the first file, in the second, and in both together.
ROWS: list[tuple[str, str, str, str]] = [
    # Single values are replaced, nothing changes nothing
    ("image", "a", "b", "b"),
    ("image", "a", "null", "a"),
    ("image", "null", "b", "b"),
    ("privileged", "true", "false", "false"),
    # Commands are replaced
    ("command", "[a, b]", "[c]", "[c]"),
    ("command", "a b", "[c]", "[c]"),
    ("entrypoint", "[a]", "b", "b"),
    ("command", "a", "null", "null"),
    ("entrypoint", "[a]", "null", "null"),
    ("healthcheck", "{test: a, retries: 1}", "{test: null}", "{test: null, retries: 1}"),
    ("healthcheck", "{test: [CMD, a], retries: 3}", "{test: [CMD, b]}",
     "{test: [CMD, b], retries: 3}"),
    # Names and values, in either form
    ("environment", "{A: 1, B: 2}", "{B: 3}", "{A: 1, B: 3}"),
    ("environment", "[A=1, B=2]", "[B=3, C]", "{A: '1', B: '3', C: null}"),
    ("environment", "{A: 1}", "[A=2]", "{A: '2'}"),
    ("labels", "[a=1]", "{b: 2}", "{a: '1', b: 2}"),
    ("sysctls", "{a: 1}", "[a=2]", "{a: '2'}"),
    ("annotations", "[a=1]", "[a=2]", "{a: '2'}"),
    ("extra_hosts", "['a:1.1.1.1', 'b=::1']", "{a: 2.2.2.2}", "{a: 2.2.2.2, b: '::1'}"),
    # Lists follow one another
    ("cap_add", "[A]", "[B]", "[A, B]"),
    ("cap_add", "[A, B]", "[A]", "[A, B]"),
    ("expose", "['1']", "['1', '2']", "['1', '2']"),
    ("security_opt", "[a]", "[b]", "[a, b]"),
    ("dns", "1.1.1.1", "[8.8.8.8]", "[1.1.1.1, 8.8.8.8]"),
    ("dns", "[1.1.1.1]", "1.1.1.1", "[1.1.1.1]"),
    ("dns_search", "a", "b", "[a, b]"),
    ("tmpfs", "/a", "[/b]", "[/a, /b]"),
    ("tmpfs", "['/a:size=1m']", "['/a:size=2m']", "['/a:size=2m']"),
    ("env_file", "a.env", "[b.env]", "[a.env, b.env]"),
    ("env_file", "[a.env]", "[{path: a.env, required: false}]",
     "[{path: a.env, required: false}]"),
    ("profiles", "[a]", "[b]", "[a, b]"),
    # By what they are about
    ("ports", "['80:80']", "['81:81']", "['80:80', '81:81']"),
    ("ports", "['80:80']", "['80:80']", "['80:80']"),
    ("ports", "['80:80']", "['80:80/udp']", "['80:80', '80:80/udp']"),
    ("ports", "['80:80']", "[{target: 80, published: 80, name: web}]",
     "[{target: 80, published: 80, name: web}]"),
    ("ports", "['8080:80']", "['9090:80']", "['8080:80', '9090:80']"),
    ("volumes", "[a:/x, b:/y]", "[c:/x]", "[c:/x, b:/y]"),
    ("volumes", "[a:/x]", "['a:/x:ro']", "['a:/x:ro']"),
    ("volumes", "[a:/x]", "[{type: bind, source: ., target: /x}]",
     "[{type: bind, source: ., target: /x}]"),
    ("volumes", "[/x]", "[a:/x/]", "[a:/x/]"),
    ("devices", "[/dev/a:/dev/x]", "[/dev/b:/dev/x]", "[/dev/b:/dev/x]"),
    ("secrets", "[a]", "[{source: a, mode: 256}, b]", "[{source: a, mode: 256}, b]"),
    ("secrets", "[{source: a, target: x}]", "[{source: b, target: /run/secrets/x}]",
     "[{source: b, target: /run/secrets/x}]"),
    ("configs", "[a]", "[{source: b, target: /a}]", "[{source: b, target: /a}]"),
    # Names, with what is said of each
    ("networks", "[a]", "[b]", "{a: null, b: null}"),
    ("networks", "[a]", "{a: {aliases: [x]}}", "{a: {aliases: [x]}}"),
    ("networks", "{a: {aliases: [x]}}", "{a: {aliases: [y]}, b: null}",
     "{a: {aliases: [x, y]}, b: null}"),
    ("networks", "{a: {aliases: [x]}}", "{a: {aliases: [x, y]}}", "{a: {aliases: [x, y]}}"),
    ("depends_on", "[a]", "{b: {condition: service_healthy}}",
     "{a: {condition: service_started}, b: {condition: service_healthy}}"),
    ("depends_on", "[a]", "{a: {condition: service_healthy}}",
     "{a: {condition: service_healthy}}"),
    # Mappings are joined
    ("deploy", "{resources: {limits: {cpus: 1}}}", "{resources: {limits: {memory: 1g}}}",
     "{resources: {limits: {cpus: 1, memory: 1g}}}"),
    ("ulimits", "{nofile: 1, nproc: 2}", "{nofile: {soft: 3, hard: 4}}",
     "{nofile: {soft: 3, hard: 4}, nproc: 2}"),
    ("ulimits", "{nofile: {soft: 1, hard: 2}}", "{nofile: {soft: 3, hard: 4}}",
     "{nofile: {soft: 3, hard: 4}}"),
    ("ulimits", "{nofile: {soft: 1, hard: 2}}", "{nofile: 5}", "{nofile: 5}"),
    ("blkio_config", "{weight: 10}", "{weight: 20}", "{weight: 20}"),
    ("build", ".", "{args: [A=1]}", "{context: ., args: [A=1]}"),
    ("build", "{context: ., args: {A: 1, B: 2}}", "{args: [B=3]}",
     "{context: ., args: {A: 1, B: '3'}}"),
    ("build", "{context: a}", "b", "{context: b}"),
    ("logging", "{driver: x, options: {a: 1}}", "{options: {b: 2}}",
     "{driver: x, options: {a: 1, b: 2}}"),
    ("logging", "{driver: x, options: {a: 1}}", "{driver: y, options: {b: 2}}",
     "{driver: y, options: {b: 2}}"),
    ("x-own", "{a: [1]}", "{a: [2]}", "{a: [1, 2]}"),
    # The tags
    ("ports", "['80:80']", "!reset []", "null"),
    ("image", "a", "!reset null", "null"),
    ("ports", "['80:80']", "!override ['81:81']", "['81:81']"),
    ("environment", "{A: 1}", "!override {B: 2}", "{B: 2}"),
    ("environment", "{A: 1, B: 2}", "{A: !reset null}", "{B: 2}"),
    ("command", "a", "!override 'b c'", "b c"),
    ("deploy", "{resources: {limits: {cpus: 1, pids: 2}}}",
     "{resources: {limits: !override {pids: 3}}}", "{resources: {limits: {pids: 3}}}"),
]  # fmt: skip


def read(text: str) -> Any:
    return yaml_text.load(text, "x")[0]


@pytest.mark.parametrize(("key", "one", "other", "both"), ROWS)
def test_a_key_of_a_service(key: str, one: str, other: str, both: str) -> None:
    first = read(f"services: {{a: {{z: 1, {key}: {one}}}}}")
    second = read(f"services: {{a: {{{key}: {other}}}}}")
    found = yaml_text.plain(merge.combined(first, second))
    assert found["services"]["a"].pop("z") == 1
    assert found["services"]["a"].get(key) == read(both)


@pytest.mark.parametrize(
    ("one", "other", "both"),
    [
        ("name: a", "name: b", "name: b"),
        ("networks: {a: {internal: true}}", "networks: {a: {labels: [x=1]}, b: }",
         "networks: {a: {internal: true, labels: [x=1]}, b: }"),
        ("networks: {a: {ipam: {config: [{subnet: 10.1.0.0/24}]}}}",
         "networks: {a: {ipam: {config: [{subnet: 10.2.0.0/24}]}}}",
         "networks: {a: {ipam: {config: [{subnet: 10.2.0.0/24}]}}}"),
        ("networks: {a: {ipam: {config: [{subnet: 10.1.0.0/24, gateway: 10.1.0.1}]}}}",
         "networks: {a: {ipam: {config: [{subnet: 10.1.0.0/24, ip_range: 10.1.0.0/25}]}}}",
         "networks: {a: {ipam: {config: [{subnet: 10.1.0.0/24, gateway: 10.1.0.1,"
         " ip_range: 10.1.0.0/25}]}}}"),
        ("networks: {a: {labels: [x=1]}}", "networks: {a: {labels: {x: 2}}}",
         "networks: {a: {labels: {x: 2}}}"),
        ("volumes: {a: }", "volumes: {a: {name: b}}", "volumes: {a: {name: b}}"),
        ("volumes: {a: {labels: [x]}}", "volumes: {a: {labels: [x=1]}}",
         "volumes: {a: {labels: {x: '1'}}}"),
        ("services: {a: {image: i}, b: {image: j}}", "services: {b: !reset null}",
         "services: {a: {image: i}}"),
        ("services: {a: {image: i, user: u}}", "services: {a: !override {image: j}}",
         "services: {a: {image: j}}"),
        ("secrets: {a: {file: x}}", "secrets: {a: {file: y}}", "secrets: {a: {file: y}}"),
        ("configs: {a: {content: x}}", "configs: {b: {content: y}}",
         "configs: {a: {content: x}, b: {content: y}}"),
    ],
)  # fmt: skip
def test_a_file(one: str, other: str, both: str) -> None:
    assert yaml_text.plain(merge.combined(read(one), read(other))) == read(both)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("yes", "yes"), ("no", "no"), ("on", "on"), ("true", True), ("~", None), ("", None),
        ("22:22", "22:22"), ("1.5", 1.5), ("0x1F", 31), ("0o17", 15), ("017", 15), ("09", 9.0),
        ("1_000", "1_000"), ("2001-01-01", "2001-01-01"), (".5", 0.5), ("1e3", 1000.0),
        ("=", "="), ("-3", -3), ("'5'", "5"), ("1.2.3", "1.2.3"),
    ],
)  # fmt: skip
def test_a_value_of_yaml(text: str, value: Any) -> None:
    assert read(f"a: {text}")["a"] == value
    assert type(read(f"a: {text}")["a"]) is type(value)


def test_anchors_and_their_keys() -> None:
    found = read("x: &x {a: 1, b: {c: 2}}\ny: {<<: *x, a: 3}\nz: {<<: [*x, {d: 4}]}\n")
    assert found["y"] == {"a": 3, "b": {"c": 2}}
    assert found["z"] == {"a": 1, "b": {"c": 2}, "d": 4}
