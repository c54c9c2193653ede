# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Signals to a container's process, and waiting for its exit: by pidfd, never by pid alone."""

from __future__ import annotations

import contextlib
import os
import select
import signal
import time
from collections.abc import Iterator
from typing import Optional

from ...base.errors import Error
from ...kernel import processes
from ...records.container_record import Record

#: How long a process may take to go after SIGKILL; longer is a kernel that waits for a device.
KILL_TIMEOUT_S = 30.0


@contextlib.contextmanager
def process_of(found: Record) -> Iterator[Optional[int]]:
    """A pidfd of a container's process, or None when it has ended: nobody else gets the signal."""
    try:
        fd = os.pidfd_open(found.pid)
    except ProcessLookupError:
        yield None
        return
    try:
        # Opened first and compared then: the pid cannot have gone to another process in between.
        yield fd if processes.alive(found.pid, found.pid_start) else None
    finally:
        os.close(fd)


def send(process: int, number: int) -> None:
    """Send a signal through a pidfd; a process that has ended no longer needs it."""
    with contextlib.suppress(ProcessLookupError):
        signal.pidfd_send_signal(process, number)


def wait_for(process: int, timeout_s: float) -> bool:
    """Whether the process ended in time. A pidfd is readable from then on (pidfd_open(2))."""
    poll = select.poll()
    poll.register(process, select.POLLIN)
    deadline = time.monotonic() + timeout_s
    while True:
        left_s = deadline - time.monotonic()
        if poll.poll(max(0.0, left_s) * 1000):
            return True
        if left_s <= 0:
            return False


def expect_end(process: int, found: Record) -> None:
    """Wait for a process that was sent SIGKILL. Raises Error when it does not go."""
    if not wait_for(process, KILL_TIMEOUT_S):
        raise Error(
            f"process {found.pid} of container {found.name} did not end {KILL_TIMEOUT_S:g} seconds"
            " after SIGKILL",
            hint="it is blocked in the kernel, waiting for a device or a network filesystem",
        )
