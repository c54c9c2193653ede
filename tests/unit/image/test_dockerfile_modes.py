# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Modes of --chmod, octal and symbolic."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from ansible_collections.slipway.engine.plugins.module_utils._runtime.image.dockerfile import (
    flags,
    modes,
)

ROWS = [
    # mode, before, of a file, of a directory
    ("0755", 0o600, 0o755, 0o755),
    ("4711", 0o600, 0o4711, 0o4711),
    ("u=rwX,go=rX", 0o600, 0o644, 0o755),
    ("u=rwX,go=rX", 0o4700, 0o755, 0o755),
    ("a+x", 0o640, 0o751, 0o751),
    ("+x", 0o640, 0o751, 0o751),
    ("+w", 0o444, 0o644, 0o644),
    ("go-rwx", 0o777, 0o700, 0o700),
    ("go=", 0o777, 0o700, 0o700),
    ("g=u", 0o640, 0o660, 0o660),
    ("go=u-w", 0o700, 0o755, 0o755),
    ("o=g", 0o750, 0o755, 0o755),
    ("u+s,+t", 0o755, 0o5755, 0o5755),
    ("ug+s", 0o755, 0o6755, 0o6755),
    ("a-s", 0o6755, 0o755, 0o755),
    ("u=rw,u+x-w", 0o000, 0o500, 0o500),
    ("=r", 0o777, 0o444, 0o444),
    ("+X", 0o644, 0o644, 0o755),
    ("+X", 0o654, 0o755, 0o755),
]


@pytest.mark.parametrize(("text", "before", "file", "directory"), ROWS)
def test_what_a_mode_becomes(text: str, before: int, file: int, directory: int) -> None:
    mode = modes.mode_of(text)
    assert oct(mode.of(before, directory=False)) == oct(file)
    assert oct(mode.of(before, directory=True)) == oct(directory)


@pytest.mark.parametrize("text", ["", "8", "07777777", "x", "u", "u+q", "u+x,", "u+x o+x", "=,"])
def test_what_is_not_a_mode(text: str) -> None:
    with pytest.raises(flags.Wrong, match="is not a mode"):
        modes.mode_of(text)


def test_files_get_what_chmod_gives_them(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.touch()
    for text, before, wanted, dummy in ROWS:
        path.chmod(before)
        subprocess.run(
            ["sh", "-c", 'umask 022; chmod -- "$1" "$2"', "sh", text, path],
            check=True,
            timeout=30,
        )
        assert oct(os.stat(path).st_mode & 0o7777) == oct(wanted), text
