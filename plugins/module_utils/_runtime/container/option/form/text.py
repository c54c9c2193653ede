# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Forms that several options share: words, maps of strings, host names. Pure."""

from __future__ import annotations

import ipaddress
import os
import re
import shlex
from collections.abc import Mapping, Sequence
from typing import Any, Union

from ....base.errors import Error
from ....base.regex import regex
from ....spec.texts import texts
from .option import bad

_SIZE = regex(r"\A([0-9]{1,20}(?:\.[0-9]{1,10})?) ?([kmgtp]?)(?:i?b)?\Z", re.ASCII | re.IGNORECASE)
_UNITS = {unit: 1024**power for power, unit in enumerate(("", "k", "m", "g", "t", "p"))}
_DURATION = regex(r"(?:[0-9]+(?:\.[0-9]+)?(?:us|ms|s|m|h))+\Z", re.ASCII)
_DURATION_PART = regex(r"([0-9]+(?:\.[0-9]+)?)(us|ms|s|m|h)", re.ASCII)
_SECONDS = {"us": 1e-6, "ms": 1e-3, "s": 1.0, "m": 60.0, "h": 3600.0}
_CONTROL = regex(r"[\0-\x1f\x7f]")

_ZONE = regex(r"\A[a-zA-Z0-9][a-zA-Z0-9_.@-]{0,14}\Z", re.ASCII)

_ENV_NAME = regex(r"\A[^=\0]+\Z")

_HOSTNAME = regex(
    r"\A[a-zA-Z0-9]([a-zA-Z0-9-]{0,61}[a-zA-Z0-9])?(\.[a-zA-Z0-9]([a-zA-Z0-9-]{0,61}[a-zA-Z0-9])?)*\Z",
    re.ASCII,
)


def string_map(option: str, values: Mapping[str, Any]) -> dict[str, str]:
    """``env`` and ``labels``, whose names and values end up in lines NAME=VALUE."""
    found = texts(option, values)
    for name, value in found.items():
        if "\0" in value:
            raise Error(f"{option}: the value of {name!r} contains a NUL byte")
        if not _ENV_NAME.match(name):
            raise Error(
                f"{option}: {name!r} is not a valid name",
                hint="it is empty, or contains '=' or NUL",
            )
    return found


def words(option: str, value: Union[str, Sequence[Any]]) -> tuple[str, ...]:
    """A command as a list, or as one string split the way a shell splits words (nothing else of a
    shell).
    """
    if isinstance(value, str):
        try:
            found = tuple(shlex.split(value))
        except ValueError as exc:
            raise bad(option, value, str(exc).lower()) from exc
    elif isinstance(value, Sequence):
        found = tuple(str(item) for item in value)
    else:
        raise Error(
            f"{option}: expected a string or a list of strings, found {type(value).__name__}"
        )
    if any("\0" in word for word in found):
        raise Error(f"{option}: it contains a NUL byte")
    return found


def address(text: str) -> str:
    """An IP address in its canonical form. One of IPv6 may have a zone, as in fe80::1%eth0, which
    is the name of an interface of the host. Raises ValueError.
    """
    plain, mark, zone = text.partition("%")
    found = ipaddress.ip_address(plain)
    if mark and (found.version != 6 or not _ZONE.match(zone)):
        raise ValueError(f"{text!r} has no valid zone")
    return f"{found}{mark}{zone}"


def hostname(text: str, option: str = "hostname") -> str:
    """A host name of RFC 1123; it is written into /etc/hosts, so nothing else is allowed in it."""
    if text and (len(text) > 253 or not _HOSTNAME.match(text)):
        raise bad(
            option, text, "host names consist of letters, digits and '-', in parts joined by '.'"
        )
    return text


def size(option: str, value: Any) -> int:
    """Bytes: a number, or one with a unit such as 512M, 1.5g, 64kb or 1GiB; units are of 1024."""
    text = str(value).strip(" ")
    match = _SIZE.match(text)
    if not match:
        raise bad(option, text, "use a number of bytes, or a number with a unit such as 512M")
    found = int(
        float(match[1]) * _UNITS[match[2].lower()]
        if "." in match[1]
        else int(match[1]) * _UNITS[match[2].lower()]
    )
    if found >= 1 << 63:
        raise bad(option, text, "it is larger than the kernel supports")
    return found


def show_size(value: int) -> str:
    """The shortest form of a size that means the same."""
    for power, unit in ((3, "G"), (2, "M"), (1, "K")):
        if value > 0 and value % 1024**power == 0:
            return f"{value // 1024**power}{unit}"
    return str(value)


def duration_s(option: str, value: Any) -> float:
    """Seconds: a duration such as 1m30s or 500ms; the units are h, m, s, ms and us."""
    text = str(value).strip(" ")
    if not _DURATION.match(text):
        raise bad(option, text, "use a duration such as 30s or 1m30s")
    return sum(float(number) * _SECONDS[unit] for number, unit in _DURATION_PART.findall(text))


def number(option: str, value: Any, low: int, high: int, hint: str = "") -> int:
    """A whole number between two bounds, both included."""
    if isinstance(value, bool) or not isinstance(value, int) or not low <= value <= high:
        raise bad(option, str(value), hint or f"it must be a whole number from {low} to {high}")
    return value


def plain(option: str, value: Any) -> str:
    """One line of text: no control characters, which would end up in a file of lines."""
    text = str(value)
    if _CONTROL.search(text):
        raise bad(option, text, "it contains a control character")
    return text


def path(option: str, value: Any) -> str:
    """An absolute path on the host or in the container, normalised."""
    text = plain(option, value)
    if not text.startswith("/"):
        raise bad(option, text, "it is not an absolute path")
    return os.path.normpath("/" + text.lstrip("/"))
