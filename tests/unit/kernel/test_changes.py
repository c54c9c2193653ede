# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Waiting for files to change: what is told, what is not, and what is not there."""

from __future__ import annotations

import resource
from pathlib import Path

from ansible_collections.slipway.engine.plugins.module_utils._runtime.kernel import changes

#: Longer than any test may take.
LONG = 60.0


def test_what_is_told(tmp_path: Path) -> None:
    (tmp_path / "one").mkdir()
    with changes.Changes(LONG) as following:
        assert following.follow([tmp_path / "one", tmp_path / "not-there"])
        assert not following.follow([tmp_path / "one", tmp_path / "not-there"])
        (tmp_path / "one" / "a").write_text("new")
        assert following.wait(LONG)
        (tmp_path / "b").write_text("replaces it")
        (tmp_path / "b").rename(tmp_path / "one" / "a")
        assert following.wait(LONG)
        (tmp_path / "one" / "a").unlink()
        assert following.wait(LONG)
        (tmp_path / "not-there").mkdir()
        assert following.follow([tmp_path / "one", tmp_path / "not-there"]), "it is there now"
        (tmp_path / "not-there" / "c").mkdir()
        assert following.wait(LONG)


def test_what_is_not_told(tmp_path: Path) -> None:
    (tmp_path / "one").mkdir()
    file = tmp_path / "one" / "a"
    file.write_text("")
    with changes.Changes(LONG) as following:
        following.follow([tmp_path / "one"])
        # Locks are opened, and logs written, all the time.
        file.write_text("more")
        (tmp_path / "other").write_text("elsewhere")
        assert not following.wait(0.2)


def test_where_the_kernel_follows_nothing(tmp_path: Path) -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (3, hard))
    try:
        following = changes.Changes(0.01)
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    with following:
        assert not following.follow([tmp_path])
        assert following.wait(LONG), "it comes back, and something may have changed"
