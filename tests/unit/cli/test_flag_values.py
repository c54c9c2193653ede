# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The types that verbs see of their flags are those the flags have, and each verb reads its own."""

from __future__ import annotations

import ast
import inspect
import textwrap
from collections.abc import Iterator
from typing import Any, Optional, get_type_hints

import pytest

from ansible_collections.slipway.engine.plugins.module_utils._runtime.cli import directory
from ansible_collections.slipway.engine.plugins.module_utils._runtime.cli.line.flag_values import (
    FlagValues,
)
from ansible_collections.slipway.engine.plugins.module_utils._runtime.cli.line.verbs import (
    FILTER,
    FLOAT,
    INT,
    LIST,
    STRING,
    STRINGS,
    SWITCH,
    Flag,
    Verb,
)

VERBS = {name: verb for file in directory.FILES for name, verb in directory.load(file).items()}
TYPES: dict[str, Any] = {
    SWITCH: bool,
    STRING: str,
    INT: int,
    FLOAT: float,
    LIST: list[str],
    STRINGS: list[str],
    FILTER: dict[str, list[str]],
}
#: What ``arguments`` has beside flags.
OTHERS = {"operands", "given"}


def type_of(flag: Flag) -> Any:
    plain = TYPES[flag.kind]
    return Optional[plain] if flag.kind in (INT, FLOAT) and flag.default is None else plain


def test_each_type_is_that_of_the_flag() -> None:
    found: dict[str, set[Any]] = {}
    for verb in VERBS.values():
        for flag in verb.flags:
            found.setdefault(flag.name.replace("-", "_"), set()).add(type_of(flag))
    wanted = {name: Any if len(types) > 1 else types.pop() for name, types in found.items()}
    declared = get_type_hints(FlagValues)
    assert declared == {name: wanted.get(name) for name in declared}


def read_by(function: Any, seen: set[Any]) -> Iterator[str]:
    """What a function reads of its arguments, and those of its file that it hands them to."""
    if function in seen:
        return
    seen.add(function)
    for node in ast.walk(ast.parse(textwrap.dedent(inspect.getsource(function)))):
        if isinstance(node, ast.Attribute) and _are_arguments(node.value):
            yield node.attr
        if isinstance(node, ast.Call) and any(map(_are_arguments, node.args)):
            other = function.__globals__.get(getattr(node.func, "id", ""))
            if inspect.isfunction(other):
                yield from read_by(other, seen)


def _are_arguments(node: ast.expr) -> bool:
    return isinstance(node, ast.Name) and node.id == "arguments"


@pytest.mark.parametrize("name", VERBS)
def test_a_verb_reads_flags_that_it_has(name: str) -> None:
    verb: Verb = VERBS[name]
    has = {flag.name.replace("-", "_") for flag in verb.flags}
    assert set(read_by(verb.run, set())) - OTHERS <= has


def test_what_is_handed_on_is_read_too() -> None:
    assert {"cidfile", "rm", "detach", "pull"} <= set(read_by(VERBS["run"].run, set()))
