# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""In which order containers come up with the host."""

from __future__ import annotations

from typing import Optional

import pytest

from ansible_collections.slipway.engine.plugins.module_utils._runtime.container.lifecycle import (
    host_power,
)


@pytest.mark.parametrize(
    ("needs", "running", "then"),
    [
        ({}, [], None),
        ({"a": [], "b": []}, [], "a"),
        ({"b": []}, ["a"], "b"),
        # One waits for another that is left, or that is being started, and for nothing else.
        ({"a": ["b"], "b": []}, [], "b"),
        ({"a": ["b"]}, ["b"], None),
        ({"a": ["b"], "c": []}, ["b"], "c"),
        ({"a": ["b"]}, [], "a"),
        # Circles, of which one alone is the smallest.
        ({"a": ["a"]}, [], "a"),
        ({"a": ["b"], "b": ["a"]}, [], "a"),
        ({"a": ["b"], "b": ["a"]}, ["c"], None),
    ],
)
def test_following(needs: dict[str, list[str]], running: list[str], then: Optional[str]) -> None:
    assert host_power.following(needs, running) == then
