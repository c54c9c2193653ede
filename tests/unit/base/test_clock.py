# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Times as records hold them, and those of other programs."""

from __future__ import annotations

import re
from typing import Optional

import pytest

from ansible_collections.slipway.engine.plugins.module_utils._runtime.base import clock

NOW = 1767225600.0  # 2026-01-01T00:00:00Z


def test_the_form_of_a_time() -> None:
    assert clock.text(1767225600_000000042) == "2026-01-01T00:00:00.000000042Z"
    assert clock.text(1767225600_999999999, exact=False) == "2026-01-01T00:00:00Z"
    assert re.fullmatch(r"[0-9]{4}(-[0-9]{2}){2}T([0-9]{2}:){2}[0-9]{2}\.[0-9]{9}Z", clock.now())


def test_nanoseconds_of_a_time() -> None:
    """Exactly, which seconds with a fraction cannot say."""
    for moment in (1767225600_000000042, 1767225600_123456789, 1767225601_000000000):
        assert clock.nanoseconds(clock.text(moment)) == moment
    assert clock.nanoseconds("2026-01-01T01:00:00.5+01:00") == 1767225600_500000000
    assert clock.nanoseconds("yesterday") is None


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("2026-01-01T00:00:00Z", NOW),
        ("2026-01-01T00:00:00z", NOW),
        ("2026-01-01T00:00:00.5Z", NOW + 0.5),
        ("2026-01-01T00:00:00.250000000Z", NOW + 0.25),
        ("2026-01-01T01:00:00.5+01:00", NOW + 0.5),
        ("2025-12-31T19:00:00-05:00", NOW),
        ("2026-01-01T00:00:00", NOW),
        (" 2026-01-01 ", NOW),
        ("", None),
        ("yesterday", None),
        ("2026-01-01T00:00:00.Z", None),
        ("2026-13-01T00:00:00Z", None),
    ],
)
def test_reading_a_time(text: str, seconds: Optional[float]) -> None:
    assert clock.seconds(text) == seconds
