# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which image was made from which, and what is left of the layers when images go. Pure.

No image says what it was made from. But an image made from another keeps its layers and history and
adds to them, so the parent is the image whose layers and history are a prefix of the other's.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from .store import Image


def parents(images: Sequence[Image], image: Image) -> list[Image]:
    """The images an image was made from, the nearest first."""
    found = [other for other in images if other.id != image.id and _is_beginning(other, image)]
    return sorted(found, key=lambda other: -len(_history(other)))


def has_child(images: Sequence[Image], image: Image) -> bool:
    """Whether another image was made from this one."""
    return any(image.id != other.id and _is_beginning(image, other) for other in images)


def _is_beginning(parent: Image, child: Image) -> bool:
    layers, history = parent.diff_ids, _history(parent)
    return (
        bool(history)
        and len(history) < len(_history(child))
        and child.diff_ids[: len(layers)] == layers
        and _history(child)[: len(history)] == history
    )


def _history(image: Image) -> list[Any]:
    return list(image.config.get("history") or [])


def freed(going: Iterable[Image], staying: Iterable[Image], pinned: Iterable[str]) -> list[str]:
    """The chain ids that go with images, top first; ``pinned`` are those that containers use."""
    needed = {*pinned, *(chain_id for image in staying for chain_id in image.chain_ids)}
    found: dict[str, None] = {}
    for image in going:
        for chain_id in reversed(image.chain_ids):
            if chain_id not in needed:
                found[chain_id] = None
    return list(found)
