# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Staying with what ``slipway compose up`` began: its output, until it has ended."""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Sequence
from typing import Optional

from ...base.errors import Error
from ...plan.plan import Host
from ...resource.compose.shown import Mine
from ...resource.stack.order import with_needed
from ..line.verbs import Arguments
from . import chosen
from .showing import follow

#: The condition of those that are waited for until they have ended.
COMPLETED = "service_completed_successfully"

#: How often it is looked whether a container has ended, in seconds.
_LOOK_S = 0.1


def attached(host: Host, arguments: Arguments) -> int:
    """Show what the containers write until they end or somebody interrupts, then stop them."""
    every = chosen.containers(host, arguments)
    if arguments.operands:
        needs = {mine.service: chosen.needs(mine) for mine in every}
        begun = with_needed(needs, arguments.operands)
        every = [mine for mine in every if mine.service in begun]
    services = set(arguments.attach or arguments.operands)
    if arguments.attach_dependencies or not services:
        services = {mine.service for mine in every} - _silent(arguments)
    unknown = {arguments.exit_code_from, *arguments.attach} - {mine.service for mine in every}
    if unknown - {""}:
        raise Error(f"no such service: {min(unknown - {''})[:100]}")
    found = [
        mine
        for mine in every
        if mine.service in services and mine.service not in arguments.no_attach
    ]

    def show() -> None:
        follow(host, found, prefixed=not arguments.no_log_prefix, stamped=arguments.timestamps)

    try:
        if not (
            arguments.abort_on_container_exit
            or arguments.abort_on_container_failure
            or arguments.exit_code_from
        ):
            show()
            return 0
        threading.Thread(target=show, daemon=True).start()
        ended = _first_end(host, every, arguments)
    except KeyboardInterrupt:
        sys.stderr.write("Gracefully Stopping... press Ctrl+C again to force\n")
        _stop(host, found)
        return 130
    sys.stderr.write("Aborting on container exit...\n")
    _stop(host, every)
    return _status(host, every, arguments.exit_code_from, ended)


def _silent(arguments: Arguments) -> set[str]:
    """The services that say themselves that nobody attaches to them."""
    from ...compose.base.values import switch

    whole = chosen.read(arguments, arguments.operands)
    given = whole.services.items()
    return {name for name, one in given if not switch(one.get("attach", True))}


def _first_end(host: Host, every: Sequence[Mine], arguments: Arguments) -> Optional[int]:
    """Wait for a container to end for good, or to fail where only that is asked for. Returns its
    exit status; None where all ended and none failed.
    """
    only_failures = arguments.abort_on_container_failure
    # What others wait for the end of is meant to end.
    passing = {name for mine in every for name in chosen.needs(mine, COMPLETED)}
    every = [mine for mine in every if mine.service not in passing]
    while True:
        ended = [_now(host, mine) for mine in every]
        statuses = [status for status in ended if status is not None]
        for status in statuses:
            if status or not only_failures:
                return status
        if len(statuses) == len(every):
            return None
        time.sleep(_LOOK_S)


def _now(host: Host, mine: Mine) -> Optional[int]:
    """The exit status of a container that has ended and is not restarted; None before."""
    from ...container.status import liveness
    from ...records import container_record

    record = container_record.find_record(host.layout, mine.record.id)
    if record is None:
        return 137
    record = liveness.truth(host.layout, record)
    return None if record.phase in container_record.UP else record.exit_code


def _status(host: Host, every: Sequence[Mine], service: str, ended: Optional[int]) -> int:
    if not service:
        return ended or 0
    found = (_now(host, mine) for mine in every if mine.service == service)
    return next((status for status in found if status is not None), 0)


def _stop(host: Host, found: Sequence[Mine]) -> None:
    from ...container.lifecycle import actions

    for mine in chosen.ordered(found, ends=True):
        if _now(host, mine) is None:
            actions.stop(host, mine.record.id)
        sys.stderr.write(f" Container {mine.record.name}  Stopped\n")
