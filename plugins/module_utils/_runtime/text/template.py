# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The part of Go's templates that ``--format`` is used with. Pure.

Understood are field paths (``{{.Config.Env}}``), texts and numbers, pipelines, parentheses,
variables, comments, trimming (``{{- -}}``), ``range``, ``if`` and ``with`` with ``else``, Docker's
functions (json, split, join, title, lower, upper, pad, truncate, println) and Go's own (index,
slice, len, print, printf, and, or, not, eq, ne, lt, le, gt, ge). Values are printed as Go prints
them. Templates are not defined and called.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Optional

from ..base.errors import Error
from ..base.regex import regex
from .template_functions import FUNCTIONS, shown, true

__all__ = ["render", "shown"]

_ACTION = regex(r"\{\{(-(?=\s))?(.*?)((?<=\s)-)?\}\}", re.DOTALL)
_TOKEN = regex(
    r"""\s*(?:
    (?P<text>"(?:[^"\\\n]|\\.)*"|`[^`]*`) |
    (?P<number>-?[0-9]+(?:\.[0-9]+)?) |
    (?P<field>(?:\.[A-Za-z_][A-Za-z0-9_]*)+|\.) |
    (?P<variable>\$[A-Za-z0-9_]*) |
    (?P<word>[A-Za-z][A-Za-z0-9_]*) |
    (?P<mark>:=|[|(),=])
    )""",
    re.VERBOSE | re.ASCII,
)
#: What a shell hands over as two characters, where Docker too means one.
_ESCAPES = {r"\t": "\t", r"\n": "\n"}
_CONSTANTS = {"true": True, "false": False, "nil": None}

#: How deeply blocks may be nested.
_DEPTH = 50

_Token = tuple[str, str]


class _Block:
    """What stands between ``{{range}}`` and its ``{{end}}``; the whole template is one, without a
    word.
    """

    def __init__(self, word: str = "", head: Sequence[_Token] = (), action: str = "") -> None:
        self.word, self.head, self.action = word, head, action
        #: Texts, actions as tokens with their source, and blocks.
        self.body: list[Any] = []
        self.otherwise: Optional[list[Any]] = None

    def add(self, part: Any) -> None:
        (self.body if self.otherwise is None else self.otherwise).append(part)


def render(form: str, value: Any) -> str:
    """Fill a template from a JSON value. Raises Error for what the template asks in vain."""
    return "".join(_run(_parse(form).body, value, {"$": value}))


# --- reading ---------------------------------------------------------------------------------


def _parse(form: str) -> _Block:
    stack = [_Block()]
    for part, literal in _parts(form):
        if literal:
            stack[-1].add(part)
            continue
        tokens = _tokens(part)
        word = tokens[0][1] if tokens and tokens[0][0] == "word" else ""
        if word in ("range", "if", "with"):
            stack.append(_Block(word, tokens[1:], part))
            if len(stack) > _DEPTH:
                raise Error("--format: blocks are nested too deeply")
        elif word == "else":
            _otherwise(stack, tokens[1:], part)
        elif word == "end":
            _close(stack, part)
        elif not re.match(r"\s*/\*.*\*/\s*\Z", part, re.DOTALL):
            if not tokens:
                raise _wrong(part)
            stack[-1].add((tokens, part))
    if len(stack) > 1:
        raise Error(f"--format: {{{{{stack[-1].action}}}}} has no {{{{end}}}}")
    return stack[0]


def _otherwise(stack: list[_Block], tokens: Sequence[_Token], part: str) -> None:
    """``{{else}}``, and ``{{else if}}``, which is a block of its own in it."""
    if len(stack) < 2 or stack[-1].otherwise is not None:
        raise _wrong(part)
    stack[-1].otherwise = []
    if tokens:
        if tokens[0][1] not in ("if", "with"):
            raise _wrong(part)
        inner = _Block(tokens[0][1], tokens[1:], part)
        inner.word = f"{inner.word} chained"
        stack.append(inner)


def _close(stack: list[_Block], part: str) -> None:
    while True:
        if len(stack) < 2:
            raise _wrong(part)
        done = stack.pop()
        stack[-1].add(done)
        if not done.word.endswith(" chained"):
            return


def _parts(form: str) -> Iterator[tuple[str, bool]]:
    """What stands between the braces and outside of them; True for the latter."""
    position, trim = 0, False
    for match in _ACTION.finditer(form):
        text = form[position : match.start()]
        text = text.lstrip() if trim else text
        yield _literal(text.rstrip() if match.group(1) else text), True
        yield match.group(2), False
        position, trim = match.end(), bool(match.group(3))
    text = form[position:]
    yield _literal(text.lstrip() if trim else text), True


def _literal(text: str) -> str:
    if "{{" in text or "}}" in text:
        raise Error(f"--format: unbalanced braces in {text[:60]!r}")
    return re.sub(r"\\[tn]", lambda match: _ESCAPES[match.group()], text)


def _tokens(action: str) -> list[_Token]:
    if re.match(r"\s*/\*", action):
        return []
    found, position = [], 0
    while action[position:].strip():
        match = _TOKEN.match(action, position)
        if match is None:
            raise _wrong(action)
        found.append((str(match.lastgroup), match.group(str(match.lastgroup))))
        position = match.end()
    return found


# --- evaluating ------------------------------------------------------------------------------


def _run(body: Sequence[Any], dot: Any, names: dict[str, Any]) -> Iterator[str]:
    """``names`` are the variables; a block sees those around it, and keeps its own to itself."""
    for part in body:
        if isinstance(part, str):
            yield part
        elif isinstance(part, _Block):
            yield from _run_block(part, dot, dict(names))
        else:
            tokens, action = part
            variables, rest, declared = _variables(tokens)
            value = _Expression(rest, dot, names, action).whole()
            if not variables:
                yield shown(value)
            elif len(variables) > 1 or not (declared or variables[0] in names):
                raise _wrong(action)
            else:
                names[variables[0]] = value


def _run_block(block: _Block, dot: Any, names: dict[str, Any]) -> Iterator[str]:
    variables, rest, dummy = _variables(block.head)
    value = _Expression(rest, dot, names, block.action).whole()
    word = block.word.partition(" ")[0]
    if word == "range":
        pairs = list(_pairs(value, block.action))
        for key, item in pairs:
            inner = dict(names)
            if variables:
                inner[variables[-1]] = item
            if len(variables) > 1:
                inner[variables[0]] = key
            yield from _run(block.body, item, inner)
        if not pairs:
            yield from _run(block.otherwise or (), dot, names)
        return
    if variables:
        names[variables[0]] = value
    if true(value):
        yield from _run(block.body, value if word == "with" else dot, names)
    else:
        yield from _run(block.otherwise or (), dot, names)


def _pairs(value: Any, action: str) -> list[tuple[Any, Any]]:
    """What ``range`` goes through: keys in order and their values."""
    if value is None:
        return []
    if isinstance(value, Mapping):
        return [(key, value[key]) for key in sorted(value)]
    if isinstance(value, (list, tuple)):
        return list(enumerate(value))
    raise Error(f"--format: range cannot iterate over {shown(value)[:40]!r} in {{{{{action}}}}}")


def _variables(tokens: Sequence[_Token]) -> tuple[list[str], Sequence[_Token], bool]:
    """``$a, $b :=`` at the beginning: their names, the rest, and whether they are declared here."""
    for index, token in enumerate(tokens):
        if token in (("mark", ":="), ("mark", "=")):
            names = [text for kind, text in tokens[:index] if kind == "variable"]
            commas = [text for kind, text in tokens[:index] if kind != "variable"]
            if names and commas == [","] * (len(names) - 1) and len(names) < 3:
                return names, tokens[index + 1 :], token[1] == ":="
    return [], tokens, False


class _Expression:
    """One pipeline, read from tokens and evaluated as it is read."""

    def __init__(
        self, tokens: Sequence[_Token], dot: Any, names: Mapping[str, Any], action: str
    ) -> None:
        self._tokens, self._at = tokens, 0
        self._dot, self._names, self._action = dot, names, action

    def whole(self) -> Any:
        value = self._pipeline()
        if self._at < len(self._tokens):
            raise _wrong(self._action)
        return value

    def _next(self) -> Optional[_Token]:
        return self._tokens[self._at] if self._at < len(self._tokens) else None

    def _pipeline(self) -> Any:
        """Commands joined by ``|``; the result of one is the last argument of the next."""
        result = self._command(())
        while self._next() == ("mark", "|"):
            self._at += 1
            following = self._next()
            if following is None or following[0] != "word":
                raise _wrong(self._action)
            result = self._command((result,))
        return result

    def _command(self, last: tuple[Any, ...]) -> Any:
        token = self._next()
        if token is None:
            raise _wrong(self._action)
        kind, name = token
        if kind != "word" or name in _CONSTANTS:
            value = self._operand()
            if callable(value):
                return value(*self._operands())
            return value
        self._at += 1
        arguments = [*self._operands(), *last]
        if name not in FUNCTIONS:
            known = ", ".join(FUNCTIONS)
            raise Error(f"--format: unknown function {name}", hint=f"known functions: {known}")
        try:
            return FUNCTIONS[name](*arguments)
        except (TypeError, LookupError, AttributeError, ValueError) as exc:
            raise Error(
                f"--format: {name} cannot be used this way in {{{{{self._action}}}}}: {exc}"
            ) from exc

    def _operands(self) -> list[Any]:
        found = []
        while self._next() not in (None, ("mark", "|"), ("mark", ")")):
            found.append(self._operand())
        return found

    def _operand(self) -> Any:
        token = self._next()
        if token is None:
            raise _wrong(self._action)
        self._at += 1
        kind, text = token
        if kind == "field":
            return _field(self._dot, text)
        if kind == "number":
            return float(text) if "." in text else int(text)
        if kind == "text":
            return _text(text, self._action)
        if kind == "variable":
            if text not in self._names:
                raise Error(f"--format: unknown variable {text}")
            return self._followed(self._names[text])
        if kind == "word":
            if text in _CONSTANTS:
                return _CONSTANTS[text]
            # A function without arguments, as an argument of another.
            self._at -= 1
            return self._command(())
        if token == ("mark", "("):
            value = self._pipeline()
            if self._next() == ("mark", ")"):
                self._at += 1
                return self._followed(value)
        raise _wrong(self._action)

    def _followed(self, value: Any) -> Any:
        """The field of a variable or of an expression in parentheses: ``$x.Name``."""
        token = self._next()
        if token is not None and token[0] == "field" and token[1] != ".":
            self._at += 1
            return _field(value, token[1])
        return value


def _text(quoted: str, action: str) -> str:
    import json

    if quoted.startswith("`"):
        return quoted[1:-1]
    try:
        return str(json.loads(quoted))
    except ValueError as exc:
        raise _wrong(action) from exc


def _field(value: Any, path: str) -> Any:
    for name in filter(None, path.split(".")):
        if not isinstance(value, Mapping) or name not in value:
            there = ", ".join(value) if isinstance(value, Mapping) else "none"
            raise Error(f"--format: unknown field {name}", hint=f"known fields: {there}")
        value = value[name]
    return value


def _wrong(action: str) -> Error:
    return Error(
        f"--format: {{{{{action}}}}} is not valid",
        hint="use fields such as {{.Config.Cmd}} and functions such as {{json .Config}}",
    )
