# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The lines of a Dockerfile: parser directives, continuations, comments and heredocs."""

from __future__ import annotations

import re
from typing import Optional

from ...base.errors import Error
from ...base.frozen import dataclass, field
from ...base.regex import regex
from . import words

_DIRECTIVE = regex(r"\A#\s*([A-Za-z][A-Za-z0-9]*)\s*=\s*(.+?)\s*\Z", re.ASCII)
_DIRECTIVES = ("syntax", "escape", "check")
_COMMENT = regex(r"\A\s*#")
_HEREDOC = regex(r"\A([0-9]*)<<(-?)([^<]*)\Z", re.ASCII)
_TABS = regex(r"^\t+", re.MULTILINE)

#: The instructions that heredocs may follow.
_TAKE_HEREDOCS = frozenset({"RUN", "COPY", "ADD"})

#: A Dockerfile is at most this large, in bytes.
LIMIT = 4 << 20


class SyntaxFault(Error):
    """Something in a Dockerfile that cannot be read; the message begins with file and line."""


@dataclass(frozen=True)
class Heredoc:
    """A file written in the Dockerfile itself. ``content`` is without leading tabs where ``<<-``
    asks for that; ``expand`` is whether variables in it are replaced.
    """

    name: str
    content: str
    expand: bool = True


@dataclass(frozen=True)
class Line:
    """A line with its continuations; ``number`` is that of its first physical line. ``raw`` are
    the physical lines of the heredocs, terminators included.
    """

    number: int
    text: str
    heredocs: tuple[Heredoc, ...] = ()
    raw: str = ""


@dataclass(frozen=True)
class Lines:
    """A Dockerfile in lines, with what its parser directives say."""

    file: str
    lines: tuple[Line, ...]
    escape: str = "\\"
    syntax: str = ""
    checks: tuple[str, ...] = field(default=())

    def fault(self, number: int, what: str, hint: Optional[str] = None) -> SyntaxFault:
        return SyntaxFault(f"{self.file}:{number}: {what}", hint=hint)


def decode(data: bytes, file: str) -> str:
    """The text of a Dockerfile, which is UTF-8."""
    if len(data) > LIMIT:
        raise SyntaxFault(f"{file} is larger than {LIMIT} bytes")
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError as exc:
        number = data[: exc.start].count(b"\n") + 1
        raise SyntaxFault(f"{file}:{number}: the file is not UTF-8 text") from exc


def read(text: str, file: str) -> Lines:
    """Read a Dockerfile into lines. ``file`` is what errors call it. Raises SyntaxFault."""
    physical = [line[:-1] if line.endswith("\r") else line for line in _unmarked(text).split("\n")]
    found = _directives(physical, file)
    escape = found.get("escape", "\\")
    continued = re.compile(rf"(?:\A|(?<=[^{re.escape(escape)}])){re.escape(escape)}[ \t]*\Z")
    whole = Lines(file, (), escape, found.get("syntax", ""), tuple(_checks(found)))
    lines: list[Line] = []
    at = 0
    while at < len(physical):
        number = at + 1
        line = physical[at].strip() if not _COMMENT.match(physical[at]) else ""
        at += 1
        if not line:
            continue
        goes_on = continued.search(line)
        line = line[: goes_on.start()] if goes_on else line
        while goes_on and at < len(physical):
            following = physical[at]
            at += 1
            if _COMMENT.match(following) or not following.strip():
                continue
            goes_on = continued.search(following)
            line += following[: goes_on.start()] if goes_on else following
        line = line.rstrip()
        if not line:
            continue
        heredocs: list[Heredoc] = []
        begin = at
        for mark in _marks(line, escape):
            doc, at = _heredoc(whole, physical, at, number, mark)
            heredocs.append(doc)
        raw = "".join(f"{one}\n" for one in physical[begin:at])
        lines.append(Line(number, line, tuple(heredocs), raw))
    return Lines(file, tuple(lines), escape, whole.syntax, whole.checks)


def _unmarked(text: str) -> str:
    """Without the mark that some editors put at the beginning of UTF-8."""
    return text[1:] if text.startswith("\ufeff") else text


def _directives(physical: list[str], file: str) -> dict[str, str]:
    """What the comments at the top say, up to the first line that is none of them."""
    found: dict[str, str] = {}
    for number, line in enumerate(physical, 1):
        match = _DIRECTIVE.match(line)
        if match is None:
            break
        name = match[1].lower()
        if name not in _DIRECTIVES:
            continue
        if name in found:
            raise SyntaxFault(f"{file}:{number}: the parser directive {name} is given twice")
        if name == "escape" and match[2] not in ("\\", "`"):
            raise SyntaxFault(
                f"{file}:{number}: {match[2][:40]!a} cannot be the escape character",
                hint="the parser directive escape is \\ or `",
            )
        found[name] = match[2]
    return found


def _checks(found: dict[str, str]) -> list[str]:
    return [part for part in found.get("check", "").split(";") if part.strip()]


@dataclass(frozen=True)
class _Mark:
    """``<<NAME`` in a line."""

    name: str
    chomp: bool
    expand: bool


def _marks(line: str, escape: str) -> list[_Mark]:
    """The heredocs that a line announces."""
    found = words.split(line, escape)
    keyword = found[0].upper() if found else ""
    if keyword == "ONBUILD" and len(found) > 1:
        keyword = found[1].upper()
    if keyword not in _TAKE_HEREDOCS:
        return []
    return [mark for mark in (mark_of(word, escape) for word in found[1:]) if mark is not None]


def mark_of(word: str, escape: str = "\\") -> Optional[_Mark]:
    """What a word announces, if it announces a heredoc: ``<<EOF``, ``<<-EOF``, ``<<"EOF"``."""
    match = _HEREDOC.match(word)
    if match is None or not match[3]:
        return None
    try:
        names = words.expand_words(match[3], {}, escape)
    except words.Malformed:
        return None
    if len(names) != 1 or not names[0]:
        return None
    return _Mark(names[0], bool(match[2]), names[0] == match[3])


def _heredoc(
    whole: Lines, physical: list[str], at: int, number: int, mark: _Mark
) -> tuple[Heredoc, int]:
    """The content of one heredoc, and where what follows it begins."""
    content: list[str] = []
    for place in range(at, len(physical)):
        line = physical[place]
        if (line.lstrip("\t") if mark.chomp else line) == mark.name:
            text = "".join(f"{one}\n" for one in content)
            text = _TABS.sub("", text) if mark.chomp else text
            return Heredoc(mark.name, text, mark.expand), place + 1
        content.append(line)
    raise whole.fault(
        number,
        f"the heredoc <<{mark.name} is not closed",
        hint=f"end it with a line that is exactly {mark.name}",
    )
