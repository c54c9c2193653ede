# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What conmon and the boot unit call; people need none of it, so no help shows it."""

from __future__ import annotations

from .errors import Error
from .plan import Host
from .terminal import complain
from .verbs import Arguments, Verb


def _exited(host: Host, arguments: Arguments) -> int:
    from .container import supervise

    container_id, generation = arguments.operands
    if not generation.isdecimal():
        raise Error(f"{generation[:40]!r} is not the number of a start")
    supervise.exited(host, container_id, int(generation))
    return 0


def _boot(host: Host, arguments: Arguments) -> int:
    from . import files
    from .container import supervise

    files.prepare(host.layout)
    failures = supervise.boot(host)
    for line in failures:
        complain(line)
    return int(bool(failures))


def _shutdown(host: Host, arguments: Arguments) -> int:
    from .container import supervise

    failures = supervise.shutdown(host)
    for line in failures:
        complain(line)
    return int(bool(failures))


def _watch(host: Host, arguments: Arguments) -> int:
    from .container import watch

    held, fifo = (int(number) for number in arguments.operands)
    watch.watch(host, held, fifo)
    return 0


VERBS = {
    "supervise exited": Verb(_exited, "Record an exit", "CONTAINER GENERATION", hidden=True),
    "supervise watch": Verb(_watch, "Make the health checks", "LOCK FIFO", hidden=True),
    "supervise boot": Verb(_boot, "Start what runs from boot on", hidden=True),
    "supervise shutdown": Verb(_shutdown, "Stop all containers", hidden=True),
}
