# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The program's verbs that change existing containers, with Docker's flags and output."""

from __future__ import annotations

from typing import Optional

from ...base.errors import Error
from ...plan.plan import Host
from ..line.verbs import FILTER, FLOAT, STRING, SWITCH, Arguments, Flag, Verb
from ..terminal.output import each

#: What -t -1 means: as long as it takes.
_FOREVER_S = 1e9


def _grace(arguments: Arguments) -> Optional[float]:
    """Seconds from the stop signal to SIGKILL; None is the container's own."""
    if arguments.time is None:
        return None
    return _FOREVER_S if arguments.time < 0 else float(arguments.time)


def _stop(host: Host, arguments: Arguments) -> int:
    from ...container.lifecycle import actions

    def stop(found: str) -> None:
        actions.stop(host, found, _grace(arguments), arguments.signal)

    return each(host, arguments.operands, stop)


def _restart(host: Host, arguments: Arguments) -> int:
    from ...container.lifecycle import actions

    return each(
        host, arguments.operands, lambda found: actions.restart(host, found, _grace(arguments))
    )


def _kill(host: Host, arguments: Arguments) -> int:
    from ...container.lifecycle import actions

    return each(host, arguments.operands, lambda found: actions.kill(host, found, arguments.signal))


def _rm(host: Host, arguments: Arguments) -> int:
    from ...container.lifecycle import actions

    if arguments.link:
        raise Error(
            "removing a link is not supported",
            hint="links belong to the container: recreate it without the link",
        )

    def remove(found: str) -> None:
        actions.remove(host, found, volumes=arguments.volumes, force=arguments.force)

    return each(host, arguments.operands, remove)


def _rename(host: Host, arguments: Arguments) -> int:
    from ...container.lifecycle import actions
    from ...records import container_record

    actions.rename(
        host, container_record.identify(host.layout, arguments.operands[0]), arguments.operands[1]
    )
    return 0


def _pause(host: Host, arguments: Arguments) -> int:
    from ...container.lifecycle import freezing

    return each(host, arguments.operands, lambda found: freezing.pause(host, found))


def _unpause(host: Host, arguments: Arguments) -> int:
    from ...container.lifecycle import freezing

    return each(host, arguments.operands, lambda found: freezing.unpause(host, found))


def _prune(host: Host, arguments: Arguments) -> int:
    from ..terminal.pruning import pruned

    return pruned(host, arguments, "containers", "all stopped containers")


_CONTAINERS = "CONTAINER [CONTAINER...]"
_SIGNAL = Flag("signal", "s", STRING, "Signal to send to the container")
_TIME = Flag("time", "t", FLOAT, "Seconds to wait before killing the container")

VERBS = {
    "stop": Verb(_stop, "Stop one or more running containers", _CONTAINERS, (_SIGNAL, _TIME)),
    "restart": Verb(_restart, "Restart one or more containers", _CONTAINERS, (_TIME,)),
    "kill": Verb(
        _kill,
        "Kill one or more running containers",
        _CONTAINERS,
        (Flag("signal", "s", STRING, "Signal to send to the container", default="KILL"),),
    ),
    "pause": Verb(_pause, "Pause all processes within one or more containers", _CONTAINERS),
    "unpause": Verb(_unpause, "Unpause all processes within one or more containers", _CONTAINERS),
    "rm": Verb(
        _rm,
        "Remove one or more containers",
        _CONTAINERS,
        (
            Flag("link", "l", SWITCH, "Remove the specified link", hidden=True),
            Flag("force", "f", SWITCH, "Force the removal of a running container (uses SIGKILL)"),
            Flag("volumes", "v", SWITCH, "Remove anonymous volumes of the container"),
        ),
    ),
    "rename": Verb(_rename, "Rename a container", "CONTAINER NEW_NAME"),
    "container prune": Verb(
        _prune,
        "Remove all stopped containers",
        flags=(
            Flag("filter", "", FILTER, "Provide filter values (e.g. 'until=24h')"),
            Flag("force", "f", SWITCH, "Do not prompt for confirmation"),
        ),
    ),
}
