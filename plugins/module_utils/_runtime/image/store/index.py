# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The names of images: ``index.json`` of the image layout, changed under its lock only.

``images/`` is an OCI image layout (image-spec, image-layout.md) that skopeo and umoci read. Its
index has one entry per name; the annotation org.opencontainers.image.ref.name holds the whole
normalised reference. Four annotations are ours:

``dev.slipway.image.digests``
    ``repository@digest`` pairs, separated by blanks: what registries were known to serve this
    manifest as. The digest of an index is among them when the manifest was chosen from one.
``dev.slipway.image.source``
    What a local image was made from, as its maker wrote it, so that it need not read it all again.
``dev.slipway.image.asked``
    When a registry last said that this manifest is what the name means: when it was pulled, or
    found to be the newest. RFC 3339 in UTC; entries of names that nobody pulled have none.
``dev.slipway.image.config``
    The digest of the config, which is the image's id, so that a lookup need not read the manifests
    of all other images. Entries that an earlier release wrote have none.

An entry without a name is an image that was pulled by its digest, or lost its last name: to another
image, or while a container uses it.
"""

from __future__ import annotations

import contextlib
from collections.abc import Collection, Iterable, Iterator, Sequence
from typing import Any, Optional

from ...base import files
from ...base.errors import Error
from ...base.frozen import dataclass, replace
from ...base.layout import Layout
from ...spec import oci
from ...spec.oci import Descriptor
from ...spec.reference import Reference
from . import blobs

DIGESTS = "dev.slipway.image.digests"
#: What to do about a damaged index. Containers keep their images without it.
_RESTORE = "restore it, or remove it and get the images again"

SOURCE = "dev.slipway.image.source"
ASKED = "dev.slipway.image.asked"
CONFIG = "dev.slipway.image.config"


@dataclass(frozen=True)
class Entry:
    """One entry of index.json: a manifest under a name, or under none."""

    manifest: Descriptor
    name: str = ""
    digests: tuple[str, ...] = ()
    source: str = ""
    asked: str = ""
    config: str = ""

    @classmethod
    def read(cls, descriptor: Descriptor) -> Entry:
        notes = descriptor.annotations
        return cls(
            replace(descriptor, annotations={}),
            str(notes.get(oci.REF_NAME, "")),
            tuple(str(notes.get(DIGESTS, "")).split()),
            str(notes.get(SOURCE, "")),
            str(notes.get(ASKED, "")),
            str(notes.get(CONFIG, "")),
        )

    def document(self) -> dict[str, Any]:
        notes = {
            oci.REF_NAME: self.name,
            DIGESTS: " ".join(sorted(self.digests)),
            SOURCE: self.source,
            ASKED: self.asked,
            CONFIG: self.config,
        }
        kept = {key: value for key, value in notes.items() if value}
        return replace(self.manifest, annotations=kept).document()


def entries(layout: Layout) -> tuple[Entry, ...]:
    """Every entry of the index; none on a host where nothing was ever stored."""
    try:
        document = files.read_json(layout.index)
    except FileNotFoundError:
        return ()
    except Error as exc:
        raise Error(exc.message, hint=_RESTORE) from exc
    listed = document.get("manifests") if isinstance(document, dict) else None
    if not isinstance(listed, list):
        raise Error(f"{layout.index} is not the index of an image layout", hint=_RESTORE)
    return tuple(
        Entry.read(Descriptor.parse(entry, f"{layout.index}: manifests[{number}]"))
        for number, entry in enumerate(listed)
    )


@contextlib.contextmanager
def _editing(layout: Layout) -> Iterator[list[Entry]]:
    """The index's entries under its lock, to be changed in place and written when the block ends
    well.
    """
    with files.lock(layout.lock("images", "index")):
        before = entries(layout)
        current = list(before)
        yield current
        if tuple(current) != before:
            kept = {entry.manifest.digest for entry in current}
            if any(entry.manifest.digest not in kept for entry in before):
                # Whoever is killed before the content is gone leaves this for the next task.
                files.write_atomic(layout.collect, b"")
            document = {
                "schemaVersion": 2,
                "mediaType": oci.INDEX,
                "manifests": [entry.document() for entry in current],
            }
            files.write_json(layout.index, document)
            files.sweep_beside(layout.images)
            files.sweep_beside(layout.blobs)


def tag(
    layout: Layout,
    reference: Reference,
    descriptor: Descriptor,
    digests: Iterable[str] = (),
    source: str = "",
    asked: str = "",
) -> None:
    """Give a stored manifest a name, and remember what registries serve it as, and when one said
    so (``asked``, RFC 3339 in UTC).

    A reference without a tag, pulled by its digest alone, makes an entry without a name. An image
    whose name moves away stays in the store without one.
    """
    name = name_of(reference)
    config = _config(layout, descriptor)
    with _editing(layout) as index:
        manifest = replace(descriptor, annotations={})
        new = Entry(manifest, name, tuple(sorted(set(digests))), source, asked, config)
        for old in list(index):
            same = old.manifest.digest == descriptor.digest
            if old.name != name or not (name or same):
                continue
            index.remove(old)
            if same:
                digests = tuple(sorted({*old.digests, *new.digests}))
                new = replace(
                    new,
                    digests=digests,
                    source=new.source or old.source,
                    asked=new.asked or old.asked,
                )
            elif all(other.manifest.digest != old.manifest.digest for other in index):
                index.append(replace(old, name="", source="", asked=""))
        # Nothing hangs loose of what has a name again, unless a digest is known only there.
        for old in list(index):
            if name and not old.name and old.manifest.digest == descriptor.digest:
                if not all(_repository(pair) == reference.repository for pair in old.digests):
                    continue
                index.remove(old)
                new = replace(new, digests=tuple(sorted({*old.digests, *new.digests})))
        index.append(new)


def untag(layout: Layout, reference: Reference, keep_unnamed: bool = False) -> None:
    """Take a name away. Being gone is a success.

    A digest takes the tags of its repository along that name the same manifest. With
    ``keep_unnamed`` the image stays without a name if this was its last one.
    """
    with _editing(layout) as index:
        index[:] = without(index, reference, keep_unnamed)


def without(
    entries: Sequence[Entry], reference: Reference, keep_unnamed: bool = False
) -> list[Entry]:
    """The entries that untag() leaves. Pure."""
    pair = f"{reference.repository}@{reference.digest}"
    index = list(entries)
    for old in entries:
        own = old.manifest.digest == reference.digest and _is_in(old.name, reference)
        if reference.digest and not (own or pair in old.digests):
            continue
        if not reference.digest and old.name != name_of(reference):
            continue
        index.remove(old)
        digests = tuple(d for d in old.digests if d != pair) if reference.digest else ()
        left = replace(old, name="" if own else old.name, digests=digests, source="")
        if own or not reference.digest:
            left = replace(left, name="", asked="")
        alone = all(other.manifest.digest != old.manifest.digest for other in index)
        if left.name or left.digests or (keep_unnamed and alone):
            index.append(left)
    return index


def asked(layout: Layout, name: str) -> Optional[str]:
    """When a registry last said what a name with its tag means, as RFC 3339; "" if none did, None
    where there is no such name.
    """
    return next((entry.asked for entry in entries(layout) if entry.name == name), None)


def note_asked(layout: Layout, name: str, moment: str) -> None:
    """Keep that a registry said at a moment, RFC 3339, that a name means what it means here."""
    with _editing(layout) as index:
        index[:] = [
            replace(entry, asked=moment) if name and entry.name == name else entry
            for entry in index
        ]


def find_manifest(layout: Layout, digest: str) -> Optional[Descriptor]:
    """The descriptor of a manifest by its digest, whatever its names."""
    return next((e.manifest for e in entries(layout) if e.manifest.digest == digest), None)


def forget(layout: Layout, manifests: Collection[str]) -> None:
    """Take manifests out of the index under all their names."""
    with _editing(layout) as index:
        index[:] = [entry for entry in index if entry.manifest.digest not in manifests]


def _config(layout: Layout, descriptor: Descriptor) -> str:
    """The digest of a stored manifest's config; "" where that cannot be told."""
    try:
        config = oci.load(blobs.read(layout, descriptor), "the manifest").get("config")
        return Descriptor.parse(config, "the manifest: config").digest
    except Error:
        return ""


def _is_in(name: str, reference: Reference) -> bool:
    return name.startswith(f"{reference.repository}:")


def name_of(reference: Reference) -> str:
    """The name of an entry: the reference with its tag, "" for one that names a digest.

    Where both are given the digest decides, and the image gets no tag, as in Docker.
    """
    tagged = reference.tag and not reference.digest
    return f"{reference.repository}:{reference.tag}" if tagged else ""


def _repository(pair: str) -> str:
    return pair.partition("@")[0]
