# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Patterns of paths: ``*`` and ``?`` do not cross a slash, ``**`` does (Docker documentation,
".dockerignore files").

A path is matched in time that grows with its length times that of the pattern, whatever the pattern
is: a regular expression with many gaps would try all ways to fill them. So the gaps are brought
into a form with few of them in a row, and a pattern with more than two is not matched by an
expression but by following all ways at once, each a bit of one number.
"""

from __future__ import annotations

import re
from typing import Callable, Optional

#: What stands in a gap: a part of one name; whole directories or nothing; anything.
_PART, _DIRECTORIES, _ANYTHING = "[^/]*", "(?:.*/)?", ".*"
_GAPS = (_PART, _DIRECTORIES, _ANYTHING)
#: An expression with more gaps than these is not matched by Python's.
_FEW = 2


def compiled(pattern: str, above: bool = False) -> Callable[[str], bool]:
    """What tells whether a pattern matches a path, or with ``above`` the path or a directory above
    it. Raises ValueError for what is not a pattern.
    """
    pieces = _pieces(pattern)
    if sum(piece in _GAPS for piece in pieces) > _FEW:
        # Whoever is wrong in a class of characters is told now.
        for piece in set(pieces):
            _expression(piece)
        return _Ways(pieces, above).match
    rule = _expression(rf"\A{''.join(pieces)}{'(?=/|' if above else '(?:'}\Z)")
    return lambda path: rule.match(path) is not None


def _expression(text: str) -> re.Pattern[str]:
    try:
        return re.compile(text, re.DOTALL)
    except re.error as exc:
        raise ValueError(str(exc)) from exc


def _pieces(pattern: str) -> list[str]:
    """A pattern as regular expressions, each a gap or what matches one character."""
    made: list[str] = []
    at = 0
    while at < len(pattern):
        char = pattern[at]
        at += 1
        if char == "*":
            gap = _PART
            if pattern.startswith("*", at):
                slash = pattern.startswith("/", at + 1)
                at += 2 if slash else 1
                gap = _ANYTHING if at >= len(pattern) else _DIRECTORIES
                # Docker compares the end of a path with what follows, when that is plain text.
                if not made and not slash and not re.search(r"[]*?[\\]", pattern[at:]):
                    gap = _ANYTHING
            _add_gap(made, gap)
        elif char == "?":
            made.append("[^/]")
        elif char == "[":
            end = pattern.find("]", at + 1)
            if end < 0:
                raise ValueError("a '[' is not closed")
            made.append(_class(pattern[at:end]))
            at = end + 1
        elif char == "\\":
            if at >= len(pattern):
                raise ValueError("it ends with a backslash")
            made.append(re.escape(pattern[at]))
            at += 1
        else:
            made.append(re.escape(char))
    return made


def _add_gap(made: list[str], gap: str) -> None:
    """Put a gap behind others, in the form with the fewest of that meaning: ``*`` behind ``**/``
    is anything, and whatever is beside anything is part of it. What is left is at most a part of a
    name followed by directories.
    """
    while made and made[-1] in _GAPS:
        last = made[-1]
        if last in (gap, _ANYTHING):
            return
        if last == _PART and gap == _DIRECTORIES:
            break
        made.pop()
        gap = _ANYTHING
    made.append(gap)


def _class(text: str) -> str:
    negated = text.startswith(("^", "!"))
    inner = text[1:] if negated else text
    escaped = re.sub(r"([\[\]\\^&~|]|(?<=-)-)", r"\\\1", inner.replace("\\", ""))
    return f"(?!/)[{'^' if negated else ''}{escaped}]"


class _Ways:
    """All ways through a pattern at once: bit N of a number is that one came as far as place N.

    A character of the pattern is one place. So is a gap that stays while characters come and may be
    left without any. Directories are two: one where they are come upon, from which they may be
    passed over, and one that stays and is left with a slash.
    """

    def __init__(self, pieces: list[str], above: bool) -> None:
        self._above = above
        self._singles: dict[str, int] = {}
        self._parts = self._anything = self._doors = self._within = 0
        place = 1
        for piece in pieces:
            if piece == _PART:
                self._parts |= place
            elif piece == _ANYTHING:
                self._anything |= place
            elif piece == _DIRECTORIES:
                self._doors |= place
                place <<= 1
                self._within |= place
            else:
                self._singles[piece] = self._singles.get(piece, 0) | place
            place <<= 1
        self._end = place
        self._moves: dict[str, int] = {}

    def match(self, path: str) -> bool:
        at = self._open(1)
        for char in path:
            if self._above and char == "/" and at & self._end:
                return True
            stays = self._anything | self._within | (0 if char == "/" else self._parts)
            at = self._open(((at & self._move(char)) << 1) | (at & stays))
            if not at:
                return False
        return bool(at & self._end)

    def _open(self, at: int) -> int:
        """Where one is as well without another character."""
        at |= (at & (self._parts | self._anything)) << 1
        doors = at & self._doors
        return at | (doors << 1) | (doors << 2)

    def _move(self, char: str) -> int:
        """The places that a character leads on from."""
        found: Optional[int] = self._moves.get(char)
        if found is None:
            found = self._within if char == "/" else 0
            for piece, places in self._singles.items():
                if re.match(piece, char, re.DOTALL):
                    found |= places
            self._moves[char] = found
        return found
