# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A tree that is removed takes nothing with it that is mounted there."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from ansible_collections.slipway.engine.plugins.module_utils._runtime.base import files
from ansible_collections.slipway.engine.plugins.module_utils._runtime.base.errors import Error


@pytest.mark.parametrize("name", ["plain", "with a blank"])
@pytest.mark.parametrize("mount", [("--bind",), ("-t", "tmpfs")])
def test_a_mount_below_a_tree_keeps_its_data(
    tmp_path: Path, name: str, mount: tuple[str, ...]
) -> None:
    data = tmp_path / "data of a user"
    data.mkdir()
    target = tmp_path / "tree" / name
    target.mkdir(parents=True)
    source = str(data) if mount == ("--bind",) else "tmpfs"
    subprocess.run(["mount", *mount, source, str(target)], check=True)
    try:
        (target / "precious").write_text("x")
        with pytest.raises(Error, match="is still mounted"):
            files.remove_tree(tmp_path / "tree")
        assert (target / "precious").read_text() == "x"
    finally:
        subprocess.run(["umount", str(target)], check=True)
    files.remove_tree(tmp_path / "tree")
    assert not (tmp_path / "tree").exists()
