# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Compose files as text: YAML 1.2 as Compose reads it, with its tags !reset and !override."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from ...base.errors import Error


class Reset:
    """``!reset``: what earlier files say here is taken away."""

    def __repr__(self) -> str:
        return "!reset"


class Override:
    """``!override``: the value takes the place of what earlier files say, and is not merged."""

    def __init__(self, value: Any) -> None:
        self.value = value

    def __repr__(self) -> str:
        return f"!override {self.value!r}"


RESET = Reset()

_TEXTS = (
    ("null", r"\A(?:~|null|Null|NULL|)\Z", ["~", "n", "N", ""]),
    ("bool", r"\A(?:true|True|TRUE|false|False|FALSE)\Z", list("tTfF")),
    ("int", r"\A[-+]?(?:0|[1-9][0-9]*|0o?[0-7]+|0x[0-9a-fA-F]+)\Z", list("-+0123456789")),
    ("float", r"\A[-+]?(?:[0-9]+\.[0-9]*|\.[0-9]+|[0-9]+)(?:[eE][-+]?[0-9]+)?\Z",
     list("-+.0123456789")),
    ("merge", r"\A<<\Z", ["<"]),
)  # fmt: skip


#: What no honest file comes to: levels within levels, and values with all aliases replaced.
_DEPTH, _NODES = 100, 200_000


def load(text: str, called: str) -> list[Any]:
    """The documents of a file. Raises Error, naming the line, for what is not YAML."""
    try:
        import yaml
    except ImportError as exc:
        raise Error(
            "reading Compose files needs PyYAML, which this Python does not have",
            hint="install the package python3-yaml",
        ) from exc
    try:
        return _bounded(list(yaml.load_all(text, Loader=_loader(yaml, called))), called)
    except (RecursionError, ValueError) as exc:
        raise Error(f"{called}: it cannot be read: {exc}") from exc
    except yaml.YAMLError as exc:
        mark = getattr(exc, "problem_mark", None)
        where = f"{called}:{mark.line + 1}" if mark else called
        raise Error(f"{where}: {getattr(exc, 'problem', None) or 'it is not YAML'}") from exc


def _bounded(documents: list[Any], called: str) -> list[Any]:
    """The same documents. Raises Error where they are nested without end, or become huge: an alias
    may stand for what it is in, or for ten that stand for ten each.
    """
    left = [(iter(documents), 0)]
    count = 0
    while left:
        items, depth = left[-1]
        for item in items:
            count += 1
            if isinstance(item, Override):
                item = item.value
            inner = item.values() if isinstance(item, dict) else item
            if isinstance(inner, (list, set)) or isinstance(item, dict):
                left.append((iter(inner), depth + 1))
                break
        else:
            left.pop()
        if depth > _DEPTH or count > _NODES:
            raise Error(f"{called}: it is nested too deeply, or becomes too large by its aliases")
    return documents


def _loader(yaml: Any, called: str) -> Any:
    """A loader for which texts such as ``no`` and ``22:22`` are texts, as in YAML 1.2."""
    resolvers: dict[str, Any] = {}
    for tag, pattern, first in _TEXTS:
        for letter in first:
            entry = (f"tag:yaml.org,2002:{tag}", re.compile(pattern))
            resolvers.setdefault(letter, []).append(entry)
    loader: Any = type("Loader", (yaml.SafeLoader,), {"yaml_implicit_resolvers": resolvers})

    def mapping(loader: Any, node: Any) -> Any:
        keys = [key.value for key, dummy in node.value if key.tag != "tag:yaml.org,2002:merge"]
        twice = next(_twice(keys), None)
        if twice is not None:
            line = node.start_mark.line + 1
            raise Error(f"{called}: the key {str(twice)[:60]!r} stands twice below line {line}")
        loader.flatten_mapping(node)
        return yaml.SafeLoader.construct_mapping(loader, node, deep=True)

    def integer(loader: Any, node: Any) -> int:
        # A zero in front makes it octal, as for file modes.
        text = node.value.replace("_", "")
        sign, digits = (text[0], text[1:]) if text[:1] in "+-" else ("", text)
        if len(digits) > 1 and digits[0] == "0" and digits[1].isdigit():
            digits = f"0o{digits[1:]}"
        return int(sign + digits, 0)

    def override(loader: Any, node: Any) -> Override:
        tag = {
            "mapping": "tag:yaml.org,2002:map",
            "sequence": "tag:yaml.org,2002:seq",
        }.get(node.id) or loader.resolve(yaml.ScalarNode, node.value, (True, False))
        inner = type(node)(tag, node.value, node.start_mark, node.end_mark)
        return Override(loader.construct_object(inner, deep=True))

    loader.add_constructor("tag:yaml.org,2002:map", mapping)
    loader.add_constructor("tag:yaml.org,2002:int", integer)
    loader.add_constructor("!reset", lambda loader, node: RESET)
    loader.add_constructor("!override", override)
    return loader


def _twice(keys: list[Any]) -> Iterator[Any]:
    seen = set()
    for key in keys:
        if isinstance(key, str):
            if key in seen:
                yield key
            seen.add(key)


def dump(content: Any) -> str:
    """A document as a file. Raises Error without PyYAML, as load() does."""
    load("", "")
    import yaml

    class Dumper(yaml.SafeDumper):
        """Writes what is there twice twice."""

        def ignore_aliases(self, data: Any) -> bool:
            return True

    written: str = yaml.dump(
        content, Dumper=Dumper, sort_keys=False, allow_unicode=True, width=1 << 20
    )
    return written


def plain(value: Any) -> Any:
    """A document without the tags of merging, once there is nothing to merge it with."""
    if isinstance(value, Override):
        return plain(value.value)
    if isinstance(value, dict):
        return {key: plain(one) for key, one in value.items() if not isinstance(one, Reset)}
    if isinstance(value, list):
        return [plain(one) for one in value if not isinstance(one, Reset)]
    return value
