# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Being attached to a container: from before it starts to its exit status."""

from __future__ import annotations

import contextlib
from collections.abc import Collection
from pathlib import Path
from typing import Optional

from ...base.errors import Error
from ...base.frozen import dataclass
from ...container.attached import exit_status
from ...container.engine.attachment import Attachment
from ...container.lifecycle import actions
from ...container.status import liveness
from ...plan.plan import Host
from ...records import container_record, notes
from . import console

DETACH_KEYS = console.DETACH_KEYS


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
        notes.note(host.layout, container_id, "attach")
        if talk.hold(streams):
            notes.note(host.layout, container_id, "detach")
            return None
        talk.close()
        return exit_status(host, container_id, run.generation)


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
