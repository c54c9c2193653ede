# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The signatures next to an image in its registry.

cosign's SIGNATURE_SPEC.md: in the same repository, under the tag ``sha256-<hex>.sig``, lies an OCI
image whose layers are the payloads; the annotation of each layer is its signature. Signing appends,
so several signers do not overwrite one another.
"""

from __future__ import annotations

import base64
import binascii
import json
import os
import tempfile
from collections.abc import Collection, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..base.errors import Error, NotFound
from ..base.frozen import dataclass
from ..spec import oci
from ..spec.oci import Descriptor
from . import payload

if TYPE_CHECKING:
    from ..registry.client import Registry

LAYER = "application/vnd.dev.cosign.simplesigning.v1+json"
ANNOTATION = "dev.cosignproject.cosign/signature"

#: As many as cosign looks at (CVE-2024-29902: an endless list of them).
MOST = 64
_SIGNATURE_LIMIT = 4 << 10
#: How often another signer may be in between before signing gives up.
_TRIES = 5


@dataclass(frozen=True)
class Signature:
    """A payload as it was signed, and the signature's bytes. Nothing of it is verified."""

    payload: bytes
    signature: bytes

    def document(self) -> dict[str, str]:
        return {"payload": _text(self.payload), "signature": _text(self.signature)}

    @classmethod
    def parse(cls, value: Any, where: str) -> Signature:
        try:
            parts = [base64.b64decode(value[name], validate=True) for name in _PARTS]
        except (TypeError, KeyError, ValueError) as exc:
            raise Error(f"{where} is not a signature") from exc
        return cls(*parts)


_PARTS = ("payload", "signature")


def tag(digest: str) -> str:
    """The tag of an image's signatures: ``sha256-<hex>.sig``."""
    return f"{digest.replace(':', '-')}.sig"


def read(registry: Registry, repository: str, digest: str) -> tuple[Signature, ...]:
    """The signatures of a manifest or index; none where nobody signed it. Raises Error for what is
    not a list of signatures, or is too much.
    """
    where = f"the signatures {repository}:{tag(digest)}"
    try:
        dummy, data = registry.manifest(repository, tag(digest))
    except NotFound:
        return ()
    found = []
    for number, layer in enumerate(_layers(data, where)):
        text = layer.annotations.get(ANNOTATION, "")
        if layer.media_type != LAYER or not isinstance(text, str) or not text:
            continue  # Other tools may attach other things here.
        if layer.size > payload.LIMIT or len(text) > _SIGNATURE_LIMIT:
            raise Error(f"{where}: layer {number} is too large")
        try:
            signature = base64.b64decode(text, validate=True)
        except binascii.Error as exc:
            raise Error(f"{where}: layer {number} has a signature that is not base64") from exc
        parts: list[bytes] = []
        registry.fetch_blob(repository, layer, parts.append)
        content = b"".join(parts)
        if oci.digest_of(content) != layer.digest:
            raise Error(f"{where}: layer {number} is not what its digest says")
        found.append(Signature(content, signature))
    return tuple(found)


def add(registry: Registry, repository: str, digest: str, added: Signature) -> None:
    """Attach a signature to an image, beside those that are there. Adding it again changes nothing.

    A registry has no way to say "only if nobody changed it meanwhile", so what was written is read
    again, and written again when another signer came in between.
    """
    for dummy in range(_TRIES):
        present = read(registry, repository, digest)
        if added in present:
            return
        _write(registry, repository, digest, (*present, added))
    if added not in read(registry, repository, digest):
        raise Error(
            f"{repository}: the signature of {digest} is not there after {_TRIES} tries",
            hint="others sign the same image at the same time; sign again",
        )


def remove(
    registry: Registry, repository: str, digest: str, unwanted: Collection[Signature]
) -> None:
    """Take signatures away; the others stay. None of them there is a success."""
    present = read(registry, repository, digest)
    left = [one for one in present if one not in unwanted]
    if len(left) != len(present):
        _write(registry, repository, digest, left)


def _layers(data: bytes, where: str) -> list[Descriptor]:
    document = oci.load(data, where)
    layers = document.get("layers")
    if not isinstance(layers, list):
        raise Error(f"{where} have no layers")
    if len(layers) > MOST:
        raise Error(f"{where} are {len(layers)}, and no more than {MOST} are looked at")
    return [Descriptor.parse(one, f"{where}: layers[{i}]") for i, one in enumerate(layers)]


def _write(
    registry: Registry, repository: str, digest: str, signatures: Sequence[Signature]
) -> None:
    if len(signatures) > MOST:
        raise Error(f"{repository}: {digest} has {MOST} signatures, and readers look at no more")
    layers = [
        Descriptor(
            LAYER,
            oci.digest_of(one.payload),
            len(one.payload),
            {ANNOTATION: _text(one.signature)},
        )
        for one in signatures
    ]
    config = json.dumps(
        {
            "architecture": "",
            "os": "",
            "config": {},
            "rootfs": {"type": "layers", "diff_ids": [layer.digest for layer in layers]},
        },
        separators=(",", ":"),
    ).encode()
    described = Descriptor(oci.CONFIG, oci.digest_of(config), len(config))
    for content in {config, *(one.payload for one in signatures)}:
        _upload(registry, repository, content)
    manifest = {
        "schemaVersion": 2,
        "mediaType": oci.MANIFEST,
        "config": described.document(),
        "layers": [layer.document() for layer in layers],
    }
    data = json.dumps(manifest, separators=(",", ":")).encode()
    registry.put_manifest(repository, tag(digest), oci.MANIFEST, data)


def _upload(registry: Registry, repository: str, content: bytes) -> None:
    descriptor = Descriptor("", oci.digest_of(content), len(content))
    if registry.has_blob(repository, descriptor.digest):
        return
    handle, name = tempfile.mkstemp()
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
        registry.upload_blob(repository, descriptor, Path(name))
    finally:
        os.unlink(name)


def _text(data: bytes) -> str:
    return base64.b64encode(data).decode()
