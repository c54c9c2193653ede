# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Flags between compose and its verb are read as that verb's."""

from __future__ import annotations

import pytest

from ansible_collections.slipway.engine.plugins.module_utils._runtime.cli.line.leading import (
    behind,
)


@pytest.mark.parametrize(
    ("line", "wanted"),
    [
        ("compose up -d", "compose up -d"),
        ("compose -f x up -d", "compose up --file x -d"),
        ("compose -fx -p=y ps", "compose ps --file=x --project-name=y"),
        ("compose --file=x -f y logs -f", "compose logs --file=x --file y -f"),
        ("compose --profile a --compatibility up", "compose up --profile a --compatibility"),
        ("compose --env-file e run web -p", "compose run --env-file e web -p"),
        ("compose", "compose"),
        ("compose --help", "compose --help"),
        ("compose -f x", "compose --file x"),
        ("compose -f", "compose --file"),
    ],
)
def test_flags_go_behind_the_verb(line: str, wanted: str) -> None:
    assert behind(line.split()) == wanted.split()
