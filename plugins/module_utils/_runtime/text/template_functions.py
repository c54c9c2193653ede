# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The functions of templates, Go's and Docker's, and how Go prints values. Pure."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from typing import Any, Callable

from ..base.errors import Error
from ..base.regex import regex

#: A verb of fmt: flags, width, precision.
_VERB = regex(r"%([-+ 0#]*)([0-9]*)(?:\.([0-9]+))?([a-zA-Z%])")


def shown(value: Any) -> str:
    """A JSON value as Go's template package prints one."""
    if value is None:
        return "<no value>"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, Mapping):
        return f"map[{' '.join(f'{key}:{shown(value[key])}' for key in sorted(value))}]"
    if isinstance(value, (list, tuple)):
        return f"[{' '.join(shown(one) for one in value)}]"
    return str(value)


def true(value: Any) -> bool:
    """What ``if`` takes for true: anything but false, 0, nil and what is empty."""
    return bool(value)


def _index(value: Any, *keys: Any) -> Any:
    for key in keys:
        # Of what a mapping lacks, Go gives the zero value.
        value = value.get(key) if isinstance(value, Mapping) else value[key]
    return value


def _slice(value: Any, *bounds: int) -> Any:
    return value[slice(*bounds[:2])] if len(bounds) > 1 else value[slice(bounds[0], None)]


def _join(values: Sequence[Any], separator: str) -> str:
    return separator.join(shown(one) for one in values)


def _and(*values: Any) -> Any:
    return next((one for one in values if not one), values[-1])


def _or(*values: Any) -> Any:
    return next((one for one in values if one), values[-1])


def _equal(value: Any, *others: Any) -> bool:
    return any(value == other for other in others)


def _pad(text: str, before: int, behind: int) -> str:
    return f"{' ' * before}{text}{' ' * behind}" if text else text


def _print(*values: Any) -> str:
    """fmt.Sprint: a blank between two of which neither is a text."""
    found = ""
    for index, value in enumerate(values):
        apart = index and not isinstance(value, str) and not isinstance(values[index - 1], str)
        found += f"{' ' if apart else ''}{shown(value)}"
    return found


def _printf(form: str, *values: Any) -> str:
    rest = list(values)

    def fill(match: re.Match[str]) -> str:
        flags, width, precision, verb = match.groups()
        if verb == "%":
            return "%"
        if not rest:
            return f"%!{verb}(MISSING)"
        value = rest.pop(0)
        if verb in "svt":
            text = shown(value)
            text = text[: int(precision)] if precision else text
        elif verb == "q":
            text = json.dumps(shown(value), ensure_ascii=False)
        elif verb in "dxXo":
            text = format(int(value), verb)
        elif verb in "feg":
            text = format(float(value), f".{precision or 6}{verb}")
        else:
            raise Error(f"--format: printf does not support %{verb}")
        size = int(width or 0)
        if "-" in flags:
            return text.ljust(size)
        return text.zfill(size) if "0" in flags else text.rjust(size)

    return _VERB.sub(fill, form)


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


FUNCTIONS: dict[str, Callable[..., Any]] = {
    "json": _json,
    "index": _index,
    "slice": _slice,
    "split": lambda text, separator: text.split(separator),
    "join": _join,
    "len": len,
    "lower": lambda text: text.lower(),
    "upper": lambda text: text.upper(),
    "title": lambda text: text.title(),
    "pad": _pad,
    "truncate": lambda text, size: text[:size],
    "print": _print,
    "printf": _printf,
    "println": lambda *values: f"{' '.join(shown(one) for one in values)}\n",
    "and": _and,
    "or": _or,
    "not": lambda value: not value,
    "eq": _equal,
    "ne": lambda one, other: one != other,
    "lt": lambda one, other: one < other,
    "le": lambda one, other: one <= other,
    "gt": lambda one, other: one > other,
    "ge": lambda one, other: one >= other,
}
