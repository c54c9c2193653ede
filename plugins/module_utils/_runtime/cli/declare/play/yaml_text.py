# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Writing YAML as people write it: texts without quotes where they need none. Pure.

A host has no library for that, and what it would write (lists at their parent's column, no
``!unsafe``) is not what ansible-lint wants.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from ....base.regex import regex

#: What YAML 1.1, which Ansible reads, takes for a text wherever it stands.
_PLAIN = regex(
    r"\A[A-Za-z/](?:[\w./@%+=,;$()<>~^-]|:(?=[\w/.-])| (?=[\w./@%+=$(<~^-]))*\Z", re.ASCII
)
_WORDS = frozenset(("true", "false", "yes", "no", "on", "off", "null", "y", "n"))
#: What begins an expression of a template.
_TEMPLATE = regex(r"\{[{%#]")


class Expression(str):
    """A text that is a template and to be read as one."""


def lines(value: Any, indent: int = 0) -> Iterator[str]:
    """A mapping or a list in block style; a list inside another is written in one line."""
    pad = " " * indent
    if isinstance(value, Mapping):
        for key, item in value.items():
            yield from _entry(f"{pad}{scalar(str(key))}:", item, indent)
    else:
        for item in value:
            if isinstance(item, Mapping) and item:
                inner = list(lines(item, indent + 2))
                yield f"{pad}- {inner[0].lstrip()}"
                yield from inner[1:]
            else:
                yield f"{pad}- {_inline(item)}"


def _entry(begin: str, item: Any, indent: int) -> Iterator[str]:
    if item and isinstance(item, (Mapping, list, tuple)):
        yield begin
        yield from lines(item, indent + 2)
    else:
        yield f"{begin} {_inline(item)}"


def _inline(item: Any) -> str:
    if isinstance(item, Mapping):
        return "{" + ", ".join(f"{_inside(str(k))}: {_inside(v)}" for k, v in item.items()) + "}"
    if isinstance(item, Sequence) and not isinstance(item, str):
        return "[" + ", ".join(map(_inside, item)) + "]"
    return scalar(item)


def _inside(item: Any) -> str:
    """A value among others of a line, where a comma separates."""
    text = _inline(item)
    plain = isinstance(item, str) and text[0] not in '"!'
    return _quoted(text) if plain and not text.isalnum() else text


def scalar(value: Any) -> str:
    """One value. A text that looks like a template is marked as one that is none."""
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, (int, float)):
        return json.dumps(value)
    text = str(value)
    if _PLAIN.match(text) and text.lower() not in _WORDS:
        return text
    unsafe = not isinstance(value, Expression) and _TEMPLATE.search(text)
    return f"{'!unsafe ' if unsafe else ''}{_quoted(text)}"


def _quoted(text: str) -> str:
    """JSON's texts are YAML's, but for what YAML does not print: DEL, C1, separators, halves."""
    found = json.dumps(text, ensure_ascii=False)
    return re.sub(
        "[\x7f-\x9f\u2028\u2029\ud800-\udfff\ufeff\ufffe\uffff]",
        lambda one: f"\\u{ord(one[0]):04x}",
        found,
    )
