# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Words of a Dockerfile: splitting, quotes, escapes, and variables with their modifiers.

``${name:-word}``, ``-``, ``:+``, ``+``, ``:?``, ``?``, ``#``, ``##``, ``%``, ``%%``, ``/`` and
``//`` mean what they mean in a shell (Dockerfile reference, "Environment replacement").
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Optional

from ...base.regex import regex

#: Parameters of a shell that are one character long; a Dockerfile has no value for any.
_SPECIAL = frozenset("@*#?-$!0")
#: Substitutions inside of substitutions.
_DEPTH = 50
_NAME = regex(r"[A-Za-z_][A-Za-z0-9_]*|[0-9]+", re.ASCII)


class Malformed(ValueError):
    """A word that cannot be read; the message says why, without the place."""


def expand(
    text: str, variables: Mapping[str, str], escape: str = "\\", *, raw_quotes: bool = False
) -> str:
    """One word (or a whole text) without its quotes and with its variables expanded.

    ``raw_quotes`` leaves quotes as they are, as in the content of a heredoc. Raises Malformed.
    """
    return "".join(_Reader(text, variables, escape, raw_quotes).read()[1])


def expand_words(text: str, variables: Mapping[str, str], escape: str = "\\") -> list[str]:
    """The same, split where blanks stand outside of quotes, also those that a variable brings."""
    return _Reader(text, variables, escape, False).read()[0]


def split(text: str, escape: str = "\\") -> list[str]:
    """The words of a line, each as it is written: with its quotes and escapes."""
    words: list[str] = []
    word, quote, escaped = "", "", False
    for char in text:
        if escaped:
            escaped = False
        elif char == escape and quote != "'":
            escaped = True
        elif quote:
            quote = "" if char == quote else quote
        elif char in "'\"":
            quote = char
        elif char.isspace():
            if word:
                words.append(word)
            word = ""
            continue
        word += char
    return [*words, word] if word else words


class _Words:
    """Words being collected. A blank that was quoted or escaped does not end one."""

    def __init__(self) -> None:
        self.done: list[str] = []
        self._word = ""
        self._begun = False

    def add(self, text: str) -> None:
        for char in text:
            if char.isspace():
                self.end()
            else:
                self.add_raw(char)

    def add_raw(self, text: str) -> None:
        self._word += text
        self._begun = True

    def end(self) -> None:
        if self._begun:
            self.done.append(self._word)
        self._word, self._begun = "", False


class _Reader:
    """A text being expanded, from left to right."""

    def __init__(
        self, text: str, variables: Mapping[str, str], escape: str, raw_quotes: bool
    ) -> None:
        self._text = text
        self._at = 0
        self._variables = variables
        self._escape = escape
        self._raw_quotes = raw_quotes
        self._depth = 0

    def read(self) -> tuple[list[str], list[str]]:
        return self._until("", raw_escapes=self._raw_quotes)

    @property
    def _peek(self) -> str:
        return self._text[self._at : self._at + 1]

    def _next(self) -> str:
        char = self._peek
        self._at += 1
        return char

    def _until(self, stop: str, raw_escapes: bool = False) -> tuple[list[str], list[str]]:
        """Words and pieces up to a character, which is passed over; "" is the end of the text."""
        words, pieces = _Words(), list[str]()

        def keep(text: str, raw: bool) -> None:
            pieces.append(text)
            (words.add_raw if raw else words.add)(text)

        while self._peek:
            char = self._peek
            if stop and char == stop:
                self._next()
                words.end()
                return words.done, pieces
            if char == "'" and not self._raw_quotes:
                keep(self._single(), True)
            elif char == '"' and not self._raw_quotes:
                keep(self._double(), True)
            elif char == "$":
                keep(self._dollar(), False)
            elif self._next() == self._escape:
                following = self._next()
                if raw_escapes and not (self._raw_quotes and not stop and following == "$"):
                    keep(char, True)
                keep(following, True)
            else:
                keep(char, False)
        if stop:
            raise Malformed(f"it ends where {stop!r} was expected")
        words.end()
        return words.done, pieces

    def _single(self) -> str:
        end = self._text.find("'", self._at + 1)
        if end < 0:
            raise Malformed("a single quote is not closed")
        begin, self._at = self._at + 1, end + 1
        return self._text[begin:end]

    def _double(self) -> str:
        self._next()
        pieces: list[str] = []
        while self._peek:
            char = self._peek
            if char == '"':
                self._next()
                return "".join(pieces)
            if char == "$":
                pieces.append(self._dollar())
                continue
            self._next()
            if char == self._escape:
                following = self._next()
                if following not in ('"', "$", self._escape):
                    pieces.append(char)
                char = following
            pieces.append(char)
        raise Malformed("a double quote is not closed")

    def _name(self) -> str:
        match = _NAME.match(self._text, self._at)
        if match:
            self._at = match.end()
            return match[0]
        return self._next() if self._peek in _SPECIAL and self._peek else ""

    def _dollar(self) -> str:
        self._depth += 1
        if self._depth > _DEPTH:
            raise Malformed(f"substitutions are nested more than {_DEPTH} deep")
        try:
            return self._substitution()
        finally:
            self._depth -= 1

    def _substitution(self) -> str:
        self._next()
        if self._peek != "{":
            name = self._name()
            return self._variables.get(name, "") if name else "$"
        self._next()
        if not self._peek:
            raise Malformed("'${' is not closed")
        name = self._name() if self._peek not in "{}:" else ""
        if not name:
            raise Malformed("'${' is not followed by the name of a variable")
        value = self._variables.get(name)
        modifier = self._next()
        if modifier == "}":
            return value or ""
        if modifier == "/":
            return self._replaced(value or "")
        operator = self._next() if modifier == ":" else modifier
        if operator in ("-", "+", "?"):
            word = "".join(self._until("}")[1])
            return _chosen(name, value, operator, word, modifier == ":")
        if modifier in ("#", "%"):
            pattern = "".join(self._until("}", raw_escapes=True)[1])
            return _trimmed(value or "", modifier, pattern)
        if not modifier:
            raise Malformed("'${' is not closed")
        shown = modifier if operator == modifier else modifier + operator
        raise Malformed(
            f"${{{name}{shown}...}} is not a substitution; "
            "there are :- - :+ + :? ? # ## % %% / and //"
        )

    def _replaced(self, value: str) -> str:
        everywhere = self._peek == "/"
        if everywhere:
            self._next()
        pattern = "".join(self._until("/", raw_escapes=True)[1])
        replacement = "".join(self._until("}", raw_escapes=True)[1])
        found = re.compile(_regex(pattern), re.DOTALL)
        return found.sub(lambda match: replacement, value, count=0 if everywhere else 1)


def _chosen(name: str, value: Optional[str], operator: str, word: str, filled: bool) -> str:
    """``-``, ``+`` and ``?``; ``filled`` is the form with a colon, for which empty is unset."""
    is_set = value is not None and not (filled and not value)
    if operator == "+":
        return word if is_set else ""
    if is_set:
        return value or ""
    if operator == "?":
        default = "is empty or not set" if filled else "is not set"
        raise Malformed(f"{name}: {word or default}")
    return word


def _trimmed(value: str, where: str, pattern: str) -> str:
    """The value without the shortest (or, where the sign is doubled, longest) match at its
    beginning (``#``) or end (``%``).
    """
    longest = pattern.startswith(where)
    found = re.compile(_regex(pattern[1:] if longest else pattern), re.DOTALL)
    cuts = range(len(value) + 1)
    if where == "#":
        for cut in reversed(cuts) if longest else cuts:
            if found.fullmatch(value[:cut]):
                return value[cut:]
    else:
        for cut in cuts if longest else reversed(cuts):
            if found.fullmatch(value[cut:]):
                return value[:cut]
    return value


def _regex(pattern: str) -> str:
    """A pattern of the substitutions: ``*``, ``?`` and ``\\`` before a character meant as it is.

    What stands between two ``*`` is looked for once, where it is first: another place of it leads
    to no other match, and trying all of them takes for ever.
    """
    pieces, escaped = [""], False
    for char in pattern:
        if escaped or char not in "*?\\":
            pieces[-1] += re.escape(char)
            escaped = False
        elif char == "\\":
            escaped = True
        elif char == "?":
            pieces[-1] += "."
        else:
            pieces.append("")
    if escaped:
        raise Malformed(f"the pattern {pattern!r} ends with a backslash")
    if len(pieces) == 1:
        return pieces[0]
    first, *between, last = pieces
    once = (f"(?=(?P<p{n}>.*?{piece}))(?P=p{n})" for n, piece in enumerate(filter(None, between)))
    return f"{first}{''.join(once)}.*{last}"
