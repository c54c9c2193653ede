# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The processes of a container, in the shape of Docker's API (GET /containers/ID/top).

Without options they are read from /proc, in the columns of ``ps -ef``. With options the host's own
``ps`` is asked, as Docker does, and its lines that belong to the container are kept.
"""

from __future__ import annotations

import os
import pwd
import shlex
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Optional, Union

from ...base.errors import Error
from ...base.layout import Layout
from ...kernel import process
from . import usage

_TITLES = ("UID", "PID", "PPID", "C", "STIME", "TTY", "TIME", "CMD")
_TICKS = os.sysconf("SC_CLK_TCK")

#: A command line may be megabytes long; nobody reads that in a table. Characters.
_COMMAND_LIMIT = 4096


def processes(layout: Layout, container_id: str, ps_args: Optional[str] = None) -> dict[str, Any]:
    """``{"Titles": [...], "Processes": [[...], ...]}``, pids and users those of the host.

    ``ps_args`` are options of ps(1), such as ``-o pid,comm``; PID has to be among its columns.
    Raises NotFound, and Error when the container does not run or ps does not take the options.
    """
    pids = usage.members(layout, container_id)
    if ps_args:
        return _of_ps(pids, ps_args)
    rows = (_row(pid) for pid in pids)
    return {"Titles": list(_TITLES), "Processes": [row for row in rows if row is not None]}


def _row(pid: int) -> Optional[list[str]]:
    """One process, None when it ended meanwhile. proc(5): stat, status, cmdline."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_bytes()
        command = Path(f"/proc/{pid}/cmdline").read_bytes()
        uid = os.stat(f"/proc/{pid}").st_uid
        uptime_s = float(Path("/proc/uptime").read_text("ascii").split()[0])
    except (FileNotFoundError, ProcessLookupError):
        return None
    name = stat[stat.find(b"(") + 1 : stat.rfind(b")")].decode("utf-8", "replace")
    fields = stat[stat.rfind(b")") + 2 :].split()
    used_s = (int(fields[11]) + int(fields[12])) / _TICKS
    lived_s = max(0.0, uptime_s - int(fields[19]) / _TICKS)
    words = command.decode("utf-8", "replace").replace("\0", " ").strip()[:_COMMAND_LIMIT]
    return [
        _user(uid),
        str(pid),
        fields[1].decode(),
        str(int(100 * used_s / lived_s) if lived_s else 0),
        _start(time.time() - lived_s),
        _tty(int(fields[4])),
        time.strftime("%H:%M:%S", time.gmtime(used_s)),
        words or f"[{name}]",
    ]


def _user(uid: int) -> str:
    """The host's name of a user, which is what ps shows; the container may call it otherwise."""
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return str(uid)


def _start(moment: float) -> str:
    """The time of today's processes, the day of older ones."""
    form = "%H:%M" if time.time() - moment < 86400 else "%b%d"
    return time.strftime(form, time.localtime(moment))


def _tty(number: int) -> str:
    """tty_nr of proc(5): terminals of containers are pseudo terminals, major 136 to 143."""
    major = number >> 8 & 0xFFF
    minor = number & 0xFF | number >> 12 & 0xFFF00
    return f"pts/{(major - 136) * 256 + minor}" if 136 <= major <= 143 else "?"


def _of_ps(pids: Sequence[int], ps_args: Union[str, Sequence[str]]) -> dict[str, Any]:
    arguments = shlex.split(ps_args) if isinstance(ps_args, str) else list(ps_args)
    done = process.run(["ps", *arguments], env={**os.environ, "LC_ALL": "C"})
    lines = done.stdout.decode("utf-8", "replace").splitlines()
    titles = lines[0].split() if lines else []
    if "PID" not in titles:
        raise Error(
            f"ps {' '.join(arguments)} does not show the PID, which is needed to find "
            f"the processes of the container",
            hint="add the column, for example with -o pid,user,comm",
        )
    at, wanted = titles.index("PID"), {str(pid) for pid in pids}
    rows = (line.split(None, len(titles) - 1) for line in lines[1:])
    kept = [row for row in rows if len(row) > at and row[at] in wanted]
    return {"Titles": titles, "Processes": kept}
