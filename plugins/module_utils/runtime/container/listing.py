# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The table of ``slipway ps``, in Docker's columns and words."""

from __future__ import annotations

import json
import time
from collections.abc import Iterable, Iterator, Sequence
from typing import Optional

from .. import reference
from ..errors import Error, NotFound
from ..layout import Layout
from ..network.spec import Publication
from ..table import duration, listing
from . import health, liveness, record
from .record import Record
from .spec import argv

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
}
_COLUMNS = ("ID", "Image", "Command", "RunningFor", "Status", "Ports", "Names")


def lines(
    layout: Layout, everything: bool, quiet: bool, whole: bool, form: str = ""
) -> Iterator[str]:
    """The lines of the listing, newest container first; one that vanishes while we look is left
    out.
    """
    found = list(_records(layout, everything))
    if quiet:
        yield from (item.id if whole else item.id[:12] for item in found)
        return
    rows = [row for row in (_row(layout, item, whole) for item in found) if row]
    yield from listing(rows, _HEADINGS, _COLUMNS, form)


def _records(layout: Layout, everything: bool) -> Iterable[Record]:
    truths = [liveness.truth(layout, found) for found in record.records(layout)]
    shown = (*liveness.LIVE, "restarting")
    kept = (found for found in truths if everything or found.phase in shown)
    return sorted(kept, key=lambda found: found.created, reverse=True)


def _row(layout: Layout, found: Record, whole: bool) -> Optional[dict[str, str]]:
    try:
        spec = record.read_spec(layout, found.id)
        process = argv(spec, record.read_image(layout, found.id))
    except NotFound:
        return None
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
        "Ports": ports(found.publications) if found.phase in liveness.LIVE else "",
        "Names": found.name,
    }


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
    """Docker's words: ``Up 5 minutes (healthy)``, ``Exited (0) 3 hours ago``."""
    if found.phase in liveness.LIVE:
        if well and found.phase == "running":
            well = "health: starting" if well == health.STARTING else well
            return f"Up {_since(found.started_at, now)} ({well})"
        paused = " (Paused)" if found.phase == "paused" else ""
        return f"Up {_since(found.started_at, now)}{paused}"
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
    then = liveness.seconds(moment)
    return "some time" if then is None else duration(now - then)
