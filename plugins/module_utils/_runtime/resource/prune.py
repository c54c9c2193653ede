# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Pruning: unused containers, then networks, images, what builds keep, and volumes."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from typing import Any, Optional

from ..base import clock
from ..base.errors import Error
from ..base.frozen import dataclass, replace
from ..build import pruning as builds
from ..container.option.form.text import size
from ..image import expected
from ..image.store import lineage, store
from ..image.store.layers import is_unpacked, size_bytes
from ..image.store.store import Image
from ..plan.plan import Host, Plan, Resource, Step
from ..records import container_record, foreseen, journal
from ..records.foreseen import UNTAGGED
from ..spec.reference import parse_normalized
from ..text import filters
from ..text.filters import Filters
from .network import pruning as network_pruning
from .volume import pruning
from .volume.pruning import Wanted as WantedVolumes
from .waste import (
    RemoveBuildCache,
    RemoveContainer,
    RemoveImages,
    RemoveNetworks,
    RemoveVolumes,
    Stopped,
    Unused,
    Waste,
    images_in_use,
    stayed,
)


@dataclass(frozen=True)
class Declared:
    """What to prune, None for nothing of the kind; of images only those without a name, or all."""

    containers: Optional[Filters]
    images: Optional[Filters]
    dangling: bool = True
    volumes: Optional[WantedVolumes] = None
    networks: Optional[Filters] = None
    builds: bool = False
    #: What builds keep goes only if it was not used since, in seconds since 1970; 0 is all of it.
    builds_before: float = 0.0
    #: How many bytes of it may stay.
    builds_spared: int = 0


def declare(params: Mapping[str, Any]) -> Declared:
    """Options of prune: containers, networks, images and volumes, each with its filters."""
    now = time.time()
    wanted = dict(params.get("images_filters") or {})
    dangling = pruning.boolean("dangling", wanted.get("dangling", True))
    volumes = pruning.wanted(params.get("volumes_filters") or {})
    containers = filters.parse(params.get("containers_filters") or {}, now)
    images = filters.parse(wanted, now, ("dangling",))
    networks = filters.parse(params.get("networks_filters") or {}, now)
    cached = filters.listed(params.get("builder_cache_filters") or {}, ("until", "unused-for"))
    keeping = "builder_cache_keep_storage"
    moments = [filters.moment(text, now) for texts in cached.values() for text in texts]
    return Declared(
        containers if params.get("containers") else None,
        images if params.get("images") else None,
        dangling,
        volumes if params.get("volumes") else None,
        networks if params.get("networks") else None,
        bool(params.get("builder_cache")),
        min(moments, default=0.0),
        size(keeping, params.get(keeping) or 0),
    )


def observe(host: Host, declared: Declared) -> Waste:
    containers: tuple[Stopped, ...] = ()
    if declared.containers is not None:
        containers = tuple(_stopped(host, declared.containers))
    gone = frozenset(one.name for one in containers)
    volumes: tuple[pruning.Unused, ...] = ()
    if declared.volumes is not None:
        volumes = pruning.unused(host, declared.volumes, gone)
    networks: tuple[str, ...] = ()
    if declared.networks is not None:
        networks = network_pruning.unused(host, declared.networks, gone)
    left: tuple[builds.Left, ...] = ()
    if declared.builds:
        left = tuple(
            builds.found(host.layout, declared.builds_before or None, declared.builds_spared)
        )
    if declared.images is None:
        return Waste(containers, volumes=volumes, networks=networks, builds=left)
    everything = [one for one in store.all_images(host.layout) if not expected.is_gone(host, one)]
    images = _unused(host, declared, everything, images_in_use(host, gone))
    going = [one.image for one in images if one.image is not None]
    rest = [one for one in everything if one not in going]
    pinned = {
        chain_id
        for found in container_record.records(host.layout)
        if found.name not in gone
        for chain_id in container_record.pinned(found)
    }
    kept = builds.chain_ids(host.layout, [one.name for one in left])
    freed = lineage.freed(going, rest, pinned | kept)
    sizes = tuple((chain_id, size_bytes(host.layout, chain_id, 0)) for chain_id in freed)
    return Waste(containers, tuple(images), sizes, volumes, networks, left)


def _stopped(host: Host, wanted: Filters) -> list[Stopped]:
    """The containers at rest, those that earlier tasks of a check-mode run would leave included."""
    found = []
    replaced = journal.replaced(host.layout)
    for one in foreseen.containers(host):
        if one.told:
            if not one.running and wanted.match(None, one.spec.labels):
                found.append(Stopped(one.name))
            continue
        known = one.record
        if known is None or known.phase not in container_record.AT_REST or known.id in replaced:
            continue
        if wanted.match(clock.seconds(known.created), one.spec.labels):
            upper = host.layout.container(known.id) / "upper"
            found.append(Stopped(one.name, known.id, pruning.tree_bytes(str(upper))))
    return sorted(found, key=lambda one: one.name)


def _unused(
    host: Host, declared: Declared, everything: list[Image], used: set[str]
) -> list[Unused]:
    wanted = declared.images or Filters()
    named = {image.id: expected.stored(host, image).names for image in everything}
    found: list[Unused] = []
    # A child goes before what it was made from, which is of no use without it.
    for image in sorted(everything, key=lambda one: -len(one.config.get("history") or [])):
        names = named[image.id]
        if image.id in used or used & set(names) or (names and declared.dangling):
            continue
        going = {one.key for one in found}
        others = [one for one in everything if one.id not in going]
        if not names and lineage.has_child(others, image):
            continue
        labels = (image.config.get("config") or {}).get("Labels") or {}
        if wanted.match(clock.seconds(str(image.config.get("created") or "")), labels):
            found.append(Unused(image.id, names, image))
    if wanted == Filters():
        found += _foretold(host, declared.dangling, used)
    return sorted(found, key=lambda one: (one.names, one.key))


def _foretold(host: Host, dangling: bool, used: set[str]) -> list[Unused]:
    """The unused images that earlier tasks of a check-mode run would have made."""
    found = []
    for one in expected.images(host):
        key = one.id or one.digest or next(iter(one.names), "")
        taken = key in used or used & set(one.names) or (one.names and dangling)
        if one.image is None and not taken:
            found.append(Unused(key, one.names))
    return found


def plan(declared: Declared, have: Waste) -> Plan[Waste]:
    steps: list[Step[Waste]] = [RemoveContainer(one.name, one.id) for one in have.containers]
    if have.networks:
        steps.append(RemoveNetworks(have.networks))
    if have.images:
        ids = tuple(one.image.id for one in have.images if one.image is not None)
        steps.append(RemoveImages(len(have.images), ids))
    if have.builds:
        steps.append(RemoveBuildCache(have.builds))
    if have.volumes:
        steps.append(RemoveVolumes(tuple(one.name for one in have.volumes)))
    return Plan(have, tuple(steps))


def view(found: Waste) -> dict[str, Any]:
    """Names only: the ids of what a check-mode run has predicted are not known."""
    if found.pruned:
        return {"containers": [], "networks": [], "images": [], "volumes": []}
    images = (name for one in found.images for name in one.names or ("<none>",))
    return {
        "containers": [one.name for one in found.containers],
        "networks": list(found.networks),
        "images": [name if name == "<none>" else _familiar(name) for name in images],
        "volumes": [one.name for one in found.volumes],
        **({"build cache": len(found.builds)} if found.builds else {}),
    }


def _familiar(name: str) -> str:
    return parse_normalized(name).familiar


def report(host: Host, planned: Plan[Waste]) -> dict[str, Any]:
    """Results as docker_prune has them; what only earlier tasks of a check-mode run would have made
    has no id yet, and is missing in them, as is what a run left out because others changed it. A
    run that left out everything changed nothing.
    """
    have = _gone(host, planned.have)
    parts = (have.containers, have.networks, have.images, have.volumes, have.builds)
    return {
        **({} if any(parts) else {"changed": False}),
        "containers": [one.id for one in have.containers if one.id],
        "containers_space_reclaimed": sum(one.size for one in have.containers),
        "networks": list(have.networks),
        "images": list(_deleted(have)),
        "images_space_reclaimed": sum(size for dummy, size in have.freed),
        "volumes": [one.name for one in have.volumes],
        "volumes_space_reclaimed": sum(one.size for one in have.volumes),
        "builder_cache_caches_deleted": [one.name for one in have.builds],
        "builder_cache_space_reclaimed": sum(one.size for one in have.builds),
    }


def _gone(host: Host, have: Waste) -> Waste:
    """What went, of what was planned."""
    left = {
        kind: stayed(host, kind) for kind in ("container", "image", "network", "volume", "build")
    }
    if not any(left.values()):
        return have
    freed = have.freed
    if left["image"] or left["container"]:
        freed = tuple(one for one in freed if not is_unpacked(host.layout, one[0]))
    return replace(
        have,
        containers=tuple(one for one in have.containers if one.id not in left["container"]),
        networks=tuple(name for name in have.networks if name not in left["network"]),
        images=tuple(one for one in have.images if one.key not in left["image"]),
        freed=freed,
        volumes=tuple(one for one in have.volumes if one.name not in left["volume"]),
        builds=tuple(one for one in have.builds if one.name not in left["build"]),
    )


def judge(host: Host, planned: Plan[Waste], found: Waste) -> None:
    """Raise Error where a container is still there that was removed.

    What became waste since the plan was made is not of this task. Each removal says itself what it
    left out; of containers only the ids are those of no other, since networks, volumes and images
    may be made again under the same.
    """
    left = stayed(host, "container")
    going = {one.id for one in planned.have.containers} - left - {""}
    still = [one.name for one in found.containers if one.id in going]
    if still:
        raise Error(f"prune: container {', '.join(still)} is still there after it was removed")


def _deleted(have: Waste) -> Iterator[dict[str, str]]:
    """What Docker calls ImagesDeleted."""
    for one in have.images:
        pairs = one.image.repo_digests if one.image else ()
        for name in (*one.names, *pairs):
            yield {"Untagged": _familiar(name)}
        if one.image is not None:
            yield {"Deleted": one.image.id}
    for chain_id, dummy in have.freed:
        yield {"Deleted": chain_id}


def predict(found: Waste) -> dict[str, dict[str, Any]]:
    if not found.pruned:
        return {}
    names = sorted(name for one in found.images for name in one.names)
    return {
        "container": {one.name: None for one in found.containers},
        "image": dict.fromkeys(names),
        UNTAGGED: {one.key: None for one in found.images},
        "volume": {one.name: None for one in found.volumes},
        "network": dict.fromkeys(found.networks),
    }


RESOURCE: Resource[Declared, Waste] = Resource(
    observe=observe,
    plan=plan,
    view=view,
    result=lambda host, found: {},
    lock=lambda declared: ("prune", "host"),
    predict=predict,
    report=report,
    judge=judge,
)
