# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The form of a shared build cache: an OCI image manifest whose layers are those of steps. Pure.

It is the form of BuildKit's ``image-manifest=true``, so registries keep it, and tools copy it, like
any image; what its config says is ours alone::

    {"form": 1, "steps": {KEY: {"diff_id": ..., "created": ..., "text": ..., "layer": DIGEST}}}

A KEY is that of image/store/step_cache.py. A step that wrote nothing has "" for ``diff_id`` and no
``layer``.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from ...base.document import canonical
from ...base.errors import Error
from ...base.regex import regex
from ...image.store import blobs, manifest
from ...image.store.step_cache import Kept
from ...spec import oci
from ...spec.oci import Descriptor

#: The media type of its config.
CONFIG = "application/vnd.slipway.buildcache.v1+json"
#: As many steps as one cache may have; its layers are as many at most.
LIMIT = 10_000

_FORM = 1
_KEY = regex(r"\A[0-9a-f]{64}\Z", re.ASCII)
_TIME = regex(r"\A[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}Z\Z", re.ASCII)


class NotACache(Error):
    """It is an image, or the cache of another builder."""


def config(steps: Mapping[str, Kept]) -> bytes:
    """The config of a cache with these steps."""
    entries: dict[str, dict[str, str]] = {}
    for key, kept in steps.items():
        entries[key] = {"diff_id": kept.diff_id, "created": kept.created, "text": kept.text}
        if kept.layer is not None:
            entries[key]["layer"] = kept.layer.digest
    return canonical({"form": _FORM, "steps": entries})


def layers(steps: Mapping[str, Kept]) -> tuple[Descriptor, ...]:
    """The layers of steps, each once."""
    found = {kept.layer.digest: kept.layer for kept in steps.values() if kept.layer is not None}
    return tuple(found[digest] for digest in sorted(found))


def document(described: Descriptor, found: tuple[Descriptor, ...]) -> bytes:
    """The manifest of a cache."""
    return canonical(
        {
            "schemaVersion": 2,
            "mediaType": oci.MANIFEST,
            "config": described.document(),
            "layers": [layer.document() for layer in found],
        }
    )


def read_manifest(data: bytes, where: str) -> tuple[Descriptor, dict[str, Descriptor]]:
    """The config of a cache, and its layers by digest. Raises NotACache, and Error."""
    found = oci.load(data, where)
    if not isinstance(found.get("config"), dict) or "manifests" in found:
        raise NotACache(f"{where} is not a build cache of this engine")
    described = Descriptor.parse(found["config"], f"{where}: config")
    if described.media_type != CONFIG:
        raise NotACache(f"{where} is not a build cache of this engine")
    blobs.check_supported(described, f"{where}: config")
    if described.size > blobs.DOCUMENT_LIMIT:
        raise Error(f"{where}: its config has {described.size} bytes, too many for a cache")
    listed = found.get("layers")
    if not isinstance(listed, list) or len(listed) > LIMIT:
        raise Error(f"{where} does not have a list of at most {LIMIT} layers")
    known: dict[str, Descriptor] = {}
    for number, one in enumerate(listed):
        layer = Descriptor.parse(one, f"{where}: layers[{number}]")
        blobs.check_supported(layer, f"{where}: layers[{number}]")
        if layer.media_type not in manifest.LAYER_TYPES:
            raise Error(f"{where}: layers[{number}] is of unknown type {layer.media_type[:100]!a}")
        known[layer.digest] = Descriptor(layer.media_type, layer.digest, layer.size)
    return described, known


def read_config(data: bytes, known: Mapping[str, Descriptor], where: str) -> dict[str, Kept]:
    """The steps of a cache by their keys. ``parent`` is that of nobody yet. Raises Error."""
    found = oci.load(data, where)
    steps = found.get("steps")
    if found.get("form") != _FORM or not isinstance(steps, dict) or len(steps) > LIMIT:
        raise Error(f"{where} has a form that is not known here")
    return {key: _step(key, value, known, where) for key, value in steps.items()}


def _step(key: str, value: Any, known: Mapping[str, Descriptor], where: str) -> Kept:
    texts = ("diff_id", "created", "text", "layer")
    if (
        _KEY.match(key) is None
        or not isinstance(value, dict)
        or not all(isinstance(value.get(name, ""), str) for name in texts)
    ):
        raise Error(f"{where}: {key[:80]!a} is not a step")
    diff_id, created = value.get("diff_id", ""), value.get("created", "")
    if _TIME.match(created) is None:
        raise Error(f"{where}: the step {key} was made at {created[:40]!a}, which is not a time")
    digest = value.get("layer", "")
    if not digest:
        return Kept("", "", created, value.get("text", "")[:2000])
    if digest not in known or not oci.is_digest(diff_id):
        raise Error(f"{where}: the step {key} has a layer that the cache does not have")
    return Kept("", diff_id, created, value.get("text", "")[:2000], known[digest])
