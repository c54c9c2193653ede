# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""``slipway compose config``: the files as one, or what is in them."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from ...plan.plan import Host
from ..line.verbs import STRING, SWITCH, Arguments, Flag, Verb
from ..terminal.output import say
from . import chosen
from .flags import Refused, own


def _config(host: Host, arguments: Arguments) -> int:
    from ...compose.base.findings import Findings
    from ...compose.compiled import compile_project
    from ...compose.reading.yaml_text import dump

    whole = chosen.read(arguments, arguments.operands)
    if arguments.environment:
        for name, value in sorted(whole.variables.items()):
            say(f"{name}={value}")
        return 0
    if not arguments.no_consistency:
        findings = Findings()
        compile_project(whole, findings)
        findings.refuse(whole.name)
    for flag, names in _lists(whole).items():
        if arguments[flag]:
            for name in names:
                say(name)
            return 0
    if arguments.quiet:
        return 0
    document = _document(whole, arguments.operands, not arguments.no_path_resolution)
    content = {"name": whole.name, **document}
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
    """The files as one, as they would be written in a file that needs no others: a dollar is one,
    and unless that is not wanted paths are ``absolute``.
    """
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
    return _escaped({**found, "services": chosen_services})  # type: ignore[no-any-return]


def _escaped(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {str(key): _escaped(one) for key, one in value.items()}
    if isinstance(value, list):
        return [_escaped(one) for one in value]
    return value.replace("$", "$$") if isinstance(value, str) else value


_DIGESTS = "write the digests into the files: image: NAME@sha256:..."
_FLAGS = own(
    Flag("all-resources", "", SWITCH, "Has no effect: they are included", hidden=True),
    Flag("environment", "", SWITCH, "Print environment used for interpolation"),
    Flag("format", "", STRING, "Format the output: yaml or json", default="yaml"),
    Refused("hash", "containers are compared by their options, not by hashes", STRING),
    Flag("images", "", SWITCH, "Print the image names, one per line"),
    Refused("lock-image-digests", _DIGESTS),
    Flag("models", "", SWITCH, "Print the model names, one per line"),
    Flag("networks", "", SWITCH, "Print the network names, one per line"),
    Flag("no-consistency", "", SWITCH, "Don't refuse what up would refuse"),
    Flag("no-env-resolution", "", SWITCH, "Has no effect: env_file stays as it is"),
    Refused("no-interpolate", "files are only read with their variables"),
    Flag("no-normalize", "", SWITCH, "Has no effect: files stay as they are written"),
    Flag("no-path-resolution", "", SWITCH, "Don't resolve file paths"),
    Flag("output", "o", STRING, "Save to file (default to stdout)"),
    Flag("profiles", "", SWITCH, "Print the profile names, one per line"),
    Flag("quiet", "q", SWITCH, "Only validate the configuration"),
    Refused("resolve-image-digests", _DIGESTS),
    Flag("services", "", SWITCH, "Print the service names, one per line"),
    Refused("variables", "files are only read with their variables; see --environment"),
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
