# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The keys that detach: written as Docker writes them, found wherever input is cut in pieces."""

from __future__ import annotations

import itertools

import pytest

from ansible_collections.slipway.engine.plugins.module_utils._runtime.base.errors import Error
from ansible_collections.slipway.engine.plugins.module_utils._runtime.cli.terminal.console import (
    Keys,
    detach_keys,
)


@pytest.mark.parametrize(
    ("text", "keys"),
    [
        ("ctrl-p,ctrl-q", b"\x10\x11"),
        ("ctrl-a,q", b"\x01q"),
        ("CTRL-],ctrl-^,ctrl-_,ctrl-@,ctrl-[,ctrl-\\", b"\x1d\x1e\x1f\x00\x1b\x1c"),
        ("~,.", b"~."),
        ("", b""),
    ],
)
def test_keys_as_docker_writes_them(text: str, keys: bytes) -> None:
    assert detach_keys(text) == keys


@pytest.mark.parametrize("text", ["ctrl-", "ctrl-pp", "ab", "ctrl-1", "é", ",", "shift-a"])
def test_what_is_no_key_is_refused(text: str) -> None:
    with pytest.raises(Error, match="is not a key"):
        detach_keys(text)


@pytest.mark.parametrize(
    ("typed", "given", "detached"),
    [
        (b"abc", b"abc", False),
        (b"ab\x10\x11cd", b"ab", True),
        (b"\x10\x10\x11", b"\x10", True),
        (b"\x10a\x11", b"\x10a\x11", False),
        (b"\x11\x10", b"\x11", False),
    ],
)
def test_the_keys_are_found_however_input_is_cut(
    typed: bytes, given: bytes, detached: bool
) -> None:
    for cuts in itertools.product((False, True), repeat=len(typed) - 1):
        keys, seen, found = Keys(b"\x10\x11"), b"", False
        pieces, piece = [], typed[:1]
        for byte, cut in zip(typed[1:], cuts):
            if cut:
                pieces.append(piece)
                piece = b""
            piece += bytes([byte])
        for part in (*pieces, piece):
            handed, found = keys.feed(part)
            seen += handed
            if found:
                break
        assert (seen, found) == (given, detached), pieces


def test_no_keys_detach_nothing() -> None:
    assert Keys(b"").feed(b"\x10\x11") == (b"\x10\x11", False)
