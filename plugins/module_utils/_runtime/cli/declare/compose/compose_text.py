# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Compose files as text: YAML 1.2 as Compose reads it, variables, several files become one."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from ....base.errors import Error
from ....base.regex import regex

_NAME = r"[A-Za-z_][A-Za-z0-9_]*"
_BEGIN = regex(rf"\$(?:(\$)|({_NAME})|\{{({_NAME}))")
_OPERATORS = (":-", "-", ":?", "?", ":+", "+")


def load(text: str, called: str) -> Any:
    """The content of a file. Raises Error, naming the line, for what is not YAML."""
    try:
        import yaml
    except ImportError as exc:
        raise Error(
            "reading Compose files needs PyYAML, which this Python does not have",
            hint="install the package python3-yaml",
        ) from exc

    class Loader(yaml.SafeLoader):
        """Texts such as ``no`` and ``22:22`` are texts, as in YAML 1.2."""

    resolvers: dict[str, Any] = {}
    for tag, pattern, first in (
        ("null", r"\A(?:~|null|Null|NULL|)\Z", ["~", "n", "N", ""]),
        ("bool", r"\A(?:true|True|TRUE|false|False|FALSE)\Z", list("tTfF")),
        ("int", r"\A[-+]?(?:0|[1-9][0-9]*|0o[0-7]+|0x[0-9a-fA-F]+)\Z", list("-+0123456789")),
        ("float", r"\A[-+]?(?:[0-9]+\.[0-9]*|\.[0-9]+|[0-9]+)(?:[eE][-+]?[0-9]+)?\Z",
         list("-+.0123456789")),
        ("merge", r"\A<<\Z", ["<"]),
    ):  # fmt: skip
        for letter in first:
            entry = (f"tag:yaml.org,2002:{tag}", re.compile(pattern))
            resolvers.setdefault(letter, []).append(entry)
    Loader.yaml_implicit_resolvers = resolvers

    def mapping(loader: Any, node: Any, deep: bool = False) -> Any:
        keys = [key.value for key, dummy in node.value if key.tag != "tag:yaml.org,2002:merge"]
        twice = next((key for key in keys if keys.count(key) > 1), None)
        if twice is not None:
            line = node.start_mark.line + 1
            raise Error(f"{called}: the key {str(twice)[:60]!r} stands twice below line {line}")
        loader.flatten_mapping(node)
        return yaml.SafeLoader.construct_mapping(loader, node, deep=True)

    def octal(loader: Any, node: Any) -> int:
        return int(node.value, 0)

    Loader.add_constructor("tag:yaml.org,2002:map", mapping)
    Loader.add_constructor("tag:yaml.org,2002:int", octal)
    try:
        return yaml.load(text, Loader=Loader)
    except yaml.YAMLError as exc:
        mark = getattr(exc, "problem_mark", None)
        where = f"{called}:{mark.line + 1}" if mark else called
        raise Error(f"{where}: {getattr(exc, 'problem', None) or 'it is not YAML'}") from exc


def interpolated(value: Any, variables: Mapping[str, str], where: str = "") -> Any:
    """All texts of a document with their ``${NAME}``. Raises Error for a variable that is needed
    (``${NAME:?why}``) or an expression that is not understood; ``where`` is the place in it.
    """
    if isinstance(value, Mapping):
        return {
            key: interpolated(item, variables, f"{where}.{key}" if where else str(key))
            for key, item in value.items()
        }
    if isinstance(value, list):
        return [interpolated(item, variables, f"{where}[{n}]") for n, item in enumerate(value)]
    return expanded(value, variables, where) if isinstance(value, str) else value


def expanded(text: str, variables: Mapping[str, str], where: str) -> str:
    """One text. A variable without a value is empty."""
    found: list[str] = []
    position = 0
    while True:
        begin = _BEGIN.search(text, position)
        if begin is None:
            if "$" in text[position:]:
                raise Error(f"{where}: {text[:80]!r} has a $ alone", hint="write $$ for a $")
            return "".join([*found, text[position:]])
        if "$" in text[position : begin.start()]:
            raise Error(f"{where}: {text[:80]!r} has a $ alone", hint="write $$ for a $")
        found.append(text[position : begin.start()])
        position = begin.end()
        if begin[1]:
            found.append("$")
        elif begin[2]:
            found.append(variables.get(begin[2], ""))
        else:
            end = _end(text, position, where)
            found.append(_braced(begin[3], text[position:end], variables, where))
            position = end + 1


def _end(text: str, position: int, where: str) -> int:
    """Where the brace closes; there may be braces inside."""
    depth = 1
    for place in range(position, len(text)):
        depth += text.startswith("${", place) - (text[place] == "}")
        if depth == 0:
            return place
    raise Error(f"{where}: {text[:80]!r} lacks a closing brace")


def _braced(name: str, rest: str, variables: Mapping[str, str], where: str) -> str:
    operator = next((one for one in _OPERATORS if rest.startswith(one)), "")
    if rest and not operator:
        raise Error(f"{where}: ${{{name}{rest[:40]}}} is not understood")
    word = rest[len(operator) :]
    there = name in variables and (operator[:1] != ":" or variables[name] != "")
    if operator.endswith("+"):
        return expanded(word, variables, where) if there else ""
    if there or not operator:
        return variables.get(name, "")
    if operator.endswith("?"):
        why = expanded(word, variables, where) or "it has no value"
        raise Error(f"{where}: the variable {name} is needed: {why}")
    return expanded(word, variables, where)


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


#: What a later file replaces as a whole.
_REPLACED = frozenset(("command", "entrypoint", "test"))


def merged(one: Any, other: Any, key: str = "") -> Any:
    """A file over another: mappings are joined, lists follow one another, values are replaced."""
    if isinstance(one, Mapping) and isinstance(other, Mapping):
        return {
            **one,
            **{
                name: merged(one[name], item, name) if name in one else item
                for name, item in other.items()
            },
        }
    if isinstance(one, Mapping) != isinstance(other, Mapping) and one and other:
        one, other = _as_mapping(one, key), _as_mapping(other, key)
        if isinstance(one, Mapping) and isinstance(other, Mapping):
            return merged(one, other)
        return other
    if isinstance(one, list) and isinstance(other, list) and key not in _REPLACED:
        if key in ("environment", "labels", "extra_hosts", "sysctls"):
            return {**_as_mapping(one, key), **_as_mapping(other, key)}
        return [*one, *(item for item in other if item not in one)]
    return other


def _as_mapping(value: Any, key: str) -> Any:
    """A list of names or of NAME=VALUE as a mapping, so that two forms can be joined."""
    if not isinstance(value, list):
        return value
    if key in ("networks", "depends_on"):
        return dict.fromkeys(map(str, value))
    return pairs(value)


def pairs(value: Any) -> dict[str, Any]:
    """``environment``, ``labels`` and the like, a mapping or a list of NAME=VALUE; a name alone is
    None.
    """
    if isinstance(value, Mapping):
        return {str(name): item for name, item in value.items()}
    found = (str(text).partition("=") for text in value or ())
    return {name: item if equals else None for name, equals, item in found}


def words(value: Any) -> Sequence[str]:
    """A value or a list of them."""
    if value is None:
        return []
    return [str(item) for item in value] if isinstance(value, list) else [str(value)]


def names(value: Any) -> list[str]:
    """``depends_on`` and the like: a list of names, or a mapping from them."""
    return [str(name) for name in value or ()]
