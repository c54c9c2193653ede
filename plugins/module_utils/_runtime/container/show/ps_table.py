# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The table of ``slipway ps``, in Docker's columns and words."""

from __future__ import annotations

import json
import time
from collections.abc import Collection, Iterable, Iterator, Sequence
from typing import Any, Optional

from ...base import clock
from ...base.errors import Error, NotFound
from ...base.layout import Layout
from ...records import container_record
from ...records.container_record import Record
from ...records.effective import mounts
from ...spec import reference
from ...spec.container import DEFAULT_NETWORK, ContainerSpec, ImageDefaults, argv
from ...spec.network import Publication
from ...text.table import duration, listing, shortened, size
from ..status import liveness
from ..supervision import health

#: Docker's headings by the names its --format knows them under.
_HEADINGS = {
    "ID": "CONTAINER ID",
    "Image": "IMAGE",
    "Command": "COMMAND",
    "RunningFor": "CREATED",
    "Status": "STATUS",
    "State": "STATE",
    "Ports": "PORTS",
    "Names": "NAMES",
    "CreatedAt": "CREATED AT",
    "Labels": "LABELS",
    "Label": "LABEL",
    "LocalVolumes": "LOCAL VOLUMES",
    "Mounts": "MOUNTS",
    "Networks": "NETWORKS",
    "Size": "SIZE",
}
_COLUMNS = ("ID", "Image", "Command", "RunningFor", "Status", "Ports", "Names")


def lines(
    layout: Layout,
    everything: bool,
    quiet: bool,
    whole: bool,
    form: str = "",
    *,
    last: int = 0,
    only: Optional[Collection[str]] = None,
    sized: bool = False,
) -> Iterator[str]:
    """The lines of the listing, newest container first; one that vanishes while we look is left
    out.

    ``last`` shows no more than that many, ``only`` none but those ids, ``sized`` what their files
    take.
    """
    found = [item for item in _records(layout, everything) if only is None or item.id in only]
    found = found[:last] if last else found
    if quiet:
        yield from (item.id if whole else item.id[:12] for item in found)
        return
    rows = [row for row in (_row(layout, item, whole, form, sized) for item in found) if row]
    yield from listing(rows, _HEADINGS, (*_COLUMNS, "Size") if sized else _COLUMNS, form)


def _records(layout: Layout, everything: bool) -> Iterable[Record]:
    truths = [liveness.truth(layout, found) for found in container_record.records(layout)]
    shown = container_record.UP
    kept = (found for found in truths if everything or found.phase in shown)
    return sorted(kept, key=lambda found: found.created, reverse=True)


def _row(
    layout: Layout, found: Record, whole: bool, form: str, sized: bool
) -> Optional[dict[str, Any]]:
    try:
        spec = container_record.read_spec(layout, found.id)
        image = container_record.read_image(layout, found.id)
        more = _details(spec, found, image, whole) if form else {}
        if sized:
            more["Size"] = _size(layout, found.id)
    except NotFound:
        return None
    process = argv(spec, image)
    command = " ".join(process)
    if not whole and len(command) > 20:
        command = command[:19] + "…"
    now = time.time()
    return {
        "ID": found.id if whole else found.id[:12],
        "Image": image_name(spec.image, whole),
        "Command": json.dumps(command, ensure_ascii=False),
        "RunningFor": f"{_since(found.created, now)} ago",
        "Status": status(found, now, health.verdict(layout, found)),
        "State": found.phase,
        "Ports": ports(found.publications) if found.phase in container_record.LIVE else "",
        "Names": found.name,
        **more,
    }


def _details(
    spec: ContainerSpec, found: Record, image: ImageDefaults, whole: bool
) -> dict[str, Any]:
    """What only a template asks for; ``Label`` is a function of a label's name."""
    labels = {**image.labels, **spec.labels}
    mounted = mounts(spec, found, image)
    names = [mount.source or mount.target for mount in mounted]
    created = clock.seconds(found.created) or 0.0
    networks = [spec.network_mode] if spec.network_mode in ("host", "none") else []
    networks = [""] if spec.unplugged else networks
    return {
        "CreatedAt": time.strftime("%Y-%m-%d %H:%M:%S +0000 UTC", time.gmtime(created)),
        "Label": lambda name: labels.get(name, ""),
        "Labels": ",".join(f"{name}={value}" for name, value in sorted(labels.items())),
        "LocalVolumes": str(sum(mount.kind == "volume" for mount in mounted)),
        "Mounts": ",".join(name if whole else shortened(name, 15) for name in names),
        "Networks": ",".join(
            networks or [one.network for one in spec.networks] or [DEFAULT_NETWORK]
        ),
        "Size": "0B",
    }


def _size(layout: Layout, container_id: str) -> str:
    """What it wrote, and that with its image: both are walked through."""
    from ..status import changed

    written = changed.written_bytes(layout, container_id)
    return f"{size(written)} (virtual {size(changed.root_bytes(layout, container_id))})"


def image_name(image: str, whole: bool = False) -> str:
    """The short form of an image's name; an id loses its algorithm and, unless whole, its tail."""
    if image.startswith("sha256:"):
        digits = image.partition(":")[2]
        return digits if whole else digits[:12]
    try:
        return reference.parse_normalized(image).familiar
    except Error:
        return image


def status(found: Record, now: float, well: str = "") -> str:
    """Docker's words: ``Up 5 minutes (healthy)``, ``Exited (0) 3 hours ago``. Of two of one name it
    is the one to which ports and the name do not lead that is ``standing by``.
    """
    if found.phase in container_record.LIVE:
        words = ["Paused"] if found.phase == "paused" else []
        if well and found.phase == "running":
            words.append("health: starting" if well == health.STARTING else well)
        if found.standby:
            words.append("standing by")
        shown = f" ({', '.join(words)})" if words else ""
        return f"Up {_since(found.started_at, now)}{shown}"
    if found.phase == "restarting":
        return f"Restarting ({found.exit_code}) {_since(found.finished_at, now)} ago"
    if found.phase == "removing":
        return "Removal In Progress"
    if found.phase == "created" or not found.started_at:
        return "Created"
    return f"Exited ({found.exit_code}) {_since(found.finished_at, now)} ago"


def ports(publications: Sequence[Publication]) -> str:
    """``0.0.0.0:8080->80/tcp, ...``, once for IPv4 and once for IPv6."""
    shown = []
    for item in publications:
        anywhere = "::" if ":" in item.container_ip else "0.0.0.0"
        host_ip = item.host_ip or anywhere
        bracketed = f"[{host_ip}]" if ":" in host_ip and host_ip != "::" else host_ip
        shown.append(f"{bracketed}:{item.host_port}->{item.container_port}/{item.protocol}")
    return ", ".join(dict.fromkeys(shown))


def _since(moment: str, now: float) -> str:
    then = clock.seconds(moment)
    return "some time" if then is None else duration(now - then)
