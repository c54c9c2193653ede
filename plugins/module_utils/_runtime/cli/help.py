# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Help, made from the tables of verbs."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from ..plan.plan import Host
from . import directory
from .line.verbs import FILTER, INT, LIST, STRINGS, SWITCH, Arguments, Flag, Verb, usage
from .terminal.output import say

_MANAGED = {
    "compose": "Define and run multi-container applications",
    "system": "Manage slipway",
    "trust": "Manage trust on images",
}


def _help(host: Host, arguments: Arguments) -> int:
    for line in lines(arguments.operands):
        say(line)
    return 0


def lines(words: Sequence[str]) -> Iterator[str]:
    """The help of the program, of a group or of a verb. Raises Usage when there is none."""
    known = everything()
    if not words:
        yield from _program(known)
        return
    inside = {name: verb for name, verb in known.items() if name.startswith(f"{words[0]} ")}
    if inside and len(words) == 1:
        yield from _group(words[0], inside)
        return
    name, verb, dummy = directory.find(words)
    yield from _verb(name, verb)


def everything() -> dict[str, Verb]:
    """Every verb of the program by its name, also those that are in a group a second time."""
    known: dict[str, Verb] = {}
    for file in directory.FILES:
        known |= {name: verb for name, verb in directory.load(file).items() if not verb.hidden}
    for group, names in directory.ALIASES.items():
        known |= {f"{group} {name}": known[name] for name in sorted(names) if name in known}
    return known


def _program(known: dict[str, Verb]) -> Iterator[str]:
    yield from ("", "Usage:  slipway COMMAND", "", "Run and manage containers, without a daemon")
    groups = sorted({name.split()[0] for name in known if " " in name})
    yield from ("", "Management Commands:")
    yield from _columns([(name, _managed(name)) for name in groups])
    yield from ("", "Commands:")
    yield from _columns(
        [(name, verb.text) for name, verb in sorted(known.items()) if " " not in name]
    )
    yield from ("", "Global Options:")
    yield from _columns([("-D, --debug", "Enable debug mode: print steps, commands and times")])
    yield from ("", "Run 'slipway COMMAND --help' for more information on a command.")


def _group(group: str, known: dict[str, Verb]) -> Iterator[str]:
    yield from ("", f"Usage:  slipway {group} COMMAND", "", _managed(group))
    yield from ("", "Commands:")
    yield from _columns([(name.split()[1], verb.text) for name, verb in sorted(known.items())])
    if group == "compose":
        from .line.leading import GLOBAL

        yield from ("", "Options:")
        yield from _columns(GLOBAL)
    yield from ("", f"Run 'slipway {group} COMMAND --help' for more information on a command.")


def _managed(group: str) -> str:
    return _MANAGED.get(group, f"Manage {group}s")


def _verb(name: str, verb: Verb) -> Iterator[str]:
    yield from ("", f"Usage:  {usage(verb, name)}", "", verb.text)
    shown = sorted((flag for flag in verb.flags if not flag.hidden), key=lambda flag: flag.name)
    if shown:
        yield from ("", "Options:")
        yield from _columns([(_flag(flag), _text(flag)) for flag in shown], 3)


def _flag(flag: Flag) -> str:
    short = f"-{flag.short}, " if flag.short else "    "
    taken = "" if flag.kind == SWITCH else f" {_WORDS.get(flag.value, flag.value)}"
    return f"{short}--{flag.name}{taken}"


_WORDS = {FILTER: "filter", LIST: "list", STRINGS: "strings"}


def _text(flag: Flag) -> str:
    if flag.default in (None, "", False, 0) or flag.kind in (LIST, STRINGS, FILTER):
        return flag.text
    default = flag.default
    if flag.kind == SWITCH:
        default = "true"
    return (
        f"{flag.text} (default {default})"
        if flag.kind in (INT, SWITCH)
        else (f'{flag.text} (default "{default}")')
    )


def _columns(rows: Sequence[tuple[str, str]], gap: int = 2) -> Iterator[str]:
    width = max((len(name) for name, dummy in rows), default=0)
    yield from (f"  {name.ljust(width)}{' ' * gap}{text}".rstrip() for name, text in rows)


VERBS = {"help": Verb(_help, "Help about the command", "[COMMAND...]")}
