# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Environment variables of a command line: ``--env`` and ``--env-file`` of run and exec."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence

from ...base.errors import Error
from ...spec.texts import check_unicode


def variables(
    texts: Sequence[str], files: Sequence[str], environment: Mapping[str, str]
) -> dict[str, str]:
    """The files' variables and then the flags' own; a name alone has the value it has around us.
    Raises Error naming the flag.
    """
    lines = [("--env-file", line) for path in files for line in file_lines(path)]
    found = {}
    for flag, text in (*lines, *(("--env", text) for text in texts)):
        name, equals, value = text.partition("=")
        if not name:
            raise Error(f"invalid environment variable: {text[:40]!r}")
        if not equals and name not in environment:
            continue
        found[name] = value if equals else environment[name]
        check_unicode(flag, name, found[name])
    return found


def file_lines(path: str) -> list[str]:
    """The lines of an --env-file: blanks before them, comments and empty ones left out.

    Raises Error for a variable whose name has blanks in it.
    """
    try:
        with open(path, encoding="utf-8-sig") as file:
            lines = [line.rstrip("\r\n").lstrip() for line in file]
    except UnicodeDecodeError as exc:
        raise Error(f"{path}: invalid UTF-8") from exc
    except OSError as exc:
        raise Error(f"open {path}: {exc.strerror}") from exc
    kept = [line for line in lines if line and not line.startswith("#")]
    for line in kept:
        name = line.partition("=")[0]
        if not name or any(letter.isspace() for letter in name):
            raise Error(f"{path}: a variable name is empty or contains whitespace")
    return kept


def environment() -> Mapping[str, str]:
    """The variables around us, which a name alone in --env takes its value from."""
    return os.environ
