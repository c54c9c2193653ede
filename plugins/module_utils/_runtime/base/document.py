# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Frozen dataclasses to strict JSON and back.

Records outlive the code that wrote them, so reading is strict and says where: an unknown key, a
missing one without a default, or a value of another type is an Error that names the path, such as
``.mounts[0].source``. Understood are str, int, float, bool, None, Optional, tuples of one type,
string-keyed mappings, nested dataclasses, Literal and Any.
"""

from __future__ import annotations

import json
import typing
from collections.abc import Mapping
from functools import cache
from typing import Any, Literal, TypeVar, Union

from .errors import Error
from .frozen import fields, items

T = TypeVar("T")


def to_json(value: Any) -> Any:
    """The JSON value of a dataclass, tuple, mapping or scalar; tuples become lists."""
    if fields(value) and not isinstance(value, type):
        return {name: to_json(item) for name, item in items(value)}
    if isinstance(value, (list, tuple)):
        return [to_json(item) for item in value]
    if isinstance(value, Mapping):
        return {str(key): to_json(item) for key, item in value.items()}
    return value


def canonical(value: Any) -> bytes:
    """One byte string per value, whatever the order of its keys: for digests and comparison."""
    return json.dumps(to_json(value), sort_keys=True, separators=(",", ":")).encode()


def from_json(cls: type[T], value: Any, where: str = "") -> T:
    """Read a dataclass out of a JSON value; ``where`` is the path that errors start with."""
    return typing.cast(T, _read(cls, value, where))


@cache
def _fields(cls: Any) -> dict[str, tuple[Any, bool]]:
    hints = typing.get_type_hints(cls)
    return {f.name: (hints[f.name], f.required) for f in fields(cls)}


def _read(kind: Any, value: Any, where: str) -> Any:
    if kind is Any:
        return value
    if fields(kind):
        return _read_object(kind, value, where)
    origin, arguments = typing.get_origin(kind), typing.get_args(kind)
    if origin is Union:
        inner = [argument for argument in arguments if argument is not type(None)]
        return None if value is None else _read(inner[0], value, where)
    if origin is Literal:
        if value not in arguments:
            raise Error(f"{where or '.'}: expected one of {', '.join(arguments)}")
        return value
    if origin is tuple:
        if not isinstance(value, list):
            raise _mismatch("a list", value, where)
        return tuple(_read(arguments[0], item, f"{where}[{i}]") for i, item in enumerate(value))
    if origin is not None and issubclass(origin, Mapping):
        if not isinstance(value, dict):
            raise _mismatch("an object", value, where)
        return {key: _read(arguments[1], item, f"{where}.{key}") for key, item in value.items()}
    if kind is float and isinstance(value, int) and not isinstance(value, bool):
        return float(value)
    # bool is a subclass of int in Python and not in JSON.
    if not isinstance(value, kind) or (isinstance(value, bool) and kind is not bool):
        raise _mismatch(kind.__name__, value, where)
    return value


def _read_object(cls: Any, value: Any, where: str) -> Any:
    if not isinstance(value, dict):
        raise _mismatch("an object", value, where)
    known = _fields(cls)
    unknown = sorted(set(value) - set(known))
    if unknown:
        raise Error(f"{where}.{unknown[0]}: unknown key")
    lacking = [name for name, (dummy, required) in known.items() if required and name not in value]
    if lacking:
        raise Error(f"{where}.{lacking[0]}: missing")
    return cls(**{key: _read(known[key][0], item, f"{where}.{key}") for key, item in value.items()})


def _mismatch(wanted: str, value: Any, where: str) -> Error:
    return Error(f"{where or '.'}: expected {wanted}, found {type(value).__name__}")
