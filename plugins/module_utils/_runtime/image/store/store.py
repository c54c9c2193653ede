# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The image store: which images there are and what they are made of.

Three modules make it: blobs (content), index (names), layers (unpacked content). Reference counts
are kept nowhere; collect() derives what is in use.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Optional

from ...base import files
from ...base.errors import Error, LockTimeout
from ...base.frozen import dataclass, field
from ...base.layout import Layout
from ...spec import oci
from ...spec.container import Healthcheck, ImageDefaults
from ...spec.oci import Descriptor
from ...spec.reference import Reference, is_id, parse_normalized
from . import blobs, index, layers, manifest, step_cache
from .blobs import Damaged
from .index import Entry, name_of
from .manifest import Manifest


@dataclass(frozen=True)
class Image:
    """An image of the store. ``id`` is the digest of its config; ``size`` is in bytes, unpacked.

    ``names`` are normalised references with their tags, ``repo_digests`` are ``repository@digest``,
    ``config`` is the image's config document as it was read. Layers and chain ids are bottom first.
    """

    id: str
    manifest: Descriptor
    config: Mapping[str, Any]
    names: tuple[str, ...]
    repo_digests: tuple[str, ...]
    layers: tuple[Descriptor, ...]
    chain_ids: tuple[str, ...]
    size: int
    config_descriptor: Descriptor
    sources: Mapping[str, str] = field(default_factory=dict)

    @property
    def diff_ids(self) -> tuple[str, ...]:
        return tuple(self.config["rootfs"].get("diff_ids") or ())


def find(layout: Layout, text: str) -> Optional[Image]:
    """The image a user means by a name, ``repository@digest``, an id or the start of one.

    Names go before ids, as in Docker. Raises Error when the start of an id is ambiguous, and
    Damaged when the image is named and its documents are not readable.
    """
    bare = text[7:] if text.startswith("sha256:") else text
    if not (text.startswith("sha256:") or len(bare) == 64):
        found = find_reference(layout, parse_normalized(text))
        if found is not None:
            return found
    if not is_id(text):
        return None
    matching = _all(layout, bare)
    if len(matching) > 1:
        raise Error(
            f"{text} is ambiguous: {len(matching)} image IDs start with it", hint="use more of it"
        )
    return matching[0] if matching else None


def find_reference(layout: Layout, reference: Reference) -> Optional[Image]:
    """The image under a name or digest. Raises Damaged."""
    names = index.entries(layout)
    entry = _entry(names, reference)
    if entry is None:
        return None
    found = read_manifest(layout, entry.manifest)
    return _load(layout, found, _twins(layout, names, entry, found.config.digest))


def _entry(names: Sequence[Entry], reference: Reference) -> Optional[Entry]:
    if not reference.digest:
        return next((entry for entry in names if entry.name == name_of(reference)), None)
    # With a digest the tag is a remark. What we made ourselves has its manifest's digest for one,
    # under the repositories it is tagged in.
    pair = f"{reference.repository}@{reference.digest}"
    for entry in names:
        own = entry.manifest.digest == reference.digest
        if pair in entry.digests or (own and entry.name.startswith(f"{reference.repository}:")):
            return entry
    return None


def all_images(layout: Layout) -> tuple[Image, ...]:
    """Every image once, whatever the number of its names; one whose documents are damaged is left
    out.
    """
    return tuple(_all(layout))


def _all(layout: Layout, start: str = "") -> list[Image]:
    """The images whose ids begin so, without their ``sha256:``. Nothing of others is read, unless
    their entries do not say which images they are.
    """
    grouped: dict[str, tuple[Manifest, list[Entry]]] = {}
    for entry in index.entries(layout):
        if entry.config and not entry.config[7:].startswith(start):
            continue
        with contextlib.suppress(Damaged):
            found = read_manifest(layout, entry.manifest)
            if found.config.digest[7:].startswith(start):
                grouped.setdefault(found.config.digest, (found, []))[1].append(entry)
    images = []
    for found, same in grouped.values():
        with contextlib.suppress(Damaged):
            images.append(_load(layout, found, same))
    return images


def manifests_of(layout: Layout, image: Image) -> tuple[Descriptor, ...]:
    """Every manifest in the index that is this image."""
    names = index.entries(layout)
    same = _twins(layout, names, Entry(image.manifest), image.id)
    return tuple({entry.manifest.digest: entry.manifest for entry in same}.values())


def _twins(layout: Layout, names: Sequence[Entry], entry: Entry, config: str) -> list[Entry]:
    """The entries of the same image, whose config has this digest: it may be stored as OCI's
    manifest and as Docker's.
    """
    same = []
    for other in names:
        if other.manifest.digest == entry.manifest.digest:
            same.append(other)
            continue
        if other.config not in ("", config):
            continue
        with contextlib.suppress(Damaged):
            if read_manifest(layout, other.manifest).config.digest == config:
                same.append(other)
    return same


def _load(layout: Layout, found: Manifest, same: Sequence[Entry]) -> Image:
    config = read_config(layout, found)
    chain_ids = tuple(oci.chain_ids(config["rootfs"].get("diff_ids") or []))
    return Image(
        id=found.config.digest,
        manifest=found.descriptor,
        config=config,
        names=tuple(sorted(entry.name for entry in same if entry.name)),
        repo_digests=tuple(sorted({pair for entry in same for pair in entry.digests})),
        layers=found.layers,
        chain_ids=chain_ids,
        size=sum(
            layers.size_bytes(layout, chain_id, layer.size)
            for chain_id, layer in zip(chain_ids, found.layers)
        ),
        config_descriptor=found.config,
        sources={entry.name: entry.source for entry in same if entry.name and entry.source},
    )


def read_manifest(layout: Layout, descriptor: Descriptor) -> Manifest:
    """A stored manifest, checked. Raises Damaged."""
    data = blobs.read(layout, descriptor)
    with _understood():
        return manifest.parse_manifest(data, descriptor, f"the manifest {descriptor.digest}")


def read_config(layout: Layout, found: Manifest) -> dict[str, Any]:
    """The config of a stored manifest, checked. Raises Damaged."""
    data = blobs.read(layout, found.config)
    with _understood():
        return manifest.parse_config(data, len(found.layers), f"the config {found.config.digest}")


@contextlib.contextmanager
def _understood() -> Iterator[None]:
    """What is as its digest says, and yet not what is read now, is damaged too: an earlier release
    may have taken it. One such image is no reason to list none.
    """
    try:
        yield
    except Damaged:
        raise
    except Error as exc:
        raise Damaged(exc.message, hint=exc.hint or "remove the image, and get it again") from exc


def missing(layout: Layout, image: Image) -> tuple[Descriptor, ...]:
    """The layer blobs of an image that are not in the store."""
    return tuple(layer for layer in image.layers if not blobs.has(layout, layer))


def defaults(image: Image) -> ImageDefaults:
    """What the image's config says of the containers made from it."""
    config = image.config.get("config") or {}
    env = (entry.partition("=") for entry in config.get("Env") or [])
    return ImageDefaults(
        entrypoint=tuple(config.get("Entrypoint") or ()),
        cmd=tuple(config.get("Cmd") or ()),
        env={name: value for name, dummy, value in env},
        labels=dict(config.get("Labels") or {}),
        user=config.get("User") or "",
        working_dir=config.get("WorkingDir") or "",
        stop_signal=config.get("StopSignal") or "",
        exposed_ports=tuple(sorted(config.get("ExposedPorts") or {})),
        volumes=tuple(sorted(config.get("Volumes") or {})),
        healthcheck=_healthcheck(config.get("Healthcheck") or {}),
    )


def _healthcheck(value: Mapping[str, Any]) -> Optional[Healthcheck]:
    """Docker's addition to the image config; its times are nanoseconds."""
    test = tuple(str(word) for word in value.get("Test") or ())
    if not test:
        return None
    names = ("Interval", "Timeout", "StartPeriod", "StartInterval")
    interval, timeout, period, first = (float(value.get(name) or 0) / 1e9 for name in names)
    return Healthcheck(test, interval, timeout, period, first, int(value.get("Retries") or 0))


def ensure_unpacked(layout: Layout, image: Image) -> tuple[Path, ...]:
    """The ``diff`` directories of an image, bottom first, each unpacked once. Raises Damaged."""
    paths: list[Path] = []
    for layer, diff_id, chain_id in zip(image.layers, image.diff_ids, image.chain_ids):
        paths.append(layers.unpack_layer(layout, layer, diff_id, chain_id, tuple(paths)))
    return tuple(paths)


@contextlib.contextmanager
def lease(layout: Layout) -> Iterator[None]:
    """Keep what is being brought into the store, and has no name yet, from being collected.

    Leases are shared: whoever holds one waits for nobody, and nobody but collect() minds it.
    """
    with files.lock(layout.lock("images", "lease"), shared=True):
        yield


def collect(layout: Layout, keep_layers: Iterable[str] = ()) -> tuple[str, ...]:
    """Remove blobs and layers that nothing refers to; returns their digests and chain ids.

    In use is what the index reaches, and ``keep_layers``, the chain IDs that containers use. While
    anyone holds a lease nothing is removed: the next collection will find it. Where an image was
    given up, that is the next task, whatever it is about (resource/leftovers.py).
    """
    try:
        with files.lock(layout.lock("images", "lease"), deadline_s=0.0):
            removed = _collect(layout, set(keep_layers))
            layout.collect.unlink(missing_ok=True)
            return removed
    except LockTimeout:
        return ()


def _collect(layout: Layout, chains: set[str]) -> tuple[str, ...]:
    digests: set[str] = set()
    signed: set[str] = set()
    for entry in index.entries(layout):
        digests.add(entry.manifest.digest)
        signed.update(pair.partition("@")[2] for pair in entry.digests)
        # What a damaged manifest refers to cannot be known; pulling it again brings it all back.
        with contextlib.suppress(Damaged):
            found = read_manifest(layout, entry.manifest)
            digests.update((found.config.digest, *(layer.digest for layer in found.layers)))
            chains.update(oci.chain_ids(read_config(layout, found)["rootfs"].get("diff_ids") or []))
    for kept in step_cache.entries(layout).values():
        if kept.layer is not None:
            digests.add(kept.layer.digest)
            chains.add(kept.chain_id)
    blobs.forget_old_parts(layout)
    _forget_signatures(layout, signed)
    # Whoever takes one of these locks holds a lease, so at this moment nobody does.
    for lock in layout.locks.iterdir():
        if lock.name.startswith(("blob.", "layer.")):
            lock.unlink()
    removed: list[str] = []
    for digest in blobs.all_digests(layout):
        if digest not in digests:
            blobs.delete(layout, digest)
            removed.append(digest)
    for chain_id in layers.all_chain_ids(layout):
        if chain_id not in chains:
            layers.delete(layout, chain_id)
            removed.append(chain_id)
    return tuple(removed)


def _forget_signatures(layout: Layout, wanted: set[str]) -> None:
    """Forget the signatures that nobody can ask for any more."""
    names = {f"{digest.partition(':')[2]}.json" for digest in wanted}
    with contextlib.suppress(FileNotFoundError):
        for path in layout.signatures.iterdir():
            if path.name not in names:
                path.unlink()
