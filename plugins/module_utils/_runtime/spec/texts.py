# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Dictionaries of texts, such as labels and variables, as YAML gives them: one rule. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..base.errors import Error

#: What YAML made of a value that somebody meant as a text.
_KINDS = {bool: "a boolean", float: "a number with a fraction", type(None): "null"}


def texts(option: str, values: Mapping[str, Any], switches: bool = False) -> dict[str, str]:
    """Names and texts, sorted by name. Raises Error naming option and key.

    A whole number has one form, so it is taken. What YAML turned into something else is refused:
    ``on`` and ``1.10`` would come back as ``True`` and ``1.1``. With ``switches`` a boolean is the
    word true or false, as options of drivers have them. The error's phrases are community.docker's,
    and a value is never in it: it may be a secret.
    """
    found = {}
    for name, value in sorted(values.items(), key=lambda item: str(item[0])):
        if isinstance(value, bool) and switches:
            value = str(value).lower()
        if isinstance(value, bool) or not isinstance(value, (str, int)):
            kind = _KINDS.get(type(value), f"a {type(value).__name__}")
            raise Error(
                f"Non-string value found for {option} option. Ambiguous {option} options must be"
                " wrapped in quotes to avoid them being interpreted. Key:"
                f" {str(name)[:100]} ({kind})",
                hint="where the value is templated, add the filter string to it",
            )
        found[str(name)] = str(value)
        check_unicode(option, str(name), str(value))
    return found


def check_unicode(option: str, name: str, value: str) -> None:
    """Raise Error for what no record can hold: a byte of a command line or of an environment that
    is not UTF-8, or half of a surrogate pair.
    """
    if name.isascii() and value.isascii():
        return
    try:
        f"{name}{value}".encode()
    except UnicodeEncodeError as exc:
        raise Error(f"{option}: {name[:60]!a}: the name or value is not UTF-8 text") from exc
