# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is there and not needed, and the steps that remove it.

Between the plan and a step others may start a container, use a volume or remove an image. What
changed so stays, or is gone already: a step leaves it out, and ``stayed`` says so to the report.
"""

from __future__ import annotations

from typing import Optional

from ..base import files
from ..base.errors import Conflict, NotFound
from ..base.frozen import dataclass, replace
from ..build import pruning as builds
from ..container.lifecycle import actions
from ..image.store import store
from ..image.store.store import Image
from ..plan.plan import Host, Step
from ..records import foreseen
from ..records.container_record import LIVE
from .image.names import image_remove
from .network import pruning as network_pruning
from .volume import pruning


@dataclass(frozen=True)
class Stopped:
    """A container that does not run; ``size`` is in bytes, 0 for one that is only predicted."""

    name: str
    id: str = ""
    size: int = 0


@dataclass(frozen=True)
class Unused:
    """An image that no container uses. ``key`` stands for one that is only predicted."""

    key: str
    names: tuple[str, ...]
    image: Optional[Image] = None


@dataclass(frozen=True)
class Waste:
    """What is there and not needed; ``freed`` are the layers that go with the images, and their
    bytes.
    """

    containers: tuple[Stopped, ...] = ()
    images: tuple[Unused, ...] = ()
    freed: tuple[tuple[str, int], ...] = ()
    volumes: tuple[pruning.Unused, ...] = ()
    networks: tuple[str, ...] = ()
    builds: tuple[builds.Left, ...] = ()
    pruned: bool = False


@dataclass(frozen=True)
class RemoveContainer(Step[Waste]):
    """Remove a stopped container, unless it was started or removed meanwhile."""

    name: str
    id: str

    def describe(self) -> str:
        return f"remove container {self.name}"

    def after(self, have: Waste) -> Waste:
        return replace(have, pruned=True)

    def execute(self, host: Host) -> None:
        try:
            actions.remove(host, self.id)
        except NotFound:
            _left_out(host, "container", self.id)
        except Conflict:
            if actions.current(host, self.id).phase not in LIVE:
                raise
            _left_out(host, "container", self.id)


@dataclass(frozen=True)
class RemoveNetworks(Step[Waste]):
    """Remove networks. One that a container came to use meanwhile stays."""

    names: tuple[str, ...]

    def describe(self) -> str:
        return f"remove {len(self.names)} network{'s' if len(self.names) > 1 else ''}"

    def after(self, have: Waste) -> Waste:
        return replace(have, pruned=True)

    def execute(self, host: Host) -> None:
        for name in network_pruning.remove(host, self.names):
            _left_out(host, "network", name)


@dataclass(frozen=True)
class RemoveImages(Step[Waste]):
    """Take the images out of the store under all their names, unless a container came to use
    them.
    """

    count: int
    ids: tuple[str, ...]

    def describe(self) -> str:
        return f"remove {self.count} image{'s' if self.count > 1 else ''}"

    def after(self, have: Waste) -> Waste:
        return replace(have, pruned=True)

    def execute(self, host: Host) -> None:
        used = images_in_use(host, frozenset())
        for image_id in self.ids:
            image = store.find(host.layout, image_id)
            if image is None or image.id in used:
                _left_out(host, "image", image_id)
            else:
                image_remove.forget(host.layout, image)
        image_remove.collect(host.layout)


@dataclass(frozen=True)
class RemoveBuildCache(Step[Waste]):
    """Remove what builds keep for the next one. What a build uses at this moment stays."""

    left: tuple[builds.Left, ...]

    def describe(self) -> str:
        return "remove the build cache"

    def after(self, have: Waste) -> Waste:
        return replace(have, pruned=True)

    def execute(self, host: Host) -> None:
        files.write_atomic(host.layout.collect, b"")
        gone = builds.remove(host.layout, self.left)
        for one in self.left:
            if one not in gone:
                _left_out(host, "build", one.name)
        image_remove.collect(host.layout)


@dataclass(frozen=True)
class RemoveVolumes(Step[Waste]):
    """Remove volumes. One that a container came to use meanwhile stays."""

    names: tuple[str, ...]

    def describe(self) -> str:
        return f"remove {len(self.names)} volume{'s' if len(self.names) > 1 else ''}"

    def after(self, have: Waste) -> Waste:
        return replace(have, pruned=True)

    def execute(self, host: Host) -> None:
        for name in pruning.remove(host, self.names):
            _left_out(host, "volume", name)


def images_in_use(host: Host, gone: frozenset[str]) -> set[str]:
    """The ids and names of the images that containers are made from."""
    found: set[str] = set()
    for one in foreseen.containers(host):
        if one.name in gone:
            continue
        found.add(one.spec.image_id)
        if one.told:
            found.add(one.spec.image)
        elif one.record is not None:
            found |= {image.id for image in one.record.images}
    return found - {""}


def _left_out(host: Host, kind: str, key: str) -> None:
    host.outcome.setdefault("left out", []).append((kind, key))


def stayed(host: Host, kind: str) -> frozenset[str]:
    """The ids of containers and images, and the names of networks, volumes and of what builds keep
    (``build``), that the steps left out.
    """
    return frozenset(key for one, key in host.outcome.get("left out", ()) if one == kind)
