# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Layers that are made here: the same bytes however they come in."""

from __future__ import annotations

import gzip
import random
from pathlib import Path

from ansible_collections.slipway.engine.plugins.module_utils._runtime.base import files
from ansible_collections.slipway.engine.plugins.module_utils._runtime.base.layout import Layout
from ansible_collections.slipway.engine.plugins.module_utils._runtime.image.build import assemble

#: Text, and what cannot be compressed, of more than one member each.
TEXT, NOISE = b"a layer of text\n" * 150_000, random.Random(1).randbytes(2_500_000)


def test_a_layer_is_the_same_however_it_is_written(tmp_path: Path) -> None:
    layout = Layout(tmp_path / "root", tmp_path / "run", tmp_path / "etc")
    files.prepare(layout)
    data = TEXT + NOISE
    made = set()
    for step in (1000, 70_000, len(data)):
        with assemble.writing_layer(layout) as layer:
            for start in range(0, len(data), step):
                layer.write(data[start : start + step])
            made.add(layer.publish().digest)
    [digest] = made
    written = layout.blob(digest).read_bytes()
    assert gzip.decompress(written) == data
    # No flags (so no name), no time (RFC 1952, 2.3).
    assert written[3:8] == bytes(5)
    assert len(NOISE) < len(written) < len(NOISE) + len(TEXT) // 20
