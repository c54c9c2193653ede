# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""``slipway compose config``: the files as one, or what is in them."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from ...base.errors import Error
from ...plan.plan import Host
from ..line.verbs import STRING, SWITCH, Arguments, Flag, Verb
from ..terminal.output import say
from . import chosen
from .flags import own


def _config(host: Host, arguments: Arguments) -> int:
    from ...compose.base.findings import Findings
    from ...compose.compiled import compile_project
    from ...compose.reading.yaml_text import dump

    raw = arguments["no-interpolate"] or arguments["variables"]
    whole = chosen.read(arguments, arguments.operands, raw)
    if arguments["variables"]:
        return _variables(whole, arguments.format == "json")
    if arguments.environment:
        for name, value in sorted(whole.variables.items()):
            say(f"{name}={value}")
        return 0
    findings = Findings()
    compiled = None
    if arguments["hash"] or not (arguments.no_consistency or raw):
        compiled = compile_project(whole, findings)
        findings.refuse(whole.name)
    if arguments["hash"] and compiled is not None:
        return _hashes(compiled, arguments["hash"])
    for flag, names in _lists(whole).items():
        if arguments[flag]:
            for name in names:
                say(name)
            return 0
    if arguments.quiet:
        return 0
    document = _document(whole, arguments.operands, not arguments.no_path_resolution)
    content = _escaped({"name": whole.name, **document}) if not raw else document
    if arguments["resolve-image-digests"] or arguments["lock-image-digests"]:
        pinned = _pinned(host, whole, document["services"])
        content = {**content, "services": _with_images(content["services"], pinned)}
        if arguments["lock-image-digests"]:
            content = {"services": {name: {"image": image} for name, image in pinned.items()}}
    text = json.dumps(content, indent=2) if arguments.format == "json" else dump(content).rstrip()
    if arguments.output:
        with open(arguments.output, "w", encoding="utf-8") as file:
            file.write(f"{text}\n")
    else:
        say(text)
    return 0


def _lists(whole: Any) -> dict[str, list[str]]:
    """What the flags of these names print, a line each."""
    from ...compose.service import build

    services = whole.services
    every = {**services, **whole.others}.values()
    return {
        "services": list(services),
        "volumes": list(whole.section("volumes")),
        "networks": list(whole.section("networks")),
        "images": [build.image_of(whole, name, given) for name, given in services.items()],
        "profiles": sorted({str(one) for given in every for one in given.get("profiles") or ()}),
        "models": list(whole.section("models")),
    }


def _document(whole: Any, services: Sequence[str], absolute: bool) -> dict[str, Any]:
    """The files as one, as a file that needs no others; paths are ``absolute`` or as they are."""
    from ...compose.reading import paths

    found = {key: value for key, value in whole.content.items() if key not in ("name", "version")}
    chosen_services = {
        name: paths.rebased(given, whole.base) if absolute else given
        for name, given in whole.services.items()
        if not services or name in services
    }
    for kind in ("configs", "secrets") if absolute else ():
        if isinstance(found.get(kind), Mapping):
            given = found[kind].items()
            found[kind] = {name: paths.rebased_file(one, whole.base) for name, one in given}
    return {**found, "services": chosen_services}


def _escaped(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {str(key): _escaped(one) for key, one in value.items()}
    if isinstance(value, list):
        return [_escaped(one) for one in value]
    return value.replace("$", "$$") if isinstance(value, str) else value


def _variables(whole: Any, as_json: bool) -> int:
    """The variables that the files name, each with what the first text says of it."""
    from ...compose.reading.variables import mentioned
    from ...text.table import table

    found = mentioned({**whole.content, "services": {**whole.services, **whole.others}})
    if as_json:
        said = {
            name: {
                "Name": name,
                "DefaultValue": one.default,
                "PresenceValue": one.alternate,
                "Required": one.required,
            }
            for name, one in found.items()
        }
        say(json.dumps(said, indent=2))
        return 0
    rows = [["NAME", "REQUIRED", "DEFAULT VALUE", "ALTERNATE VALUE"]]
    for name, one in sorted(found.items()):
        rows.append([name, str(one.required).lower(), one.default, one.alternate])
    for line in table(rows):
        say(line.rstrip())
    return 0


#: Options that say how a container is replaced or waited for, and not what it is.
_NOT_HASHED = ("name", "pull", "update", "share_volumes")


def _hashes(compiled: Any, which: str) -> int:
    """What changes when the containers of a service would be made anew, a line for each."""
    import hashlib

    names = list(compiled.project.services) if which == "*" else which.split(",")
    for name in names:
        if name not in compiled.project.services:
            raise Error(f"no such service: {name[:100]}")
    for name in sorted(names):
        entries = (one.options for one in compiled.containers if one.key == name)
        given: Mapping[str, Any] = next(entries, {})
        options = {key: value for key, value in given.items() if key not in _NOT_HASHED}
        text = json.dumps(options, sort_keys=True, default=str)
        say(f"{name} {hashlib.sha256(text.encode()).hexdigest()}")
    return 0


def _pinned(host: Host, whole: Any, services: Mapping[str, Any]) -> dict[str, str]:
    """The images of services with the digests that their registries have now. Raises Error."""
    from ...compose.service import build
    from ...image import transfer
    from ...spec.reference import parse_normalized

    found = {}
    for name in services:
        given = whole.services[name]
        if given.get("image") and not (given.get("build") and given.get("pull_policy") == "build"):
            reference = parse_normalized(build.image_of(whole, name, given))
            digest = transfer.newest_digest(host, reference.canonical)
            found[name] = f"{reference.repository}@{digest}"
    return found


def _with_images(services: Mapping[str, Any], images: Mapping[str, str]) -> dict[str, Any]:
    return {
        name: {**given, **({"image": images[name]} if name in images else {})}
        for name, given in services.items()
    }


_FLAGS = own(
    Flag("all-resources", "", SWITCH, "Has no effect: they are included", hidden=True),
    Flag("environment", "", SWITCH, "Print environment used for interpolation"),
    Flag("format", "", STRING, "Format the output: yaml or json", default="yaml"),
    Flag("hash", "", STRING, "Print the service config hash, one per line"),
    Flag("images", "", SWITCH, "Print the image names, one per line"),
    Flag("lock-image-digests", "", SWITCH, "Produces an override file with image digests"),
    Flag("models", "", SWITCH, "Print the model names, one per line"),
    Flag("networks", "", SWITCH, "Print the network names, one per line"),
    Flag("no-consistency", "", SWITCH, "Don't refuse what up would refuse"),
    Flag("no-env-resolution", "", SWITCH, "Has no effect: env_file stays as it is"),
    Flag("no-interpolate", "", SWITCH, "Don't interpolate environment variables"),
    Flag("no-normalize", "", SWITCH, "Has no effect: files stay as they are written"),
    Flag("no-path-resolution", "", SWITCH, "Don't resolve file paths"),
    Flag("output", "o", STRING, "Save to file (default to stdout)"),
    Flag("profiles", "", SWITCH, "Print the profile names, one per line"),
    Flag("quiet", "q", SWITCH, "Only validate the configuration"),
    Flag("resolve-image-digests", "", SWITCH, "Pin image tags to digests"),
    Flag("services", "", SWITCH, "Print the service names, one per line"),
    Flag("variables", "", SWITCH, "Print model variables and default values"),
    Flag("volumes", "", SWITCH, "Print the volume names, one per line"),
)

VERBS = {
    f"compose {name}": Verb(
        _config,
        "Parse, resolve and render the Compose files in canonical form",
        "[SERVICE...]",
        _FLAGS,
        hidden=hidden,
    )
    for name, hidden in (("config", False), ("convert", True))
}
