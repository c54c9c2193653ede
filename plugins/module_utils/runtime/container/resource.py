# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The container as a resource: its steps, and the pure plan from what is found to what is asked.

What acts (lifecycle, and below it conmon, bundles, links) is imported where a step is executed: a
task that finds nothing to do is the common one, and pays for none of it.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Optional

from ..errors import Error
from ..image import store
from ..plan import Host, Plan, Resource, Step
from . import documents, record
from .declare import IGNORE, Declared, amend, applied_live, declare, differing, resolve
from .spec import ContainerSpec
from .state import State, observe, predict, verify, view

__all__ = ["RESOURCE", "declare"]


@dataclass(frozen=True)
class Pull(Step[State]):
    """Fetch the declared image; ``digest`` pins the manifest when the registry was asked."""

    reference: str
    digest: str

    def describe(self) -> str:
        return f"pull image {self.reference}"

    def after(self, have: State) -> State:
        around = dataclasses.replace(have.around, image_id="", newer="")
        return dataclasses.replace(have, around=around)

    def execute(self, host: Host) -> None:
        from ..image import transfer  # The client of registries, 30 ms: only a pull imports it.

        transfer.fetch(host, self.reference, self.digest)


@dataclass(frozen=True)
class Create(Step[State]):
    """Make the container, and start it: one step, as one that cannot start is not left behind."""

    spec: ContainerSpec
    start: bool

    def describe(self) -> str:
        return f"create {'and start ' if self.start else ''}container {self.spec.name}"

    def after(self, have: State) -> State:
        return dataclasses.replace(
            have, spec=self.spec, running=self.start, image_is_current=True, damage=()
        )

    def execute(self, host: Host) -> None:
        from . import lifecycle

        image = _image(host, self.spec)
        made = lifecycle.create(host, dataclasses.replace(self.spec, image_id=image.id), image)
        if not self.start:
            return
        try:
            lifecycle.start(host, made.id)
        except BaseException:
            lifecycle.remove(host, made.id, volumes=True)
            raise


@dataclass(frozen=True)
class Replace(Step[State]):
    """Put a new container in the place of one that differs; the old one returns if it fails."""

    spec: ContainerSpec
    start: bool
    reasons: tuple[str, ...]

    def describe(self) -> str:
        return f"recreate container {self.spec.name} ({', '.join(self.reasons)})"

    def after(self, have: State) -> State:
        return dataclasses.replace(
            have, spec=self.spec, running=self.start, image_is_current=True, damage=()
        )

    def execute(self, host: Host) -> None:
        from . import lifecycle

        image = _image(host, self.spec)
        spec = dataclasses.replace(self.spec, image_id=image.id)
        lifecycle.swap(host, _id(host, spec.name), spec, image, start=self.start)


@dataclass(frozen=True)
class Amend(Step[State]):
    """Change what can be changed in the container as it is."""

    spec: ContainerSpec
    options: tuple[str, ...]

    def describe(self) -> str:
        return f"update container {self.spec.name} ({', '.join(self.options)})"

    def after(self, have: State) -> State:
        return dataclasses.replace(have, spec=self.spec)

    def execute(self, host: Host) -> None:
        from . import lifecycle

        lifecycle.replace_spec(host, _id(host, self.spec.name), self.spec)


@dataclass(frozen=True)
class Start(Step[State]):
    name: str

    def describe(self) -> str:
        return f"start container {self.name}"

    def after(self, have: State) -> State:
        return dataclasses.replace(have, running=True, damage=())

    def execute(self, host: Host) -> None:
        from . import lifecycle

        lifecycle.start(host, _id(host, self.name))


@dataclass(frozen=True)
class Restart(Step[State]):
    name: str

    def describe(self) -> str:
        return f"restart container {self.name}"

    def after(self, have: State) -> State:
        return dataclasses.replace(have, running=True, damage=())

    def execute(self, host: Host) -> None:
        from . import lifecycle

        lifecycle.restart(host, _id(host, self.name))


@dataclass(frozen=True)
class Stop(Step[State]):
    name: str
    kill: bool

    def describe(self) -> str:
        return f"{'kill' if self.kill else 'stop'} container {self.name}"

    def after(self, have: State) -> State:
        return dataclasses.replace(have, running=False, damage=())

    def execute(self, host: Host) -> None:
        from . import lifecycle

        lifecycle.stop(host, _id(host, self.name), timeout_s=0 if self.kill else None)


@dataclass(frozen=True)
class Repair(Step[State]):
    """Restore what the host lost of a running container's network: links, addresses, firewall."""

    name: str
    damage: tuple[str, ...]

    def describe(self) -> str:
        return f"repair container {self.name} ({', '.join(self.damage)})"

    def after(self, have: State) -> State:
        return dataclasses.replace(have, damage=())

    def execute(self, host: Host) -> None:
        from . import lifecycle

        lifecycle.repair(host, _id(host, self.name))


@dataclass(frozen=True)
class Remove(Step[State]):
    name: str
    running: bool
    kill: bool
    volumes: bool

    def describe(self) -> str:
        stop = ("kill and " if self.kill else "stop and ") if self.running else ""
        return f"{stop}remove container {self.name}"

    def after(self, have: State) -> State:
        return State(have.name, around=have.around)

    def execute(self, host: Host) -> None:
        from . import lifecycle

        container_id = _id(host, self.name)
        lifecycle.stop(host, container_id, timeout_s=0 if self.kill else None)
        lifecycle.remove(host, container_id, volumes=self.volumes)


def plan(declared: Declared, have: State) -> Plan[State]:
    """The steps from what was found to what was declared. Pure; raises Error for what cannot be."""
    if declared.state == "absent":
        return Plan(have, _removal(declared, have))
    if have.spec is None and not declared.image:
        raise Error(
            f"there is no container {declared.name}, and the task names no image to make it from",
            hint="name an image, or use state: absent",
        )
    want = _spec(declared, have)
    running = {"started": True, "stopped": False}.get(declared.state, have.running)
    steps: list[Step[State]] = []
    reasons: list[str] = []
    if have.spec is None:
        steps += [*_pull(declared, have), Create(want, running)]
    else:
        pull = _pull(declared, have) if have.around.newer or declared.recreate else []
        options = differing(have.spec, want)
        reasons = _reasons(declared, have, options, pulled=bool(pull))
        steps += pull
        if reasons:
            steps.append(Replace(want, running, tuple(reasons)))
        else:
            steps += _in_place(declared, have, want, running, tuple(options))
    return Plan(have, tuple(steps), _unmet(declared, have, bool(steps)), tuple(reasons))


def _spec(declared: Declared, have: State) -> ContainerSpec:
    if declared.image:
        around = have.around
        image_id = "" if around.newer else around.image_id
        if image_id is None and have.spec is not None:
            # The image's name is not on the host any more: no news, so the container's own image
            # stays.
            image_id = have.spec.image_id if have.spec.image == around.reference else ""
        return resolve(declared, around.reference, image_id or "", have.spec)
    if have.spec is None:
        raise AssertionError("what is amended exists")
    return amend(declared, have.spec)


def _pull(declared: Declared, have: State) -> list[Step[State]]:
    around = have.around
    if not declared.image or declared.pull == "never":
        return []
    if around.newer or around.image_id is None:
        return [Pull(around.reference, around.newer)]
    return []


def _reasons(declared: Declared, have: State, options: list[str], pulled: bool) -> list[str]:
    """Why the container must be made anew, in the module's words; empty when it need not."""
    reasons = [option for option in options if not applied_live(option)]
    outdated = pulled or not have.image_is_current
    if declared.image and outdated and declared.comparisons.get("image") != IGNORE:
        reasons = ["image", *(reason for reason in reasons if reason != "image")]
    if declared.recreate:
        reasons.append("recreate")
    return reasons


def _in_place(
    declared: Declared, have: State, want: ContainerSpec, running: bool, options: tuple[str, ...]
) -> list[Step[State]]:
    steps: list[Step[State]] = [Amend(want, options)] if options else []
    if have.running and not running:
        steps.append(Stop(declared.name, declared.force_kill))
    elif have.running and declared.restart:
        steps.append(Restart(declared.name))
    elif running and not have.running:
        steps.append(Start(declared.name))
    elif running and have.damage:
        steps.append(Repair(declared.name, have.damage))
    return steps


def _removal(declared: Declared, have: State) -> tuple[Step[State], ...]:
    if have.spec is None:
        return ()
    return (Remove(declared.name, have.running, declared.force_kill, not declared.keep_volumes),)


def _unmet(declared: Declared, have: State, acting: bool) -> tuple[str, ...]:
    unmet = []
    around = have.around
    if around.unreachable:
        unmet.append(around.unreachable)
    if not acting:
        return tuple(unmet)
    for name in around.missing_networks:
        unmet.append(
            f"container {declared.name}: network {name} does not exist; "
            "make it with slipway.engine.network"
        )
    if have.spec is None and around.image_id is None and declared.pull == "never":
        unmet.append(
            f"container {declared.name}: image {around.reference} is not on the host, "
            "and pull is never"
        )
    return tuple(unmet)


def _id(host: Host, name: str) -> str:
    return record.by_name(host.layout, name)


def _image(host: Host, spec: ContainerSpec) -> store.Image:
    """The image a spec was resolved to; after a pull, what its reference means now."""
    found = store.find(host.layout, spec.image_id or spec.image)
    if found is None:
        raise Error(
            f"container {spec.name}: image {spec.image} is not on the host",
            hint="pull it with slipway.engine.image_pull",
        )
    return found


def result(host: Host, state: State) -> dict[str, Any]:
    """``container``, in the shape of docker inspect; None when there is none, or only a predicted
    one.
    """
    if not state.id or state.spec is None:
        return {"container": None}
    found: Optional[Mapping[str, Any]] = documents.container(host, state.id, reveal_env=False)
    return {"container": found}


def _lock(declared: Declared) -> tuple[str, str]:
    return "container-name", declared.name


RESOURCE = Resource(observe, plan, view, result, _lock, predict, verify)
