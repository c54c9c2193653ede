# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What happened to a project's containers, told by comparing their records. Pure but for seen().

No daemon hears of events here, so whoever asks for them looks at the records whenever they change:
what begins and ends between two looks is told from the times that the record keeps, and a container
that was made and removed between them is not seen.
"""

from __future__ import annotations

import contextlib
from collections.abc import Collection, Iterator, Mapping
from pathlib import Path
from typing import Any, Optional

from ...base import clock
from ...base.errors import NotFound
from ...base.frozen import dataclass
from ...base.layout import Layout
from ...records.container_record import AT_REST, LIVE
from ...resource.compose import shown
from ...resource.compose.shown import Mine


@dataclass(frozen=True)
class Seen:
    """A container as it was at one look."""

    mine: Mine
    image: str
    health: str


@dataclass(frozen=True)
class Event:
    """``time`` is RFC 3339 in UTC, as records have it."""

    time: str
    action: str
    container: str
    service: str
    attributes: Mapping[str, str]

    @property
    def seconds(self) -> float:
        return clock.seconds(self.time) or 0.0

    def document(self) -> dict[str, Any]:
        return {
            "time": self.time,
            "type": "container",
            "service": self.service,
            "id": self.container,
            "action": self.action,
            "attributes": dict(self.attributes),
        }


def seen(layout: Layout, project: str, services: Collection[str]) -> dict[str, Seen]:
    """The containers of a project, or of some services of it, by their ids."""
    from ...container.show import ps_table
    from ...container.supervision import health
    from ...records import container_record

    found = {}
    for mine in shown.containers(layout, project, services or None, all_of=True):
        with contextlib.suppress(NotFound):
            spec = container_record.read_spec(layout, mine.record.id)
            live = mine.record.phase in LIVE
            verdict = health.verdict(layout, mine.record) if live else ""
            found[mine.record.id] = Seen(mine, ps_table.image_name(spec.image, True), verdict)
    return found


def places(layout: Layout, found: Collection[str]) -> list[Path]:
    """The directories that change when something happens to one of these containers, by their ids,
    or when there is another one.
    """
    each = [(layout.container(one), layout.run_container(one)) for one in found]
    return [layout.containers, layout.names, *(path for pair in each for path in pair)]


def past(now: Mapping[str, Seen], since: float, until: Optional[float]) -> list[Event]:
    """What the records still say of a time: when containers were made, and when their last run
    began and ended. Seconds since the epoch.
    """
    found = []
    for one in now.values():
        record = one.mine.record
        found += [_event(one, record.created, "create")]
        found += [_event(one, record.started_at, "start")] if record.started_at else []
        found += [_died(one)] if record.finished_at and record.phase in AT_REST else []
    kept = (one for one in found if since <= one.seconds <= (until or one.seconds))
    return sorted(kept, key=lambda one: one.seconds)


def between(before: Mapping[str, Seen], after: Mapping[str, Seen]) -> list[Event]:
    """What happened between two looks, in the order of time."""
    found: list[Event] = []
    for container_id, one in after.items():
        found += _of_one(before.get(container_id), one)
    for container_id, one in before.items():
        if container_id not in after:
            record = one.mine.record
            if record.phase in LIVE:
                found.append(_event(one, clock.now(), "die", exitCode="137"))
            found.append(_event(one, clock.now(), "destroy"))
    return sorted(found, key=lambda one: one.seconds)


def _of_one(old: Optional[Seen], new: Seen) -> Iterator[Event]:
    now = new.mine.record
    was = old.mine.record if old is not None else None
    if was is None:
        yield _event(new, now.created, "create")
    begun = was.generation if was is not None else 0
    if was is not None and was.phase in LIVE and now.generation > begun:
        # The end of a run that another one followed is only known by that.
        yield _event(new, now.finished_at or now.started_at, "die", exitCode=str(was.exit_code))
    if now.generation > begun and now.started_at:
        yield _event(new, now.started_at, "start")
    ended = now.phase in (*AT_REST, "restarting") and now.finished_at
    if ended and (was is None or was.phase in LIVE or now.generation > begun):
        yield _died(new)
    same_run = was is not None and now.generation == begun and was.phase != now.phase
    if same_run and was is not None and was.phase in LIVE and now.phase in LIVE:
        yield _event(new, clock.now(), "pause" if now.phase == "paused" else "unpause")
    verdict = old.health if old is not None else ""
    if new.health != verdict and new.health not in ("", "starting"):
        yield _event(new, clock.now(), f"health_status: {new.health}")


def _died(one: Seen) -> Event:
    record = one.mine.record
    return _event(one, record.finished_at, "die", exitCode=str(record.exit_code))


def _event(one: Seen, time: str, action: str, **more: str) -> Event:
    """``time`` may be "", where nobody noted it: then it is now."""
    mine = one.mine
    attributes = {**more, "image": one.image, "name": mine.record.name}
    return Event(time or clock.now(), action, mine.record.id, mine.service, attributes)
