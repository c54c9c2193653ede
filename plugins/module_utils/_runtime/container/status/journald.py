# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a container wrote to the journal, read by journalctl: conmon marks each line with its id."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Optional

from ...base import clock, strict_json
from ...kernel import process
from ..engine.conmon_files import LogEntry

#: Priorities of the journal that conmon writes standard output and error with.
_STREAMS = {"6": "stdout", "3": "stderr"}


def read(
    container_id: str, last: Optional[int] = None, cursor: str = ""
) -> tuple[list[LogEntry], str]:
    """The lines of a container, oldest first, and the cursor behind them; only the ``last`` ones,
    or those behind a cursor. Raises NotFound on a host without journalctl.
    """
    argv = ["journalctl", "--output=json", "--quiet", f"CONTAINER_ID_FULL={container_id}"]
    argv += [f"--lines={last}"] if last is not None else []
    argv += [f"--after-cursor={cursor}"] if cursor else []
    found = list(_records(process.run(argv, check=False).stdout))
    entries = [entry for entry in map(_entry, found) if entry is not None]
    return entries, str(found[-1].get("__CURSOR", "")) if found else cursor


def _records(output: bytes) -> Iterator[Mapping[str, Any]]:
    for line in output.splitlines():
        try:
            value = strict_json.loads(line)
        except ValueError:
            continue
        if isinstance(value, dict) and "MESSAGE" in value:
            yield value


def _entry(record: Mapping[str, Any]) -> Optional[LogEntry]:
    message = record["MESSAGE"]
    # What is not text comes as a list of numbers (systemd.journal-fields(7), JSON export).
    try:
        data = bytes(message) if isinstance(message, list) else str(message).encode()
        stamp = int(record.get("__REALTIME_TIMESTAMP") or 0)
        time = clock.text(1000 * stamp)
    except (ValueError, TypeError, OverflowError, OSError):
        # Not what journalctl writes.
        return None
    if record.get("CONTAINER_PARTIAL_MESSAGE") != "true":
        data += b"\n"
    stream = _STREAMS.get(str(record.get("PRIORITY")), "stdout")
    return LogEntry(time, stream, data)
