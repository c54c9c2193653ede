# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which paths .dockerignore leaves out, by the examples of Docker's documentation and more."""

from __future__ import annotations

import functools
import itertools

import pytest

from ansible_collections.slipway.engine.plugins.module_utils._runtime.base.errors import Error
from ansible_collections.slipway.engine.plugins.module_utils._runtime.image.dockerfile import (
    ignore,
    pattern,
)


@pytest.mark.parametrize(
    ("patterns", "path", "left_out"),
    [
        ("", "a", False),
        ("# comment", "# comment", False),
        ("a", "a", True),
        ("a", "a/b/c", True),
        ("a", "x/a", False),
        ("/a", "a", True),
        ("./a/", "a", True),
        ("a/../b", "b", True),
        (" a ", "a", True),
        ("*/temp*", "somedir/temporary.txt", True),
        ("*/temp*", "temp", False),
        ("*/*/temp*", "somedir/subdir/temporary.txt", True),
        ("*/*/temp*", "somedir/temporary.txt", False),
        ("temp?", "tempa", True),
        ("temp?", "temp", False),
        ("temp?", "temp/", False),
        ("**/*.go", "main.go", True),
        ("**/*.go", "a/b/main.go", True),
        ("**", "anything/at/all", True),
        ("a/**", "a/b", True),
        ("a/**", "a", False),
        ("a/**/b", "a/b", True),
        ("a/**/b", "a/x/y/b", True),
        ("**/node_modules", "x/node_modules/y", True),
        ("*.md\n!README.md", "README.md", False),
        ("*.md\n!README.md", "OTHER.md", True),
        ("*.md\n!README*.md\nREADME-secret.md", "README-secret.md", True),
        ("*.md\nREADME-secret.md\n!README*.md", "README-secret.md", False),
        ("dir\n!dir/keep", "dir/keep", False),
        ("dir\n!dir/keep", "dir/other", True),
        ("*\n!src", "src/main.c", False),
        ("*\n!src", "README", True),
        ("[ab]x", "bx", True),
        ("[!ab]x", "cx", True),
        ("[^ab]x", "ax", False),
        ("[a-c]x", "bx", True),
        (r"\*", "*", True),
        (r"\*", "a", False),
        ("a.b", "aXb", False),
        ("a+b(c)$", "a+b(c)$", True),
        ("\ufeffa", "a", True),
        (".", "a", False),
        ("../a", "a", False),
        # Of "**" followed by plain text Docker compares the end.
        ("**.go", "a/main.go", True),
        ("**.go", "main.go.txt", False),
        ("**.g?", "a/main.go", False),
        ("**.g?", "a/.go", True),
        ("a**b", "ab", True),
        ("a**b", "axx/b", True),
        ("a**b", "axxb", False),
        ("**/*a*b*c*", "x/y/1a2b3c4/z", True),
        ("*a*/**/b*[0-9]", "xa/y/z/b17", True),
        ("*a*/**/b*[0-9]", "xa/y/z/b17x", False),
        ("*a*b*\\*?", "1a2b3*4", True),
    ],
)
def test_a_pattern(patterns: str, path: str, left_out: bool) -> None:
    assert ignore.read(patterns).matches(path) is left_out


#: Patterns with many gaps, and paths on which each way to fill them fails at the last character.
HOSTILE = [
    ("*a" * 40, "a" * 4000 + "b"),
    ("**/*a" * 40 + "/x", "/".join(["a" * 20] * 190)),
    ("**/a/" * 40 + "x", "a/" * 2000 + "a"),
    ("*?" * 60 + "[b-z]", "a" * 4000),
    ("**a" * 50 + "**/x", "a" * 200 + "/" + "a" * 200),
    ("*" * 200 + "b", "a" * 4000),
    ("***/" * 50 + "b", "a/" * 200),
]


@pytest.mark.parametrize(("hostile", "path"), HOSTILE)
def test_a_hostile_pattern_comes_to_an_end(hostile: str, path: str) -> None:
    assert not ignore.read(hostile).matches(path)
    assert not pattern.compiled(hostile)(path)


def _means(rule: str, path: str) -> bool:
    """Whether a pattern of "a", "*" and "/" matches, as Docker's expression for it says, tried in
    every way.
    """

    @functools.lru_cache(None)
    def rest(at: int, begun: int) -> bool:
        text = rule[at:]
        if not text:
            return begun == len(path)
        ends = range(begun, len(path) + 1)
        if text.startswith("**"):
            at += 3 if text.startswith("**/") else 2
            if at >= len(rule):
                return True
            if text == rule and "*" not in rule[2:] and not text.startswith("**/"):
                return any(rest(at, end) for end in ends)
            return rest(at, begun) or any(
                path[end - 1] == "/" and rest(at, end) for end in ends if end > begun
            )
        if text[0] == "*":
            return any("/" not in path[begun:end] and rest(at + 1, end) for end in ends)
        return path[begun : begun + 1] == text[0] and rest(at + 1, begun + 1)

    return rest(0, 0)


@pytest.mark.parametrize("few", [-1, 2], ids=["ways", "expression"])
def test_both_ways_to_match_mean_the_same(few: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pattern, "_FEW", few)
    texts = ["".join(one) for length in range(6) for one in itertools.product("a/", repeat=length)]
    for length in range(1, 7):
        for one in itertools.product("a*/", repeat=length):
            rule = "".join(one)
            whole, above = pattern.compiled(rule), pattern.compiled(rule, above=True)
            found = {text for text in texts if _means(rule, text)}
            assert {text for text in texts if whole(text)} == found, rule
            tops = {text for text in texts if any(text.startswith(f"{top}/") for top in found)}
            assert {text for text in texts if above(text)} == found | tops, rule


@pytest.mark.parametrize(("line", "why"), [("[a", "closed"), ("a\\", "backslash"), ("!", "'!'")])
def test_a_pattern_that_is_not_valid_is_named_with_its_line(line: str, why: str) -> None:
    with pytest.raises(Error) as caught:
        ignore.read(f"ok\n{line}\n")
    assert why in str(caught.value)
    assert ":2" in str(caught.value)
