# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What happened on the host, told by comparing two looks at its records (looking.py). Pure.

No daemon hears of events here. What begins and ends between two looks is told from the times that
records keep; what was made and removed between them is not seen. Words are Docker's
(moby, api/types/events).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Callable, Optional

from ..base import clock
from ..base.errors import Error
from ..base.frozen import dataclass, field
from ..records.container_record import AT_REST, LIVE, Record
from ..records.notes import Note
from ..spec.container import Mount
from ..spec.network import Network
from ..spec.volume import Volume
from ..text import filters

#: What is told of each kind.
ACTIONS: Mapping[str, Sequence[str]] = {
    "container": (
        "create", "start", "die", "oom", "destroy", "pause", "unpause", "rename", "health_status",
        "attach", "commit", "detach", "exec_create", "exec_detach", "exec_die", "exec_start",
        "export", "kill", "restart", "stop", "top", "update",
    ),
    "image": ("pull", "tag", "untag", "delete"),
    "network": ("create", "connect", "disconnect", "destroy"),
    "volume": ("create", "destroy", "mount", "unmount"),
}  # fmt: skip
#: Filters by name: those of docker events that mean something without a swarm.
FILTERS = ("container", "event", "image", "label", "network", "scope", "type", "volume")


@dataclass(frozen=True)
class Seen:
    """A container at one look; ``about`` is its image, its name and its labels, ``volumes`` what it
    has mounted while it runs.
    """

    record: Record
    about: Mapping[str, str]
    health: str = ""
    volumes: tuple[Mount, ...] = ()


@dataclass(frozen=True)
class Named:
    """A name of an image at one look: the image's id, and when a registry was last asked."""

    id: str
    asked: str = ""


@dataclass(frozen=True)
class Look:
    """What was on the host at one time: containers and networks by id, volumes by name, images by
    familiar name; ``ids`` are those of all images, named or not.
    """

    containers: Mapping[str, Seen] = field(default_factory=dict)
    networks: Mapping[str, Network] = field(default_factory=dict)
    volumes: Mapping[str, Volume] = field(default_factory=dict)
    images: Mapping[str, Named] = field(default_factory=dict)
    ids: frozenset[str] = frozenset()


@dataclass(frozen=True)
class Event:
    """``time`` is RFC 3339 in UTC, as records have it; ``id`` is a volume's name, and of a pull
    the image's.
    """

    time: str
    kind: str
    action: str
    id: str
    attributes: Mapping[str, str]

    @property
    def nanoseconds(self) -> int:
        return clock.nanoseconds(self.time) or 0

    @property
    def seconds(self) -> float:
        return clock.seconds(self.time) or 0.0

    def document(self) -> dict[str, Any]:
        """The event as ``docker events --format json`` prints it."""
        old = {"status": self.action, "id": self.id} if self.kind in ("container", "image") else {}
        if self.kind == "container":
            old["from"] = self.attributes.get("image", "")
        return {
            **old,
            "Type": self.kind,
            "Action": self.action,
            "Actor": {"ID": self.id, "Attributes": dict(self.attributes)},
            "scope": "local",
            "time": self.nanoseconds // 1_000_000_000,
            "timeNano": self.nanoseconds,
        }

    def fields(self) -> dict[str, Any]:
        """The event as a template of ``--format`` sees it."""
        found = self.document()
        return {
            "Status": found.pop("status", ""),
            "ID": found.pop("id", ""),
            "From": found.pop("from", ""),
            **{f"{name[0].upper()}{name[1:]}": value for name, value in found.items()},
        }


def past(now: Look, since: float, until: Optional[float]) -> list[Event]:
    """What the records still say of a time: when things were made, when names of images were last
    pulled, and when the last run of a container began and ended. Seconds since the epoch.
    """
    found = []
    for one in now.containers.values():
        record = one.record
        found += [_of(one, record.created, "create")]
        if record.started_at:
            found += [*_mounted(one, record.started_at), _of(one, record.started_at, "start")]
        if record.finished_at and record.phase in AT_REST:
            found += [*_died(one), *_unmounted(one, record.finished_at)]
    found += [_of_network(one, one.created, "create") for one in now.networks.values()]
    found += [_of_volume(one, one.created, "create") for one in now.volumes.values()]
    found += [_pulled(name, one) for name, one in now.images.items() if one.asked]
    last = float("inf") if until is None else until
    return in_order(one for one in found if since <= one.seconds <= last)


def between(before: Look, after: Look) -> list[Event]:
    """What happened between two looks, in the order of time."""
    found: list[Event] = []
    for container_id, seen in after.containers.items():
        found += _of_container(before.containers.get(container_id), seen)
    for container_id, seen in before.containers.items():
        if container_id not in after.containers:
            if seen.record.phase in LIVE:
                found.append(_of(seen, "", "die", exitCode="137"))
                found += _links(seen.record, "disconnect", "")
                found += _unmounted(seen, "")
            found.append(_of(seen, "", "destroy"))
    for old_network, network in _changed(before.networks, after.networks):
        if old_network is not None:
            found.append(_of_network(old_network, "", "destroy"))
        if network is not None:
            found.append(_of_network(network, network.created, "create"))
    for old_volume, volume in _changed(before.volumes, after.volumes):
        if old_volume is not None:
            found.append(_of_volume(old_volume, "", "destroy"))
        if volume is not None:
            found.append(_of_volume(volume, volume.created, "create"))
    return in_order([*found, *_of_images(before, after)])


def with_notes(
    found: Iterable[Event], noted: Iterable[Note], before: Look, after: Look
) -> list[Event]:
    """The same with what was noted of the containers of these looks."""
    told = list(found)
    for note in noted:
        one = after.containers.get(note.id) or before.containers.get(note.id)
        if one is not None:
            told.append(of_note(one, note))
    return in_order(told)


def led(note: Note, found: Iterable[Event]) -> bool:
    """Whether something that was found happened to the same container after it was noted."""
    moment = clock.nanoseconds(note.time) or 0
    return any(one.id == note.id and moment <= one.nanoseconds for one in found)


def in_order(found: Iterable[Event]) -> list[Event]:
    """Events in the order of time."""
    # A signal may have the time of the end that it brought.
    return sorted(found, key=lambda one: (one.nanoseconds, one.action != "kill"))


def _changed(before: Mapping[str, Any], after: Mapping[str, Any]) -> Iterator[tuple[Any, Any]]:
    """What came and went; what was made again under the same name did both."""
    for name in {**before, **after}:
        old, new = before.get(name), after.get(name)
        if old is None or new is None or old.created != new.created:
            yield old, new


def _of_container(old: Optional[Seen], new: Seen) -> Iterator[Event]:
    now = new.record
    was = old.record if old is not None else None
    if was is None:
        yield _of(new, now.created, "create")
    elif was.name != now.name:
        yield _of(new, "", "rename", oldName=f"/{was.name}")
    # A run counts from its start on: its record is written before, and a start may fail.
    again = now.started_at not in ("", was.started_at if was is not None else "")
    if was is not None and was.phase in LIVE and again:
        # The end of a run that another one followed is only known by that.
        yield _of(new, now.finished_at or now.started_at, "die", exitCode=str(was.exit_code))
        yield from _links(was, "disconnect", now.finished_at or now.started_at)
        yield from _unmounted(new, now.finished_at or now.started_at)
    if again:
        yield from _mounted(new, now.started_at)
        yield from _links(now, "connect", now.started_at)
        yield _of(new, now.started_at, "start")
    ran = again or (was is not None and was.phase in LIVE)
    if ran and now.phase not in LIVE:
        yield from _died(new)
        left = was if was is not None and not again else now
        yield from _links(left, "disconnect", now.finished_at)
        yield from _unmounted(new, now.finished_at)
    if was is not None and not again and was.phase in LIVE and now.phase in LIVE:
        if was.phase != now.phase:
            yield _of(new, "", "pause" if now.phase == "paused" else "unpause")
        yield from _links(was, "disconnect", "", beside=now)
        yield from _links(now, "connect", "", beside=was)
    verdict = old.health if old is not None else ""
    if new.health != verdict and new.health not in ("", "starting"):
        yield _of(new, "", f"health_status: {new.health}")


def _died(one: Seen) -> list[Event]:
    record = one.record
    died = _of(one, record.finished_at, "die", exitCode=str(record.exit_code))
    return [_of(one, record.finished_at, "oom"), died] if record.oom_killed else [died]


def _of(one: Seen, time: str, action: str, **more: str) -> Event:
    """``time`` may be "", where nobody noted it: then it is now."""
    return Event(time or clock.now(), "container", action, one.record.id, {**one.about, **more})


def of_note(one: Seen, note: Note) -> Event:
    """What was noted of a container."""
    return _of(one, note.time, note.action, **note.attributes)


def _mounted(one: Seen, time: str) -> Iterator[Event]:
    """The volumes that a run begins with."""
    for mount in one.volumes:
        about = {
            "container": one.record.id,
            "destination": mount.target,
            "driver": "local",
            # What is the default is not said.
            "propagation": "" if mount.propagation == "rprivate" else mount.propagation,
            "read/write": str(not mount.read_only).lower(),
        }
        yield Event(time or clock.now(), "volume", "mount", mount.source, about)


def _unmounted(one: Seen, time: str) -> Iterator[Event]:
    for mount in one.volumes:
        about = {"container": one.record.id, "driver": "local"}
        yield Event(time or clock.now(), "volume", "unmount", mount.source, about)


def _links(
    record: Record, action: str, time: str, beside: Optional[Record] = None
) -> Iterator[Event]:
    """The networks a container is on, but for those it is on ``beside`` too."""
    spared = {one.network_id for one in beside.attachments} if beside is not None else set()
    for one in record.attachments:
        if one.network_id not in spared:
            about = {"container": record.id, "name": one.network, "type": one.driver}
            yield Event(time or clock.now(), "network", action, one.network_id, about)


def _of_network(one: Network, time: str, action: str) -> Event:
    about = {"name": one.spec.name, "type": one.spec.driver}
    return Event(time or clock.now(), "network", action, one.id, about)


def _of_volume(one: Volume, time: str, action: str) -> Event:
    return Event(time or clock.now(), "volume", action, one.name, {"driver": one.driver})


def _of_images(before: Look, after: Look) -> Iterator[Event]:
    for name, new in after.images.items():
        old = before.images.get(name)
        if new.asked and (old is None or new.asked != old.asked):
            yield _pulled(name, new)
        elif old is None or old.id != new.id:
            yield Event(clock.now(), "image", "tag", new.id, {"name": name})
    for name, old in before.images.items():
        if name not in after.images:
            yield Event(clock.now(), "image", "untag", old.id, {"name": name})
    for image_id in sorted(before.ids - after.ids):
        yield Event(clock.now(), "image", "delete", image_id, {"name": image_id})


def _pulled(name: str, one: Named) -> Event:
    return Event(one.asked, "image", "pull", name, {"name": _without_tag(name)})


def chosen(given: Mapping[str, Any]) -> Callable[[Event], bool]:
    """Whether an event is meant by filters as ``docker events`` takes them: of one filter one of
    its values, of several filters all, of ``label`` all values. Raises Error for what is not
    understood, and for an action that is never reported here: it would be waited for in vain.
    """
    asked = filters.listed(given, FILTERS)
    told = sorted({action for actions in ACTIONS.values() for action in actions})
    for value in asked.get("event", ()):
        if value.partition(":")[0] not in told:
            raise Error(
                f"filter event: {value[:60]!a} is never reported here",
                hint=f"known values: {', '.join(told)}",
            )
    for value in asked.get("type", ()):
        if value not in ACTIONS:
            raise Error(
                f"filter type: {value[:60]!a} is never reported here",
                hint=f"known values: {', '.join(ACTIONS)}",
            )
    return lambda one: _meant(asked, one)


def _meant(asked: Mapping[str, Sequence[str]], one: Event) -> bool:
    def any_of(name: str, *texts: str) -> bool:
        return name not in asked or not {*texts}.isdisjoint(asked[name])

    def begins(name: str) -> bool:
        named = one.attributes.get("name", "")
        starts = asked.get(name, ("",))
        return any(one.id.startswith(start) or named.startswith(start) for start in starts)

    image = one.attributes.get("name" if one.kind == "image" else "image", "")
    return (
        any_of("event", one.action, one.action.partition(":")[0])
        and any_of("type", one.kind)
        and any_of("scope", "local")
        and begins("container")
        and begins("network")
        and begins("volume")
        and any_of("image", one.id, image, _without_tag(one.id), _without_tag(image))
        and filters.labelled(asked, one.attributes)
    )


def _without_tag(name: str) -> str:
    repository, colon, tag = name.rpartition(":")
    return repository if colon and "/" not in tag else name
