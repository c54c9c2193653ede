# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Flags of instructions, and what ``RUN --mount`` says."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterable
from typing import Optional

from ...base.frozen import dataclass
from ...base.regex import regex

#: The flags of each instruction: ``one`` value, ``many`` values, or a ``switch``.
FLAGS = {
    "FROM": {"platform": "one"},
    "RUN": {"mount": "many", "network": "one", "security": "one"},
    "COPY": {
        "from": "one",
        "chown": "one",
        "chmod": "one",
        "link": "switch",
        "parents": "switch",
        "exclude": "many",
    },
    "ADD": {
        "chown": "one",
        "chmod": "one",
        "link": "switch",
        "checksum": "one",
        "unpack": "switch",
        "keep-git-dir": "switch",
        "exclude": "many",
    },
    "HEALTHCHECK": {
        "interval": "one",
        "timeout": "one",
        "start-period": "one",
        "start-interval": "one",
        "retries": "one",
    },
}

Flag = tuple[str, str]
_TRUE, _FALSE = "true", "false"


class Wrong(ValueError):
    """A flag that is not valid; the message says why, ``hint`` what to write."""

    def __init__(self, message: str, hint: Optional[str] = None) -> None:
        super().__init__(message)
        self.hint = hint


def near(word: str, known: Iterable[str]) -> str:
    """``; did you mean X?`` where a known word is close, else ""."""
    import difflib

    close = 0.5 if len(word) < 3 else 0.6
    found = difflib.get_close_matches(word.lower(), [one.lower() for one in known], 1, close)
    return next((f"; did you mean {one}?" for one in known if one.lower() in found), "")


def separate(rest: str, escape: str) -> tuple[list[str], str]:
    """The flags at the beginning of what follows a keyword, and the rest. Quotes are removed."""
    found: list[str] = []
    at = 0
    while True:
        while at < len(rest) and rest[at].isspace():
            at += 1
        if not rest.startswith("--", at):
            return found, rest[at:]
        word, at = _word(rest, at, escape)
        if word == "--":
            return found, rest[at:].strip()
        found.append(word)


def _word(rest: str, at: int, escape: str) -> tuple[str, int]:
    word, quote = "", ""
    while at < len(rest):
        char = rest[at]
        at += 1
        if char == escape and at < len(rest):
            word += rest[at]
            at += 1
        elif quote or char in "'\"":
            if not quote:
                quote = char
            elif char == quote:
                quote = ""
            else:
                word += char
        elif char.isspace():
            break
        else:
            word += char
    return word, at


def check(keyword: str, words: Iterable[str]) -> tuple[Flag, ...]:
    """The flags as names with values, "true" and "false" for a switch. Raises Wrong."""
    known = FLAGS.get(keyword, {})
    found: list[Flag] = []
    for word in words:
        name, equals, value = word[2:].partition("=")
        kind = known.get(name)
        if kind is None:
            hint = f"its flags are {', '.join('--' + one for one in known)}" if known else None
            raise Wrong(f"has no flag --{name}{near(name, known)}", hint)
        if kind == "switch":
            value = value.lower() if equals else _TRUE
            if value not in (_TRUE, _FALSE):
                raise Wrong(f"--{name} is true or false, not {value[:40]!r}")
        elif not equals or not value:
            raise Wrong(f"--{name} needs a value", f"write --{name}=VALUE")
        if kind != "many" and any(name == other for other, dummy in found):
            raise Wrong(f"has the flag --{name} twice")
        found.append((name, value))
    return tuple(found)


@dataclass(frozen=True)
class RunMount:
    """``RUN --mount``: a thing that is there for one command. ``kind`` is bind, cache, tmpfs,
    secret or ssh. ``mode`` is -1 where none is given. ``origin`` is the stage or image of ``from``.
    ``env`` is the variable that a secret is in; then it may have no ``target``.
    """

    kind: str
    target: str
    source: str = ""
    origin: str = ""
    read_only: bool = False
    id: str = ""
    sharing: str = "shared"
    required: bool = False
    size_bytes: int = 0
    mode: int = -1
    uid: int = 0
    gid: int = 0
    env: str = ""


_KINDS = ("bind", "cache", "tmpfs", "secret", "ssh")
#: Where the socket of an agent is, unless the mount says so.
_AGENT = "/run/buildkit/ssh_agent.0"
_NAMES = {"source": "source", "src": "source", "target": "target", "dst": "target"} | {
    "destination": "target", "from": "from", "ro": "readonly", "readonly": "readonly",
    "rw": "readwrite", "readwrite": "readwrite", "id": "id", "sharing": "sharing", "type": "type",
    "required": "required", "size": "size", "mode": "mode", "uid": "uid", "gid": "gid",
    "env": "env",
}  # fmt: skip
_ALLOWED = {
    "bind": {"source", "target", "from", "readonly", "readwrite"},
    "cache": {"source", "target", "from", "readonly", "readwrite", "id", "sharing"}
    | {"mode", "uid", "gid"},
    "tmpfs": {"target", "size"},
    "secret": {"source", "target", "id", "required", "mode", "uid", "gid", "env"},
    "ssh": {"target", "id", "required"},
}
_SHARINGS = ("shared", "private", "locked")
_SIZE = regex(r"\A([0-9]+)([kmgt]?)i?b?\Z", re.ASCII | re.IGNORECASE)
_VARIABLE = regex(r"\A[A-Za-z_][A-Za-z0-9_]*\Z", re.ASCII)
_UNITS = {"": 1, "k": 1 << 10, "m": 1 << 20, "g": 1 << 30, "t": 1 << 40}


def mount(text: str) -> RunMount:
    """Read the value of ``--mount``, its variables replaced. Raises Wrong."""
    given: dict[str, str] = {}
    for part in _fields(text):
        key, equals, value = part.partition("=")
        name = _NAMES.get(key.lower())
        if name is None:
            raise Wrong(f"--mount has no field {key[:40]!r}{near(key, _NAMES)}")
        if not equals:
            if name not in ("readonly", "readwrite", "required"):
                raise Wrong(f"--mount: {key} needs a value")
            value = _TRUE
        given[name] = value
    kind = given.pop("type", "bind").lower()
    if kind not in _KINDS:
        raise Wrong(f"--mount has no type {kind[:40]!r}{near(kind, _KINDS)}")
    if kind == "ssh" and {"mode", "uid", "gid"} & set(given):
        raise Wrong(
            "--mount=type=ssh has no mode, uid or gid: the socket is the agent's own",
            "let the command run as root",
        )
    for name in given:
        if name not in _ALLOWED[kind]:
            raise Wrong(f"--mount=type={kind} has no field {name}")
    return _mount(kind, given)


def _mount(kind: str, given: dict[str, str]) -> RunMount:
    source, target = given.get("source", ""), given.get("target", "")
    identity = given.get("id", "")
    if kind == "secret":
        identity = identity or posixpath.basename(source or target)
        if not identity:
            raise Wrong("--mount=type=secret needs an id")
        env = given.get("env")
        if env is not None and not _VARIABLE.match(env):
            raise Wrong(f"--mount: env is the name of a variable, not {env[:40]!r}")
        target = target or ("" if env else f"/run/secrets/{identity}")
    elif kind == "ssh":
        identity, target = identity or "default", target or _AGENT
    elif not target:
        raise Wrong(f"--mount=type={kind} needs a target")
    sharing = given.get("sharing", "shared")
    if sharing not in _SHARINGS:
        raise Wrong(f"sharing is {', '.join(_SHARINGS)}, not {sharing[:40]!r}")
    writable = _flag(given, "readwrite", kind != "bind") and not _flag(given, "readonly", False)
    return RunMount(
        kind=kind,
        target=target,
        source="" if kind == "secret" else source,
        origin=given.get("from", ""),
        read_only=not writable or kind == "secret",
        id=identity or (target if kind == "cache" else ""),
        sharing=sharing,
        required=_flag(given, "required", False),
        size_bytes=_size(given["size"]) if "size" in given else 0,
        mode=_number(given, "mode", -1, 8),
        uid=_number(given, "uid", 0, 10),
        gid=_number(given, "gid", 0, 10),
        env=given.get("env", ""),
    )


def _fields(text: str) -> list[str]:
    """Fields of a line of CSV: one may be in double quotes as a whole."""
    found, word, quoted = [], "", False
    for char in text:
        if char == '"':
            quoted = not quoted
        elif char == "," and not quoted:
            found.append(word)
            word = ""
        else:
            word += char
    return [*found, word]


def _flag(given: dict[str, str], name: str, default: bool) -> bool:
    value = given.get(name)
    if value is None:
        return default
    if value.lower() not in (_TRUE, _FALSE, "1", "0"):
        raise Wrong(f"--mount: {name} is true or false, not {value[:40]!r}")
    return value.lower() in (_TRUE, "1")


def _number(given: dict[str, str], name: str, default: int, base: int) -> int:
    try:
        value = int(given[name], base) if name in given else default
    except ValueError:
        value = -2
    if not default <= value < 2**31 or (name == "mode" and value > 0o7777):
        kind = "an octal mode such as 0755" if name == "mode" else "a number"
        raise Wrong(f"--mount: {name} is {kind}, not {given[name][:40]!r}")
    return value


def _size(text: str) -> int:
    match = _SIZE.match(text)
    if match is None:
        raise Wrong(f"--mount: size is a number of bytes such as 64m, not {text[:40]!r}")
    return int(match[1]) * _UNITS[match[2].lower()]
