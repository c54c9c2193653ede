# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The steps a plan for a container is made of.

What acts (lifecycle, and below it conmon, bundles, links) is imported where a step is executed: a
task that finds nothing to do is the common case, and pays for none of it.
"""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Optional

from ...base.errors import Error, NotFound
from ...base.frozen import dataclass, replace
from ...image.store import store
from ...plan.plan import Host, Step
from ...records import container_record
from ...records.container_record import Record
from ...spec.container import ContainerSpec
from .observe import State

if TYPE_CHECKING:
    from ...trust.policy import Asked


@dataclass(frozen=True)
class Pull(Step[State]):
    """Fetch the declared image; ``digest`` pins the manifest when the registry was asked.

    ``platform`` chooses among those of an image for several; "" is the host's.
    """

    reference: str
    digest: str
    platform: str = ""
    signature: Optional[Asked] = None

    def describe(self) -> str:
        return f"pull image {self.reference}{f' for {self.platform}' if self.platform else ''}"

    def after(self, have: State) -> State:
        # The image that the container has only gets a name.
        image_id = have.around.image_id if have.around.nameless else ""
        around = replace(have.around, image_id=image_id, newer="", misfits=False, nameless=False)
        return replace(have, around=around)

    def execute(self, host: Host) -> None:
        from ...image import transfer  # The client of registries, 30 ms: only a pull imports it.

        transfer.fetch(host, self.reference, self.digest, self.platform, self.signature)


def _made(have: State, spec: ContainerSpec, running: bool) -> State:
    """The state once a container is made again: nothing of an earlier one is left to mend."""
    return replace(
        have,
        spec=spec,
        running=running,
        paused=False,
        image_is_current=True,
        damage=(),
        changed=(),
        begun=running,
        made=have.around.missing_volumes,
    )


@dataclass(frozen=True)
class Create(Step[State]):
    """Make the container, and start it: one step, as one that cannot start is not left behind."""

    spec: ContainerSpec
    start: bool

    def describe(self) -> str:
        return f"create {'and start ' if self.start else ''}container {self.spec.name}"

    def after(self, have: State) -> State:
        return _made(have, self.spec, self.start)

    def execute(self, host: Host) -> None:
        from ...container.lifecycle import actions

        made = self._make(host)
        if not self.start:
            return
        try:
            run = actions.start(host, made.id)
        except BaseException:
            actions.remove(host, made.id, volumes=True)
            raise
        _await_first_moment(run, self.spec)

    def _make(self, host: Host) -> Record:
        from ...container.lifecycle import actions

        image = _image(host, self.spec)
        return actions.create(host, replace(self.spec, image_id=image.id), image)

    def prepare(self, host: Host) -> Record:
        """The first half of it, as actions.prepare() has it."""
        from ...container.lifecycle import actions

        made = self._make(host)
        try:
            return actions.prepare(host, made.id)
        except BaseException:
            actions.remove(host, made.id, volumes=True)
            raise

    def finish(self, host: Host, generation: int, refused: str = "") -> None:
        """The second half, without waiting for its first moment (settle); or undo the first,
        ``refused`` says why.
        """
        from ...container.lifecycle import actions

        container_id = _id(host, self.spec.name)
        try:
            actions.finish(host, container_id, generation, refused)
        except BaseException:
            actions.remove(host, container_id, volumes=True)
            raise


@dataclass(frozen=True)
class Replace(Step[State]):
    """Put a new container in the place of one that differs; the old one returns if it fails."""

    spec: ContainerSpec
    start: bool
    reasons: tuple[str, ...]
    keep_volumes: bool = True
    #: How long it may take to become healthy before the old one comes back, in seconds; None does
    #: not ask for it.
    healthy_timeout_s: Optional[float] = None
    #: Whether a later step waits for its end, which is the task's result, good or bad.
    attended: bool = False

    def describe(self) -> str:
        return f"recreate container {self.spec.name} ({', '.join(self.reasons)})"

    def after(self, have: State) -> State:
        return _made(have, self.spec, self.start)

    def execute(self, host: Host) -> None:
        from ...container.lifecycle import replacement

        image = _image(host, self.spec)
        spec = replace(self.spec, image_id=image.id)
        if self.start and not self.spec.image_id:
            from ...container.lifecycle import foresight

            # Only now it is known what the image holds, and the old one still runs.
            foresight.refuse(host, spec, image, _id(host, spec.name))
        replacement.swap(
            host,
            _id(host, spec.name),
            spec,
            image,
            self.start,
            self.keep_volumes,
            self.healthy_timeout_s if self.start else None,
            self.attended,
        )


@dataclass(frozen=True)
class Amend(Step[State]):
    """Change what can be changed in the container as it is."""

    spec: ContainerSpec
    options: tuple[str, ...]

    def describe(self) -> str:
        return f"update container {self.spec.name} ({', '.join(self.options)})"

    def after(self, have: State) -> State:
        return replace(have, spec=self.spec)

    def execute(self, host: Host) -> None:
        from ...container.lifecycle import amend

        amend.amend(host, _id(host, self.spec.name), self.spec)


@dataclass(frozen=True)
class Start(Step[State]):
    name: str

    def describe(self) -> str:
        return f"start container {self.name}"

    def after(self, have: State) -> State:
        return replace(have, running=True, paused=False, damage=(), begun=True)

    def execute(self, host: Host) -> None:
        from ...container.lifecycle import actions

        run = actions.start(host, _id(host, self.name))
        _await_first_moment(run, container_record.read_spec(host.layout, run.id))

    def prepare(self, host: Host) -> Record:
        """The first half of it, as actions.prepare() has it."""
        from ...container.lifecycle import actions

        return actions.prepare(host, _id(host, self.name))

    def finish(self, host: Host, generation: int, refused: str = "") -> None:
        """The second half, without waiting for its first moment (settle); or undo the first,
        ``refused`` says why.
        """
        from ...container.lifecycle import actions

        actions.finish(host, _id(host, self.name), generation, refused)


@dataclass(frozen=True)
class Restart(Step[State]):
    """Restart the container; ``changed`` are the files for whose sake that is."""

    name: str
    changed: tuple[str, ...] = ()

    def describe(self) -> str:
        why = f" ({', '.join(self.changed)} changed)" if self.changed else ""
        return f"restart container {self.name}{why}"

    def after(self, have: State) -> State:
        return replace(have, running=True, paused=False, damage=(), changed=(), begun=True)

    def execute(self, host: Host) -> None:
        from ...container.lifecycle import actions

        run = actions.restart(host, _id(host, self.name))
        _await_first_moment(run, container_record.read_spec(host.layout, run.id))


@dataclass(frozen=True)
class Stop(Step[State]):
    """Stop the container, or with ``kill`` end it at once: by SIGKILL, or by ``signal`` and then
    SIGKILL.
    """

    name: str
    kill: bool
    signal: str = ""

    def describe(self) -> str:
        return f"{'kill' if self.kill else 'stop'} container {self.name}"

    def after(self, have: State) -> State:
        if have.spec is not None and have.spec.auto_remove:
            return State(have.name, around=have.around, gone=have.anonymous, boots=have.boots)
        return replace(have, running=False, paused=False, damage=(), changed=())

    def execute(self, host: Host) -> None:
        from ...container.lifecycle import actions

        timeout_s = 0 if self.kill and not self.signal else None
        actions.stop(host, _id(host, self.name), timeout_s, self.signal if self.kill else "")


@dataclass(frozen=True)
class Pause(Step[State]):
    name: str

    def describe(self) -> str:
        return f"pause container {self.name}"

    def after(self, have: State) -> State:
        return replace(have, paused=True)

    def execute(self, host: Host) -> None:
        from ...container.lifecycle import actions

        actions.pause(host, _id(host, self.name))


@dataclass(frozen=True)
class Unpause(Step[State]):
    name: str

    def describe(self) -> str:
        return f"unpause container {self.name}"

    def after(self, have: State) -> State:
        return replace(have, paused=False)

    def execute(self, host: Host) -> None:
        from ...container.lifecycle import actions

        actions.unpause(host, _id(host, self.name))


@dataclass(frozen=True)
class RunToEnd(Step[State]):
    """Wait until the container has ended, keeping what it wrote and how it ended for the result.

    ``start`` starts it first: one that is removed at its end is to be held before. ``fresh`` is
    that it is not left behind when it cannot be started, ``cleanup`` that it is removed afterwards.
    """

    name: str
    start: bool
    fresh: bool = False
    cleanup: bool = False
    log: bool = False

    def describe(self) -> str:
        return f"run container {self.name} until it exits"

    def after(self, have: State) -> State:
        gone = self.cleanup or (have.spec is not None and have.spec.auto_remove)
        if gone:
            return State(have.name, around=have.around, gone=have.anonymous, boots=have.boots)
        return replace(have, running=False, paused=False, damage=(), changed=())

    def execute(self, host: Host) -> None:
        from ...container.lifecycle import actions
        from ...container.status import logs
        from ...records import container_record

        container_id = _id(host, self.name)
        with container_record.watch(host.layout, container_id):
            try:
                if self.start:
                    actions.start(host, container_id)
            except BaseException:
                if self.fresh:
                    actions.remove(host, container_id, volumes=True)
                raise
            ended = actions.wait(host, container_id)
            said = logs.whole(host.layout, container_id, ended.started_at)
        host.outcome["container"] = {"status": ended.exit_code, "output": said}
        if self.log:
            host.notes.append(said)
        if self.cleanup:
            with contextlib.suppress(NotFound):
                actions.remove(host, container_id, volumes=True, force=True)
        actions.await_removal(host, container_id)


@dataclass(frozen=True)
class ArrangeBoot(Step[State]):
    """Have the host start its containers when it comes up, and stop them before it goes down."""

    def describe(self) -> str:
        return "have containers started after a reboot"

    def after(self, have: State) -> State:
        if not have.comes_up:
            return replace(have, boots=True)
        # What the last boot left out is done now.
        return replace(have, boots=True, running=True, paused=False, comes_up=False, begun=True)

    def execute(self, host: Host) -> None:
        from ...container.supervision import boot

        way = boot.arrangement(host.layout)
        if way is not None:
            boot.arrange(way)
            boot.enforce(way)


@dataclass(frozen=True)
class AwaitHealthy(Step[State]):
    """Wait until the health check says so; a container without one is well when it runs."""

    name: str
    timeout_s: float
    changes = False

    def describe(self) -> str:
        return f"wait until container {self.name} is healthy"

    def after(self, have: State) -> State:
        return replace(have, health="healthy")

    def execute(self, host: Host) -> None:
        from ...container.supervision import health

        container_id = _id(host, self.name)
        try:
            health.await_healthy(host.layout, container_id, self.timeout_s)
        except Error:
            from ...container.show import documents

            # What it is like instead is in the result of the task that fails.
            with contextlib.suppress(Error):
                host.outcome["failed"] = {"container": documents.container(host, container_id)}
            raise


@dataclass(frozen=True)
class Recover(Step[State]):
    """Bring a replacement that was interrupted to an end: the old container is back, or gone."""

    name: str

    def describe(self) -> str:
        return f"finish the interrupted replacement of container {self.name}"

    def after(self, have: State) -> State:
        cut = have.interrupted
        if cut is None or cut.committed:
            return replace(have, interrupted=None)
        return replace(have, interrupted=None, running=cut.ran, paused=cut.paused, damage=())

    def execute(self, host: Host) -> None:
        from ...container.lifecycle import replacement

        replacement.recover(host, self.name)


@dataclass(frozen=True)
class Repair(Step[State]):
    """Restore what the host lost of a running container's network: links, addresses, firewall."""

    name: str
    damage: tuple[str, ...]

    def describe(self) -> str:
        return f"repair container {self.name} ({', '.join(self.damage)})"

    def after(self, have: State) -> State:
        return replace(have, damage=())

    def execute(self, host: Host) -> None:
        from ...container.lifecycle import actions

        actions.repair(host, _id(host, self.name))


@dataclass(frozen=True)
class Remove(Step[State]):
    name: str
    running: bool
    kill: bool
    volumes: bool
    signal: str = ""
    #: How long may be waited for somebody else who works on it, in seconds; None is as usual.
    timeout_s: Optional[float] = None

    def describe(self) -> str:
        stop = ("kill and " if self.kill else "stop and ") if self.running else ""
        return f"{stop}remove container {self.name}"

    def after(self, have: State) -> State:
        gone = have.anonymous if self.volumes else ()
        return State(have.name, around=have.around, gone=gone, boots=have.boots)

    def execute(self, host: Host) -> None:
        from ...container.lifecycle import actions

        if self.timeout_s is not None:
            host = replace(host, lock_timeout_s=self.timeout_s)
        container_id = _id(host, self.name)
        timeout_s = 0 if self.kill and not self.signal else None
        actions.halt(host, container_id, timeout_s, self.signal if self.kill else "")
        actions.remove(host, container_id, volumes=self.volumes)


def settle(host: Host, name: str) -> None:
    """Let a container that was started in two halves outlive its first moment, or end in it."""
    with contextlib.suppress(NotFound):
        container_id = _id(host, name)
        run = container_record.read_record(host.layout, container_id)
        if run.phase in container_record.LIVE:
            _await_first_moment(run, container_record.read_spec(host.layout, container_id))


def _await_first_moment(run: Record, spec: ContainerSpec) -> None:
    """Let a container end in its first moment, so that it counts whatever the moment: what is found
    then decides (observe.verify).
    """
    from ...container.lifecycle import signals
    from ...container.supervision import first_moment

    if first_moment.matters(spec):
        with signals.process_of(run) as process:
            if process is not None:
                signals.wait_for(process, first_moment.left_s(run))


def _id(host: Host, name: str) -> str:
    return container_record.by_name(host.layout, name)


def _image(host: Host, spec: ContainerSpec) -> store.Image:
    """The image a spec was resolved to; after a pull, what its reference means now."""
    found = store.find(host.layout, spec.image_id or spec.image)
    if found is None:
        raise Error(
            f"container {spec.name}: image {spec.image} is not on the host",
            hint="pull it with slipway.engine.image_pull",
        )
    return found
