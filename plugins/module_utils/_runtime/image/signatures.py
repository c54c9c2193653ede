# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether an image may be pulled or used: what it needs, and the signatures it was accepted for.

An image needs what the task asks for and, to be pulled, what the host's policy does: that of
/etc/slipway/policy.json, or else of /etc/containers/policy.json (containers-policy.json(5)). Where
neither asks for anything, no registry is asked for signatures. The signatures an image was accepted
for are kept in ``signatures/<hex>.json`` by the digest they are of, so that whoever uses the image
later verifies them again without asking its registry.
"""

from __future__ import annotations

import contextlib
from collections.abc import Collection, Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Callable, Optional

from ..base import files
from ..base.errors import Error, Unreachable
from ..base.layout import Layout
from ..plan.plan import Host
from ..spec.reference import Reference, is_id, parse_normalized
from ..trust import policy
from ..trust.policy import Asked, Requirements
from .access import OF_HOST, Access, connect, sources_of
from .store.store import Image

if TYPE_CHECKING:
    from ..registry.client import Registry
    from ..trust.attached import Signature
    from ..trust.verify import Verified


def check_to_pull(host: Host, reference: Reference, digest: str, access: Access) -> None:
    """Raise Error unless an image has the signatures that it needs to be pulled. Without such a
    need, no registry is asked.
    """
    if to_pull(host.layout, reference, access.asked) is not None:
        with sources_of(host, reference.domain, access) as sources:
            verified(host.layout, sources, reference, digest, access)


def check_to_use(host: Host, reference: Reference, image: Image, access: Access = OF_HOST) -> None:
    """Raise Error unless an image of the store has the signatures that a task asks for."""
    if access.asked is None:
        return
    repository = f"{reference.repository}@"
    digests = [p[len(repository) :] for p in image.repo_digests if p.startswith(repository)]

    def served(digest: str) -> Sequence[Signature]:
        with sources_of(host, reference.domain, access) as sources:
            return _served(sources, reference.path, digest)

    examine(host.layout, to_use(reference, access.asked), reference, digests, served)


def named(image: Image, name: str) -> Reference:
    """The name an image is used by, as a reference; of one that is used by its id, its first name
    or the first repository it was pulled from.
    """
    if not is_id(name):
        return parse_normalized(name)
    known = (*image.names, *image.repo_digests)
    if not known:
        raise Error(f"image {name} has no name, so nobody can have signed it")
    return parse_normalized(known[0])


def verified(
    layout: Layout,
    sources: Sequence[Registry],
    reference: Reference,
    digest: str,
    access: Access,
) -> tuple[Signature, ...]:
    """The signatures for which an image may be pulled; none where it needs none. Raises Error."""
    needed = to_pull(layout, reference, access.asked)
    if needed is None:
        return ()

    def served(one: str) -> Sequence[Signature]:
        return _served(sources, reference.path, one)

    return examine(layout, needed, reference, [digest], served).signatures


def _served(sources: Sequence[Registry], repository: str, digest: str) -> tuple[Signature, ...]:
    """Those of the first source that has some: a mirror may lack what the registry has."""
    from ..trust import attached

    for mirror in sources[:-1]:
        with contextlib.suppress(Unreachable):
            found = attached.read(mirror, repository, digest)
            if found:
                return found
    return attached.read(sources[-1], repository, digest)


def to_pull(layout: Layout, reference: Reference, asked: Optional[Asked]) -> Optional[Requirements]:
    """What an image needs to be pulled by this name; None when nobody asks for anything."""
    own = layout.policy
    found = _joined(reference, [own] if own else [], asked)
    return None if found is None or not (found.signed or found.rejected) else found


def to_use(reference: Reference, asked: Asked) -> Requirements:
    """What an image that is on the host needs: what the task asks for."""
    found = _joined(reference, [], asked)
    return Requirements() if found is None else found


def _joined(
    reference: Reference, paths: Sequence[Path], asked: Optional[Asked]
) -> Optional[Requirements]:
    """Several sources are all to be met."""
    named = [Path(asked.policy)] if asked and asked.policy else []
    found = [policy.read(path, reference) for path in (*paths, *named)]
    if asked and asked.signed:
        found.append(Requirements((asked.signed,)))
    if not found:
        return None
    rejected = next((one.rejected for one in found if one.rejected), "")
    return Requirements(
        tuple(signed for one in found for signed in one.signed), rejected, found[0].scope
    )


def examine(
    layout: Layout,
    needed: Requirements,
    reference: Reference,
    digests: Iterable[str],
    served: Callable[[str], Sequence[Signature]],
) -> Verified:
    """Verify the image that has these digests in the reference's repository: by the signatures
    kept on the host, then by those that ``served`` finds in the registry. Raises Untrusted; of
    several digests one is enough.
    """
    from ..trust import verify

    failure: Error = verify.Untrusted(
        f"image {reference.canonical} has no digest in its registry, so nobody can have signed it",
        hint="push it, sign it and pull it, or leave out require_signature",
    )
    for digest in digests:
        for found in (lambda one: kept(layout, one), served):
            try:
                return verify.check(needed, reference, digest, found(digest))
            except verify.Untrusted as exc:
                failure = exc
    raise failure


def find(host: Host, reference: Reference, digest: str, access: Access) -> tuple[Signature, ...]:
    """What lies beside an image in its registry, no mirror of it; nothing of it is verified."""
    from ..trust import attached

    with connect(host, reference.domain, access) as registry:
        return attached.read(registry, reference.path, digest)


def attach(
    host: Host, reference: Reference, digest: str, signature: Signature, access: Access
) -> None:
    """Attach a signature to an image in its registry, beside those that are there."""
    from ..trust import attached

    with connect(host, reference.domain, access) as registry:
        attached.add(registry, reference.path, digest, signature)


def withdraw(
    host: Host, reference: Reference, digest: str, unwanted: Collection[Signature], access: Access
) -> None:
    """Take signatures of an image out of its registry, and forget them here. None is a success."""
    from ..trust import attached

    with connect(host, reference.domain, access) as registry:
        attached.remove(registry, reference.path, digest, unwanted)
    left = [one for one in kept(host.layout, digest) if one not in unwanted]
    if _file(host.layout, digest).exists():
        files.write_json(_file(host.layout, digest), [one.document() for one in left])


def keep(layout: Layout, digest: str, signatures: Sequence[Signature]) -> None:
    """Remember the signatures of an image, beside those that are remembered."""
    known = kept(layout, digest)
    together = tuple(dict.fromkeys((*known, *signatures)))
    if together != known:
        files.make_private(layout.signatures)
        files.write_json(_file(layout, digest), [one.document() for one in together])


def kept(layout: Layout, digest: str) -> tuple[Signature, ...]:
    """The signatures that are remembered of an image."""
    from ..trust.attached import Signature

    path = _file(layout, digest)
    try:
        value = files.read_json(path)
    except FileNotFoundError:
        return ()
    if not isinstance(value, list):
        raise Error(f"{path} is damaged: it is not a list", hint="remove it")
    return tuple(Signature.parse(one, f"{path}[{i}]") for i, one in enumerate(value))


def _file(layout: Layout, digest: str) -> Path:
    return layout.signatures / f"{digest.partition(':')[2]}.json"
