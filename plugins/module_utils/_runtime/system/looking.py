# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Looking at the records of the host until something happens (events.py says what)."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Collection, Iterator, Mapping
from pathlib import Path
from typing import Callable, Optional

from ..base.errors import Error, NotFound
from ..base.frozen import replace
from ..base.layout import Layout
from ..kernel.changes import Changes
from ..records import container_record, effective, network_record, notes
from ..records.container_record import LIVE
from ..records.notes import Note
from . import events
from .events import ACTIONS, Event, Look, Named, Seen

#: How often records are read where the kernel reports no changes, in seconds.
_LOOK_S = 0.1
#: The same where it does: a process that was killed changes no file.
_LOOK_AGAIN_S = 1.0


def told(
    layout: Layout,
    since: Optional[float] = None,
    until: Optional[float] = None,
    kinds: Collection[str] = tuple(ACTIONS),
    of: Callable[[Mapping[str, str]], bool] = lambda labels: True,
) -> Iterator[Event]:
    """Events as they happen, until a time, without one for ever; with ``since`` what is still
    known of the time before comes first. Seconds since the epoch.

    ``kinds`` are those that are looked at, ``of`` says which containers, by their labels. Raises
    Error for records that are damaged.
    """
    known = set(notes.names(layout))
    before = look(layout, kinds, of)
    for event in _past(layout, before, known, since, until) if since is not None else ():
        if event.kind in kinds:
            yield event
    with Changes(_LOOK_S) as changes:
        while until is None or time.time() < until:
            if not changes.follow(places(layout, before, kinds)):
                left_s = _LOOK_AGAIN_S if until is None else until - time.time()
                changes.wait(min(_LOOK_AGAIN_S, max(0.0, left_s)))
            # What was noted follows what it says of records, so it is read before them; what led to
            # something that is found there is read again after them.
            noted = _noted(layout, known)
            after = look(layout, kinds, of)
            found = events.between(before, after)
            late = _noted(layout, {*known, *noted})
            noted |= {name: note for name, note in late.items() if events.led(note, found)}
            known = {name for name in notes.names(layout) if name in known or name in noted}
            for event in events.with_notes(found, noted.values(), before, after):
                if event.kind in kinds and (until is None or event.seconds <= until):
                    yield event
            before = after


def _noted(layout: Layout, known: Collection[str]) -> dict[str, Note]:
    """The notes that are not known yet, by name."""
    return notes.read(layout, [name for name in notes.names(layout) if name not in known])


def _past(
    layout: Layout, now: Look, known: Collection[str], since: float, until: Optional[float]
) -> list[Event]:
    """What records and notes say of the time before."""
    last = float("inf") if until is None else until
    found = events.past(now, since, until)
    for note in notes.read(layout, sorted(known)).values():
        if note.id in now.containers:
            event = events.of_note(now.containers[note.id], note)
            found += [event] if since <= event.seconds <= last else []
    return events.in_order(found)


def look(
    layout: Layout,
    kinds: Collection[str] = tuple(ACTIONS),
    of: Callable[[Mapping[str, str]], bool] = lambda labels: True,
) -> Look:
    """What is on the host now, of these kinds."""
    found = Look()
    if {"container", "network", "volume"} & {*kinds}:
        found = replace(found, containers=_containers(layout, of))
    if "network" in kinds:
        found = replace(found, networks={one.id: one for one in network_record.networks(layout)})
    if "volume" in kinds:
        from ..volume import store

        found = replace(found, volumes={one.name: one for one in store.volumes(layout)})
    if "image" in kinds:
        images, ids = _images(layout)
        found = replace(found, images=images, ids=ids)
    return found


def _containers(layout: Layout, of: Callable[[Mapping[str, str]], bool]) -> dict[str, Seen]:
    from ..container.show import ps_table
    from ..container.status import liveness
    from ..container.supervision import health

    found = {}
    for container_id in container_record.all_ids(layout):
        with contextlib.suppress(NotFound):
            labels = container_record.read_labels(layout, container_id)
            if not of(labels):
                continue
            record = liveness.current(layout, container_id)
            spec = container_record.read_spec(layout, container_id)
            image = container_record.read_image(layout, container_id)
            about = {
                **image.labels,
                **labels,
                "image": ps_table.image_name(spec.image, True),
                "name": record.name,
            }
            verdict = health.verdict(layout, record) if record.phase in LIVE else ""
            every = effective.mounts(spec, record, image)
            volumes = tuple(mount for mount in every if mount.kind == "volume")
            found[container_id] = Seen(record, about, verdict, volumes)
    return found


def _images(layout: Layout) -> tuple[dict[str, Named], frozenset[str]]:
    from ..image.store import index, store
    from ..spec.reference import parse_normalized

    names: dict[str, Named] = {}
    ids = set()
    for entry in index.entries(layout):
        # One whose documents are damaged has no id.
        with contextlib.suppress(Error):
            image_id = store.read_manifest(layout, entry.manifest).config.digest
            ids.add(image_id)
            if entry.name:
                familiar = parse_normalized(entry.name).familiar
                names[familiar] = Named(image_id, entry.asked)
    return names, frozenset(ids)


def places(layout: Layout, found: Look, kinds: Collection[str]) -> list[Path]:
    """The directories that change when something happens to what was found, or there is more."""
    each = [(layout.container(one), layout.run_container(one)) for one in found.containers]
    of_kinds = {"network": layout.networks, "volume": layout.volumes, "image": layout.images}
    noted = notes.directory(layout)
    return [
        # It is made with the first note.
        noted if noted.is_dir() else layout.run,
        layout.containers,
        layout.names,
        *(path for pair in each for path in pair),
        *(path for kind, path in of_kinds.items() if kind in kinds),
    ]
