# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Containers, images, networks and volumes as lists, in the shapes of Docker's API and with the
filters of its lists.
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from typing import Any, Optional

from ..base import clock
from ..base.errors import Error, NotFound
from ..base.frozen import replace
from ..container.show import documents, ps_filters, ps_table
from ..image import expected
from ..image.expected import Local
from ..image.show import documents as image_documents
from ..image.show import rows as image_listing
from ..image.store import lineage, store
from ..image.store.store import Image
from ..network import inspect as network_inspect
from ..plan.plan import Host
from ..records import foreseen, network_record
from ..spec.network import Network
from ..spec.reference import parse_normalized
from ..spec.volume import labels as volume_labels
from ..text import filters
from ..volume import expected as expected_volumes
from ..volume import inspect as volume_inspect
from ..volume import users

IMAGE_FILTERS = ("before", "dangling", "label", "label!", "reference", "since", "until")
NETWORK_FILTERS = ("dangling", "driver", "id", "label", "label!", "name", "scope", "type")
VOLUME_FILTERS = ("dangling", "driver", "label", "label!", "name")


def containers(
    host: Host, given: Mapping[str, Any], everything: bool = False
) -> list[dict[str, Any]]:
    """Containers, newest first; without ``everything`` those that run."""
    now = time.time()
    found = ps_filters.choose(
        documents.containers(host),
        given,
        now,
        everything,
        lambda document, image: descends(host, document, image),
    )
    return [item for item in (_container(host, one, now) for one in found) if item]


def descends(host: Host, document: Mapping[str, Any], image: str) -> bool:
    """Whether a container's image is the one of that name or id, or has all of its layers."""
    local = expected.find(host, image)
    found = None if local is None else local.image
    if found is None:
        return False
    if document["Image"] == found.id:
        return True
    lowers = str(document["GraphDriver"]["Data"]["LowerDir"]).split(":")
    return bool(found.chain_ids) and str(host.layout.layer(found.chain_ids[-1]) / "diff") in lowers


def _container(host: Host, found: Mapping[str, Any], now: float) -> Optional[dict[str, Any]]:
    try:
        known = documents.record(host, str(found["Id"]), str(found["Name"])[1:])
    except NotFound:
        return None
    command = [str(found["Path"]), *map(str, found["Args"])]
    return {
        "Id": found["Id"],
        "Names": [found["Name"]],
        "Image": ps_table.image_name(str(found["Config"]["Image"])),
        "ImageID": found["Image"],
        "Command": " ".join(command).strip(),
        "Created": _epoch(found["Created"]),
        "Ports": _ports(found["NetworkSettings"]["Ports"] or {}),
        "Labels": dict(found["Config"]["Labels"] or {}),
        "State": known.phase,
        "Status": ps_table.status(known, now),
        "HostConfig": {"NetworkMode": found["HostConfig"]["NetworkMode"]},
        "NetworkSettings": {"Networks": found["NetworkSettings"]["Networks"]},
        "Mounts": found["Mounts"],
    }


def _ports(ports: Mapping[str, Any]) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    for port, bindings in ports.items():
        number, dummy, protocol = port.partition("/")
        item = {"PrivatePort": int(number), "Type": protocol}
        for binding in bindings or ():
            found.append(
                {"IP": binding["HostIp"], **item, "PublicPort": int(binding["HostPort"] or 0)}
            )
        if not bindings:
            found.append(item)
    return found


def images(host: Host, given: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Images, newest first, without those that others were made from and that have no name."""
    asked = filters.listed(given, IMAGE_FILTERS)
    now = time.time()
    everything, coming = [], []
    for local in expected.images(host):
        if local.image is not None:
            everything.append(replace(local.image, names=local.names))
        elif set(asked) <= {"dangling", "reference"} and _is_named_so(local.names, asked):
            # Nothing else is known of one that an earlier task of a check-mode run would make.
            coming.append(_coming(local))
    found = [one for one in everything if _is_meant(host, one, everything, asked, now)]
    return [*coming, *(_image(one) for one in sorted(found, key=lambda one: -image_created(one)))]


def _is_named_so(names: Sequence[str], asked: Mapping[str, list[str]]) -> bool:
    if "dangling" in asked and filters.truth("dangling", asked["dangling"]) is bool(names):
        return False
    if "reference" not in asked:
        return True
    known = map(parse_normalized, names)
    rows = [{"Repository": one.familiar_repository, "Tag": one.tag or "<none>"} for one in known]
    return any(image_listing.is_meant(row, one) for row in rows for one in asked["reference"])


def _coming(local: Local) -> dict[str, Any]:
    shown = image_documents.foretold(map(parse_normalized, local.names), local.id)
    return {
        **shown,
        "ParentId": "",
        "Created": 0,
        "Size": 0,
        "SharedSize": -1,
        "Containers": -1,
        "Labels": None,
    }


def _is_meant(
    host: Host,
    image: Image,
    everything: Sequence[Image],
    asked: Mapping[str, list[str]],
    now: float,
) -> bool:
    nameless = not image.names and not image.repo_digests
    if nameless and lineage.has_child(everything, image):
        return False
    if "dangling" in asked and filters.truth("dangling", asked["dangling"]) is bool(image.names):
        return False
    created = image_created(image)
    for name in asked.get("before", ()):
        if created >= image_created(_image_named(host, name)):
            return False
    for name in asked.get("since", ()):
        if created <= image_created(_image_named(host, name)):
            return False
    for text in asked.get("until", ()):
        if created >= filters.moment(text, now):
            return False
    if "reference" in asked:
        rows = list(image_listing.images([image], now))
        if not any(image_listing.is_meant(row, one) for row in rows for one in asked["reference"]):
            return False
    return filters.labelled(asked, image_labels(image))


def _image_named(host: Host, name: str) -> Image:
    found = store.find(host.layout, name)
    if found is None:
        raise Error(f"No such image: {name[:200]}")
    return found


def image_created(image: Image) -> float:
    """Seconds since the epoch; 0 for an image that does not say."""
    return clock.seconds(str(image.config.get("created") or "")) or 0.0


def image_labels(image: Image) -> dict[str, str]:
    """The labels of an image, by its configuration."""
    return dict((image.config.get("config") or {}).get("Labels") or {})


def _image(image: Image) -> dict[str, Any]:
    return {
        "Id": image.id,
        "ParentId": "",
        "RepoTags": [parse_normalized(name).familiar for name in image.names],
        "RepoDigests": [parse_normalized(pair).familiar for pair in image.repo_digests],
        "Created": int(image_created(image)),
        "Size": image.size,
        # As with Docker, -1 is what was not asked for.
        "SharedSize": -1,
        "Containers": -1,
        "Labels": image_labels(image) or None,
    }


def networks(host: Host, given: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Networks by name, bridge, host and none among them, with the containers that run on each."""
    asked = filters.listed(given, NETWORK_FILTERS)
    if unknown := set(asked.get("type", ())) - {"custom", "builtin"}:
        raise Error(
            f"{min(unknown)[:60]!a} is not a network type", hint="known types: custom, builtin"
        )
    records = foreseen.records(host)
    recorded = {one.spec.name: one for one in foreseen.networks(host)}
    builtin = {name: foreseen.network(host, name) for name in network_record.PREDEFINED}
    everything = {**builtin, **recorded}
    shown = []
    for name in sorted(everything):
        network = everything[name]
        if network is not None:
            document = network_inspect.document(network, records)
            if _passes(network, document, asked):
                shown.append(document)
    return shown


def _passes(network: Network, document: Mapping[str, Any], asked: Mapping[str, list[str]]) -> bool:
    spec = network.spec
    builtin = spec.name in network_record.PREDEFINED
    if "dangling" in asked:
        unused = not builtin and not document["Containers"]
        if unused is not filters.truth("dangling", asked["dangling"]):
            return False
    tests = {
        "driver": lambda value: spec.driver == value,
        "id": network.id.startswith,
        "name": lambda value: value in spec.name,
        "scope": lambda value: value == "local",
        "type": lambda value: value == ("builtin" if builtin else "custom"),
    }
    for name, test in tests.items():
        if name in asked and not any(map(test, asked[name])):
            return False
    return filters.labelled(asked, document["Labels"])


def volumes(host: Host, given: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Volumes by name."""
    asked = filters.listed(given, VOLUME_FILTERS)
    used = users.users(host)
    found = []
    for volume in sorted(expected_volumes.volumes(host), key=lambda one: one.name):
        if "dangling" in asked:
            dangling = volume.name not in used
            if dangling is not filters.truth("dangling", asked["dangling"]):
                continue
        if "driver" in asked and volume.driver not in asked["driver"]:
            continue
        if "name" in asked and not any(part in volume.name for part in asked["name"]):
            continue
        if filters.labelled(asked, volume_labels(volume)):
            found.append(volume_inspect.document(host.layout, volume))
    return found


def _epoch(moment: object) -> int:
    return int(clock.seconds(str(moment or "")) or 0)
