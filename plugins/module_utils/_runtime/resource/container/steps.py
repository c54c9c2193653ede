# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The steps that make, change, replace or remove a container.

What acts (lifecycle, and below it conmon, bundles, links) is imported where a step is executed: a
task that finds nothing to do is the common case, and pays for none of it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Optional

from ...base import clock
from ...base.errors import Error
from ...base.frozen import dataclass, replace
from ...image.store import index, store
from ...plan.plan import Host, Step
from ...records.container_record import Record
from ...spec.container import ContainerSpec
from .observe import State
from .run_steps import await_first_moment, id_of

if TYPE_CHECKING:
    from ...container.option.beside import StartFirst
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


@dataclass(frozen=True)
class NoteAsked(Step[State]):
    """Keep when the registry was asked for the declared image, and had nothing newer."""

    reference: str
    changes = False

    def describe(self) -> str:
        return f"note that image {self.reference} is the newest"

    def after(self, have: State) -> State:
        return replace(have, around=replace(have.around, looked=False))

    def execute(self, host: Host) -> None:
        index.note_asked(host.layout, self.reference, clock.now())


def _made(have: State, spec: ContainerSpec, running: bool) -> State:
    """The state once a container is made again: nothing of an earlier one is left to mend."""
    return replace(
        have,
        spec=spec,
        running=running,
        paused=False,
        image_is_current=True,
        damage=(),
        adrift=(),
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
        await_first_moment(run, self.spec)

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

        container_id = id_of(host, self.spec.name)
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
    #: How it is started before the old one is stopped; None stops the old one first.
    beside: Optional[StartFirst] = None

    def describe(self) -> str:
        how = "" if self.beside is None else ", starting the new one first"
        return f"recreate container {self.spec.name} ({', '.join(self.reasons)}){how}"

    def unshared(self, host: Host, image: Optional[store.Image], old_id: str) -> list[str]:
        """Why the new one cannot run beside the old one: one sentence in a list, or none."""
        if self.beside is None:
            return []
        from ...container.lifecycle import foresight

        return foresight.unshared(
            host, self.spec, image, old_id, self.keep_volumes, self.beside.shares
        )

    def after(self, have: State) -> State:
        return _made(have, self.spec, self.start)

    def execute(self, host: Host) -> None:
        from ...container.lifecycle import replacement

        image = _image(host, self.spec)
        spec = replace(self.spec, image_id=image.id)
        if self.start and not self.spec.image_id:
            from ...container.lifecycle import foresight

            # Only now it is known what the image holds, and the old one still runs.
            foresight.refuse(host, spec, image, id_of(host, spec.name))
            unshared = self.unshared(host, image, id_of(host, spec.name))
            if unshared:
                raise Error(unshared[0])
        replacement.swap(
            host,
            id_of(host, spec.name),
            spec,
            image,
            self.start,
            self.keep_volumes,
            self.healthy_timeout_s if self.start else None,
            self.attended,
            self.beside if self.start else None,
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

        amend.amend(host, id_of(host, self.spec.name), self.spec)


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
        container_id = id_of(host, self.name)
        timeout_s = 0 if self.kill and not self.signal else None
        actions.halt(host, container_id, timeout_s, self.signal if self.kill else "")
        actions.remove(host, container_id, volumes=self.volumes)


@dataclass(frozen=True)
class RemoveDamaged(Step[State]):
    """Kill and remove a container by its id, since its files ``damaged`` cannot be read."""

    name: str
    damaged: tuple[str, ...]

    def describe(self) -> str:
        return f"kill and remove container {self.name}, whose {self.damaged[0]} is damaged"

    def after(self, have: State) -> State:
        return State(have.name, around=have.around, boots=have.boots)

    def execute(self, host: Host) -> None:
        from ...container.lifecycle import actions

        actions.remove(host, id_of(host, self.name), force=True)


def _image(host: Host, spec: ContainerSpec) -> store.Image:
    """The image a spec was resolved to; after a pull, what its reference means now."""
    found = store.find(host.layout, spec.image_id or spec.image)
    if found is None:
        raise Error(
            f"container {spec.name}: image {spec.image} is not on the host",
            hint="pull it with slipway.engine.image_pull",
        )
    return found
