# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What can be done to a container: create, start, stop, kill, restart, rename, remove, swap.

Every function takes the container's lock for itself, may be called again, and returns the record it
left behind. None holds the lock while it waits for a process to end, since the exit hook needs it
then.
"""

from __future__ import annotations

import contextlib
import dataclasses
import os
import secrets
import select
import signal
import time
from collections.abc import Iterator
from typing import Optional

from .. import document, files, snapshot
from ..errors import Conflict, Error, NotFound
from ..image import store
from ..network import attach, publish
from ..plan import Host
from ..volume import store as volume_store
from ..volume import users as volume_users
from ..volume.spec import Volume
from . import incarnation, inspect, joining, liveness, logs, oci_runtime, record, surroundings
from .bundle import resources
from .incarnation import locked
from .names import signal_number
from .record import Record
from .spec import ContainerSpec, ImageDefaults, endpoints

#: What a container is asked to end with when neither it nor its image says.
_STOP_SIGNAL = "SIGTERM"
#: How long a process may take to go after SIGKILL; longer is a kernel that waits for a device.
_KILL_TIMEOUT_S = 30.0


def identify(host: Host, name_or_id: str) -> str:
    """The id of a container named by name, id or unambiguous id prefix. Raises NotFound."""
    return record.identify(host.layout, name_or_id)


def current(host: Host, container_id: str) -> Record:
    """What is true of a container now, whatever its record claims. Only reads. Raises NotFound."""
    return liveness.current(host.layout, container_id)


def create(host: Host, spec: ContainerSpec, image: store.Image) -> Record:
    """Make a container, not started. Raises Conflict when its name is taken; a failure leaves
    nothing.
    """
    layout = host.layout
    record.check_name(spec.name)
    if os.path.lexists(layout.names / spec.name):
        owner = os.readlink(layout.names / spec.name)
        raise Conflict(f"the name {spec.name} is taken by container {owner[:12]}")
    container_id = secrets.token_hex(32)
    with contextlib.ExitStack() as undo, store.lease(layout):
        lowers = store.ensure_unpacked(layout, image)
        volumes = _make_volumes(host, spec, store.defaults(image), undo)
        made = Record(
            container_id, spec.name, liveness.now(), image.chain_ids, anonymous_volumes=volumes
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
        record.claim_name(layout, spec.name, container_id)
        undo.pop_all()
    return made


def _make_volumes(
    host: Host, spec: ContainerSpec, image: ImageDefaults, undo: contextlib.ExitStack
) -> tuple[str, ...]:
    """The named volumes a container mounts, as far as they are missing, and its anonymous ones."""
    layout, created = host.layout, liveness.now()
    for mount in spec.mounts:
        if mount.kind == "volume":
            volume_store.ensure(layout, Volume(mount.source, created))
    names = []
    for dummy in inspect.anonymous_targets(spec, image):
        name = volume_store.make_anonymous(layout, created)
        undo.callback(volume_store.remove, layout, name)
        names.append(name)
    return tuple(names)


def start(host: Host, container_id: str, ready: Optional[incarnation.Ready] = None) -> Record:
    """Start a container; one that runs is left alone. A failure leaves it as it was, with the
    error. ``ready`` is called as incarnation.begin() says.
    """
    with locked(host, container_id) as found:
        if liveness.is_running(host.layout, found):
            return found
        if found.phase == "removing":
            raise Error(f"container {found.name} is being removed", hint="remove it again")
        fresh = dataclasses.replace(
            found, stopped_by_user=False, restart_count=0, backoff_s=0.0, phase=_at_rest(found)
        )
        return incarnation.begin(host, fresh, ready)


def _at_rest(found: Record) -> str:
    return "exited" if found.started_at else "created"


def stop(host: Host, container_id: str, timeout_s: Optional[float] = None) -> Record:
    """Ask a container to end with its stop signal, and kill it after a grace time in seconds.

    None is the container's own stop_timeout, 0 kills at once. It stays stopped whatever its restart
    policy; also when it waits for its next start.
    """
    with locked(host, container_id) as found:
        found = incarnation.corrected(host, found)
        phase = "exited" if found.phase == "restarting" else found.phase
        found = dataclasses.replace(found, stopped_by_user=True, phase=phase)
        record.write_record(host.layout, found)
        if not liveness.is_running(host.layout, found):
            return found
        spec = record.read_spec(host.layout, container_id)
        defaults = record.read_image(host.layout, container_id)
    asked = spec.stop_signal if spec.stop_signal is not None else defaults.stop_signal
    grace_s = float(spec.stop_timeout_s) if timeout_s is None else timeout_s
    with _process(found) as process:
        if process is not None:
            if found.phase == "paused":
                _resume(host, found)
            if grace_s > 0:
                _send(process, signal_number(asked or _STOP_SIGNAL))
            if grace_s <= 0 or not _wait(process, grace_s):
                _send(process, signal.SIGKILL)
                _expect_end(process, found)
    return _settled(host, found)


def kill(host: Host, container_id: str, name: str = "SIGKILL") -> Record:
    """Send a signal to a container's process. After SIGKILL, return when it has ended.

    A container that is killed by its user stays down whatever its restart policy, as Docker's does.
    """
    number = signal_number(name)
    with locked(host, container_id) as found:
        if not liveness.is_running(host.layout, found):
            raise Conflict(f"container {found.name} does not run")
        if number == signal.SIGKILL:
            found = dataclasses.replace(found, stopped_by_user=True)
            record.write_record(host.layout, found)
    with _process(found) as process:
        if process is not None:
            _send(process, number)
            if number == signal.SIGKILL:
                if found.phase == "paused":
                    _resume(host, found)
                _expect_end(process, found)
    return found if number != signal.SIGKILL else _settled(host, found)


def restart(host: Host, container_id: str, timeout_s: Optional[float] = None) -> Record:
    """Stop a container where it runs, and start it."""
    stop(host, container_id, timeout_s)
    return start(host, container_id)


def remove(host: Host, container_id: str, volumes: bool = False, force: bool = False) -> None:
    """Remove a container, and with ``volumes`` its anonymous volumes. Raises Conflict when it runs.

    ``force`` kills it first. What an earlier removal left half done is finished.
    """
    layout = host.layout
    if force:
        with contextlib.suppress(Conflict):
            kill(host, container_id)
    with locked(host, container_id) as found:
        if liveness.is_running(layout, found):
            raise Conflict(f"container {found.name} runs", hint="stop it first, or use force")
        found = dataclasses.replace(incarnation.corrected(host, found), phase="removing")
        record.write_record(layout, found)
        incarnation.clear(host, found)
        attach.release(layout, found)
        record.release_name(layout, found.name, container_id)
        files.discard(layout, layout.container(container_id))
    if volumes:
        for name in found.anonymous_volumes:
            # Another container may have come to use it; it goes with that one, or when pruned.
            with contextlib.suppress(Conflict):
                volume_users.remove(host, name)


def rename(host: Host, container_id: str, new_name: str) -> Record:
    """Give a container another name. Raises Conflict when it is taken."""
    layout = host.layout
    with locked(host, container_id) as found:
        if found.name == new_name:
            return found
        record.claim_name(layout, new_name, container_id)
        spec = record.read_spec(layout, container_id)
        record.write_spec(layout, container_id, dataclasses.replace(spec, name=new_name))
        renamed = dataclasses.replace(found, name=new_name)
        record.write_record(layout, renamed)
        record.release_name(layout, found.name, container_id)
        return renamed


def replace_spec(host: Host, container_id: str, spec: ContainerSpec) -> Record:
    """Change what a container is asked to be, in the fields that need no new one.

    One that runs is told of its new limits first; when the kernel refuses them, as with less memory
    than is in use, nothing has changed. On other networks it is at once.
    """
    with locked(host, container_id) as found:
        have = record.read_spec(host.layout, container_id)
        if liveness.is_running(host.layout, found):
            _limit(host, found, have, spec)
        if endpoints(have) == endpoints(spec):
            record.write_spec(host.layout, container_id, spec)
            return found
    return joining.rejoin(host, container_id, spec)


def _limit(host: Host, found: Record, have: ContainerSpec, want: ContainerSpec) -> None:
    lacking = surroundings.lacking(want, oci_runtime.cgroup_v2())
    changes = resources.changes(have, want, lacking, *surroundings.everything())
    if not changes:
        return
    try:
        oci_runtime.update(oci_runtime.choose(host.layout, found.runtime), found.id, changes)
    except Error as exc:
        raise Error(f"container {found.name}: its limits cannot be changed: {exc}") from exc


def repair(host: Host, container_id: str) -> Record:
    """Restore what the host lost of a running container's network: links, addresses, firewall."""
    found = joining.rejoin(host, container_id)
    publish.synchronise(host.layout)
    return found


def swap(host: Host, old_id: str, spec: ContainerSpec, image: store.Image, start: bool) -> Record:
    """Put a new container in the place of an old one; the old one is back if the new does not
    start.

    The new one is made beside the old, so the time in which neither runs is a stop and a start.
    """
    before = current(host, old_id)
    ran = before.phase in ("running", "paused", "restarting")
    mark = secrets.token_hex(4)
    made = create(host, dataclasses.replace(spec, name=_beside(spec.name, "new", mark)), image)
    try:
        if ran:
            stop(host, old_id)
        # Addresses and ports that both ask for go to the new one.
        attach.release(host.layout, before)
        rename(host, old_id, _beside(spec.name, "old", mark))
        made = rename(host, made.id, spec.name)
        if start:
            made = _start(host, made.id)
    except BaseException as exc:
        said = logs.last_words(host.layout, made.id)
        state = "runs again" if ran else "is as it was"
        try:
            _roll_back(host, old_id, before.name, made.id, ran)
        except Error as second:
            state = f"was to come back and could not ({second})"
        if not isinstance(exc, Error):
            raise
        raise Error(
            f"the new container {spec.name} did not start, so the old one {state}: {exc}{said}"
        ) from exc
    remove(host, old_id, volumes=False)
    return made


#: Under a name of its own where a parameter is called start.
_start = start


def _beside(name: str, what: str, mark: str) -> str:
    return f"{name[:100]}.{what}-{mark}"


def _roll_back(host: Host, old_id: str, name: str, new_id: str, ran: bool) -> None:
    with contextlib.suppress(NotFound):
        remove(host, new_id, volumes=True, force=True)
    rename(host, old_id, name)
    if ran:
        start(host, old_id)


def _settled(host: Host, was: Record) -> Record:
    """Record the end of a run that is over, unless the exit hook was first."""
    with locked(host, was.id) as found:
        if found.generation == was.generation and found.phase in liveness.LIVE:
            return incarnation.settle(host, found)
        return found


def _resume(host: Host, found: Record) -> None:
    oci_runtime.resume(oci_runtime.choose(host.layout, found.runtime), found.id)


# --- signals ------------------------------------------------------------------------------------


@contextlib.contextmanager
def _process(found: Record) -> Iterator[Optional[int]]:
    """A pidfd of a container's process, or None when it has ended: nobody else gets the signal."""
    try:
        fd = os.pidfd_open(found.pid)
    except ProcessLookupError:
        yield None
        return
    try:
        # Opened first and compared then: the pid cannot have gone to another process in between.
        yield fd if liveness.alive(found.pid, found.pid_start) else None
    finally:
        os.close(fd)


def _send(process: int, number: int) -> None:
    with contextlib.suppress(ProcessLookupError):
        signal.pidfd_send_signal(process, number)


def _wait(process: int, timeout_s: float) -> bool:
    """Whether the process ended in time. A pidfd is readable from then on (pidfd_open(2))."""
    poll = select.poll()
    poll.register(process, select.POLLIN)
    deadline = time.monotonic() + timeout_s
    while True:
        left_s = deadline - time.monotonic()
        if poll.poll(max(0.0, left_s) * 1000):
            return True
        if left_s <= 0:
            return False


def _expect_end(process: int, found: Record) -> None:
    if not _wait(process, _KILL_TIMEOUT_S):
        raise Error(
            f"process {found.pid} of container {found.name} did not end {_KILL_TIMEOUT_S:g} seconds"
            " after SIGKILL",
            hint="it waits inside the kernel, for a device or a network filesystem",
        )
