# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What all resources of images have in common: the state of a name, and how it is shown.

A view shows a name and a word, never an id or a digest: in a check-mode run an image may be one
that an earlier task only predicted, whose ID is not known yet, and both runs must show the same. A
diff also shows IDs, and ``unknown`` where only the run can tell.
"""

from __future__ import annotations

import contextlib
import hashlib
from collections.abc import Iterable, Mapping
from typing import Any, Optional
from urllib.parse import quote

from ...base.errors import Error
from ...base.frozen import dataclass
from ...image.show import documents
from ...image.store import store
from ...image.store.blobs import Damaged
from ...image.store.store import Image
from ...plan.plan import Host, Plan, difference
from ...spec.oci import is_digest
from ...spec.reference import Reference, is_id, is_tag, parse_normalized

ABSENT = "absent"
PRESENT = "present"
CURRENT = "current"
OUTDATED = "outdated"

#: What diffs show for an id that only a download can tell; community.docker's word.
UNKNOWN = "unknown"

#: The kind of prediction that holds images without a name, by id or, where that cannot be known
#: yet, by digest or mark.
UNTAGGED = "untagged image"

#: A file name has at most 255 bytes; a longer lock name is replaced by its digest.
_LOCK_NAME_LIMIT = 200


@dataclass(frozen=True)
class Local:
    """An image the host has, or will have.

    ``known_as`` are the manifest digests registries serve it as, its own included. For one whose
    digest cannot be known yet it holds a mark that stands for it (it begins with ``?``), or
    nothing. ``names`` are all it has, or will have, as far as is known.
    """

    id: str
    known_as: frozenset[str]
    image: Optional[Image] = None
    names: tuple[str, ...] = ()

    @property
    def digest(self) -> str:
        """What a registry would serve after a push; a mark or "" when not known yet."""
        if self.image is not None:
            return self.image.manifest.digest
        return next(iter(sorted(self.known_as)), "")


@dataclass(frozen=True)
class Removal:
    """What goes with a name: other names and digests of the image, images, and unpacked layers.

    ``untagged`` are names and ``repository@digest`` pairs, ``images`` the image, if it goes, and
    the untagged images it was made from. ``chain_ids`` are those no other image and no container
    needs, top first.
    """

    untagged: tuple[str, ...] = ()
    images: tuple[Image, ...] = ()
    chain_ids: tuple[str, ...] = ()


@dataclass(frozen=True)
class State:
    """A name, and what it is worth compared with what was declared.

    ``status`` is the word the view shows. ``local`` is the image under the name now; ``id`` and
    ``digest`` are those of the image after the plan, "" where they cannot be known yet. ``unmet``
    says why the plan cannot be carried out. The rest is for single resources: ``newest`` is what a
    registry has, ``users`` are containers made from the image, ``removal`` is what removing it
    takes away.
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
    removal: Removal = Removal()
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
        return foretold(host, value)
    if image is None:
        return None
    repository = f"{reference.repository}@"
    served = (p[len(repository) :] for p in image.repo_digests if p.startswith(repository))
    return stored(host, image, served)


def stored(host: Host, image: Image, served: Iterable[str] = ()) -> Local:
    """An image of the store, under the names that earlier tasks of a check-mode run leave it."""
    predicted = host.predicted.get("image", {})
    known_as = frozenset((image.manifest.digest, *served))
    kept = {name for name in image.names if name not in predicted}
    return Local(image.id, known_as, image, _names(host, image.id, known_as, kept))


def foretold(host: Host, value: Mapping[str, Any]) -> Local:
    """An image that an earlier task of a check-mode run would have made."""
    digest = str(value.get("digest") or "")
    known_as = frozenset([digest] if digest else [])
    image_id = str(value.get("id") or "")
    return Local(image_id, known_as, None, _names(host, image_id, known_as, set()))


def _names(host: Host, image_id: str, known_as: frozenset[str], kept: set[str]) -> tuple[str, ...]:
    for name, value in host.predicted.get("image", {}).items():
        if value is not None and (
            image_id == value.get("id") != "" or value.get("digest") in known_as
        ):
            kept.add(name)
    return tuple(sorted(kept))


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
    if image is not None:
        return None if is_gone(host, image) else stored(host, image)
    bare = text[7:] if text.startswith("sha256:") else text
    for kind in ("image", UNTAGGED):
        for value in host.predicted.get(kind, {}).values():
            if value is not None and is_id(text) and str(value.get("id"))[7:].startswith(bare):
                return foretold(host, value)
    return None


def is_gone(host: Host, image: Image) -> bool:
    """Whether earlier tasks of a check-mode run would have removed an image that is here."""
    predicted = host.predicted.get("image", {})
    untagged = host.predicted.get(UNTAGGED, {})
    if image.id in untagged:
        return untagged[image.id] is None
    return bool(image.names) and all(predicted.get(name, "") is None for name in image.names)


def mark(*declared: object) -> str:
    """What stands for a digest that nobody can know yet: the same for the same declaration."""
    return "?" + hashlib.sha256(repr(declared).encode()).hexdigest()[:32]


def same(one: str, other: str) -> bool:
    """Whether two digests or marks are of one thing; what nothing is known of is taken to be."""
    return one == other or not one or not other


def view(state: State) -> dict[str, Any]:
    return {"name": state.name, state.place: state.status}


def shown(local: Optional[Local]) -> dict[str, Any]:
    """What diffs say of the image under a name, in community.docker's words."""
    if local is None:
        return {"exists": False}
    return {"exists": True, "id": local.id or UNKNOWN}


def diff(plan: Plan[State], found: State) -> dict[str, Any]:
    """Which image the name is of, before and after."""
    if found.status == ABSENT:
        after = shown(None)
    elif found.planned:
        after = {"exists": True, "id": found.id or UNKNOWN}
    else:
        after = shown(found.local)
    name = plan.have.name
    return {
        "before": {"name": name, **shown(plan.have.local)},
        "after": {"name": name, **after},
    }


def result(host: Host, state: State) -> dict[str, Any]:
    """The module's ``image``, in the shape of ``docker image inspect``; {} when there is none."""
    if state.status == ABSENT and state.place == "image":
        return {"image": {}}
    if is_whole_id(state.name):
        found = find(host, state.name)
        if found is None or found.image is None:
            return {"image": {"Id": state.name, "RepoTags": [], "RepoDigests": []}}
        return {"image": documents.inspect(host.layout, found.image)}
    name = parse_normalized(state.name)
    if not state.planned:
        found = here(host, name)
        if found is not None and found.image is not None:
            return {"image": documents.inspect(host.layout, found.image)}
    return {"image": documents.predicted(name, state.id)}


def predict(state: State) -> dict[str, dict[str, Any]]:
    if is_whole_id(state.name):
        return {}
    return {"image": {state.name: prediction(state)}, **displaced(state)}


def displaced(state: State) -> dict[str, dict[str, Any]]:
    """The image that loses its last name to another one, and stays without a name."""
    old = state.local
    if not state.planned or state.status == ABSENT or old is None or set(old.names) - {state.name}:
        return {}
    if old.id == state.id != "" or state.digest in old.known_as or not (old.id or old.digest):
        return {}
    return {UNTAGGED: {old.id or old.digest: {"id": old.id, "digest": old.digest}}}


def prediction(state: State) -> Optional[dict[str, str]]:
    if state.status == ABSENT:
        return None
    known = state.local
    if state.planned or known is None:
        return {"id": state.id, "digest": state.digest}
    return {"id": known.id, "digest": known.digest}


def differences(want: State, found: State) -> list[str]:
    """That a tag moved on in the registry right after its pull is not a fault of the host."""
    if found.local is not None and want.newest and want.newest in found.local.known_as:
        return []
    return difference(view(want), view(found))


def lock(name: str) -> tuple[str, str]:
    """The lock of one name, under which it is observed and changed."""
    quoted = quote(name, safe="")
    if len(quoted) > _LOCK_NAME_LIMIT:
        quoted = hashlib.sha256(name.encode()).hexdigest()
    return "image", quoted


def is_whole_id(text: str) -> bool:
    """Whether a text is an image id in full, which cannot be its name."""
    return is_id(text) and len(text.rpartition(":")[2]) == 64


def reference_of(params: Mapping[str, Any]) -> Reference:
    """The reference of the options ``name`` and ``tag``; a tag or digest inside the name goes
    first.
    """
    text, tag = str(params["name"]), params.get("tag")
    bare = text.rpartition("/")[2]
    dummy, colon, own = bare.partition("@")[0].partition(":")
    for one in (tag, own if colon else None):
        if one and not is_tag(str(one)) and not is_digest(str(one)):
            raise Error(f'"{repr(str(one)[:128])[1:-1]}" is not a valid docker tag!')
    reference = parse_normalized(text)
    if tag and ":" not in bare and "@" not in bare:
        separator = "@" if str(tag).startswith("sha256:") else ":"
        return parse_normalized(f"{text}{separator}{tag}")
    return reference
