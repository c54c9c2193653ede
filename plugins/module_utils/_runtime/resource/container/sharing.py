# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Containers that stay behind in the namespaces of a run of another one, when that begins anew.

A process stays in the namespaces it was started in. The new run of the other container has others,
so who shares them is cut off until it is restarted, here as with Docker.
"""

from __future__ import annotations

from collections.abc import Collection

from ...plan.plan import Host, Plan
from ...records import foreseen
from .observe import State
from .run_steps import Restart, Start
from .steps import Replace

MODES = ("network_mode", "pid_mode", "ipc_mode")


def begins_anew(plan: Plan[State]) -> bool:
    """Whether a plan gives its container new namespaces, where it may have had some. Pure."""
    return any(isinstance(step, (Replace, Restart, Start)) for step in plan.steps)


def warn(host: Host, begun: Collection[str], spared: Collection[str] = ()) -> None:
    """Warn of the containers that run in namespaces of some that begin anew, but for those that
    are seen to otherwise.
    """
    if not begun:
        return
    for one in foreseen.containers(host):
        if not one.running or one.name in spared:
            continue
        modes = (str(getattr(one.spec, mode)).partition(":") for mode in MODES)
        for name in sorted({name for word, dummy, name in modes if word == "container"} & {*begun}):
            host.warn(
                f"container {one.name} shares namespaces of {name}, which begins anew and gets"
                f" others: restart {one.name}, or declare both in one stack, which does that"
            )
