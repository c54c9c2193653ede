# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What happens when a container exits: the exit is recorded, and the restart policy applied.

There is no daemon. conmon runs ``slipway supervise exited ID GENERATION`` when a container exits;
that process records the exit under the container's lock, waits for the back-off without it, and
restarts the container unless something else was decided meanwhile. What happens when the host
itself goes down and comes up is in host_power.py.
"""

from __future__ import annotations

import contextlib
import os
import time

from ...base.errors import Conflict, NotFound
from ...base.frozen import replace
from ...kernel import linux
from ...plan.plan import Host
from ...records import container_record
from ...records.container_record import locked
from ..option import logging
from ..status import liveness
from ..supervision import policy
from . import incarnation


def exited(host: Host, container_id: str, generation: int) -> None:
    """A container ended, says conmon: record it and start it again if its policy asks for that.

    An event of an earlier generation is late news: somebody has started or removed the container
    since.
    """
    try:
        with locked(host, container_id) as found:
            if found.generation != generation or found.phase == "removing":
                return
            if liveness.is_running(host.layout, found):
                # Whoever says so is mistaken.
                return
            if found.phase in container_record.LIVE:
                ended = liveness.ended(host.layout, found)
            elif incarnation.unrecorded(host.layout, found):
                # Who started it died before it could write down that it ran.
                ended = liveness.ended(host.layout, replace(found, phase="running"))
            else:
                return
            spec = container_record.read_spec(host.layout, container_id)
            waiting = policy.restarting(ended, spec.restart_policy)
            if waiting is not None:
                # A record that says restarting names who will do it: that process may be killed.
                me = os.getpid()
                start = linux.process_start_time(me) or 0
                waiting = replace(waiting, conmon_pid=me, pid_start=start)
            incarnation.settle(host, found, waiting or ended)
        if spec.log_driver == logging.SYSLOG:
            from ..status import syslog  # For few containers.

            syslog.forward(host.layout, container_id, follow=False)
        if waiting is None:
            # Whoever stops it removes it too, unless that is to start it again.
            if spec.auto_remove and not ended.stopped_by_user:
                remove(host, container_id)
            return
        time.sleep(waiting.backoff_s)
        with locked(host, container_id) as found:
            if (
                found.phase == "restarting"
                and found.generation == generation
                and not found.stopped_by_user
            ):
                incarnation.begin(host, found)
    except NotFound:
        # Removed meanwhile: there is nothing to record and nothing to start.
        return


def remove(host: Host, container_id: str) -> None:
    """Remove a container that was to be removed at its end."""
    from . import actions  # Few containers are removed at their end.

    container_record.await_watchers(host.layout, container_id)
    with contextlib.suppress(Conflict):
        actions.remove(host, container_id, volumes=True)
