# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Where a monitor is moved to on a host whose control groups systemd manages."""

from __future__ import annotations

from pathlib import Path

import pytest

from ansible_collections.slipway.engine.plugins.module_utils._runtime.kernel import cgroups

SCOPE = f"system.slice/{cgroups.SCOPE}"


@pytest.mark.parametrize(
    ("there", "entered"),
    [
        # Nothing is there: systemd is asked for it.
        (["system.slice"], []),
        (["systemd/system.slice", "memory/system.slice"], []),
        # Version 2, and version 1, where systemd makes no group of what it does not account for.
        ([SCOPE], [SCOPE]),
        (
            [f"systemd/{SCOPE}", f"memory/{SCOPE}", "pids/system.slice", "unified"],
            [f"systemd/{SCOPE}", f"memory/{SCOPE}", "pids/system.slice", "unified"],
        ),
    ],
)
def test_entering_the_scope(tmp_path: Path, there: list[str], entered: list[str]) -> None:
    for name in there:
        (tmp_path / name).mkdir(parents=True)
    assert cgroups.enter(123, tmp_path) is bool(entered)
    written = {str(p.parent.relative_to(tmp_path)) for p in tmp_path.rglob("cgroup.procs")}
    assert written == set(entered)
    assert {path.read_text() for path in tmp_path.rglob("cgroup.procs")} <= {"123"}


def test_a_scope_that_just_went(tmp_path: Path) -> None:
    (tmp_path / SCOPE / "cgroup.procs").mkdir(parents=True)
    assert not cgroups.enter(123, tmp_path)
