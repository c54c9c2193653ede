# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is done to containers and changes no record: commands, signals, looks. It is for events.

``/run/slipway/events/TIME-PID-TOKEN`` is a JSON file for each, which gets its name when it is
whole, so that whoever follows the directory is told; TIME is in nanoseconds since the epoch, with
leading zeros.
The last ones stay, as many as Docker's daemon remembers (moby, daemon/events, eventsLimit). What
cannot be written, or read, was not noted: nothing fails because of it.
"""

from __future__ import annotations

import contextlib
import json
import os
import secrets
import time
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Optional

from ..base import clock, strict_json
from ..base.frozen import dataclass
from ..base.layout import Layout

#: How many stay, and how many more there may be before the oldest are removed.
KEPT, _MORE = 256, 64
#: A command may be long; so much of it is told, in characters.
_WIDTH = 2000
_DIGITS = 20
#: CLOCK_REALTIME_COARSE, which Python has no name for (clock_gettime(2), linux/time.h).
_COARSE = 5


@dataclass(frozen=True)
class Note:
    """``action`` was done to the container ``id`` at ``time``, RFC 3339 in UTC."""

    time: str
    id: str
    action: str
    attributes: Mapping[str, str]


def directory(layout: Layout) -> Path:
    """Where they are; it is made with the first."""
    return layout.run / "events"


def note(layout: Layout, container_id: str, action: str, **attributes: str) -> None:
    """Keep that something was done now."""
    with contextlib.suppress(OSError):
        top = directory(layout)
        now = time.time_ns()
        # The end that a signal brings has the time of a file, whose clock may be a tick behind.
        moment = time.clock_gettime_ns(_COARSE) if action == "kill" else now
        value = {
            "time": clock.text(moment),
            "id": container_id,
            # Bytes of a command that are not text are not told.
            "action": action[:_WIDTH].encode("utf-8", "replace").decode(),
            "attributes": attributes,
        }
        name = f"{now:0{_DIGITS}d}-{os.getpid()}-{secrets.token_hex(4)}"
        data = json.dumps(value).encode()
        try:
            _write(top, name, data)
        except FileNotFoundError:
            top.mkdir(mode=0o700, parents=True, exist_ok=True)
            _write(top, name, data)
        names = os.listdir(top)
        if len(names) > KEPT + _MORE:
            for old in sorted(names)[:-KEPT]:
                with contextlib.suppress(FileNotFoundError):
                    os.unlink(top / old)


def _write(top: Path, name: str, data: bytes) -> None:
    """Whole or not at all, and nothing of one who is killed (open(2), O_TMPFILE). Without fsync: it
    does not outlive a boot.
    """
    fd = os.open(top, os.O_WRONLY | os.O_TMPFILE | os.O_CLOEXEC, 0o600)
    try:
        os.write(fd, data)
        # With a descriptor, of which an absolute path makes no use, Python calls linkat(2), which
        # follows the link.
        os.link(f"/proc/self/fd/{fd}", top / name, src_dir_fd=fd, follow_symlinks=True)
    finally:
        os.close(fd)


def names(layout: Layout) -> list[str]:
    """Those that are there, in the order of time."""
    try:
        found = os.listdir(directory(layout))
    except FileNotFoundError:
        return []
    return sorted(name for name in found if name[:_DIGITS].isdecimal())


def read(layout: Layout, wanted: Collection[str]) -> dict[str, Note]:
    """Notes by their names; those that went meanwhile, or are damaged, are left out."""
    found = {}
    for name in wanted:
        with contextlib.suppress(OSError, ValueError):
            note = parse((directory(layout) / name).read_bytes())
            if note is not None:
                found[name] = note
    return found


def parse(data: bytes) -> Optional[Note]:
    """A note as it was written; None for anything else."""
    value = strict_json.loads(data)
    if not isinstance(value, dict):
        return None
    texts = [value.get(name) for name in ("time", "id", "action")]
    attributes = value.get("attributes")
    if not all(isinstance(one, str) for one in texts) or not isinstance(attributes, dict):
        return None
    if clock.seconds(str(texts[0])) is None or not all(
        isinstance(one, str) for one in attributes.values()
    ):
        return None
    return Note(str(texts[0]), str(texts[1]), str(texts[2]), attributes)
