# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The steps that a build takes from shared caches, in place of running them."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Sequence
from typing import Optional

from ...base.errors import Error, NotFound
from ...image.store.step_cache import Kept
from ...plan.plan import Host
from ..asked.cache import Place
from . import places
from .form import NotACache
from .places import Cache


class Taken:
    """The caches that a build names. No place is asked before a step is neither on the host nor
    found in an earlier one. Where one cannot be used, the build runs its steps.
    """

    def __init__(self, host: Host, given: Sequence[Place], stack: contextlib.ExitStack) -> None:
        """Caches stay open as long as ``stack``."""
        self._host = host
        self._stack = stack
        self._lock = threading.Lock()
        self._left = [place for place in given if place.known]
        self._open: list[tuple[Place, Cache]] = []
        for place in given:
            if not place.known:
                host.warn(f"cache_from: type={place.kind[:40]} has no effect here")

    def find(self, key: str) -> Optional[Kept]:
        """The step with a key, its layer in the store. The caller unpacks it before it is kept."""
        number = 0
        while self._has(number):
            place, cache = self._open[number]
            kept = cache.steps.get(key)
            if kept is not None:
                try:
                    if kept.layer is not None:
                        cache.bring(kept.layer)
                    return kept
                except Error as exc:
                    self._host.warn(f"{place} is not used for a step: {exc.message}")
            number += 1
        return None

    def _has(self, number: int) -> bool:
        """Whether there is a cache with that number, opened now if nobody asked for it yet."""
        with self._lock:
            while number >= len(self._open) and self._left:
                place = self._left.pop(0)
                try:
                    cache = self._stack.enter_context(places.opened(self._host, place))
                    self._open.append((place, cache))
                    self._host.tell(f"importing {place}: {len(cache.steps)} steps")
                except (NotFound, NotACache) as exc:
                    # The first build of all finds none, and others are written by other builders.
                    self._host.tell(f"{place} is not used: {exc.message}")
                except Error as exc:
                    self._host.warn(f"{place} is not used: {exc.message}")
            return number < len(self._open)
