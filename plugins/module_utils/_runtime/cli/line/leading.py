# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Flags between ``compose`` and its verb. Pure."""

from __future__ import annotations

from collections.abc import Sequence

#: The short flags, and those that take nothing.
_SHORT = {"-f": "--file", "-p": "--project-name"}
_SWITCHES = frozenset(
    ("--all-resources", "--compatibility", "--dry-run", "--help", "--no-ansi", "--verbose", "-h")
)

#: What help says of them.
GLOBAL = (
    ("-f, --file list", "Compose configuration files"),
    ("-p, --project-name string", "Project name"),
    ("    --project-directory string", "Specify an alternate working directory"),
    ("    --profile strings", "Specify a profile to enable"),
    ("    --env-file list", "Specify an alternate environment file"),
)


def behind(words: Sequence[str]) -> list[str]:
    """The words of a command line with the flags before the verb behind it, by their long names:
    ``compose -f x up -d`` as ``compose up --file x -d``.
    """
    first, *rest = words
    leading: list[str] = []
    while rest and rest[0].startswith("-") and rest[0] not in ("-h", "--help"):
        word = rest.pop(0)
        name, equals, value = word.partition("=")
        if not word.startswith("--") and len(word) > 2:
            name, equals, value = word[:2], "=", word[2:].lstrip("=")
        leading.append(_SHORT.get(name, name))
        if equals:
            leading[-1] += f"={value}"
        elif name not in _SWITCHES and rest:
            leading.append(rest.pop(0))
    return [first, *rest[:1], *leading, *rest[1:]]
