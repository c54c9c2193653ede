# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a project comes to: options of containers, networks, volumes and images, and mistakes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from ansible_collections.slipway.engine.plugins.module_utils._runtime.compose.base.findings import (
    Findings,
)
from ansible_collections.slipway.engine.plugins.module_utils._runtime.compose.compiled import (
    Compiled,
    compile_project,
)
from ansible_collections.slipway.engine.plugins.module_utils._runtime.compose.reading import (
    files,
    project,
)


def compiled(directory: Path, text: str, **asked: Any) -> tuple[Compiled, Findings]:
    (directory / "compose.yaml").write_text(text)
    findings = Findings()
    scale = asked.pop("scale", None)
    wanted = files.Asked(**{"directory": str(directory), "project": "p", **asked})
    found = project.project(files.read(wanted, findings), wanted, findings, (), scale)
    return compile_project(found, findings), findings


AROUND = """
  b: {image: i}
  c: {image: i, container_name: see}
networks: {n: , ext: {external: true}, named: {name: other}}
volumes: {v: , ext: {external: true, name: theirs}}
secrets: {s: {file: s.txt}, e: {environment: TOKEN}}
configs: {t: {content: "hello ${TOKEN}"}}
"""

DEFAULT = [{"name": "p_default", "aliases": ["a"]}]

#: What the service a says besides its image, and some options of its container.
OPTIONS: list[tuple[str, dict[str, Any]]] = [
    ("", {"name": "p-a-1", "image": "i", "networks": DEFAULT}),
    ("mem_limit: 1g\nmem_reservation: 512m\nmemswap_limit: -1\nmem_swappiness: 0",
     {"memory": "1g", "memory_reservation": "512m", "memory_swap": "unlimited",
      "memory_swappiness": 0}),
    ("cpus: '1.5'\ncpu_shares: 5\ncpuset: 0-1\npids_limit: 7",
     {"cpus": 1.5, "cpu_shares": 5, "cpuset_cpus": "0-1", "pids_limit": 7}),
    ("restart: unless-stopped", {"restart_policy": "unless-stopped"}),
    ("restart: 'no'", {"restart_policy": "no"}),
    ("restart: on-failure:4", {"restart_policy": "on-failure", "restart_retries": 4}),
    ("deploy: {restart_policy: {condition: none}}", {"restart_policy": "no"}),
    ("restart: always\ndeploy: {restart_policy: {condition: none}}",
     {"restart_policy": "always"}),
    ("cpus: 2\ndeploy: {resources: {limits: {cpus: 1}}}", {"cpus": 2.0}),
    ("deploy: {resources: {reservations: {memory: 9m}}}", {"memory_reservation": "9m"}),
    ("deploy: {update_config: {order: start-first}}",
     {"update": "start_first", "share_volumes": True}),
    ("deploy: {update_config: {order: stop-first}}", {"update": "stop_first"}),
    ("network_mode: service:b", {"network_mode": "container:p-b-1", "networks": None}),
    ("network_mode: service:c", {"network_mode": "container:see"}),
    ("network_mode: container:x", {"network_mode": "container:x"}),
    ("network_mode: none", {"network_mode": "none", "networks": None}),
    ("pid: service:b\nipc: service:c",
     {"pid_mode": "container:p-b-1", "ipc_mode": "container:see"}),
    ("pid: host\nipc: shareable\nuts: host\ncgroup: host",
     {"pid_mode": "host", "ipc_mode": "shareable", "uts": "host", "cgroupns_mode": "host"}),
    ("networks: [n, ext, named]",
     {"networks": [{"name": "p_n", "aliases": ["a"]}, {"name": "ext", "aliases": ["a"]},
                   {"name": "other", "aliases": ["a"]}]}),
    ("networks: {n: {priority: 1}, default: {priority: 2}}",
     {"networks": [{"name": "p_default", "aliases": ["a"]}, {"name": "p_n", "aliases": ["a"]}]}),
    ("networks: {n: {ipv4_address: 10.1.1.1, mac_address: 02:00:00:00:00:01, gw_priority: 3}}",
     {"networks": [{"name": "p_n", "ipv4_address": "10.1.1.1", "gw_priority": 3,
                    "mac_address": "02:00:00:00:00:01", "aliases": ["a"]}]}),
    ("networks: {n: {interface_name: front}}",
     {"networks": [{"name": "p_n", "aliases": ["a"],
                    "driver_opts": {"com.docker.network.endpoint.ifname": "front"}}]}),
    ("links: [b, 'c:db']\nexternal_links: ['x:y']",
     {"networks": [{"name": "p_default", "aliases": ["a"],
                    "links": ["p-b-1:b", "see:db", "x:y"]}]}),
    ("volumes_from: [b, 'c:ro', 'container:x:ro']",
     {"volumes_from": ["p-b-1", "see:ro", "x:ro"]}),
    ("volumes: ['v:/v:ro', 'ext:/e', './d:/d', /anonymous]",
     {"volumes": ["p_v:/v:ro", "theirs:/e", "{here}/d:/d", "/anonymous"]}),
    ("volumes: [{type: volume, source: v, target: /v, volume: {nocopy: true, subpath: s}}]",
     {"mounts": [{"type": "volume", "source": "p_v", "target": "/v", "no_copy": True,
                  "subpath": "s"}]}),
    ("volumes: [{type: bind, source: d, target: /d, bind: {create_host_path: false}}]",
     {"mounts": [{"type": "bind", "source": "{here}/d", "target": "/d",
                  "create_mountpoint": False}]}),
    ("volumes: [{type: tmpfs, target: /t, tmpfs: {size: 1m, mode: 01777}}]",
     {"mounts": [{"type": "tmpfs", "target": "/t", "tmpfs_size": "1048576",
                  "tmpfs_mode": "1777"}]}),
    ("secrets: [s]", {"mounts": [{"type": "bind", "source": "{here}/s.txt",
                                  "target": "/run/secrets/s", "read_only": True}]}),
    ("secrets: [{source: s, target: pw}]",
     {"mounts": [{"type": "bind", "source": "{here}/s.txt", "target": "/run/secrets/pw",
                  "read_only": True}]}),
    ("secrets: [{source: s, target: /etc/pw}]",
     {"mounts": [{"type": "bind", "source": "{here}/s.txt", "target": "/etc/pw",
                  "read_only": True}]}),
    ("devices: ['/dev/a:/dev/b', {source: /dev/c, permissions: r}]",
     {"devices": ["/dev/a:/dev/b", "/dev/c:/dev/c:r"]}),
    ("blkio_config: {weight: 300, device_read_bps: [{path: /dev/a, rate: 1mb}]}",
     {"blkio_weight": 300, "device_read_bps": [{"path": "/dev/a", "rate": "1mb"}]}),
    ("healthcheck: {test: curl x, interval: 5s, retries: 2}",
     {"healthcheck": {"test": "curl x", "interval": "5s", "retries": 2}}),
    ("healthcheck: {test: NONE}", {"healthcheck": {"test": ["NONE"]}}),
    ("ports: [{target: 80, published: '8000-8005', mode: host, name: web, app_protocol: http}]",
     {"published_ports": ["8000-8005:80"]}),
    ("stop_grace_period: 90s\nstop_signal: INT", {"stop_timeout": 90, "stop_signal": "INT"}),
    ("pull_policy: build\nbuild: .", {"pull": "never"}),
    ("pull_policy: if_not_present", {"pull": "missing"}),
    ("pull_policy: daily", {"pull": "daily"}),
    ("pull_policy: every_1d12h", {"pull": "every_1d12h"}),
    ("attach: false\nx-own: 1\nisolation: default", {"image": "i"}),
    ("labels: {l: yes}\nlabel_file: l.env", {"labels": {"l": "yes", "f": "1"}}),
    ("env_file: [{path: not-there, required: false}, e.env]\nenvironment: {B: }",
     {"env": {"A": "1"}}),
    ("environment: [TOKEN]", {"env": {"TOKEN": "t0"}}),
    ("group_add: [5, wheel]\ninit: true\ntty: 'true'",
     {"groups": ["5", "wheel"], "init": True, "tty": True}),
    ("dns: 1.1.1.1\ndns_search: [a, b]\ndns_opt: [ndots:2]\nextra_hosts: ['x=::1']",
     {"dns_servers": ["1.1.1.1"], "dns_search_domains": ["a", "b"], "dns_opts": ["ndots:2"],
      "etc_hosts": {"x": "::1"}}),
]  # fmt: skip


def service(text: str) -> str:
    lines = "\n".join(f"    {line}" for line in text.splitlines())
    return f"services:\n  a:\n    image: i\n{lines}\n{AROUND}"


@pytest.mark.parametrize(("text", "wanted"), OPTIONS)
def test_a_service(tmp_path: Path, text: str, wanted: dict[str, Any]) -> None:
    (tmp_path / "e.env").write_text("A=1")
    (tmp_path / "l.env").write_text("f=1")
    found, findings = compiled(tmp_path, service(text), around={"TOKEN": "t0"})
    assert [*findings.mistakes, *findings.left_out] == []
    options = next(entry.options for entry in found.containers if entry.key == "a")
    wanted = yaml.safe_load(yaml.safe_dump(wanted).replace("{here}", str(tmp_path)))
    assert {key: options.get(key) for key in wanted} == wanted


#: What the service a says besides its image, and the lines that are said of it.
WRONG: list[tuple[str, str]] = [
    ("nonsense: 1", "services.a.nonsense: unknown key"),
    ("enviroment: {}", "services.a.enviroment: unknown key; did you mean environment?"),
    ("healthcheck: {tests: x}", "services.a.healthcheck.tests: unknown key; did you mean test?"),
    ("healthcheck: x", "services.a.healthcheck: its form is not understood: a mapping"),
    ("deploy: {replica: 2}", "services.a.deploy.replica: unknown key; did you mean replicas?"),
    ("deploy: {replicas: -1}", "services.a.scale: its form is not understood: it is less"),
    ("deploy: {resources: {limits: {cpu: 1}}}",
     "services.a.deploy.resources.limits.cpu: unknown key; did you mean cpus?"),
    ("deploy: {resources: {reservations: {devices: [{driver: x}]}}}",
     "services.a.deploy.resources.reservations.devices: list the device nodes"),
    ("deploy: {restart_policy: {condition: x}}",
     "services.a.deploy.restart_policy.condition: 'x' is none of any"),
    ("deploy: {update_config: {order: start_first}}",
     "services.a.deploy.update_config.order: 'start_first' is none of stop-first, start-first"),
    ("deploy: {update_config: {orders: x}}", "services.a.deploy.update_config.orders: unknown key"),
    ("ports: '80'", "services.a.ports: its form is not understood: a list is expected"),
    ("ports: [{published: 1}]", "services.a.ports: target is required"),
    ("ports: [{target: 1, tcp: true}]", "services.a.ports[0].tcp: unknown key"),
    ("volumes: x", "services.a.volumes: a list is expected"),
    ("volumes: ['q:/q']", "services.a.volumes[0]: the volume q is used and not declared"),
    ("volumes: [{type: bind, source: x}]", "services.a.volumes[0]: target is required"),
    ("volumes: [{type: npipe, source: x, target: y}]", "services.a.volumes[0].type: 'npipe'"),
    ("volumes: [{type: volume, target: /x, volume: {nocopi: true}}]",
     "services.a.volumes[0].volume.nocopi: unknown key; did you mean nocopy?"),
    ("volumes: [{type: bind, source: x, target: /y, bind: {recursive: writable}}]",
     "services.a.volumes[0].bind.recursive: nothing here stands for it"),
    ("networks: [q]", "services.a.networks: the network q is used and not declared"),
    ("networks: {n: {alias: [x]}}", "services.a.networks.n.alias: unknown key"),
    ("networks: {n: {link_local_ips: [x]}}", "services.a.networks.n.link_local_ips: nothing"),
    ("network_mode: n", "services.a.network_mode: 'n' is none of none, host"),
    ("network_mode: service:q", "services.a.network_mode: the service q is used and is not there"),
    ("network_mode: host\nnetworks: [n]", "services.a.network_mode: only one of it and networks"),
    ("pid: service:q", "services.a.pid: the service q is used and is not there"),
    ("links: [q]", "services.a.links: the service q is used and is not there"),
    ("volumes_from: [q]", "services.a.volumes_from: the service q is used"),
    ("depends_on: [q]", "services.a.depends_on: the service q is not there"),
    ("depends_on: {b: {condition: ready}}", "services.a.depends_on.b.condition: 'ready' is none"),
    ("depends_on: {b: {when: x}}", "services.a.depends_on.b.when: unknown key"),
    ("depends_on: 5", "services.a.depends_on: a list or a mapping of services is expected"),
    ("secrets: [q]", "services.a.secrets[0]: q is not declared; add it to secrets"),
    ("configs: [{target: x}]", "services.a.configs[0]: source is required"),
    ("secrets: [{source: s, modes: 1}]", "services.a.secrets[0].modes: unknown key"),
    ("secrets: [{source: e, mode: '9'}]", "services.a.secrets[0]: its form is not understood"),
    ("env_file: q.env", "services.a.env_file[0]: {here}/q.env: No such file"),
    ("env_file: [{path: q, format: raw, optional: 1}]", "services.a.env_file[0].optional: unknown"),
    ("cpus: x", "services.a.cpus: its form is not understood"),
    ("privileged: maybe", "services.a.privileged: its form is not understood: 'maybe'"),
    ("stop_grace_period: x", "services.a.stop_grace_period: "),
    ("restart: on-failure:x", "services.a.restart: its form is not understood"),
    ("build: {contxt: .}", "services.a.build.contxt: unknown key; did you mean context?"),
    ("build: {dockerfile: x, dockerfile_inline: FROM x}",
     "services.a.build: only one of dockerfile and dockerfile_inline"),
    ("build: {secrets: [q]}", "services.a.build.secrets[0]: q is not declared; add it to secrets"),
    ("build: {secrets: [{source: s, modes: 1}]}", "services.a.build.secrets[0].modes: unknown"),
    ("build: {additional_contexts: {x: 'https://example.com/x.tar'}}",
     "services.a.build.additional_contexts.x: a context is a directory of the host"),
    ("build: {context: 'https://example.com/x.git#-x'}",
     "services.a.build.context: https://example.com/x.git: '-x' is not a branch"),
    ("build: {additional_contexts: ['x=service:b']}",
     "services.a.build.additional_contexts.x: the service b builds no image"),
    ("build: {ulimits: {nofile: {soft: 1}}}", "services.a.build.ulimits: hard is required"),
    ("build: {ssh: [default]}", "services.a.build.ssh: default has no agent: SSH_AUTH_SOCK is not"),
    ("build: {cache_to: [type=inline, type=gha]}",
     "services.a.build.cache_to[1]: cache_to: the type 'gha' is not supported"),
    ("build: {cache_from: ['type=local,dest=/x']}",
     "services.a.build.cache_from[0]: cache_from: 'type=local,dest=/x' has the unknown attribute"),
    ("build: {additional_contexts: {x: 'target:b'}}",
     "services.a.build.additional_contexts.x: targets are of files of bake; use service:NAME"),
    ("build: {entitlements: [x]}", "services.a.build.entitlements: a build has no more rights"),
    ("build: {isolation: x}", "services.a.build.isolation: it is for Windows"),
    ("build: {privileged: true}", "services.a.build.privileged: a build has no more rights"),
    ("build: https://example.com/x.tar", "services.a.build.context: a context is a directory"),
    ("build: {platforms: [linux/amd64, linux/arm64]}", "services.a.build.platforms: an image is"),
    ("develop: {watch: []}", "services.a.develop: is left out: it is for the work on an image"),
    ("gpus: all", "services.a.gpus: is left out: list the device nodes under devices"),
    ("annotations: {a: b}", "services.a.annotations: is left out"),
    ("post_start: [{command: x}]", "services.a.post_start: is left out"),
    ("devices: ['vendor.com/class=dev']", "services.a.devices: 'vendor.com/class=dev' names a"),
    ("scale: 2\ncontainer_name: x", "services.a.container_name: there is one container"),
    ("logging: {drivers: x}", "services.a.logging.drivers: unknown key; did you mean driver?"),
    ("pull_policy: refresh",
     "services.a.pull_policy: refresh is left out: use always, daily, weekly or every_12h"),
    ("blkio_config: {weight_device: [x]}", "services.a.blkio_config.weight_device: is left out"),
]  # fmt: skip


@pytest.mark.parametrize(("text", "said"), WRONG)
def test_what_is_wrong_in_a_service(tmp_path: Path, text: str, said: str) -> None:
    dummy, findings = compiled(tmp_path, service(text), around={"TOKEN": "t0"})
    lines = [*findings.mistakes, *findings.left_out]
    said = said.replace("{here}", str(tmp_path))
    assert any(line.startswith(said) for line in lines), lines
    assert all(line.startswith("services.a.") for line in lines), lines


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("networks: {n: {drivr: x}}", "networks.n.drivr: unknown key; did you mean driver?"),
        ("networks: {n: {ipam: {conf: []}}}", "networks.n.ipam.conf: unknown key"),
        ("networks: {n: {ipam: {config: [{subnets: x}]}}}",
         "networks.n.ipam.config[0].subnets: unknown key; did you mean subnet?"),
        ("networks: {n: x}", "networks.n: a mapping is expected"),
        ("volumes: {v: {labls: x}}", "volumes.v.labls: unknown key; did you mean labels?"),
        ("secrets: {s: {}}", "secrets.s: one of file, environment and content is required"),
        ("secrets: {s: {file: x, content: y}}", "secrets.s: one of file, environment and content"),
        ("secrets: {s: {external: true}}", "secrets.s.external: only file, environment and"),
        ("secrets: {s: {environment: NOT}}", "secrets.s.environment: the variable NOT is not set"),
        ("secrets: {s: {files: x, file: y}}", "secrets.s.files: unknown key; did you mean file?"),
    ],
)  # fmt: skip
def test_what_is_wrong_beside_services(tmp_path: Path, text: str, said: str) -> None:
    sections = {"networks": "{n: }", "volumes": "{v: }", "secrets": "{s: {file: x}}"}
    key, dummy, rest = text.partition(": ")
    sections[key] = rest
    rest = "\n".join(f"{name}: {value}" for name, value in sections.items())
    given = "services: {a: {image: i, networks: [n], volumes: ['v:/v'], secrets: [s]}}"
    found = compiled(tmp_path, f"{given}\n{rest}")
    lines = [*found[1].mistakes, *found[1].left_out]
    assert any(line.startswith(said) for line in lines), lines


def test_a_cache_that_makes_no_other_image(tmp_path: Path) -> None:
    given = (
        f"services: {{a: {{image: i, build: {{context: {tmp_path}, cache_to: [type=inline],"
        " cache_from: [type=gha]}}}"
    )
    dummy, findings = compiled(tmp_path, given)
    assert findings.left_out == []
    assert findings.warnings == [
        "services.a.build.cache_from[0]: has no effect: this engine has no caches of that type",
        "services.a.build.cache_to[0]: has no effect: this engine has no caches of that type",
    ]


def test_all_mistakes_are_found_at_once(tmp_path: Path) -> None:
    text = "cpus: x\nnonsense: 1\nimage: $\nports: 5\ndevelop: {}"
    dummy, findings = compiled(tmp_path, service(text).replace("    image: i\n    c", "    c"))
    assert len(findings.mistakes) == 4
    assert len(findings.left_out) == 1


def test_a_project(tmp_path: Path) -> None:
    text = """
services:
  web:
    image: web
    deploy: {replicas: 2}
    depends_on:
      db: {condition: service_healthy, restart: true}
      job: {condition: service_completed_successfully}
    configs: [{source: conf, target: /etc/x, uid: '5', mode: 0440}]
    secrets: [token]
  db: {image: db, volumes: ['data:/data'], networks: [back], scale: 3}
  job:
    build: {context: ./job, args: {A: , B: 2, C: }, target: t}
    depends_on: {gone: {required: false}}
networks:
  back: {driver: macvlan, internal: true, labels: [a=b], driver_opts: {parent: eth0},
         ipam: {config: [{subnet: 10.1.0.0/24, ip_range: 10.1.0.0/25,
                          aux_addresses: {x: 10.1.0.9}}]}}
  unused: {}
volumes:
  data: {labels: {a: b}, driver_opts: {type: tmpfs}}
  unused: {}
secrets: {token: {environment: TOKEN}}
configs: {conf: {content: "x=$${y}\\n"}}
"""
    found, findings = compiled(tmp_path, text, around={"TOKEN": "t0", "A": "1"}, scale={"db": 1})
    assert findings.mistakes == []
    assert [entry.options for entry in found.networks] == [
        {"name": "p_back", "driver": "macvlan", "driver_options": {"parent": "eth0"},
         "internal": True, "labels": {"a": "b"},
         "ipam_config": [{"subnet": "10.1.0.0/24", "iprange": "10.1.0.0/25",
                          "aux_addresses": {"x": "10.1.0.9"}}]},
        {"name": "p_default"},
    ]  # fmt: skip
    assert [entry.options for entry in found.volumes] == [
        {"volume_name": "p_data", "labels": {"a": "b"}, "driver_options": {"type": "tmpfs"}}
    ]
    assert [entry.options for entry in found.images] == [
        {"name": "p-job", "source": "build",
         "build": {"path": str(tmp_path / "job"), "args": {"A": "1", "B": "2"}, "target": "t"}}
    ]  # fmt: skip
    assert [entry.name for entry in found.containers] == ["p-web-1", "p-web-2", "p-db-1", "p-job-1"]
    web = found.containers[1]
    assert web.needs == {"p-db-1": "healthy", "p-job-1": "completed"}
    assert (web.number, web.after, web.services) == (
        2, ("db",), {"db": "healthy", "job": "completed"}
    )  # fmt: skip
    assert web.options["configs"] == [
        {"name": "conf", "content": "x=${y}\n", "mode": "0440", "uid": 5, "target": "/etc/x"}
    ]
    assert web.options["secrets"] == [
        {"name": "token", "content": "t0", "mode": "0444", "target": "/run/secrets/token"}
    ]
