# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Image archives that attack, each with the advisory whose failure it replays.

A row is refused with an error that says why, or it is loaded and harms nobody: then it says under
which names. Either way a canary tree keeps every byte, mode, owner, time and link count, nothing of
it gets into the store, and what is refused leaves neither a name nor a layer. The rows stand in
tests/support/inputs/hostile_archives.py.
"""

from __future__ import annotations

import contextlib
import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from support.inputs.hostile_archives import (
    CANARY,
    LAYER,
    ROWS,
    SECRET,
    Row,
    blob,
    bring,
    layout_files,
    make_canary,
    write,
)
from support.inputs.tars import fingerprint

from ansible_collections.slipway.engine.plugins.module_utils._runtime.base.errors import Error
from ansible_collections.slipway.engine.plugins.module_utils._runtime.base.layout import Layout
from ansible_collections.slipway.engine.plugins.module_utils._runtime.image.store import store
from ansible_collections.slipway.engine.plugins.module_utils._runtime.plan.plan import Host
from ansible_collections.slipway.engine.plugins.module_utils._runtime.resource.image.files import (
    image_load,
)


@pytest.fixture
def canary() -> Iterator[Path]:
    shutil.rmtree(CANARY.parent, ignore_errors=True)
    make_canary(CANARY)
    yield CANARY
    shutil.rmtree(CANARY.parent)


def test_the_corpus_is_large_and_names_are_unique() -> None:
    assert len(ROWS) >= 40
    assert len({row.name for row in ROWS}) == len(ROWS)


@pytest.mark.parametrize("row", ROWS, ids=lambda row: f"{row.name} ({row.advisory})")
def test_a_hostile_archive_harms_nobody(row: Row, layout: Layout, canary: Path) -> None:
    path = canary.parent / "archive"
    write(path, row.archive)
    before, beside = fingerprint(canary), sorted(os.listdir(canary.parent))
    # As check mode looks at it.
    with contextlib.suppress(Error):
        image_load.observe(Host(layout), image_load.declare({"path": str(path)}))
    if row.refused is None:
        bring(layout, path)
    else:
        with pytest.raises(Error) as caught:
            bring(layout, path)
        assert row.refused in str(caught.value)
        assert os.listdir(layout.layers) == []
    names = {name for image in store.all_images(layout) for name in image.names}
    assert names == set(row.loaded)
    assert fingerprint(canary) == before
    assert sorted(os.listdir(canary.parent)) == beside
    assert os.listdir(layout.tmp) == []
    for file in layout.root.rglob("*"):
        assert file.is_symlink() or not file.is_file() or SECRET not in file.read_bytes()


@pytest.mark.parametrize("name", ["index.json", blob(LAYER)])
def test_a_fifo_keeps_nobody_waiting(layout: Layout, canary: Path, name: str) -> None:
    path = canary.parent / "archive"
    write(path, layout_files())
    (path / name).unlink()
    os.mkfifo(path / name)
    with pytest.raises(Error, match="not a regular file"):
        bring(layout, path)
    os.mkfifo(canary.parent / "fifo")
    with pytest.raises(Error, match="neither a regular file nor a directory"):
        bring(layout, canary.parent / "fifo")
