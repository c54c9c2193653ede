# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The filters until and label, as Docker reads them."""

from __future__ import annotations

from typing import Any, Optional

import pytest

from ansible_collections.slipway.engine.plugins.module_utils._runtime.base.errors import Error
from ansible_collections.slipway.engine.plugins.module_utils._runtime.text import filters

NOW = 1767225600.0  # 2026-01-01T00:00:00Z


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("10m", NOW - 600),
        ("1h30m", NOW - 5400),
        ("1.5h", NOW - 5400),
        ("250ms", NOW - 0.25),
        ("1767225600", NOW),
        ("1767225600.5", NOW + 0.5),
        ("2026-01-01", NOW),
        ("2026-01-01T01:00", NOW + 3600),
        ("2026-01-01T01:00:00", NOW + 3600),
        ("2026-01-01T01:00:00Z", NOW + 3600),
        ("2026-01-01T01:00:00.123456789Z", NOW + 3600.123456789),
        ("2026-01-01T01:00:00+01:00", NOW),
    ],
)
def test_a_moment(text: str, moment: float) -> None:
    assert filters.moment(text, NOW) == moment


@pytest.mark.parametrize("text", ["", "yesterday", "10d", "h", "-1h", "2026-13-01"])
def test_no_moment(text: str) -> None:
    with pytest.raises(Error, match="is not a time"):
        filters.moment(text, NOW)


@pytest.mark.parametrize(
    ("value", "created", "labels", "meant"),
    [
        ({}, None, {}, True),
        ({"until": "1h"}, NOW - 3601, {}, True),
        ({"until": "1h"}, NOW - 3599, {}, False),
        ({"until": "1h"}, None, {}, False),
        ({"label": "a"}, NOW, {"a": "1"}, True),
        ({"label": "a=1"}, NOW, {"a": "1"}, True),
        ({"label": "a=2"}, NOW, {"a": "1"}, False),
        ({"label": "a="}, NOW, {"a": ""}, True),
        ({"label": ["a", "b"]}, NOW, {"a": "1"}, False),
        ({"label": ["a", "b=2"]}, NOW, {"a": "1", "b": "2"}, True),
        ({"label!": "a"}, NOW, {"a": "1"}, False),
        ({"label!": ["a=2", "b"]}, NOW, {"a": "1"}, True),
        ({"label": "a", "label!": "keep"}, NOW, {"a": "", "keep": "me"}, False),
    ],
)
def test_what_is_meant(
    value: dict[str, Any], created: Optional[float], labels: dict[str, str], meant: bool
) -> None:
    assert filters.parse(value, NOW).match(created, labels) is meant


def test_a_filter_there_is_not() -> None:
    with pytest.raises(
        Error, match=r"unknown filter 'size'; known filters: until, label, label!, dangling"
    ):
        filters.parse({"size": 1}, NOW, ("dangling",))
