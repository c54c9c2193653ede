# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The program's verbs that create containers: run and create."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Optional

from ...base.errors import Conflict, Error, NotFound
from ...base.frozen import replace
from ...plan.plan import Host, Plan
from ..line import run_flags
from ..line.verbs import STRINGS, SWITCH, Arguments, Flag, Verb
from ..terminal.output import complain, each, say
from .attach import DETACH, SIG_PROXY, check_terminal, left

if TYPE_CHECKING:
    from ...resource.container.declare import Declared
    from ...resource.container.observe import State

#: How often another name is tried where the one that was thought of is taken.
_NAME_TRIES = 20

_STREAMS = ("stdin", "stdout", "stderr")


def _create(host: Host, arguments: Arguments) -> int:
    streams = _streams(arguments, detached=False)
    say(_make(host, arguments, stdin_once="stdin" in streams))
    return 0


def _run(host: Host, arguments: Arguments) -> int:
    from ...container.engine.oci_runtime import NotStarted

    try:
        return _begin(host, arguments)
    except NotStarted as exc:
        complain(exc)
        return exc.status


def _begin(host: Host, arguments: Arguments) -> int:
    if arguments.detach and arguments.attach:
        raise Error("conflicting options: cannot specify both --attach and --detach")
    streams = _streams(arguments, arguments.detach)
    check_terminal("stdin" in streams and arguments.tty)
    container_id = _make(host, arguments, stdin_once="stdin" in streams)
    from ...container import attached
    from ...container.lifecycle import actions

    if arguments.detach:
        with attached.removed_on_failure(host, container_id, arguments.rm):
            actions.start(host, container_id)
        say(container_id)
        return 0
    from ..terminal import session

    if streams == ["stdin"]:
        say(container_id)
        sys.stdout.flush()
    keys = arguments.detach_keys or session.DETACH_KEYS
    how = session.Attaching(streams, keys, arguments.sig_proxy)
    with attached.removed_on_failure(host, container_id, arguments.rm):
        status = session.start(host, container_id, how)
    if arguments.rm and status is not None:
        attached.await_removal(host, container_id)
    return left(status)


def _streams(arguments: Arguments, detached: bool) -> list[str]:
    """What to attach to: as -a says, or the output, and the input with -i."""
    if detached:
        return []
    asked = [name.lower() for name in arguments.attach]
    for name in asked:
        if name not in _STREAMS:
            raise Error("valid streams are STDIN, STDOUT and STDERR")
    if asked:
        return [name for name in _STREAMS if name in asked]
    return [*(["stdin"] if arguments.interactive else []), "stdout", "stderr"]


def _make(host: Host, arguments: Arguments, stdin_once: bool) -> str:
    """Create the container that the flags ask for, as a task would. Returns its id."""
    from ...base import files
    from ...plan.converge import converge
    from ...program import zipapp
    from ...resource.container import decide
    from ..line import env_variables, run_params

    def plan(declared: Declared, have: State) -> Plan[State]:
        if have.spec is not None:
            raise Conflict(
                f"the container name {have.name} is already in use by container {have.id[:12]}",
                hint="remove or rename that container to reuse the name",
            )
        return decide.plan(declared, have)

    image, *command = arguments.operands
    params = run_params.params(arguments, env_variables.environment())
    if command:
        params["command"] = command
    params |= {
        "image": image,
        "pull": "never",
        "name": arguments.name or "new",
        "platform": arguments.platform,
    }
    files.prepare(host.layout)
    cidfile = _cidfile(arguments.cidfile)
    declared = decide.declare(run_params.with_defaults(params))
    known = decide.RESOURCE.observe(host, declared).around.image_id
    _provide(host, image, arguments, here=bool(known))
    # conmon's exit hook is this program; it is there unless somebody runs it from elsewhere.
    if not zipapp.program(host.layout).exists():
        zipapp.install(host.layout)
    new = replace(decide.RESOURCE, plan=plan)
    for name in _names(arguments.name):
        declared = decide.declare(run_params.with_defaults({**params, "name": name}))
        declared = replace(declared, stdin_once=stdin_once)
        try:
            made = converge(host, new, declared)[1]
        except Conflict:
            if arguments.name:
                raise
            continue
        if cidfile is not None:
            cidfile.write_text(made.id, "ascii")
        return made.id
    raise Error("no unused random name was found", hint="choose one with --name")


def _names(given: str) -> Sequence[str]:
    if given:
        return [given]
    from ..line import nicknames

    return [nicknames.random(retry=count > 0) for count in range(_NAME_TRIES)]


def _cidfile(text: str) -> Optional[Path]:
    """The file for the id, checked before anything is made: an old one is not written over."""
    if not text:
        return None
    path = Path(os.path.abspath(text))
    if path.exists():
        raise Error(
            f"container ID file {text} found",
            hint="make sure the other container isn't running, or delete it",
        )
    if not path.parent.is_dir():
        raise Error(f"the directory {path.parent} does not exist")
    return path


def _provide(host: Host, image: str, arguments: Arguments, here: bool) -> None:
    """Pull the image where --pull asks for that, telling of it as docker run does."""
    if arguments.pull == "never" or (here and arguments.pull == "missing"):
        if not here:
            from ...image import expected

            why = expected.unread(host, image)
            more = f": {why}" if why else ""
            raise NotFound(
                f"No such image: {image[:200]}{more}", hint="--pull=never does not pull it"
            )
        return
    from ...spec.reference import parse_normalized
    from .images import registry

    if not here and not arguments.quiet:
        shown = parse_normalized(image)
        complain(f"unable to find image {shown.familiar!r} locally")
    tell = _nothing if arguments.quiet else _aside
    registry.pull(host, image, arguments.platform, quiet=arguments.quiet, tell=tell)


def _nothing(line: object) -> None:
    """--quiet."""


def _aside(line: object) -> None:
    sys.stderr.write(f"{line}\n")


def _update(host: Host, arguments: Arguments) -> int:
    from ...plan.converge import converge
    from ...records import container_record
    from ...resource.container import decide
    from ..line import run_params

    if not arguments.given:
        raise Error("you must provide one or more flags when using this command")
    params = run_params.params(arguments, {})

    def update(found: str) -> None:
        name = container_record.read_record(host.layout, found).name
        declared = decide.declare(run_params.with_defaults({**params, "name": name}))
        converge(host, decide.RESOURCE, declared)

    return each(host, arguments.operands, update)


_UPDATED = (
    "blkio-weight", "cpu-period", "cpu-quota", "cpu-rt-period", "cpu-rt-runtime", "cpu-shares",
    "cpus", "cpuset-cpus", "cpuset-mems", "kernel-memory", "memory", "memory-reservation",
    "memory-swap", "pids-limit", "restart",
)  # fmt: skip

_COMMON = (
    *run_flags.FLAGS,
    Flag("attach", "a", STRINGS, "Attach to STDIN, STDOUT or STDERR"),
)


VERBS = {
    "run": Verb(
        _run,
        "Create and run a new container from an image",
        "IMAGE [COMMAND] [ARG...]",
        (
            *_COMMON,
            Flag("detach", "d", SWITCH, "Run container in background and print container ID"),
            DETACH,
            SIG_PROXY,
        ),
        stops=True,
        failure=125,
    ),
    "update": Verb(
        _update,
        "Update configuration of one or more containers",
        "CONTAINER [CONTAINER...]",
        tuple(flag for flag in run_flags.FLAGS if flag.name in _UPDATED),
    ),
    "create": Verb(
        _create, "Create a new container", "IMAGE [COMMAND] [ARG...]", _COMMON, stops=True
    ),
}
