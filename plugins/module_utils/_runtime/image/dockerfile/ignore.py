# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""``.dockerignore``: which files of a context a build does not see.

The last pattern that matches a path, or a directory above it, decides; ``!`` takes back. ``*`` and
``?`` do not cross a slash, ``**`` does (Docker documentation, ".dockerignore files").
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Sequence

from ...base.errors import Error

#: Larger ones are not somebody's list of patterns.
LIMIT = 1 << 20


class Patterns:
    """Patterns in their order; without any nothing matches."""

    def __init__(self, lines: Sequence[str], where: str = ".dockerignore") -> None:
        self._rules: list[tuple[bool, re.Pattern[str]]] = []
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
        parts = path.split("/")
        above = ["/".join(parts[:count]) for count in range(1, len(parts) + 1)]
        for exception, rule in self._rules:
            if exception == found and any(rule.match(one) for one in above):
                found = not exception
        return found


def read(text: str, where: str = ".dockerignore") -> Patterns:
    """The patterns of a file. Raises Error naming the line of one that is not valid."""
    return Patterns(text.lstrip("\ufeff").splitlines(), where)


def _compile(pattern: str, where: str) -> re.Pattern[str]:
    try:
        return re.compile(rf"\A{translate(pattern)}\Z", re.DOTALL)
    except (ValueError, re.error) as exc:
        raise Error(f"{where}: {pattern[:100]!a} is not a pattern: {exc}") from exc


def translate(pattern: str) -> str:
    """A pattern as a regular expression. Raises ValueError."""
    made, at = "", 0
    while at < len(pattern):
        char = pattern[at]
        at += 1
        if char == "*":
            if pattern.startswith("*", at):
                at += 1
                if pattern.startswith("/", at):
                    at += 1
                piece = ".*" if at >= len(pattern) else "(?:.*/)?"
                # Said twice it means the same, and takes ages to match.
                made += "" if made.endswith(piece) else piece
            else:
                made += "[^/]*"
        elif char == "?":
            made += "[^/]"
        elif char == "[":
            end = pattern.find("]", at + 1)
            if end < 0:
                raise ValueError("a '[' is not closed")
            made += _class(pattern[at:end])
            at = end + 1
        elif char == "\\":
            if at >= len(pattern):
                raise ValueError("it ends with a backslash")
            made += re.escape(pattern[at])
            at += 1
        else:
            made += re.escape(char)
    return made


def _class(text: str) -> str:
    negated = text.startswith(("^", "!"))
    inner = text[1:] if negated else text
    escaped = re.sub(r"([\[\]\\^&~|]|(?<=-)-)", r"\\\1", inner.replace("\\", ""))
    return f"(?!/)[{'^' if negated else ''}{escaped}]"


def is_wildcard(path: str) -> bool:
    """Whether a source of COPY is a pattern."""
    return any(char in path for char in "*?[")
