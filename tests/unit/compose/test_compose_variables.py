# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Variables of Compose files: all forms of ``${NAME}``, and the files variables are in."""

from __future__ import annotations

from pathlib import Path
from typing import Optional

import pytest

from ansible_collections.slipway.engine.plugins.module_utils._runtime.base.errors import Error
from ansible_collections.slipway.engine.plugins.module_utils._runtime.compose.base.findings import (
    Findings,
)
from ansible_collections.slipway.engine.plugins.module_utils._runtime.compose.reading import (
    variables,
    yaml_text,
)

VARIABLES = {"A": "a", "E": "", "N": "x$y", "_U": "u", "A_1": "one"}


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("a", "a"), ("", ""), ("$A", "a"), ("${A}", "a"), ("$A-${A}", "a-a"), ("$A.$A", "a.a"),
        ("$A_1", "one"), ("$_U", "u"), ("$B.", "."), ("${B}", ""), ("x${A}y", "xay"),
        # A dollar
        ("$$A", "$A"), ("$$", "$"), ("$$$A", "$a"), ("$${A}", "${A}"), ("a$$", "a$"),
        # A default
        ("${B:-b}", "b"), ("${E:-b}", "b"), ("${E-b}", ""), ("${B-b}", "b"), ("${A:-b}", "a"),
        ("${B:-}", ""), ("${B-}", ""), ("${B:-a:b}", "a:b"), ("${B:-a b}", "a b"),
        ("${B:-/x-y}", "/x-y"), ("${B:-$$}", "$"), ("${B:--}", "-"), ("${B:-?}", "?"),
        # A value that stands for another
        ("${A:+c}", "c"), ("${E:+c}", ""), ("${E+c}", "c"), ("${B:+c}", ""), ("${B+c}", ""),
        ("${A+}", ""),
        # What is needed
        ("${A:?x}", "a"), ("${A?x}", "a"), ("${E?x}", ""),
        # One in another
        ("${B-${A}}", "a"), ("${B:-${C:-${A}}}", "a"), ("${A:+${A}${A}}", "aa"),
        ("${B:-x${A}y}", "xay"), ("${B:-$A}", "a"),
        # A value is not looked into
        ("${N}", "x$y"), ("$N", "x$y"),
        # The first brace closes
        ("${B:-{}}", "{}"),
    ],
)  # fmt: skip
def test_an_expression(text: str, wanted: str) -> None:
    assert variables.expanded(text, VARIABLES, "x") == wanted


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("$", "x: '$' has a $ alone; write $$ for a $"),
        ("a $ b", "has a $ alone"),
        ("$1", "has a $ alone"),
        ("${}", "has a $ alone"),
        ("${1}", "has a $ alone"),
        ("$A $", "has a $ alone"),
        ("${A", "lacks a closing brace"),
        ("${B:-${A}", "lacks a closing brace"),
        ("${A!}", "${A!} is not understood"),
        ("${A:}", "${A:} is not understood"),
        ("${A b}", "is not understood"),
        ("${B:?say it}", "the variable B is needed: say it"),
        ("${B?say it}", "the variable B is needed: say it"),
        ("${E:?say $A}", "the variable E is needed: say a"),
        ("${B:?}", "the variable B is needed: it has no value"),
    ],
)
def test_what_is_no_expression(text: str, said: str) -> None:
    with pytest.raises(Error) as found:
        variables.expanded(text, VARIABLES, "x")
    assert said in str(found.value)


def test_a_document() -> None:
    """Every text is looked into, keys are not, and all mistakes are found."""
    findings = Findings()
    given = {"$A": ["$A", {"b": "${NOT}"}], "n": 1, "o": yaml_text.Override(["$A"]), "x": "$",
             "y": ["${Q:?q}"], "z": None}  # fmt: skip
    found = variables.interpolated(given, VARIABLES, findings)
    assert found["$A"] == ["a", {"b": ""}]
    assert (found["n"], found["z"], found["o"].value) == (1, None, ["a"])
    assert findings.mistakes == [
        "x: '$' has a $ alone; write $$ for a $",
        "y[0]: the variable Q is needed: q",
    ]
    assert findings.warnings == ["$A[1].b: the variable NOT is not set, and taken as empty"]


@pytest.mark.parametrize(
    ("line", "value"),
    [
        ("A=1", "1"), ("A=", ""), ("A = 1", "1"), ("export A=1", "1"), ("A=a b", "a b"),
        ("A=1 # behind", "1"), ("A=a#b", "a#b"), ("A='1 # not'", "1 # not"), ('A="#"', "#"),
        ("A='$X'", "$X"), ('A="$X"', "x"), ("A=$X", "x"), ("A=${X:-no}", "x"),
        ("A=${Y:-no}", "no"), ('A="a\\nb"', "a\nb"), ("A='a\\nb'", "a\\nb"), ('A="a\nb"', "a\nb"),
        ('A="a\\"b"', 'a"b'), ("A='a\\'b'", "a'b"), ('A="\\$X"', "$X"), ("A=pa$$w", "pa$w"),
        ("A=a$", "a$"), ("A=1=2", "1=2"), ("A=  x  ", "x"), ("\ufeffA=1", "1"), ("X", "x"),
        ("NOT", None), ("# A=1", None), ("", None), ("A=1\r", "1"), ("A.b=1", "1"),
    ],
)  # fmt: skip
def test_a_line_of_a_file(tmp_path: Path, line: str, value: Optional[str]) -> None:
    path = tmp_path / "x.env"
    path.write_bytes(line.encode())
    found = variables.env_file(path, {"X": "x"})
    assert list(found.values()) == ([] if value is None else [value])


def test_lines_know_those_before_them(tmp_path: Path) -> None:
    path = tmp_path / "x.env"
    path.write_text("A=1\nB=$A\nC='$A'\n")
    assert variables.env_file(path, {}) == {"A": "1", "B": "1", "C": "$A"}
    assert variables.env_file(path, {}, raw=True)["C"] == "'$A'"


@pytest.mark.parametrize("text", ["A b", "=1", "A='1"])
def test_what_is_no_line(tmp_path: Path, text: str) -> None:
    (tmp_path / "x").write_text(text)
    with pytest.raises(Error):
        variables.env_file(tmp_path / "x", {})


def test_what_is_mentioned() -> None:
    document = {
        "a": "$A ${B:-b} $$C ${D:?why}",
        "b": [{"c": "${E+e}"}, "${F-${G:-g}}", 5, None],
        "c": "${A:-late} ${B}",
    }
    said = {
        name: (one.required, one.default, one.alternate)
        for name, one in variables.mentioned(document).items()
    }
    assert said == {
        "A": (False, "", ""),
        "B": (False, "b", ""),
        "D": (True, "", ""),
        "E": (False, "", "e"),
        "F": (False, "${G:-g}", ""),
        "G": (False, "g", ""),
    }


def test_what_is_mentioned_and_not_closed() -> None:
    with pytest.raises(Error, match="lacks a closing brace"):
        variables.mentioned({"a": "${A"})
