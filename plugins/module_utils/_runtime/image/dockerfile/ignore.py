# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""``.dockerignore``: which files of a context a build does not see.

The last pattern that matches a path, or a directory above it, decides; ``!`` takes back (Docker
documentation, ".dockerignore files").
"""

from __future__ import annotations

import posixpath
from collections.abc import Sequence
from typing import Callable

from ...base.errors import Error
from . import pattern

#: Larger ones are not somebody's list of patterns.
LIMIT = 1 << 20


class Patterns:
    """Patterns in their order; without any nothing matches."""

    def __init__(self, lines: Sequence[str], where: str = ".dockerignore") -> None:
        self._rules: list[tuple[bool, Callable[[str], bool]]] = []
        for number, line in enumerate(lines, 1):
            text = line.strip()
            if line.startswith("#") or not text:
                continue
            exception = text.startswith("!")
            text = text[1:].strip() if exception else text
            if not text:
                raise Error(f"{where}:{number}: '!' stands without a pattern")
            text = posixpath.normpath(text).lstrip("/") or "."
            if text == ".":
                continue
            self._rules.append((exception, _compile(text, f"{where}:{number}")))

    @property
    def exceptions(self) -> bool:
        """Whether something below a directory that matches may not match."""
        return any(exception for exception, dummy in self._rules)

    def matches(self, path: str) -> bool:
        """Whether a path, relative to the context, is left out."""
        found = False
        for exception, covers in self._rules:
            if exception == found and covers(path):
                found = not exception
        return found


def read(text: str, where: str = ".dockerignore") -> Patterns:
    """The patterns of a file. Raises Error naming the line of one that is not valid."""
    return Patterns(text.lstrip("\ufeff").splitlines(), where)


def _compile(text: str, where: str) -> Callable[[str], bool]:
    try:
        return pattern.compiled(text, above=True)
    except ValueError as exc:
        raise Error(f"{where}: {text[:100]!a} is not a pattern: {exc}") from exc


def is_wildcard(path: str) -> bool:
    """Whether a source of COPY is a pattern."""
    return any(char in path for char in "*?[")
