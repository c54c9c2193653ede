# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Options about the main process and what it finds around it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Optional

from ...base.errors import Error
from ...base.regex import regex
from ...spec.identifiers import signal_number
from ...spec.secrets import HIDDEN
from .form.option import DEFAULT, Argument, Option, bad
from .form.text import hostname, number, path, plain, string_map, words

_USER = regex(r"\A(?:[^:\0-\x20\x7f]*(:[^:\0-\x20\x7f]+)?|[^:\0-\x20\x7f]+:)\Z")
_GROUP = regex(r"\A[^:,/\0-\x20\x7f]{1,64}\Z")
_RUNTIME = regex(r"\A(/[^\0-\x1f\x7f]+|[a-zA-Z0-9][a-zA-Z0-9_.-]*)\Z", re.ASCII)
#: Larger ids overflow on the way to the kernel and become root (CVE-2024-40635).
_MAXIMUM_ID = 2**31 - 1


def _argv(option: str, params: Mapping[str, Any]) -> Optional[tuple[str, ...]]:
    """``command`` and ``entrypoint``, as command_handling says.

    ``compatibility`` joins a list to a string before it is split, and takes nothing for not given.
    """
    value = params.get(option)
    if value is None:
        return None
    if params.get("command_handling") == "compatibility":
        if isinstance(value, Sequence) and not isinstance(value, str):
            value = " ".join(str(item) for item in value)
        return words(option, value) if value else None
    return words(option, value)


def command(params: Mapping[str, Any]) -> Any:
    """With nothing in it, it is the image's, as in Docker's API."""
    found = _argv("command", params)
    return DEFAULT if found == () else found


def entrypoint(params: Mapping[str, Any]) -> Optional[tuple[str, ...]]:
    """The words of ``entrypoint``; None where it is left to the image."""
    return _argv("entrypoint", params)


def env(params: Mapping[str, Any]) -> Optional[dict[str, str]]:
    """``env`` over ``env_file``, whose text was read by then (resource/container/host_files.py)."""
    if params.get("env") is None and params.get("env_file") is None:
        return None
    found = env_file(params.get("env_file") or "")
    return string_map("env", {**found, **(params.get("env") or {})})


def env_file(text: str) -> dict[str, str]:
    """The variables of a file: a NAME=VALUE in each line, taken as it is; # begins a comment line.

    A name alone would be given the value it has around the engine, and there is none here.
    """
    found = {}
    for count, line in enumerate(text.lstrip("\ufeff").splitlines(), 1):
        line = line.lstrip()
        if not line or line.startswith("#"):
            continue
        name, equals, value = line.partition("=")
        if not equals or not name or re.search(r"\s", name):
            # The line itself may be a secret.
            raise Error(f"env_file: line {count} is not in the format NAME=VALUE")
        found[name] = value
    return found


def user(value: Any) -> str:
    """``[USER][:GROUP]``, or ``USER:``; whether the image knows the names is seen when it is
    there.
    """
    text = str(value)
    if not _USER.match(text):
        raise bad("user", text, "use USER, USER:GROUP or :GROUP")
    for part in text.split(":"):
        if part.isdecimal() and (len(part) > 10 or int(part) > _MAXIMUM_ID):
            raise bad("user", text, f"the largest ID is {_MAXIMUM_ID}")
        if part.startswith(("-", "+")):
            raise bad("user", text, f"{part!r} is neither a name nor a number")
    return text


def groups(values: Iterable[Any]) -> tuple[str, ...]:
    """Names and IDs of groups, sorted. Raises Error for what is neither."""
    found = set()
    for value in values:
        text = str(value)
        if not _GROUP.match(text) or text.startswith(("-", "+")):
            raise bad("groups", text, "it is neither a group name nor a number")
        if text.isdecimal() and (len(text) > 10 or int(text) > _MAXIMUM_ID):
            raise bad("groups", text, f"the largest ID is {_MAXIMUM_ID}")
        found.add(text)
    return tuple(sorted(found))


def working_dir(value: Any) -> str:
    """An absolute path; one in /proc leads through descriptors to the host (CVE-2024-21626)."""
    found = path("working_dir", value)
    if found == "/proc" or found.startswith("/proc/"):
        raise bad("working_dir", found, "the working directory cannot be inside /proc")
    return found


def stop_signal(value: Any) -> str:
    """The name of a signal in one form: SIGTERM, or its number."""
    text = plain("stop_signal", value).strip().upper()
    try:
        signal_number(text)
    except Error as exc:
        raise bad("stop_signal", text, "use a signal such as SIGTERM, TERM or 15") from exc
    return text if text[:1].isdigit() or text.startswith("SIG") else f"SIG{text}"


def systemd(value: Any) -> str:
    """In podman's words, where true is "when the command is systemd", as by default."""
    text = str(value).lower()
    return {"true": "", "auto": ""}.get(text, text)


def runtime(value: Any) -> str:
    """The name or absolute path of an OCI runtime, "" for the default. Raises Error."""
    text = str(value)
    if text and not _RUNTIME.match(text):
        raise bad("runtime", text, "use the name of an OCI runtime, or its absolute path")
    return text


_HANDLING = Argument("command_handling", choices=("compatibility", "correct"), default="correct")

OPTIONS = (
    Option("command", "raw", read=command, companions=(_HANDLING,)),
    Option("entrypoint", "list", read=entrypoint, companions=(_HANDLING,)),
    Option(
        "env",
        "dict",
        read=env,
        companions=(Argument("env_file", "path"),),
        show=lambda value: dict.fromkeys(value, HIDDEN),
    ),
    Option(
        "secret_env",
        "dict",
        parse=lambda value: string_map("secret_env", value),
        show=lambda value: dict.fromkeys(value, HIDDEN),
        no_log=True,
    ),
    Option("labels", "dict", parse=lambda value: string_map("labels", value)),
    Option("hostname", parse=hostname),
    Option("domainname", parse=lambda value: hostname(value, "domainname")),
    Option("user", parse=user),
    Option("groups", "list", parse=groups),
    Option("working_dir", parse=working_dir),
    Option("stop_signal", parse=stop_signal),
    Option(
        "stop_timeout",
        "int",
        field="stop_timeout_s",
        parse=lambda value: number("stop_timeout", value, 0, 1 << 31),
    ),
    Option("tty", "bool"),
    Option("interactive", "bool"),
    Option("init", "bool"),
    Option("systemd", choices=("true", "false", "auto", "always"), parse=systemd),
    Option("runtime", parse=runtime),
)
