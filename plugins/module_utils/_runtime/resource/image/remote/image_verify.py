# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The module ``image_verify``: whether an image in its registry has the signatures that are asked
for. Only reads.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ....base.errors import Error, NotFound
from ....image import signatures, transfer
from ....plan.plan import Host
from ....trust import verify
from ..names import named_image
from .pull_one import access_of


def examine(host: Host, params: Mapping[str, Any]) -> dict[str, Any]:
    """The image's digest, and the keys it is accepted for. Raises Error when it is not accepted."""
    reference = named_image.reference_of(params)
    access = access_of({**params, "require_signature": params})
    if access.asked is None:
        raise AssertionError("access_of reads require_signature")
    digest = reference.digest or transfer.resolve_for_push(host, reference, access)
    if not digest:
        raise NotFound(f"there is no image {reference.canonical} in its registry")
    needed = signatures.to_use(reference, access.asked)
    found = signatures.find(host, reference, digest, access)
    accepted = verify.check(needed, reference, digest, found)
    if not needed.signed:
        raise Error(
            f"the policy asks for no signature of {reference.canonical} ({needed.scope})",
            hint="name the keys that shall have signed it in public_keys",
        )
    return {
        "digest": digest,
        "reference": reference.canonical,
        "fingerprints": list(accepted.fingerprints),
    }
