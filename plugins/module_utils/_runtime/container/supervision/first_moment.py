# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A container's first moment: one that ends badly in it did not start, as far as its task goes.

Whether it did is a matter of how long it ran, never of when somebody looked.
"""

from __future__ import annotations

from ...base import clock
from ...records.container_record import Record
from ...spec.container import ContainerSpec

#: How long a container is watched after its start, in seconds. A program that does not like its
#: configuration mostly says so sooner; whoever needs longer has a health check.
LENGTH_S = 0.15


def matters(spec: ContainerSpec) -> bool:
    """Whether the first moment of a container says anything about its start: one that is started
    again, or removed at its end, may end as it likes. Pure.
    """
    return spec.restart_policy.name == "no" and not spec.auto_remove


def left_s(run: Record) -> float:
    """How much of it is left of a run, in seconds."""
    now, began = clock.seconds(clock.now()), clock.seconds(run.started_at)
    if now is None or began is None:
        return LENGTH_S
    # A clock that was set meanwhile is no reason to wait longer.
    return min(LENGTH_S, max(0.0, began + LENGTH_S - now))


def outlived(ended: Record) -> bool:
    """Whether a container that is down ran longer than that. Pure."""
    began, finished = clock.seconds(ended.started_at), clock.seconds(ended.finished_at)
    # An end that nobody saw may have been at once.
    return began is not None and finished is not None and finished - began >= LENGTH_S
