# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a source of COPY names in a context, and what is not a pattern."""

from __future__ import annotations

import os
import re
from pathlib import Path

import pytest

from ansible_collections.slipway.engine.plugins.module_utils._runtime.base.errors import Error
from ansible_collections.slipway.engine.plugins.module_utils._runtime.build.source import context


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("a*", ["a.c", "ab"]),
        ("[ab].c", ["a.c", "b.c"]),
        ("d/*", ["d/e"]),
        ("**/e", ["d/e"]),
        ("x*", []),
        ("ab", ["ab"]),
    ],
)
def test_what_is_copied(tmp_path: Path, text: str, found: list[str]) -> None:
    (tmp_path / "d").mkdir()
    for name in ("a.c", "ab", "b.c", "d/e"):
        (tmp_path / name).touch()
    with context.directory(str(tmp_path)) as source:
        assert sorted(os.fsdecode(one.path) for one in context.select(source, text)) == found


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("a[bc", "'a[bc' is not a pattern: a '[' is not closed"),
        ("d/[", "'d/[' is not a pattern: a '[' is not closed"),
        ("[b-a].c", "'[b-a].c' is not a pattern: bad character range b-a"),
        ("*\\", "is not a pattern: it ends with a backslash"),
    ],
)
def test_what_is_not_a_pattern(tmp_path: Path, text: str, said: str) -> None:
    with (
        context.directory(str(tmp_path)) as source,
        pytest.raises(Error, match=re.escape(said)),
    ):
        context.select(source, text)
