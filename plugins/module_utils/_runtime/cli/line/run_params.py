# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""From the flags of ``run`` and ``create`` to the parameters a task would have.

Pure, but for the files that flags name.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Callable, Optional

from ...base.errors import Error
from ...container.option import catalogue
from ...container.option.refused import REFUSED as UNSERVED
from .env_variables import file_lines, variables
from .run_flags import REFUSED, SIMPLE, pairs
from .verbs import Arguments

_Convert = Callable[[Any], Any]


def params(arguments: Arguments, environment: Mapping[str, str]) -> dict[str, Any]:
    """What the flags say, as the parameters of a task. Raises Error naming the flag."""
    for refused, why in REFUSED.items():
        if refused.name in arguments.given:
            raise _refused(refused.name, why)
    found: dict[str, Any] = {}
    for simple, option, convert in SIMPLE:
        name = simple.name
        if name in arguments.given:
            _set(found, name, option, _converted(name, convert, arguments[name]))
    for option, flags, read in (
        (
            "env",
            ("env", "env-file"),
            lambda: _env(arguments, environment),
        ),
        ("labels", ("label", "label-file"), lambda: _labels(arguments)),
        ("healthcheck", _HEALTH, lambda: _healthcheck(arguments)),
        ("mounts", ("mount",), lambda: [mount(text) for text in arguments.mount]),
    ):
        given = [flag for flag in flags if flag in arguments.given]
        if given:
            _set(found, given[0], option, read())
    if "restart" in arguments.given:
        policy, dummy, retries = str(arguments.restart).partition(":")
        _set(found, "restart", "restart_policy", policy or "no")
        if retries:
            found["restart_retries"] = _number("--restart", retries)
    for option, value in _networks(arguments).items() if "network" in arguments else ():
        _set(found, "network" if option != "links" else "link", option, value)
    return found


def _set(found: dict[str, Any], flag: str, option: str, value: Any) -> None:
    if option not in catalogue.ARGUMENTS:
        raise _refused(flag, "")
    if option not in UNSERVED:
        catalogue.ARGUMENTS[option].check(value, f"--{flag}")
    found[option] = value


def _refused(flag: str, why: str) -> Error:
    return Error(f"--{flag} is not supported{f': {why}' if why else ''}", hint="omit it")


def _converted(flag: str, convert: _Convert, value: Any) -> Any:
    try:
        return convert(value)
    except Error as exc:
        raise Error(f"--{flag}: {exc.message}", hint=exc.hint) from exc


def _number(flag: str, text: str) -> int:
    if not text.isdecimal():
        raise Error(f"{flag}: {text[:40]!r} is not a number")
    return int(text)


def _env(arguments: Arguments, environment: Mapping[str, str]) -> dict[str, str]:
    return variables(arguments.env, arguments.env_file, environment)


def _labels(arguments: Arguments) -> dict[str, str]:
    lines = [line for path in arguments.label_file for line in file_lines(path)]
    return pairs([*lines, *arguments.label])


_HEALTH = (
    "health-cmd", "health-interval", "health-retries", "health-start-interval",
    "health-start-period", "health-timeout", "no-healthcheck",
)  # fmt: skip


def _healthcheck(arguments: Arguments) -> dict[str, Any]:
    given = [flag for flag in _HEALTH if flag in arguments.given]
    if arguments.no_healthcheck:
        if given != ["no-healthcheck"]:
            raise Error("--no-healthcheck conflicts with --health-* options")
        return {"test": ["NONE"]}
    found = {
        flag.partition("-")[2].replace("-", "_"): arguments[flag]
        for flag in given
        if flag not in ("health-cmd", "no-healthcheck")
    }
    if "health-cmd" in given:
        return {**found, "test": ["CMD-SHELL", arguments.health_cmd]}
    return {**found, "test_cli_compatible": True}


# --- networks --------------------------------------------------------------------------------


def _networks(arguments: Arguments) -> dict[str, Any]:
    """--network and what speaks of the first of them."""
    endpoints, mode = [], ""
    for text in (*arguments.network, *arguments.net):
        endpoint = network(text)
        name = endpoint["name"]
        if name in ("host", "none", "default", "bridge") or name.startswith("container:"):
            if len(endpoint) > 1 and name in ("host", "none"):
                raise Error(f"network {name} does not support addresses or aliases")
            mode = name
        else:
            endpoints.append(endpoint)
    if mode and endpoints:
        if mode not in ("default", "bridge"):
            raise Error(f"--network {mode} cannot be combined with other networks")
        raise Error("the default bridge cannot be combined with other networks")
    first: dict[str, Any] = {}
    if arguments.ip:
        first["ipv4_address"] = arguments.ip
    if arguments.ip6:
        first["ipv6_address"] = arguments.ip6
    aliases = [*arguments.network_alias, *arguments.net_alias]
    if aliases:
        first["aliases"] = aliases
    if first and not endpoints:
        raise Error(
            "--ip, --ip6 and --network-alias require a user-defined network",
            hint="specify one with --network",
        )
    found: dict[str, Any] = {}
    if endpoints:
        if arguments.link:
            first["links"] = arguments.link
        found["networks"] = [{**first, **endpoints[0]}, *endpoints[1:]]
    elif arguments.link:
        found["links"] = arguments.link
    if mode:
        found["network_mode"] = mode
    return found


_ENDPOINT = {
    "ip": "ipv4_address",
    "ip6": "ipv6_address",
    "mac-address": "mac_address",
    "gw-priority": "gw_priority",
}


def network(text: str) -> dict[str, Any]:
    """A --network: a name, or ``name=NAME,alias=ALIAS,ip=ADDRESS,mac-address=…``. Pure."""
    if "=" not in text:
        return {"name": text}
    found: dict[str, Any] = {}
    for part in text.split(","):
        key, equals, value = part.partition("=")
        key = key.strip().lower()
        if not equals:
            raise Error(f"--network: {part[:60]!r} is not in the format NAME=VALUE")
        if key == "name":
            found["name"] = value
        elif key == "alias":
            found.setdefault("aliases", []).append(value)
        elif key == "driver-opt":
            name, dummy, option = value.partition("=")
            found.setdefault("driver_opts", {})[name] = option
        elif key == "gw-priority":
            found["gw_priority"] = _number("--network gw-priority", value)
        elif key in _ENDPOINT:
            found[_ENDPOINT[key]] = value
        else:
            raise Error(f"--network: unknown field {key[:40]!r}")
    if not found.get("name"):
        raise Error(f"--network: {text[:100]!r} has no name")
    return found


# --- mounts ----------------------------------------------------------------------------------

#: The fields of --mount by the names they have in the module's option ``mounts``.
_MOUNT: Mapping[str, tuple[str, Optional[_Convert]]] = {
    "type": ("type", None),
    "source": ("source", None),
    "src": ("source", None),
    "target": ("target", None),
    "destination": ("target", None),
    "dst": ("target", None),
    "bind-propagation": ("propagation", None),
    "consistency": ("consistency", None),
    "tmpfs-size": ("tmpfs_size", None),
    "tmpfs-mode": ("tmpfs_mode", None),
    "volume-driver": ("volume_driver", None),
    "volume-subpath": ("subpath", None),
    "image-subpath": ("subpath", None),
}
_MOUNT_SWITCHES = {
    "readonly": "read_only",
    "ro": "read_only",
    "volume-nocopy": "no_copy",
    "bind-nonrecursive": "non_recursive",
    "bind-create-src": "create_mountpoint",
}

#: How deep a mount of a directory goes: what --mount calls it, and the module.
_RECURSIVE: Mapping[str, Mapping[str, bool]] = {
    "enabled": {},
    "disabled": {"non_recursive": True},
    "writable": {"read_only_non_recursive": True},
    "readonly": {"read_only_force_recursive": True},
}


def mount(text: str) -> dict[str, Any]:
    """A --mount, ``type=bind,source=/a,target=/b,readonly``, as the module's mounts has it. Pure.

    A field with commas in it is put in quotes, as in a line of CSV.
    """
    import csv

    found: dict[str, Any] = {"type": "volume"}
    for part in next(csv.reader([text]), []):
        key, equals, value = part.partition("=")
        key = key.strip().lower()
        if key in _MOUNT_SWITCHES:
            found[_MOUNT_SWITCHES[key]] = _truth(key, value) if equals else True
        elif not equals:
            raise Error(f"--mount: {part[:60]!r} is not in the format NAME=VALUE")
        elif key in _MOUNT:
            found[_MOUNT[key][0]] = value
        elif key == "bind-recursive" and value in _RECURSIVE:
            found.update(_RECURSIVE[value])
        elif key in ("volume-label", "volume-opt"):
            option = "labels" if key == "volume-label" else "volume_options"
            name, dummy, rest = value.partition("=")
            found.setdefault(option, {})[name] = rest
        else:
            raise Error(f"--mount: unknown field {key[:40]!r}")
    if not found.get("target"):
        raise Error(f"--mount: {text[:100]!r} has no target")
    return found


def _truth(key: str, text: str) -> bool:
    if text.lower() not in ("1", "0", "true", "false", "t", "f"):
        raise Error(f"--mount: {key}={text[:20]!r} is not a boolean")
    return text.lower() in ("1", "true", "t")


def with_defaults(found: Mapping[str, Any]) -> dict[str, Any]:
    """Parameters as the module would have them: its defaults for what is not given."""
    return {**catalogue.defaults(), "state": "present", **found}
