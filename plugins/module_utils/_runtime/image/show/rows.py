# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The rows of ``slipway images`` and ``slipway history``, in Docker's fields and words."""

from __future__ import annotations

import fnmatch
from collections.abc import Iterator, Sequence

from ...base.clock import seconds
from ...base.layout import Layout
from ...spec.reference import parse_normalized
from ...text.table import duration, plain, shortened, size
from ..store import layers, lineage
from ..store.store import Image

NONE = "<none>"

HEADINGS = {
    "Repository": "REPOSITORY",
    "Tag": "TAG",
    "Digest": "DIGEST",
    "ID": "IMAGE ID",
    "CreatedSince": "CREATED",
    "CreatedAt": "CREATED AT",
    "Size": "SIZE",
}
HISTORY = {
    "ID": "IMAGE",
    "CreatedSince": "CREATED",
    "CreatedAt": "CREATED AT",
    "CreatedBy": "CREATED BY",
    "Size": "SIZE",
    "Comment": "COMMENT",
}
_CREATED_BY = 45


def images(
    found: Sequence[Image], now: float, whole: bool = False, intermediate: bool = False
) -> Iterator[dict[str, str]]:
    """A row for each name, newest image first. Images without a name that others were made from
    are left out unless ``intermediate``.
    """
    for image in sorted(found, key=lambda one: -_created(one)):
        hidden = not (image.names or image.repo_digests) and lineage.has_child(found, image)
        if hidden and not intermediate:
            continue
        for repository, tag, digest in _names(image):
            yield {
                "Repository": repository,
                "Tag": tag,
                "Digest": digest,
                "ID": image.id if whole else image.id[7:19],
                "CreatedSince": _since(image.config.get("created"), now),
                "CreatedAt": plain(str(image.config.get("created") or "")),
                "Size": size(image.size),
            }


def _names(image: Image) -> list[tuple[str, str, str]]:
    """Repository, tag and digest of each row of an image."""
    tags: dict[str, list[str]] = {}
    digests: dict[str, list[str]] = {}
    for name in image.names:
        reference = parse_normalized(name)
        tags.setdefault(reference.familiar_repository, []).append(str(reference.tag))
    for pair in image.repo_digests:
        reference = parse_normalized(pair)
        digests.setdefault(reference.familiar_repository, []).append(str(reference.digest))
    rows = [
        (repository, tag, digest)
        for repository in sorted({*tags, *digests})
        for tag in tags.get(repository, [NONE])
        for digest in digests.get(repository, [NONE])[:1]
    ]
    return rows or [(NONE, NONE, NONE)]


def is_meant(row: dict[str, str], pattern: str) -> bool:
    """Whether a row is of the repository, or the image, that a pattern names. As in Docker, what
    ``*`` stands for ends at a slash.
    """
    named = {pattern}
    if not set(pattern) & set("*?["):
        reference = parse_normalized(pattern)
        tagged = ":" in pattern.rpartition("/")[2]
        named.add(reference.familiar if tagged else reference.familiar_repository)
    texts = (row["Repository"], f"{row['Repository']}:{row['Tag']}")
    return any(_fits(text.split("/"), one.split("/")) for one in named for text in texts)


def _fits(parts: Sequence[str], patterns: Sequence[str]) -> bool:
    return len(parts) == len(patterns) and all(map(fnmatch.fnmatchcase, parts, patterns))


def history(
    layout: Layout, image: Image, now: float, whole: bool = False, human: bool = True
) -> list[dict[str, str]]:
    """A row for each step that made an image, newest first."""
    rows: list[dict[str, str]] = []
    sizes = [
        layers.size_bytes(layout, chain_id, layer.size)
        for chain_id, layer in zip(image.chain_ids, image.layers)
    ]
    steps = list(image.config.get("history") or [])
    described = sum(1 for step in steps if not step.get("empty_layer"))
    # Layers that no step describes are at the bottom: whoever made them kept no history.
    steps = [{} for dummy in range(len(sizes) - described)] + steps
    left = iter(sizes)
    for step in steps:
        count = 0 if step.get("empty_layer") else next(left, 0)
        made_by = plain(str(step.get("created_by") or ""))
        rows.append(
            {
                "ID": "<missing>",
                "CreatedSince": _since(step.get("created"), now, "N/A"),
                "CreatedAt": plain(str(step.get("created") or "")),
                "CreatedBy": made_by if whole else shortened(made_by, _CREATED_BY),
                "Size": size(count) if human else str(count),
                "Comment": plain(str(step.get("comment") or "")),
            }
        )
    rows.reverse()
    if rows:
        rows[0]["ID"] = image.id if whole else image.id[7:19]
    return rows


def _created(image: Image) -> float:
    return seconds(str(image.config.get("created") or "")) or 0.0


def _since(created: object, now: float, otherwise: str = "N/A") -> str:
    moment = seconds(str(created or ""))
    return otherwise if moment is None else f"{duration(now - moment)} ago"
