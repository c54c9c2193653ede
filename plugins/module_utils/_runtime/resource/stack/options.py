# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Entries of a stack, read by the option tables of the modules they are of. Pure.

Ansible reads the options of a task so; within the entries of a list it would copy the whole table
for each, and report the first mistake alone. Only what an entry says is looked at here, values are
taken in the forms that Ansible takes, and every mistake is reported with its path, such as
``containers[2].memory``.
"""

from __future__ import annotations

import difflib
import os
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Callable, Optional

from ...base.frozen import dataclass

#: An argument_spec, as Ansible is told.
Spec = Mapping[str, Mapping[str, Any]]

_TRUE = frozenset({"yes", "on", "1", "true", "y", "t"})
_FALSE = frozenset({"no", "off", "0", "false", "n", "f"})


@dataclass(frozen=True)
class Table:
    """The options that an entry may have."""

    spec: Spec
    #: Every name and alias, and the option it is of.
    names: Mapping[str, str]
    defaults: Mapping[str, Any]
    required: tuple[str, ...]


def table(spec: Spec) -> Table:
    """The table of an argument_spec."""
    names = {alias: name for name, one in spec.items() for alias in (name, *one.get("aliases", ()))}
    defaults = {name: one.get("default") for name, one in spec.items()}
    required = tuple(name for name, one in spec.items() if one.get("required"))
    return Table(spec, names, defaults, required)


class Mistakes(list[str]):
    """What is wrong in a declaration, each with its path."""

    def add(self, path: str, why: str) -> None:
        self.append(f"{path}: {why}")


def said(known: Table, given: Any, path: str, mistakes: Mistakes) -> dict[str, Any]:
    """What an entry says, by the names of the options, each value in its option's type; None says
    that an option is left out.
    """
    if not isinstance(given, Mapping):
        mistakes.add(path, f"expected a dictionary, found {_kind(given)}")
        return {}
    found: dict[str, Any] = {}
    for key, value in given.items():
        name = known.names.get(key)
        if name is None:
            mistakes.add(f"{path}.{key}", f"unknown option{_meant(str(key), known)}")
        elif name in found:
            mistakes.add(f"{path}.{key}", f"is the option {name}, which is given already")
        elif value is None:
            found[name] = None
        else:
            found[name] = _converted(known.spec[name], value, f"{path}.{key}", mistakes)
    return found


def whole(known: Table, given: Mapping[str, Any], path: str, mistakes: Mistakes) -> dict[str, Any]:
    """What an entry says with everything that it leaves out; see said()."""
    given = {name: value for name, value in given.items() if value is not None}
    mistakes += [f"{path}.{name}: is required" for name in known.required if name not in given]
    return {**known.defaults, **given}


def secrets(spec: Spec, given: Any) -> Iterator[str]:
    """The texts of an entry that nobody is to be shown. The entry may be wrong."""
    if not isinstance(given, Mapping):
        return
    known = table(spec)
    for key, value in given.items():
        one = known.spec.get(known.names.get(key, ""), {})
        if one.get("no_log"):
            yield from _texts(value)
        for entry in value if isinstance(value, list) else [value]:
            if one.get("options"):
                yield from secrets(one["options"], entry)


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, Mapping):
        for one in value.values():
            yield from _texts(one)
    elif isinstance(value, (list, tuple)):
        for one in value:
            yield from _texts(one)
    elif value is not None and not isinstance(value, bool) and str(value):
        yield str(value)


def _meant(key: str, known: Table) -> str:
    near = difflib.get_close_matches(key, known.names, 1)
    return f"; did you mean {near[0]}?" if near else ""


def _kind(value: Any) -> str:
    for kind, word in ((bool, "a boolean"), (str, "a text"), (Mapping, "a dictionary")):
        if isinstance(value, kind):
            return word
    return "a list" if isinstance(value, list) else type(value).__name__


def _converted(one: Mapping[str, Any], value: Any, path: str, mistakes: Mistakes) -> Any:
    kind = one.get("type", "str")
    try:
        value = _TYPES[kind](value)
    except (TypeError, ValueError):
        mistakes.add(path, f"expected {_WORDS[kind]}, found {_kind(value)}")
        return None
    choices = one.get("choices")
    if choices and value not in choices:
        mistakes.add(path, f"{value!r:.60} is none of {', '.join(map(str, choices))}")
    if kind == "list":
        element = {"type": one.get("elements", "raw"), "options": one.get("options")}
        return [
            _converted(element, item, f"{path}[{number}]", mistakes)
            for number, item in enumerate(value)
        ]
    if kind == "dict" and one.get("options"):
        known = table(one["options"])
        given = said(known, value, path, mistakes)
        _together(one, given, path, mistakes)
        return whole(known, given, path, mistakes)
    return value


def _together(one: Mapping[str, Any], given: Mapping[str, Any], path: str, wrong: Mistakes) -> None:
    for names in one.get("mutually_exclusive", ()):
        if sum(given.get(name) is not None for name in names) > 1:
            wrong.add(path, f"only one of {', '.join(names)} can be given")
    for names in one.get("required_one_of", ()):
        if all(given.get(name) is None for name in names):
            wrong.add(path, f"one of {', '.join(names)} is required")


def required_if(
    rules: Sequence[tuple[str, str, Sequence[str]]],
    params: Mapping[str, Any],
    path: str,
    mistakes: Mistakes,
) -> None:
    """What Ansible is told by required_if, of one entry."""
    for option, value, names in rules:
        for name in names:
            if params.get(option) == value and params.get(name) is None:
                mistakes.add(path, f"{option}: {value} requires {name}")


def _text(value: Any) -> str:
    if isinstance(value, (Mapping, list, tuple)):
        raise TypeError
    return value if isinstance(value, str) else str(value)


def _boolean(value: Any) -> bool:
    if isinstance(value, bool):
        return value
    text = str(value).strip().lower()
    if text in _TRUE:
        return True
    if text in _FALSE:
        return False
    raise ValueError


def _integer(value: Any) -> int:
    if isinstance(value, bool) or (isinstance(value, float) and not value.is_integer()):
        raise TypeError
    return int(value)


def _number(value: Any) -> float:
    if isinstance(value, bool):
        raise TypeError
    return float(value)


def _list(value: Any) -> list[Any]:
    if isinstance(value, (list, tuple)):
        return list(value)
    if isinstance(value, str):
        return value.split(",")
    if isinstance(value, (int, float)):
        return [str(value)]
    raise TypeError


def _dict(value: Any) -> dict[str, Any]:
    if not isinstance(value, Mapping):
        raise TypeError
    return dict(value)


def _path(value: Any) -> str:
    return os.path.expanduser(os.path.expandvars(_text(value)))


def _raw(value: Any) -> Any:
    return value


_TYPES: Mapping[str, Callable[[Any], Any]] = {
    "str": _text,
    "bool": _boolean,
    "int": _integer,
    "float": _number,
    "list": _list,
    "dict": _dict,
    "path": _path,
    "raw": _raw,
}

_WORDS = {
    "str": "a text",
    "bool": "a boolean",
    "int": "an integer",
    "float": "a number",
    "list": "a list",
    "dict": "a dictionary",
    "path": "a path",
    "raw": "anything",
}


def prefixed(path: str, error: str, known: Optional[Table]) -> str:
    """An error of an entry with its path, which ends with the option if the error begins so."""
    first = error.partition(":")[0].partition(" ")[0]
    joint = "." if known is not None and first in known.names else ": "
    return f"{path}{joint}{error}"
