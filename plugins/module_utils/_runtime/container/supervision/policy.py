# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a restart policy says about a container that has exited: whether it is restarted, and
when.
"""

from __future__ import annotations

from typing import Optional

from ...base import clock
from ...base.frozen import replace
from ...base.layout import Layout
from ...kernel import linux
from ...records import container_record
from ...records.container_record import LIVE, UP, Record
from ...spec.container import RestartPolicy
from ..engine import conmon_files
from ..status import liveness

#: Docker's back-off: doubled from try to try, reset by a run of ten seconds (restartmanager.go).
_FIRST_BACKOFF_S = 0.1


_LONGEST_BACKOFF_S = 60.0


_SETTLED_S = 10.0


#: What a container is recorded to have exited with when the host went down under it, as Docker
#: does.
HOST_WENT_DOWN = 255


def current(layout: Layout, container_id: str, policy: RestartPolicy) -> Record:
    """What is true of a container now, and what is about to be recorded of it: one that has just
    ended, and that its exit hook starts again, is restarting already. Only reads. Raises NotFound.

    Otherwise it would depend on the moment whether a container in a crash loop is up.
    """
    while True:
        found = liveness.current(layout, container_id)
        if policy.name == "no" or found.phase != "exited":
            return found
        attended = conmon_files.attended(layout, container_id)
        kept = container_record.read_record(layout, container_id)
        if kept.phase not in LIVE:
            return liveness.truth(layout, kept)
        if kept.generation == found.generation:
            # Without its monitor and its hook nobody will start it.
            return (restarting(found, policy) if attended else None) or found


def restarting(ended: Record, policy: RestartPolicy) -> Optional[Record]:
    """The record of a container that waits for its next start, or None when it stays down. Pure."""
    if ended.stopped_by_user or ended.stopped_by_host or not wanted(ended, policy):
        return None
    began, finished = clock.seconds(ended.started_at), clock.seconds(ended.finished_at)
    ran_s = finished - began if began is not None and finished is not None else 0.0
    doubled_s = ended.backoff_s * 2
    if ran_s >= _SETTLED_S or not doubled_s:
        doubled_s = _FIRST_BACKOFF_S
    return replace(
        ended,
        phase="restarting",
        restart_count=ended.restart_count + 1,
        backoff_s=min(doubled_s, _LONGEST_BACKOFF_S),
    )


def wanted(ended: Record, policy: RestartPolicy) -> bool:
    """Whether a policy asks for another start of a container that ended by itself. Pure."""
    if policy.name == "on-failure":
        most = policy.maximum_retry_count
        return ended.exit_code != 0 and (most == 0 or ended.restart_count < most)
    return policy.name in ("always", "unless-stopped")


def left(found: Record) -> bool:
    """Whether the host went down since a container was started, or stopped it in order to, and it
    has not been dealt with yet.
    """
    return bool(found.boot_id) and (found.boot_id != linux.boot_id() or found.stopped_by_host)


def comes_up(found: Record, policy: RestartPolicy) -> bool:
    """Whether a start of the host starts a container, by what is recorded of it."""
    if not left(found):
        return False
    if found.phase in UP and not found.stopped_by_host:
        found = replace(found, exit_code=HOST_WENT_DOWN)
    # ``always`` means also after a stop by hand once the host comes up again; Docker's
    # documentation.
    return wanted(found, policy) and not (found.stopped_by_user and policy.name != "always")
