# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Being the parent of what our children leave behind, while a process in a container is run."""

from __future__ import annotations

import contextlib
import os
import threading
import time
from collections.abc import Iterator
from pathlib import Path

from ...kernel import linux

#: How often, and with what pause, to look for a process that a runtime left half started.
_REAP_TRIES = 20
_REAP_PAUSE_S = 0.005

_adopting = threading.Lock()
_adopters = 0


@contextlib.contextmanager
def adopted() -> Iterator[None]:
    """Be the parent of what our children leave behind, for the block (PR_SET_CHILD_SUBREAPER).

    Of a process that could not be started crun leaves a zombie. It must be reaped, since the first
    process of a pid namespace does not end before all others are (pid_namespaces(7)): a container
    could not be killed while we live.
    """
    global _adopters
    with _adopting:
        _adopters += 1
        linux.prctl(linux.PR_SET_CHILD_SUBREAPER, 1)
    try:
        yield
    finally:
        with _adopting:
            _adopters -= 1
            if not _adopters:
                linux.prctl(linux.PR_SET_CHILD_SUBREAPER, 0)
                _reap_strays()


def _reap_strays() -> None:
    """Reap children of ours in another pid namespace: nobody else waits for those."""
    for dummy in range(_REAP_TRIES):
        strays = [pid for pid in _children() if _is_elsewhere(pid)]
        for pid in strays:
            with contextlib.suppress(ChildProcessError):
                os.waitpid(pid, os.WNOHANG)
        if not strays:
            return
        time.sleep(_REAP_PAUSE_S)


def _children() -> list[int]:
    found = []
    for task in Path("/proc/self/task").iterdir():
        with contextlib.suppress(OSError):
            found += [int(pid) for pid in (task / "children").read_text("ascii").split()]
    return found


def _is_elsewhere(pid: int) -> bool:
    """Whether a process has a pid in a namespace below ours (NSpid of proc(5))."""
    try:
        with open(f"/proc/{pid}/status", encoding="ascii", errors="replace") as status:
            return any(line.startswith("NSpid:") and len(line.split()) > 2 for line in status)
    except (FileNotFoundError, ProcessLookupError):
        return False
