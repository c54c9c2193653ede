# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The base images of a build: from the store, or pulled."""

from __future__ import annotations

import threading
from typing import Optional

from ...base.errors import Error
from ...image.store import platform, store
from ...image.store.blobs import Damaged
from ...image.store.platform import Platform
from ...plan.plan import Host
from ...spec.reference import Reference, is_id, parse_normalized
from ..asked.request import Request
from . import layouts
from .layouts import IMAGE, LAYOUT


class Bases:
    """Every image of one build, found once."""

    def __init__(self, host: Host, request: Request) -> None:
        self._host = host
        self._request = request
        self._found: dict[tuple[str, Platform], store.Image] = {}
        self._lock = threading.Lock()

    def image(self, name: str, wanted: Platform) -> store.Image:
        """The image that a name means; it is pulled where it is missing, or with ``pull``."""
        text = self._request.contexts.get(name, "")
        if text:
            name = text[len(IMAGE) :] if text.startswith(IMAGE) else text
        with self._lock:
            found = self._found.get((name, wanted))
            if found is None:
                found = self._provide(name, wanted)
                self._found[name, wanted] = found
            return found

    @property
    def used(self) -> dict[str, store.Image]:
        """The images that were asked for, by name."""
        return {name: image for (name, dummy), image in self._found.items()}

    def _provide(self, name: str, wanted: Platform) -> store.Image:
        host = self._host
        if name.startswith(LAYOUT):
            host.tell(f"load {name}")
            return layouts.image(host, name, wanted)
        local = here(host, name, wanted)
        reference = reference_of(name)
        if reference is None:
            if local is None:
                raise Error(f"No such image: {name[:80]}")
            return local
        if local is not None and (not self._request.pull or reference.digest):
            return local
        from ...image import transfer

        pinned = transfer.resolve(host, reference)
        if pinned.image_id and local is not None and local.id == pinned.image_id:
            return local
        host.tell(f"pull {reference.canonical}")
        asked = wanted if wanted != platform.host_platform() else None
        return transfer.pull(host, pinned, wanted=asked)


def reference_of(name: str) -> Optional[Reference]:
    """The reference of a name; None for an id."""
    if name.startswith("sha256:") or (is_id(name) and len(name) == 64):
        return None
    return parse_normalized(name)


def here(host: Host, name: str, wanted: Platform) -> Optional[store.Image]:
    """The image under a name, if it is on the host, whole, and made for a platform."""
    try:
        found = store.find(host.layout, name)
    except Damaged as exc:
        host.warn(str(exc))
        return None
    if found is None or store.missing(host.layout, found):
        return None
    return found if platform.runs_on(platform.of(found.config), wanted) else None
