# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What Python reads as JSON and nobody else does is refused, with ValueError and nothing else."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Union

import pytest

from ansible_collections.slipway.engine.plugins.module_utils._runtime.base import files, strict_json
from ansible_collections.slipway.engine.plugins.module_utils._runtime.base.errors import Error


@pytest.mark.parametrize(
    "data",
    [
        b"NaN",
        b"[Infinity]",
        b'{"a": -Infinity}',
        b"1e999",
        b"[" * 100_000,
        b'"\\ud800"',
        b'["\\uDFFF", 1]',
        b'{"\\ud800": 1}',
        b'"\xed\xa0\x80"',
        "\ud800",
        "[1]".encode("utf-16"),
        "[1]".encode("utf-8-sig"),
        b"\xff",
        b"",
        b"{} {}",
    ],
    ids=lambda data: repr(data[:20]),
)
def test_what_is_refused(data: Union[bytes, str]) -> None:
    with pytest.raises(ValueError):
        strict_json.loads(data)


@pytest.mark.parametrize(
    ("data", "value"),
    [
        (b'{"a": [1, 2.5, 1e3, null, true]}', {"a": [1, 2.5, 1000.0, None, True]}),
        (b'"\\ud83d\\ude00"', "\U0001f600"),
        ('"\U0001f600 \u00e9"'.encode(), "\U0001f600 \u00e9"),
        (b'"\\\\ud800"', "\\ud800"),
        ("[1]", [1]),
    ],
)
def test_what_is_read(data: Union[bytes, str], value: Any) -> None:
    assert strict_json.loads(data) == value


def test_an_object_is_made_of_its_pairs() -> None:
    assert strict_json.loads(b'{"a": 1, "a": 2}', list) == [("a", 1), ("a", 2)]


def test_a_record_is_text(tmp_path: Path) -> None:
    path = tmp_path / "record.json"
    with pytest.raises(Error, match="is not Unicode"):
        files.write_json(path, {"a": "b\ud800"})
    assert not path.exists()
