# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What happens when a container exits: the exit is recorded, and the restart policy applied.

There is no daemon. conmon runs ``slipway supervise exited ID GENERATION`` when a container exits;
that process records the exit under the container's lock, waits for the back-off without it, and
restarts the container unless something else was decided meanwhile. When the host shuts down
``slipway supervise shutdown`` stops them all, and after boot ``slipway supervise boot`` does what
the policies say.
"""

from __future__ import annotations

import contextlib
import dataclasses
import os
import time

from ...base import clock, linux
from ...base.errors import Conflict, Error, NotFound
from ...plan.plan import Host
from ...records import container_record
from ...records.container_record import Record, locked
from ..option import logging
from ..status import liveness
from ..supervision import policy
from . import incarnation

#: What a container is recorded to have exited with when the host went down under it, as Docker
#: does.
_HOST_WENT_DOWN = 255


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
                ended = liveness.ended(host.layout, dataclasses.replace(found, phase="running"))
            else:
                return
            spec = container_record.read_spec(host.layout, container_id)
            waiting = policy.restarting(ended, spec.restart_policy)
            if waiting is not None:
                # A record that says restarting names who will do it: that process may be killed.
                me = os.getpid()
                start = linux.process_start_time(me) or 0
                waiting = dataclasses.replace(waiting, conmon_pid=me, pid_start=start)
            incarnation.settle(host, found, waiting or ended)
        if spec.log_driver == logging.SYSLOG:
            from ..status import syslog  # For few containers.

            syslog.forward(host.layout, container_id, follow=False)
        if waiting is None:
            # Whoever stops it removes it too, unless that is to start it again.
            if spec.auto_remove and not ended.stopped_by_user:
                _remove(host, container_id)
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


def _remove(host: Host, container_id: str) -> None:
    from . import actions  # Few containers are removed at their end.

    container_record.await_watchers(host.layout, container_id)
    with contextlib.suppress(Conflict):
        actions.remove(host, container_id, volumes=True)


def shutdown(host: Host) -> list[str]:
    """Stop every container that runs, since the host goes down: all at once, each with its own
    signal and grace time.

    A container's record says so before it gets its signal: no exit hook starts it again, but
    boot() does. Idempotent. Returns what went wrong, one line per container, having gone on with
    the others.
    """
    from concurrent.futures import ThreadPoolExecutor

    from . import actions  # Neither is for the hook of every exit.

    def stop(container_id: str) -> str:
        try:
            ended = actions.halt(host, container_id, by_host=True)
            if (
                ended.stopped_by_host
                and container_record.read_spec(host.layout, container_id).auto_remove
            ):
                _remove(host, container_id)
        except NotFound:
            pass  # Its hook was faster.
        except (Error, OSError) as exc:
            return f"container {container_id[:12]}: {exc}"
        return ""

    found = container_record.all_ids(host.layout)
    # Nearly all they do is wait, and none is to wait for another. One for which there is nothing to
    # do makes room for the next, so there are hardly more than containers that run.
    with ThreadPoolExecutor(max(1, len(found))) as threads:
        return [failure for failure in threads.map(stop, found) if failure]


def boot(host: Host) -> list[str]:
    """After a reboot: clear what the last boot left and start what the policies ask for.

    Idempotent: what this boot has dealt with is left alone. After a shutdown() that no reboot
    followed, what that stopped is started in the same way. Returns what went wrong, one line per
    container, having gone on with the others.
    """
    from . import replacement  # Only here: the hook of every exit comes this way too.

    failures: list[str] = []
    replacement.recover_all(host)
    for container_id in container_record.all_ids(host.layout):
        try:
            with locked(host, container_id) as found:
                gone = _boot(host, found)
            if gone:
                _remove(host, container_id)
        except NotFound:
            continue
        except Error as exc:
            failures.append(f"container {container_id[:12]}: {exc}")
    return failures


def _boot(host: Host, found: Record) -> bool:
    """Deal with one container; whether it is to be removed."""
    this_boot = found.boot_id == linux.boot_id()
    if not found.boot_id or (this_boot and not found.stopped_by_host):
        return False
    if liveness.is_running(host.layout, found):
        # It is being stopped at this very moment.
        return False
    if found.phase in container_record.UP:
        ended = liveness.ended(host.layout, found)
        if not this_boot:
            ended = dataclasses.replace(ended, exit_code=_HOST_WENT_DOWN, finished_at=clock.now())
        found = incarnation.settle(host, found, ended)
    spec = container_record.read_spec(host.layout, found.id)
    asked = spec.restart_policy
    # ``always`` means also after a stop by hand once the host comes up again; Docker's
    # documentation.
    if policy.wanted(found, asked) and not (found.stopped_by_user and asked.name != "always"):
        incarnation.begin(host, dataclasses.replace(found, backoff_s=0.0))
    return spec.auto_remove
