# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The program's verbs that show containers: ps, logs and inspect.

They are quick: none reaches the network code, and ps without a filter reads three files of each.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Collection
from typing import Any, Optional

from ...base.errors import Error, NotFound
from ...plan.plan import Host
from ..line.verbs import FILTER, INT, STRING, SWITCH, Arguments, Flag, Verb
from ..terminal.output import say


def _ps(host: Host, arguments: Arguments) -> int:
    from ...container.show import ps_table

    last = 1 if arguments.latest else max(0, arguments.last)
    everything = arguments.all or bool(last)
    only: Optional[Collection[str]] = None
    if arguments.filter:
        only = _chosen(host, arguments, everything)
    for line in ps_table.lines(
        host.layout,
        everything=everything or only is not None,
        quiet=arguments.quiet,
        whole=arguments.no_trunc,
        form=arguments.format or "",
        last=last,
        only=only,
        sized=arguments.size or ".Size" in arguments.format,
    ):
        say(line)
    return 0


def _chosen(host: Host, arguments: Arguments, everything: bool) -> list[str]:
    """The ids of the containers that the filters let pass; only they need all that is known."""
    from ...system import lists

    found = lists.containers(host, arguments.filter, everything)
    return [str(one["Id"]) for one in found]


def _logs(host: Host, arguments: Arguments) -> int:
    from ...base import clock
    from ...container.status import logs
    from ...records import container_record
    from ...text import filters

    tail = arguments.tail
    if tail != "all" and not tail.lstrip("-").isdecimal():
        raise Error(f"--tail: {tail[:40]!r} is not a number")
    now = time.time()
    since = filters.moment(arguments.since, now) if arguments.since else None
    until = filters.moment(arguments.until, now) if arguments.until else None
    container_id = container_record.identify(host.layout, arguments.operands[0])
    spec = container_record.read_spec(host.layout, container_id)
    told = ""
    if arguments.details:
        from ...container.option import logging

        image = container_record.read_image(host.layout, container_id)
        told = logging.details(spec, {**image.env, **spec.env}, {**image.labels, **spec.labels})
    # As with Docker, what is negative is all, and details are what the log options say of a line.
    last = None if tail == "all" or tail.startswith("-") else int(tail)
    streams = {"stdout": sys.stdout.buffer, "stderr": sys.stderr.buffer}
    for entry in logs.entries(host.layout, container_id, last=last, follow=arguments.follow):
        written = clock.seconds(entry.time)
        if since is not None and written is not None and written < since:
            continue
        if until is not None and written is not None and written > until:
            break
        # A terminal has one stream, and conmon writes down which it was all the same.
        stream = streams["stdout" if spec.tty else entry.stream]
        if arguments.timestamps:
            stream.write(entry.time.encode() + b" ")
        if told:
            stream.write(told.encode() + b" ")
        stream.write(entry.data)
        stream.flush()
    return 0


def _inspect(host: Host, arguments: Arguments) -> int:
    return _show(host, arguments, arguments.type)


def _inspect_container(host: Host, arguments: Arguments) -> int:
    return _show(host, arguments, "container")


def _show(host: Host, arguments: Arguments, kind: str) -> int:
    from .images import image

    kinds = [kind] if kind else list(_READERS)

    def read(name: str) -> dict[str, Any]:
        for one in kinds:
            try:
                return _READERS[one](host, name, arguments.size)
            except NotFound as exc:
                found = exc
        if len(kinds) > 1:
            raise NotFound(f"no such object: {name[:128]}")
        raise found

    return image.inspect(arguments.operands, read, arguments.format)


def _container(host: Host, name: str, sized: bool) -> dict[str, Any]:
    from ...container.show import documents
    from ...container.status import changed
    from ...records import container_record

    container_id = container_record.identify(host.layout, name)
    found = documents.container(host, container_id)
    if sized:
        found["SizeRw"] = changed.written_bytes(host.layout, container_id)
        found["SizeRootFs"] = changed.root_bytes(host.layout, container_id)
    return found


def _image(host: Host, name: str, sized: bool) -> dict[str, Any]:
    from .images import image

    return image.document(host, name)


def _network(host: Host, name: str, sized: bool) -> dict[str, Any]:
    from . import network

    return network.document(host, name)


def _volume(host: Host, name: str, sized: bool) -> dict[str, Any]:
    from . import volume

    return volume.document(host, name)


#: In the order in which docker inspect looks.
_READERS = {"container": _container, "image": _image, "network": _network, "volume": _volume}

_SIZE = Flag("size", "s", SWITCH, "Display total file sizes")
_FORMAT = Flag("format", "f", STRING, "Format output using a Go template")
_PS = Verb(
    _ps,
    "List containers",
    flags=(
        Flag("all", "a", SWITCH, "Show all containers (default shows just running)"),
        Flag("filter", "f", FILTER, "Filter output based on conditions provided"),
        Flag("format", "", STRING, "'json', 'table TEMPLATE', or a Go template for each line"),
        Flag("last", "n", INT, "Show n last created containers (includes all states)", default=-1),
        Flag("latest", "l", SWITCH, "Show the latest created container (includes all states)"),
        Flag("no-trunc", "", SWITCH, "Don't truncate output"),
        Flag("quiet", "q", SWITCH, "Only display container IDs"),
        _SIZE,
    ),
)

VERBS = {
    "ps": _PS,
    "container ls": _PS,
    "logs": Verb(
        _logs,
        "Fetch the logs of a container",
        "CONTAINER",
        (
            Flag("details", "", SWITCH, "Show extra details provided to logs"),
            Flag("follow", "f", SWITCH, "Follow log output"),
            Flag("since", "", STRING, "Show logs since a time, or relative (e.g. 42m)"),
            Flag("tail", "n", STRING, "Number of lines to show from the end", default="all"),
            Flag("timestamps", "t", SWITCH, "Show timestamps"),
            Flag("until", "", STRING, "Show logs before a time, or relative (e.g. 42m)"),
        ),
    ),
    "inspect": Verb(
        _inspect,
        "Return low-level information on containers, images, networks and volumes",
        "NAME|ID [NAME|ID...]",
        (
            _FORMAT,
            _SIZE,
            Flag(
                "type",
                "",
                STRING,
                "Only inspect objects of the given type",
                choices=tuple(_READERS),
            ),
        ),
    ),
    "container inspect": Verb(
        _inspect_container,
        "Display detailed information on one or more containers",
        "CONTAINER [CONTAINER...]",
        (_FORMAT, _SIZE),
    ),
}
