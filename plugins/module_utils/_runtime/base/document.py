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

import contextlib
import json
import typing
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any, Callable, Literal, Optional, TypeVar, Union

from . import files
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


#: What files of one content said, by the class and that content; None where each is decoded anew.
_decoded: Optional[dict[tuple[type, bytes], Any]] = None


@contextlib.contextmanager
def decoded_once() -> Iterator[None]:
    """Until it ends, ``read`` decodes files of one content once. They are read each time, since
    others may replace them; but a task on a hundred containers reads each record several times,
    and decoding is most of that. It grows with what is read, so it is for what ends soon.
    """
    global _decoded
    before, _decoded = _decoded, {}
    try:
        yield
    finally:
        _decoded = before


def read(cls: type[T], path: Path, where: str = "") -> T:
    """The dataclass in a JSON file. Raises FileNotFoundError, and Error where the file is damaged,
    which ``where`` starts.
    """
    data = path.read_bytes()
    known = None if _decoded is None else _decoded.get((cls, data))
    if known is None:
        known = from_json(cls, files.parsed(path, data), where)
        if _decoded is not None:
            _decoded[cls, data] = known
    return typing.cast(T, known)


#: Reads a JSON value; the text is the path that errors start with.
_Reader = Callable[[Any, str], Any]

_NONE = type(None)


def _read(kind: Any, value: Any, where: str) -> Any:
    return _reader(kind)(value, where)


@cache
def _reader(kind: Any) -> _Reader:
    """What reads values of a type. It is found once: a host has many records of few types."""
    if kind is Any:
        return lambda value, where: value
    if fields(kind):
        return _reader_of_object(kind)
    origin, arguments = typing.get_origin(kind), typing.get_args(kind)
    if origin is Union:
        inner = _reader(next(one for one in arguments if one is not _NONE))
        return lambda value, where: None if value is None else inner(value, where)
    if origin is Literal:
        return _reader_of_choices(arguments)
    if origin is tuple:
        return _reader_of_tuple(_reader(arguments[0]))
    if origin is not None and issubclass(origin, Mapping):
        return _reader_of_mapping(_reader(arguments[1]))
    return _reader_of_scalar(kind)


def _reader_of_choices(choices: tuple[Any, ...]) -> _Reader:
    def read(value: Any, where: str) -> Any:
        if value not in choices:
            raise Error(f"{where or '.'}: expected one of {', '.join(choices)}")
        return value

    return read


def _reader_of_tuple(item: _Reader) -> _Reader:
    def read(value: Any, where: str) -> Any:
        if not isinstance(value, list):
            raise _mismatch("a list", value, where)
        return tuple([item(one, f"{where}[{i}]") for i, one in enumerate(value)])

    return read


def _reader_of_mapping(item: _Reader) -> _Reader:
    def read(value: Any, where: str) -> Any:
        if not isinstance(value, dict):
            raise _mismatch("an object", value, where)
        return {key: item(one, f"{where}.{key}") for key, one in value.items()}

    return read


def _reader_of_scalar(kind: Any) -> _Reader:
    def read(value: Any, where: str) -> Any:
        # bool is a subclass of int in Python and not in JSON.
        if kind is bool or not isinstance(value, bool):
            if isinstance(value, kind):
                return value
            if kind is float and isinstance(value, int) and abs(value) < 1 << 1023:
                return float(value)
        raise _mismatch(kind.__name__, value, where)

    return read


def _reader_of_object(cls: Any) -> _Reader:
    hints = typing.get_type_hints(cls)
    known = fields(cls)
    readers = {field.name: (_reader(hints[field.name]), f".{field.name}") for field in known}
    required = [field.name for field in known if field.required]

    def read(value: Any, where: str) -> Any:
        if not isinstance(value, dict):
            raise _mismatch("an object", value, where)
        given = {}
        try:
            for key, one in value.items():
                reader, suffix = readers[key]
                given[key] = reader(one, where + suffix)
        except KeyError:
            unknown = sorted(set(value) - set(readers))
            raise Error(f"{where}.{unknown[0]}: unknown key") from None
        lacking = [name for name in required if name not in given]
        if lacking:
            raise Error(f"{where}.{lacking[0]}: missing")
        return cls(**given)

    return read


def _mismatch(wanted: str, value: Any, where: str) -> Error:
    return Error(f"{where or '.'}: expected {wanted}, found {type(value).__name__}")
