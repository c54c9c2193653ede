# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What README and docs show of shells, prompts and files is as it is printed."""

from __future__ import annotations

import json
import re
import subprocess
from pathlib import Path

import pytest
from support.containers import World
from support.documented import examples
from support.documented.example_runs import prepare, shell
from support.inputs.example_needs import ELSEWHERE, EXCUSED, NEEDS, UNFORESEEN

from ansible_collections.slipway.engine.plugins.module_utils._runtime.base.layout import Layout
from ansible_collections.slipway.engine.plugins.module_utils._runtime.registry import settings
from ansible_collections.slipway.engine.plugins.module_utils._runtime.spec.reference import (
    parse_normalized,
)
from ansible_collections.slipway.engine.plugins.module_utils._runtime.trust import policy

SHELLS = [block for block in examples.shells() if block.name not in ELSEWHERE]
SESSIONS = examples.sessions()


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
    names = {example.name for example in (*examples.examples(), *SHELLS, *SESSIONS)}
    assert set(NEEDS) <= names
    assert set(ELSEWHERE) <= {block.name for block in examples.shells()}
    tasks = {
        (example.name, task.get("name"))
        for example in examples.examples()
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
