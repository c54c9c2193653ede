# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Verifying images: every blob hashed again, every unpacked layer compared with its blob.

No hash of an unpacked layer is kept: computing it takes as many reads as comparing, and it would
have to be trusted. Instead the layer's blob is unpacked once more beside it, which also proves blob
and diff_id, and the two trees are compared: names, kinds, modes, owners, times of files, links,
extended attributes and content. A layer that differs is unpacked again from its blob. A blob that
does not match its digest is removed, so that the next pull downloads it.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Collection, Iterator, Sequence
from pathlib import Path
from typing import Optional

from ..base import files
from ..base.errors import Error
from ..base.frozen import dataclass
from ..base.layout import Layout
from ..spec import oci
from ..spec.oci import Descriptor
from .store import blobs, index, layers, store
from .store.blobs import Damaged

_CHUNK = 1 << 20


@dataclass(frozen=True)
class Finding:
    """What is wrong with a blob or a layer of an image, and whether it was put right."""

    image: str
    what: str
    repaired: bool


@dataclass(frozen=True)
class Verified:
    """What was looked at, counted, and what was wrong."""

    blobs: int
    layers: int
    findings: tuple[Finding, ...]


def verify(
    layout: Layout, wanted: Optional[Collection[str]] = None, in_use: Collection[str] = ()
) -> Verified:
    """Verify the images whose manifests are ``wanted``, by digest, or all; repair what can be.

    ``in_use`` are the chain IDs that running containers use: such a layer is not replaced under
    their feet, and stays damaged.
    """
    seen: set[str] = set()
    chains: set[str] = set()
    findings: list[Finding] = []
    with store.lease(layout):
        for entry in index.entries(layout):
            digest = entry.manifest.digest
            if digest in seen or not (wanted is None or digest in wanted):
                continue
            seen.add(digest)
            name = entry.name or digest
            try:
                manifest = store.read_manifest(layout, entry.manifest)
                config = store.read_config(layout, manifest)
            except Damaged as exc:
                findings.append(Finding(name, str(exc), False))
                continue
            seen.add(manifest.config.digest)
            seen.update(layer.digest for layer in manifest.layers)
            diff_ids = config["rootfs"].get("diff_ids") or []
            below: list[Path] = []
            for layer, diff_id, chain_id in zip(manifest.layers, diff_ids, oci.chain_ids(diff_ids)):
                if chain_id not in chains:
                    chains.add(chain_id)
                    found = _verify_layer(layout, layer, diff_id, chain_id, below, in_use)
                    if found is not None:
                        findings.append(Finding(name, *found))
                below.append(layout.layer(chain_id) / "diff")
    return Verified(len(seen), len(chains), tuple(findings))


def _verify_layer(
    layout: Layout,
    layer: Descriptor,
    diff_id: str,
    chain_id: str,
    below: Sequence[Path],
    in_use: Collection[str],
) -> Optional[tuple[str, bool]]:
    """What was wrong with a layer or its blob, and whether it was put right; None for nothing."""
    diff = layout.layer(chain_id) / "diff"
    short = chain_id[7:19]
    with files.scratch(layout, "verify") as scratch:
        again = scratch / "diff"
        again.mkdir(mode=0o755)
        try:
            unpacked = _unpack(layout, layer, again, below)
        except Damaged as exc:
            # Its name lies; without it the next pull fetches it anew.
            blobs.delete(layout, layer.digest)
            return str(exc), False
        except Error as exc:
            return f"the layer {short} cannot be unpacked again: {exc.message}", False
        if unpacked != diff_id:
            return f"the layer {short} unpacks to {unpacked}, not to {diff_id}", False
        if not layers.is_unpacked(layout, chain_id):
            what = f"the layer {short} was not unpacked"
        else:
            differing = next(_differences(os.fsencode(again), os.fsencode(diff), {}), None)
            if differing is None:
                return None
            what = f"the layer {short} has been modified: {differing}"
    if chain_id in in_use:
        return f"{what}; a running container uses it: stop it and verify again", False
    layers.delete(layout, chain_id)
    layers.unpack_layer(layout, layer, diff_id, chain_id, below)
    return f"{what}; it was unpacked again from its blob", True


def _unpack(layout: Layout, layer: Descriptor, target: Path, below: Sequence[Path]) -> str:
    from .layer import compression, unpack

    with blobs.open_verified(layout, layer) as blob:  # noqa: SIM117
        with compression.plain(blob, layer.media_type) as plain:
            return unpack.unpack(plain, target, tuple(reversed(below))).diff_id


def _differences(one: bytes, other: bytes, links: dict[int, int]) -> Iterator[str]:
    """Where a tree differs from the one it should be, as ``path: what``; ``links`` pairs the inodes
    of files with several names.
    """
    expected, found = sorted(os.listdir(one)), sorted(os.listdir(other))
    for name in sorted({*expected, *found}):
        here, there = os.path.join(one, name), os.path.join(other, name)
        shown = ascii(os.fsdecode(name))
        if name not in found:
            yield f"{shown} is missing"
        elif name not in expected:
            yield f"{shown} does not belong there"
        else:
            what = _difference(here, there, links)
            if what:
                yield f"{shown} has {what}"
            elif stat.S_ISDIR(os.lstat(here).st_mode):
                for inner in _differences(here, there, links):
                    yield f"{shown}/{inner}"


def _difference(one: bytes, other: bytes, links: dict[int, int]) -> str:
    wanted, found = os.lstat(one), os.lstat(other)
    if stat.S_IFMT(wanted.st_mode) != stat.S_IFMT(found.st_mode) or wanted.st_rdev != found.st_rdev:
        return "a different type"
    if wanted.st_mode != found.st_mode:
        return f"mode {stat.S_IMODE(found.st_mode):o}, not {stat.S_IMODE(wanted.st_mode):o}"
    if (wanted.st_uid, wanted.st_gid) != (found.st_uid, found.st_gid):
        return "a different owner"
    if _attributes(one) != _attributes(other):
        return "different extended attributes"
    if stat.S_ISLNK(wanted.st_mode) and os.readlink(one) != os.readlink(other):
        return "a different target"
    if stat.S_ISDIR(wanted.st_mode) or _is_whiteout(wanted):
        # A directory that the layer does not list, and what hides a file of a layer below, have the
        # time of their unpacking.
        return ""
    if wanted.st_nlink != found.st_nlink or (
        wanted.st_nlink > 1 and links.setdefault(wanted.st_ino, found.st_ino) != found.st_ino
    ):
        return "different names"
    if stat.S_ISREG(wanted.st_mode) and (wanted.st_size != found.st_size or not _equal(one, other)):
        return "different content"
    return "" if wanted.st_mtime_ns == found.st_mtime_ns else "a different modification time"


def _is_whiteout(found: os.stat_result) -> bool:
    return stat.S_ISCHR(found.st_mode) and found.st_rdev == 0


def _attributes(path: bytes) -> dict[str, bytes]:
    return {
        name: os.getxattr(path, name, follow_symlinks=False)
        for name in os.listxattr(path, follow_symlinks=False)
    }


def _equal(one: bytes, other: bytes) -> bool:
    flags = os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC
    with (
        open(os.open(one, flags), "rb", 0) as wanted,
        open(os.open(other, flags), "rb", 0) as found,
    ):
        while True:
            data = wanted.read(_CHUNK)
            if data != found.read(_CHUNK):
                return False
            if not data:
                return True
