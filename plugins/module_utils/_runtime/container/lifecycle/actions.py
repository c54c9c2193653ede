# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What can be done to a container: create, start, stop, kill, restart, rename, remove, repair.

Every function takes the container's lock for itself, may be called again, and returns the record it
left behind. None holds the lock while it waits for a process to end, because the exit hook needs it
then.
"""

from __future__ import annotations

import contextlib
import os
import secrets
import signal
import time
from collections.abc import Mapping, Sequence
from typing import Optional

from ...base import clock, document, files
from ...base.errors import Conflict, Error, LockTimeout, NotFound
from ...base.frozen import replace
from ...image.store import platform, store
from ...network import attach, synchronise
from ...plan.plan import Host
from ...records import container_record, effective, notes
from ...records.container_record import Record, locked
from ...spec.container import ContainerSpec
from ...spec.identifiers import signal_number
from ...tree import snapshot
from ...volume import users as volume_users
from ..engine import conmon_files
from ..files.init_of_image import wants_systemd
from ..option.logging import SYSLOG
from ..root import provision
from ..status import liveness
from ..supervision import watcher
from . import creation, freezing, incarnation, reconnect, salvage
from .signals import expect_end, process_of, send, wait_for

#: What a container is asked to end with when nobody says.
_STOP_SIGNAL = "SIGTERM"
#: How often a record is looked at again while its exit hook has not written it, in seconds.
_POLL_S = 0.02


def identify(host: Host, name_or_id: str) -> str:
    """The id of a container named by name, id or unambiguous id prefix. Raises NotFound."""
    return container_record.identify(host.layout, name_or_id)


def settle_left(host: Host) -> None:
    """Record the ends that nobody recorded, and clear away what such runs left on the host. A
    failure is a warning.
    """
    impatient = replace(host, lock_timeout_s=0.0)
    for container_id in liveness.unsettled(host.layout):
        try:
            # Whoever has the lock deals with it.
            with (
                contextlib.suppress(NotFound, LockTimeout),
                locked(impatient, container_id) as left,
            ):
                if left.phase in container_record.LIVE:
                    incarnation.corrected(host, left)
                elif not synchronise.is_claimed(host.layout, container_id):
                    incarnation.clear(host, left)
        except (Error, OSError) as exc:
            host.warn(f"cleanup after container {container_id[:12]} exited: {exc}")


def current(host: Host, container_id: str) -> Record:
    """What is true of a container now, whatever its record claims. Only reads. Raises NotFound."""
    return liveness.current(host.layout, container_id)


def create(
    host: Host,
    spec: ContainerSpec,
    image: store.Image,
    beside: str = "",
    volumes: Optional[Mapping[str, str]] = None,
    serving: bool = False,
) -> Record:
    """Make a container, not started. Raises Conflict when its name is taken; a failure leaves
    nothing.

    ``beside`` is the id of one that does not get its name yet, since it replaces the container that
    has it. ``volumes`` are anonymous volumes by path that are there and are used again. One that is
    ``serving`` is removed by its maker, or once that is gone.
    """
    layout = host.layout
    container_record.check_name(spec.name)
    creation.recover(host, remove)
    if not beside and os.path.lexists(layout.names / spec.name):
        owner = os.readlink(layout.names / spec.name)
        raise Conflict(
            f"the container name {spec.name} is already in use by container {owner[:12]}"
        )
    container_id = beside or secrets.token_hex(32)
    platform.check_serves(image.config, spec.image)
    with contextlib.ExitStack() as undo, store.lease(layout):

        def intend(volumes: Sequence[str]) -> None:
            undo.callback(creation.end_if_undone, layout, container_id, volumes)
            creation.begin(layout, container_id, bool(beside), volumes, serving)

        lowers = store.ensure_unpacked(layout, image)
        inherited = provision.inherited(host, spec)
        images = tuple(provision.mounted_images(host, spec, inherited))
        defaults = store.defaults(image)
        names = provision.make_volumes(host, spec, defaults, inherited, volumes or {}, intend, undo)
        made = Record(
            container_id,
            spec.name,
            clock.now(),
            image.chain_ids,
            anonymous_volumes=names,
            inherited=inherited,
            images=images,
            systemd=wants_systemd(host, image, spec),
        )
        with files.scratch(layout, "container") as scratch:
            staging = scratch / container_id
            staging.mkdir(mode=0o700)
            snapshot.prepare_upper(staging / "upper", list(reversed(lowers)))
            (staging / "work").mkdir(mode=0o700)
            files.write_json(staging / "image.json", document.to_json(store.defaults(image)))
            files.write_json(staging / "spec.json", document.to_json(spec))
            files.write_json(staging / "record.json", document.to_json(made))
            files.publish(staging, layout.container(container_id))
        undo.callback(files.discard, layout, layout.container(container_id))
        if not beside:
            container_record.claim_name(layout, spec.name, container_id)
        undo.pop_all()
        if not serving:
            creation.end(layout, container_id)
    return made


def start(
    host: Host,
    container_id: str,
    ready: Optional[incarnation.Ready] = None,
    env: Optional[Mapping[str, str]] = None,
) -> Record:
    """Start a container; one that runs is left alone. A failure leaves it as it was, with the
    error. ``ready`` and ``env`` are as incarnation.begin() says.
    """
    with locked(host, container_id) as found:
        if liveness.is_running(host.layout, found):
            return found
        return incarnation.begin(host, _fresh(found), ready, env)


def prepare(host: Host, container_id: str) -> Record:
    """The first half of start(): everything that needs no process. One that runs is left alone.
    Returns the record, whose generation finish() is told.
    """
    with locked(host, container_id) as found:
        if liveness.is_running(host.layout, found):
            return found
        return incarnation.prepare(host, _fresh(found))


def finish(host: Host, container_id: str, generation: int, refused: str = "") -> Record:
    """The second half of start(), with the generation that prepare() returned. Raises Conflict
    where somebody else came in between. With ``refused`` it fails for that reason, and the first
    half is undone.
    """
    with locked(host, container_id) as found:
        if liveness.is_running(host.layout, found):
            return found
        if found.generation != generation or found.phase not in container_record.AT_REST:
            raise Conflict(
                f"container {found.name} was changed while it was being started",
                hint="run the task again",
            )
        return incarnation.bring_up(host, found, found, refused=refused)


def _fresh(found: Record) -> Record:
    """The record of a container that is to be started by hand. Raises Error if it cannot be."""
    if found.phase == "removing":
        raise Error(f"container {found.name} is being removed", hint="remove it again")
    return replace(
        found, stopped_by_user=False, restart_count=0, backoff_s=0.0, phase=_at_rest(found)
    )


def _at_rest(found: Record) -> container_record.Phase:
    return "exited" if found.started_at else "created"


def stop(
    host: Host, container_id: str, timeout_s: Optional[float] = None, signal_name: str = ""
) -> Record:
    """Ask a container to end with its stop signal, and kill it after a grace time in seconds.

    None is the container's own stop_timeout, 0 kills at once; ``signal_name`` is another than its
    own. It stays stopped whatever its restart policy; also when it waits for its next start.
    """
    ended = halt(host, container_id, timeout_s, signal_name)
    _remove_if_asked(host, container_id)
    return ended


def halt(
    host: Host,
    container_id: str,
    timeout_s: Optional[float] = None,
    signal_name: str = "",
    by_host: bool = False,
) -> Record:
    """As stop(), for a container that is started again or replaced: auto_remove does not remove it.

    ``by_host`` is a stop because the host shuts down: no user stopped the container, and it starts
    again with the host. One that is not running is then left as it is.
    """
    number = signal_number(signal_name) if signal_name else 0
    freezing.thaw(host, container_id)
    with locked(host, container_id) as found:
        if by_host and found.phase not in container_record.UP:
            return found
        found = incarnation.corrected(host, found)
        phase = "exited" if found.phase == "restarting" else found.phase
        by_user = found.stopped_by_user or not by_host
        found = replace(found, stopped_by_user=by_user, stopped_by_host=by_host, phase=phase)
        container_record.write_record(host.layout, found)
        if not liveness.is_running(host.layout, found):
            return found
        spec = container_record.read_spec(host.layout, container_id)
        defaults = container_record.read_image(host.layout, container_id)
    timeout_s = host.grace_s if timeout_s is None else timeout_s
    grace_s = float(spec.stop_timeout_s) if timeout_s is None else timeout_s
    with _attending(host, spec, container_id), process_of(found) as process:
        if process is not None:
            if grace_s > 0 or number:
                asked = effective.stop_signal(spec, found, defaults) or _STOP_SIGNAL
                number = number or signal_number(asked)
                # Noted first: it may end at once.
                notes.note(host.layout, container_id, "kill", signal=str(number))
                send(process, number)
            if found.phase == "paused":
                # Sent first, so that a process that is unfrozen finds the signal waiting.
                freezing.resume(host, found)
            if grace_s <= 0 or not wait_for(process, grace_s):
                notes.note(host.layout, container_id, "kill", signal="9")
                send(process, signal.SIGKILL)
                expect_end(process, found)
        ended = _settled(host, found)
    notes.note(host.layout, container_id, "stop")
    return ended


def _attending(
    host: Host, spec: ContainerSpec, container_id: str
) -> contextlib.AbstractContextManager[None]:
    """Spare the host the exit hook of a container that ends because of this process, unless that
    has more to do than to record the end.
    """
    if spec.log_driver == SYSLOG:
        return contextlib.nullcontext()
    return conmon_files.attending(host.layout, container_id)


def kill(host: Host, container_id: str, signal_name: str = "SIGKILL") -> Record:
    """Send a signal to a container's process. After SIGKILL, return when it has ended.

    A container that is killed by its user stays down whatever its restart policy, as Docker's does.
    """
    number = signal_number(signal_name)
    found = _kill(host, container_id, number)
    if number == signal.SIGKILL:
        _remove_if_asked(host, container_id)
    return found


def _kill(host: Host, container_id: str, number: int) -> Record:
    freezing.thaw(host, container_id)
    with locked(host, container_id) as found:
        if not liveness.is_running(host.layout, found):
            raise Conflict(f"container {found.name} is not running")
        if number == signal.SIGKILL:
            found = replace(found, stopped_by_user=True)
            container_record.write_record(host.layout, found)
    with process_of(found) as process:
        if process is not None:
            notes.note(host.layout, container_id, "kill", signal=str(number))
            send(process, number)
            if number == signal.SIGKILL:
                if found.phase == "paused":
                    freezing.resume(host, found)
                expect_end(process, found)
    return found if number != signal.SIGKILL else _settled(host, found)


def _remove_if_asked(host: Host, container_id: str) -> None:
    """Remove what is removed at its end, once whoever waits for that has seen it."""
    with contextlib.suppress(NotFound):
        if container_record.read_spec(host.layout, container_id).auto_remove:
            container_record.await_watchers(host.layout, container_id)
            remove(host, container_id, volumes=True)


def restart(host: Host, container_id: str, timeout_s: Optional[float] = None) -> Record:
    """Stop a container where it runs, and start it."""
    halt(host, container_id, timeout_s)
    started = start(host, container_id)
    notes.note(host.layout, container_id, "restart")
    return started


def wait(host: Host, container_id: str, timeout_s: Optional[float] = None) -> Record:
    """Wait until a container has ended and does not start again by itself; its record then.

    Raises Error after ``timeout_s`` seconds, and NotFound when it is removed meanwhile.
    """
    deadline = None if timeout_s is None else time.monotonic() + timeout_s
    while True:
        found = current(host, container_id)
        if found.phase not in container_record.UP:
            return found
        left_s = 60.0 if deadline is None else deadline - time.monotonic()
        if left_s <= 0:
            raise Error(f"container {found.name} did not stop within {timeout_s:g} seconds")
        with process_of(found) as process:
            if process is not None:
                wait_for(process, left_s)
        time.sleep(_POLL_S)


def remove(host: Host, container_id: str, volumes: bool = False, force: bool = False) -> None:
    """Remove a container, and with ``volumes`` its anonymous volumes. Raises Conflict when it runs.

    ``force`` kills it first, and is enough for one whose files are damaged; the volumes that were
    made for such a one stay. What an earlier removal left half done is finished.
    """
    layout = host.layout
    salvaged = force and salvage.restore(host, container_id)
    if force:
        with contextlib.suppress(Conflict):
            _kill(host, container_id, signal.SIGKILL)
    with locked(host, container_id) as found:
        if liveness.is_running(layout, found):
            raise Conflict(
                f"container {found.name} is running", hint="stop it first, or force the removal"
            )
        # From here on whoever finds this unfinished finishes it.
        going = creation.begin_removal(
            layout, container_id, found.anonymous_volumes if volumes else ()
        )
        found = replace(incarnation.corrected(host, found), phase="removing")
        container_record.write_record(layout, found)
        incarnation.clear(host, found)
        attach.release(layout, found)
        container_record.release_name(layout, found.name, container_id)
        files.discard(layout, layout.container(container_id))
    for name in going:
        # Another container may have come to use it; it goes with that one, or when pruned.
        with contextlib.suppress(Conflict):
            volume_users.remove(host, name)
    creation.end(layout, container_id)
    if salvaged:
        # What it had there, and whether it was watched, was not in its record.
        synchronise.synchronise(layout)
        watcher.poke(layout)


def discard(host: Host, container_id: str) -> None:
    """Remove a container with its anonymous volumes, running or not."""
    remove(host, container_id, volumes=True, force=True)


def await_removal(host: Host, container_id: str, timeout_s: float = 10.0) -> None:
    """Wait until a container that is removed at its end is gone; others are left alone."""
    deadline = time.monotonic() + timeout_s
    while time.monotonic() < deadline:
        try:
            if not container_record.read_spec(host.layout, container_id).auto_remove:
                return
        except NotFound:
            return
        time.sleep(_POLL_S)


def rename(host: Host, container_id: str, new_name: str) -> Record:
    """Give a container another name. Raises Conflict when it is taken."""
    layout = host.layout
    with locked(host, container_id) as found:
        if found.name == new_name:
            return found
        container_record.claim_name(layout, new_name, container_id)
        spec = container_record.read_spec(layout, container_id)
        container_record.write_spec(layout, container_id, replace(spec, name=new_name))
        renamed = replace(found, name=new_name)
        named = found.attachments and liveness.is_running(layout, found)
        if named:
            synchronise.announce(layout, f"rename-{container_id}")
        container_record.write_record(layout, renamed)
        container_record.release_name(layout, found.name, container_id)
        if named:
            # Others on its networks reach it by the new name.
            synchronise.synchronise(layout)
        return renamed


def repair(host: Host, container_id: str) -> Record:
    """Restore what a running container lost: links, addresses, the firewall; unfreeze one that was
    left frozen.
    """
    freezing.thaw(host, container_id)
    found = reconnect.rejoin(host, container_id)
    if watcher.needed(found):
        incarnation.look_after(host, found)
    synchronise.synchronise(host.layout)
    return found


def _settled(host: Host, was: Record) -> Record:
    """Record the end of a run that is over, unless the exit hook was first."""
    with locked(host, was.id) as found:
        if found.generation == was.generation and found.phase in container_record.LIVE:
            return incarnation.settle(host, found)
        return found
