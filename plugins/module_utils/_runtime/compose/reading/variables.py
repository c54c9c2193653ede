# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Variables of Compose files: ``${NAME}`` in their texts, and the files that variables are in."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Optional

from ...base.errors import Error
from ...base.frozen import dataclass
from ...base.regex import regex
from ..base.findings import Findings
from .yaml_text import Override

_NAME = r"[A-Za-z_][A-Za-z0-9_]*"
_BEGIN = regex(rf"\$(?:(\$)|({_NAME})|\{{({_NAME}))")
_OPERATORS = (":-", "-", ":?", "?", ":+", "+")


def interpolated(
    value: Any, variables: Mapping[str, str], findings: Findings, where: str = ""
) -> Any:
    """All texts of a document with their ``${NAME}``; ``where`` is the place in it. What is needed
    and has no value (``${NAME:?why}``), or is not understood, is a mistake.
    """
    if isinstance(value, Mapping):
        return {
            key: interpolated(item, variables, findings, f"{where}.{key}" if where else str(key))
            for key, item in value.items()
        }
    if isinstance(value, list):
        return [
            interpolated(item, variables, findings, f"{where}[{number}]")
            for number, item in enumerate(value)
        ]
    if isinstance(value, Override):
        return Override(interpolated(value.value, variables, findings, where))
    if not isinstance(value, str) or "$" not in value:
        return value
    unset: list[str] = []
    try:
        found = expanded(value, variables, where, unset)
    except Error as exc:
        findings.wrong("", str(exc))
        return value
    for name in unset:
        findings.warn(where, f"the variable {name} is not set, and taken as empty")
    return found


def expanded(
    text: str, variables: Mapping[str, str], where: str, unset: Optional[list[str]] = None
) -> str:
    """One text. A variable without a value is empty, and added to ``unset``."""
    found: list[str] = []
    position = 0
    while True:
        begin = _BEGIN.search(text, position)
        if "$" in text[position : begin.start() if begin else len(text)]:
            raise Error(f"{where}: {text[:80]!r} has a $ alone", hint="write $$ for a $")
        if begin is None:
            return "".join([*found, text[position:]])
        found.append(text[position : begin.start()])
        position = begin.end()
        if begin[1]:
            found.append("$")
        elif begin[2]:
            found.append(_value(begin[2], variables, unset))
        else:
            end = _end(text, position, where)
            found.append(_braced(begin[3], text[position:end], variables, where, unset))
            position = end + 1


def _value(name: str, variables: Mapping[str, str], unset: Optional[list[str]]) -> str:
    if name not in variables and unset is not None:
        unset.append(name)
    return variables.get(name, "")


def _end(text: str, position: int, where: str) -> int:
    """Where the brace closes; there may be braces inside."""
    depth = 1
    for place in range(position, len(text)):
        depth += text.startswith("${", place) - (text[place] == "}")
        if depth == 0:
            return place
    raise Error(f"{where}: {text[:80]!r} lacks a closing brace")


def _braced(
    name: str, rest: str, variables: Mapping[str, str], where: str, unset: Optional[list[str]]
) -> str:
    operator = next((one for one in _OPERATORS if rest.startswith(one)), "")
    if rest and not operator:
        raise Error(f"{where}: ${{{name}{rest[:40]}}} is not understood")
    word = rest[len(operator) :]
    there = name in variables and (operator[:1] != ":" or variables[name] != "")
    if operator.endswith("+"):
        return expanded(word, variables, where, unset) if there else ""
    if there or not operator:
        return _value(name, variables, unset)
    if operator.endswith("?"):
        why = expanded(word, variables, where) or "it has no value"
        raise Error(f"{where}: the variable {name} is needed: {why}")
    return expanded(word, variables, where, unset)


@dataclass(frozen=True)
class Mention:
    """What the first text that names a variable says of it."""

    required: bool
    default: str
    alternate: str


def mentioned(value: Any) -> dict[str, Mention]:
    """The variables in the texts of a document that was not interpolated, in their order. Raises
    Error for what is not understood.
    """
    found: dict[str, Mention] = {}
    if isinstance(value, Mapping):
        for item in value.values():
            found = {**mentioned(item), **found}
    elif isinstance(value, (list, tuple)):
        for item in value:
            found = {**mentioned(item), **found}
    elif isinstance(value, Override):
        found = mentioned(value.value)
    elif isinstance(value, str):
        _mentions(value, found)
    return found


def _mentions(text: str, found: dict[str, Mention]) -> None:
    position = 0
    while (begin := _BEGIN.search(text, position)) is not None:
        position = begin.end()
        if begin[2]:
            found.setdefault(begin[2], Mention(False, "", ""))
        elif begin[3]:
            end = _end(text, position, "")
            rest = text[position:end]
            operator = next((one for one in _OPERATORS if rest.startswith(one)), "")
            word, kind = rest[len(operator) :], operator[-1:]
            said = Mention(kind == "?", word if kind == "-" else "", word if kind == "+" else "")
            found.setdefault(begin[3], said)
            _mentions(word, found)
            position = end + 1


_ASSIGNMENT = regex(r"\A(?:export\s+)?([^=\s#]+)\s*(?:=(.*))?\Z", re.DOTALL)
_ESCAPES = {"n": "\n", "r": "\r", "t": "\t", '"': '"', "\\": "\\", "$": "$"}


def env_file(path: Path, around: Mapping[str, str], raw: bool = False) -> dict[str, str]:
    """The variables of a file, as Compose reads it: quotes, comments behind values, and
    ``${NAME}`` of what stands before or around; ``raw`` takes all as it is.
    """
    try:
        text = path.read_text("utf-8-sig")
    except UnicodeDecodeError as exc:
        raise Error(f"{path} is not a text") from exc
    except OSError as exc:
        raise Error(f"{path}: {exc.strerror}") from exc
    found: dict[str, str] = {}
    lines = text.splitlines()
    while lines:
        line = lines.pop(0).strip()
        if not line or line.startswith("#"):
            continue
        parts = _ASSIGNMENT.match(line)
        if parts is None:
            raise Error(f"{path}: a line is not in the format NAME=VALUE")
        name, value = parts[1], parts[2]
        if value is None:
            if name in around:
                found[name] = around[name]
            continue
        value = value if raw else value.strip()
        if not raw and value[:1] in ("'", '"'):
            quote, value = value[0], value[1:]
            while not _closed(value, quote) and lines:
                value += "\n" + lines.pop(0)
            value = _unquoted(value, quote, path, {**found, **around})
        elif not raw:
            value = re.split(r"\s+#", value, maxsplit=1)[0].strip()
            value = _lenient(value, {**found, **around})
        found[name] = value
    return found


def _closed(value: str, quote: str) -> bool:
    return re.search(rf"(?<!\\){quote}", value) is not None


def _unquoted(value: str, quote: str, path: Path, variables: Mapping[str, str]) -> str:
    end = re.search(rf"(?<!\\){quote}", value)
    if end is None:
        raise Error(f"{path}: a quote is not closed")
    inside = value[: end.start()]
    if quote == "'":
        return inside.replace("\\'", "'")
    inside = re.sub(r"\\(.)", lambda one: _ESCAPES.get(one[1], one[0]).replace("$", "$$"), inside)
    return _lenient(inside, variables)


def _lenient(text: str, variables: Mapping[str, str]) -> str:
    """What has a $ that begins no expression is taken as it is, as Compose does in these files."""
    try:
        return expanded(text, variables, "")
    except Error as exc:
        if "is needed" in exc.message:
            raise
        return text.replace("$$", "$")
