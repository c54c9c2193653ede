# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The part of Go's templates that ``--format`` is used with. Pure.

Understood are field paths (``{{.Config.Env}}``), texts and numbers, pipelines, parentheses, and the
functions ``json``, ``index``, ``join``, ``len``, ``lower``, ``upper`` and ``title``. Values are
printed as Go prints them. There are no loops, conditions and variables.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Callable

from .errors import Error

_ACTION = re.compile(r"\{\{(.*?)\}\}", re.DOTALL)
_TOKEN = re.compile(
    r"""\s*(?:
    (?P<text>"(?:[^"\\\n]|\\.)*"|`[^`]*`) |
    (?P<number>-?[0-9]+) |
    (?P<field>(?:\.[A-Za-z_][A-Za-z0-9_]*)+|\.) |
    (?P<function>[A-Za-z]+) |
    (?P<mark>[|()])
    )""",
    re.VERBOSE | re.ASCII,
)
#: What a shell hands over as two characters, where Docker too means one.
_ESCAPES = {r"\t": "\t", r"\n": "\n"}


def render(form: str, value: Any) -> str:
    """Fill a template from a JSON value. Raises Error for what the template asks in vain."""
    return "".join(
        part if literal else shown(_evaluate(part, value)) for part, literal in _parts(form)
    )


def shown(value: Any) -> str:
    """A JSON value as Go's template package prints one."""
    if value is None:
        return "<no value>"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, Mapping):
        return f"map[{' '.join(f'{key}:{shown(value[key])}' for key in sorted(value))}]"
    if isinstance(value, (list, tuple)):
        return f"[{' '.join(shown(one) for one in value)}]"
    return str(value)


def _parts(form: str) -> Iterator[tuple[str, bool]]:
    """What stands between the braces and outside of them; True for the latter."""
    position = 0
    for match in _ACTION.finditer(form):
        yield _literal(form[position : match.start()]), True
        yield match.group(1), False
        position = match.end()
    yield _literal(form[position:]), True


def _literal(text: str) -> str:
    if "{{" in text or "}}" in text:
        raise Error(f"--format: the braces in {text[:60]!r} do not match")
    return re.sub(r"\\[tn]", lambda match: _ESCAPES[match.group()], text)


def _evaluate(action: str, value: Any) -> Any:
    tokens = _tokens(action)
    result, rest = _pipeline(tokens, value, action)
    if rest:
        raise _wrong(action)
    return result


def _tokens(action: str) -> list[tuple[str, str]]:
    found, position = [], 0
    while action[position:].strip():
        match = _TOKEN.match(action, position)
        if match is None:
            raise _wrong(action)
        found.append((str(match.lastgroup), match.group(str(match.lastgroup))))
        position = match.end()
    return found


_Tokens = Sequence[tuple[str, str]]


def _pipeline(tokens: _Tokens, value: Any, action: str) -> tuple[Any, _Tokens]:
    """Commands joined by ``|``; the result of one is the last argument of the next."""
    result, tokens = _command(tokens, value, action, ())
    while tokens and tokens[0] == ("mark", "|"):
        if len(tokens) < 2 or tokens[1][0] != "function":
            raise _wrong(action)
        result, tokens = _command(tokens[1:], value, action, (result,))
    return result, tokens


def _command(
    tokens: _Tokens, value: Any, action: str, last: tuple[Any, ...]
) -> tuple[Any, _Tokens]:
    if not tokens:
        raise _wrong(action)
    kind, name = tokens[0]
    if kind != "function":
        return _operand(tokens, value, action)
    arguments: list[Any] = []
    tokens = tokens[1:]
    while tokens and tokens[0] not in (("mark", "|"), ("mark", ")")):
        found, tokens = _operand(tokens, value, action)
        arguments.append(found)
    return _call(name, [*arguments, *last], action), tokens


def _operand(tokens: _Tokens, value: Any, action: str) -> tuple[Any, _Tokens]:
    kind, text = tokens[0]
    if kind == "field":
        return _field(value, text), tokens[1:]
    if kind == "number":
        return int(text), tokens[1:]
    if kind == "text":
        return _text(text, action), tokens[1:]
    if (kind, text) == ("mark", "("):
        result, rest = _pipeline(tokens[1:], value, action)
        if rest and rest[0] == ("mark", ")"):
            return result, rest[1:]
    raise _wrong(action)


def _text(quoted: str, action: str) -> str:
    if quoted.startswith("`"):
        return quoted[1:-1]
    try:
        return str(json.loads(quoted))
    except ValueError as exc:
        raise _wrong(action) from exc


def _field(value: Any, path: str) -> Any:
    for name in filter(None, path.split(".")):
        if not isinstance(value, Mapping) or name not in value:
            there = ", ".join(value) if isinstance(value, Mapping) else "no fields"
            raise Error(f"--format: there is no field {name}", hint=f"there are {there}")
        value = value[name]
    return value


def _call(name: str, arguments: list[Any], action: str) -> Any:
    if name not in _FUNCTIONS:
        raise Error(
            f"--format: there is no function {name}", hint=f"there are {', '.join(_FUNCTIONS)}"
        )
    try:
        return _FUNCTIONS[name](*arguments)
    except (TypeError, LookupError, AttributeError, ValueError) as exc:
        raise Error(f"--format: {name} cannot be used so in {{{{{action}}}}}: {exc}") from exc


def _index(value: Any, *keys: Any) -> Any:
    for key in keys:
        value = value[key]
    return value


def _join(values: Sequence[Any], separator: str) -> str:
    return separator.join(shown(one) for one in values)


_FUNCTIONS: dict[str, Callable[..., Any]] = {
    "json": lambda value: json.dumps(value, ensure_ascii=False, separators=(",", ":")),
    "index": _index,
    "join": _join,
    "len": len,
    "lower": lambda text: text.lower(),
    "upper": lambda text: text.upper(),
    "title": lambda text: text.title(),
}


def _wrong(action: str) -> Error:
    return Error(
        f"--format: {{{{{action}}}}} is not understood",
        hint="write fields as {{.Config.Cmd}}, and functions as {{json .Config}}",
    )
