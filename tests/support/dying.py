# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A process that is killed between two changes on disk."""

from __future__ import annotations

import os
import signal
from typing import Any, Callable

#: The calls by which something on disk becomes true or untrue.
CALLS = ("rename", "symlink", "unlink", "rmdir")


def killed(act: Callable[[], object], after: int) -> bool:
    """Do something in a process that is killed before its ``after``-th change on disk; whether it
    was.
    """
    pid = os.fork()
    if not pid:
        left = after

        def deadly(real: Callable[..., Any]) -> Callable[..., Any]:
            def call(*given: Any, **more: Any) -> Any:
                nonlocal left
                left -= 1
                if left < 0:
                    os.kill(os.getpid(), signal.SIGKILL)
                return real(*given, **more)

            return call

        for name in CALLS:
            setattr(os, name, deadly(getattr(os, name)))
        status = 1
        try:
            act()
            status = 0
        finally:
            os._exit(status)
    status = os.waitpid(pid, 0)[1]
    assert os.WIFSIGNALED(status) or os.WEXITSTATUS(status) == 0
    return os.WIFSIGNALED(status)
