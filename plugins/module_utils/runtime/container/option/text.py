# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Forms that several options share: words, maps of strings, host names. Pure."""

from __future__ import annotations

import re
import shlex
from collections.abc import Mapping, Sequence
from typing import Any, Union

from ...errors import Error
from .option import bad

_ENV_NAME = re.compile(r"\A[^=\0]+\Z")

_HOSTNAME = re.compile(
    r"\A[a-zA-Z0-9]([a-zA-Z0-9-]{0,61}[a-zA-Z0-9])?(\.[a-zA-Z0-9]([a-zA-Z0-9-]{0,61}[a-zA-Z0-9])?)*\Z",
    re.ASCII,
)


def string_map(option: str, values: Mapping[str, Any]) -> dict[str, str]:
    """``env`` and ``labels``: values must be text, since YAML turns ``on`` and ``1.10`` into
    something else.
    """
    for name, value in values.items():
        if not isinstance(value, str):
            raise Error(
                f"{option}: the value of {name!r} is not a string but {type(value).__name__}",
                hint="put it in quotes, so that YAML does not interpret it",
            )
        if "\0" in value:
            raise Error(f"{option}: the value of {name!r} has a NUL byte in it")
        if not _ENV_NAME.match(name):
            raise Error(
                f"{option}: {name!r} cannot be a name", hint="it is empty, or has '=' or NUL in it"
            )
    return dict(sorted(values.items()))


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
        raise Error(f"{option}: there is a NUL byte in it")
    return found


def hostname(text: str, option: str = "hostname") -> str:
    """A host name of RFC 1123; it is written into /etc/hosts, so nothing else may stand in it."""
    if text and (len(text) > 253 or not _HOSTNAME.match(text)):
        raise bad(option, text, "host names are letters, digits and '-', parts joined with '.'")
    return text
