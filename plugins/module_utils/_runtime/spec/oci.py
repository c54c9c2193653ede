# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The documents of the OCI image specification (v1.1) and of Docker's schema 2, as values."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping, Sequence
from typing import Any, Optional

from ..base import strict_json
from ..base.errors import Error
from ..base.frozen import dataclass, field
from ..base.regex import regex

INDEX = "application/vnd.oci.image.index.v1+json"
MANIFEST = "application/vnd.oci.image.manifest.v1+json"
CONFIG = "application/vnd.oci.image.config.v1+json"
LAYER = "application/vnd.oci.image.layer.v1.tar"
LAYER_GZIP = "application/vnd.oci.image.layer.v1.tar+gzip"
LAYER_ZSTD = "application/vnd.oci.image.layer.v1.tar+zstd"
DOCKER_LIST = "application/vnd.docker.distribution.manifest.list.v2+json"
DOCKER_MANIFEST = "application/vnd.docker.distribution.manifest.v2+json"
DOCKER_CONFIG = "application/vnd.docker.container.image.v1+json"
DOCKER_LAYER_GZIP = "application/vnd.docker.image.rootfs.diff.tar.gzip"
DOCKER_LAYER_ZSTD = "application/vnd.docker.image.rootfs.diff.tar.zstd"
DOCKER_LAYER = "application/vnd.docker.image.rootfs.diff.tar"

INDEX_TYPES = frozenset({INDEX, DOCKER_LIST})
MANIFEST_TYPES = frozenset({MANIFEST, DOCKER_MANIFEST})

#: The annotation under which an image layout's index keeps an image's name (image-spec,
#: annotations.md).
REF_NAME = "org.opencontainers.image.ref.name"

_DIGEST = regex(r"\A(sha256:[0-9a-f]{64}|sha512:[0-9a-f]{128})\Z", re.ASCII)


def is_digest(text: str) -> bool:
    """Whether a text is a digest of an algorithm we compute. Ask before any use in a path or URL
    (CVE-2024-3727).
    """
    return _DIGEST.match(text) is not None


def digest_of(data: bytes) -> str:
    """``sha256:HEX`` of data."""
    return "sha256:" + hashlib.sha256(data).hexdigest()


@dataclass(frozen=True)
class Descriptor:
    """A reference to content: what it is, its digest, its size in bytes."""

    media_type: str
    digest: str
    size: int
    annotations: Mapping[str, str] = field(default_factory=dict)
    platform: Optional[Mapping[str, Any]] = None

    @classmethod
    def parse(cls, value: Any, where: str) -> Descriptor:
        """Read a descriptor out of a document; ``where`` names it in errors. The digest is
        validated here.
        """
        if not isinstance(value, dict):
            raise Error(f"{where} is not a descriptor")
        digest, size = value.get("digest"), value.get("size")
        media_type = value.get("mediaType")
        if not isinstance(digest, str) or not is_digest(digest):
            raise Error(f"{where}.digest is not a digest: {str(digest)[:100]!r}")
        if not isinstance(size, int) or isinstance(size, bool) or size < 0:
            raise Error(f"{where}.size is not a number of bytes: {str(size)[:100]!r}")
        if not isinstance(media_type, str):
            raise Error(f"{where}.mediaType is missing")
        annotations = value.get("annotations") or {}
        platform = value.get("platform")
        if not isinstance(annotations, dict) or not isinstance(platform or {}, dict):
            raise Error(f"{where} has annotations or a platform that are not objects")
        return cls(media_type, digest, size, annotations, platform)

    def document(self) -> dict[str, Any]:
        value: dict[str, Any] = {
            "mediaType": self.media_type,
            "digest": self.digest,
            "size": self.size,
        }
        if self.annotations:
            value["annotations"] = dict(self.annotations)
        if self.platform:
            value["platform"] = dict(self.platform)
        return value


def load(data: bytes, where: str) -> dict[str, Any]:
    """Parse a JSON object strictly: a duplicate key is an error, since parsers disagree which one
    counts.
    """

    value = _parse(data, where)
    if not isinstance(value, dict):
        raise Error(f"{where} is not a JSON object")
    return value


def load_list(data: bytes, where: str) -> list[Any]:
    """The same for a JSON array."""
    value = _parse(data, where)
    if not isinstance(value, list):
        raise Error(f"{where} is not a JSON array")
    return value


def _parse(data: bytes, where: str) -> Any:
    def unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        value = dict(pairs)
        if len(value) != len(pairs):
            raise Error(f"{where} has a duplicate key")
        return value

    try:
        return strict_json.loads(data, unique)
    except ValueError as exc:
        raise Error(f"{where} is not JSON") from exc


def chain_ids(diff_ids: Sequence[str]) -> list[str]:
    """The chain id of every layer, bottom first (image-spec, config.md, "Layer ChainID")."""
    chain: list[str] = []
    for diff_id in diff_ids:
        chain.append(diff_id if not chain else digest_of(f"{chain[-1]} {diff_id}".encode()))
    return chain
