# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a process of a container inherits of whoever happened to start it: nothing.

A task may run below nohup, nice, taskset or a session with limits of its own, a restart runs below
the monitor, a start at boot below the init. The OCI runtimes set what the bundle names and hand on
the rest. So for the moment in which a child of ours begins, we are like a service of the host; what
we had comes back afterwards. What cannot be changed without a right that we lack stays as it is.
"""

from __future__ import annotations

import contextlib
import os
import resource
import signal
from collections.abc import Iterator
from typing import Callable

from . import linux

#: What files of a container are made with, as Docker has it.
UMASK = 0o022
#: Python ignores these for itself, and subprocess gives them back to its children.
_PYTHONS = {signal.SIGPIPE, signal.SIGXFSZ}
_LIMITS = tuple(name for name in dir(resource) if name.startswith("RLIMIT_"))
_IMPOSSIBLE = (OSError, ValueError)


@contextlib.contextmanager
def plain() -> Iterator[None]:
    """Have nothing worth inheriting for the block, but for the umask, which a child is given."""
    with contextlib.ExitStack() as back:
        for change in _CHANGES:
            with contextlib.suppress(*_IMPOSSIBLE):
                change(back)
        yield


def _later(back: contextlib.ExitStack, call: Callable[[], object]) -> None:
    def undo() -> None:
        with contextlib.suppress(*_IMPOSSIBLE):
            call()

    back.callback(undo)


def _signals(back: contextlib.ExitStack) -> None:
    blocked = signal.pthread_sigmask(signal.SIG_SETMASK, ())
    _later(back, lambda: signal.pthread_sigmask(signal.SIG_SETMASK, blocked))
    with open("/proc/self/status", "rb") as status:
        ignored = int(next(line for line in status if line.startswith(b"SigIgn:")).split()[1], 16)
    for number in signal.valid_signals():
        if ignored >> (number - 1) & 1 and number not in _PYTHONS:
            # Other threads than the first may not; theirs was put right when they began.
            before = signal.signal(number, signal.SIG_DFL)
            _later(back, lambda n=number, b=before: signal.signal(n, b))  # type: ignore[misc]


def _priority(back: contextlib.ExitStack) -> None:
    nice = os.getpriority(os.PRIO_PROCESS, 0)
    if nice:
        os.setpriority(os.PRIO_PROCESS, 0, 0)
        _later(back, lambda: os.setpriority(os.PRIO_PROCESS, 0, nice))


def _policy(back: contextlib.ExitStack) -> None:
    policy = os.sched_getscheduler(0)
    if policy != os.SCHED_OTHER:
        known = os.sched_getparam(0)
        os.sched_setscheduler(0, os.SCHED_OTHER, os.sched_param(0))
        _later(back, lambda: os.sched_setscheduler(0, policy, known))


def _processors(back: contextlib.ExitStack) -> None:
    mine, all_of_them = os.sched_getaffinity(0), range(os.cpu_count() or 1)
    if len(mine) < len(all_of_them):
        os.sched_setaffinity(0, all_of_them)
        _later(back, lambda: os.sched_setaffinity(0, mine))


def _io_priority(back: contextlib.ExitStack) -> None:
    mine = linux.ioprio_get()
    if mine:
        linux.ioprio_set(0)
        _later(back, lambda: linux.ioprio_set(mine))


def _oom_score(back: contextlib.ExitStack) -> None:
    def write(value: bytes) -> None:
        with open("/proc/self/oom_score_adj", "wb", buffering=0) as file:
            file.write(value)

    with open("/proc/self/oom_score_adj", "rb") as file:
        mine = file.read().strip()
    if mine != b"0":
        write(b"0")
        _later(back, lambda: write(mine))


def _limits(back: contextlib.ExitStack) -> None:
    """Those of process 1, which the services of a host have; a lower hard limit only where nobody
    may raise it.
    """
    for name in _LIMITS:
        kind = getattr(resource, name)
        mine, first = resource.getrlimit(kind), resource.prlimit(1, kind)
        if mine == first:
            continue
        _later(back, lambda k=kind, m=mine: resource.setrlimit(k, m))  # type: ignore[misc]
        hard = max(mine[1], first[1], key=_rank)
        for tried in (hard, mine[1]):
            with contextlib.suppress(*_IMPOSSIBLE):
                resource.setrlimit(kind, (min(first[0], tried, key=_rank), tried))
                break


_CHANGES = (_signals, _priority, _policy, _io_priority, _processors, _oom_score, _limits)


def _rank(limit: int) -> float:
    return float("inf") if limit == resource.RLIM_INFINITY else limit
