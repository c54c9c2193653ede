# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""An image's defaults, changed by instructions of a Dockerfile or by options of their own.

The words are those of ``docker import --change`` and ``docker commit --change``: CMD, ENTRYPOINT,
ENV, EXPOSE, HEALTHCHECK, LABEL, ONBUILD, STOPSIGNAL, USER, VOLUME, WORKDIR. What is changed is the
``config`` section of an image's config (image-spec, config.md).
"""

from __future__ import annotations

import json
import posixpath
import re
import shlex
from collections.abc import Mapping, Sequence
from typing import Any, Callable, Optional

from ...base.errors import Error
from ...base.regex import regex
from ...spec.texts import texts

_PORT = regex(r"\A([0-9]{1,5})(?:-([0-9]{1,5}))?(?:/(tcp|udp|sctp))?\Z", re.ASCII)
_KEYWORDS = (
    "CMD, ENTRYPOINT, ENV, EXPOSE, HEALTHCHECK, LABEL, ONBUILD, STOPSIGNAL, USER, VOLUME, WORKDIR"
)

#: The options of modules that change one member each; with_options() reads them.
OPTIONS = frozenset(
    {"cmd", "entrypoint", "env", "exposed_ports", "labels", "stop_signal", "user", "volumes"}
    | {"working_dir"}
)

Config = dict[str, Any]


def change(config: Mapping[str, Any], instructions: Sequence[str]) -> Config:
    """The config after the instructions, in their order. Raises Error naming the one that is
    wrong.
    """
    changed: Config = dict(config)
    words = [line.strip().partition(" ")[0].upper() for line in instructions]
    for line, word in zip(instructions, words):
        act = _INSTRUCTIONS.get(word)
        rest = line.strip()[len(word) :].strip()
        if act is None or not rest or any(ord(c) < 0x20 and c != "\t" for c in rest):
            raise Error(
                f"{line[:100]!a} is not a supported instruction",
                hint=f"start it with one of {_KEYWORDS}, on a single line",
            )
        try:
            act(changed, rest)
        except ValueError as exc:
            raise Error(f"the instruction {line[:100]!a} is not valid: {exc}") from exc
    if "ENTRYPOINT" in words and "CMD" not in words:
        # As in a Dockerfile: the arguments of the old entry point mean nothing to the new one.
        changed.pop("Cmd", None)
    return changed


def with_options(config: Mapping[str, Any], options: Mapping[str, Any]) -> Config:
    """The config with a module's options cmd, entrypoint, env, exposed_ports, labels, user,
    volumes, working_dir and stop_signal; None leaves a member as it is.
    """
    changed: Config = dict(config)
    for option, key in (("entrypoint", "Entrypoint"), ("cmd", "Cmd")):
        if options.get(option) is not None:
            changed[key] = [str(word) for word in options[option]]
    if options.get("entrypoint") is not None and options.get("cmd") is None:
        changed.pop("Cmd", None)
    for name, value in texts("env", options.get("env") or {}).items():
        _set_variable(changed, name, value)
    for port in options.get("exposed_ports") or ():
        _expose(changed, str(port))
    for name, value in texts("labels", options.get("labels") or {}).items():
        changed["Labels"] = {**(changed.get("Labels") or {}), name: value}
    for path in options.get("volumes") or ():
        _add_volume(changed, str(path))
    if options.get("working_dir"):
        _workdir(changed, str(options["working_dir"]))
    for option, key in (("user", "User"), ("stop_signal", "StopSignal")):
        if options.get(option):
            changed[key] = str(options[option])
    return changed


def _command(rest: str) -> list[str]:
    """The JSON form, or a line for the shell."""
    listed = _json_list(rest)
    return listed if listed is not None else ["/bin/sh", "-c", rest]


def _json_list(rest: str) -> Optional[list[str]]:
    if not rest.startswith("["):
        return None
    try:
        value = json.loads(rest)
    except ValueError:
        return None
    return value if isinstance(value, list) and all(isinstance(v, str) for v in value) else None


def _pairs(rest: str) -> list[tuple[str, str]]:
    """``K=V K2="v v"``, or the old form ``K all the rest``."""
    name, dummy, value = rest.partition(" ")
    if "=" not in name:
        if not value.strip():
            raise ValueError("use NAME=VALUE")
        return [(name, value.strip())]
    found = []
    for word in shlex.split(rest):
        name, equals, value = word.partition("=")
        if not equals or not name:
            raise ValueError("use NAME=VALUE")
        found.append((name, value))
    return found


def _set_variable(config: Config, name: str, value: str) -> None:
    if not name or "=" in name or "\0" in name + value:
        raise Error(f"{name[:60]!a} is not a valid environment variable name")
    kept = [entry for entry in config.get("Env") or [] if entry.partition("=")[0] != name]
    config["Env"] = [*kept, f"{name}={value}"]


def _env(config: Config, rest: str) -> None:
    for name, value in _pairs(rest):
        _set_variable(config, name, value)


def _label(config: Config, rest: str) -> None:
    config["Labels"] = {**(config.get("Labels") or {}), **dict(_pairs(rest))}


def _expose(config: Config, rest: str) -> None:
    for word in rest.split():
        match = _PORT.match(word.lower())
        first, last = (int(match[1]), int(match[2] or match[1])) if match else (0, 0)
        if match is None or not 1 <= first <= last <= 65535:
            raise Error(f"{word[:60]!a} is not a port", hint="use 80, 53/udp or 8000-8010")
        for port in range(first, last + 1):
            exposed = {**(config.get("ExposedPorts") or {}), f"{port}/{match[3] or 'tcp'}": {}}
            config["ExposedPorts"] = exposed


def _volume(config: Config, rest: str) -> None:
    for path in _json_list(rest) or rest.split():
        _add_volume(config, path)


def _add_volume(config: Config, path: str) -> None:
    if not path.startswith("/"):
        raise Error(f"the volume {path[:100]!a} is not an absolute path")
    config["Volumes"] = {**(config.get("Volumes") or {}), posixpath.normpath(path): {}}


def _workdir(config: Config, rest: str) -> None:
    joined = posixpath.join(config.get("WorkingDir") or "/", rest)
    config["WorkingDir"] = posixpath.normpath(joined)


def _onbuild(config: Config, rest: str) -> None:
    config["OnBuild"] = [*(config.get("OnBuild") or []), rest]


def _setter(key: str, read: Callable[[str], Any]) -> Callable[[Config, str], None]:
    def act(config: Config, rest: str) -> None:
        config[key] = read(rest)

    return act


_DURATION = regex(r"\A(?:[0-9]+(?:\.[0-9]+)?(?:us|ms|h|m|s))+\Z", re.ASCII)
_DURATION_PART = regex(r"([0-9]+(?:\.[0-9]+)?)(us|ms|h|m|s)", re.ASCII)
_NANOSECONDS = {"h": 3600e9, "m": 60e9, "s": 1e9, "ms": 1e6, "us": 1e3}
_CHECK_TIMES = {
    "interval": "Interval",
    "timeout": "Timeout",
    "start-period": "StartPeriod",
    "start-interval": "StartInterval",
}


def _healthcheck(config: Config, text: str) -> None:
    """``NONE``, or flags such as --interval=30s and then CMD with a command."""
    check: dict[str, Any] = {}
    while text.startswith("--"):
        flag, dummy, text = text.partition(" ")
        name, dummy, value = flag[2:].partition("=")
        text = text.strip()
        if name == "retries" and value.isdecimal():
            check["Retries"] = int(value)
        elif name in _CHECK_TIMES and _DURATION.match(value):
            parts = _DURATION_PART.findall(value)
            check[_CHECK_TIMES[name]] = round(
                sum(float(count) * _NANOSECONDS[unit] for count, unit in parts)
            )
        else:
            raise ValueError(f"{flag[:60]!a} is not a known flag")
    word, dummy, command = text.partition(" ")
    if word.upper() == "NONE" and not command and not check:
        check["Test"] = ["NONE"]
    elif word.upper() == "CMD" and command.strip():
        try:
            words = json.loads(command)
        except ValueError:
            words = None
        exact = isinstance(words, list) and all(isinstance(one, str) for one in words)
        check["Test"] = ["CMD", *words] if exact else ["CMD-SHELL", command.strip()]
    else:
        raise ValueError("use NONE, or CMD and a command")
    config["Healthcheck"] = check


_INSTRUCTIONS: dict[str, Callable[[Config, str], None]] = {
    "CMD": _setter("Cmd", _command),
    "ENTRYPOINT": _setter("Entrypoint", _command),
    "ENV": _env,
    "EXPOSE": _expose,
    "HEALTHCHECK": _healthcheck,
    "LABEL": _label,
    "ONBUILD": _onbuild,
    "STOPSIGNAL": _setter("StopSignal", str),
    "USER": _setter("User", str),
    "VOLUME": _volume,
    "WORKDIR": _workdir,
}
