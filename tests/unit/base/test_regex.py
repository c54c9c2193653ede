# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Regular expressions that are compiled when they are first used."""

from __future__ import annotations

import re

import pytest

from ansible_collections.slipway.engine.plugins.module_utils._runtime.base.regex import regex


@pytest.mark.parametrize(("pattern", "flags"), [(r"(a+)b", 0), (r"(A+)B", re.IGNORECASE)])
def test_it_finds_what_the_compiled_one_finds(pattern: str, flags: int) -> None:
    late, known = regex(pattern, flags), re.compile(pattern, flags)
    for text in ("aab", "AAB", "b", "xaab"):
        for name in ("match", "fullmatch", "search"):
            found, wanted = getattr(late, name)(text), getattr(known, name)(text)
            assert (found and found.groups()) == (wanted and wanted.groups())
        assert late.sub("-", text) == known.sub("-", text)
        assert late.findall(text) == known.findall(text)
        assert late.split(text) == known.split(text)
    assert (late.pattern, late.flags, late.groups) == (known.pattern, known.flags, known.groups)


def test_it_is_compiled_at_its_first_use() -> None:
    late = regex("(")
    with pytest.raises(re.error):
        late.match("")


def test_bytes_are_searched_in_bytes() -> None:
    assert regex(rb"\x1f\x8b").match(b"\x1f\x8b\x08")
