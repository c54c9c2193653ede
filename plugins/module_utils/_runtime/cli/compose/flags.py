# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The flags that stand before a verb of Compose and say which project is meant. Pure.

Every verb has them, by their long names, so that ``compose -f x.yaml up`` is read as ``compose up
--file x.yaml``: the short ones mean something else behind some verbs.
"""

from __future__ import annotations

from typing import Any

from ...base.errors import Error
from ..line.verbs import INT, LIST, STRING, STRINGS, SWITCH, Arguments, Flag

PROJECT = (
    Flag("file", "", LIST, "Compose configuration files", hidden=True),
    Flag("project-name", "", STRING, "Project name", hidden=True),
    Flag("project-directory", "", STRING, "Specify an alternate working directory", hidden=True),
    Flag("profile", "", STRINGS, "Specify a profile to enable", hidden=True),
    Flag("env-file", "", LIST, "Specify an alternate environment file", hidden=True),
    Flag("ansi", "", STRING, "Has no effect", hidden=True),
    Flag("progress", "", STRING, "Has no effect", hidden=True),
    Flag("parallel", "", INT, "Has no effect", hidden=True),
    Flag("compatibility", "", SWITCH, "Has no effect", hidden=True),
    Flag("no-ansi", "", SWITCH, "Has no effect", hidden=True),
    Flag("verbose", "", SWITCH, "Has no effect", hidden=True),
)


class Refused(Flag):
    """A flag that Compose has and that is not to be had here; ``text`` says why and what to do."""

    __slots__ = ()

    def __init__(self, name: str, why: str, kind: str = SWITCH, short: str = "") -> None:
        super().__init__(name, short, kind, why, hidden=True)

    def read(self, text: str) -> Any:
        """Raises Error, whatever the value is."""
        raise Error(f"--{self.name}: {self.text}")


#: Why what is about watching files is not to be had.
REFUSED_WATCH = (
    "files that are worked on are not copied into containers; mount the directory, or run"
    " slipway compose up --build after a change"
)

#: Those that only some verbs have.
_ELSEWHERE = (
    Refused("all-resources", "it is for config"),
    Refused("dry-run", "it is for up, create and down"),
)


def own(*flags: Flag) -> tuple[Flag, ...]:
    """The flags of a verb with those of the project; one that a verb has itself is its own."""
    names = {flag.name for flag in flags}
    others = (*PROJECT, *_ELSEWHERE)
    return (*flags, *(flag for flag in others if flag.name not in names))


def pull_of(arguments: Arguments) -> str:
    """What --pull says, as the option of the module. Raises Error."""
    pull = arguments.pull
    if pull not in ("", "always", "missing", "never", "policy", "build"):
        raise Error(f"--pull: {pull[:40]!r} is none of always, missing, never, policy")
    return "policy" if pull in ("", "build") else str(pull)
