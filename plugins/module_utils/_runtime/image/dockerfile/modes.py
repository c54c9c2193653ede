# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The modes of ``--chmod``: octal, or symbolic as chmod(1) takes them. Pure.

``X`` is ``x`` for a directory, and for a file that somebody may execute before any change. Where
nobody is named, as in ``+w``, it is for all, without what a umask of 022 takes away.
"""

from __future__ import annotations

import re

from ...base.frozen import dataclass
from ...base.regex import regex
from . import flags

_OCTAL = regex(r"\A0?[0-7]{1,4}\Z", re.ASCII)
_CLAUSE = regex(r"\A([ugoa]*)((?:[-+=](?:[ugo]|[rwxXst]*))+)\Z", re.ASCII)
_ACTION = regex(r"([-+=])([ugorwxXst]*)", re.ASCII)
_WHO = {"u": 0o700, "g": 0o070, "o": 0o007, "a": 0o777}
_SHIFT = {"u": 6, "g": 3, "o": 0}
_UMASK = 0o022


@dataclass(frozen=True)
class Mode:
    """A mode as it is written, which is valid."""

    text: str

    @property
    def is_octal(self) -> bool:
        return self.text.isdigit()

    def of(self, before: int, directory: bool) -> int:
        """What a mode becomes."""
        if self.is_octal:
            return int(self.text, 8)
        executable = directory or bool(before & 0o111)
        mode = before
        for clause in self.text.split(","):
            found = _CLAUSE.match(clause)
            if found is None:
                raise AssertionError(f"{clause} was checked")
            for action in _ACTION.finditer(found[2]):
                mode = _changed(mode, found[1], action[1], action[2], executable)
        return mode


def _changed(mode: int, who: str, sign: str, letters: str, executable: bool) -> int:
    mask = 0
    for one in who or "a":
        mask |= _WHO[one]
    bits = special = 0
    for letter in letters:
        if letter in _SHIFT:
            bits |= (mode >> _SHIFT[letter] & 7) * 0o111
        elif letter == "s":
            special |= (0o4000 if mask & 0o700 else 0) | (0o2000 if mask & 0o070 else 0)
        elif letter == "t":
            special |= 0o1000
        elif letter != "X" or executable:
            bits |= {"r": 0o444, "w": 0o222}.get(letter, 0o111)
    bits = bits & mask & (0o777 if who else ~_UMASK) | special
    if sign == "+":
        return mode | bits
    if sign == "-":
        return mode & ~bits
    own = (0o4000 if mask & 0o700 else 0) | (0o2000 if mask & 0o070 else 0)
    return mode & ~(mask | own) | bits


def mode_of(text: str) -> Mode:
    """Read a mode. Raises Wrong."""
    if _OCTAL.match(text) or all(_CLAUSE.match(clause) for clause in text.split(",")):
        return Mode(text)
    raise flags.Wrong(
        f"--chmod={text[:40]} is not a mode", "write --chmod=0755, or --chmod=u=rwX,go=rX"
    )
