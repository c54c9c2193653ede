# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which containers use a volume: derived from their records, never counted."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterable, Iterator

from ..base.errors import Conflict, NotFound
from ..base.layout import Layout
from ..plan.plan import Host
from ..records import container_record, effective, foreseen
from ..records.container_record import Record
from ..records.foreseen import Container
from . import local, store


def of_container(layout: Layout, found: Record) -> frozenset[str]:
    """The names of the volumes that a container mounts, its anonymous ones among them."""
    with contextlib.suppress(NotFound):
        spec, image = (
            container_record.read_spec(layout, found.id),
            container_record.read_image(layout, found.id),
        )
        mounts = effective.mounts(spec, found, image)
        return frozenset(mount.source for mount in mounts if mount.kind == "volume")
    return frozenset()


def users(host: Host, gone: Iterable[str] = ()) -> dict[str, tuple[str, ...]]:
    """The names of the containers that use each volume, running or not.

    Counted are those that earlier tasks of a check-mode run would have made, not counted those they
    would have removed, and those named in ``gone``. Two that replace one another have one name.
    """
    left = set(gone)
    used: dict[str, set[str]] = {}
    for one in foreseen.containers(host):
        if one.name not in left:
            for volume in _volumes(host.layout, one):
                used.setdefault(volume, set()).add(one.name)
    return {volume: tuple(sorted(names)) for volume, names in used.items()}


def _volumes(layout: Layout, one: Container) -> frozenset[str]:
    if not one.told:
        return frozenset() if one.record is None else of_container(layout, one.record)
    # One that is changed keeps the volumes that were made for it; what else it mounts is in its
    # spec.
    own = () if one.record is None else one.record.anonymous_volumes
    return frozenset(m.source for m in one.spec.mounts if m.kind == "volume").union(own)


def refuse_used(name: str, names: Iterable[str]) -> None:
    """Raise Conflict, naming them, when containers use a volume."""
    found = sorted(names)
    if found:
        raise Conflict(
            f"volume {name} is in use by {'container' if len(found) == 1 else 'containers'}"
            f" {', '.join(found)}",
            hint="remove them first",
        )


def remove(host: Host, name: str) -> None:
    """Remove a volume that no container uses. Raises Conflict naming those that do."""
    refuse_used(name, users(host).get(name, ()))
    store.remove(host.layout, name)


def remove_damaged(host: Host, name: str) -> None:
    """The same of one whose record cannot be read."""
    refuse_used(name, users(host).get(name, ()))
    store.remove_damaged(host.layout, name)


def release(layout: Layout, ended: Record) -> None:
    """Unmount what the options of a container's volumes name, unless another container that runs
    uses them too.

    A container's run directory is there before it asks for its volumes, so one that starts just now
    either is seen here or finds its volume unmounted and mounts it again.
    """
    for name in sorted(of_container(layout, ended)):
        with contextlib.suppress(NotFound):
            if store.is_damaged(layout, name):
                # A container ends all the same; whoever removes the volume unmounts it.
                continue
            volume = store.find(layout, name)
            if volume is None or not volume.driver_options:
                continue
            with store.locked(layout, name) as volume:
                if not any(name in used for used in _running(layout, ended.id)):
                    local.unmount(volume, store.data(layout, name))


def _running(layout: Layout, but: str) -> Iterator[frozenset[str]]:
    """The volumes of each container that has a run directory."""
    for container_id in os.listdir(layout.run_containers):
        if container_id != but:
            found = container_record.find_record(layout, container_id)
            if found is not None:
                yield of_container(layout, found)
