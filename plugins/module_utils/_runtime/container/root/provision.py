# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a container needs, when it is made, of volumes, other containers and images it mounts."""

from __future__ import annotations

import contextlib
import os
import secrets
from collections.abc import Iterator, Mapping, Sequence
from typing import Callable, Optional

from ...base import clock
from ...base.errors import NotFound
from ...base.frozen import replace
from ...image.store import store
from ...plan.plan import Host
from ...records import container_record, effective
from ...spec.container import ContainerSpec, ImageDefaults, Mount
from ...spec.volume import Volume
from ...volume import store as volumes
from ..option.mounts import check_made


def make_volumes(
    host: Host,
    spec: ContainerSpec,
    image: ImageDefaults,
    inherited: Sequence[Mount],
    known: Mapping[str, str],
    intend: Callable[[Sequence[str]], None],
    undo: contextlib.ExitStack,
) -> tuple[str, ...]:
    """The named volumes a container mounts, as far as they are missing, and its anonymous ones.

    Returns the names of the latter. ``known`` has those it takes over from another container, by
    target; ``intend`` is told the names of the others before there are any, and ``undo`` removes
    them again.
    """
    asked = {mount.target: mount for mount in spec.mounts}
    targets = effective.anonymous_targets(spec, image, inherited)
    check_made(spec, targets)
    for mount in spec.mounts:
        if mount.kind == "volume":
            volumes.ensure(host.layout, _volume(mount.source, mount))
    kept = [known.get(os.path.normpath(target), "") for target in targets]
    names = tuple(name or secrets.token_hex(32) for name in kept)
    fresh = [pair for pair, name in zip(zip(targets, names), kept) if not name]
    intend([name for dummy, name in fresh])
    for target, name in fresh:
        volume = replace(_volume(name, asked.get(target)), anonymous=True)
        volumes.ensure(host.layout, volume)
        undo.callback(volumes.remove, host.layout, name)
    return names


def _volume(name: str, mount: Optional[Mount]) -> Volume:
    if mount is None:
        return Volume(name, clock.now())
    options, labels = mount.driver_options, mount.labels
    return Volume(name, clock.now(), driver_options=options, labels=labels)


def inherited(host: Host, spec: ContainerSpec) -> tuple[Mount, ...]:
    """What volumes_from means now: the volumes, directories and images that other containers mount.

    It is kept with the container, so that this one starts when the other is gone.
    """
    found: dict[str, Mount] = {}
    for text in spec.volumes_from:
        name, dummy, mode = text.partition(":")
        try:
            other = container_record.identify(host.layout, name)
            mounts = effective.mounts(
                container_record.read_spec(host.layout, other),
                container_record.read_record(host.layout, other),
                container_record.read_image(host.layout, other),
            )
        except NotFound as exc:
            raise NotFound(
                f"container {spec.name}: volumes_from: No such container: {name}"
            ) from exc
        for mount in mounts:
            if mount.kind != "tmpfs":
                read_only = mount.read_only or mode == "ro"
                found[mount.target] = replace(mount, read_only=read_only)
    return tuple(found[target] for target in sorted(found))


def mounted_images(
    host: Host, spec: ContainerSpec, inherited: Sequence[Mount]
) -> Iterator[container_record.MountedImage]:
    """The images a container mounts, as their names mean them now, with their layers unpacked."""
    names = {mount.source for mount in (*inherited, *spec.mounts) if mount.kind == "image"}
    for name in sorted(names):
        image = store.find(host.layout, name)
        if image is None:
            raise NotFound(
                f"container {spec.name}: the image {name}, which it mounts, does not "
                f"exist on the host",
                hint="pull it with slipway.engine.image_pull",
            )
        store.ensure_unpacked(host.layout, image)
        yield container_record.MountedImage(name, image.id, image.chain_ids)
