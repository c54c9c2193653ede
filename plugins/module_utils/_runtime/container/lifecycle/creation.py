# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Containers that are being created or removed: on disk before the first effect, until the last.

``creations/ID.json`` names the anonymous volumes before they exist, and the process that creates
them. Without that process, what it created is removed by whoever creates the next container or runs
the program: a container that was never started and has no name, and volumes that no container
mounts.

A container that serves its maker alone, as one step of a build, is listed there until it is
removed; without its maker it is removed in any case.

A removal is listed there too, with the anonymous volumes that go with the container: its own record
goes before them, and its name before that. Without its maker, the next task or command finishes it.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Callable, Optional

from ...base import document, files
from ...base.errors import Conflict, Error, NotFound
from ...base.frozen import dataclass
from ...base.layout import Layout
from ...plan.plan import Host
from ...records import container_record, journal
from ...records.journal import Writer
from ...volume import users as volume_users


@dataclass(frozen=True)
class Creation:
    """A container under way; ``beside`` is that it does not claim its name by itself, ``serving``
    that it does not outlive its maker, ``removing`` that it is on its way out: ``volumes`` are then
    those that go with it.
    """

    id: str
    writer: Writer
    beside: bool
    volumes: tuple[str, ...]
    serving: bool = False
    removing: bool = False


#: actions.remove(), which stands above this file: with its volumes or not, running or not.
Remove = Callable[[Host, str, bool, bool], None]


def begin(
    layout: Layout, container_id: str, beside: bool, volumes: Sequence[str], serving: bool = False
) -> None:
    """Write the record of a creation, before its first effect."""
    files.make_private(layout.creations)
    made = Creation(container_id, Writer.me(), beside, tuple(volumes), serving)
    files.write_json(_path(layout, container_id), document.to_json(made))


def begin_removal(layout: Layout, container_id: str, volumes: Sequence[str]) -> tuple[str, ...]:
    """Write down that a container goes, and these volumes with it. Returns them with those that an
    interrupted removal was to take along.

    One that serves its creator stays listed as such: of it nothing is to stay in any case.
    """
    found = _find(layout, container_id)
    if found is not None and found.serving:
        return tuple(dict.fromkeys((*volumes, *found.volumes)))
    if found is not None and found.removing:
        volumes = tuple(dict.fromkeys((*volumes, *found.volumes)))
    files.make_private(layout.creations)
    going = Creation(container_id, Writer.me(), False, tuple(volumes), removing=True)
    files.write_json(_path(layout, container_id), document.to_json(going))
    return going.volumes


def end(layout: Layout, container_id: str) -> None:
    """Delete the record of a creation; a missing one is fine. Durable: a record that reappeared
    after a power cut could remove volumes that outlive their container.
    """
    with contextlib.suppress(FileNotFoundError):
        os.unlink(_path(layout, container_id))
        files.fsync_dir(layout.creations)


def end_if_undone(layout: Layout, container_id: str, volumes: Sequence[str]) -> None:
    """Delete the record of a creation that failed, once nothing of it is left: undoing it may have
    failed too, as on a full disk.
    """
    left = [layout.container(container_id), *(layout.volume(name) for name in volumes)]
    if not any(path.exists() for path in left):
        end(layout, container_id)


def _find(layout: Layout, container_id: str) -> Optional[Creation]:
    try:
        value = files.read_json(_path(layout, container_id))
    except FileNotFoundError:
        return None
    return document.from_json(Creation, value, f"creation of {container_id[:12]}")


def pending(layout: Layout) -> list[str]:
    """The ids of containers that are being made, or were not made to the end."""
    try:
        names = os.listdir(layout.creations)
    except FileNotFoundError:
        return []
    return sorted(name[:-5] for name in names if name.endswith(".json") and name[0] != ".")


def recover(host: Host, remove: Remove) -> None:
    """Remove what creators that no longer exist left half made, half removed, or running for them.
    A failure is a warning. Idempotent.
    """
    layout = host.layout
    for container_id in pending(layout):
        found = None
        try:
            found = _find(layout, container_id)
            if found is None or found.writer.works:
                continue
            if found.serving:
                with contextlib.suppress(NotFound):
                    remove(host, container_id, True, True)
                # Nothing of it is mounted any more: a secret of a build, say.
                files.sweep(layout)
            elif found.removing:
                with contextlib.suppress(NotFound):
                    remove(host, container_id, False, False)
            _recover(host, found)
        except Conflict:
            # Somebody has started it since, and means to keep it.
            end(layout, container_id)
        except (Error, OSError) as exc:
            done = "removed" if found is not None and found.removing else "created"
            host.warn(f"container {container_id[:12]} was not completely {done}: {exc}")
    # What a killed writer left beside a journal.
    files.sweep_beside(layout.creations)


def _recover(host: Host, found: Creation) -> None:
    layout = host.layout
    try:
        with container_record.locked(host, found.id) as made:
            # A new one that stands beside an old one belongs to the journal of the replacement.
            fresh = not found.beside and not made.generation
            # Asked in this order: a replacement is written down before it takes a name away.
            waste = fresh and not _named(layout, found.id)
            if waste and found.id not in journal.replaced(layout):
                files.discard(layout, layout.container(found.id))
    except NotFound:
        pass
    if not layout.container(found.id).exists():
        for name in found.volumes:
            # Somebody may have come to mount it by its name.
            with contextlib.suppress(Conflict):
                volume_users.remove(host, name)
    end(layout, found.id)


def _named(layout: Layout, container_id: str) -> bool:
    for name in os.listdir(layout.names):
        with contextlib.suppress(FileNotFoundError):
            if os.readlink(layout.names / name) == container_id:
                return True
    return False


def _path(layout: Layout, container_id: str) -> Path:
    return layout.creations / f"{container_id}.json"
