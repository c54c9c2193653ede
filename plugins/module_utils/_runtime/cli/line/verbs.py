# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a command line consists of: verbs and their flags as data, and reading words by them. Pure.

The rules are those of the library Docker's command line uses (spf13/pflag): ``--name value``,
``--name=value``, ``-it``, ``-p80``, ``-p=80``, ``--rm=false``, ``--`` ends the flags. argparse
cannot be told all of them, and takes longer to import than ``slipway ps`` takes to run.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Callable, Optional

from ...base.errors import Error

if TYPE_CHECKING:
    from ...plan.plan import Host
    from .flag_values import FlagValues
else:
    FlagValues = object

#: What a flag takes, in Docker's words of its help; ``switch`` takes nothing, or true or false.
SWITCH, STRING, INT, FLOAT, LIST = "switch", "string", "int", "float", "list"
#: A list of strings, separated by commas as well.
STRINGS = "strings"
#: NAME=VALUE, several times: a mapping from each name to the list of its values.
FILTER = "filter"

_TRUE, _FALSE = ("1", "t", "true"), ("0", "f", "false")


class Usage(Error):
    """A command line that is not understood. ``status`` is what the program exits with."""

    def __init__(self, message: str, status: int) -> None:
        super().__init__(message)
        self.status = status


class Flag:
    """One flag: ``--name`` and perhaps ``-short``. ``value`` is the word its help shows for what it
    takes; ``default`` is what it is when it is not given.
    """

    __slots__ = ("choices", "default", "hidden", "kind", "name", "short", "text", "value")

    def __init__(
        self,
        name: str,
        short: str = "",
        kind: str = SWITCH,
        text: str = "",
        default: Any = None,
        value: str = "",
        choices: tuple[str, ...] = (),
        hidden: bool = False,
    ) -> None:
        self.name, self.short, self.kind, self.text = name, short, kind, text
        self.default = _DEFAULTS.get(kind) if default is None else default
        self.value = value or kind
        self.choices, self.hidden = choices, hidden

    def read(self, text: str) -> Any:
        """A value as it was written. Raises Error for one that cannot be."""
        try:
            if self.kind == SWITCH:
                return _boolean(text)
            if self.kind in (INT, FLOAT):
                return int(text) if self.kind == INT else float(text)
        except ValueError as exc:
            raise Error(f'invalid argument "{text[:100]}" for "{self.shown}" flag') from exc
        if self.choices and text not in self.choices:
            there = ", ".join(self.choices)
            raise Error(
                f'invalid argument "{text[:100]}" for "{self.shown}" flag: must be one of {there}'
            )
        return text

    @property
    def shown(self) -> str:
        return f"-{self.short}, --{self.name}" if self.short else f"--{self.name}"


_DEFAULTS: Mapping[str, Any] = {SWITCH: False, STRING: ""}


def _boolean(text: str) -> bool:
    if text.lower() not in (*_TRUE, *_FALSE):
        raise ValueError(text)
    return text.lower() in _TRUE


class Arguments(FlagValues):
    """What a command line says: a flag by its name with ``_`` for ``-``, and the operands.

    ``given`` are the names of the flags in the command line.
    """

    def __init__(self, values: Mapping[str, Any], operands: Sequence[str], given: set[str]) -> None:
        self.__dict__.update({name.replace("-", "_"): value for name, value in values.items()})
        self._values = values
        self.operands: list[str] = list(operands)
        self.given = frozenset(given)

    def __contains__(self, flag: str) -> bool:
        """Whether the verb has such a flag."""
        return flag in self._values

    def __getitem__(self, flag: str) -> Any:
        return self._values[flag]


class Verb:
    """One verb. ``operands`` is how they stand in Docker's usage, such as ``CONTAINER
    [CONTAINER...]``, and says how many there may be.

    With ``stops``, flags end at the first operand: what follows is somebody else's command line.
    ``failure`` is the exit status of an error.
    """

    __slots__ = ("failure", "flags", "hidden", "operands", "run", "stops", "text")

    def __init__(
        self,
        run: Callable[[Host, Arguments], int],
        text: str,
        operands: str = "",
        flags: Sequence[Flag] = (),
        stops: bool = False,
        failure: int = 1,
        hidden: bool = False,
    ) -> None:
        self.run, self.text, self.operands, self.flags = run, text, operands, tuple(flags)
        self.stops, self.failure, self.hidden = stops, failure, hidden

    def bounds(self) -> tuple[int, Optional[int]]:
        """How many operands there are at least and at most; None is without limit."""
        words = list(operand_words(self.operands))
        least = sum(not word.startswith("[") for word in words)
        return least, (None if "..." in self.operands else len(words))


#: Verbs by their names; a group's have the group before them: ``volume create``.
Table = Mapping[str, Verb]


def operand_words(text: str) -> Iterator[str]:
    """The words of a usage; what is in brackets is one of them, blanks and all."""
    yield from re.findall(r"\[(?:[^][]|\[[^][]*\])*\]|[^\s[]\S*", text)


def read(verb: Verb, name: str, words: Sequence[str]) -> Arguments:
    """Read what follows a verb. Raises Usage, and Help when that is asked for."""
    by_name = {flag.name: flag for flag in verb.flags}
    by_short = {flag.short: flag for flag in verb.flags if flag.short}
    values: dict[str, Any] = {}
    given: set[str] = set()
    operands: list[str] = []
    rest = list(words)
    try:
        while rest:
            word = rest.pop(0)
            if word == "--":
                operands += rest
                break
            if word == "-" or not word.startswith("-"):
                operands.append(word)
                if verb.stops:
                    operands += rest
                    break
            elif word.startswith("--"):
                _long(by_name, word, rest, values, given)
            else:
                _short(by_short, word, rest, values, given)
    except Help:
        raise
    except Error as exc:
        raise Usage(f"{exc}\nSee 'slipway {name} --help'.", 125) from exc
    _count(verb, name, operands)
    complete = {flag.name: _default(flag) for flag in verb.flags} | values
    return Arguments(complete, operands, given)


class Help(Exception):
    """The help text of the verb is asked for."""


def _default(flag: Flag) -> Any:
    if flag.kind in (LIST, STRINGS):
        return list(flag.default or ())
    return {} if flag.kind == FILTER else flag.default


def _long(
    flags: Mapping[str, Flag], word: str, rest: list[str], values: dict[str, Any], given: set[str]
) -> None:
    name, equals, text = word[2:].partition("=")
    if name == "help":
        raise Help
    flag = flags.get(name)
    if flag is None:
        raise Error(f"unknown flag: --{name[:100]}")
    if flag.kind == SWITCH:
        text = text if equals else "true"
    elif not equals:
        if not rest:
            raise Error(f"flag needs an argument: --{name}")
        text = rest.pop(0)
    _keep(flag, text, values, given)


def _short(
    flags: Mapping[str, Flag], word: str, rest: list[str], values: dict[str, Any], given: set[str]
) -> None:
    letters = word[1:]
    while letters:
        letter, letters = letters[0], letters[1:]
        flag = flags.get(letter)
        if flag is None:
            if letter == "h":
                raise Help
            raise Error(f"unknown shorthand flag: {letter!r} in -{word[1:][:100]}")
        if flag.kind == SWITCH:
            text = "true"
            if letters.startswith("="):
                text, letters = letters[1:], ""
        elif letters:
            text, letters = letters[1:] if letters.startswith("=") else letters, ""
        elif rest:
            text = rest.pop(0)
        else:
            raise Error(f"flag needs an argument: {letter!r} in {word[:100]}")
        _keep(flag, text, values, given)


def _keep(flag: Flag, text: str, values: dict[str, Any], given: set[str]) -> None:
    value = flag.read(text)
    given.add(flag.name)
    if flag.kind == LIST:
        values.setdefault(flag.name, []).append(value)
    elif flag.kind == STRINGS:
        values.setdefault(flag.name, []).extend(text.split(","))
    elif flag.kind == FILTER:
        name, equals, wanted = text.partition("=")
        if not equals:
            raise Error(
                f'invalid argument "{text[:100]}" for "{flag.shown}" flag: bad format of filter'
                " (expected name=value)"
            )
        found: dict[str, list[str]] = values.setdefault(flag.name, {})
        found.setdefault(name.strip().lower(), []).append(wanted.strip())
    else:
        values[flag.name] = value


def _count(verb: Verb, name: str, operands: Sequence[str]) -> None:
    least, most = verb.bounds()
    if len(operands) >= least and (most is None or len(operands) <= most):
        return
    if most == 0:
        wanted = "accepts no arguments"
    elif least == most:
        wanted = f"requires exactly {_counted(least)}"
    elif len(operands) < least:
        wanted = f"requires at least {_counted(least)}"
    else:
        wanted = f"requires at most {_counted(most or 0)}"
    raise Usage(
        f"\"slipway {name}\" {wanted}.\nSee 'slipway {name} --help'.\n\n"
        f"Usage:  {usage(verb, name)}\n\n{verb.text}",
        1,
    )


def _counted(count: int) -> str:
    return f"{count} argument{'' if count == 1 else 's'}"


def usage(verb: Verb, name: str) -> str:
    """The line that help begins with: ``slipway NAME [OPTIONS] OPERANDS``."""
    parts = ["slipway", name, "[OPTIONS]" if verb.flags else "", verb.operands]
    return " ".join(filter(None, parts))


def formatted() -> Flag:
    """``--format`` of the lists."""
    return Flag(
        "format",
        "",
        STRING,
        "Format output using a custom template: 'json', 'table TEMPLATE' or a Go template",
    )


def as_option(filters: Mapping[str, list[str]]) -> dict[str, Any]:
    """The filters of a command line, as an option of a module would give them."""
    return {name: values[-1] if name == "until" else values for name, values in filters.items()}


def listed() -> tuple[Flag, ...]:
    """The flags all lists have."""
    return (
        Flag(
            "filter", "f", FILTER, "Filter output based on conditions provided (e.g. 'label=a=b')"
        ),
        formatted(),
        Flag("no-trunc", "", SWITCH, "Don't truncate output"),
        Flag("quiet", "q", SWITCH, "Only display IDs"),
    )
