# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What ``build`` of a service asks the builder for."""

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
from ansible_collections.slipway.engine.plugins.module_utils._runtime.resource.compose import (
    building,
)

#: ``build``, and the fields of the request that it makes; {here} is the project's directory.
BUILDS: list[tuple[str, dict[str, Any]]] = [
    ("build: ./x", {"context": "{here}/x", "names": ["docker.io/library/p-a:latest"]}),
    ("build: {}", {"context": "{here}"}),
    ("image: i:2\nbuild: {context: ., tags: ['i:latest', 'r.example.org/i:3']}",
     {"names": ["docker.io/library/i:2", "docker.io/library/i:latest", "r.example.org/i:3"]}),
    ("build: {dockerfile_inline: 'FROM busybox'}", {"inline": b"FROM busybox"}),
    ("build: {dockerfile: x/Dockerfile}", {"dockerfile": "x/Dockerfile"}),
    ("build: {args: ['A=1', B, C=], labels: ['l=m']}",
     {"args": {"A": "1", "B": "around", "C": ""}, "labels": {"l": "m"}}),
    ("build: {args: {A: 1, B: , N: true}, labels: {l: 1}}",
     {"args": {"A": "1", "B": "around", "N": "true"}, "labels": {"l": "1"}}),
    ("build: {target: t, network: host, no_cache: 'true', pull: true}",
     {"target": "t", "network": "host", "no_cache": True, "pull": True}),
    ("build: {extra_hosts: ['x=1.1.1.1', 'y:1.1.1.2']}",
     {"hosts": {"x": "1.1.1.1", "y": "1.1.1.2"}}),
    ("build: {extra_hosts: {x: 1.1.1.1}}", {"hosts": {"x": "1.1.1.1"}}),
    ("build: {shm_size: 128m, ulimits: {nproc: 9, nofile: {soft: 1, hard: 2}}}",
     {"shm": 128 << 20, "ulimits": [("nofile", 1, 2), ("nproc", 9, 9)]}),
    ("build: {platforms: [linux/arm64]}", {"platform": ("linux", "arm64")}),
    ("build: {platforms: [linux/amd64]}\nplatform: linux/arm64", {"platform": ("linux", "arm64")}),
    ("build: {cache_from: [x:1], provenance: false, sbom: false}", {"context": "{here}"}),
    ("build: {secrets: [file, {source: env, target: token}, text]}",
     {"secrets": [("file", "{here}/s", None), ("token", "", b"t0"), ("text", "", b"c")]}),
    ("build: {ssh: [default, mine=./agent]}",
     {"agents": {"default": ("/run/agent",), "mine": ("{here}/agent",)}}),
    ("build: {ssh: {default: , other: /run/other}}",
     {"agents": {"default": ("/run/agent",), "other": ("/run/other",)}}),
    ("build: {additional_contexts: {d: ./d, i: 'docker-image://busybox:1'}}",
     {"contexts": {"d": "{here}/d", "i": "docker-image://busybox:1"}}),
    ("build: {additional_contexts: ['d=/d', 'o=oci-layout:///o']}",
     {"contexts": {"d": "/d", "o": "oci-layout:///o"}}),
    ("extends: {file: sub/other.yaml, service: a}",
     {"context": "{here}/sub/c", "contexts": {"d": "{here}/sub/d"}}),
]  # fmt: skip

SECRETS = {
    "file": {"file": "./s"},
    "env": {"environment": "TOKEN"},
    "text": {"content": "c"},
}


@pytest.mark.parametrize(("text", "wanted"), BUILDS)
def test_a_build(tmp_path: Path, text: str, wanted: dict[str, Any]) -> None:
    (tmp_path / "sub").mkdir()
    (tmp_path / "sub" / "other.yaml").write_text(
        "services: {a: {build: {context: c, additional_contexts: ['d=d']}}}"
    )
    definition = {"services": {"a": yaml.safe_load(text)}, "secrets": SECRETS}
    asked = files.Asked(
        directory=str(tmp_path),
        definition=definition,
        project="p",
        around={"B": "around", "TOKEN": "t0", "SSH_AUTH_SOCK": "/run/agent"},
    )
    findings = Findings()
    compiled = compile_project(
        project.project(files.read(asked, findings), asked, findings), findings
    )
    [member] = building.members(compiled.images, False, findings)
    assert [*findings.mistakes, *findings.left_out] == []
    request = member.declared[0].declared.request
    shown = {
        **{name: getattr(request, name) for name in ("context", "inline", "dockerfile", "target")},
        **{name: getattr(request, name) for name in ("network", "no_cache", "pull")},
        **{name: dict(getattr(request, name)) for name in ("args", "labels", "hosts", "contexts")},
        "agents": dict(request.agents),
        "names": [name.canonical for name in request.names],
        "shm": request.limits.shm_size_bytes,
        "ulimits": [(one.name, one.soft, one.hard) for one in request.limits.ulimits],
        "platform": request.platform and (request.platform.os, request.platform.architecture),
        "secrets": [(one.id, one.path, one.value) for one in request.secrets],
    }

    def here(value: Any) -> Any:
        if isinstance(value, str):
            return value.replace("{here}", str(tmp_path))
        if isinstance(value, dict):
            return {name: here(one) for name, one in value.items()}
        return type(value)(map(here, value)) if isinstance(value, (list, tuple)) else value

    assert {name: shown[name] for name in wanted} == here(wanted)


def images_of(directory: Path, builds: dict[str, Any]) -> tuple[list[Any], list[str]]:
    services = {
        name: {"build": build} if build is not None else {"image": "i"}
        for name, build in builds.items()
    }
    services["late"] = {"build": ".", "profiles": ["late"]}
    asked = files.Asked(directory=str(directory), definition={"services": services}, project="p")
    findings = Findings()
    found = project.project(files.read(asked, findings), asked, findings)
    return list(compile_project(found, findings).images), findings.mistakes


def takes(*names: str) -> dict[str, Any]:
    return {"additional_contexts": {f"c{name}": f"service:{name}" for name in names}}


def test_images_of_other_services_come_before(tmp_path: Path) -> None:
    builds = {"a": takes("b", "c"), "b": takes("c"), "c": {}, "d": None}
    found, mistakes = images_of(tmp_path, builds)
    assert mistakes == []
    assert [one.key for one in found] == ["c", "b", "a"]
    assert found[2].options["build"]["contexts"] == {
        "cb": "docker-image://p-b",
        "cc": "docker-image://p-c",
    }
    assert [sorted(one.services) for one in found] == [[], ["c"], ["b", "c"]]


@pytest.mark.parametrize(
    ("builds", "said"),
    [
        ({"a": takes("b"), "b": takes("a")}, "services: their builds take one another: "),
        ({"a": takes("a")}, "services: their builds take one another: a -> a"),
        ({"a": takes("x")},
         "services.a.build.additional_contexts.cx: the service x is not there"),
        ({"a": takes("late")},
         "services.a.build.additional_contexts.clate: the service late has a profile"),
        ({"a": takes("d"), "d": None},
         "services.a.build.additional_contexts.cd: the service d builds no image"),
    ],
)  # fmt: skip
def test_images_of_other_services_that_are_wrong(
    tmp_path: Path, builds: dict[str, Any], said: str
) -> None:
    mistakes = images_of(tmp_path, builds)[1]
    assert len(mistakes) == 1 and mistakes[0].startswith(said), mistakes
