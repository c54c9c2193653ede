# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is told of a project's containers and images, in the fields of Compose's own lists."""

from __future__ import annotations

import contextlib
import json
import time
from collections.abc import Collection, Mapping
from typing import Any, Optional

from ...base import clock
from ...base.errors import Error, NotFound
from ...base.frozen import dataclass
from ...base.layout import Layout
from ...compose.reading.project import NUMBER, ONE_OFF, PROJECT, SERVICE
from ...container.show import ps_table
from ...container.status import liveness
from ...container.supervision import health
from ...records import container_record
from ...records.container_record import Record
from ...records.effective import mounts
from ...spec.container import DEFAULT_NETWORK, argv
from ...text.table import duration, shortened


@dataclass(frozen=True)
class Mine:
    """A container of a project."""

    record: Record
    labels: Mapping[str, str]

    @property
    def service(self) -> str:
        return self.labels.get(SERVICE, "")

    @property
    def number(self) -> int:
        text = self.labels.get(NUMBER, "")
        return int(text) if text.isdecimal() else 0

    @property
    def one_off(self) -> bool:
        return self.labels.get(ONE_OFF, "False").lower() == "true"


def containers(
    layout: Layout, project: str, services: Optional[Collection[str]] = None, all_of: bool = False
) -> list[Mine]:
    """The containers of a project, by service and number; those of ``compose run`` only with
    ``all_of``. "" is any project.
    """
    found = []
    for container_id in container_record.all_ids(layout):
        with contextlib.suppress(NotFound):
            labels = container_record.read_labels(layout, container_id)
            if PROJECT not in labels or labels[PROJECT] != (project or labels[PROJECT]):
                continue
            record = liveness.current(layout, container_id)
            mine = Mine(record, labels)
            if (services is None or mine.service in services) and (all_of or not mine.one_off):
                found.append(mine)
    return sorted(found, key=lambda one: (one.service, one.one_off, one.number, one.record.name))


def of_service(
    layout: Layout, name: str, service: str, index: Optional[int], running: bool = True
) -> Mine:
    """The first container of a service of a project, or the one of a number. Raises Error where
    there is none, or with ``running`` where it does not run.
    """
    found = containers(layout, name, [service])
    if index:
        found = [mine for mine in found if mine.number == index]
    if not found:
        which = f" #{index}" if index else ""
        raise Error(f'service "{service[:100]}" has no container{which}')
    if running and found[0].record.phase not in container_record.LIVE:
        raise Error(f'service "{service[:100]}" is not running')
    return found[0]


def row(layout: Layout, mine: Mine, whole: bool = True) -> dict[str, Any]:
    """A container as ``docker compose ps --format json`` shows it."""
    found = mine.record
    spec = container_record.read_spec(layout, found.id)
    image = container_record.read_image(layout, found.id)
    command = " ".join(argv(spec, image))
    if not whole:
        command = shortened(command, 20)
    now = time.time()
    created = clock.seconds(found.created) or 0.0
    mounted = mounts(spec, found, image)
    networks = [one.network for one in spec.networks] or [DEFAULT_NETWORK]
    if spec.network_mode in ("host", "none") or spec.unplugged:
        networks = [spec.network_mode] if spec.network_mode in ("host", "none") else []
    live = found.phase in container_record.LIVE
    labels = {**image.labels, **spec.labels}
    well = health.verdict(layout, found)
    return {
        "Command": json.dumps(command, ensure_ascii=False),
        "CreatedAt": time.strftime("%Y-%m-%d %H:%M:%S +0000 UTC", time.gmtime(created)),
        "ExitCode": 0 if live else found.exit_code or 0,
        "Health": well if live else "",
        "ID": found.id if whole else found.id[:12],
        "Image": ps_table.image_name(spec.image, whole),
        "Labels": ",".join(f"{name}={value}" for name, value in sorted(labels.items())),
        "LocalVolumes": str(sum(mount.kind in ("volume", "anonymous") for mount in mounted)),
        "Mounts": ",".join(shortened(one.source or one.target, 15) for one in mounted),
        "Name": found.name,
        "Names": found.name,
        "Networks": ",".join(networks),
        "Ports": ps_table.ports(found.publications) if live else "",
        "Project": mine.labels[PROJECT],
        "Publishers": _publishers(found) if live else [],
        "RunningFor": f"{duration(now - created)} ago",
        "Service": mine.service,
        "Size": "0B",
        "State": found.phase,
        "Status": ps_table.status(found, now, well),
    }


def _publishers(found: Record) -> list[dict[str, Any]]:
    shown = []
    for one in found.publications:
        anywhere = "::" if ":" in one.container_ip else "0.0.0.0"
        shown.append(
            {
                "URL": one.host_ip or anywhere,
                "TargetPort": one.container_port,
                "PublishedPort": one.host_port,
                "Protocol": one.protocol,
            }
        )
    return shown


def document(layout: Layout, mine: Mine) -> dict[str, Any]:
    """A container as docker_compose_v2 returns it: lists and dictionaries where Compose has texts
    with commas.
    """
    found = row(layout, mine)
    labels = container_record.read_image(layout, mine.record.id).labels
    return {
        **found,
        "Labels": {**labels, **mine.labels},
        "Names": [found["Names"]],
        "Networks": [one for one in found["Networks"].split(",") if one],
        "Mounts": [one for one in found["Mounts"].split(",") if one],
    }


def image(layout: Layout, mine: Mine) -> dict[str, Any]:
    """The image of a container as ``docker compose images --format json`` shows it."""
    from ...image.store import store
    from ...spec.reference import is_id, parse_normalized

    spec = container_record.read_spec(layout, mine.record.id)
    found = store.find(layout, spec.image)
    repository, tag = "<none>", "<none>"
    if not is_id(spec.image):
        reference = parse_normalized(spec.image)
        repository, tag = reference.familiar_repository, reference.tag or "<none>"
    return {
        "ContainerName": mine.record.name,
        "ID": spec.image_id or (found.id if found else ""),
        "Platform": _platform(found.config if found else {}),
        "Repository": repository,
        "Size": found.size if found else 0,
        "Tag": tag,
    }


def _platform(config: Mapping[str, Any]) -> str:
    return "/".join(str(config[key]) for key in ("os", "architecture") if config.get(key))
