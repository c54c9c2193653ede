# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Manifests, indexes and configs as registries and archives send them, read strictly.

Two engines must never read two images out of one document (CVE-2021-41190): a document is what its
Content-Type, its ``mediaType`` and its members agree on, or it is refused.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ...base.errors import Error
from ...base.frozen import dataclass
from ...spec import oci
from ...spec.oci import Descriptor
from . import blobs

#: As many layers as an image may have in Docker; overlayfs takes 500.
LAYER_LIMIT = 127
_INDEX_LIMIT = 1000

LAYER_TYPES = frozenset(
    {
        oci.LAYER,
        oci.LAYER_GZIP,
        oci.LAYER_ZSTD,
        oci.DOCKER_LAYER,
        oci.DOCKER_LAYER_GZIP,
        # No document has it, and BuildKit wrote it for real images.
        oci.DOCKER_LAYER_ZSTD,
        # What may not be redistributed is still a layer, and is fetched from the registry, never
        # from the urls its descriptor names (CVE-2020-15157).
        "application/vnd.oci.image.layer.nondistributable.v1.tar",
        "application/vnd.oci.image.layer.nondistributable.v1.tar+gzip",
        "application/vnd.oci.image.layer.nondistributable.v1.tar+zstd",
        "application/vnd.docker.image.rootfs.foreign.diff.tar.gzip",
    }
)
_CONFIG_TYPES = frozenset({oci.CONFIG, oci.DOCKER_CONFIG})


@dataclass(frozen=True)
class Manifest:
    """One image: its own descriptor, its config's, and its layers', bottom first."""

    descriptor: Descriptor
    config: Descriptor
    layers: tuple[Descriptor, ...]


def parse_manifest(data: bytes, descriptor: Descriptor, where: str) -> Manifest:
    """Read the manifest of one image. ``where`` names it in errors."""
    document = _document(data, descriptor.media_type, where, forbidden="manifests")
    if descriptor.media_type not in oci.MANIFEST_TYPES:
        raise Error(
            f"{where} is of type {descriptor.media_type[:100]!a}, which is not an image manifest"
        )
    config = Descriptor.parse(document.get("config"), f"{where}: config")
    if config.media_type not in _CONFIG_TYPES:
        raise Error(
            f"{where} is not a container image: its config is of type {config.media_type[:100]!a}"
        )
    listed = document.get("layers")
    if listed is None and "layers" in document:
        listed = []  # Go's way to write an empty list.
    if not isinstance(listed, list) or len(listed) > LAYER_LIMIT:
        raise Error(f"{where} does not have a list of at most {LAYER_LIMIT} layers")
    layers = tuple(
        Descriptor.parse(layer, f"{where}: layers[{number}]") for number, layer in enumerate(listed)
    )
    for number, layer in enumerate(layers):
        blobs.check_supported(layer, f"{where}: layers[{number}]")
        if layer.media_type not in LAYER_TYPES:
            raise Error(f"{where}: layers[{number}] is of unknown type {layer.media_type[:100]!a}")
    blobs.check_supported(config, f"{where}: config")
    if config.size > blobs.DOCUMENT_LIMIT:
        raise Error(
            f"{where}: its config has {config.size} bytes, more than {blobs.DOCUMENT_LIMIT}"
        )
    return Manifest(descriptor, config, layers)


def parse_index(data: bytes, media_type: str, where: str) -> tuple[Descriptor, ...]:
    """The image manifests an index (a manifest list) holds."""
    document = _document(data, media_type, where, forbidden="layers", also="config")
    listed = document.get("manifests")
    if not isinstance(listed, list) or len(listed) > _INDEX_LIMIT:
        raise Error(f"{where} does not have a list of at most {_INDEX_LIMIT} manifests")
    entries = [
        Descriptor.parse(entry, f"{where}: manifests[{number}]")
        for number, entry in enumerate(listed)
    ]
    return tuple(entry for entry in entries if entry.media_type in oci.MANIFEST_TYPES)


def parse_config(data: bytes, layers: int, where: str) -> dict[str, Any]:
    """The config of an image with so many layers: platform, defaults, diff_ids, history."""
    document = oci.load(data, where)
    rootfs = document.get("rootfs")
    if not isinstance(rootfs, dict) or rootfs.get("type") != "layers":
        raise Error(f"{where} does not describe a root filesystem made of layers")
    diff_ids = rootfs.get("diff_ids") or []
    if not isinstance(diff_ids, list) or not all(
        isinstance(diff_id, str) and oci.is_digest(diff_id) for diff_id in diff_ids
    ):
        raise Error(f"{where}: rootfs.diff_ids is not a list of digests")
    if len(diff_ids) != layers:
        raise Error(
            f"{where} names {len(diff_ids)} layers but the manifest has {layers}:  "
            "they do not match"
        )
    for key in ("os", "architecture"):
        # What is not said is the host's own, see platform.of_image.
        if not isinstance(document.get(key, ""), str):
            raise Error(f"{where}: {key} is not a text")
    _check_defaults(document.get("config"), where)
    return document


def _check_defaults(config: Any, where: str) -> None:
    """Bring a config section into the one form that later readers expect, or refuse it."""
    if config is None:
        return
    if not isinstance(config, dict):
        raise Error(f"{where}: config is not an object")
    for key in ("Cmd", "Entrypoint"):
        # Docker reads a text as a list of one (strslice).
        if isinstance(config.get(key), str):
            config[key] = [config[key]]
    for key, kind, item in _MEMBERS:
        value = config.get(key)
        if value is None:
            continue
        inner = list(value.values()) if isinstance(value, dict) and item is str else value
        if not isinstance(value, kind) or (
            item is str and not all(isinstance(one, str) for one in inner)
        ):
            raise Error(f"{where}: config.{key} has the wrong type")
    if not _is_healthcheck(config.get("Healthcheck") or {}):
        raise Error(f"{where}: config.Healthcheck has the wrong type")


def _is_healthcheck(value: Any) -> bool:
    if not isinstance(value, dict) or not isinstance(value.get("Test") or [], list):
        return False
    numbers = [value.get(key) or 0 for key in _OF_HEALTH]
    return all(type(one) in (int, float) and 0 <= one < 2**63 for one in numbers)


_OF_HEALTH = ("Interval", "Timeout", "StartPeriod", "StartInterval", "Retries")

_MEMBERS: tuple[tuple[str, type, Any], ...] = (
    ("Cmd", list, str),
    ("Entrypoint", list, str),
    ("Env", list, str),
    ("Labels", dict, str),
    ("User", str, None),
    ("WorkingDir", str, None),
    ("StopSignal", str, None),
    ("ExposedPorts", dict, None),
    ("Volumes", dict, None),
)


def _document(
    data: bytes, media_type: str, where: str, forbidden: str, also: str = ""
) -> Mapping[str, Any]:
    document = oci.load(data, where)
    if document.get("schemaVersion") != 2:
        raise Error(
            f"{where} has schema version {str(document.get('schemaVersion'))[:20]!a}, not 2",
            hint="push the image again with a current tool",
        )
    stated = document.get("mediaType", media_type)
    if stated != media_type:
        raise Error(
            f"{where} was sent as {media_type[:100]!a}, but says it is {str(stated)[:100]!a}"
        )
    for key in (forbidden, also):
        if key and key in document:
            raise Error(f"{where} is both an image and an index of images, which is not allowed")
    return document
