# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which process is meant: pids are reused, so the start time is part of the identity (proc(5),
stat).
"""

from __future__ import annotations


def alive(pid: int, start: int) -> bool:
    """Whether a process of this boot still runs. A zombie has ended; it only waits to be read."""
    if pid <= 0:
        return False
    try:
        with open(f"/proc/{pid}/stat", "rb") as file:
            fields = file.read().rpartition(b")")[2].split()
    except (FileNotFoundError, ProcessLookupError):
        return False
    return len(fields) > 19 and fields[0] not in (b"Z", b"X") and int(fields[19]) == start
