# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A Dockerfile as stages of instructions.

Variables are not replaced here: what they are is known when a stage is built. Everything else is
checked: keywords, flags, the number of words, and what may stand where.
"""

from __future__ import annotations

import contextlib
import json
import re
from collections.abc import Iterator
from typing import Optional

from ...base.frozen import dataclass, replace
from ...base.regex import regex
from . import flags, modes, words
from .lines import Heredoc, Line, Lines, SyntaxFault, decode, mark_of, read

KEYWORDS = (
    "ADD", "ARG", "CMD", "COPY", "ENTRYPOINT", "ENV", "EXPOSE", "FROM", "HEALTHCHECK", "LABEL",
    "MAINTAINER", "ONBUILD", "RUN", "SHELL", "STOPSIGNAL", "USER", "VOLUME", "WORKDIR",
)  # fmt: skip
_EXEC_FORM = frozenset({"RUN", "CMD", "ENTRYPOINT", "SHELL", "VOLUME", "COPY", "ADD"})
_NO_TRIGGERS = frozenset({"ONBUILD", "FROM", "MAINTAINER"})
_STAGE_NAME = regex(r"\A[a-z][a-z0-9._-]*\Z", re.ASCII)
_CHECK_TIMES = ("interval", "timeout", "start-period", "start-interval")
_DURATION = regex(r"\A(?:[0-9]+(?:\.[0-9]+)?(?:us|ms|h|m|s))+\Z", re.ASCII)


@dataclass(frozen=True)
class Instruction:
    """One instruction. ``words`` are its arguments as they are written, or those of the exec form;
    ``pairs`` are the names and values of ENV, LABEL and ARG (None: an ARG without a default).
    ``rest`` is the text after keyword and flags; ``trigger`` is what ONBUILD keeps.
    """

    keyword: str
    number: int
    rest: str = ""
    words: tuple[str, ...] = ()
    exec_form: bool = False
    flags: tuple[flags.Flag, ...] = ()
    pairs: tuple[tuple[str, Optional[str]], ...] = ()
    heredocs: tuple[Heredoc, ...] = ()
    trigger: str = ""

    def flag(self, name: str) -> str:
        """The value of a flag, "" where it is not given."""
        return next((value for key, value in self.flags if key == name), "")

    def all(self, name: str) -> list[str]:
        return [value for key, value in self.flags if key == name]


@dataclass(frozen=True)
class Stage:
    """What one FROM begins. ``base`` and ``platform`` may hold variables; ``name`` is in lower
    case, "" without AS.
    """

    index: int
    number: int
    base: str
    name: str = ""
    platform: str = ""
    instructions: tuple[Instruction, ...] = ()

    @property
    def title(self) -> str:
        return self.name or str(self.index)


@dataclass(frozen=True)
class Dockerfile:
    """``arguments`` are the ARGs before the first FROM."""

    lines: Lines
    arguments: tuple[Instruction, ...]
    stages: tuple[Stage, ...]

    @property
    def file(self) -> str:
        return self.lines.file

    def fault(self, at: Instruction, what: str, hint: Optional[str] = None) -> SyntaxFault:
        """An error about an instruction, with file, line and keyword."""
        return self.lines.fault(at.number, f"{at.keyword} {what}", hint)


def parse(data: bytes, file: str) -> Dockerfile:
    """Read a Dockerfile. ``file`` is what errors call it. Raises SyntaxFault."""
    lines = read(decode(data, file), file)
    if not lines.lines:
        raise SyntaxFault(f"{file} has no instructions", hint="begin it with FROM")
    arguments: list[Instruction] = []
    stages: list[Stage] = []
    for line in lines.lines:
        made = instruction(lines, line)
        if made.keyword == "FROM":
            stages.append(_stage(lines, made, stages))
        elif stages:
            last = stages[-1]
            stages[-1] = replace(last, instructions=(*last.instructions, made))
        elif made.keyword == "ARG":
            arguments.append(made)
        else:
            raise lines.fault(line.number, f"{made.keyword} stands before the first FROM")
    if not stages:
        raise SyntaxFault(f"{file} has no FROM", hint="an image begins with FROM IMAGE or scratch")
    return Dockerfile(lines, tuple(arguments), tuple(stages))


def trigger(lines: Lines, text: str, number: int) -> Instruction:
    """What ONBUILD of a base image kept, as an instruction of this stage."""
    inner = read(text, f"{lines.file}:{number}: ONBUILD of the base image")
    if len(inner.lines) != 1:
        raise lines.fault(
            number, f"ONBUILD of the base image is not one instruction: {text[:60]!a}"
        )
    made = instruction(inner, inner.lines[0])
    if made.keyword in _NO_TRIGGERS:
        raise lines.fault(number, f"ONBUILD of the base image: {made.keyword} is not allowed")
    return replace(made, number=number)


def _stage(lines: Lines, made: Instruction, before: list[Stage]) -> Stage:
    found = made.words
    if len(found) not in (1, 3) or (len(found) == 3 and found[1].upper() != "AS"):
        near = flags.near(found[1], ["AS"]) if len(found) == 3 else ""
        raise lines.fault(
            made.number,
            f"FROM {made.rest[:100]} is not understood{near}",
            hint="write FROM IMAGE, or FROM IMAGE AS NAME",
        )
    name = found[2].lower() if len(found) == 3 else ""
    if name and not _STAGE_NAME.match(name):
        raise lines.fault(
            made.number,
            f"FROM: {found[2][:60]!a} cannot be the name of a stage",
            hint="it begins with a letter and has letters, digits, '.', '_' and '-'",
        )
    if name == "scratch" or (name and any(stage.name == name for stage in before)):
        raise lines.fault(made.number, f"FROM: the name {name} is taken by another stage")
    return Stage(len(before), made.number, found[0], name, made.flag("platform"))


def instruction(lines: Lines, line: Line) -> Instruction:
    """One line as an instruction. Raises SyntaxFault."""
    first, dummy, rest = line.text.partition(" ")
    if "\t" in first:
        first, dummy, rest = line.text.replace("\t", " ", 1).partition(" ")
    keyword = first.upper()
    if keyword not in KEYWORDS:
        raise lines.fault(
            line.number, f"there is no instruction {first[:40]}{flags.near(first, KEYWORDS)}"
        )
    try:
        return _read(lines, line, keyword, rest.strip())
    except flags.Wrong as exc:
        raise lines.fault(line.number, f"{keyword} {exc}", hint=exc.hint) from exc
    except words.Malformed as exc:
        raise lines.fault(line.number, f"{keyword}: {exc}") from exc


def _read(lines: Lines, line: Line, keyword: str, rest: str) -> Instruction:
    escape = lines.escape
    given, rest = flags.separate(rest, escape)
    made = Instruction(
        keyword, line.number, rest, flags=flags.check(keyword, given), heredocs=line.heredocs
    )
    if not rest and keyword not in ("CMD", "ENTRYPOINT"):
        raise flags.Wrong("needs an argument")
    listed = _exec_form(rest) if keyword in _EXEC_FORM else None
    if keyword in ("ENV", "LABEL", "ARG"):
        return replace(made, pairs=tuple(_pairs(keyword, rest, escape)))
    if keyword == "ONBUILD":
        return replace(made, trigger=_trigger(lines, line, rest))
    if listed is not None:
        made = replace(made, words=tuple(listed), exec_form=True)
    elif keyword in ("RUN", "CMD", "ENTRYPOINT"):
        made = replace(made, words=(rest,) if rest else ())
    elif keyword in ("USER", "WORKDIR", "STOPSIGNAL", "MAINTAINER"):
        made = replace(made, words=(rest,))
    else:
        made = replace(made, words=tuple(words.split(rest, escape)))
    _check(made, escape)
    return made


def _check(made: Instruction, escape: str) -> None:
    """What an instruction needs besides its form. Raises Wrong."""
    if made.keyword == "SHELL" and not (made.exec_form and made.words):
        raise flags.Wrong("needs the exec form", 'write SHELL ["/bin/sh", "-c"]')
    if made.keyword == "VOLUME" and not all(word.strip() for word in made.words):
        raise flags.Wrong("names an empty path")
    if made.keyword in ("COPY", "ADD"):
        if len(made.words) < 2:
            raise flags.Wrong("needs a source and a destination")
        if made.flag("chmod") and "$" not in made.flag("chmod"):
            modes.mode_of(made.flag("chmod"))
    if made.keyword == "RUN":
        for text in made.all("mount"):
            if "$" not in text:
                flags.mount(text)
        if made.flag("security") not in ("", "sandbox"):
            raise flags.Wrong(
                f"--security={made.flag('security')[:40]} is not supported",
                "a build runs with the confinement of every container",
            )
        if made.flag("network") not in ("", "default", "none", "host"):
            raise flags.Wrong("--network is default, none or host")
    if made.keyword == "HEALTHCHECK":
        _check_health(made)


def _check_health(made: Instruction) -> None:
    kind = made.words[0].upper()
    if kind not in ("NONE", "CMD"):
        near = flags.near(kind, ["NONE", "CMD"])
        raise flags.Wrong(f"begins with NONE or CMD, not {kind[:40]!r}{near}")
    if kind == "NONE" and (len(made.words) > 1 or made.flags):
        raise flags.Wrong("NONE takes no arguments")
    if kind == "CMD" and len(made.words) == 1:
        raise flags.Wrong("CMD needs a command")
    if kind == "CMD" and made.rest[3:].lstrip().startswith("["):
        listed: list[object] = []
        with contextlib.suppress(ValueError, RecursionError):
            listed = json.loads(made.rest[3:])
        _check_unicode(listed)
    for name in _CHECK_TIMES:
        if made.flag(name) and not _DURATION.match(made.flag(name)):
            raise flags.Wrong(f"--{name}={made.flag(name)[:40]} is not a time", "use 30s")
    if made.flag("retries") and not made.flag("retries").isdecimal():
        raise flags.Wrong(f"--retries={made.flag('retries')[:40]} is not a number")


def _exec_form(rest: str) -> Optional[list[str]]:
    """The words of a JSON array; None for what is not one, which is the shell form."""
    if not rest.startswith("["):
        return None
    try:
        found = json.loads(rest)
    except (ValueError, RecursionError):
        return None
    if not isinstance(found, list):
        return None
    if not all(isinstance(word, str) for word in found):
        raise flags.Wrong("has a list with something else than texts", 'write ["word", "word"]')
    _check_unicode(found)
    return [str(word) for word in found]


def _check_unicode(listed: list[object]) -> None:
    text = "".join(word for word in listed if isinstance(word, str))
    try:
        text.encode()
    except UnicodeEncodeError as exc:
        raise flags.Wrong("has half of a surrogate pair in its list, not Unicode") from exc


def _pairs(keyword: str, rest: str, escape: str) -> Iterator[tuple[str, Optional[str]]]:
    found = words.split(rest, escape)
    if keyword != "ARG" and "=" not in found[0]:
        # The old form: one name, and all the rest is its value.
        name, value = found[0], rest[rest.index(found[0]) + len(found[0]) :].strip()
        if not value:
            raise flags.Wrong("needs a value", f"write {keyword} NAME=VALUE")
        yield name, value
        return
    for word in found:
        name, equals, value = word.partition("=")
        if not name:
            raise flags.Wrong(f"has a value without a name: {word[:60]}")
        if not equals and keyword != "ARG":
            raise flags.Wrong(
                f"{word[:60]!a} has no '='", f"write {keyword} NAME=VALUE; quote blanks in a value"
            )
        yield name, value if equals else None


def _trigger(lines: Lines, line: Line, rest: str) -> str:
    """What ONBUILD keeps: the text of an instruction, its heredocs included."""
    inner = instruction(lines, Line(line.number, rest, line.heredocs, line.raw))
    if inner.keyword in _NO_TRIGGERS:
        raise flags.Wrong(f"{inner.keyword} is not allowed")
    return f"{rest}\n{line.raw}" if line.raw else rest


def is_heredoc(word: str, made: Instruction, escape: str) -> Optional[Heredoc]:
    """The heredoc that a source of COPY or ADD stands for."""
    mark = mark_of(word, escape)
    return next((doc for doc in made.heredocs if mark and doc.name == mark.name), None)
