# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Bars, rates and the time that is left."""

from __future__ import annotations

from typing import Optional

import pytest

from ansible_collections.slipway.engine.plugins.module_utils._runtime.base import progress
from ansible_collections.slipway.engine.plugins.module_utils._runtime.text.progress_lines import (
    Thing,
    amount,
    bar_of,
    span,
    summary,
)

MEGA = 1_000_000


def moving(*samples: tuple[float, int]) -> Thing:
    """A layer of 100 MB of which so many bytes were there at some times."""
    thing = Thing("f5d23c7fed46", progress.DOWNLOADING, 0, 100 * MEGA)
    for now, done in samples:
        thing.done = done
        thing.sample(now)
    return thing


@pytest.mark.parametrize(
    ("width", "line"),
    [
        (100, "f5d23c7fed46: Downloading [====================="),
        (60, "f5d23c7fed46: Downloading [===>    ]  50MB/100MB  10MB/s  5s"),
        (58, "f5d23c7fed46: Downloading  50MB/100MB  10MB/s  5s"),
        (47, "f5d23c7fed46: Downloading  50MB/100MB  10MB/s"),
        (40, "f5d23c7fed46: Downloading  50MB/100MB"),
        (20, "f5d23c7fed46: Downlo"),
    ],
)
def test_a_line_fits(width: int, line: str) -> None:
    found = moving((0, 30 * MEGA), (2, 50 * MEGA)).line(width)
    assert len(found) <= width
    assert found.startswith(line)
    assert len(found) == width if width == 100 else found == line


def test_a_line_of_what_is_unknown() -> None:
    assert Thing("a", progress.PULLED).line(80) == "a: Pull complete"
    assert Thing("", progress.TO_CONTAINER, 5000).line(80) == "Copying to container  5kB"
    assert moving((0, 0)).line(80).endswith("]  0B/100MB")


def test_a_rate_is_that_of_the_last_seconds() -> None:
    assert moving((0, 0)).rate() == 0
    assert moving((0, 0), (0.1, MEGA)).rate() == 0
    assert moving((0, 0), (1, MEGA)).rate() == MEGA
    assert moving((0, 0), (1, 90 * MEGA), (6, 92 * MEGA), (7, 93 * MEGA)).rate() == MEGA
    # An upload that begins anew counts from its beginning.
    assert moving((0, 50 * MEGA), (1, MEGA), (2, 2 * MEGA)).rate() == MEGA


@pytest.mark.parametrize(
    ("done", "drawn"), [(0, ""), (1, ""), (10, ">"), (50, "====>"), (100, "=========>")]
)
def test_bars(done: int, drawn: str) -> None:
    assert bar_of(done, 100, 10) == drawn.ljust(10)


@pytest.mark.parametrize(
    ("seconds", "text"), [(0.2, "0s"), (59.6, "1m00s"), (125, "2m05s"), (3720, "1h02m")]
)
def test_spans(seconds: float, text: str) -> None:
    assert span(seconds) == text


LAYERS = [
    Thing("a", progress.PULLED, 0, 10 * MEGA),
    Thing("b", progress.DOWNLOADED, 0, 10 * MEGA),
    Thing("c", progress.DOWNLOADING, 5 * MEGA, 10 * MEGA),
    Thing("d", progress.PULLING, 0, 10 * MEGA),
    Thing("e", progress.EXISTS),
]


@pytest.mark.parametrize(
    ("before", "said"),
    [
        (None, "Downloading, 25MB of 40MB (62%), 2 of 5 layers"),
        ((0.0, 15 * MEGA), "Downloading, 25MB of 40MB (62%), 2 of 5 layers, 5MB/s, 3s left"),
        ((0.0, 25 * MEGA), "Downloading, 25MB of 40MB (62%), 2 of 5 layers"),
    ],
)
def test_a_summary(before: Optional[tuple[float, int]], said: str) -> None:
    assert summary(LAYERS, before, 2.0) == said


def test_a_summary_of_unpacking() -> None:
    layers = [
        Thing("a", progress.PULLED, 0, 10 * MEGA),
        Thing("b", progress.EXTRACTING, 5 * MEGA, 10 * MEGA),
        Thing("c", progress.DOWNLOADED, 0, 20 * MEGA),
    ]
    assert amount(layers) == (15 * MEGA, 40 * MEGA)
    assert summary(layers, None, 0) == "Extracting, 15MB of 40MB (37%), 1 of 3 layers"
    assert summary([Thing("", progress.TO_CONTAINER, MEGA)], None, 0) == "Copying to container, 1MB"
    assert summary([Thing("a", progress.PULLING, 0, MEGA)], None, 0) == ""
