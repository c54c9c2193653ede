# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Unpacked layers: ``layers/<chain id>/``, each one lower directory of overlayfs.

A layer exists only whole: ``diff`` is its content, ``layer.json`` says what it was made from, and
both were on disk before the directory got its name. A chain id names a layer together with all
below it, so images share what they have in common.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from .. import files, linux
from ..errors import Error
from ..layout import Layout
from ..oci import Descriptor
from . import blobs

if TYPE_CHECKING:
    from . import unpack

_RECORD = "layer.json"
#: Another task may be unpacking the same large layer on a slow disk.
_LOCK_DEADLINE_S = 3600.0


def unpack_layer(
    layout: Layout, layer: Descriptor, diff_id: str, chain_id: str, lowers: Sequence[Path]
) -> Path:
    """One layer's ``diff`` directory, unpacked on the ones below it (bottom first) if it is not
    there.

    It is published only when blob and content are what manifest and config say, and on disk.
    """
    target = layout.layer(chain_id)
    if (target / _RECORD).exists():
        return target / "diff"
    with files.lock(layout.lock("layer", target.name), deadline_s=_LOCK_DEADLINE_S):
        if (target / _RECORD).exists():
            return target / "diff"
        with files.scratch(layout, "layer") as staging:
            diff = staging / "diff"
            diff.mkdir(mode=0o755)
            try:
                done = _unpack(layout, layer, diff, lowers)
            except blobs.Damaged:
                # Its name lies; without it the next pull fetches it anew.
                blobs.delete(layout, layer.digest)
                raise
            if done.diff_id != diff_id:
                raise Error(
                    f"the layer {layer.digest} unpacks to {done.diff_id}, and the image's config "
                    f"says {diff_id}",
                    hint="the image is damaged or forged; pull it from a source you trust",
                )
            record = {
                "blob": layer.digest,
                "chain_id": chain_id,
                "diff_id": diff_id,
                "entries": done.entries,
                "size_bytes": done.size_bytes,
            }
            files.write_json(staging / _RECORD, record, durable=False)
            _syncfs(staging)
            if target.exists():
                # Without its record it is what somebody from outside left of a layer.
                files.discard(layout, target)
            files.publish(staging, target)
    return target / "diff"


def _unpack(
    layout: Layout, layer: Descriptor, diff: Path, lowers: Sequence[Path]
) -> unpack.Unpacked:
    # The unpacker takes about 15 ms to import, and most tasks find their layers here.
    from . import compression, unpack

    with blobs.open_verified(layout, layer) as blob:  # noqa: SIM117
        with compression.plain(blob, layer.media_type) as plain:
            return unpack.unpack(plain, diff, tuple(reversed(lowers)))


def is_unpacked(layout: Layout, chain_id: str) -> bool:
    return (layout.layer(chain_id) / _RECORD).exists()


def _syncfs(path: Path) -> None:
    fd = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        linux.syncfs(fd)
    finally:
        os.close(fd)


def size_bytes(layout: Layout, chain_id: str, otherwise: int) -> int:
    try:
        return int(files.read_json(layout.layer(chain_id) / _RECORD)["size_bytes"])
    except (FileNotFoundError, KeyError, TypeError):
        return otherwise


def all_chain_ids(layout: Layout) -> Iterator[str]:
    for name in sorted(os.listdir(layout.layers)):
        yield f"sha256:{name}"


def delete(layout: Layout, chain_id: str) -> None:
    """Remove a layer in one rename; the caller knows that nothing stands on it."""
    files.discard(layout, layout.layer(chain_id))
