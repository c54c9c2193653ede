# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The program's verbs for containers that are there, with Docker's flags and output.

They are quick: those that only look never reach the network code, and none knows of images.
"""

from __future__ import annotations

import sys
from typing import Any

from .errors import Error, NotFound
from .plan import Host
from .terminal import each, say
from .verbs import FLOAT, STRING, SWITCH, Arguments, Flag, Verb


def _ps(host: Host, arguments: Arguments) -> int:
    from .container import listing

    for line in listing.lines(
        host.layout,
        everything=arguments.all,
        quiet=arguments.quiet,
        whole=arguments.no_trunc,
        form=arguments.format or "",
    ):
        say(line)
    return 0


def _logs(host: Host, arguments: Arguments) -> int:
    from .container import logs, record

    if arguments.tail != "all" and not arguments.tail.isdecimal():
        raise Error(f"--tail {arguments.tail!r} is not a number")
    container_id = record.identify(host.layout, arguments.operands[0])
    last = None if arguments.tail == "all" else int(arguments.tail)
    streams = {"stdout": sys.stdout.buffer, "stderr": sys.stderr.buffer}
    for entry in logs.entries(host.layout, container_id, last=last, follow=arguments.follow):
        stream = streams[entry.stream]
        if arguments.timestamps:
            stream.write(entry.time.encode() + b" ")
        stream.write(entry.data)
        stream.flush()
    return 0


def _inspect(host: Host, arguments: Arguments) -> int:
    from . import cli_image
    from .container import documents, record

    def read(name: str) -> dict[str, Any]:
        try:
            container_id = record.identify(host.layout, name)
            return documents.container(host, container_id, reveal_env=True)
        except NotFound as exc:
            try:
                return cli_image.document(host, name)
            except NotFound:
                raise exc from None

    return cli_image.inspect(arguments.operands, read, arguments.format)


def _stop(host: Host, arguments: Arguments) -> int:
    from .container import lifecycle

    return each(host, arguments.operands, lambda found: lifecycle.stop(host, found, arguments.time))


def _restart(host: Host, arguments: Arguments) -> int:
    from .container import lifecycle

    return each(
        host, arguments.operands, lambda found: lifecycle.restart(host, found, arguments.time)
    )


def _kill(host: Host, arguments: Arguments) -> int:
    from .container import lifecycle

    return each(
        host, arguments.operands, lambda found: lifecycle.kill(host, found, arguments.signal)
    )


def _rm(host: Host, arguments: Arguments) -> int:
    from .container import lifecycle

    def remove(found: str) -> None:
        lifecycle.remove(host, found, volumes=arguments.volumes, force=arguments.force)

    return each(host, arguments.operands, remove)


def _rename(host: Host, arguments: Arguments) -> int:
    from .container import lifecycle, record

    lifecycle.rename(
        host, record.identify(host.layout, arguments.operands[0]), arguments.operands[1]
    )
    return 0


_CONTAINERS = "CONTAINER [CONTAINER...]"
_TIME = Flag("time", "t", FLOAT, "Seconds from the stop signal to SIGKILL")
_PS = Verb(
    _ps,
    "List containers",
    flags=(
        Flag("all", "a", SWITCH, "Show all containers (default shows just running)"),
        Flag("format", "", STRING, "'json', or a line with {{.Names}}, {{.Status}} and such"),
        Flag("no-trunc", "", SWITCH, "Do not shorten what is shown"),
        Flag("quiet", "q", SWITCH, "Only the ids"),
    ),
)

VERBS = {
    "ps": _PS,
    "container ls": _PS,
    "logs": Verb(
        _logs,
        "Show what a container wrote",
        "CONTAINER",
        (
            Flag("follow", "f", SWITCH, "Go on as it writes"),
            Flag("tail", "n", STRING, "Only the last lines", default="all"),
            Flag("timestamps", "t", SWITCH, "With the time of each line"),
        ),
    ),
    "inspect": Verb(
        _inspect,
        "Show all that is known of containers and images",
        "NAME|ID [NAME|ID...]",
        (Flag("format", "f", STRING, "Such as '{{.Id}}' or '{{json .State}}'"),),
    ),
    "stop": Verb(_stop, "Stop containers", _CONTAINERS, (_TIME,)),
    "restart": Verb(_restart, "Restart containers", _CONTAINERS, (_TIME,)),
    "kill": Verb(
        _kill,
        "Send a signal to containers",
        _CONTAINERS,
        (Flag("signal", "s", STRING, "Signal to send", default="SIGKILL"),),
    ),
    "rm": Verb(
        _rm,
        "Remove containers",
        _CONTAINERS,
        (
            Flag("force", "f", SWITCH, "Kill those that run"),
            Flag("volumes", "v", SWITCH, "Remove their anonymous volumes too"),
        ),
    ),
    "rename": Verb(_rename, "Rename a container", "CONTAINER NEW_NAME"),
}
