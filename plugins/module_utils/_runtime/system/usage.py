# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Disk usage of images, containers and volumes, in the shape of Docker's ``/system/df``.

Sizes are in bytes. A layer counts once, however many images have it.
"""

from __future__ import annotations

import contextlib
from collections import Counter
from collections.abc import Mapping, Set
from typing import Any

from ..base.errors import NotFound
from ..image.store import layers, store
from ..plan.plan import Host
from ..records import container_record
from ..resource.volume.pruning import tree_bytes
from ..volume import users
from . import lists


def document(host: Host) -> dict[str, Any]:
    """Everything that takes space, each with what it takes."""
    layout = host.layout
    images = store.all_images(layout)
    shown = {one["Id"]: one for one in lists.images(host, {})}
    kept = _sizes(host)
    holders = Counter(chain_id for one in images for chain_id in set(one.chain_ids))
    made = Counter(_image_id(host, found) for found in container_record.records(layout))
    for image in images:
        item = shown.get(image.id)
        if item is not None:
            shared = (kept.get(one, 0) for one in set(image.chain_ids) if holders[one] > 1)
            item.update(SharedSize=sum(shared), Containers=made[image.id])
    return {
        "LayersSize": sum(kept.values()),
        "Images": list(shown.values()),
        "Containers": _containers(host, kept),
        "Volumes": _volumes(host),
        "BuildCache": [],
        "BuilderSize": 0,
    }


def layers_size(host: Host) -> int:
    """What the unpacked layers of all images take."""
    return sum(_sizes(host).values())


def _sizes(host: Host) -> dict[str, int]:
    """The size of each unpacked layer, by chain id."""
    layout, found = host.layout, list[str]()
    with contextlib.suppress(FileNotFoundError):
        found = list(layers.all_chain_ids(layout))
    return {chain_id: layers.size_bytes(layout, chain_id, 0) for chain_id in found}


def _image_id(host: Host, found: container_record.Record) -> str:
    with contextlib.suppress(NotFound):
        return container_record.read_spec(host.layout, found.id).image_id
    return ""


def _containers(host: Host, kept: Mapping[str, int]) -> list[dict[str, Any]]:
    shown = lists.containers(host, {}, everything=True)
    for item in shown:
        found = container_record.find_record(host.layout, str(item["Id"]))
        if found is not None:
            own = tree_bytes(str(host.layout.container(found.id) / "upper"))
            below = sum(kept.get(chain_id, 0) for chain_id in found.layers)
            item.update(SizeRw=own, SizeRootFs=own + below)
    return shown


def _volumes(host: Host) -> list[dict[str, Any]]:
    used = users.users(host)
    shown = lists.volumes(host, {})
    for item in shown:
        name = str(item["Name"])
        size = tree_bytes(str(host.layout.volume(name) / "_data"))
        item["UsageData"] = {"Size": size, "RefCount": len(used.get(name, ()))}
    return shown


def summary(host: Host) -> list[dict[str, Any]]:
    """The rows of ``docker system df``: how many there are, how many are in use, and what they
    take, of which what pruning would free.
    """
    found = document(host)
    used = {one["ImageID"] for one in found["Containers"]}
    in_use = sum(one["Id"] in used for one in found["Images"])
    running = [one for one in found["Containers"] if one["State"] in container_record.LIVE]
    resting = [one for one in found["Containers"] if one not in running]
    active = [one for one in found["Volumes"] if one["UsageData"]["RefCount"]]
    return [
        {
            "Type": "Images",
            "TotalCount": len(found["Images"]),
            "Active": in_use,
            "Size": found["LayersSize"],
            "Reclaimable": found["LayersSize"] - _pinned(host, used),
        },
        {
            "Type": "Containers",
            "TotalCount": len(found["Containers"]),
            "Active": len(running),
            "Size": sum(one.get("SizeRw", 0) for one in found["Containers"]),
            "Reclaimable": sum(one.get("SizeRw", 0) for one in resting),
        },
        {
            "Type": "Local Volumes",
            "TotalCount": len(found["Volumes"]),
            "Active": len(active),
            "Size": sum(one["UsageData"]["Size"] for one in found["Volumes"]),
            "Reclaimable": sum(
                one["UsageData"]["Size"] for one in found["Volumes"] if one not in active
            ),
        },
        {"Type": "Build Cache", "TotalCount": 0, "Active": 0, "Size": 0, "Reclaimable": 0},
    ]


def _pinned(host: Host, used: Set[str]) -> int:
    """Disk usage of the layers that containers use."""
    pinned = {
        chain_id for found in container_record.records(host.layout) for chain_id in found.layers
    }
    for image in store.all_images(host.layout):
        if image.id in used:
            pinned.update(image.chain_ids)
    return sum(layers.size_bytes(host.layout, chain_id, 0) for chain_id in pinned)
