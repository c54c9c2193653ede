# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A container whose files cannot be read is removed all the same by who wants it absent (R11)."""

from __future__ import annotations

from pathlib import Path

import pytest
from support import audit as leaks
from support.containers import World
from support.converging import check
from support.declaring import acting

from ansible_collections.slipway.engine.plugins.module_utils._runtime.records import (
    container_record,
    running,
)

from .. import state, tasks
from ..scene import perform
from .suffering import Damaged, cut, predicted, ran, zeros

GONE = acting("web", state="absent")


@pytest.fixture
def host(world: World, tmp_path: Path) -> Damaged:
    return Damaged(world, tmp_path)


@pytest.mark.parametrize("damaged", ["record.json", "spec.json", "record.json spec.json"])
@pytest.mark.parametrize("runs", [True, False], ids=["running", "stopped"])
def test_it_goes(host: Damaged, damaged: str, runs: bool) -> None:
    found, kept = host.current(), host.kept
    if not runs:
        perform(host.layout, acting("web", state="stopped"))
    for name in damaged.split():
        (cut if runs else zeros)(kept / name)
    # It is only removed where that is asked for.
    assert "not valid JSON" in str(ran(host.layout, host.play()[2:])[1])
    assert running.is_running(found) is runs
    foretold = check(host.layout, GONE, {})
    assert foretold.actions == (
        f"kill and remove container web, whose {damaged.split(maxsplit=1)[0]} is damaged",
    )
    assert host.layout.container(found.id).exists()
    warned: list[str] = []
    assert perform(host.layout, GONE, warned)
    assert any("cannot be read, so volumes without a name" in line for line in warned)
    assert not running.is_running(found) and running.is_running(host.spared)
    assert container_record.all_ids(host.layout) == [host.spared.id]
    assert state.litter(host.layout) == state.damaged(host.layout) == []
    assert not list((host.network / "leases").iterdir())
    assert not perform(host.layout, GONE)
    # What it was is made again, with its name, address, port and volume.
    assert predicted(host.layout, host.play()) == ([False, False, True], None)
    assert ran(host.layout, host.play()) == ([False, False, True], None)
    assert ran(host.layout, host.play()) == ([False, False, False], None)
    host.end()
    assert leaks.snapshot(host.layout.root)["lease"] == frozenset()


def test_at_the_prompt(host: Damaged) -> None:
    cut(host.kept / "record.json")
    host.world.slipway("rm", "--force", "web")
    assert container_record.all_ids(host.layout) == [host.spared.id]
    assert state.litter(host.layout) == []
    perform(host.layout, tasks.network("lan", state="absent"))
    perform(host.layout, acting("db", state="absent"))
