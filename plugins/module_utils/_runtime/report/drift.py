# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What became of a host since an earlier page, which holds what is compared. Pure."""

from __future__ import annotations

import html
import json
import re
from collections.abc import Iterator, Mapping
from typing import Any, Optional

from ..text.table import duration
from .facts import Facts

#: How a page holds what a later one compares: an attribute, so that it is never a script.
_HELD = re.compile(r'<data id="slipway-report" value="([^"]*)" hidden>')
_VERSION = 1


def snapshot(facts: Facts) -> dict[str, Any]:
    """What a later page is compared with."""
    return {
        "version": _VERSION,
        "moment": facts.moment,
        "containers": {
            one.name: [one.id, one.image_id, one.generation, one.phase, one.exit_code, one.health]
            for one in facts.containers
        },
        "images": {one.name: one.id for one in facts.images},
        "networks": [one.name for one in facts.networks],
        "volumes": [name for name, dummy in facts.volumes],
    }


def held(found: Mapping[str, Any]) -> str:
    """The element of a page that holds a snapshot."""
    text = html.escape(json.dumps(found, separators=(",", ":")))
    return f'<data id="slipway-report" value="{text}" hidden></data>'


#: What a snapshot says of each container.
_ROW = (str, str, int, str, int, str)
#: The end of the year 9999, in seconds since the epoch: later moments cannot be shown.
_LAST = 253402300800


def of_page(page: str) -> Optional[dict[str, Any]]:
    """The snapshot in an earlier page, which anybody may have written; None where it has none that
    is understood.
    """
    found = _HELD.search(page)
    try:
        value = json.loads(html.unescape(found[1])) if found else None
    except (ValueError, RecursionError):
        return None
    if not isinstance(value, dict) or value.get("version") != _VERSION:
        return None
    return value if _is_whole(value) else None


def _is_whole(value: Mapping[str, Any]) -> bool:
    moment, containers, images = (value.get(key) for key in ("moment", "containers", "images"))
    if not isinstance(moment, (int, float)) or not 0 <= moment < _LAST:
        return False
    if not isinstance(containers, dict) or not isinstance(images, dict):
        return False
    rows = containers.values()
    lists = [value.get(key) for key in ("networks", "volumes")]
    return (
        all(isinstance(row, list) and tuple(map(type, row)) == _ROW for row in rows)
        and all(isinstance(one, str) for one in images.values())
        and all(isinstance(one, list) and all(map(_is_text, one)) for one in lists)
    )


def _is_text(value: Any) -> bool:
    return isinstance(value, str)


def since(before: Mapping[str, Any], facts: Facts) -> list[str]:
    """What is different, a sentence for each thing, containers first."""
    now = snapshot(facts)
    return [
        *_containers(before["containers"], now["containers"]),
        *_images(before["images"], now["images"]),
        *_names("network", before["networks"], now["networks"]),
        *_names("volume", before["volumes"], now["volumes"]),
    ]


def _containers(before: Mapping[str, Any], now: Mapping[str, Any]) -> Iterator[str]:
    for name in sorted({*before, *now}):
        old, new = before.get(name), now.get(name)
        if old is None or new is None:
            yield f"container {name} is {'new' if old is None else 'gone'}"
            continue
        what = []
        if old[0] != new[0]:
            what.append("was made anew, of another image" if old[1] != new[1] else "was made anew")
        elif old[2] != new[2]:
            times = new[2] - old[2]
            what.append("was started again" + (f" {times} times" if times > 1 else ""))
        if old[3] != new[3]:
            exited = f" with {new[4]}" if new[3] == "exited" else ""
            what.append(f"is {new[3]}{exited}, and was {old[3]}")
        if old[5] != new[5] and new[5] and old[5]:
            what.append(f"is {new[5]}, and was {old[5]}")
        if what:
            yield f"container {name} {', '.join(what)}"


def _images(before: Mapping[str, Any], now: Mapping[str, Any]) -> Iterator[str]:
    for name in sorted({*before, *now}):
        old, new = before.get(name), now.get(name)
        if old is None or new is None:
            yield f"image {name} is {'new' if old is None else 'gone'}"
        elif old != new:
            yield f"image {name} is a newer one"


def _names(kind: str, before: list[Any], now: list[Any]) -> Iterator[str]:
    for name in sorted(set(before) ^ set(now)):
        yield f"{kind} {name} is {'new' if name in now else 'gone'}"


def attention(facts: Facts) -> list[str]:
    """What somebody should look at, by the names of containers."""
    found = []
    for one in facts.containers:
        if one.health == "unhealthy":
            found.append(f"container {one.name} is unhealthy")
        if one.phase == "restarting":
            found.append(f"container {one.name} exited with {one.exit_code} and waits to restart")
        elif one.phase == "exited" and one.exit_code:
            found.append(f"container {one.name} exited with {one.exit_code}")
        elif one.phase == "exited" and one.restart_policy in ("always", "unless-stopped"):
            found.append(f"container {one.name} does not run, though it restarts by itself")
        if one.newer:
            found.append(f"container {one.name} has an older {one.image} than the host")
    if facts.total and facts.free < facts.total * 0.1:
        found.append(f"the file system of {facts.place} is nearly full")
    return found


def ago(moment: float, now: float) -> str:
    """``3 weeks ago``; a time that nobody knows is a dash."""
    return f"{duration(now - moment)} ago" if moment > 0 else "-"
