# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A container's run from before it starts to its end: its exit status, and what it wrote."""

from __future__ import annotations

import contextlib
import select
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Optional

from ..base.errors import Error, NotFound
from ..plan.plan import Host
from ..records import container_record
from .engine.attachment import PACKET, STDERR, Attachment
from .engine.capture import OUTPUT_LIMIT, Captured
from .lifecycle import actions
from .status import liveness

#: How often it is looked whether the end of a container has been recorded, in seconds.
_POLL_S = 0.01
#: How long that may take once its monitor is gone, before what is known counts.
_RECORD_TIMEOUT_S = 10.0


def run(host: Host, container_id: str, stdin: bytes = b"", limit: int = OUTPUT_LIMIT) -> Captured:
    """Start a container, give it ``stdin`` and the end of it, and wait for its own end: its exit
    status and the first ``limit`` bytes of each stream, whatever its logging driver is.

    Raises Error as a start does. Of one that is removed by itself at its end, the removal is done.
    """
    found: list[Attachment] = []
    kept = {True: bytearray(), False: bytearray()}
    truncated = False
    with contextlib.ExitStack() as stack:
        stack.enter_context(container_record.watch(host.layout, container_id))

        def ready(bundle: Path) -> None:
            found.append(stack.enter_context(Attachment(bundle)))

        begun = actions.start(host, container_id, ready)
        streams = found[0]
        rest = memoryview(stdin)
        if not rest:
            streams.end_input()
        while streams.outputs():
            poll = select.poll()
            events = select.POLLIN | (select.POLLOUT if rest and streams.input() >= 0 else 0)
            poll.register(streams.outputs()[0], events)
            for fd, happened in poll.poll():
                if happened & select.POLLOUT and rest:
                    rest = _given(streams, rest)
                if not happened & ~select.POLLOUT:
                    continue
                with contextlib.suppress(BlockingIOError):
                    stream, data = streams.receive(fd)
                    buffer = kept[stream == STDERR]
                    truncated |= len(buffer) + len(data) > limit
                    buffer += data[: max(0, limit - len(buffer))]
        status = exit_status(host, container_id, begun.generation)
    return Captured(status, bytes(kept[False]), bytes(kept[True]), truncated)


def _given(streams: Attachment, rest: memoryview) -> memoryview:
    """What is left of the input; the end of it is told once nothing is, or nobody reads it."""
    try:
        rest = rest[streams.send(bytes(rest[:PACKET])) :]
    except BlockingIOError:
        return rest
    except OSError:
        return rest[:0]
    if not rest:
        streams.end_input()
    return rest


def await_removal(host: Host, container_id: str) -> None:
    """Wait for a container that is removed by itself at its end to be gone, or some seconds."""
    deadline = time.monotonic() + _RECORD_TIMEOUT_S
    while host.layout.container(container_id).exists() and time.monotonic() < deadline:
        time.sleep(_POLL_S)


def exit_status(host: Host, container_id: str, generation: int) -> int:
    """Wait for one run of a container to end and to be cleared away. Returns its exit status.

    Who waits and wants to know also of a container that is removed by itself at its end holds
    record.watch().
    """
    layout = host.layout
    deadline: Optional[float] = None
    while True:
        found = container_record.find_record(layout, container_id)
        if found is None:
            raise NotFound(f"container {container_id[:12]} has been removed")
        if found.generation > generation or found.phase not in container_record.LIVE:
            return found.exit_code
        if deadline is None and not liveness.is_running(layout, found):
            deadline = time.monotonic() + _RECORD_TIMEOUT_S
        if deadline is not None and time.monotonic() > deadline:
            return liveness.truth(layout, found).exit_code
        time.sleep(_POLL_S)


@contextlib.contextmanager
def removed_on_failure(host: Host, container_id: str, wanted: bool) -> Iterator[None]:
    """What was to be removed at its end is not left behind when it could not begin."""
    try:
        yield
    except Error:
        if wanted:
            with contextlib.suppress(Error):
                actions.remove(host, container_id, volumes=True)
        raise
