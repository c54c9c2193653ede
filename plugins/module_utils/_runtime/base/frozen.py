# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Frozen dataclasses that are quick to declare.

The standard library compiles six functions for each frozen dataclass, a third of a millisecond, at
every start: an unchanged task spent a third of its own time on that. Here all classes share one set
of functions. Their instances are what dataclasses.dataclass(frozen=True) makes of them, so
fields(), replace(), astuple() and the codec see no difference; creating one takes slightly longer,
so what is created by the million stays with the standard library.
"""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Any, Callable, TypeVar

T = TypeVar("T")

if TYPE_CHECKING:
    # The very same thing to whoever checks types.
    from dataclasses import dataclass
else:

    def dataclass(*, frozen: bool, repr: bool = True, eq: bool = True) -> Callable[[T], T]:
        """As dataclasses.dataclass; ``frozen`` has to be true."""
        if not frozen:
            raise TypeError("only frozen dataclasses can be declared here")
        return lambda cls: _declare(cls, repr, eq)


__all__ = ["dataclass"]


def _declare(cls: Any, repr: bool, eq: bool) -> Any:
    if cls.__doc__ is None:
        # Otherwise its signature becomes its documentation, which is slow to find out.
        cls.__doc__ = cls.__name__
    made: Any = dataclasses.dataclass(init=False, repr=False, eq=False)(cls)
    fields = dataclasses.fields(made)
    made._frozen_fields = tuple((f.name, f.default, f.default_factory) for f in fields)
    made._frozen_shown = tuple(f.name for f in fields if f.repr)
    made._frozen_compared = tuple(f.name for f in fields if f.compare)
    functions = {"__init__": _init, "__setattr__": _setattr, "__delattr__": _delattr}
    functions |= {"__repr__": _repr} if repr else {}
    functions |= {"__eq__": _eq, "__hash__": _hash} if eq else {}
    for name, function in functions.items():
        # What a class says itself stays, such as a text without a password. Python gives a class
        # that compares itself a hash of None, which is not set explicitly.
        if cls.__dict__.get(name) is None:
            setattr(made, name, function)
    return made


def _init(self: Any, *values: Any, **named: Any) -> None:
    own, missing = self.__dict__, dataclasses.MISSING
    fields = self._frozen_fields
    if len(values) > len(fields):
        raise TypeError(f"{type(self).__name__} takes {len(fields)} values, not {len(values)}")
    given = len(values)
    for index, (name, default, factory) in enumerate(fields):
        if index < given:
            own[name] = values[index]
        elif name in named:
            own[name] = named.pop(name)
        elif default is not missing:
            own[name] = default
        elif factory is not missing:
            own[name] = factory()
        else:
            raise TypeError(f"{type(self).__name__} lacks a value for {name!r}")
    if named:
        raise TypeError(f"{type(self).__name__} got {sorted(named)}, unknown or given twice")


def _setattr(self: Any, name: str, value: Any) -> None:
    raise dataclasses.FrozenInstanceError(f"cannot assign to field {name!r}")


def _delattr(self: Any, name: str) -> None:
    raise dataclasses.FrozenInstanceError(f"cannot delete field {name!r}")


def _repr(self: Any) -> str:
    shown = ", ".join(f"{name}={getattr(self, name)!r}" for name in self._frozen_shown)
    return f"{type(self).__qualname__}({shown})"


def _eq(self: Any, other: Any) -> Any:
    if other.__class__ is not self.__class__:
        return NotImplemented
    return _compared(self) == _compared(other)


def _hash(self: Any) -> int:
    return hash(_compared(self))


def _compared(self: Any) -> tuple[Any, ...]:
    return tuple([getattr(self, name) for name in self._frozen_compared])
