# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The program's verbs that stay with a container: start, attach and wait."""

from __future__ import annotations

import sys
from typing import Optional

from ...base.errors import Error
from ...plan.plan import Host
from ..line.verbs import STRING, SWITCH, Arguments, Flag, Verb
from ..terminal.output import complain, each, say


def _start(host: Host, arguments: Arguments) -> int:
    from ...container.lifecycle import actions

    if not (arguments.attach or arguments.interactive):
        return each(host, arguments.operands, lambda found: actions.start(host, found))
    if len(arguments.operands) > 1:
        raise Error("you cannot start and attach multiple containers at once")
    from ...records import container_record
    from ..terminal import session

    container_id = container_record.identify(host.layout, arguments.operands[0])
    spec = container_record.read_spec(host.layout, container_id)
    streams = ["stdout", "stderr"] + (["stdin"] if arguments.interactive else [])
    check_terminal(arguments.interactive and spec.tty)
    status = session.start(
        host,
        container_id,
        session.Attaching(streams, arguments.detach_keys or session.DETACH_KEYS),
    )
    return left(status)


def _attach(host: Host, arguments: Arguments) -> int:
    from ...records import container_record
    from ..terminal import session

    container_id = container_record.identify(host.layout, arguments.operands[0])
    spec = container_record.read_spec(host.layout, container_id)
    streams = ["stdout", "stderr"] + ([] if arguments.no_stdin else ["stdin"])
    check_terminal(not arguments.no_stdin and spec.tty)
    status = session.attach(
        host,
        container_id,
        session.Attaching(
            streams, arguments.detach_keys or session.DETACH_KEYS, arguments.sig_proxy
        ),
    )
    return left(status)


def left(status: Optional[int]) -> int:
    """The program's exit status after a conversation; none is that of a container that keeps
    running.
    """
    if status is None:
        sys.stderr.write("read escape sequence\n")
        return 0
    return status


def check_terminal(needed: bool) -> None:
    """Raise Error where a terminal's keys are to be handed on and there is no terminal."""
    if needed and not sys.stdin.isatty():
        raise Error("the input device is not a TTY")


def _wait(host: Host, arguments: Arguments) -> int:
    from ...container import attached
    from ...records import container_record

    failed = False
    for name in arguments.operands:
        try:
            container_id = container_record.identify(host.layout, name)
            with container_record.watch(host.layout, container_id):
                found = container_record.read_record(host.layout, container_id)
                say(attached.exit_status(host, container_id, found.generation))
            sys.stdout.flush()
        except Error as exc:
            complain(exc)
            failed = True
    return int(failed)


DETACH = Flag("detach-keys", "", STRING, "Override the key sequence for detaching a container")
SIG_PROXY = Flag("sig-proxy", "", SWITCH, "Proxy all received signals to the process", default=True)

VERBS = {
    "start": Verb(
        _start,
        "Start one or more stopped containers",
        "CONTAINER [CONTAINER...]",
        (
            Flag("attach", "a", SWITCH, "Attach STDOUT/STDERR and forward signals"),
            Flag("interactive", "i", SWITCH, "Attach container's STDIN"),
            DETACH,
        ),
    ),
    "attach": Verb(
        _attach,
        "Attach local standard input, output, and error streams to a running container",
        "CONTAINER",
        (DETACH, Flag("no-stdin", "", SWITCH, "Do not attach STDIN"), SIG_PROXY),
    ),
    "wait": Verb(
        _wait,
        "Block until one or more containers stop, then print their exit codes",
        "CONTAINER [CONTAINER...]",
    ),
}
