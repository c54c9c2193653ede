# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Work done side by side, in processes forked from this one.

What starts a container is Python for a third of the time, so threads would wait for one another.
A worker is forked when there is first something for it to do, and knows all that its parent knew
then; a job and what came of it are JSON. It ends when its parent does, whatever that ends by.
"""

from __future__ import annotations

import contextlib
import json
import os
import select
import socket
from collections import deque
from collections.abc import Iterator
from typing import Any, Callable, Optional

#: What comes of a job whose worker was killed.
KILLED = None
#: At most this much is read at once, in bytes.
_PART = 1 << 16


def usual() -> int:
    """One more than there are processors, since a start also waits: for the disk, and for the
    programs that it runs.
    """
    return len(os.sched_getaffinity(0)) + 1


class _Worker:
    """One process. Owns this end of the socket to it."""

    def __init__(self, act: Callable[[Any], Any], others: list[_Worker]) -> None:
        here, there = socket.socketpair()
        self.pid = os.fork()
        if not self.pid:
            status = 1
            try:
                here.close()
                for other in others:
                    # A worker that kept the parent's end of another would keep that one alive.
                    other.link.close()
                _serve(there, act)
                status = 0
            finally:
                os._exit(status)
        there.close()
        self.link: socket.socket = here
        self.job: Any = None
        self.said = bytearray()

    def end(self) -> None:
        self.link.close()
        os.waitpid(self.pid, 0)


class Workers:
    """Processes that do jobs: ``act`` gets a job, and returns what came of it, both JSON.

    ``most`` is how many jobs are done at a time. Use it in a ``with`` block, which waits for what
    is being done.
    """

    def __init__(self, act: Callable[[Any], Any], most: int) -> None:
        self._act, self._most = act, most
        self._idle: list[_Worker] = []
        self._busy: dict[int, _Worker] = {}
        self._waiting: deque[Any] = deque()
        self._poll = select.poll()

    def __enter__(self) -> Workers:
        return self

    def __exit__(self, *dummy: object) -> None:
        while self._busy:
            list(self.done(None))
        for worker in self._idle:
            worker.end()
        self._idle.clear()

    @property
    def free(self) -> int:
        """How many more jobs would be begun at once."""
        return self._most - len(self._busy) - len(self._waiting)

    @property
    def at_work(self) -> bool:
        return bool(self._busy or self._waiting)

    def submit(self, job: Any) -> None:
        self._waiting.append(job)
        self._begin()

    def done(self, timeout_s: Optional[float]) -> Iterator[tuple[Any, Any]]:
        """The jobs that are done, each with what came of it; waits for the first, but no longer
        than that many seconds. What came of one whose worker was killed is KILLED.
        """
        if not self._busy:
            return
        for fd, dummy in self._poll.poll(None if timeout_s is None else timeout_s * 1000):
            worker = self._busy[fd]
            part = worker.link.recv(_PART)
            worker.said += part
            if part and part[-1:] != b"\n":
                continue
            self._poll.unregister(fd)
            del self._busy[fd]
            job, said = worker.job, bytes(worker.said)
            if part:
                worker.said.clear()
                self._idle.append(worker)
            else:
                worker.end()
            self._begin()
            yield job, json.loads(said) if said[-1:] == b"\n" else KILLED

    def _begin(self) -> None:
        while self._waiting and len(self._busy) < self._most:
            if not self._idle:
                others = [*self._busy.values(), *self._idle]
                self._idle.append(_Worker(self._act, others))
            worker = self._idle.pop()
            worker.job = self._waiting.popleft()
            self._busy[worker.link.fileno()] = worker
            self._poll.register(worker.link, select.POLLIN)
            # One that was killed says so by the end of its socket.
            with contextlib.suppress(OSError):
                worker.link.sendall(json.dumps(worker.job).encode() + b"\n")


def _serve(parent: socket.socket, act: Callable[[Any], Any]) -> None:
    with parent, parent.makefile("rb") as jobs:
        for job in jobs:
            parent.sendall(json.dumps(act(json.loads(job))).encode() + b"\n")
