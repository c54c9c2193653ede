# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether an image has the signatures it needs."""

from __future__ import annotations

from collections.abc import Sequence

from ..base.errors import Error
from ..base.frozen import dataclass
from ..spec.reference import Reference
from . import keys, payload, policy
from .attached import Signature
from .policy import Requirements, Signed


class Untrusted(Error):
    """An image that lacks a signature it needs."""


@dataclass(frozen=True)
class Verified:
    """What an image was accepted for: the fingerprints of keys, and their signatures."""

    fingerprints: tuple[str, ...] = ()
    signatures: tuple[Signature, ...] = ()


def check(
    needed: Requirements, reference: Reference, digest: str, signatures: Sequence[Signature]
) -> Verified:
    """Hold the signatures of an image against what is needed. Raises Untrusted.

    ``digest`` is that of the manifest or index that the reference means: what was signed.
    """
    if needed.rejected:
        raise Untrusted(f"image {reference.canonical} is refused: {needed.rejected}")
    found: dict[str, Signature] = {}
    for signed in needed.signed:
        accepted, reasons = _accepted(signed, reference, digest, signatures)
        if len(accepted) < signed.threshold:
            raise _lacking(signed, reference, digest, len(accepted), reasons, bool(signatures))
        found.update(accepted)
    return Verified(tuple(sorted(found)), tuple(dict.fromkeys(found.values())))


def _accepted(
    signed: Signed, reference: Reference, digest: str, signatures: Sequence[Signature]
) -> tuple[dict[str, Signature], list[str]]:
    """The signatures that count, by the fingerprint of the key, and why the others do not."""
    accepted: dict[str, Signature] = {}
    reasons = []
    for number, one in enumerate(signatures, 1):
        where = f"signature {number}"
        # First the signature, then what it is over: a stranger's bytes are not even parsed.
        by = [key for key in signed.keys if keys.verifies(one.payload, one.signature, key)]
        if not by:
            reasons.append(f"{where} is not of one of the given keys")
            continue
        try:
            said = payload.parse(one.payload, where)
        except Error as exc:
            reasons.append(str(exc))
            continue
        if said.digest != digest:
            reasons.append(f"{where} is of another image, {said.digest}")
        elif not policy.accepts(signed.identity, reference, said.identity):
            reasons.append(f"{where} is for the name {said.identity[:200]!a}")
        else:
            accepted.update({keys.fingerprint(key): one for key in by})
    return accepted, reasons


def _lacking(
    signed: Signed,
    reference: Reference,
    digest: str,
    count: int,
    reasons: Sequence[str],
    any_at_all: bool,
) -> Untrusted:
    name = f"image {reference.canonical} ({digest})"
    if not any_at_all:
        return Untrusted(
            f"{name} is not signed", hint="sign it, for example with image_sign, or cosign sign"
        )
    why = "; ".join(reasons[:5])
    if signed.threshold > 1:
        counted = f"{count} of the {signed.threshold} keys it needs"
        return Untrusted(f"{name} is signed by {counted}" + (f": {why}" if why else ""))
    return Untrusted(f"{name} is not signed by a given key: {why}")
