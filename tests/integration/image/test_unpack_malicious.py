# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Layers that attack, each with the advisory whose failure it replays.

A row is refused with an error that says why, or it is unpacked and harms nobody: then it says what
is where. Either way a canary tree beside the target keeps every byte, mode, owner, time and link
count. In names and link targets ``@`` stands for the canary's absolute path. The rows
stand in tests/support/inputs/hostile_layers.py.
"""

from __future__ import annotations

import io
import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from support.inputs.hostile_layers import CUT_OFF, ROWS, SMALL, Row
from support.inputs.tars import (
    END,
    describe,
    fingerprint,
)

from ansible_collections.slipway.engine.plugins.module_utils._runtime.base.errors import Error
from ansible_collections.slipway.engine.plugins.module_utils._runtime.image.layer.unpack import (
    unpack,
)


@pytest.fixture
def ground(sandbox: Path) -> Iterator[Path]:
    """A place as a store has it, with a canary beside the target."""
    place = sandbox / "unpack"
    place.mkdir(mode=0o700)
    canary = place / "canary"
    (canary / "sub").mkdir(parents=True)
    (canary / "secret").write_text("do not touch")
    (canary / "secret").chmod(0o600)
    (canary / "link").symlink_to("secret")
    for name in ("target", "lower"):
        (place / name).mkdir()
    yield place
    shutil.rmtree(place)


def test_the_corpus_is_large_and_names_are_unique() -> None:
    assert len(ROWS) >= 120
    assert len({row.name for row in ROWS}) == len(ROWS)


@pytest.mark.parametrize("row", ROWS, ids=lambda row: f"{row.name} ({row.advisory})")
def test_a_hostile_layer_harms_nobody(row: Row, ground: Path) -> None:
    canary, target = ground / "canary", ground / "target"
    lowers = []
    if row.lower is not None:
        unpack(io.BytesIO(row.lower(str(canary)) + END), ground / "lower", (), SMALL)
        lowers.append(ground / "lower")
    stream = row.layer(str(canary)) + (b"" if row.name in CUT_OFF else END)
    before, outside = fingerprint(canary), sorted(os.listdir(ground))
    if row.refused is None:
        unpack(io.BytesIO(stream), target, lowers, row.limits)
    else:
        with pytest.raises(Error) as caught:
            unpack(io.BytesIO(stream), target, lowers, row.limits)
        assert row.refused in caught.value.message
    assert fingerprint(canary) == before
    assert sorted(os.listdir(ground)) == outside
    for path, kind in row.expect.items():
        found = describe(Path(f"{target}/{path.replace('@', str(canary))}"))
        assert found == kind.replace("@", str(canary)), path
