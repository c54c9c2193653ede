# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What an option of the module is: its name, what it takes, the field of the spec it sets. Pure.

Names, forms and meanings are those of community.docker's docker_container. Every parser raises
Error that names the option and the text; every ``show_*`` function is its inverse, for diffs. The
options are listed in tables by subject, in the files beside this one; catalogue.py joins them, and
the module's argument_spec and the program's defaults are derived from them.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Callable, Optional

from ....base.errors import Error
from ....base.frozen import dataclass


class _Default:
    """What a task says in order to have an option's default, as with an empty text."""


DEFAULT = _Default()


def same(value: Any) -> Any:
    """For options that need no parsing or showing."""
    return value


@dataclass(frozen=True, repr=False, eq=False)
class Argument:
    """What a task may write: a name, and what Ansible is told about its value.

    ``elements`` of a list are texts unless something else is said; ``suboptions`` are those of a
    dictionary, or of the dictionaries of a list.
    """

    name: str
    type: str = "str"
    elements: str = ""
    choices: tuple[Any, ...] = ()
    aliases: tuple[str, ...] = ()
    suboptions: tuple[Argument, ...] = ()
    default: Any = None
    required: bool = False
    #: Said where a name sounds like a secret's: False where what is secret is deeper inside.
    no_log: Optional[bool] = None

    def check(self, value: Any, called: str = "") -> None:
        """Raise Error for what is none of the choices, here or in a suboption. ``called`` is what
        the error calls the option.

        Ansible has looked by then; the program's flags come here alone.
        """
        called = called or self.name
        if value is None:
            return
        if self.choices and value not in self.choices:
            raise bad(called, str(value), f"use {', '.join(map(str, self.choices))}")
        if not self.suboptions:
            return
        for one in value if self.type == "list" else [value]:
            for suboption in self.suboptions:
                suboption.check(one.get(suboption.name), f"{called}: {suboption.name}")

    def spec(self) -> dict[str, Any]:
        """The entry of an argument_spec."""
        found: dict[str, Any] = {"type": self.type}
        if self.type == "list":
            found["elements"] = self.elements or ("dict" if self.suboptions else "str")
        if self.suboptions:
            found["options"] = {option.name: option.spec() for option in self.suboptions}
        if self.choices:
            found["choices"] = list(self.choices)
        if self.aliases:
            found["aliases"] = list(self.aliases)
        if self.default is not None:
            found["default"] = self.default
        if self.no_log is not None:
            found["no_log"] = self.no_log
        return {**found, "required": True} if self.required else found


@dataclass(frozen=True, repr=False, eq=False)
class Option(Argument):
    """One that says what a container is: ``parse`` turns its value into that of the spec's
    ``field``, ``show`` shows it.

    ``read`` takes the place of ``parse`` where several parameters make one value: it gets all of
    them and returns None when the task says nothing; ``companions`` are those it reads beside
    ``name`` that set no field of their own. ``more`` joins what is there with what is given under
    allow_more_present, where the field's kind does not say it all.
    """

    field: str = ""
    parse: Callable[[Any], Any] = same
    show: Optional[Callable[[Any], Any]] = None
    read: Optional[Callable[[Mapping[str, Any]], Any]] = None
    companions: tuple[Argument, ...] = ()
    more: Optional[Callable[[Any, Any], Any]] = None

    @property
    def spec_field(self) -> str:
        return self.field or self.name

    def value(self, params: Mapping[str, Any]) -> Any:
        """What a task says, canonical, None when it says nothing, DEFAULT for an empty text, as
        ``default('')`` makes one. Raises Error.
        """
        if self.read is not None:
            return self.read(params)
        given = params.get(self.name)
        if given is None:
            return None
        return DEFAULT if given == "" else self.parse(given)

    def shown(self, value: Any) -> Any:
        """The inverse: a value of the spec in the words of the module."""
        if self.show is not None:
            return self.show(value)
        return list(value) if isinstance(value, tuple) else value


def bad(option: str, text: str, why: str) -> Error:
    """The error for a text an option does not understand."""
    return Error(f"{option}: {text[:200]!r} is not valid: {why}")
