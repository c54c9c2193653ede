# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The collection's sources go to a host once, and tasks then run from what is kept there."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from support.inputs import images
from support.plays import Play, Run

from ansible_collections.slipway.engine.plugins.module_utils._runtime.base.layout import Layout


def _sent(run: Run) -> list[str]:
    """The modules that went to the host, and ``zip`` for the sources."""
    found = re.findall(r"Using module file .*/modules/(\w+)\.py|PUT .*/(library\.zip)", run.output)
    return [module or "zip" for module, dummy in found]


def test_sources_are_sent_once(
    layout: Layout, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tar = tmp_path / "small.tar"
    tar.write_bytes(images.tar({"etc": None, "etc/name": b"small\n"}))
    play = Play(tmp_path)
    make: dict[str, Any] = {"slipway.engine.image_import": {"name": "small", "src": str(tar)}}
    look: dict[str, Any] = {"slipway.engine.image_info": {"name": "small"}}

    foretold = play.tasks([make, make, make], "--check", "-vvv")
    assert foretold.status == 0, foretold.output
    # Nothing is kept in check mode, and what a host lacks twice is not sent a third time.
    assert _sent(foretold) == ["library", "zip", "library", "library", *["image_import"] * 2]
    assert not list(layout.program.iterdir())

    first = play.tasks([look, look], "-vvv")
    assert _sent(first) == ["library", "zip", "library", "library"]
    assert sorted(path.suffix for path in layout.program.iterdir()) == [".code", ".zip"]
    assert {path.stat().st_mode & 0o777 for path in layout.program.iterdir()} == {0o600}

    again = play.tasks([make, make, look], "-vvv")
    assert _sent(again) == ["library"] * 3
    assert (again.status, again.changed) == (0, 1)

    # Whatever becomes of what is kept, the task's result is the same.
    for path in layout.program.iterdir():
        path.write_bytes(path.read_bytes()[:1000])
    repaired = play.tasks([make, make], "-vvv", "-e", "ansible_pipelining=true")
    assert _sent(repaired) == ["library", "zip", "library", "library"]
    assert (repaired.status, repaired.changed) == (0, 0)

    # A host on which what was sent does not run either gets the module the usual way.
    local = tmp_path / "local"
    monkeypatch.setenv("ANSIBLE_LOCAL_TEMP", str(local))
    spoil = f"cd {local}/*/ && : > $(readlink slipway-library)"
    spoil += f" && rm {layout.program}/*"
    usual = play.tasks([make, {"ansible.builtin.shell": spoil}, make], "-vvv")
    assert _sent(usual)[-4:] == ["library", "zip", "library", "image_import"], usual.output
    assert usual.status == 0

    # Errors name the module that the task names.
    failed = play.tasks([{"slipway.engine.image_info": {"wrong": 1}}])
    assert "Unsupported parameters for (slipway.engine.image_info) module: wrong" in failed.output

    # A job in the background is a process of its own and carries all it needs.
    job = play.tasks([{**look, "async": 30, "poll": 1}], "-vvv")
    assert job.status == 0 and "image_info" in _sent(job)
