# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Dataclasses that are quick to declare: ``dataclass(frozen=True)``, and ``changing`` ones.

The standard library compiles six functions for each class, a third of a millisecond, at every
start, and its import brings ``inspect`` along, which is as much as Python itself takes to start.
Here all classes share one set of functions, and dataclasses is imported by whoever asks it about
one of them: its fields(), replace(), asdict() and astuple() see no difference. The names here are
the standard library's and mean the same; what is not here (``order``, ``slots``, ``__post_init__``,
InitVar) is not there.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any, Callable, Optional, TypeVar

T = TypeVar("T")


class _Missing:
    """The default of a field that has none."""

    def __repr__(self) -> str:
        return "MISSING"


MISSING: Any = _Missing()


class Field:
    """What is known of one field. ``type`` is what its annotation says, as text."""

    __slots__ = ("compare", "default", "default_factory", "metadata", "name", "repr", "type")

    def __init__(
        self, default: Any, default_factory: Any, repr: bool, compare: bool, metadata: Any
    ) -> None:
        self.name, self.type = "", ""
        self.default, self.default_factory = default, default_factory
        self.repr, self.compare, self.metadata = repr, compare, metadata

    @property
    def given(self) -> dict[str, Any]:
        """What dataclasses.field() is given for the same."""
        found = {"repr": self.repr, "compare": self.compare, "metadata": self.metadata}
        found |= {} if self.default is MISSING else {"default": self.default}
        return found | (
            {} if self.default_factory is MISSING else {"default_factory": self.default_factory}
        )

    @property
    def required(self) -> bool:
        return self.default is MISSING and self.default_factory is MISSING


if TYPE_CHECKING:
    # The very same things to whoever checks types.
    from dataclasses import dataclass, field, replace
    from dataclasses import dataclass as changing
else:

    def dataclass(*, frozen: bool, repr: bool = True, eq: bool = True) -> Callable[[T], T]:
        """As dataclasses.dataclass; ``frozen`` has to be true."""
        if not frozen:
            raise TypeError("what may change is declared as changing")
        return lambda cls: _declare(cls, _FROZEN, repr, eq)

    def changing(cls: T) -> T:
        """As dataclasses.dataclass without arguments."""
        return _declare(cls, _CHANGING, True, True)

    def field(
        *,
        default: Any = MISSING,
        default_factory: Any = MISSING,
        repr: bool = True,
        compare: bool = True,
        metadata: Optional[Mapping[str, Any]] = None,
    ) -> Field:
        """As dataclasses.field."""
        return Field(default, default_factory, repr, compare, metadata or {})

    def replace(value: T, **changes: Any) -> T:
        """A copy of a value with other values in some of its fields."""
        return type(value)(**{**dict(items(value)), **changes})


__all__ = ["MISSING", "changing", "dataclass", "field", "fields", "items", "replace"]


def fields(cls: Any) -> tuple[Field, ...]:
    """The fields of a class declared here, or of a value of it; () for anything else."""
    found: tuple[Field, ...] = getattr(cls, "_declared_fields", ())
    return found


def items(value: Any) -> Iterator[tuple[str, Any]]:
    """The names of a value's fields with what is in them."""
    return ((f.name, getattr(value, f.name)) for f in fields(value))


class _Standard:
    """``__dataclass_fields__`` of a class: made when dataclasses asks for it."""

    def __get__(self, value: Any, owner: Any) -> dict[str, Any]:
        from dataclasses import field as standard
        from dataclasses import make_dataclass

        like = make_dataclass(
            owner.__name__,
            [(f.name, f.type, standard(**f.given)) for f in fields(owner)],
            init=False,
            repr=False,
            eq=False,
        )
        found: dict[str, Any] = like.__dict__["__dataclass_fields__"]
        owner.__dataclass_fields__ = found
        return found


_STANDARD = _Standard()


def _declare(cls: Any, functions: Mapping[str, Any], repr: bool, eq: bool) -> Any:
    found = {f.name: f for base in reversed(cls.__mro__) for f in fields(base)}
    for name, kind in _annotations(cls).items():
        if str(kind).startswith(("ClassVar", "typing.ClassVar")):
            continue
        made = cls.__dict__.get(name, MISSING)
        if not isinstance(made, Field):
            made = Field(made, MISSING, True, True, {})
        elif made.default is MISSING:
            delattr(cls, name)
        else:
            setattr(cls, name, made.default)
        if isinstance(made.default, (list, dict, set)):
            raise ValueError(f"{cls.__name__}.{name}: all values would share this default")
        made.name, made.type = name, kind
        found[name] = made
    cls._declared_fields = tuple(found.values())
    cls._declared = tuple((f.name, f.default, f.default_factory) for f in found.values())
    cls._declared_compared = tuple(f.name for f in found.values() if f.compare)
    cls.__dataclass_fields__ = _STANDARD
    for name, function in functions.items():
        if (name == "__repr__" and not repr) or (name in ("__eq__", "__hash__") and not eq):
            continue
        # What a class says itself stays, such as a text without a password. Python gives a class
        # that compares itself a hash of None, which is not set explicitly.
        if cls.__dict__.get(name) is None:
            setattr(cls, name, function)
    return cls


def _annotations(cls: Any) -> Mapping[str, Any]:
    """A class's own ones; Python 3.9 gives those of its base to a class that has none."""
    own = sys.version_info >= (3, 10) or "__annotations__" in cls.__dict__
    return cls.__annotations__ if own else {}


def _init(self: Any, *values: Any, **named: Any) -> None:
    own, missing = self.__dict__, MISSING
    declared = self._declared
    given = len(values)
    if given > len(declared):
        raise TypeError(f"{type(self).__name__} takes {len(declared)} values, not {given}")
    for index, (name, default, make) in enumerate(declared):
        if index < given:
            own[name] = values[index]
        elif name in named:
            own[name] = named.pop(name)
        elif default is not missing:
            own[name] = default
        elif make is not missing:
            own[name] = make()
        else:
            raise TypeError(f"{type(self).__name__} lacks a value for {name!r}")
    if named:
        raise TypeError(f"{type(self).__name__} got {sorted(named)}, unknown or given twice")


def _setattr(self: Any, name: str, value: Any) -> None:
    from dataclasses import FrozenInstanceError

    raise FrozenInstanceError(f"cannot assign to field {name!r}")


def _delattr(self: Any, name: str) -> None:
    from dataclasses import FrozenInstanceError

    raise FrozenInstanceError(f"cannot delete field {name!r}")


def _repr(self: Any) -> str:
    shown = ", ".join(f"{f.name}={getattr(self, f.name)!r}" for f in fields(self) if f.repr)
    return f"{type(self).__qualname__}({shown})"


def _eq(self: Any, other: Any) -> Any:
    if other.__class__ is not self.__class__:
        return NotImplemented
    return _compared(self) == _compared(other)


def _hash(self: Any) -> int:
    return hash(_compared(self))


def _compared(self: Any) -> tuple[Any, ...]:
    return tuple([getattr(self, name) for name in self._declared_compared])


_SHARED: Mapping[str, Any] = {"__init__": _init, "__repr__": _repr, "__eq__": _eq}
_CHANGING = {**_SHARED, "__hash__": None}
_FROZEN = {**_SHARED, "__setattr__": _setattr, "__delattr__": _delattr, "__hash__": _hash}
