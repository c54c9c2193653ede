# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""``slipway compose`` exec and run: a process in a container, or a container for a process."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from ...plan.plan import Host
from ..line.verbs import INT, LIST, STRING, SWITCH, Arguments, Flag, Verb
from ..terminal.output import say
from ..verb.attach import left
from . import chosen
from .flags import own, pull_of

if TYPE_CHECKING:
    from ...resource.compose.one_off import Command


def _terminal(arguments: Arguments) -> bool:
    """Whether there is one for the process: unless it is refused, if whoever asks has one."""
    return not arguments.no_tty and sys.stdin.isatty() and sys.stdout.isatty()


def _exec(host: Host, arguments: Arguments) -> int:
    from ..verb import exec as verb_exec

    service, *command = arguments.operands
    mine = chosen.one(host, arguments, service, arguments.index)
    values = {
        "detach": arguments.detach,
        "detach-keys": "",
        "env": arguments.env,
        "env-file": [],
        "interactive": arguments.interactive and not arguments.detach,
        "privileged": arguments.privileged,
        "tty": _terminal(arguments) and not arguments.detach,
        "user": arguments.user,
        "workdir": arguments.workdir,
    }
    words = [mine.record.id, *command]
    return verb_exec.VERBS["exec"].run(host, Arguments(values, words, set(arguments.given)))


def _run(host: Host, arguments: Arguments) -> int:
    from ...container import attached
    from ...container.lifecycle import actions
    from ..terminal import session

    container_id = _made(host, arguments)
    with attached.removed_on_failure(host, container_id, arguments.rm):
        if arguments.detach:
            actions.start(host, container_id)
            say(container_id)
            return 0
        streams = [*(["stdin"] if arguments.interactive else []), "stdout", "stderr"]
        status = session.start(host, container_id, session.Attaching(streams))
    if arguments.rm and status is not None:
        attached.await_removal(host, container_id)
    return left(status)


def _made(host: Host, arguments: Arguments) -> str:
    """Create a container of the service for one command, once all that it needs is there."""
    from ...plan.converge import converge
    from ...resource.compose import one_off
    from ...resource.container import decide
    from .converging import carried_out

    command = _command(arguments)
    asked = chosen.asked_of(arguments)
    carried_out(host, one_off.around(asked, command, host.layout), quiet=arguments.quiet)
    declared = one_off.container(asked, command, host.layout)
    return converge(host, decide.RESOURCE, declared)[1].id


def _command(arguments: Arguments) -> Command:
    """What the flags say over the service."""
    import shlex

    from ...resource.compose.one_off import Command
    from ..line import env_variables

    service, *argv = arguments.operands
    variables = env_variables.variables(
        arguments.env, arguments.env_from_file, env_variables.environment()
    )
    return Command(
        service=service,
        argv=tuple(argv),
        name=arguments.name,
        entrypoint=(
            tuple(shlex.split(arguments.entrypoint)) if "entrypoint" in arguments.given else None
        ),
        user=arguments.user,
        cwd=arguments.workdir,
        env=variables,
        labels=dict(text.partition("=")[::2] for text in arguments.label),
        volumes=tuple(arguments.volume),
        publish=tuple(arguments.publish),
        service_ports=arguments.service_ports,
        use_aliases=arguments.use_aliases,
        cap_add=tuple(arguments.cap_add),
        cap_drop=tuple(arguments.cap_drop),
        tty=_terminal(arguments),
        interactive=arguments.interactive,
        remove=arguments.rm,
        no_deps=arguments.no_deps,
        build=arguments.build,
        pull=pull_of(arguments),
        remove_orphans=arguments.remove_orphans,
    )


_NO_TTY = Flag("no-tty", "T", SWITCH, "Disable pseudo-TTY allocation")
_INTERACTIVE = Flag(
    "interactive", "i", SWITCH, "Keep STDIN open even if not attached", default=True
)

VERBS = {
    "compose exec": Verb(
        _exec,
        "Execute a command in a running container",
        "SERVICE COMMAND [ARGS...]",
        own(
            Flag("detach", "d", SWITCH, "Detached mode: Run command in the background"),
            Flag("env", "e", LIST, "Set environment variables"),
            Flag("index", "", INT, "Index of the container if service has multiple replicas"),
            _INTERACTIVE,
            _NO_TTY,
            Flag("privileged", "", SWITCH, "Give extended privileges to the process"),
            Flag("tty", "t", SWITCH, "Has no effect: that is the default", hidden=True),
            Flag("user", "u", STRING, "Run the command as this user"),
            Flag("workdir", "w", STRING, "Path to workdir directory for this command"),
        ),
        stops=True,
    ),
    "compose run": Verb(
        _run,
        "Run a one-off command on a service",
        "SERVICE [COMMAND] [ARGS...]",
        own(
            Flag("build", "", SWITCH, "Build image before starting container"),
            Flag("cap-add", "", LIST, "Add Linux capabilities"),
            Flag("cap-drop", "", LIST, "Drop Linux capabilities"),
            Flag("detach", "d", SWITCH, "Run container in background and print container ID"),
            Flag("entrypoint", "", STRING, "Override the entrypoint of the image"),
            Flag("env", "e", LIST, "Set environment variables"),
            Flag("env-from-file", "", LIST, "Set environment variables from file"),
            _INTERACTIVE,
            Flag("label", "l", LIST, "Add or override a label"),
            Flag("name", "", STRING, "Assign a name to the container"),
            Flag("no-deps", "", SWITCH, "Don't start linked services"),
            _NO_TTY,
            Flag("publish", "p", LIST, "Publish a container's port(s) to the host"),
            Flag("pull", "", STRING, "Pull image before running (always|missing|never|policy)"),
            Flag("quiet", "q", SWITCH, "Don't print anything about what it needs"),
            Flag("quiet-build", "", SWITCH, "Has no effect: a build prints nothing"),
            Flag("quiet-pull", "", SWITCH, "Has no effect: a pull prints nothing"),
            Flag("remove-orphans", "", SWITCH, "Remove containers not defined in the file"),
            Flag("rm", "", SWITCH, "Automatically remove the container when it exits"),
            Flag("service-ports", "P", SWITCH, "Publish the service's ports"),
            Flag("tty", "t", SWITCH, "Has no effect: that is the default", hidden=True),
            Flag("use-aliases", "", SWITCH, "Use the service's network aliases"),
            Flag("user", "u", STRING, "Run as specified username or uid"),
            Flag("volume", "v", LIST, "Bind mount a volume"),
            Flag("workdir", "w", STRING, "Working directory inside the container"),
        ),
        stops=True,
    ),
}
