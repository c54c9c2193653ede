# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which paths .dockerignore leaves out, by the examples of Docker's documentation and more."""

from __future__ import annotations

import pytest

from ansible_collections.slipway.engine.plugins.module_utils._runtime.base.errors import Error
from ansible_collections.slipway.engine.plugins.module_utils._runtime.image.dockerfile import ignore


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
    ],
)
def test_a_pattern(patterns: str, path: str, left_out: bool) -> None:
    assert ignore.read(patterns).matches(path) is left_out


@pytest.mark.parametrize(("line", "why"), [("[a", "closed"), ("a\\", "backslash"), ("!", "'!'")])
def test_a_pattern_that_is_not_valid_is_named_with_its_line(line: str, why: str) -> None:
    with pytest.raises(Error) as caught:
        ignore.read(f"ok\n{line}\n")
    assert why in str(caught.value)
    assert ":2" in str(caught.value)
