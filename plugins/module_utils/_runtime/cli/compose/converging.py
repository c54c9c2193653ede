# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""``slipway compose`` up, create and down: the host becomes what the files say."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Optional

from ...base.errors import Error
from ...plan.plan import Host
from ..line.verbs import FLOAT, INT, LIST, STRING, SWITCH, Arguments, Flag, Verb
from . import chosen
from .flags import REFUSED_WATCH, Refused, own, pull_of

if TYPE_CHECKING:
    from ...resource.compose.declare import Declared

_DONE = {
    "Building": "Built",
    "Creating": "Created",
    "Killing": "Killed",
    "Pulling": "Pulled",
    "Recreate": "Recreated",
    "Removing": "Removed",
    "Restarting": "Restarted",
    "Starting": "Started",
    "Stopping": "Stopped",
}


def converge(
    host: Host, arguments: Arguments, options: Mapping[str, Any], quiet: bool = False
) -> list[dict[str, Any]]:
    """Run the module's task, and say what became of each member. Returns the members."""
    from ...resource.compose import declare
    from ...resource.compose.options import defaults

    params = {**defaults(), **options}
    declared = declare.of_project(chosen.asked_of(arguments), params, host.layout)
    if "dry-run" in arguments and arguments.dry_run:
        return _foretold(host, declared)
    return carried_out(host, declared, quiet)


def _foretold(host: Host, declared: Declared) -> list[dict[str, Any]]:
    """Say what would become of each member, as check mode does, and do nothing."""
    from ...resource.compose import decide

    resource = decide.RESOURCE
    declared = resource.located(host, declared)
    plan = resource.foreseen(host, resource.plan(declared, resource.observe(host, declared)))
    resource.result(host, plan.want)
    members: list[dict[str, Any]] = decide.report(host, plan)["members"]
    for action in decide.actions(members):
        what = action["what"].capitalize()
        sys.stderr.write(f" DRY-RUN MODE -  {what} {action['id']}  {action['status']}\n")
    plan.require()
    return members


def carried_out(host: Host, declared: Declared, quiet: bool = False) -> list[dict[str, Any]]:
    from ...base import files
    from ...plan.converge import converge as carry_out
    from ...program import zipapp
    from ...resource.compose import decide

    files.prepare(host.layout)
    # conmon's exit hook is this program; it is there unless somebody runs it from elsewhere.
    if not zipapp.program(host.layout).exists():
        zipapp.install(host.layout)
    resource = decide.RESOURCE
    try:
        plan, found = carry_out(host, resource, declared)
    except Error:
        _tell(host.outcome.get("failed", {}).get("members", ()))
        raise
    resource.result(host, found)
    members: list[dict[str, Any]] = decide.report(host, plan)["members"]
    if not quiet:
        _tell(members)
    return members


def _tell(members: Any) -> None:
    """A line for each member, as Compose ends its display with."""
    from ...resource.compose.decide import actions

    for one in members:
        said = [_DONE.get(action["status"], "") for action in actions([one])]
        what = "Error" if one["failed"] else "Skipped" if one["skipped"] else ""
        if one["kind"] == "container" and said in ([], ["Created"]):
            running = one.get("container") and one["container"]["State"]["Running"]
            what = what or ("Started" if said and running else "Running" if running else "")
        what = what or (said[-1] if said else "")
        if what:
            kind = one["kind"].capitalize()
            name = f'"{one["name"]}"' if kind == "Volume" else one["name"]
            sys.stderr.write(f" {kind} {name}  {what}\n")
    sys.stderr.flush()


def _up(host: Host, arguments: Arguments) -> int:
    ends = arguments.abort_on_container_exit or arguments.abort_on_container_failure
    ends = ends or bool(arguments.exit_code_from)
    for one, other in (
        (arguments.no_start and arguments.wait, "--no-start and --wait"),
        (arguments.force_recreate and arguments.no_recreate, "--force-recreate and --no-recreate"),
        (
            arguments.always_recreate_deps and arguments.no_recreate,
            "--always-recreate-deps and --no-recreate",
        ),
        (arguments.build and arguments.no_build, "--build and --no-build"),
        (arguments.attach and arguments.attach_dependencies, "--attach and --attach-dependencies"),
        (ends and (arguments.detach or arguments.wait), "--abort-on-container-exit and --detach"),
    ):
        if one:
            raise Error(f"{other} are incompatible")
    converge(host, arguments, asked(arguments))
    if arguments.dry_run or arguments.detach or arguments.no_start or arguments.wait:
        return 0
    from .beside import attached

    return attached(host, arguments)


def asked(arguments: Arguments) -> dict[str, Any]:
    """The options of the module that the flags of ``up`` stand for. Raises Error."""
    if arguments.update not in ("", "start_first", "stop_first"):
        raise Error(f"--update: {arguments.update[:40]!r} is neither start_first nor stop_first")
    drain = arguments.drain_timeout
    if drain is not None and drain < 0:
        raise Error(f"--drain-timeout: expected seconds, got {drain:g}")
    recreate = "always" if arguments.force_recreate else "auto"
    return {
        "state": "stopped" if arguments.no_start else "present",
        "services": arguments.operands,
        "dependencies": not arguments.no_deps,
        "scale": chosen.numbers(arguments.scale),
        "recreate": "never" if arguments.no_recreate else recreate,
        "recreate_dependencies": arguments.always_recreate_deps,
        "pull": pull_of(arguments),
        "build": "always" if arguments.build else "never" if arguments.no_build else "policy",
        "remove_orphans": arguments.remove_orphans,
        "renew_anon_volumes": arguments.renew_anon_volumes,
        "timeout": _seconds(arguments.timeout),
        "update": arguments.update or None,
        "drain_timeout": drain,
        "wait": arguments.wait,
        "wait_timeout": arguments.wait_timeout or None,
    }


def _seconds(given: Optional[float]) -> Optional[int]:
    return None if given is None else max(0, int(given))


def _create(host: Host, arguments: Arguments) -> int:
    recreate = "always" if arguments.force_recreate else "auto"
    options = {
        "state": "stopped",
        "services": arguments.operands,
        "scale": chosen.numbers(arguments.scale),
        "recreate": "never" if arguments.no_recreate else recreate,
        "pull": pull_of(arguments),
        "build": "always" if arguments.build else "never" if arguments.no_build else "policy",
        "remove_orphans": arguments.remove_orphans,
    }
    converge(host, arguments, options)
    return 0


def _down(host: Host, arguments: Arguments) -> int:
    if arguments.rmi not in ("", "all", "local"):
        raise Error(f"--rmi: {arguments.rmi[:40]!r} is neither all nor local")
    options = {
        "services": arguments.operands,
        "remove_orphans": arguments.remove_orphans,
        "remove_volumes": arguments.volumes,
        "remove_images": arguments.rmi or None,
        "timeout": _seconds(arguments.timeout),
    }
    end(host, arguments, options)
    return 0


def end(host: Host, arguments: Arguments, options: Mapping[str, Any]) -> None:
    """Remove what is of the project. Without files all that has the project's label goes."""
    from ...resource.compose import declare
    from ...resource.compose.options import defaults

    name, whole = chosen.named(arguments)
    params = {**defaults(), **options, "state": "absent"}
    if whole is not None:
        converge(host, arguments, params)
    elif "dry-run" in arguments and arguments.dry_run:
        _foretold(host, declare.of_name(name, params, host.layout))
    else:
        carried_out(host, declare.of_name(name, params, host.layout))


_SERVICES = "[SERVICE...]"
_TIMEOUT = Flag("timeout", "t", FLOAT, "Specify a shutdown timeout in seconds")
_MAKING = (
    Flag("build", "", SWITCH, "Build images before starting containers"),
    Flag("dry-run", "", SWITCH, "Only say what would be done"),
    Flag("force-recreate", "", SWITCH, "Recreate containers even if nothing changed"),
    Flag("no-build", "", SWITCH, "Don't build an image, even if it's policy"),
    Flag("no-recreate", "", SWITCH, "If containers already exist, don't recreate them"),
    Flag("pull", "", STRING, "Pull image before running (always|missing|never|policy)"),
    Flag("quiet-build", "", SWITCH, "Has no effect: a build prints nothing"),
    Flag("quiet-pull", "", SWITCH, "Has no effect: a pull prints nothing"),
    Flag("remove-orphans", "", SWITCH, "Remove containers for services not defined in the file"),
    Flag("scale", "", LIST, "Scale SERVICE to NUM instances"),
    Flag("yes", "y", SWITCH, "Has no effect: nothing asks"),
)

VERBS = {
    "compose up": Verb(
        _up,
        "Create and start containers",
        _SERVICES,
        own(
            *_MAKING,
            _TIMEOUT,
            Flag("abort-on-container-exit", "", SWITCH, "Stops all containers if any was stopped"),
            Flag("abort-on-container-failure", "", SWITCH, "Stops all containers if any failed"),
            Flag("always-recreate-deps", "", SWITCH, "Recreate dependent containers"),
            Flag("attach", "", LIST, "Restrict attaching to the specified services"),
            Flag("attach-dependencies", "", SWITCH, "Attach to output of dependent services"),
            Flag("detach", "d", SWITCH, "Detached mode: Run containers in the background"),
            Flag("drain-timeout", "", FLOAT, "Seconds that open connections go on after an update"),
            Flag("exit-code-from", "", STRING, "Return the exit code of the selected service"),
            Flag("menu", "", SWITCH, "Has no effect: there are no shortcuts", hidden=True),
            Flag("no-attach", "", LIST, "Do not attach to the specified services"),
            Flag("no-color", "", SWITCH, "Has no effect: output has no colours"),
            Flag("no-deps", "", SWITCH, "Don't start linked services"),
            Flag("no-log-prefix", "", SWITCH, "Don't print prefix in logs"),
            Flag("no-start", "", SWITCH, "Don't start the services after creating them"),
            Flag("renew-anon-volumes", "V", SWITCH, "Recreate anonymous volumes"),
            Flag("timestamps", "", SWITCH, "Show timestamps"),
            Flag("update", "", STRING, "What runs first in an update (start_first|stop_first)"),
            Flag("wait", "", SWITCH, "Wait for services to be running|healthy"),
            Flag("wait-timeout", "", INT, "Maximum duration in seconds to wait for them"),
            Refused("watch", REFUSED_WATCH, SWITCH, "w"),
        ),
    ),
    "compose create": Verb(_create, "Creates containers for a service", _SERVICES, own(*_MAKING)),
    "compose down": Verb(
        _down,
        "Stop and remove containers, networks",
        _SERVICES,
        own(
            _TIMEOUT,
            Flag("dry-run", "", SWITCH, "Only say what would be done"),
            Flag("remove-orphans", "", SWITCH, "Remove containers not defined in the file"),
            Flag("rmi", "", STRING, 'Remove images used by services ("local"|"all")'),
            Flag("volumes", "v", SWITCH, "Remove named volumes and anonymous ones"),
        ),
    ),
}
