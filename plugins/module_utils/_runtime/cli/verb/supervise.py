# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What conmon and the boot unit call; hidden from help, because people do not need it."""

from __future__ import annotations

from ...base.errors import Error
from ...plan.plan import Host
from ..line.verbs import Arguments, Verb
from ..terminal.output import complain


def _exited(host: Host, arguments: Arguments) -> int:
    from ...container.lifecycle import on_exit

    container_id, generation = arguments.operands
    if not generation.isdecimal():
        raise Error(f"{generation[:40]!r} is not a generation number")
    on_exit.exited(host, container_id, int(generation))
    return 0


def _boot(host: Host, arguments: Arguments) -> int:
    from ...base import files
    from ...container.lifecycle import host_power

    files.prepare(host.layout)
    failures = host_power.boot(host)
    for line in failures:
        complain(line)
    return int(bool(failures))


def _shutdown(host: Host, arguments: Arguments) -> int:
    from ...container.lifecycle import host_power

    failures = host_power.shutdown(host)
    for line in failures:
        complain(line)
    return int(bool(failures))


def _watch(host: Host, arguments: Arguments) -> int:
    from ...container.supervision import watcher_process

    held, fifo = (int(number) for number in arguments.operands)
    watcher_process.watch(host, held, fifo)
    return 0


VERBS = {
    "supervise exited": Verb(_exited, "Record an exit", "CONTAINER GENERATION", hidden=True),
    "supervise watch": Verb(_watch, "Run health checks and rotate logs", "LOCK FIFO", hidden=True),
    "supervise boot": Verb(_boot, "Start the containers that run from boot on", hidden=True),
    "supervise shutdown": Verb(_shutdown, "Stop all containers", hidden=True),
}
