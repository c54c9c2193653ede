# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a page shows of a host. No environment, command or file of a container is among it."""

from __future__ import annotations

import contextlib
import os
import platform
import socket
from collections.abc import Iterator
from typing import Any

from ..base import clock
from ..base.errors import NotFound
from ..base.frozen import dataclass, field
from ..base.version import VERSION
from ..container.show import ps_table
from ..container.status import liveness
from ..container.supervision import health
from ..image.store import index, store
from ..plan.plan import Host
from ..records import container_record, network_record
from ..records.container_record import LIVE, Record
from ..spec.container import ContainerSpec
from ..spec.reference import parse_normalized
from ..system import lists, usage

#: The labels that name the stack or the Compose project of a container.
_GROUPS = ("slipway.stack", "com.docker.compose.project")


@dataclass(frozen=True)
class Container:
    """``group`` is the stack or project it is of, ``networks`` each with its addresses, ``mode``
    what it has in place of networks, ``ports`` ``8080→80/tcp``; ``newer`` that its image's name
    means another image by now.
    """

    name: str
    id: str
    group: str
    phase: str
    status: str
    health: str
    image: str
    image_id: str
    newer: bool
    generation: int
    restarts: int
    exit_code: int
    ports: tuple[str, ...]
    networks: tuple[tuple[str, str], ...]
    mode: str
    restart_policy: str

    @property
    def live(self) -> bool:
        return self.phase in LIVE


@dataclass(frozen=True)
class Network:
    name: str
    driver: str
    subnets: tuple[str, ...]
    internal: bool


@dataclass(frozen=True)
class Image:
    """``created`` and ``asked`` are seconds since the epoch, 0 where nobody knows: when it was
    built, and when a registry last said that its name means it. Sizes are in bytes.
    """

    name: str
    id: str
    created: float
    asked: float
    size: int
    containers: int


@dataclass(frozen=True)
class Disk:
    """What all things of a kind take, in bytes, and what pruning would free of it."""

    kind: str
    count: int
    active: int
    size: int
    reclaimable: int


@dataclass(frozen=True)
class Facts:
    """``moment`` is seconds since the epoch; ``total`` and ``free`` are bytes of the file system
    that all of it is on.
    """

    host: str
    system: str
    version: str
    moment: float
    containers: tuple[Container, ...] = ()
    networks: tuple[Network, ...] = ()
    images: tuple[Image, ...] = ()
    volumes: tuple[tuple[str, int], ...] = ()
    disk: tuple[Disk, ...] = ()
    total: int = 0
    free: int = 0
    place: str = field(default="")


def read(host: Host) -> Facts:
    """Everything a page shows, as it is now; what vanishes while we read is left out."""
    layout = host.layout
    moment = clock.seconds(clock.now()) or 0.0
    found = tuple(sorted(_containers(host, moment), key=lambda one: (one.group, one.name)))
    volumes = tuple(
        (str(one["Name"]), int(one["UsageData"]["Size"])) for one in usage.document(host)["Volumes"]
    )
    rows = (one for one in usage.summary(host) if one["Type"] != "Build Cache")
    place = str(layout.root)
    counts = os.statvfs(place if os.path.isdir(place) else "/")
    return Facts(
        host=socket.gethostname(),
        system=f"Linux {platform.release()}, {platform.machine()}",
        version=VERSION,
        moment=moment,
        containers=found,
        networks=tuple(_networks(host, found)),
        images=tuple(_images(host, found)),
        volumes=tuple(sorted(volumes)),
        disk=tuple(
            Disk(one["Type"], one["TotalCount"], one["Active"], one["Size"], one["Reclaimable"])
            for one in rows
        ),
        total=counts.f_blocks * counts.f_frsize,
        free=counts.f_bavail * counts.f_frsize,
        place=place,
    )


def _containers(host: Host, moment: float) -> Iterator[Container]:
    layout = host.layout
    means = {name: image.id for image in store.all_images(layout) for name in image.names}
    for container_id in container_record.all_ids(layout):
        with contextlib.suppress(NotFound):
            record = liveness.current(layout, container_id)
            spec = container_record.read_spec(layout, container_id)
            yield _container(host, record, spec, means, moment)


def _container(
    host: Host, found: Record, spec: ContainerSpec, means: dict[str, str], moment: float
) -> Container:
    well = health.verdict(host.layout, found) if found.phase in LIVE else ""
    now_means = means.get(spec.image, spec.image_id)
    policy = spec.restart_policy.name
    return Container(
        name=found.name,
        id=found.id,
        group=next((spec.labels[label] for label in _GROUPS if spec.labels.get(label)), ""),
        phase=found.phase,
        status=ps_table.status(found, moment, well),
        health=well,
        image=ps_table.image_name(spec.image),
        image_id=spec.image_id,
        newer=bool(spec.image_id) and now_means != spec.image_id,
        generation=found.generation,
        restarts=found.restart_count,
        exit_code=found.exit_code,
        ports=tuple(_ports(found)) if found.phase in LIVE else (),
        networks=tuple(_attached(found, spec)),
        mode="none" if spec.unplugged else spec.network_mode,
        restart_policy="" if policy == "no" else policy,
    )


def _ports(found: Record) -> Iterator[str]:
    shown: dict[str, None] = {}
    for one in found.publications:
        at = one.host_ip if one.host_ip not in ("", "0.0.0.0", "::") else ""
        at = f"[{at}]" if ":" in at else at
        text = f"{at}{':' if at else ''}{one.host_port}→{one.container_port}/{one.protocol}"
        shown[text] = None
    yield from shown


def _attached(found: Record, spec: ContainerSpec) -> Iterator[tuple[str, str]]:
    """Each network with the addresses there; of a container that does not run, only what it asks
    for.
    """
    if found.attachments:
        for one in found.attachments:
            addresses = (one.ipv4_address, one.ipv6_address)
            yield one.network, " ".join(text.partition("/")[0] for text in addresses if text)
        return
    for endpoint in spec.networks if not spec.network_mode else ():
        yield endpoint.network, ""


def _networks(host: Host, containers: tuple[Container, ...]) -> Iterator[Network]:
    """Those that somebody made, and of the others those that are used."""
    used = {name for one in containers for name, dummy in one.networks}
    made = {one.spec.name: one for one in network_record.networks(host.layout)}
    for name in sorted({*made, *used}):
        found: Any = made.get(name) or network_record.predefined(name)
        if found is not None and (name in used or name not in ("bridge", "host", "none")):
            spec = found.spec
            pools = tuple(pool.subnet for pool in spec.pools)
            yield Network(name, spec.driver, pools, spec.internal)


def _images(host: Host, containers: tuple[Container, ...]) -> Iterator[Image]:
    asked = {entry.name: entry.asked for entry in index.entries(host.layout)}
    for image in sorted(store.all_images(host.layout), key=lambda one: one.names or ("~",)):
        users = sum(one.image_id == image.id for one in containers)
        for name in image.names or ("",):
            yield Image(
                name=parse_normalized(name).familiar if name else f"<none> {image.id[7:19]}",
                id=image.id,
                created=lists.image_created(image),
                asked=clock.seconds(asked.get(name, "")) or 0.0,
                size=image.size,
                containers=users,
            )
