# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""``slipway compose`` start, stop, restart, kill, pause, unpause, rm and cp."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import Callable, Optional

from ...base.errors import Error
from ...plan.plan import Host
from ...records.container_record import LIVE, UP
from ...resource.compose.shown import Mine
from ..line.verbs import FLOAT, INT, STRING, SWITCH, Arguments, Flag, Verb
from ..terminal.output import agreed, complain
from . import chosen
from .flags import own

#: What -t -1 means: as long as it takes.
_FOREVER_S = 1e9


def _each(
    found: Sequence[Mine], done: str, act: Callable[[Mine], object], ends: bool = False
) -> int:
    """Do one thing to containers in the order of what they depend on, naming each."""
    failed = False
    for mine in chosen.ordered(found, ends):
        try:
            act(mine)
        except Error as exc:
            complain(exc)
            failed = True
            continue
        sys.stderr.write(f" Container {mine.record.name}  {done}\n")
        sys.stderr.flush()
    return int(failed)


def _grace(arguments: Arguments) -> Optional[float]:
    given: Optional[float] = arguments.timeout
    if given is None:
        return None
    return _FOREVER_S if given < 0 else float(given)


def _start(host: Host, arguments: Arguments) -> int:
    from ...container.lifecycle import actions

    found = chosen.containers(host, arguments, arguments.operands)
    missing = set(arguments.operands) - {mine.service for mine in found}
    if missing or not found:
        name = next(iter(sorted(missing)), "the project")
        raise Error(f"{name} has no container to start", hint="use slipway compose up")
    found = [mine for mine in found if mine.record.phase not in UP]
    return _each(found, "Started", lambda mine: actions.start(host, mine.record.id))


def _stop(host: Host, arguments: Arguments) -> int:
    from ...container.lifecycle import actions

    found = chosen.containers(host, arguments, arguments.operands)
    running = [mine for mine in found if mine.record.phase in UP]
    grace = _grace(arguments)
    return _each(
        running, "Stopped", lambda mine: actions.stop(host, mine.record.id, grace), ends=True
    )


def _restart(host: Host, arguments: Arguments) -> int:
    from ...container.lifecycle import actions

    found = chosen.containers(host, arguments, arguments.operands)
    grace = _grace(arguments)
    return _each(found, "Started", lambda mine: actions.restart(host, mine.record.id, grace))


def _kill(host: Host, arguments: Arguments) -> int:
    from ...container.lifecycle import actions

    found = chosen.containers(host, arguments, arguments.operands)
    running = [mine for mine in found if mine.record.phase in LIVE]
    return _each(
        running, "Killed", lambda mine: actions.kill(host, mine.record.id, arguments.signal), True
    )


def _pause(host: Host, arguments: Arguments) -> int:
    from ...container.lifecycle import freezing

    found = chosen.containers(host, arguments, arguments.operands)
    running = [mine for mine in found if mine.record.phase == "running"]
    return _each(running, "Paused", lambda mine: freezing.pause(host, mine.record.id))


def _unpause(host: Host, arguments: Arguments) -> int:
    from ...container.lifecycle import freezing

    found = chosen.containers(host, arguments, arguments.operands)
    paused = [mine for mine in found if mine.record.phase == "paused"]
    return _each(paused, "Unpaused", lambda mine: freezing.unpause(host, mine.record.id))


def _rm(host: Host, arguments: Arguments) -> int:
    from ...container.lifecycle import actions

    found = chosen.containers(host, arguments, arguments.operands, all_of=True)
    if arguments.stop:
        for mine in chosen.ordered(found, ends=True):
            actions.stop(host, mine.record.id)
    else:
        found = [mine for mine in found if mine.record.phase not in UP]
    if not found:
        sys.stderr.write("No stopped containers\n")
        return 0
    names = ", ".join(mine.record.name for mine in found)
    if not arguments.force and not agreed(f"Going to remove {names}\n"):
        return 1

    def remove(mine: Mine) -> None:
        actions.remove(host, mine.record.id, volumes=arguments.volumes)

    return _each(found, "Removed", remove, ends=True)


def _cp(host: Host, arguments: Arguments) -> int:
    from ..verb import inside

    words = list(arguments.operands)
    for place, word in enumerate(words):
        service, colon, path = word.partition(":")
        if colon and service and not word.startswith((".", "/")):
            mine = chosen.one(host, arguments, service, arguments.index, running=False)
            words[place] = f"{mine.record.name}:{path}"
    values = {
        "archive": arguments.archive,
        "follow-link": arguments.follow_link,
        "quiet": False,
        "pause": True,
    }
    verb = inside.VERBS["cp"]
    return verb.run(host, Arguments(values, words, set()))


_SERVICES = "[SERVICE...]"
_TIMEOUT = Flag("timeout", "t", FLOAT, "Specify a shutdown timeout in seconds")

VERBS = {
    "compose start": Verb(_start, "Start services", _SERVICES, own()),
    "compose stop": Verb(_stop, "Stop services", _SERVICES, own(_TIMEOUT)),
    "compose restart": Verb(
        _restart,
        "Restart service containers",
        _SERVICES,
        own(_TIMEOUT, Flag("no-deps", "", SWITCH, "Has no effect: only these are restarted")),
    ),
    "compose kill": Verb(
        _kill,
        "Force stop service containers",
        _SERVICES,
        own(Flag("signal", "s", STRING, "SIGNAL to send to the container", default="KILL")),
    ),
    "compose pause": Verb(_pause, "Pause services", _SERVICES, own()),
    "compose unpause": Verb(_unpause, "Unpause services", _SERVICES, own()),
    "compose rm": Verb(
        _rm,
        "Removes stopped service containers",
        _SERVICES,
        own(
            Flag("force", "f", SWITCH, "Don't ask to confirm removal"),
            Flag("stop", "s", SWITCH, "Stop the containers, if required, before removing"),
            Flag("volumes", "v", SWITCH, "Remove any anonymous volumes attached to containers"),
        ),
    ),
    "compose cp": Verb(
        _cp,
        "Copy files/folders between a service container and the local filesystem",
        "SERVICE:SRC_PATH|SRC_PATH|- SERVICE:DEST_PATH|DEST_PATH|-",
        own(
            Flag("archive", "a", SWITCH, "Archive mode (copy all uid/gid information)"),
            Flag("follow-link", "L", SWITCH, "Always follow symbol link in SRC_PATH"),
            Flag("index", "", INT, "Index of the container if service has multiple replicas"),
        ),
    ),
}
