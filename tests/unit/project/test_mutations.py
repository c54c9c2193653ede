# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Every row of tests/mutations fits: its code is there once, and so is its test."""

from __future__ import annotations

import pytest
from mutations.catalogue import ROWS
from mutations.row import Misfit, Row


@pytest.mark.parametrize("row", ROWS, ids=lambda row: str(row.defence))
def test_a_row_fits(row: Row) -> None:
    row.check()


def test_the_list_is_long_and_each_defence_is_there_once() -> None:
    assert len(ROWS) >= 40
    assert len({row.defence for row in ROWS}) == len(ROWS)
    assert len({(row.file, row.old) for row in ROWS}) == len(ROWS)


@pytest.mark.parametrize(
    "change", [{"old": "no such code"}, {"old": "import"}, {"new": "("}, {"test": "unit/x.py::y"}]
)
def test_a_row_that_does_not_fit_is_an_error(change: dict[str, str]) -> None:
    row = Row(**{**vars(ROWS[0]), **change})
    with pytest.raises(Misfit):
        row.check()
