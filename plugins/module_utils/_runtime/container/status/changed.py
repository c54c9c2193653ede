# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a container has written on top of its image, and how much: ``docker diff``, ``ps --size``.

Its own writable layer is read on the host, so a container need not be running, and nothing in it is
executed. Volumes are not part of it.
"""

from __future__ import annotations

import os
import stat
from pathlib import Path

from ...base.layout import Layout
from ...image.layer import difference
from ...image.layer.difference import Change
from ...image.store import layers
from ...records import container_record
from ...tree import snapshot


def changes(layout: Layout, container_id: str) -> list[Change]:
    """Every path that was added, changed or deleted, in order. Raises NotFound.

    ``Change.kind`` is docker diff's letter: A, C or D.
    """
    found = container_record.read_record(layout, container_id)
    lowers = [layout.layer(chain_id) / "diff" for chain_id in reversed(found.layers)]
    upper = layout.container(container_id) / "upper"
    return difference.changes(upper, lowers, snapshot.INIT_PATHS)


#: The numbers the API has for the letters (GET /containers/ID/changes).
KINDS = {"C": 0, "A": 1, "D": 2}


def written_bytes(layout: Layout, container_id: str) -> int:
    """SizeRw: the lengths of the files in the writable layer, each inode once. Raises NotFound."""
    container_record.read_record(layout, container_id)
    return _length(layout.container(container_id) / "upper")


def root_bytes(layout: Layout, container_id: str) -> int:
    """SizeRootFs: the writable layer and the image's unpacked layers together. Raises NotFound."""
    found = container_record.read_record(layout, container_id)
    below = sum(layers.size_bytes(layout, chain_id, 0) for chain_id in found.layers)
    return written_bytes(layout, container_id) + below


def _length(top: Path) -> int:
    seen: set[tuple[int, int]] = set()
    total = 0
    for level in os.fwalk(top):
        names, fd = level[2:]
        for name in names:
            try:
                found = os.stat(name, dir_fd=fd, follow_symlinks=False)
            except FileNotFoundError:
                continue
            if stat.S_ISREG(found.st_mode) and (found.st_dev, found.st_ino) not in seen:
                if found.st_nlink > 1:
                    seen.add((found.st_dev, found.st_ino))
                total += found.st_size
    return total
