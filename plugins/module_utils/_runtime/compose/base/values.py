# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The forms that values of Compose files are written in. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

_BYTES = r"\A([0-9]+(?:\.[0-9]+)?)\s*([kmgt]?)i?b?\Z"


def text(value: Any) -> str:
    """A value of YAML as the text it was."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, (Mapping, list)):
        raise TypeError("a text is expected")
    return "" if value is None else str(value)


def switch(value: Any) -> bool:
    """A variable makes a text of it."""
    found = text(value).lower()
    if found in ("true", "yes", "on", "1", "y"):
        return True
    if found in ("false", "no", "off", "0", "n", ""):
        return False
    raise ValueError(f"{found[:40]!r} is not true or false")


def pairs(value: Any) -> dict[str, Any]:
    """``environment``, ``labels`` and the like, a mapping or a list of NAME=VALUE; a name alone is
    None.
    """
    if isinstance(value, Mapping):
        return {str(name): item for name, item in value.items()}
    if value is not None and not isinstance(value, list):
        raise TypeError("a mapping or a list of NAME=VALUE is expected")
    found = (text(one).partition("=") for one in value or ())
    return {name: item if equals else None for name, equals, item in found}


def text_pairs(value: Any) -> dict[str, str]:
    return {name: text(item) for name, item in pairs(value).items()}


def words(value: Any) -> list[str]:
    """A value or a list of them."""
    if value is None:
        return []
    return [text(item) for item in value] if isinstance(value, list) else [text(value)]


def listed(value: Any) -> list[Any]:
    """A list, and nothing else."""
    if not isinstance(value, list):
        raise TypeError("a list is expected")
    return value


def mapping(value: Any) -> Mapping[str, Any]:
    """A mapping; nothing is an empty one."""
    if value is None:
        return {}
    if not isinstance(value, Mapping):
        raise TypeError("a mapping is expected")
    return value


def bytes_of(value: Any) -> int:
    """A size such as ``64m`` or a number of bytes."""
    found = re.match(_BYTES, text(value).strip().lower())
    if found is None:
        raise ValueError(f"{text(value)[:40]!r} is not a size such as 64m")
    return int(float(found[1]) * 1024 ** " kmgt".index(found[2] or " "))
