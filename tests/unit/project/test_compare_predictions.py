# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The judge of check mode finds every way a prediction can be wrong."""

from __future__ import annotations

from typing import Any

import pytest
from support import compare_predictions


def _task(action: str = "slipway.engine.container", **result: Any) -> dict[str, Any]:
    found = {"changed": False, "diff": {"before": {}, "after": {}}, "actions": [], **result}
    status = found.pop("status", "ok")
    return {"task": "T", "action": action, "status": status, "results": [found]}


@pytest.mark.parametrize(
    "otherwise",
    [
        {"changed": True},
        {"actions": ["create container web"]},
        {"diff": {"before": {}, "after": {"name": "web"}}},
        {"status": "skipped"},
    ],
)
def test_a_wrong_prediction_is_found(otherwise: dict[str, Any]) -> None:
    assert compare_predictions.differences([_task()], [_task(**otherwise)])
    assert not compare_predictions.differences([_task(**otherwise)], [_task(**otherwise)])


def test_an_id_that_only_the_run_finds_out_is_no_wrong_prediction() -> None:
    diff = {"before": {"exists": False}, "after": {"exists": True, "id": "unknown"}}
    found = {"before": {"exists": False}, "after": {"exists": True, "id": "sha256:1"}}
    gone = {"before": {"exists": False}, "after": {"exists": False}}
    assert not compare_predictions.differences([_task(diff=diff)], [_task(diff=found)])
    assert compare_predictions.differences([_task(diff=diff)], [_task(diff=gone)])
    assert compare_predictions.differences([_task(diff=found)], [_task(diff=diff)])


def test_a_task_that_only_one_run_had_is_found() -> None:
    assert compare_predictions.differences([_task()], [_task(), _task()])


def test_a_run_without_tasks_of_the_collection_proves_nothing() -> None:
    assert compare_predictions.differences([], [])


def test_tasks_of_others_are_not_compared_but_must_not_change_again() -> None:
    changed = _task(action="ansible.builtin.file", changed=True)
    assert not compare_predictions.differences([_task()], [changed, _task()])
    assert compare_predictions.changes([changed, _task()])
