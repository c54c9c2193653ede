# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The image that a task names for its container: what the name means on this host, what a registry
has under it, and whether that may be used.
"""

from __future__ import annotations

import time
from typing import Optional

from ...base import clock
from ...base.errors import Error
from ...base.frozen import dataclass, replace
from ...image import expected
from ...image.store import index, store
from ...plan.plan import Host
from ...records import foreseen
from ...spec import reference
from ...spec.container import ContainerSpec, ImageDefaults
from .declare import BESIDE_THE_IMAGE, IGNORE, Declared, compared


@dataclass(frozen=True)
class Meant:
    """What Around holds of the image (observe.py); ``id`` and ``name`` are its image_id and its
    reference.
    """

    name: str
    id: Optional[str]
    newer: str = ""
    unreachable: str = ""
    labels: tuple[str, ...] = ()
    platform: str = ""
    misfits: bool = False
    nameless: bool = False
    looked: bool = False
    unread: str = ""


def meant(host: Host, declared: Declared, spec: Optional[ContainerSpec]) -> Meant:
    """What the name means, for the container that was found. A registry is asked when an image is
    to be pulled, so that one that does not answer is known before anything is done.
    """
    name, here, asked, image_id, misfits = _looked_up(host, declared)
    found = Meant(name, image_id, platform=asked, misfits=misfits)
    always = declared.pull == "always" and image_id != "" and _is_due(host, declared, name)
    lacking = image_id is None and declared.pull != "never"
    renamed = lacking and spec is not None and spec.image != name
    pulled = lacking and _is_needed(declared, spec, renamed, misfits)
    if always or pulled or renamed:
        try:
            newest = _newest(host, name)
            if renamed and spec is not None and _has(host, spec, newest):
                found = replace(found, id=spec.image_id, nameless=True)
            elif pulled or (always and newest not in here):
                found = replace(found, newer=newest)
            elif always and declared.fresh_s is not None:
                found = replace(found, looked=True)
        except Error as exc:
            # Without a need nothing is pulled, and the container stays as it is.
            found = replace(found, unreachable=str(exc) if always or pulled else "")
    if not found.unreachable:
        pulled = (pulled and not found.nameless) or bool(found.newer)
        found = replace(found, unreachable=_untrusted(host, declared, found, pulled))
    if image_id is None and declared.pull == "never":
        why = expected.unread(host, declared.image)
        found = replace(found, unread=f": {why}" if why else "")
    if declared.refuse_image_labels:
        found = replace(found, labels=_labels(host, found.id))
    return found


def _is_due(host: Host, declared: Declared, name: str) -> bool:
    """Whether what a registry said of a name last is older than the task takes it."""
    if declared.fresh_s is None:
        return True
    asked = host.once(("asked", name), lambda: index.asked(host.layout, name))
    if asked is None:
        return False  # It is not here, or was named by what never changes.
    age_s = time.time() - (clock.seconds(asked) or 0.0)
    return not 0 <= age_s < declared.fresh_s


def _looked_up(
    host: Host, declared: Declared
) -> tuple[str, frozenset[str], str, Optional[str], bool]:
    """What named() and _platform() say of the declared image. Many containers have the same one,
    which is looked up once, unless earlier tasks of a check-mode run said something of images.
    """

    def look() -> tuple[str, frozenset[str], str, Optional[str], bool]:
        name, image_id, here, image = _named(host, declared.image)
        if image is None and image_id:
            image = store.find(host.layout, image_id)
        return (name, here, *_platform(host, declared, image_id, image))

    if foreseen.told_images(host) or foreseen.told_untagged(host):
        return look()
    return host.once(("image", declared.image, declared.platform, declared.pull == "never"), look)


def brought(
    host: Host, declared: Declared, spec: Optional[ContainerSpec]
) -> Optional[ImageDefaults]:
    """What the container's own image brings, where the task says something else of it than the
    container's spec does.
    """
    if spec is None or not spec.image_id:
        return None
    asked = ((declared.values.get(field), getattr(spec, field)) for field in BESIDE_THE_IMAGE)
    if all(given in (None, have) for given, have in asked):
        return None
    image = host.once(("stored", spec.image_id), lambda: store.find(host.layout, spec.image_id))
    return None if image is None else store.defaults(image)


def _is_needed(
    declared: Declared, spec: Optional[ContainerSpec], renamed: bool, misfits: bool
) -> bool:
    """Whether an image that the host lacks is pulled: a container that stays does not need its own
    again, unless that is to have a signature.
    """
    if spec is None or misfits or declared.recreate or declared.signature is not None:
        return True
    return renamed and compared(declared, "image") != IGNORE


def _newest(host: Host, name: str) -> str:
    """The digest that a registry has for a name, or will have; "" is one that nobody knows yet."""
    told = foreseen.told_registries(host)
    if name in told:
        return told[name] or ""
    # The client of registries costs 30 ms to import, so only a task that asks one does.
    from ...image import transfer

    return host.once(("newest", name), lambda: transfer.newest_digest(host, name))


def _has(host: Host, spec: ContainerSpec, newest: str) -> bool:
    """Whether a container has the very image that a registry has under another name."""
    if not spec.image_id:
        return False  # An earlier task of a check-mode run would have pulled what it has.
    known = store.find(host.layout, spec.image_id)
    return known is not None and newest == known.manifest.digest


def _untrusted(host: Host, declared: Declared, found: Meant, pulled: bool) -> str:
    """Why the image may not be pulled or used; "" where it may."""
    if declared.signature is None and not (pulled and host.layout.policy):
        return ""
    from ...image import signatures
    from ...image.access import Access

    access = Access(asked=declared.signature)
    try:
        if pulled and found.newer:
            named_so = reference.parse_normalized(found.name)
            signatures.check_to_pull(host, named_so, found.newer, access)
        image = store.find(host.layout, found.id) if found.id and not pulled else None
        if image is not None:
            signatures.check_to_use(host, signatures.named(image, found.name), image, access)
    except Error as exc:
        return str(exc)
    return ""


def _labels(host: Host, image_id: Optional[str]) -> tuple[str, ...]:
    image = store.find(host.layout, image_id) if image_id else None
    return () if image is None else tuple(sorted(store.defaults(image).labels))


def _platform(
    host: Host, declared: Declared, image_id: Optional[str], image: Optional[store.Image]
) -> tuple[str, Optional[str], bool]:
    """The platform that was asked for, the image on the host that is for it, and whether that of
    the name is for another one.

    Without ``platform`` the host's own is meant, of an image that was chosen from several: another
    task may have pulled its name for another platform. A single image is taken as it is.
    """
    from ...image.store import platform

    wanted = platform.parse_platform(declared.platform) if declared.platform else None
    asked = "" if wanted is None else str(wanted)
    meant = wanted or platform.host_platform()
    if image is None or platform.runs_on(platform.of_image(image.config), meant):
        return asked, image_id, False
    if reference.is_id(declared.image):
        if wanted is None:
            return asked, image_id, False
        raise Error(f"container {declared.name}: image {declared.image} is not for {wanted}")
    if wanted is None:
        lists = _lists(image)
        for other in store.all_images(host.layout) if lists else ():
            fits = lists & _lists(other) and platform.runs_on(
                platform.of_image(other.config), meant
            )
            if fits and not expected.is_gone(host, other):
                return asked, other.id, False
        if not lists or declared.pull == "never":
            return asked, image_id, False
    return asked, None, True


def _lists(image: store.Image) -> frozenset[str]:
    """The indexes of images for several platforms that an image was chosen from, as
    ``repository@digest``.
    """
    own = image.manifest.digest
    return frozenset(pair for pair in image.repo_digests if pair.partition("@")[2] != own)


def named(host: Host, text: str) -> tuple[str, Optional[str], frozenset[str]]:
    """The normalised reference, the id it means here, and the manifest digests of that image."""
    return _named(host, text)[:3]


def _named(
    host: Host, text: str
) -> tuple[str, Optional[str], frozenset[str], Optional[store.Image]]:
    """The same, and the image, where it is on the host."""
    if reference.is_id(text):
        found = expected.find(host, text)
        if found is not None and found.id:
            return found.id, found.id, frozenset(), found.image
    named = reference.parse_normalized(text)
    found = expected.named(host, named)
    if found is None:
        return named.canonical, None, frozenset(), None
    pairs = () if found.image is None else found.image.repo_digests
    digests = found.known_as.union(pair.partition("@")[2] for pair in pairs)
    return named.canonical, found.id, digests, found.image
