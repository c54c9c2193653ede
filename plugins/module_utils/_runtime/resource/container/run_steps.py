# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The steps that start, stop, pause, mend or wait for a container and leave it as it was made.

What acts (lifecycle, and below it conmon, bundles, links) is imported where a step is executed: a
task that finds nothing to do is the common case, and pays for none of it.
"""

from __future__ import annotations

import contextlib

from ...base.errors import Error, NotFound
from ...base.frozen import dataclass, replace
from ...plan.plan import Host, Step
from ...records import container_record
from ...records.container_record import Record
from ...spec.container import ContainerSpec
from .observe import State


@dataclass(frozen=True)
class Start(Step[State]):
    name: str

    def describe(self) -> str:
        return f"start container {self.name}"

    def after(self, have: State) -> State:
        return replace(have, running=True, paused=False, damage=(), adrift=(), begun=True)

    def execute(self, host: Host) -> None:
        from ...container.lifecycle import actions

        run = actions.start(host, id_of(host, self.name))
        await_first_moment(run, container_record.read_spec(host.layout, run.id))

    def prepare(self, host: Host) -> Record:
        """The first half of it, as actions.prepare() has it."""
        from ...container.lifecycle import actions

        return actions.prepare(host, id_of(host, self.name))

    def finish(self, host: Host, generation: int, refused: str = "") -> None:
        """The second half, without waiting for its first moment (settle); or undo the first,
        ``refused`` says why.
        """
        from ...container.lifecycle import actions

        actions.finish(host, id_of(host, self.name), generation, refused)


@dataclass(frozen=True)
class Restart(Step[State]):
    """Restart the container; ``changed`` are the files for whose sake that is, ``lost`` what it
    lost on the host that nothing else brings back.
    """

    name: str
    changed: tuple[str, ...] = ()
    lost: tuple[str, ...] = ()

    def describe(self) -> str:
        why = f" ({', '.join(self.changed)} changed)" if self.changed else ""
        why += f" (it lost {', '.join(self.lost)})" if self.lost else ""
        return f"restart container {self.name}{why}"

    def after(self, have: State) -> State:
        return replace(
            have, running=True, paused=False, damage=(), adrift=(), changed=(), begun=True
        )

    def execute(self, host: Host) -> None:
        from ...container.lifecycle import actions

        run = actions.restart(host, id_of(host, self.name))
        await_first_moment(run, container_record.read_spec(host.layout, run.id))


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
        return replace(have, running=False, paused=False, damage=(), adrift=(), changed=())

    def execute(self, host: Host) -> None:
        from ...container.lifecycle import actions

        timeout_s = 0 if self.kill and not self.signal else None
        actions.stop(host, id_of(host, self.name), timeout_s, self.signal if self.kill else "")


@dataclass(frozen=True)
class Pause(Step[State]):
    name: str

    def describe(self) -> str:
        return f"pause container {self.name}"

    def after(self, have: State) -> State:
        return replace(have, paused=True)

    def execute(self, host: Host) -> None:
        from ...container.lifecycle import freezing

        freezing.pause(host, id_of(host, self.name))


@dataclass(frozen=True)
class Unpause(Step[State]):
    name: str

    def describe(self) -> str:
        return f"unpause container {self.name}"

    def after(self, have: State) -> State:
        return replace(have, paused=False)

    def execute(self, host: Host) -> None:
        from ...container.lifecycle import freezing

        freezing.unpause(host, id_of(host, self.name))


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
        return replace(have, running=False, paused=False, damage=(), adrift=(), changed=())

    def execute(self, host: Host) -> None:
        from ...container.lifecycle import actions
        from ...container.status import logs
        from ...records import container_record

        container_id = id_of(host, self.name)
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

        container_id = id_of(host, self.name)
        try:
            health.await_healthy(host.layout, container_id, self.timeout_s)
        except Error:
            from ...container.show import documents

            # What it is like instead is in the result of the task that fails.
            with contextlib.suppress(Error):
                host.outcome["failed"] = {"container": documents.container(host, container_id)}
            raise


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

        actions.repair(host, id_of(host, self.name))


def settle(host: Host, name: str) -> None:
    """Let a container that was started in two halves outlive its first moment, or end in it."""
    with contextlib.suppress(NotFound):
        container_id = id_of(host, name)
        run = container_record.read_record(host.layout, container_id)
        if run.phase in container_record.LIVE:
            await_first_moment(run, container_record.read_spec(host.layout, container_id))


def await_first_moment(run: Record, spec: ContainerSpec) -> None:
    """Let a container end in its first moment, so that it counts whatever the moment: what is found
    then decides (observe.verify).
    """
    from ...container.lifecycle import signals
    from ...container.supervision import first_moment

    if first_moment.matters(spec):
        with signals.process_of(run) as process:
            if process is not None:
                signals.wait_for(process, first_moment.left_s(run))


def id_of(host: Host, name: str) -> str:
    """The id of the container of a name. Raises NotFound."""
    return container_record.by_name(host.layout, name)
