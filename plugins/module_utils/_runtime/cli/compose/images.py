# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""``slipway compose`` pull and build: the images of services."""

from __future__ import annotations

import sys

from ...base.errors import Error
from ...plan.plan import Host
from ..line.verbs import LIST, STRING, SWITCH, Arguments, Flag, Verb, read
from . import chosen
from .flags import Refused, own


def _pull(host: Host, arguments: Arguments) -> int:
    from ...plan.converge import converge as carry_out
    from ...resource.compose import pulling

    if arguments.policy not in ("", "always", "missing"):
        raise Error(f"--policy: {arguments.policy[:40]!r} is neither always nor missing")
    options = {
        "policy": arguments.policy,
        "services": arguments.operands,
        "include_deps": arguments.include_deps,
        "ignore_buildable": arguments.ignore_buildable,
        "ignore_pull_failures": arguments.ignore_pull_failures,
    }
    declared = pulling.declare(chosen.asked_of(arguments), options)
    plan, found = carry_out(host, pulling.RESOURCE, declared)
    if arguments.quiet:
        return 0
    for name, why in declared.skipped.items():
        sys.stderr.write(f" {name} Skipped - {why}\n")
    pulled = {one["id"] for one in pulling.report(host, plan)["actions"]}
    for number, wanted in enumerate(declared.wanted):
        asked = wanted.declared.always or wanted.image in pulled
        said = "Pulled" if asked else "Skipped - Image is already present locally"
        for name in () if number in found.about["failed"] else wanted.services:
            sys.stderr.write(f" {name} {said}\n")
    return 0


def _build(host: Host, arguments: Arguments) -> int:
    from ...compose.base.findings import Findings
    from ...compose.service import build
    from ...plan.converge import converge as carry_out
    from ...resource.compose import building
    from ...resource.image import image
    from ...resource.stack.order import with_needed
    from ..verb.images import registry

    whole = chosen.read(arguments, arguments.operands)
    names = set(arguments.operands or whole.services)
    if arguments.with_dependencies:
        needs = {name: set(given.get("depends_on") or ()) for name, given in whole.services.items()}
        names = with_needed(needs, names)
    findings = Findings()
    takes = {name: build.needed(given) for name, given in whole.services.items()}
    names = with_needed(takes, names)
    entries = [
        (build.entry(whole, name, whole.services[name], findings), whole.services[name])
        for name in build.in_order(whole.services, findings)
        if name in names
    ]
    findings.refuse(whole.name)
    args = dict(text.partition("=")[::2] for text in arguments.build_arg)
    for entry, given in entries:
        if entry is None:
            continue
        options = dict(entry["build"])
        options["args"] = {**options.get("args", {}), **args}
        options["nocache"] = options.get("nocache") or arguments.no_cache
        options["pull"] = options.get("pull") or arguments.pull
        options["ssh"] = [*options.get("ssh", ()), *arguments.ssh]
        declared = building.declared({**entry, "build": options}, again=True)
        carry_out(host, image.RESOURCE, declared)
        if not arguments.quiet:
            sys.stderr.write(f" {entry['name']}  Built\n")
        if arguments.push and given.get("image"):
            verb = registry.VERBS["push"]
            verb.run(host, read(verb, "push", ["--quiet", entry["name"]]))
            if not arguments.quiet:
                sys.stderr.write(f" {entry['name']}  Pushed\n")
    return 0


_SERVICES = "[SERVICE...]"

VERBS = {
    "compose pull": Verb(
        _pull,
        "Pull service images",
        _SERVICES,
        own(
            Flag("ignore-buildable", "", SWITCH, "Ignore images that can be built"),
            Flag("ignore-pull-failures", "", SWITCH, "Pull what it can and ignore failures"),
            Flag("include-deps", "", SWITCH, "Also pull services declared as dependencies"),
            Flag("no-parallel", "", SWITCH, "Has no effect", hidden=True),
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
            Refused("builder", "there is one builder", STRING),
            Refused("check", "a build finds the mistakes of a Dockerfile before its first step"),
            Flag("compress", "", SWITCH, "Has no effect", hidden=True),
            Flag("force-rm", "", SWITCH, "Has no effect", hidden=True),
            Refused("memory", "a build has the limits of whoever builds", STRING, "m"),
            Flag("no-cache", "", SWITCH, "Do not use cache when building the image"),
            Flag("no-rm", "", SWITCH, "Has no effect", hidden=True),
            Refused("print", "there are no files of bake"),
            Flag("provenance", "", STRING, "Has no effect: no attestations are made"),
            Flag("pull", "", SWITCH, "Always attempt to pull a newer version of the image"),
            Flag("push", "", SWITCH, "Push service images"),
            Flag("quiet", "q", SWITCH, "Don't print anything to STDOUT"),
            Flag("sbom", "", STRING, "Has no effect: no attestations are made"),
            Flag("ssh", "", LIST, "Set SSH agents to use: default, ID=SOCKET or ID=KEY"),
            Flag("with-dependencies", "", SWITCH, "Also build dependencies (transitively)"),
        ),
    ),
}
