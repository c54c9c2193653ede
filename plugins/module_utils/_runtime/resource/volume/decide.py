# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Volumes as a resource: observe, plan, and the steps that make, relabel and remove one.

A label is updated in place. Other driver options need a new volume, which loses the content of the
old one, so that is done only where ``recreate`` allows it. One that any container uses, running or
not, is neither removed nor recreated.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Optional

from ...base.errors import Error
from ...base.frozen import dataclass, replace
from ...plan.plan import Host, Plan, Resource, Step
from ...records import foreseen
from ...spec.secrets import without_passwords
from ...spec.volume import Volume
from ...volume import expected, store
from .declare import Declared, declare, fold

__all__ = ["RESOURCE", "declare"]


@dataclass(frozen=True)
class State:
    """A volume as it is; ``users`` are the names of the containers that mount it. Of one that is
    ``damaged`` the record cannot be read, and only its name is known.
    """

    name: str
    volume: Optional[Volume] = None
    users: tuple[str, ...] = ()
    damaged: bool = False


def observe(host: Host, declared: Declared) -> State:
    """Read a volume's record; and who uses it, where it may have to go."""
    damaged = False
    try:
        volume = expected.find(host, declared.name)
    except Error:
        damaged = declared.state == "absent" and store.is_damaged(host.layout, declared.name)
        if not damaged:
            raise
        volume = Volume(declared.name, "")
        host.warn(
            f"volume {declared.name}: its record cannot be read; what its options may have mounted"
            " is unmounted and stays"
        )
    used: tuple[str, ...] = ()
    if volume is not None and declared.state == "present" and declared.recreate == "never":
        wanted = fold(declared, volume).driver_options
        if wanted != volume.driver_options:
            host.warn(
                f"volume {declared.name} keeps its driver options, which differ from those"
                " declared: recreate: options-changed replaces the volume, and its content is lost"
            )
    if volume is not None and (declared.state == "absent" or declared.recreate != "never"):
        # Reads the records of all containers, which a task that only wants it there need not.
        from ...volume import users

        used = users.users(host).get(declared.name, ())
    return State(declared.name, volume, used, damaged)


@dataclass(frozen=True)
class Create(Step[State]):
    volume: Volume

    def describe(self) -> str:
        return f"create volume {self.volume.name}"

    def after(self, have: State) -> State:
        return State(have.name, self.volume)

    def execute(self, host: Host) -> None:
        from ...base.clock import now

        store.ensure(host.layout, replace(self.volume, created=now()))


@dataclass(frozen=True)
class Relabel(Step[State]):
    """Change the labels of a volume as it is."""

    name: str
    labels: Mapping[str, str]

    def describe(self) -> str:
        return f"update volume {self.name} (labels)"

    def after(self, have: State) -> State:
        if have.volume is None:
            raise AssertionError("what is relabelled exists")
        return replace(have, volume=replace(have.volume, labels=self.labels))

    def execute(self, host: Host) -> None:
        store.relabel(host.layout, self.name, self.labels)


@dataclass(frozen=True)
class Remove(Step[State]):
    """Remove a volume and its content. One that a container came to use meanwhile is an error."""

    name: str
    damaged: bool = False

    def describe(self) -> str:
        which = ", whose record is damaged" if self.damaged else ""
        return f"remove volume {self.name}{which}"

    def after(self, have: State) -> State:
        return State(have.name)

    def execute(self, host: Host) -> None:
        from ...volume import users

        (users.remove_damaged if self.damaged else users.remove)(host, self.name)


def plan(declared: Declared, have: State) -> Plan[State]:
    """The steps to a declared volume. Pure. Raises Conflict for one in use that is to go."""
    if declared.state == "absent":
        if have.volume is None:
            return Plan(have)
        _refuse_used(have)
        return Plan(have, (Remove(have.name, have.damaged),))
    want = fold(declared, have.volume)
    if have.volume is None:
        return Plan(have, (Create(want),))
    reasons = tuple(
        option
        for option in ("driver_options", "labels")
        if getattr(have.volume, option) != getattr(want, option)
    )
    anew = declared.recreate == "always" or (
        declared.recreate == "options-changed" and "driver_options" in reasons
    )
    if anew:
        _refuse_used(have)
        fresh = Volume(have.name, "", driver_options=want.driver_options, labels=want.labels)
        return Plan(have, (Remove(have.name), Create(fresh)), reasons=reasons)
    if "labels" in reasons:
        return Plan(have, (Relabel(have.name, want.labels),), reasons=reasons)
    return Plan(have, reasons=reasons)


def _refuse_used(have: State) -> None:
    from ...volume.users import refuse_used

    refuse_used(have.name, have.users)


def view(state: State) -> dict[str, Any]:
    """What diffs show, in the module's words."""
    if state.volume is None:
        return {"name": state.name, "state": "absent"}
    return {
        "name": state.name,
        "state": "present",
        "driver": state.volume.driver,
        "driver_options": without_passwords(state.volume.driver_options),
        "labels": dict(state.volume.labels),
    }


def result(host: Host, state: State) -> dict[str, Any]:
    """``volume``, in the shape of docker volume inspect; None when there is none, or only a
    predicted one.
    """
    from ...volume.inspect import document

    found = store.find(host.layout, state.name) if state.volume is not None else None
    return {"volume": None if found is None else document(host.layout, found)}


def gather(host: Host, params: Mapping[str, Any]) -> dict[str, Any]:
    """The result of volume_info; a volume that is only predicted is there too."""
    from ...volume.inspect import document

    store.check_name(params["name"])
    found = expected.find(host, params["name"])
    if found is None:
        return {"exists": False, "volume": None}
    return {"exists": True, "volume": document(host.layout, found, reveal=True)}


def predict(state: State) -> dict[str, dict[str, Any]]:
    if state.volume is None:
        return {"volume": {state.name: None}}
    volume = state.volume
    told = foreseen.as_volume(volume.driver_options, volume.labels, volume.anonymous)
    return {"volume": {state.name: told}}


RESOURCE: Resource[Declared, State] = Resource(
    observe=observe,
    plan=plan,
    view=view,
    result=result,
    lock=lambda declared: ("volume-name", declared.name),
    predict=predict,
)
