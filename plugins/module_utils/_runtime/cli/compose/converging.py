# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""``slipway compose`` up, create, down, pull and build: the host becomes what the files say."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Optional

from ...base.errors import Error
from ...plan.plan import Host
from ..line.verbs import FLOAT, INT, LIST, STRING, SWITCH, Arguments, Flag, Verb
from ..terminal.output import complain
from . import chosen
from .flags import own

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
    return _carried_out(host, declared, quiet)


def _carried_out(host: Host, declared: Declared, quiet: bool = False) -> list[dict[str, Any]]:
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
    if arguments.no_start and arguments.wait:
        raise Error("--no-start and --wait are incompatible")
    if arguments.force_recreate and arguments.no_recreate:
        raise Error("--force-recreate and --no-recreate are incompatible")
    names = arguments.operands
    recreate = "always" if arguments.force_recreate else "auto"
    converge(
        host,
        arguments,
        {
            "state": "stopped" if arguments.no_start else "present",
            "services": names,
            "dependencies": not arguments.no_deps,
            "scale": chosen.numbers(arguments.scale),
            "recreate": "never" if arguments.no_recreate else recreate,
            "pull": _pull_of(arguments),
            "build": "always" if arguments.build else "never" if arguments.no_build else "policy",
            "remove_orphans": arguments.remove_orphans,
            "renew_anon_volumes": arguments.renew_anon_volumes,
            "timeout": _seconds(arguments.timeout),
            "wait": arguments.wait,
            "wait_timeout": arguments.wait_timeout or None,
        },
    )
    if arguments.detach or arguments.no_start or arguments.wait:
        return 0
    return _attached(host, arguments)


def _pull_of(arguments: Arguments) -> str:
    pull = arguments.pull
    if pull not in ("", "always", "missing", "never", "policy", "build"):
        raise Error(f"--pull: {pull[:40]!r} is none of always, missing, never, policy")
    return "policy" if pull in ("", "build") else str(pull)


def _seconds(given: Optional[float]) -> Optional[int]:
    return None if given is None else max(0, int(given))


def _attached(host: Host, arguments: Arguments) -> int:
    """Show what the containers write until they end or somebody interrupts, then stop them."""
    from ...container.lifecycle import actions
    from .showing import follow

    found = [
        mine
        for mine in chosen.containers(host, arguments, arguments.operands)
        if mine.service not in arguments.no_attach
    ]
    try:
        follow(host, found, prefixed=not arguments.no_log_prefix, stamped=arguments.timestamps)
    except KeyboardInterrupt:
        sys.stderr.write("Gracefully Stopping... press Ctrl+C again to force\n")
        for mine in chosen.ordered(found, ends=True):
            actions.stop(host, mine.record.id)
            sys.stderr.write(f" Container {mine.record.name}  Stopped\n")
        return 130
    return 0


def _create(host: Host, arguments: Arguments) -> int:
    recreate = "always" if arguments.force_recreate else "auto"
    options = {
        "state": "stopped",
        "services": arguments.operands,
        "scale": chosen.numbers(arguments.scale),
        "recreate": "never" if arguments.no_recreate else recreate,
        "pull": _pull_of(arguments),
        "build": "always" if arguments.build else "never" if arguments.no_build else "policy",
        "remove_orphans": arguments.remove_orphans,
    }
    converge(host, arguments, options)
    return 0


def _down(host: Host, arguments: Arguments) -> int:
    from ...resource.compose import declare

    if arguments.rmi not in ("", "all", "local"):
        raise Error(f"--rmi: {arguments.rmi[:40]!r} is neither all nor local")
    options = {
        "state": "absent",
        "services": arguments.operands,
        "remove_orphans": arguments.remove_orphans,
        "remove_volumes": arguments.volumes,
        "remove_images": arguments.rmi or None,
        "timeout": _seconds(arguments.timeout),
    }
    name, whole = chosen.named(arguments)
    if whole is not None:
        converge(host, arguments, options)
        return 0
    # Without files all that has the project's label goes.
    declared = declare.of_name(name, options, host.layout)
    _carried_out(host, declared)
    return 0


def _pull(host: Host, arguments: Arguments) -> int:
    from ...image.store import store
    from ..verb import registry

    whole = chosen.read(arguments, arguments.operands)
    failed = False
    for name, given in whole.services.items():
        if arguments.operands and name not in arguments.operands:
            continue
        if given.get("build") is not None or not given.get("image"):
            sys.stderr.write(f" {name} Skipped - No image to be pulled\n")
            continue
        image = str(given["image"])
        if arguments.policy == "missing" and store.find(host.layout, image) is not None:
            sys.stderr.write(f" {name} Skipped - Image is already present locally\n")
            continue
        try:
            registry.pull(host, image, str(given.get("platform") or ""), tell=_nothing, quiet=True)
        except Error as exc:
            failed = True
            complain(f"service {name}: {exc}")
            continue
        if not arguments.quiet:
            sys.stderr.write(f" {name} Pulled\n")
    return int(failed and not arguments.ignore_pull_failures)


def _nothing(line: object) -> None:
    """What a pull says is said once for each service."""


def _build(host: Host, arguments: Arguments) -> int:
    from ...compose.base.findings import Findings
    from ...compose.service import build
    from ...plan.converge import converge as carry_out
    from ...resource.image import image

    whole = chosen.read(arguments, arguments.operands)
    findings = Findings()
    entries = {
        name: build.entry(whole, name, given, findings)
        for name, given in whole.services.items()
        if not arguments.operands or name in arguments.operands
    }
    findings.refuse(whole.name)
    args = dict(text.partition("=")[::2] for text in arguments.build_arg)
    for entry in entries.values():
        if entry is None:
            continue
        options = dict(entry["build"])
        options["args"] = {**options.get("args", {}), **args}
        options["nocache"] = options.get("nocache") or arguments.no_cache
        options["pull"] = options.get("pull") or arguments.pull
        params = {**entry, "build": options, "force_source": True, "state": "present"}
        carry_out(host, image.RESOURCE, image.declare(params))
        if not arguments.quiet:
            sys.stderr.write(f" {entry['name']}  Built\n")
    return 0


_SERVICES = "[SERVICE...]"
_TIMEOUT = Flag("timeout", "t", FLOAT, "Specify a shutdown timeout in seconds")
_MAKING = (
    Flag("build", "", SWITCH, "Build images before starting containers"),
    Flag("force-recreate", "", SWITCH, "Recreate containers even if nothing changed"),
    Flag("no-build", "", SWITCH, "Don't build an image, even if it's policy"),
    Flag("no-recreate", "", SWITCH, "If containers already exist, don't recreate them"),
    Flag("pull", "", STRING, "Pull image before running (always|missing|never|policy)"),
    Flag("quiet-pull", "", SWITCH, "Pull without printing progress information"),
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
            Flag("detach", "d", SWITCH, "Detached mode: Run containers in the background"),
            Flag("no-attach", "", LIST, "Do not attach to the specified services"),
            Flag("no-color", "", SWITCH, "Has no effect: output has no colours"),
            Flag("no-deps", "", SWITCH, "Don't start linked services"),
            Flag("no-log-prefix", "", SWITCH, "Don't print prefix in logs"),
            Flag("no-start", "", SWITCH, "Don't start the services after creating them"),
            Flag("renew-anon-volumes", "V", SWITCH, "Recreate anonymous volumes"),
            Flag("timestamps", "", SWITCH, "Show timestamps"),
            Flag("wait", "", SWITCH, "Wait for services to be running|healthy"),
            Flag("wait-timeout", "", INT, "Maximum duration in seconds to wait for them"),
        ),
    ),
    "compose create": Verb(_create, "Creates containers for a service", _SERVICES, own(*_MAKING)),
    "compose down": Verb(
        _down,
        "Stop and remove containers, networks",
        _SERVICES,
        own(
            _TIMEOUT,
            Flag("remove-orphans", "", SWITCH, "Remove containers not defined in the file"),
            Flag("rmi", "", STRING, 'Remove images used by services ("local"|"all")'),
            Flag("volumes", "v", SWITCH, "Remove named volumes and anonymous ones"),
        ),
    ),
    "compose pull": Verb(
        _pull,
        "Pull service images",
        _SERVICES,
        own(
            Flag("ignore-pull-failures", "", SWITCH, "Pull what it can and ignore failures"),
            Flag("policy", "", STRING, 'Apply pull policy ("missing"|"always")'),
            Flag("quiet", "q", SWITCH, "Pull without printing progress information"),
        ),
    ),
    "compose build": Verb(
        _build,
        "Build or rebuild services",
        _SERVICES,
        own(
            Flag("build-arg", "", LIST, "Set build-time variables for services"),
            Flag("no-cache", "", SWITCH, "Do not use cache when building the image"),
            Flag("pull", "", SWITCH, "Always attempt to pull a newer version of the image"),
            Flag("quiet", "q", SWITCH, "Don't print anything to STDOUT"),
        ),
    ),
}
