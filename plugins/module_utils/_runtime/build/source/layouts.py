# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Named contexts that are an image: one by its name, or one of an image layout in a directory.

``oci-layout://DIRECTORY[:TAG][@DIGEST]`` is a layout. Without a tag, a layout of one image means
that one, and one of several the tag ``latest``, as with BuildKit.
"""

from __future__ import annotations

import contextlib
import json
import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ...base.errors import Error, NotFound
from ...base.layout import Layout
from ...image.store import store
from ...image.store.platform import Platform
from ...plan.plan import Host
from ...spec import oci

if TYPE_CHECKING:
    from ...image.archive.inventory import Packed
    from ...image.archive.members import Members

#: How a named context says that it is an image.
IMAGE, LAYOUT = "docker-image://", "oci-layout://"


def is_image(text: str) -> bool:
    """Whether a named context is an image, not files."""
    return text.startswith((IMAGE, LAYOUT))


def parts(text: str) -> tuple[str, str, str]:
    """The directory, tag and digest of a layout. Pure."""
    path, at, digest = text[len(LAYOUT) :].partition("@")
    head, colon, tag = path.rpartition(":")
    if colon and "/" not in tag:
        return head, tag, digest if at else ""
    return path, "", digest if at else ""


def look(layout: Layout, text: str, wanted: Platform) -> tuple[str, bool]:
    """The id of the image that a layout means, and whether ONBUILD kept something in it. Only
    reads. Raises NotFound, and Error.
    """
    with _opened(layout, text, wanted) as (opened, found):
        config = oci.load(opened.document(found.config), found.config).get("config")
        return found.id, isinstance(config, dict) and bool(config.get("OnBuild"))


def image(host: Host, text: str, wanted: Platform) -> store.Image:
    """The image that a layout means, brought into the store. The caller holds a lease."""
    from ...image.archive import load

    with _opened(host.layout, text, wanted) as (opened, packed):
        load.bring(host, opened, [packed])
    found = store.find(host.layout, packed.id)
    if found is None:
        raise Error(f"{text} was removed while it was used", hint="build again")
    return found


@contextlib.contextmanager
def _opened(layout: Layout, text: str, wanted: Platform) -> Iterator[tuple[Members, Packed]]:
    from ...image.archive import inventory, members
    from ...image.archive.inventory import INDEX, Packed

    directory, tag, digest = parts(text)
    if not os.path.isdir(directory):
        raise NotFound(f"{text[:200]}: {directory} is not a directory on this host")
    with contextlib.ExitStack() as stack:
        spool = members.spool_of(layout)
        opened = stack.enter_context(members.opened(Path(directory), spool, whole=False))
        if not opened.has(INDEX):
            raise Error(f"{text[:200]}: {directory} is not an image layout: it has no {INDEX}")
        entries = _chosen(opened, text, tag, digest)
        # Of a layout with other images only the one that is meant has to be sound.
        document = {"schemaVersion": 2, "manifests": entries}
        opened.documents[INDEX] = json.dumps(document).encode()
        found = inventory.read(opened, wanted).images
        if len(found) != 1:
            raise Error(f"{text[:200]} means {len(found)} images", hint="add a tag or a digest")
        # Here it has the name of the context alone.
        yield (
            opened,
            Packed(
                found[0].id,
                (),
                found[0].config,
                found[0].made_for,
                found[0].layers,
                found[0].manifest,
            ),
        )


def _chosen(opened: Members, text: str, tag: str, digest: str) -> list[Any]:
    """The entries of the index that are meant."""
    from ...image.archive.inventory import INDEX

    listed = oci.load(opened.document(INDEX), INDEX).get("manifests")
    entries = [one for one in listed if isinstance(one, dict)] if isinstance(listed, list) else []
    if digest:
        found = [one for one in entries if one.get("digest") == digest]
    elif tag or len(entries) != 1:
        found = [one for one in entries if (tag or "latest") in _tags(one)]
    else:
        found = entries
    if not found:
        tags = sorted({name for one in entries for name in _tags(one)})
        known = f"; it has {', '.join(tags[:10])}" if tags else ""
        shown = digest or tag or "latest"
        raise NotFound(f"{text[:200]}: the layout has no image {shown[:100]}{known}")
    return found


def _tags(entry: Mapping[str, Any]) -> list[str]:
    """The tags of an entry: a word alone, or that of a whole name."""
    annotations = entry.get("annotations")
    name = annotations.get(oci.REF_NAME) if isinstance(annotations, dict) else None
    if not isinstance(name, str) or not name:
        return []
    return [name, name.rpartition(":")[2]] if ":" in name else [name]
