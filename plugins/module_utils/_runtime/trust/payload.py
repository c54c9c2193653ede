# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a signature is over: the "simple signing" document, in the form cosign writes. Pure.

containers-signature(5) and containers/image, signature/internal/sigstore_payload.go: a fixed set of
fields, and a reader that refuses any other, so that nobody smuggles in what only one of two readers
sees.
"""

from __future__ import annotations

import json
from typing import Any

from ..base.errors import Error
from ..base.frozen import dataclass
from ..spec import oci
from ..spec.reference import Reference

#: As skopeo; a payload of ours has about 250 bytes (CVE-2023-46737 is about unlimited ones).
LIMIT = 64 << 10

_TYPE = "cosign container image signature"


@dataclass(frozen=True)
class Payload:
    """What was signed: a manifest's digest, and the name it was signed under."""

    digest: str
    identity: str


def make(reference: Reference, digest: str) -> bytes:
    """The payload for an image under a name with a tag; the same bytes for the same image.

    The name has its tag: cosign itself writes the repository alone, but then an old image that was
    signed once can be served under any tag (containers-policy.json(5), matchRepository).
    """
    identity = {"docker-reference": reference_text(reference)}
    image = {"docker-manifest-digest": digest}
    critical = {"identity": identity, "image": image, "type": _TYPE}
    return json.dumps({"critical": critical, "optional": None}, separators=(",", ":")).encode()


def reference_text(reference: Reference) -> str:
    """A name as signatures hold it, the tag included and no digest."""
    return reference.repository + (f":{reference.tag}" if reference.tag else "")


def parse(data: bytes, where: str) -> Payload:
    """Read a payload strictly; ``where`` names it in errors. Raises Error."""
    if len(data) > LIMIT:
        raise Error(f"{where} is larger than {LIMIT} bytes")
    document = oci.load(data, where)
    critical = _only(document, {"critical", "optional"}, where)["critical"]
    inner = _only(critical, {"identity", "image", "type"}, f"{where}.critical")
    if inner["type"] != _TYPE:
        raise Error(f"{where}.critical.type is not {_TYPE!r}")
    identity = _only(inner["identity"], {"docker-reference"}, f"{where}.critical.identity")
    image = _only(inner["image"], {"docker-manifest-digest"}, f"{where}.critical.image")
    name, digest = identity["docker-reference"], image["docker-manifest-digest"]
    if not isinstance(name, str) or not isinstance(digest, str) or not oci.is_digest(digest):
        raise Error(f"{where} does not name an image by its digest")
    optional = document.get("optional")
    if optional is not None and not isinstance(optional, dict):
        raise Error(f"{where}.optional is not an object")
    return Payload(digest, name)


def _only(value: Any, names: set[str], where: str) -> dict[str, Any]:
    """An object that has these members and no other; only ``optional`` may be missing."""
    if not isinstance(value, dict):
        raise Error(f"{where} is not an object")
    unknown = sorted(set(value) - names)
    if unknown:
        raise Error(f"{where}.{unknown[0][:40]} is not a member of a signed document")
    lacking = sorted(names - {"optional"} - set(value))
    if lacking:
        raise Error(f"{where}.{lacking[0]} is missing")
    return value
