# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The errors of the runtime library.

One class carries every failure to the user; a subclass exists only if some caller acts on it. The
two entry points, _task.py and cli/main.py, are the only places that turn an error into output.
"""

from __future__ import annotations

import os
from typing import Optional


class Error(Exception):
    """Something could not be done. ``message`` says what is wrong and names the thing; ``hint``
    says what to do. ``docker`` is the message in the words of Docker's command line, where scripts
    match on them and playbooks on others. ``options`` are words of both that are names of options,
    where that does not show: an underscore shows it, or a colon after the first word.
    """

    def __init__(
        self,
        message: str,
        hint: Optional[str] = None,
        docker: Optional[str] = None,
        options: tuple[str, ...] = (),
    ) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint
        self.docker = docker
        self.options = options

    def __str__(self) -> str:
        return f"{self.message}; {self.hint}" if self.hint else self.message


def refusal(exc: BaseException) -> Optional[Error]:
    """What the system refused and no layer gave a meaning to: the disk is full, a file unreadable,
    no more threads. None for what is a mistake of ours.
    """
    if isinstance(exc, OSError):
        where = exc.filename if isinstance(exc.filename, (str, bytes)) else str(exc.filename or "")
        name = os.fsdecode(where) or "system call"
        return Error(f"{name}: {exc.strerror or exc}")
    if isinstance(exc, MemoryError):
        return Error("there is not enough memory", hint="stop something first")
    if isinstance(exc, RuntimeError) and "start new thread" in str(exc):
        return Error(
            "this host allows no more threads",
            hint="stop something, or raise its limit of processes (ulimit -u, pids.max)",
        )
    return None


class NotFound(Error):
    """A container, image, network, file or program that was named does not exist."""


class Conflict(Error):
    """A name, port, address or subnet is taken by something else."""


class Unreachable(Error):
    """A registry could not be asked: down, slow, unknown host, TLS failure, or still 5xx after the
    retries.
    """


class LockTimeout(Error):
    """Somebody else held a lock until the deadline."""
