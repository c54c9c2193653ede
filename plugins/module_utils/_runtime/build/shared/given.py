# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The steps that a build leaves in shared caches."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

from ...base.errors import Error
from ...image.store.step_cache import Kept
from ...plan.plan import Host
from ..asked.cache import INLINE, Place
from . import form


def chosen(used: Mapping[str, Kept], chain: Collection[str], everything: bool) -> dict[str, Kept]:
    """Of the steps that a build used those of a cache: all, or those that the image with this chain
    of layers is made of. Pure.
    """
    found = {
        key: kept
        for key, kept in used.items()
        if everything
        or (kept.parent in {"", *chain} if kept.layer is None else kept.chain_id in chain)
    }
    return dict(list(found.items())[: form.LIMIT])


def leave(
    host: Host, given: Sequence[Place], used: Mapping[str, Kept], chain: Collection[str]
) -> None:
    """Write the caches that a build names. The caller holds a lease. Raises Error."""
    for place in given:
        if place.kind == INLINE:
            host.warn("cache_to: type=inline has no effect: an image holds no build cache here")
            continue
        from . import places

        steps = chosen(used, chain, place.everything)
        host.tell(f"exporting {place}: {len(steps)} steps")
        try:
            places.write(host, place, steps)
        except (Error, OSError) as exc:
            if not place.optional:
                said = exc.message if isinstance(exc, Error) else str(exc)
                raise Error(
                    f"cache_to: the image was built, but {place} was not written: {said}",
                    hint=exc.hint if isinstance(exc, Error) else None,
                ) from exc
            host.warn(f"{place} was not written: {exc}")
