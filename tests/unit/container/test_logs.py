# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Where the last lines of a log begin: conmon writes a line in parts (P) and its end (F)."""

from __future__ import annotations

import io

import pytest

from ansible_collections.slipway.engine.plugins.module_utils._runtime.container.status import logs

WHEN = "2026-01-01T00:00:00.000000000+00:00"


@pytest.mark.parametrize(
    ("records", "count", "left"),
    [
        (["F a", "F b"], 1, 1),
        (["F a", "P b"], 1, 1),
        (["F a", "P b"], 2, 2),
        (["F a", "P b", "F c"], 1, 2),
        (["F a", "P b", "P c"], 1, 2),
        (["F a", "F b", "P c"], 2, 2),
        (["P a"], 1, 1),
        (["F a"], 3, 1),
        ([], 1, 0),
    ],
)
def test_the_last_lines(records: list[str], count: int, left: int) -> None:
    lines = [f"{WHEN} stdout {record}\n".encode() for record in records]
    start = logs._start_of_last(io.BytesIO(b"".join(lines)), count)[0]
    assert start == sum(map(len, lines[: len(lines) - left]))
