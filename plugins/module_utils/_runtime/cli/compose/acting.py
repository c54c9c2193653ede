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
from ...resource.compose import shown
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
    still = [mine for mine in found if mine.record.phase not in UP]
    failed = _each(still, "Started", lambda mine: actions.start(host, mine.record.id))
    if arguments.wait and not failed:
        from ...container.supervision import health

        limit = float(arguments.wait_timeout or 0)

        def wait(mine: Mine) -> None:
            health.await_healthy(host.layout, mine.record.id, limit)

        return _each(found, "Healthy", wait)
    return failed


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
    failed = _each(
        running, "Killed", lambda mine: actions.kill(host, mine.record.id, arguments.signal), True
    )
    if arguments.remove_orphans:
        name, whole = chosen.named(arguments)
        known = {*whole.services, *whole.others} if whole is not None else set()
        every = shown.containers(host.layout, name)
        orphans = [mine for mine in every if whole is not None and mine.service not in known]
        for mine in orphans:
            actions.remove(host, mine.record.id, force=True)
            sys.stderr.write(f" Container {mine.record.name}  Removed\n")
    return failed


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
    if arguments.all:
        return _cp_to_all(host, arguments)
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


def _cp_to_all(host: Host, arguments: Arguments) -> int:
    """Copy into every container of the service, those of run included."""
    source, target = arguments.operands
    service, colon, path = target.partition(":")
    if not colon or not service or target.startswith((".", "/")):
        raise Error("--all is for what is copied into a service's containers")
    found = chosen.containers(host, arguments, [service], all_of=True)
    if not found:
        raise Error(f'service "{service[:100]}" has no container')
    from ..verb import inside

    values = {
        "archive": arguments.archive,
        "follow-link": arguments.follow_link,
        "quiet": False,
        "pause": True,
    }
    failed = 0
    for mine in found:
        words = [source, f"{mine.record.name}:{path}"]
        failed |= inside.VERBS["cp"].run(host, Arguments(values, words, set()))
    return failed


_SERVICES = "[SERVICE...]"
_TIMEOUT = Flag("timeout", "t", FLOAT, "Specify a shutdown timeout in seconds")

VERBS = {
    "compose start": Verb(
        _start,
        "Start services",
        _SERVICES,
        own(
            Flag("wait", "", SWITCH, "Wait for services to be running|healthy"),
            Flag("wait-timeout", "", INT, "Maximum duration in seconds to wait for them"),
        ),
    ),
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
        own(
            Flag("remove-orphans", "", SWITCH, "Remove containers not defined in the file"),
            Flag("signal", "s", STRING, "SIGNAL to send to the container", default="KILL"),
        ),
    ),
    "compose pause": Verb(_pause, "Pause services", _SERVICES, own()),
    "compose unpause": Verb(_unpause, "Unpause services", _SERVICES, own()),
    "compose rm": Verb(
        _rm,
        "Removes stopped service containers",
        _SERVICES,
        own(
            Flag("all", "a", SWITCH, "Has no effect: those of run are included", hidden=True),
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
            Flag("all", "", SWITCH, "Copy into all containers of the service, those of run too"),
            Flag("archive", "a", SWITCH, "Archive mode (copy all uid/gid information)"),
            Flag("follow-link", "L", SWITCH, "Always follow symbol link in SRC_PATH"),
            Flag("index", "", INT, "Index of the container if service has multiple replicas"),
        ),
    ),
}
