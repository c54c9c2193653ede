# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Replacing a container by a new one, so that one of the two always remains.

The new one is created beside the old one under the same name, which is a link that one rename
switches. Neither is renamed meanwhile, so nothing is left to clean up by hand. What is needed to
restore the old one, or to continue, is in the journal before it is needed.

Anonymous volumes move to the new container if it mounts one at the same path, as with ``docker
compose up``: what a service keeps there outlives its update. Those of other paths stay on the host,
unless volumes are not to be kept.

By default the old one is stopped before the new one is started. With StartFirst the new one starts
while the old one runs, and once it can serve, ports and names are handed over (handover.py).
"""

from __future__ import annotations

import contextlib
import os
import secrets
from typing import TYPE_CHECKING, Optional

from ...base import files
from ...base.errors import Error, LockTimeout, NotFound
from ...base.frozen import replace
from ...image.store import store
from ...network import attach
from ...plan.plan import Host
from ...records import container_record, effective, journal
from ...records.container_record import Record
from ...records.journal import Swap, Writer
from ...spec.container import ContainerSpec, ImageDefaults
from ..status import liveness, logs
from ..supervision import first_moment, health, policy
from . import actions, creation, freezing
from .signals import process_of, wait_for

if TYPE_CHECKING:
    from ..option.beside import StartFirst


def swap(
    host: Host,
    old_id: str,
    spec: ContainerSpec,
    image: store.Image,
    start: bool,
    keep_volumes: bool = True,
    healthy_timeout_s: Optional[float] = None,
    attended: bool = False,
    start_first: Optional[StartFirst] = None,
) -> Record:
    """Put a new container in the place of an old one; the old one is back if the new does not
    start, or ends badly in its first moment, or with ``healthy_timeout_s`` is not healthy after
    that many seconds (0 is without limit), or unhealthy before.

    The time in which neither runs is a stop and a start. ``keep_volumes`` False gives the new one
    fresh anonymous volumes and removes those of the old. ``attended`` is that the caller waits
    for the end of the new one, however soon that is, and judges it. With ``start_first`` an old one
    that runs is only stopped once the new one has taken its place.
    """
    layout = host.layout
    with _locked(host, spec.name, host.lock_timeout_s):
        asked = container_record.read_spec(layout, old_id).restart_policy
        before = policy.current(layout, old_id, asked)
        ran = before.phase in container_record.UP
        paused = before.phase == "paused"
        plan = Swap(
            spec.name, old_id, secrets.token_hex(32), Writer.me(), ran, paused, keep_volumes
        )
        if start_first is not None and start and before.phase == "running":
            plan = replace(plan, beside=True, drain_s=start_first.drain_s)
        if healthy_timeout_s is not None and start:
            _expect_check(spec, store.defaults(image))
        volumes = _carried(host, before, spec, store.defaults(image)) if keep_volumes else {}
        journal.write_swap(layout, plan)
        failed = "did not start"
        try:
            made = actions.create(host, spec, image, beside=plan.new, volumes=volumes)
            if plan.beside:
                from . import handover  # Few replacements are made in this way.

                handover.stand_by(host, made.id, old_id)
            else:
                if ran:
                    actions.halt(host, old_id)
                # Addresses and ports that both ask for go to the new one.
                attach.release(layout, before)
                container_record.turn_name(layout, spec.name, made.id)
            if start:
                made = actions.start(host, made.id)
                if healthy_timeout_s is not None:
                    failed = "did not become healthy"
                    health.await_healthy(layout, made.id, healthy_timeout_s, patient=False)
                elif not attended:
                    failed = "did not stay up"
                    _expect_to_stay(host, made, spec)
            if plan.beside and start_first is not None:
                failed = "did not become ready to serve"
                handover.await_serving(host, made, old_id, start_first.ready_timeout_s)
                failed = "could not take its place"
                handover.turn(host, spec.name, made.id, old_id)
        except BaseException as exc:
            said = logs.last_words(layout, plan.new)
            state = "was restarted" if ran else "was left unchanged"
            state = "keeps running" if plan.beside else state
            try:
                _back(host, plan)
            except Error as second:
                state = f"could not be restarted ({second})"
            if not isinstance(exc, Error):
                raise
            raise Error(
                f"the new container {spec.name} {failed}, and the old one {state}: {exc}{said}"
            ) from exc
        _forward(host, plan)
    return made


def recover(host: Host, name: str, deadline_s: Optional[float] = None) -> None:
    """Finish an interrupted replacement: roll it back, or complete it once the old container was
    given up. If another process is doing so, wait for it for ``deadline_s`` seconds, or as long as
    for any lock if None. No replacement, and one that somebody works on, is fine. Idempotent.
    """
    with _locked(host, name, host.lock_timeout_s if deadline_s is None else deadline_s):
        found = journal.interrupted(host.layout, name)
        if found is None:
            return
        if found.committed:
            _forward(host, found)
        else:
            _back(host, found)


def recover_all(host: Host) -> None:
    """The same for every container; unfreeze what was left frozen, record ends that nobody
    recorded. A failure is a warning.
    """
    actions.settle_left(host)
    creation.recover(host, actions.remove)
    for name in journal.swaps(host.layout):
        try:
            recover(host, name, deadline_s=0.0)
        except LockTimeout:
            # Whoever has the lock deals with it.
            continue
        except Error as exc:
            host.warn(f"container {name}: its replacement was interrupted: {exc}")
    with contextlib.suppress(FileNotFoundError):
        for container_id in os.listdir(host.layout.run_containers):
            with contextlib.suppress(Error):
                freezing.thaw(host, container_id)


def _expect_check(spec: ContainerSpec, image: ImageDefaults) -> None:
    if health.effective(spec.healthcheck, image.healthcheck) is None:
        raise Error(
            f"container {spec.name} has no health check, so it cannot become healthy",
            hint="set healthcheck, or omit rollback_unless_healthy",
        )


def _expect_to_stay(host: Host, made: Record, spec: ContainerSpec) -> None:
    """Watch a container's first moment. Raises Error when it ends badly in it, by the measure of
    state.verify(): one that did its work, that starts again or is removed at its end does not.
    """
    with process_of(made) as process:
        if process is not None and not wait_for(process, first_moment.LENGTH_S):
            return
    try:
        now = actions.current(host, made.id)
    except NotFound:
        return
    if now.phase != "exited" or liveness.ended_well(now) or spec.auto_remove:
        return
    # Its exit hook may be about to record that it waits for its next start.
    if policy.restarting(now, spec.restart_policy) is None:
        raise Error(f"the new one {liveness.ending(now)}")


def _locked(host: Host, name: str, deadline_s: float) -> contextlib.AbstractContextManager[int]:
    return files.lock(host.layout.lock("swap", name), deadline_s=deadline_s)


def _carried(
    host: Host, before: Record, spec: ContainerSpec, image: ImageDefaults
) -> dict[str, str]:
    """The anonymous volumes of the old container by the path they are mounted at."""
    layout = host.layout
    targets = effective.anonymous_targets(
        container_record.read_spec(layout, before.id),
        container_record.read_image(layout, before.id),
    )
    known = dict(zip(map(os.path.normpath, targets), before.anonymous_volumes))
    wanted = map(os.path.normpath, effective.anonymous_targets(spec, image))
    return {target: known[target] for target in wanted if target in known}


def _back(host: Host, plan: Swap) -> None:
    """The old container has its name again and is what it was; of the new one nothing is left."""
    layout = host.layout
    old = _find(host, plan.old)
    if old is None:
        # Somebody removed it by hand, so there is nothing to go back to.
        _forward(host, plan)
        return
    if plan.beside:
        from . import handover

        handover.turn(host, plan.name, plan.old, plan.new)
    else:
        container_record.turn_name(layout, plan.name, plan.old)
    if _find(host, plan.new) is not None:
        # Volumes that both have stay with the old one.
        actions.remove(host, plan.new, volumes=True, force=True)
    try:
        # Of one that was not stopped for the new one's sake, somebody else may have decided.
        if plan.ran and not (plan.beside and old.stopped_by_user):
            if old.stopped_by_user:
                # It was asked to end, and may be about to: it is not taken for one that runs.
                actions.halt(host, plan.old)
            actions.start(host, plan.old)
        if plan.paused:
            freezing.pause(host, plan.old)
    finally:
        # Also when it could not start: that would not go better the next time.
        journal.end_swap(layout, plan.name)


def _forward(host: Host, plan: Swap) -> None:
    """The new container stays, and the old one goes."""
    layout = host.layout
    if not plan.committed:
        journal.write_swap(layout, replace(plan, committed=True))
    if _find(host, plan.old) is not None:
        if plan.beside:
            from . import handover

            left = handover.drain(host, plan.old, plan.new, plan.drain_s)
            if left:
                host.notes.append(
                    f"container {plan.name}: {left} connections to the old container were still"
                    f" open after {plan.drain_s:g} seconds"
                )
            actions.halt(host, plan.old)
        actions.remove(host, plan.old, volumes=not plan.keep_volumes, force=True)
    journal.end_swap(layout, plan.name)


def _find(host: Host, container_id: str) -> Optional[Record]:
    try:
        return container_record.read_record(host.layout, container_id)
    except NotFound:
        return None
