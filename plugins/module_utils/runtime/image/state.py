# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What all resources of images have in common: the state of a name, and how it is shown.

A view shows a name and a word, never an id or a digest: in a check-mode run an image may be one
that an earlier task only predicted, whose id nobody knows yet, and both runs must show the same.
"""

from __future__ import annotations

import contextlib
import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Optional
from urllib.parse import quote

from ..errors import Error
from ..plan import Host, difference
from ..reference import Reference, parse_normalized
from . import documents, store
from .blobs import Damaged
from .store import Image

ABSENT = "absent"
PRESENT = "present"
CURRENT = "current"
OUTDATED = "outdated"

#: A file name has at most 255 bytes; a longer lock name is replaced by its digest.
_LOCK_NAME_LIMIT = 200


@dataclass(frozen=True)
class Local:
    """An image the host has, or will have.

    ``known_as`` are the manifest digests registries serve it as, its own included. For one whose
    digest cannot be known yet it holds a mark that stands for it (it begins with ``?``), or
    nothing.
    """

    id: str
    known_as: frozenset[str]
    image: Optional[Image] = None

    @property
    def digest(self) -> str:
        """What a registry would serve after a push; a mark or "" when not known yet."""
        if self.image is not None:
            return self.image.manifest.digest
        return next(iter(sorted(self.known_as)), "")


@dataclass(frozen=True)
class State:
    """A name, and what it is worth compared with what was declared.

    ``status`` is the word the view shows. ``local`` is the image under the name now; ``id`` and
    ``digest`` are those of the image after the plan, "" where they cannot be known yet. ``unmet``
    says why the plan cannot be carried out. The rest is for single resources: ``newest`` is what a
    registry has, ``users`` are containers made from the image.
    """

    name: str
    status: str
    local: Optional[Local] = None
    id: str = ""
    digest: str = ""
    unmet: tuple[str, ...] = ()
    newest: str = ""
    newest_type: str = ""
    users: tuple[str, ...] = ()
    #: Whether this is what a plan leads to, not what was found.
    planned: bool = False
    #: The word under which the view shows the status.
    place: str = "image"


def here(host: Host, reference: Reference) -> Optional[Local]:
    """The image under a name on this host, or as earlier tasks of a check-mode run would have left
    it.

    An image whose documents are damaged counts as not there: what brings an image repairs it.
    """
    predicted = host.predicted.get("image", {})
    name = reference.canonical
    if name in predicted and predicted[name] is None:
        return None
    image = None
    try:
        image = store.find_reference(host.layout, reference)
    except Damaged as exc:
        host.warn(str(exc))
    value = predicted.get(name)
    if value is not None and (image is None or image.id != value.get("id")):
        digest = str(value.get("digest") or "")
        return Local(str(value.get("id") or ""), frozenset([digest] if digest else []))
    if image is None:
        return None
    repository = f"{reference.repository}@"
    served = (p[len(repository) :] for p in image.repo_digests if p.startswith(repository))
    return Local(image.id, frozenset((image.manifest.digest, *served)), image)


def find(host: Host, text: str) -> Optional[Local]:
    """The same for whatever names an image: also an id, or the start of one."""
    with contextlib.suppress(Error):
        found = here(host, parse_normalized(text))
        if found is not None:
            return found
    try:
        image = store.find(host.layout, text)
    except Damaged:
        return None
    if image is None or any(_is_gone(host, name) for name in image.names):
        return None
    return Local(image.id, frozenset((image.manifest.digest,)), image)


def _is_gone(host: Host, name: str) -> bool:
    return host.predicted.get("image", {}).get(name, "") is None


def mark(*declared: object) -> str:
    """What stands for a digest that nobody can know yet: the same for the same declaration."""
    return "?" + hashlib.sha256(repr(declared).encode()).hexdigest()[:32]


def same(one: str, other: str) -> bool:
    """Whether two digests or marks are of one thing; what nothing is known of is taken to be."""
    return one == other or not one or not other


def view(state: State) -> dict[str, Any]:
    return {"name": state.name, state.place: state.status}


def result(host: Host, state: State) -> dict[str, Any]:
    """The module's ``image``, in the shape of ``docker image inspect``; {} when there is none."""
    if state.status == ABSENT and state.place == "image":
        return {"image": {}}
    name = parse_normalized(state.name)
    if not state.planned:
        found = here(host, name)
        if found is not None and found.image is not None:
            return {"image": documents.inspect(host.layout, found.image)}
    return {"image": documents.predicted(name, state.id)}


def predict(state: State) -> dict[str, dict[str, Any]]:
    return {"image": {state.name: prediction(state)}}


def prediction(state: State) -> Optional[dict[str, str]]:
    if state.status == ABSENT:
        return None
    known = state.local
    if state.planned or known is None:
        return {"id": state.id, "digest": state.digest}
    return {"id": known.id, "digest": known.digest}


def differences(want: State, found: State) -> list[str]:
    """That a tag moved on in the registry right after its pull is no fault of the host."""
    if found.local is not None and want.newest and want.newest in found.local.known_as:
        return []
    return difference(view(want), view(found))


def lock(name: str) -> tuple[str, str]:
    """The lock of one name, under which it is observed and changed."""
    quoted = quote(name, safe="")
    if len(quoted) > _LOCK_NAME_LIMIT:
        quoted = hashlib.sha256(name.encode()).hexdigest()
    return "image", quoted


def reference_of(params: Mapping[str, Any]) -> Reference:
    """The reference of the options ``name`` and ``tag``; a tag or digest inside the name goes
    first.
    """
    text, tag = str(params["name"]), params.get("tag")
    reference = parse_normalized(text)
    bare = text.rpartition("/")[2]
    if tag and ":" not in bare and "@" not in bare:
        separator = "@" if str(tag).startswith("sha256:") else ":"
        return parse_normalized(f"{text}{separator}{tag}")
    return reference
