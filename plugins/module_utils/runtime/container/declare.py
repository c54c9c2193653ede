# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""From a task's options to one total ContainerSpec: architecture.md section 4. Pure.

``declare`` parses what the task says; ``resolve`` joins it with the container that exists, under
``undeclared`` and ``comparisons``, into the spec that is wanted. The plan then compares two specs
and nothing else.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Callable, Optional

from ..errors import Error
from . import options, record
from .spec import ContainerSpec

STRICT, IGNORE, ALLOW_MORE = "strict", "ignore", "allow_more_present"

#: Which spec field each option of the module speaks of.
FIELDS: Mapping[str, str] = {
    "command": "command",
    "entrypoint": "entrypoint",
    "env": "env",
    "labels": "labels",
    "published_ports": "ports",
    "volumes": "mounts",
    "network_mode": "network_mode",
    "networks": "networks",
    "restart_policy": "restart_policy",
    "hostname": "hostname",
    "user": "user",
    "working_dir": "working_dir",
    "stop_signal": "stop_signal",
    "stop_timeout": "stop_timeout_s",
    "read_only": "read_only",
    "privileged": "privileged",
    "capabilities": "cap_add",
    "cap_drop": "cap_drop",
    "tty": "tty",
}


@dataclass(frozen=True)
class Declared:
    """One task on one container. ``values`` holds, by spec field, only what the task says."""

    name: str
    #: The image as the task writes it; "" when the task only acts on the container that exists.
    image: str
    state: str
    values: Mapping[str, Any]
    undeclared: str = "reset"
    comparisons: Mapping[str, str] = dataclasses.field(default_factory=dict)
    pull: str = "missing"
    recreate: bool = False
    restart: bool = False
    keep_volumes: bool = True
    force_kill: bool = False


def declare(params: Mapping[str, Any]) -> Declared:
    """Parse the module's options. Raises Error naming the option that is not understood."""
    name = params["name"].lstrip("/")
    record.check_name(name)
    values = _values(params)
    if values.get("networks") and values.get("network_mode"):
        raise Error(
            f"container {name}: networks and network_mode were both given",
            hint="a container in another network namespace joins no network of its own",
        )
    return Declared(
        name=name,
        image=params["image"] or "",
        state="present" if params["state"] == "created" else params["state"],
        values=values,
        undeclared=params["undeclared"],
        comparisons=_comparisons(params["comparisons"] or {}),
        pull=params["pull"],
        recreate=params["recreate"],
        restart=params["restart"],
        keep_volumes=params["keep_volumes"],
        force_kill=params["force_kill"],
    )


def _values(params: Mapping[str, Any]) -> dict[str, Any]:
    parse: dict[str, Callable[[Any], Any]] = {
        "command": lambda value: options.words("command", value),
        "entrypoint": lambda value: options.words("entrypoint", value),
        "env": lambda value: options.string_map("env", value),
        "labels": lambda value: options.string_map("labels", value),
        "published_ports": options.ports,
        "volumes": options.mounts,
        "networks": options.endpoints,
        "network_mode": network_mode,
        "hostname": options.hostname,
        "capabilities": lambda value: options.capabilities("capabilities", value),
        "cap_drop": lambda value: options.capabilities("cap_drop", value),
    }
    values = {
        FIELDS[option]: parse.get(option, lambda value: value)(params[option])
        for option in FIELDS
        if params.get(option) is not None and option != "restart_policy"
    }
    if params["restart_policy"] is not None:
        values["restart_policy"] = options.restart_policy(
            params["restart_policy"], params["restart_retries"] or 0
        )
    elif params["restart_retries"]:
        raise Error("restart_retries was given without restart_policy: on-failure")
    return values


def network_mode(text: str) -> str:
    """``default`` and ``bridge`` mean the network bridge; host, none, container:NAME are kept."""
    if text in ("default", "bridge"):
        return ""
    kind, dummy, name = text.partition(":")
    if text in ("host", "none") or (kind == "container" and name):
        return text
    raise Error(
        f"network_mode: {text[:100]!r} is not understood",
        hint="use default, host, none or container:NAME; networks joins networks by name",
    )


def _comparisons(asked: Mapping[str, str]) -> dict[str, str]:
    for option, mode in asked.items():
        if option != "*" and option not in FIELDS and option != "image":
            raise Error(f"comparisons: there is no option {option!r} to compare")
        if mode not in (STRICT, IGNORE, ALLOW_MORE):
            raise Error(
                f"comparisons: {option}: {mode!r} is not strict, ignore or allow_more_present"
            )
        if option == "*" and mode == ALLOW_MORE:
            raise Error("comparisons: '*' can only be strict or ignore")
        if mode == ALLOW_MORE and (option == "image" or _kind(FIELDS[option]) == "value"):
            raise Error(
                f"comparisons: {option} has one value, so allow_more_present does not apply"
            )
    return dict(asked)


def _kind(field: str) -> str:
    return str(ContainerSpec.__dataclass_fields__[field].metadata["kind"])


def resolve(
    declared: Declared, reference: str, image_id: str, existing: Optional[ContainerSpec]
) -> ContainerSpec:
    """The total spec that a declaring task wants, given the container that exists or None.

    ``reference`` is the image's normalised name and ``image_id`` what it means now, "" when that is
    only known once it was pulled.
    """
    wanted = {field: _wanted(declared, option, field, existing) for option, field in FIELDS.items()}
    if wanted["networks"] and wanted["network_mode"]:
        # One of the two was declared; the other was only left over from the container that exists.
        if "network_mode" in declared.values:
            wanted["networks"] = ()
        else:
            wanted["network_mode"] = ""
    if existing is not None and declared.comparisons.get("image") == IGNORE:
        reference, image_id = existing.image, existing.image_id
    return ContainerSpec(name=declared.name, image=reference, image_id=image_id, **wanted)


def amend(declared: Declared, existing: ContainerSpec) -> ContainerSpec:
    """The spec after a task that names no image: what it says, and everything else as it is."""
    kept = dataclasses.replace(declared, undeclared="keep")
    return resolve(kept, existing.image, existing.image_id, existing)


def _wanted(declared: Declared, option: str, field: str, existing: Optional[ContainerSpec]) -> Any:
    given = declared.values.get(field)
    default = _default(field)
    if existing is None:
        return default if given is None else given
    have = getattr(existing, field)
    mode = _mode(declared, option, field)
    if mode == IGNORE:
        return have
    if given is None:
        return have if declared.undeclared == "keep" or mode == ALLOW_MORE else default
    return _more(field, have, given) if mode == ALLOW_MORE else given


def _mode(declared: Declared, option: str, field: str) -> str:
    asked = declared.comparisons.get(option)
    if asked is None and "*" in declared.comparisons:
        # '*' speaks of what the task leaves out as well; what it names is compared unless ignored
        # by name.
        asked = declared.comparisons["*"] if field not in declared.values else STRICT
    if asked is not None:
        return asked
    more = declared.undeclared == "keep" and _kind(field) in ("set", "map")
    return ALLOW_MORE if more else STRICT


def _more(field: str, have: Any, given: Any) -> Any:
    """What satisfies ``given`` and keeps what else is there."""
    kind = _kind(field)
    if kind == "map":
        return dict(sorted({**(have or {}), **given}.items()))
    if kind == "list":
        rest = iter(have or ())
        return have if all(item in rest for item in given) else given
    if field == "networks":
        named = {endpoint.network for endpoint in given}
        return (*given, *(endpoint for endpoint in have if endpoint.network not in named))
    if field == "mounts":
        targets = {mount.target for mount in given}
        kept = (mount for mount in have if mount.target not in targets)
        return tuple(sorted((*given, *kept), key=lambda mount: str(mount.target)))
    if field == "ports":
        return tuple(sorted({*have, *given}, key=dataclasses.astuple))
    return tuple(sorted({*have, *given}))


def _default(field: str) -> Any:
    known = ContainerSpec.__dataclass_fields__[field]
    return {} if known.default is dataclasses.MISSING else known.default


def differing(have: ContainerSpec, want: ContainerSpec) -> list[str]:
    """The options in which two specs differ, ``image`` first, in the words of the module."""
    names = ["image"] if have.image != want.image else []
    return names + [
        option for option, field in FIELDS.items() if getattr(have, field) != getattr(want, field)
    ]


def applied_live(option: str) -> bool:
    """Whether a difference in this option is applied to the container as it is."""
    return option != "image" and bool(
        ContainerSpec.__dataclass_fields__[FIELDS[option]].metadata["live"]
    )


#: How each option is shown where the field's value is not its own JSON.
_SHOW: Mapping[str, Callable[[Any], Any]] = {
    # Secrets live in environments, and diffs are printed and kept.
    "env": lambda value: dict.fromkeys(value, "********"),
    "published_ports": lambda value: [options.show_port(port) for port in value],
    "volumes": lambda value: [options.show_mount(mount) for mount in value],
    "networks": lambda value: [options.show_endpoint(endpoint) for endpoint in value],
    "restart_policy": options.show_restart_policy,
}


def shown(spec: ContainerSpec) -> dict[str, Any]:
    """A spec in the module's own words, for diffs: the image, and what is not its default."""
    shows: dict[str, Any] = {"image": spec.image}
    for option, field in FIELDS.items():
        value = getattr(spec, field)
        if value != _default(field):
            plain = list(value) if isinstance(value, tuple) else value
            shows[option] = _SHOW[option](value) if option in _SHOW else plain
    return shows
