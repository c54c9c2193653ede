# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Write what each task reported as a line of JSON to the file SLIPWAY_RECORD names."""

from __future__ import annotations

import json
import os
import time
from typing import Any

from ansible.plugins.callback import CallbackBase

DOCUMENTATION = r"""
name: record
type: notification
short_description: Records the results of tasks as lines of JSON
version_added: 0.1.0
description:
  - Writes name, action, seconds, C(changed), C(diff) and C(actions) of every task to a file, and
    C(members) and C(msg) of those that have them.
requirements:
  - The environment variable E(SLIPWAY_RECORD) names the file; without it nothing is written.
"""


class CallbackModule(CallbackBase):
    """One line per task and host; a loop is one task with a list of results."""

    CALLBACK_VERSION = 2.0
    CALLBACK_TYPE = "notification"
    CALLBACK_NAME = "record"
    CALLBACK_NEEDS_ENABLED = True

    _began = 0.0

    def v2_playbook_on_task_start(self, task: Any, is_conditional: bool) -> None:
        self._began = time.perf_counter()

    def v2_runner_on_ok(self, result: Any) -> None:
        self._write(result, "ok")

    def v2_runner_on_skipped(self, result: Any) -> None:
        self._write(result, "skipped")

    def v2_runner_on_failed(self, result: Any, ignore_errors: bool = False) -> None:
        self._write(result, "failed")

    def v2_runner_on_unreachable(self, result: Any) -> None:
        self._write(result, "unreachable")

    def _write(self, result: Any, status: str) -> None:
        path = os.environ.get("SLIPWAY_RECORD")
        if not path:
            return
        found = result._result
        line = {
            "task": result._task.get_name(),
            "action": result._task.resolved_action or result._task.action,
            "status": status,
            "seconds": time.perf_counter() - self._began,
            "results": [
                {
                    **{key: item.get(key) for key in ("changed", "diff", "actions", "differences")},
                    **{key: item[key] for key in ("members", "msg") if key in item},
                }
                for item in found.get("results", [found])
            ],
        }
        with open(path, "a", encoding="utf-8") as out:
            out.write(json.dumps(line, sort_keys=True, default=str) + "\n")
