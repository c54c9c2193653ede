# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The program's verbs for volumes, with Docker's flags and output."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ...base.errors import Error, NotFound
from ...plan.plan import Host
from ..line.verbs import FILTER, LIST, STRING, SWITCH, Arguments, Flag, Verb
from ..terminal.output import complain, say

_HEADINGS = {
    "Driver": "DRIVER",
    "Name": "VOLUME NAME",
    "Scope": "SCOPE",
    "Mountpoint": "MOUNTPOINT",
    "Labels": "LABELS",
    "Links": "LINKS",
    "Size": "SIZE",
}

_FILTERS = ("dangling", "driver", "label", "label!", "name")


def _create(host: Host, arguments: Arguments) -> int:
    import secrets

    from ...base.frozen import replace
    from ...plan.converge import converge
    from ...resource.volume import decide
    from ...volume import store

    named = bool(arguments.operands)
    declared = decide.declare(
        {
            "volume_name": arguments.operands[0] if named else secrets.token_hex(32),
            "driver": arguments.driver,
            "driver_options": _pairs(arguments.opt),
            "labels": _pairs(arguments.label),
            # What is there already stays as it is, as with Docker.
            "undeclared": "keep",
        }
    )
    declared = replace(declared, anonymous=not named)
    found = store.find(host.layout, declared.name)
    if found is None:
        converge(host, decide.RESOURCE, declared)
    elif declared.driver_options not in (None, found.driver_options):
        raise Error(
            f"volume {declared.name} already exists with different options",
            hint="remove it, or choose another name",
        )
    say(declared.name)
    return 0


def _pairs(texts: list[str]) -> dict[str, str]:
    pairs = (text.partition("=") for text in texts)
    return {name: value for name, dummy, value in pairs}


def _ls(host: Host, arguments: Arguments) -> int:
    from ...spec.volume import labels
    from ...text.table import listing
    from ...volume import store, users

    asked = arguments.filter
    for key in asked:
        if key not in _FILTERS:
            raise Error(
                f"unknown filter {key[:100]!a}", hint=f"known filters: {', '.join(_FILTERS)}"
            )
    used = users.users(host)
    rows = []
    for volume in store.volumes(host.layout):
        own = labels(volume)
        if _meant(asked, volume.name, volume.driver, own, volume.name in used):
            rows.append(
                {
                    "Driver": volume.driver,
                    "Name": volume.name,
                    "Scope": "local",
                    "Mountpoint": str(store.data(host.layout, volume.name)),
                    "Labels": ",".join(f"{key}={value}" for key, value in own.items()),
                    "Links": str(len(used.get(volume.name, ()))),
                    "Size": "N/A",
                }
            )
    if arguments.quiet and not arguments.format:
        for row in rows:
            say(row["Name"])
        return 0
    for line in listing(rows, _HEADINGS, ("Driver", "Name"), arguments.format):
        say(line)
    return 0


def _meant(
    asked: Mapping[str, list[str]], name: str, driver: str, own: Mapping[str, str], used: bool
) -> bool:
    """Whether a volume passes the filters of ``volume ls``: several of one kind are alternatives,
    but every label is wanted.
    """
    from ...resource.volume.pruning import boolean
    from ...text import filters

    given = {key: value for key, value in asked.items() if key.startswith("label")}
    if "name" in asked and not any(part in name for part in asked["name"]):
        return False
    if "driver" in asked and driver not in asked["driver"]:
        return False
    if "dangling" in asked and boolean("dangling", asked["dangling"]) is used:
        return False
    return filters.parse(given, 0.0).match(None, own)


def document(host: Host, name: str) -> dict[str, Any]:
    """What is known of a volume, in the shape of docker volume inspect. Raises NotFound."""
    from ...volume import inspect, store

    found = store.find(host.layout, name)
    if found is None:
        raise NotFound(f"No such volume: {name}")
    return inspect.document(host.layout, found, reveal=True)


def _inspect(host: Host, arguments: Arguments) -> int:
    from .images.image import inspect

    return inspect(arguments.operands, lambda name: document(host, name), arguments.format)


def _rm(host: Host, arguments: Arguments) -> int:
    from ...base import files
    from ...volume import store, users

    files.prepare(host.layout)
    failed = False
    for name in arguments.operands:
        try:
            if arguments.force and store.is_damaged(host.layout, name):
                users.remove_damaged(host, name)
            elif store.find(host.layout, name) is None and not arguments.force:
                raise NotFound(f"No such volume: {name}")
            else:
                users.remove(host, name)
            say(name)
        except Error as exc:
            complain(exc)
            failed = True
    return int(failed)


def _prune(host: Host, arguments: Arguments) -> int:
    from ..terminal.pruning import pruned

    which = "all local volumes" if arguments.all else "anonymous local volumes"
    filters = {"all": arguments.all, **arguments.filter}
    return pruned(
        host, arguments, "volumes", f"{which} not used by at least one container", filters
    )


_FILTER = Flag("filter", "f", FILTER, "Provide filter values (e.g. 'label=<label>')")


def _removing(hidden: bool) -> Verb:
    return Verb(
        _rm,
        "Remove one or more volumes",
        "VOLUME [VOLUME...]",
        (Flag("force", "f", SWITCH, "Do not error if it does not exist"),),
        hidden=hidden,
    )


VERBS = {
    "volume create": Verb(
        _create,
        "Create a volume",
        "[VOLUME]",
        (
            Flag("driver", "d", STRING, "Specify volume driver name (only local)", default="local"),
            Flag("label", "", LIST, "Set metadata for a volume"),
            Flag("opt", "o", LIST, "Set driver specific options (type, device, o)"),
        ),
    ),
    "volume inspect": Verb(
        _inspect,
        "Display detailed information on one or more volumes",
        "VOLUME [VOLUME...]",
        (
            Flag(
                "format",
                "f",
                STRING,
                "Format output using a custom template, such as '{{.Mountpoint}}'",
            ),
        ),
    ),
    "volume ls": Verb(
        _ls,
        "List volumes",
        flags=(
            _FILTER,
            Flag(
                "format",
                "",
                STRING,
                "Format output using a custom template: 'json', 'table TEMPLATE' or "
                "a Go template such as '{{.Name}}'",
            ),
            Flag("quiet", "q", SWITCH, "Only display volume names"),
        ),
    ),
    "volume prune": Verb(
        _prune,
        "Remove unused local volumes",
        flags=(
            Flag("all", "a", SWITCH, "Remove all unused volumes, not just anonymous ones"),
            Flag("filter", "", FILTER, "Provide filter values (e.g. 'label=<label>')"),
            Flag("force", "f", SWITCH, "Do not prompt for confirmation"),
        ),
    ),
    "volume rm": _removing(hidden=False),
    "volume remove": _removing(hidden=True),
}
