# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Every example of the modules and of the documentation's pages runs, as it is printed.

Each is checked, then run, on a host that has what ``example_needs`` says and reaches the registries
it names; what check mode said has to come true. A new example is found by itself.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from support import compare_predictions, containers, examples
from support.containers import World
from support.inputs import example_needs
from support.inputs.example_needs import ELSEWHERE, EXCUSED, NEEDS, UNFORESEEN, VARIABLES
from support.plays import Play, Run
from support.servers import named

from ansible_collections.slipway.engine.plugins.module_utils._runtime.base.layout import Layout
from ansible_collections.slipway.engine.plugins.module_utils._runtime.registry import settings
from ansible_collections.slipway.engine.plugins.module_utils._runtime.spec.reference import (
    parse_normalized,
)
from ansible_collections.slipway.engine.plugins.module_utils._runtime.trust import policy

ALL = examples.examples()
SHELLS = [block for block in examples.shells() if block.name not in ELSEWHERE]
SESSIONS = examples.sessions()
#: Check mode skips what it cannot know.
_SKIPPED = ("slipway.engine.container_exec",)


@pytest.fixture(scope="module")
def servers(sandbox: Path) -> Iterator[named.Servers]:
    # The user of the role's registry has to reach its directory through the sandbox's.
    sandbox.chmod(0o711)
    made = named.Servers(sandbox / "named")
    try:
        yield made
    finally:
        made.stop()


@pytest.fixture
def etc(layout: Layout, servers: named.Servers, tmp_path: Path) -> Iterator[None]:
    """/etc and /srv of the machine under a layer of the test's own, in which the names resolve."""
    places = (Path("/etc"), Path("/srv"))
    for place in places:
        upper, work = (tmp_path / f"{place.name}-{what}" for what in ("upper", "work"))
        upper.mkdir()
        work.mkdir()
        options = f"lowerdir={place},upperdir={upper},workdir={work}"
        subprocess.run(["mount", "-t", "overlay", "-o", options, "overlay", place], check=True)
    try:
        Path("/etc/hosts").write_text(named.HOSTS)
        authority = servers.ca.read_text()
        with open("/etc/ssl/certs/ca-certificates.crt", "a", encoding="utf-8") as bundle:
            bundle.write(authority)
        Path("/etc/ssl/certs/our-authority.pem").write_text(authority)
        layout.etc.mkdir(exist_ok=True)
        with servers.running():
            yield
    finally:
        for place in places:
            subprocess.run(["umount", place], check=True)
        for line in ("link delete eth1", "address delete 2001:db8::1/128 dev lo"):
            subprocess.run(["ip", *line.split()], capture_output=True, check=False)


@pytest.fixture
def host(etc: None, layout: Layout, sandbox: Path, world_tar: Path) -> Iterator[World]:
    with containers.world(layout, sandbox, world_tar) as made:
        yield made


@pytest.fixture
def project(tmp_path: Path) -> Path:
    directory = tmp_path / "project"
    directory.mkdir()
    return directory


def prepare(host: World, directory: Path, lines: str) -> None:
    status, said = shell(host, directory, lines)
    assert status == 0, said


def shell(host: World, directory: Path, lines: str) -> tuple[int, str]:
    """Run lines of a shell; their exit status, and all they printed."""
    path = f"{host.launcher.parent}:{os.environ['PATH']}"
    done = subprocess.run(
        ["sh", "-euc", lines],
        cwd=directory,
        env={**os.environ, "PATH": path},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
        timeout=120,
    )
    return done.returncode, done.stdout


def variables(servers: named.Servers, host: World, sandbox: Path) -> dict[str, Any]:
    return {
        **VARIABLES,
        "app_digest": servers.digest,
        "built": {"image": {"Id": host.image.id}},
        "registry_config_directory": str(sandbox / "role-etc"),
        "registry_run_directory": str(sandbox / "role-run"),
        "registry_storage": str(sandbox / "role-storage"),
        "registry_user": "docker-registry",
    }


def without_excused(name: str, plays: list[dict[str, Any]]) -> list[dict[str, Any]]:
    for play in plays:
        tasks = play.get("tasks", [])
        tasks[:] = [task for task in tasks if (name, task.get("name")) not in EXCUSED]
    return plays


@pytest.mark.parametrize("example", ALL, ids=[example.name for example in ALL])
def test_example(
    example: examples.Example,
    servers: named.Servers,
    host: World,
    project: Path,
    tmp_path: Path,
    sandbox: Path,
) -> None:
    prepare(host, tmp_path, NEEDS.get(example.name, ""))
    given = variables(servers, host, sandbox)
    text = example.text.replace(example_needs.CHECKSUM, servers.checksum)
    plays = without_excused(example.name, examples.Example(example.name, text).plays())
    play = Play(project)

    def run(*arguments: str) -> Run:
        done = play.plays(plays, "-e", json.dumps(given), *arguments)
        assert done.status == 0, done.output
        return done

    try:
        foretold, done = run("--check", "--diff"), run("--diff")
    finally:
        if "slipway.engine.registry" in example.text:
            play.role("registry", {**given, "registry_state": "absent"})
    ours = [
        [
            dict(task)
            for task in one.record
            if task["action"] not in _SKIPPED and (example.name, task["task"]) not in UNFORESEEN
        ]
        for one in (foretold, done)
    ]
    if any(task["action"].startswith(compare_predictions.COLLECTION) for task in ours[1]):
        wrong = compare_predictions.differences(*ours)
        assert not wrong, "\n".join(wrong)


@pytest.mark.parametrize("block", SHELLS, ids=[block.name for block in SHELLS])
def test_lines_of_a_shell(block: examples.Example, host: World, tmp_path: Path) -> None:
    prepare(host, tmp_path, NEEDS.get(block.name, ""))
    prepare(host, tmp_path, block.text)


@pytest.mark.parametrize("block", SESSIONS, ids=[block.name for block in SESSIONS])
def test_what_is_printed_at_a_prompt(block: examples.Example, host: World, tmp_path: Path) -> None:
    """After each line what is printed, with ``...`` for what differs."""
    prepare(host, tmp_path, NEEDS.get(block.name, ""))
    for typed, *printed in (
        part.split("\n") for part in re.split("^# ", block.text, flags=re.M)[1:]
    ):
        said = shell(host, tmp_path, typed)[1]
        wanted = ".*".join(re.escape(part) for part in "\n".join(printed).split("..."))
        assert re.fullmatch(wanted, said, re.DOTALL), f"{typed}\n{said}"


def test_what_is_needed_and_excused_is_of_an_example() -> None:
    names = {example.name for example in (*ALL, *SHELLS, *SESSIONS)}
    assert set(NEEDS) <= names
    assert set(ELSEWHERE) <= {block.name for block in examples.shells()}
    tasks = {
        (example.name, task.get("name"))
        for example in ALL
        for play in example.plays()
        for task in play.get("tasks", [])
    }
    assert {*EXCUSED, *UNFORESEEN} <= tasks


def test_no_block_of_a_page_is_overlooked() -> None:
    assert list(examples.unmarked()) == []


@pytest.mark.parametrize("name", examples.documents())
def test_document(name: str, layout: Layout) -> None:
    """A block of JSON is a file that an administrator writes, and read as that."""
    text = examples.documents()[name]
    document = json.loads(text)
    if "registries" in document:
        layout.registries_file.write_text(text)
        for registry in document["registries"]:
            assert settings.read_settings(layout, registry) != settings.RegistrySettings()
        return
    prepare_key(layout.etc / "release.pub")
    (scope,) = document["transports"]["docker"]
    inside, outside = (
        policy.requirements(document, parse_normalized(image), "a policy")
        for image in (f"{scope}/web:7", "registry.example.com/other:1")
    )
    assert inside != outside


def prepare_key(public: Path) -> None:
    private = public.with_suffix(".key")
    generate = "openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out"
    subprocess.run([*generate.split(), private], capture_output=True, check=True)
    subprocess.run(
        ["openssl", "pkey", "-in", private, "-pubout", "-out", public],
        capture_output=True, check=True,
    )  # fmt: skip
