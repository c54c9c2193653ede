# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Words of a Dockerfile: quotes, escapes and every substitution of the reference."""

from __future__ import annotations

import pytest

from ansible_collections.slipway.engine.plugins.module_utils._runtime.image.dockerfile import words

VARIABLES = {"A": "value", "EMPTY": "", "PATH": "/usr/local/bin", "TAR": "app.tar.gz", "ABC_1": "x"}


@pytest.mark.parametrize(
    ("text", "made"),
    [
        ("plain", "plain"),
        ("$A", "value"),
        ("${A}", "value"),
        ("$A-$A", "value-value"),
        ("x${A}y", "xvaluey"),
        ("$ABC_1", "x"),
        ("$NONE", ""),
        ("${NONE}", ""),
        ("$", "$"),
        ("a$", "a$"),
        ("$/x", "$/x"),
        ("$1", ""),
        ("$@x", "x"),
        (r"\$A", "$A"),
        (r"\${A}", "${A}"),
        (r"a\ b", "a b"),
        (r"a\\b", r"a\b"),
        ("'$A'", "$A"),
        (r"'a\b'", r"a\b"),
        ('"$A"', "value"),
        (r'"\$A"', "$A"),
        (r'"a\"b"', 'a"b'),
        (r'"a\nb"', r"a\nb"),
        ('"it\'s"', "it's"),
        ("a'b'\"c\"", "abc"),
        ("${NONE:-other}", "other"),
        ("${EMPTY:-other}", "other"),
        ("${A:-other}", "value"),
        ("${NONE-other}", "other"),
        ("${EMPTY-other}", ""),
        ("${NONE:-$A}", "value"),
        ("${NONE:-${NONE2:-deep}}", "deep"),
        ("${NONE:-}", ""),
        ("${A:+set}", "set"),
        ("${EMPTY:+set}", ""),
        ("${EMPTY+set}", "set"),
        ("${NONE+set}", ""),
        ("${A:?must}", "value"),
        ("${EMPTY?must}", ""),
        ("${TAR#*.}", "tar.gz"),
        ("${TAR##*.}", "gz"),
        ("${TAR%.*}", "app.tar"),
        ("${TAR%%.*}", "app"),
        ("${TAR%.zip}", "app.tar.gz"),
        ("${TAR#???.}", "tar.gz"),
        ("${PATH/local/own}", "/usr/own/bin"),
        ("${PATH//\\//:}", ":usr:local:bin"),
        ("${TAR/a/}", "pp.tar.gz"),
        ("${TAR//a/A}", "App.tAr.gz"),
        ("${TAR/?pp/x}", "x.tar.gz"),
        (r"${TAR/\*/x}", "app.tar.gz"),
    ],
)
def test_expansion(text: str, made: str) -> None:
    assert words.expand(text, VARIABLES) == made


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("${A", "not closed"),
        ("${", "not closed"),
        ("${}", "name of a variable"),
        ("${:-x}", "name of a variable"),
        ("${{A}}", "name of a variable"),
        ("${A:-x", "'}' was expected"),
        ("${A=x}", "not a substitution"),
        ("${A:=x}", "not a substitution"),
        ("${A:#x}", "not a substitution"),
        ("${A^}", "not a substitution"),
        ("${A/x}", "'/' was expected"),
        ("${NONE:?needed for this}", "NONE: needed for this"),
        ("${EMPTY:?}", "EMPTY: is empty or not set"),
        ("${NONE?}", "NONE: is not set"),
        ("'open", "single quote"),
        ('"open', "double quote"),
    ],
)
def test_what_is_malformed(text: str, why: str) -> None:
    with pytest.raises(words.Malformed, match=None) as caught:
        words.expand(text, VARIABLES)
    assert why in str(caught.value)


@pytest.mark.parametrize(
    ("text", "made"),
    [
        ("80 443", ["80", "443"]),
        ("$LIST", ["a", "b"]),
        ('"$LIST"', ["a b"]),
        (r"a\ b c", ["a b", "c"]),
        ("''", [""]),
        ("  x  ", ["x"]),
        ("", []),
    ],
)
def test_words_that_variables_bring(text: str, made: list[str]) -> None:
    assert words.expand_words(text, {"LIST": "a b"}) == made


@pytest.mark.parametrize(
    ("text", "made"),
    [
        ("a b", ["a", "b"]),
        ('A="x y" B=z', ['A="x y"', "B=z"]),
        (r"A=x\ y B", [r"A=x\ y", "B"]),
        ("A='x \\' B", ["A='x \\'", "B"]),
        ("\ta\t b ", ["a", "b"]),
        ('A=""', ['A=""']),
    ],
)
def test_splitting_leaves_words_as_they_are_written(text: str, made: list[str]) -> None:
    assert words.split(text) == made


def test_the_escape_character_of_windows() -> None:
    assert words.expand("`$A\\x", VARIABLES, "`") == "$A\\x"
    assert words.split("a`  b\\ c", "`") == ["a` ", "b\\", "c"]


def test_quotes_of_a_heredoc_stay() -> None:
    text = "say \"$A\" '$A' \\$A \\n\n"
    assert words.expand(text, VARIABLES, raw_quotes=True) == "say \"value\" 'value' $A \\n\n"
