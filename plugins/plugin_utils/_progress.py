# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How far a task is, told while it runs: ``progress: true``.

The module notes in a file on the host how far it is (records/progress_file.py). While Ansible waits
for the module, a thread here reads that file at intervals, over the task's own connection and
become, and tells on standard error what is in it.
"""

from __future__ import annotations

import contextlib
import secrets
from collections.abc import Iterator, Mapping
from typing import Any

from ansible.errors import AnsibleError
from ansible.module_utils.parsing.convert_bool import boolean

#: The variable that says how many seconds are between two lines, and what it is without one.
INTERVAL = "slipway_progress_interval"
_INTERVAL_S = 5.0


@contextlib.contextmanager
def shown(action: Any, task_vars: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """Tell how far the task is that the block runs; yields what its module is to be told.

    Nothing is told of a task that asks for no progress, of one whose results are hidden, and of an
    asynchronous one, for which nobody waits. In check mode nothing is done, so there is nothing to
    tell.
    """
    task = action._task
    asked = boolean(task.args.get("progress") or False, strict=False)
    if not asked or task.no_log or task.async_val:
        yield {}
        return
    from ._teller import Teller  # Few tasks ask.

    token = secrets.token_hex(8)
    host = str(task_vars.get("inventory_hostname") or action._play_context.remote_addr)
    teller = Teller(action._connection, token, host, _interval(task_vars))
    teller.start()
    try:
        yield {"_progress": token}
    finally:
        teller.stop()


def _interval(task_vars: Mapping[str, Any]) -> float:
    given = task_vars.get(INTERVAL, _INTERVAL_S)
    try:
        interval = float(given)
    except (TypeError, ValueError):
        interval = 0.0
    if interval <= 0:
        raise AnsibleError(f"{INTERVAL} is {given!r}, expected a number of seconds")
    return interval
