# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Restart policies, decided from a record alone."""

from __future__ import annotations

import dataclasses
from typing import Any

import pytest

from ansible_collections.slipway.engine.plugins.module_utils._runtime.container.supervision import (
    policy,
)
from ansible_collections.slipway.engine.plugins.module_utils._runtime.records import (
    container_record,
)
from ansible_collections.slipway.engine.plugins.module_utils._runtime.spec.container import (
    RestartPolicy,
)

ENDED = container_record.Record(
    id="ab" * 32,
    name="web",
    created="2026-01-01T00:00:00.000000000Z",
    layers=(),
    phase="exited",
    generation=4,
    started_at="2026-01-01T00:00:01.000000000Z",
    finished_at="2026-01-01T00:00:02.500000000Z",
    exit_code=1,
)
NO = RestartPolicy("no")
ALWAYS = RestartPolicy("always")
UNLESS_STOPPED = RestartPolicy("unless-stopped")
ON_FAILURE = RestartPolicy("on-failure")
THREE_TIMES = RestartPolicy("on-failure", 3)


@pytest.mark.parametrize(
    ("asked", "changes", "again"),
    [
        (NO, {}, False),
        (ALWAYS, {}, True),
        (ALWAYS, {"exit_code": 0}, True),
        (ALWAYS, {"stopped_by_user": True}, False),
        (ALWAYS, {"stopped_by_host": True}, False),
        (UNLESS_STOPPED, {"exit_code": 0}, True),
        (UNLESS_STOPPED, {"stopped_by_user": True}, False),
        (ON_FAILURE, {}, True),
        (ON_FAILURE, {"restart_count": 1000}, True),
        (ON_FAILURE, {"exit_code": 0}, False),
        (ON_FAILURE, {"stopped_by_user": True}, False),
        (THREE_TIMES, {"restart_count": 2}, True),
        (THREE_TIMES, {"restart_count": 3}, False),
    ],
)
def test_a_policy_asks_for_another_start(
    asked: RestartPolicy, changes: dict[str, Any], again: bool
) -> None:
    waiting = policy.restarting(dataclasses.replace(ENDED, **changes), asked)
    assert (waiting is not None) is again
    if waiting is not None:
        assert waiting.phase == "restarting"
        assert waiting.restart_count == changes.get("restart_count", 0) + 1


@pytest.mark.parametrize(
    ("before_s", "finished", "after_s"),
    [
        (0.0, "2026-01-01T00:00:02Z", 0.1),
        (0.1, "2026-01-01T00:00:02Z", 0.2),
        (25.6, "2026-01-01T00:00:02Z", 51.2),
        (51.2, "2026-01-01T00:00:02Z", 60.0),
        (60.0, "2026-01-01T00:00:10.900000000Z", 60.0),
        (60.0, "2026-01-01T00:00:11.000000000Z", 0.1),
        # Nobody saw when it ended: no reason to hurry.
        (0.4, "", 0.8),
    ],
)
def test_the_back_off_doubles_and_a_settled_run_resets_it(
    before_s: float, finished: str, after_s: float
) -> None:
    ended = dataclasses.replace(ENDED, backoff_s=before_s, finished_at=finished)
    waiting = policy.restarting(ended, ALWAYS)
    assert waiting is not None
    assert waiting.backoff_s == pytest.approx(after_s)
