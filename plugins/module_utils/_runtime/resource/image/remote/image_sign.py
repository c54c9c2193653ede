# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Signing as a resource: an image in its registry that shall have the signature of a key.

The key stays on the controller: its action plugin asks this resource what there is to sign, signs
it, and hands the signature over (plugin_utils/_signing.py). On the host itself, the program signs.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Callable, Optional

from ....base.errors import Error
from ....base.frozen import dataclass, replace
from ....image import signatures, transfer
from ....image.access import Access
from ....plan.plan import Host, Plan, Resource, Step
from ....records import foreseen
from ....spec.reference import Reference
from ....trust import keys, payload, policy, verify
from ....trust.attached import Signature
from ..names import named_image
from .pull_one import access_of


@dataclass(frozen=True)
class Declared:
    """An image in its registry, and the public key, PEM, whose signature it shall have. ``signed``
    returns that signature for the digest the registry has, or None where it is not made yet.
    """

    reference: Reference
    public_key: str
    signed: Callable[[str], Optional[Signature]]
    access: Access


@dataclass(frozen=True)
class State:
    """What a registry serves under a name, and whether the key has signed that under that name."""

    name: str
    digest: str = ""
    signed: bool = False
    unmet: tuple[str, ...] = ()


@dataclass(frozen=True)
class Sign(Step[State]):
    """Attach the signature."""

    declared: Declared
    digest: str

    def describe(self) -> str:
        return f"sign image {self.declared.reference.canonical}"

    def after(self, have: State) -> State:
        return replace(have, signed=True)

    def execute(self, host: Host) -> None:
        declared = self.declared
        signature = declared.signed(self.digest)
        if signature is None or not _is_of(declared, self.digest, [signature]):
            raise Error(
                f"{declared.reference.canonical} changed in its registry while it was being signed",
                hint="run the task again",
            )
        signatures.attach(host, declared.reference, self.digest, signature, declared.access)


def declare(params: Mapping[str, Any]) -> Declared:
    """Options of image_sign, and what its action plugin made of the key."""
    reference = named_image.reference_of(params)
    if not reference.tag:
        raise Error(
            f"{reference.canonical} has no tag",
            hint="name the image by its tag: a signature says which tag it is for",
        )
    made, access = params.get("_signing"), access_of(params)
    if isinstance(made, dict):
        signature = Signature.parse(made, "_signing") if "signature" in made else None
        return Declared(reference, str(made["public_key"]), lambda digest: signature, access)
    key, word = str(params.get("key") or ""), str(params.get("passphrase") or "")

    def sign(digest: str) -> Signature:
        data = payload.make(reference, digest)
        return Signature(data, keys.sign(data, key, word))

    return Declared(reference, keys.public_of(key, word), sign, access)


def observe(host: Host, declared: Declared) -> State:
    """Ask the registry for the image and its signatures."""
    reference = declared.reference
    name = reference.canonical
    told = foreseen.told_registries(host)
    if name in told:
        return State(name, told[name] or "")
    try:
        digest = transfer.resolve_for_push(host, reference, declared.access)
        if not digest:
            missing = f"there is no image {name} in its registry; push it before it is signed"
            return State(name, unmet=(missing,))
        found = signatures.find(host, reference, digest, declared.access)
    except Error as exc:
        return State(name, unmet=(str(exc),))
    return State(name, digest, _is_of(declared, digest, found))


def _is_of(declared: Declared, digest: str, found: Sequence[Signature]) -> bool:
    """Whether one of some signatures is of the key, for this very image and name."""
    signed = policy.Signed((declared.public_key,), policy.Identity(policy.MATCH_EXACT))
    tagged = replace(declared.reference, digest=None)
    try:
        verify.check(policy.Requirements((signed,)), tagged, digest, found)
    except verify.Untrusted:
        return False
    return True


def plan(declared: Declared, have: State) -> Plan[State]:
    if have.signed:
        return Plan(have)
    return Plan(have, (Sign(declared, have.digest),), have.unmet)


def view(state: State) -> dict[str, Any]:
    return {"image": state.name, "signed": state.signed}


def result(host: Host, found: State) -> dict[str, Any]:
    return {"digest": found.digest, "reference": found.name}


RESOURCE: Resource[Declared, State] = Resource(
    observe=observe,
    plan=plan,
    view=view,
    result=result,
    lock=lambda declared: named_image.lock(declared.reference.canonical),
)
