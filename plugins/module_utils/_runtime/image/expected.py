# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Images of the store as the earlier tasks of a check-mode run would leave them, and those they
would make (records/foreseen). Whatever names an image, a name, a digest, an id or the start of one,
is looked up here.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Iterator
from typing import Optional

from ..base.errors import Error
from ..base.frozen import dataclass, replace
from ..plan.plan import Host
from ..records import foreseen
from ..spec.reference import Reference, is_id, parse_normalized
from .store import store
from .store.blobs import Damaged
from .store.store import Image


@dataclass(frozen=True)
class Local:
    """An image the host has, or will have.

    ``known_as`` are the manifest digests registries serve it as, its own included. For one whose
    digest cannot be known yet it holds a mark that stands for it (it begins with ``?``), or
    nothing. ``names`` are all it has, or will have, as far as is known. ``pushed`` are those of
    them that earlier tasks of a check-mode run would push, with the ``repository@digest`` that the
    image is known by then; ``pushed_unknown`` are those whose digest cannot be known yet.
    """

    id: str
    known_as: frozenset[str]
    image: Optional[Image] = None
    names: tuple[str, ...] = ()
    pushed: tuple[tuple[str, str], ...] = ()
    pushed_unknown: tuple[str, ...] = ()

    @property
    def digest(self) -> str:
        """What a registry would serve after a push; a mark or "" when not known yet."""
        if self.image is not None:
            return self.image.manifest.digest
        return next(iter(sorted(self.known_as)), "")


def named(host: Host, reference: Reference) -> Optional[Local]:
    """The image under a name or a digest.

    An image whose documents are damaged counts as not there: what brings an image repairs it.
    """
    told = foreseen.told_images(host)
    name = reference.canonical
    if told.gone(name):
        return None
    image = None
    try:
        image = store.find_reference(host.layout, reference)
    except Damaged as exc:
        host.warn(str(exc))
    if told:
        said = _told_of_digest(told, reference) if reference.digest else told.get(name)
        if said is not None and (image is None or image.id != said.id):
            return foretold(host, said)
        if image is not None and reference.digest and not _serves(told, reference, image):
            return None
    if image is None:
        return None
    repository = f"{reference.repository}@"
    served = (p[len(repository) :] for p in image.repo_digests if p.startswith(repository))
    return stored(host, image, served)


def _told_of_digest(
    told: foreseen.Told[foreseen.Image], reference: Reference
) -> Optional[foreseen.Image]:
    """What an earlier task would bring under a digest, whatever the tag it names."""
    for name, said in told.kept():
        if said.digest == reference.digest:
            found = parse_normalized(name)
            if found.repository == reference.repository:
                return said
    return None


def _serves(told: foreseen.Told[foreseen.Image], reference: Reference, image: Image) -> bool:
    """Whether an image keeps what makes its digest known: the pair, or a name of the repository."""
    pair = f"{reference.repository}@{reference.digest}"
    if pair in image.repo_digests and not told.gone(pair):
        return True
    own = image.manifest.digest == reference.digest
    names = (name for name in image.names if name.startswith(f"{reference.repository}:"))
    return own and not all(told.gone(name) for name in names)


def stored(host: Host, image: Image, served: Iterable[str] = ()) -> Local:
    """An image of the store, under the names that it will have."""
    told = foreseen.told_images(host)
    known_as = frozenset((image.manifest.digest, *served))
    kept = {name for name in image.names if name not in told}
    return _local(host, image.id, known_as, image, kept)


def foretold(host: Host, said: foreseen.Image) -> Local:
    """An image that an earlier task would have made."""
    # An image that only gets another name is here already.
    here = store.all_images(host.layout) if said.id else ()
    image = next((one for one in here if one.id == said.id), None)
    if image is not None:
        return stored(host, image, [said.digest] if said.digest else [])
    known_as = frozenset([said.digest] if said.digest else [])
    return _local(host, said.id, known_as, None, set())


def _local(
    host: Host, image_id: str, known_as: frozenset[str], image: Optional[Image], names: set[str]
) -> Local:
    for name, said in foreseen.told_images(host).kept():
        if image_id == said.id != "" or said.digest in known_as:
            names.add(name)
    found = Local(image_id, known_as, image, tuple(sorted(names)))
    served = foreseen.told_registries(host)
    if not served or not found.digest:
        return found
    pushed = tuple(name for name in found.names if served.get(name) == found.digest)
    if found.digest.startswith("?"):
        return replace(found, pushed_unknown=pushed)
    pairs = ((name, f"{parse_normalized(name).repository}@{found.digest}") for name in pushed)
    return replace(found, pushed=tuple(pairs))


def find(host: Host, text: str) -> Optional[Local]:
    """The image of whatever names one. Names go before ids, as in Docker. Raises Error when the
    start of an id is ambiguous.
    """
    if not text.startswith("sha256:"):
        with contextlib.suppress(Error):
            found = named(host, parse_normalized(text))
            if found is not None:
                return found
    if not is_id(text):
        return None
    bare = text[7:] if text.startswith("sha256:") else text
    matching = {one.id: one for one in images(host) if one.id[7:].startswith(bare) and one.id}
    if len(matching) > 1:
        raise Error(f"{text} is the start of {len(matching)} image ids", hint="give more of it")
    return next(iter(matching.values()), None)


def unread(host: Host, text: str) -> str:
    """Why the image of a name is not there for anybody: its documents are damaged, or not what is
    read now. "" where nothing has that name.
    """
    try:
        store.find(host.layout, text)
    except Damaged as exc:
        return exc.message
    except Error:
        return ""
    return ""


def images(host: Host) -> Iterator[Local]:
    """Every image that will be there, each once."""
    known = set()
    for image in store.all_images(host.layout):
        if not is_gone(host, image):
            known.add(image.id)
            yield stored(host, image)
    seen: set[str] = set()
    for told in (foreseen.told_images(host), foreseen.told_untagged(host)):
        for name, said in told.kept():
            key = said.id or said.digest or name
            if key not in seen and said.id not in known:
                seen.add(key)
                local = foretold(host, said)
                tagged = told_under(host, name)
                yield local if local.names or not tagged else replace(local, names=(name,))


def told_under(host: Host, name: str) -> bool:
    """Whether an image that an earlier task would make has that name."""
    return foreseen.told_images(host).get(name) is not None


def is_gone(host: Host, image: Image) -> bool:
    """Whether earlier tasks would have removed an image of the store."""
    untagged = foreseen.told_untagged(host)
    if image.id in untagged:
        return untagged.gone(image.id)
    told = foreseen.told_images(host)
    return bool(image.names) and all(told.gone(name) for name in image.names)
