# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Images as documents, in the shape of ``docker image inspect``."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from ...base.layout import Layout
from ...spec.reference import Reference, parse_normalized
from ..store.store import Image


def inspect(layout: Layout, image: Image) -> dict[str, Any]:
    """The whole document of a stored image. Sizes are in bytes, unpacked."""
    config = image.config
    layers = [str(layout.layer(chain_id) / "diff") for chain_id in image.chain_ids]
    history = config.get("history") or []
    last = history[-1] if history else {}
    data = {"UpperDir": layers[-1]} if layers else {}
    if len(layers) > 1:
        data["LowerDir"] = ":".join(reversed(layers[:-1]))
    return {
        "Id": image.id,
        "RepoTags": [parse_normalized(name).familiar for name in image.names],
        "RepoDigests": [parse_normalized(pair).familiar for pair in image.repo_digests],
        "Parent": "",
        "Comment": last.get("comment") or "",
        "Created": config.get("created") or "",
        "Author": config.get("author") or "",
        "Config": config.get("config") or {},
        "Architecture": config.get("architecture") or "",
        "Variant": config.get("variant") or "",
        "Os": config.get("os") or "",
        "Size": image.size,
        "GraphDriver": {"Name": "overlay2", "Data": data},
        "RootFS": {"Type": "layers", "Layers": list(image.diff_ids)},
        "History": history,
        "Descriptor": image.manifest.document(),
    }


def foretold(references: Iterable[Reference], image_id: str) -> dict[str, Any]:
    """What can be said of an image that a check-mode run would have made, by its names."""
    known = list(references)
    return {
        "Id": image_id,
        "RepoTags": [one.familiar for one in known if not one.digest],
        "RepoDigests": [f"{one.familiar_repository}@{one.digest}" for one in known if one.digest],
    }
