# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Notes of what was done: what is written is read, and no more than the last ones stay."""

from __future__ import annotations

from pathlib import Path

import pytest

from ansible_collections.slipway.engine.plugins.module_utils._runtime.base.layout import Layout
from ansible_collections.slipway.engine.plugins.module_utils._runtime.records import notes

ID = "a" * 64


@pytest.fixture
def layout(tmp_path: Path) -> Layout:
    return Layout(tmp_path / "root", tmp_path / "run", tmp_path / "etc")


def test_what_is_noted_is_read(layout: Layout) -> None:
    assert notes.names(layout) == []
    notes.note(layout, ID, "kill", signal="9")
    [first] = notes.names(layout)
    notes.note(layout, ID, "exec_start: ls \udcff\x00 " + "x" * 5000, execID="1")
    both = notes.names(layout)
    assert both[0] == first
    found = list(notes.read(layout, [*both, "0" * 20 + "-gone"]).values())
    assert [(one.id, one.attributes) for one in found] == [
        (ID, {"signal": "9"}), (ID, {"execID": "1"}),
    ]  # fmt: skip
    assert found[1].action.startswith("exec_start: ls ?\x00 x") and len(found[1].action) == 2000
    assert found[0].time < found[1].time


def test_the_last_ones_stay(layout: Layout) -> None:
    for number in range(notes.KEPT + 100):
        notes.note(layout, ID, str(number))
    found = list(notes.read(layout, notes.names(layout)).values())
    assert notes.KEPT <= len(found) <= notes.KEPT + 64
    assert found[-1].action == str(notes.KEPT + 99)
    assert [int(one.action) for one in found] == sorted(int(one.action) for one in found)


def test_nothing_fails_because_of_it(layout: Layout) -> None:
    layout.run.write_text("in the way")
    notes.note(layout, ID, "kill", signal="9")
    assert notes.read(layout, ["x"]) == {}


@pytest.mark.parametrize(
    "data",
    [
        b"", b"[]", b"{}", b'{"time": 1, "id": "a", "action": "b", "attributes": {}}',
        b'{"time": "x", "id": "a", "action": "b", "attributes": {}}',
        b'{"time": "2026-01-01T00:00:00Z", "id": "a", "action": "b", "attributes": {"a": 1}}',
        b'{"time": "2026-01-01T00:00:00Z", "id": "a", "action": "b", "attributes": []}',
    ],
)  # fmt: skip
def test_what_is_damaged_is_left_out(layout: Layout, data: bytes) -> None:
    notes.note(layout, ID, "kill")
    [name] = notes.names(layout)
    (notes.directory(layout) / name).write_bytes(data)
    assert notes.read(layout, [name]) == {}
