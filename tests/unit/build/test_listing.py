# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The list of a context's files: the same on both sides, and harmless whoever wrote it."""

from __future__ import annotations

import io
from dataclasses import replace

import pytest

from ansible_collections.slipway.engine.plugins.module_utils._runtime.base import content
from ansible_collections.slipway.engine.plugins.module_utils._runtime.base.errors import Error
from ansible_collections.slipway.engine.plugins.module_utils._runtime.build.sent.listing import (
    DIRECTORY,
    FILE,
    LINK,
    Item,
    Listing,
    unpacked,
)

OF = "0" * 64
SANE = (
    Item("d", DIRECTORY, 0o755, 1),
    Item("d/f \udcff", FILE, 0o4644, 2, 5, OF),
    Item("l", LINK, 0o777, 3, of="/anywhere"),
)
LISTING = Listing(SANE, ("Dockerfile", b"FROM scratch\n\xff"), (".dockerignore", "*.o"))


def test_a_list_is_the_same_on_both_sides() -> None:
    again = unpacked(LISTING.packed())
    assert again == LISTING
    assert again.digest == LISTING.digest
    younger = replace(LISTING, items=(replace(SANE[0], modified_ns=9), *SANE[1:]))
    assert younger.digest == LISTING.digest
    for other in (
        replace(LISTING, items=SANE[:1]),
        replace(LISTING, items=(replace(SANE[0], mode=0o700), *SANE[1:])),
        replace(LISTING, dockerfile=("Dockerfile", b"")),
        replace(LISTING, ignored=(".dockerignore", "")),
    ):
        assert other.digest != LISTING.digest


@pytest.mark.parametrize(
    "items",
    [
        (Item("../x", FILE, 0o644, 0, 1, OF),),
        (Item("/x", FILE, 0o644, 0, 1, OF),),
        (Item("a/./b", FILE, 0o644, 0, 1, OF),),
        (Item("", DIRECTORY, 0o755, 0),),
        (Item("a\0b", FILE, 0o644, 0, 1, OF),),
        (Item("l", LINK, 0o777, 0, of="/etc"), Item("l/x", FILE, 0o644, 0, 1, OF)),
        (Item("l", LINK, 0o777, 0, of="/etc"), Item("l", DIRECTORY, 0o755, 0)),
        (Item("late/x", FILE, 0o644, 0, 1, OF), Item("late", DIRECTORY, 0o755, 0)),
        (Item("x", "device", 0o644, 0),),
        (Item("x", FILE, 0o644, 0, 1, "../../x"),),
        (Item("x", FILE, 0o100644, 0, 1, OF),),
        (Item("x", FILE, 0o644, 0, -1, OF),),
        (Item("x", FILE, 0o644, 0, content.LARGE, OF),),
        (Item("l", LINK, 0o777, 0),),
    ],
)
def test_a_list_cannot_lead_out_of_its_tree(items: tuple[Item, ...]) -> None:
    with pytest.raises(Error, match="damaged at"):
        unpacked(replace(LISTING, items=items).packed())


@pytest.mark.parametrize("data", [b"", b"x", LISTING.packed()[:-9]])
def test_what_is_no_list_is_refused(data: bytes) -> None:
    with pytest.raises(Error, match="damaged"):
        unpacked(data)


def test_a_digest_does_not_depend_on_how_much_is_read_at_once() -> None:
    size = content.LARGE + 5
    whole = io.BytesIO(b"x" * size)
    found = content.digest(whole.read, size)
    whole.seek(0)
    assert content.digest(lambda count: whole.read(min(count, 700_001)), size) == found
    assert found.startswith("chunks:")
