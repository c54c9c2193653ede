# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Every command line of slipway in the documentation has a verb and flags that exist."""

from __future__ import annotations

import pytest

from ansible_collections.slipway.engine.plugins.module_utils._runtime.cli import directory, main
from ansible_collections.slipway.engine.plugins.module_utils._runtime.cli.line.verbs import (
    Help,
    Usage,
    read,
)

pytest.importorskip("yaml")
from support.documented import examples

COMMANDS = sorted({line for dummy, line in examples.commands() if line.startswith("slipway")})


@pytest.mark.parametrize("line", COMMANDS)
def test_a_command_line_is_understood(line: str) -> None:
    words = examples.words(line)[1:]
    main._places(words)
    if words[0] == "VERB":
        return
    name, verb, rest = directory.find(words)
    try:
        read(verb, name, rest)
    except Help:
        pass
    except Usage as exc:
        # A text that only names a verb leaves out what it is for.
        named_only = all(word.startswith("-") for word in rest)
        if not named_only or "requires" not in str(exc):
            raise


def test_lines_are_found_wherever_they_are() -> None:
    assert len(COMMANDS) > 40
    assert {"slipway volume rm data", "slipway logs -f web", "slipway exec -it web sh"} < set(
        COMMANDS
    )


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("slipway ps   # on a host", ["slipway", "ps"]),
        ("slipway rm -f $(slipway ps -q)", ["slipway", "rm", "-f", "WORD"]),
        ("slipway cp web:/etc - | tar t", ["slipway", "cp", "web:/etc", "-"]),
        ("slipway inspect -f '{{.A}} b' web", ["slipway", "inspect", "-f", "{{.A}} b", "web"]),
    ],
)
def test_words_of_a_line(line: str, words: list[str]) -> None:
    assert examples.words(line) == words
