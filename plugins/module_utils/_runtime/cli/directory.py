# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which file has which verb, and the verb that words on a command line mean.

A file is only imported when one of its verbs is used.
"""

from __future__ import annotations

import importlib
from collections.abc import Iterator, Sequence

from .line.verbs import Table, Usage, Verb

#: The verbs and groups each file has in its VERBS, whose keys are such as ``ps`` and ``volume ls``;
#: a group stands here by its first word. Help and completion show them in this order.
FILES = {
    "verb.run": "run create update",
    "verb.attach": "start attach wait",
    "verb.exec": "exec",
    "verb.inside": "commit cp diff export port stats top",
    "verb.show": "ps logs inspect container",
    "verb.container": "stop restart kill pause unpause rm rename container",
    "verb.images.image": "images tag rmi history image",
    "verb.images.registry": "pull push search login logout",
    "verb.images.files": "save load import",
    "verb.images.build": "build builder",
    "verb.network": "network",
    "verb.volume": "volume",
    "verb.images.trust": "trust",
    "verb.system": "info version system",
    "verb.events": "events",
    "verb.report": "report",
    "compose.converging": "compose",
    "compose.images": "compose",
    "compose.showing": "compose",
    "compose.config": "compose",
    "compose.acting": "compose",
    "compose.running": "compose",
    "compose.following": "compose",
    "compose.passing": "compose",
    "declare.verb": "declare",
    "help": "help",
    "complete": "complete",
    "verb.supervise": "supervise",
}

#: What groups call some of their verbs besides.
_OTHER_WORDS = {"list": "ls", "remove": "rm"}

_OF_CONTAINERS = (
    "verb.run",
    "verb.attach",
    "verb.exec",
    "verb.inside",
    "verb.show",
    "verb.container",
)

#: What a group has besides: the verb of the same name without the group.
ALIASES = {
    "container": frozenset(" ".join(FILES[file] for file in _OF_CONTAINERS).split())
    - {"container", "inspect"},
    "builder": frozenset(["build"]),
    "image": frozenset(["build", "pull", "push", "tag", "history", "save", "load", "import"]),
    "system": frozenset(["info", "events"]),
}


def find(words: Sequence[str]) -> tuple[str, Verb, list[str]]:
    """The verb that words begin with: its name, itself, and the words behind it. Raises Usage."""
    first = words[0] if words else "help"
    if first in ("--help", "-h"):
        first = "help"
    elif first in ("--version", "-v"):
        return find(["version", "--format", "slipway version {{.Client.Version}}"])
    elif first.startswith("-"):
        raise Usage(f"unknown flag: {first[:100]}\nSee 'slipway --help'.", 125)
    if first == "compose":
        from .line.leading import behind

        words = behind(words)
    inner = next(iter(words[1:]), "--help")
    name = f"{first} {inner}"
    known = False
    for table in _tables(first):
        known = True
        if first in table:
            return first, table[first], list(words[1:])
        if name not in table and inner in _OTHER_WORDS:
            inner = _OTHER_WORDS[inner]
            name = f"{first} {inner}"
        if name in table:
            return name, table[name], list(words[2:])
    if not known:
        raise Usage(f"slipway: {first[:100]!r} is not a slipway command.\nSee 'slipway --help'", 1)
    if inner in ALIASES.get(first, ()):
        dummy, verb, rest = find([inner, *words[2:]])
        return name, verb, rest
    if inner not in ("--help", "-h", "help"):
        raise Usage(
            f"slipway: {name[:100]!r} is not a slipway command.\nSee 'slipway {first} --help'",
            1,
        )
    return find(["help", first])


def _tables(first: str) -> Iterator[Table]:
    """The tables of the files that have verbs of this first word; a group may be in several."""
    for file, names in FILES.items():
        if first in names.split():
            yield load(file)


def load(file: str) -> Table:
    """The VERBS of one file."""
    found: Table = importlib.import_module(f".{file}", __package__).VERBS
    return found
