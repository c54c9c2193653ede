# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""``slipway compose`` events, wait, attach, stats and version: verbs that stay and look."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Mapping
from typing import TYPE_CHECKING

from ...base.errors import Error
from ...plan.plan import Host
from ...records.container_record import LIVE
from ..line.verbs import INT, STRING, SWITCH, Arguments, Flag, Verb
from ..terminal.output import say
from ..verb.attach import DETACH, SIG_PROXY
from . import chosen
from .flags import own

if TYPE_CHECKING:
    from ...system.events import Event

#: How often it is looked what became of containers, in seconds.
_LOOK_S = 0.1


def _events(host: Host, arguments: Arguments) -> int:
    from ...compose.reading.project import PROJECT, SERVICE
    from ...system import looking
    from ...text import filters

    name, dummy = chosen.named(arguments)
    services = arguments.operands
    if services:
        chosen.containers(host, arguments, services)  # Raises Error for one that is not there.
    now = time.time()
    since = filters.moment(arguments.since, now) if arguments.since else None
    until = filters.moment(arguments.until, now) if arguments.until else None

    def mine(labels: Mapping[str, str]) -> bool:
        meant = not services or labels.get(SERVICE) in services
        return meant and labels.get(PROJECT) == name

    for event in looking.told(host.layout, since, until, ("container",), mine):
        _show(event, arguments.json)
    return 0


def _show(event: Event, as_json: bool) -> None:
    from ...compose.reading.project import SERVICE

    shown = {
        name: value
        for name, value in sorted(event.attributes.items())
        if not name.startswith("com.docker.compose.")
    }
    if as_json:
        document = {
            "time": event.time,
            "type": event.kind,
            "service": event.attributes.get(SERVICE, ""),
            "id": event.id,
            "action": event.action,
            "attributes": shown,
        }
        say(json.dumps(document, separators=(",", ":")))
    else:
        attributes = ", ".join(f"{name}={value}" for name, value in shown.items())
        say(f"{event.time} {event.kind} {event.action} {event.id} ({attributes})")
    sys.stdout.flush()


def _wait(host: Host, arguments: Arguments) -> int:
    from ...container.status import liveness
    from ...records import container_record

    found = chosen.containers(host, arguments, arguments.operands)
    if not found:
        raise Error(f"no containers for project {chosen.name_of(arguments)!r}")
    pending = {mine.record.id: mine.record for mine in found}
    status = 0
    while pending:
        for container_id, record in list(pending.items()):
            now = container_record.find_record(host.layout, container_id)
            now = liveness.truth(host.layout, now) if now is not None else None
            if now is not None and now.generation == record.generation and now.phase in LIVE:
                continue
            del pending[container_id]
            status = now.exit_code if now is not None else 137
            say(f'container "{container_id}" exited with status code {status}')
            sys.stdout.flush()
        if arguments.down_project and len(pending) < len(found):
            break
        if pending:
            time.sleep(_LOOK_S)
    if arguments.down_project:
        from . import converging

        converging.end(host, arguments, {"remove_orphans": True})
    return status


def _attach(host: Host, arguments: Arguments) -> int:
    from ..verb import attach

    [service] = arguments.operands
    mine = chosen.one(host, arguments, service, arguments.index)
    values = {
        "detach-keys": arguments.detach_keys,
        "no-stdin": arguments.no_stdin,
        "sig-proxy": arguments.sig_proxy,
    }
    words = [mine.record.id]
    return attach.VERBS["attach"].run(host, Arguments(values, words, set(arguments.given)))


def _stats(host: Host, arguments: Arguments) -> int:
    from ..verb import inside

    found = chosen.containers(host, arguments, arguments.operands)
    shown = [mine for mine in found if arguments.all or mine.record.phase in LIVE]
    if not shown:
        raise Error("the project has no container that runs")
    values = {
        "all": arguments.all,
        "format": arguments.format,
        "no-stream": arguments.no_stream,
        "no-trunc": arguments.no_trunc,
    }
    words = [mine.record.id if arguments.no_trunc else mine.record.id[:12] for mine in shown]
    return inside.VERBS["stats"].run(host, Arguments(values, words, set(arguments.given)))


def _version(host: Host, arguments: Arguments) -> int:
    from ...base.version import VERSION

    if arguments.format not in ("", "pretty", "json"):
        raise Error(f"--format: {arguments.format[:40]!r} is neither pretty nor json")
    if arguments.short:
        say(VERSION)
    elif arguments.format == "json":
        say(json.dumps({"version": VERSION}, separators=(",", ":")))
    else:
        say(f"slipway compose version {VERSION}")
    return 0


_SERVICES = "[SERVICE...]"
_INDEX = Flag("index", "", INT, "Index of the container if service has multiple replicas")

VERBS = {
    "compose events": Verb(
        _events,
        "Receive real time events from containers",
        _SERVICES,
        own(
            Flag("json", "", SWITCH, "Output events as a stream of json objects"),
            Flag("since", "", STRING, "Show all events created since timestamp"),
            Flag("until", "", STRING, "Stream events until this timestamp"),
        ),
    ),
    "compose wait": Verb(
        _wait,
        "Block until containers of all (or specified) services stop",
        "SERVICE [SERVICE...]",
        own(Flag("down-project", "", SWITCH, "Drops project when the first container stops")),
    ),
    "compose attach": Verb(
        _attach,
        "Attach local standard input, output, and error streams to a service's container",
        "SERVICE",
        own(DETACH, _INDEX, Flag("no-stdin", "", SWITCH, "Do not attach STDIN"), SIG_PROXY),
    ),
    "compose stats": Verb(
        _stats,
        "Display a live stream of container(s) resource usage statistics",
        _SERVICES,
        own(
            Flag("all", "a", SWITCH, "Show all containers (default shows just running)"),
            Flag("format", "", STRING, "Format output: 'table', 'json' or a Go template"),
            Flag("no-stream", "", SWITCH, "Only show the first result"),
            Flag("no-trunc", "", SWITCH, "Do not truncate output"),
        ),
    ),
    "compose version": Verb(
        _version,
        "Show the version information",
        "",
        own(
            Flag("format", "f", STRING, "Format the output. Values: [pretty | json]"),
            Flag("short", "", SWITCH, "Shows only the version number"),
        ),
    ),
}
