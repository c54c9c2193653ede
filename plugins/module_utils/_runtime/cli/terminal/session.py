# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Being attached to a container: from before it starts to its exit status."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Collection
from pathlib import Path
from typing import Optional

from ...base.errors import Error, NotFound
from ...base.frozen import dataclass
from ...container.engine.attachment import Attachment
from ...container.lifecycle import actions
from ...container.status import liveness
from ...plan.plan import Host
from ...records import container_record
from . import console

DETACH_KEYS = console.DETACH_KEYS

#: How often it is looked whether the end of a container has been recorded, in seconds.
_POLL_S = 0.01
#: How long that may take once its monitor is gone, before what is known counts.
_RECORD_TIMEOUT_S = 10.0


@dataclass(frozen=True)
class Attaching:
    """How to attach: ``streams`` of stdin, stdout and stderr, the keys that detach, and whether
    signals are handed on.
    """

    streams: Collection[str] = ("stdout", "stderr")
    keys: str = console.DETACH_KEYS
    sig_proxy: bool = True


def start(host: Host, container_id: str, how: Attaching) -> Optional[int]:
    """Start a container and be attached to it from its first byte on. One that runs already is
    attached to as it is. Returns its exit status, or None when somebody detached.
    """
    found: list[Attachment] = []

    def ready(bundle: Path) -> None:
        found.append(Attachment(bundle))
        size = console.window(0) or console.window(1)
        if size is not None:
            found[0].resize(*size)

    with contextlib.ExitStack() as stack:
        stack.enter_context(container_record.watch(host.layout, container_id))
        talk = stack.enter_context(_conversation(host, container_id, how))
        run = actions.start(host, container_id, ready)
        if not found:
            ready(host.layout.run_container(container_id))
        streams = stack.enter_context(found[0])
        if talk.hold(streams):
            return None
        talk.close()
        return exit_status(host, container_id, run.generation)


def attach(host: Host, container_id: str, how: Attaching) -> Optional[int]:
    """Attach to a container that runs. Returns its exit status, or None as start() does."""
    run = liveness.current(host.layout, container_id)
    if run.phase == "paused":
        raise Error("you cannot attach to a paused container", hint="unpause it first")
    if run.phase not in container_record.LIVE:
        raise Error("you cannot attach to a stopped container", hint="start it first")
    with contextlib.ExitStack() as stack:
        stack.enter_context(container_record.watch(host.layout, container_id))
        streams = stack.enter_context(Attachment(host.layout.run_container(container_id)))
        talk = stack.enter_context(_conversation(host, container_id, how))
        size = console.window(0) or console.window(1)
        if size is not None:
            # What fills a terminal draws itself anew when the size changes: it does, for a moment.
            streams.resize(size[0] + 1, size[1] + 1)
        if talk.hold(streams):
            return None
        talk.close()
        return exit_status(host, container_id, run.generation)


def await_removal(host: Host, container_id: str) -> None:
    """Wait for a container that is removed by itself at its end to be gone, or some seconds."""
    deadline = time.monotonic() + _RECORD_TIMEOUT_S
    while host.layout.container(container_id).exists() and time.monotonic() < deadline:
        time.sleep(_POLL_S)


def _conversation(host: Host, container_id: str, how: Attaching) -> console.Conversation:
    spec = container_record.read_spec(host.layout, container_id)

    def proxy(number: int) -> None:
        with contextlib.suppress(Error):
            actions.kill(host, container_id, str(number))

    return console.Conversation(
        stdin="stdin" in how.streams,
        tty=spec.tty,
        keys=console.detach_keys(how.keys),
        proxy=proxy if how.sig_proxy else None,
        shown=how.streams,
    )


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
