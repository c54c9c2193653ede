# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""``slipway compose`` ps, ls, images, port, top and logs."""

from __future__ import annotations

import json
import sys
import threading
import time
from collections.abc import Sequence
from typing import Optional

from ...base.errors import Error, NotFound
from ...plan.plan import Host
from ...resource.compose import shown
from ...resource.compose.shown import Mine
from ..line.verbs import FILTER, INT, LIST, STRING, SWITCH, Arguments, Flag, Verb
from ..terminal.output import say
from . import chosen
from .flags import own

_PS = {
    "ID": "CONTAINER ID",
    "Name": "NAME",
    "Names": "NAMES",
    "Image": "IMAGE",
    "Command": "COMMAND",
    "Project": "PROJECT",
    "Service": "SERVICE",
    "RunningFor": "CREATED",
    "CreatedAt": "CREATED AT",
    "Status": "STATUS",
    "State": "STATE",
    "Health": "HEALTH",
    "ExitCode": "EXIT CODE",
    "Ports": "PORTS",
    "Publishers": "PUBLISHERS",
    "Labels": "LABELS",
    "LocalVolumes": "LOCAL VOLUMES",
    "Mounts": "MOUNTS",
    "Networks": "NETWORKS",
    "Size": "SIZE",
}
_PS_COLUMNS = ("Name", "Image", "Command", "Service", "RunningFor", "Status", "Ports")


def _ps(host: Host, arguments: Arguments) -> int:
    from ...records.container_record import UP
    from ...text.table import listing

    wanted = {*arguments.status, *arguments.filter.get("status", ())}
    unknown = set(arguments.filter) - {"status"}
    if unknown:
        raise Error(f"unknown filter {min(unknown)[:40]!r}; the known filter is status")
    found = chosen.containers(host, arguments, arguments.operands, all_of=arguments.all)
    if wanted:
        found = [mine for mine in found if mine.record.phase in wanted]
    elif not arguments.all:
        found = [mine for mine in found if mine.record.phase in UP]
    if arguments.quiet:
        for mine in found:
            say(mine.record.id)
        return 0
    if arguments.services:
        for service in dict.fromkeys(mine.service for mine in found):
            say(service)
        return 0
    whole = arguments.no_trunc or arguments.format == "json"
    rows = []
    for mine in found:
        try:
            rows.append(shown.row(host.layout, mine, whole))
        except NotFound:
            continue  # It went while we look.
    for line in listing(rows, _PS, _PS_COLUMNS, arguments.format):
        say(line)
    return 0


def _ls(host: Host, arguments: Arguments) -> int:
    from ...compose.reading.project import CONFIG_FILES, PROJECT
    from ...records.container_record import UP
    from ...text.table import listing

    every: dict[str, list[Mine]] = {}
    for mine in shown.containers(host.layout, ""):
        every.setdefault(mine.labels[PROJECT], []).append(mine)
    rows = []
    for name, found in sorted(every.items()):
        if not arguments.all and not any(mine.record.phase in UP for mine in found):
            continue
        if any(text not in name for text in arguments.filter.get("name", ())):
            continue
        counts: dict[str, int] = {}
        for mine in found:
            counts[mine.record.phase] = counts.get(mine.record.phase, 0) + 1
        state = ", ".join(f"{phase}({count})" for phase, count in sorted(counts.items()))
        files = dict.fromkeys(mine.labels.get(CONFIG_FILES, "") for mine in found)
        rows.append({"Name": name, "Status": state, "ConfigFiles": ",".join(filter(None, files))})
    if arguments.quiet:
        for row in rows:
            say(row["Name"])
        return 0
    if arguments.format == "json":
        say(json.dumps(rows, separators=(",", ":")))
        return 0
    headings = {"Name": "NAME", "Status": "STATUS", "ConfigFiles": "CONFIG FILES"}
    for line in listing(rows, headings, tuple(headings), arguments.format):
        say(line)
    return 0


def _images(host: Host, arguments: Arguments) -> int:
    from ...text.table import listing, size

    found = chosen.containers(host, arguments, arguments.operands)
    rows = [shown.image(host.layout, mine) for mine in found]
    if arguments.quiet:
        for identity in dict.fromkeys(row["ID"] for row in rows):
            say(identity.partition(":")[2])
        return 0
    if arguments.format == "json":
        say(json.dumps(rows, separators=(",", ":")))
        return 0
    headings = {
        "ContainerName": "CONTAINER",
        "Repository": "REPOSITORY",
        "Tag": "TAG",
        "Platform": "PLATFORM",
        "ID": "IMAGE ID",
        "Size": "SIZE",
    }
    rows = [{**row, "ID": row["ID"].partition(":")[2][:12], "Size": size(row["Size"])}
            for row in rows]  # fmt: skip
    for line in listing(rows, headings, tuple(headings), arguments.format):
        say(line)
    return 0


def _port(host: Host, arguments: Arguments) -> int:
    service, inside = arguments.operands
    mine = chosen.one(host, arguments, service, arguments.index)
    for one in mine.record.publications:
        if (str(one.container_port), one.protocol) == (inside, arguments.protocol):
            address = one.host_ip or ("[::]" if ":" in one.container_ip else "0.0.0.0")
            say(f"{address}:{one.host_port}")
            return 0
    raise Error(f"no port {inside[:20]}/{arguments.protocol} for container {mine.record.name}")


def _top(host: Host, arguments: Arguments) -> int:
    from ...container.status import top
    from ...records.container_record import LIVE
    from ...text.table import table

    for mine in chosen.containers(host, arguments, arguments.operands):
        if mine.record.phase in LIVE:
            found = top.processes(host.layout, mine.record.id)
            say(mine.record.name)
            for line in table([found["Titles"], *found["Processes"]]):
                say(line)
            say("")
    return 0


# --- logs ------------------------------------------------------------------------------------


def _logs(host: Host, arguments: Arguments) -> int:
    tail = arguments.tail
    if tail != "all" and not tail.lstrip("-").isdecimal():
        raise Error(f"--tail: {tail[:40]!r} is not a number")
    last = None if tail == "all" or tail.startswith("-") else int(tail)
    found = chosen.containers(host, arguments, arguments.operands)
    if arguments.index:
        found = [mine for mine in found if mine.number == arguments.index]
    follow(
        host,
        found,
        prefixed=not arguments.no_log_prefix,
        stamped=arguments.timestamps,
        last=last,
        goes_on=arguments.follow,
        since=arguments.since,
        until=arguments.until,
    )
    return 0


def follow(
    host: Host,
    found: Sequence[Mine],
    *,
    prefixed: bool,
    stamped: bool,
    last: Optional[int] = None,
    goes_on: bool = True,
    since: str = "",
    until: str = "",
) -> None:
    """Print what containers wrote, and with ``goes_on`` what they write until all have ended, each
    line behind the name of its container.
    """
    from ...container.status import logs
    from ...text import filters

    now = time.time()
    begin = filters.moment(since, now) if since else None
    end = filters.moment(until, now) if until else None
    width = max((len(chosen.short(mine)) for mine in found), default=0)
    lock = threading.Lock()
    failures: list[Error] = []

    def told(mine: Mine) -> None:
        prefix = f"{chosen.short(mine).ljust(width)}  | ".encode() if prefixed else b""
        try:
            entries = logs.entries(host.layout, mine.record.id, last=last, follow=goes_on)
            for entry in logs.selected(entries, begin, end):
                stamp = f"{entry.time} ".encode() if stamped else b""
                line = entry.data if entry.data.endswith(b"\n") else entry.data + b"\n"
                with lock:
                    sys.stdout.buffer.write(prefix + stamp + line)
                    sys.stdout.buffer.flush()
        except Error as exc:
            failures.append(exc)

    threads = [threading.Thread(target=told, args=(mine,), daemon=True) for mine in found]
    for thread in threads:
        thread.start()
        if not goes_on:
            thread.join()  # One after the other: their order is that of the services.
    for thread in threads:
        while thread.is_alive():
            thread.join(0.2)  # So that a key can interrupt it.
    if failures:
        raise failures[0]


_SERVICES = "[SERVICE...]"
_FORMAT = Flag("format", "", STRING, "Format output: 'table', 'json' or a Go template")
_QUIET = Flag("quiet", "q", SWITCH, "Only display IDs")

VERBS = {
    "compose ps": Verb(
        _ps,
        "List containers",
        _SERVICES,
        own(
            Flag("all", "a", SWITCH, "Show all stopped containers"),
            Flag("filter", "", FILTER, "Filter services by a property (supported filters: status)"),
            _FORMAT,
            Flag("no-trunc", "", SWITCH, "Don't truncate output"),
            Flag("orphans", "", SWITCH, "Has no effect: they are included", default=True),
            _QUIET,
            Flag("services", "", SWITCH, "Display services"),
            Flag("status", "", LIST, "Filter services by status"),
        ),
    ),
    "compose ls": Verb(
        _ls,
        "List running compose projects",
        "",
        own(
            Flag("all", "a", SWITCH, "Show all stopped Compose projects"),
            Flag("filter", "", FILTER, "Filter output based on conditions provided"),
            _FORMAT,
            Flag("quiet", "q", SWITCH, "Only display project names"),
        ),
    ),
    "compose images": Verb(
        _images, "List images used by the created containers", _SERVICES, own(_FORMAT, _QUIET)
    ),
    "compose port": Verb(
        _port,
        "Print the public port for a port binding",
        "SERVICE PRIVATE_PORT",
        own(
            Flag("index", "", INT, "Index of the container if service has multiple replicas"),
            Flag("protocol", "", STRING, "tcp or udp", default="tcp"),
        ),
    ),
    "compose top": Verb(_top, "Display the running processes", _SERVICES, own()),
    "compose logs": Verb(
        _logs,
        "View output from containers",
        _SERVICES,
        own(
            Flag("follow", "f", SWITCH, "Follow log output"),
            Flag("index", "", INT, "Index of the container if service has multiple replicas"),
            Flag("no-color", "", SWITCH, "Has no effect: output has no colours"),
            Flag("no-log-prefix", "", SWITCH, "Don't print prefix in logs"),
            Flag("since", "", STRING, "Show logs since a time, or relative (e.g. 42m)"),
            Flag("tail", "n", STRING, "Number of lines to show from the end", default="all"),
            Flag("timestamps", "t", SWITCH, "Show timestamps"),
            Flag("until", "", STRING, "Show logs before a time, or relative (e.g. 42m)"),
        ),
    ),
}
