# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What all resources of images have in common: the state of a name, and how it is shown.

A view shows a name and a word, never an id or a digest: in a check-mode run an image may be one
that an earlier task only predicted, whose ID is not known yet, and both runs must show the same. A
diff also shows IDs, and ``unknown`` where only the run can tell.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Any, Optional
from urllib.parse import quote

from ....base.errors import Error
from ....base.frozen import dataclass
from ....image import expected
from ....image.expected import Local
from ....image.show import documents
from ....image.store.store import Image
from ....plan.plan import Host, Plan, difference
from ....records import foreseen
from ....records.foreseen import UNTAGGED
from ....spec.oci import is_digest
from ....spec.reference import Reference, is_id, is_tag, parse_normalized

ABSENT = "absent"
PRESENT = "present"
CURRENT = "current"
OUTDATED = "outdated"

#: What diffs show for an id that only a download can tell; community.docker's word.
UNKNOWN = "unknown"

#: A file name has at most 255 bytes; a longer lock name is replaced by its digest.
_LOCK_NAME_LIMIT = 200


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
        found = expected.find(host, state.name)
        if found is None or found.image is None:
            return {"image": {"Id": state.name, "RepoTags": [], "RepoDigests": []}}
        return {"image": documents.inspect(host.layout, found.image)}
    name = parse_normalized(state.name)
    if not state.planned:
        found = expected.named(host, name)
        if found is not None and found.image is not None:
            return {"image": documents.inspect(host.layout, found.image)}
    return {"image": documents.foretold([name], state.id)}


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
    return {UNTAGGED: {old.id or old.digest: foreseen.as_image(old.id, old.digest)}}


def prediction(state: State) -> Optional[dict[str, str]]:
    """What later tasks of a check-mode run are told of a name; None: there is no image."""
    if state.status == ABSENT:
        return None
    known = state.local
    if state.planned or known is None:
        return foreseen.as_image(state.id, state.digest)
    return foreseen.as_image(known.id, known.digest)


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
