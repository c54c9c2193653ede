# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The program's verb exec: one more command in a running container."""

from __future__ import annotations

from ...plan.plan import Host
from ..line.verbs import LIST, STRING, SWITCH, Arguments, Flag, Verb
from ..terminal.output import complain
from .attach import DETACH, check_terminal, left


def _exec(host: Host, arguments: Arguments) -> int:
    from ...container.engine.oci_runtime import NotStarted
    from ...container.lifecycle import execute
    from ...records import container_record
    from ..line import env_variables
    from ..terminal import console, exec_session

    name, *command = arguments.operands
    container_id = container_record.identify(host.layout, name)
    check_terminal(arguments.interactive and arguments.tty and not arguments.detach)
    request = execute.Request(
        tuple(command),
        env_variables.variables(arguments.env, arguments.env_file, env_variables.environment()),
        arguments.user or None,
        arguments.workdir or None,
        arguments.tty,
        arguments.privileged,
        console.window(0) or console.window(1),
    )
    try:
        if arguments.detach:
            execute.start(host, container_id, request)
            return 0
        keys = arguments.detach_keys or console.DETACH_KEYS
        return left(exec_session.execute(host, container_id, request, arguments.interactive, keys))
    except NotStarted as exc:
        complain(exc)
        return exc.status


VERBS = {
    "exec": Verb(
        _exec,
        "Execute a command in a running container",
        "CONTAINER COMMAND [ARG...]",
        (
            Flag("detach", "d", SWITCH, "Detached mode: run command in the background"),
            DETACH,
            Flag("env", "e", LIST, "Set environment variables"),
            Flag("env-file", "", LIST, "Read in a file of environment variables"),
            Flag("interactive", "i", SWITCH, "Keep STDIN open even if not attached"),
            Flag("privileged", "", SWITCH, "Give extended privileges to the command"),
            Flag("tty", "t", SWITCH, "Allocate a pseudo-TTY"),
            Flag("user", "u", STRING, "Username or UID (<name|uid>[:<group|gid>])"),
            Flag("workdir", "w", STRING, "Working directory inside the container"),
        ),
        stops=True,
    ),
}
