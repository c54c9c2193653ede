# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Pulling as a resource: a name, and whether the host has what its registry serves under it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Optional

from ....base.errors import Error
from ....base.frozen import dataclass, replace
from ....image import expected, signatures, transfer
from ....image.access import Access
from ....image.expected import Local
from ....image.store import platform, store
from ....image.store.platform import Platform
from ....plan.plan import Host, Plan, Resource, Step
from ....records import foreseen
from ....registry.credentials import Credentials
from ....spec import oci
from ....spec.reference import Reference
from ....trust import policy
from ..names import named_image
from ..names.named_image import ABSENT, CURRENT, OUTDATED, PRESENT, State


@dataclass(frozen=True)
class Declared:
    """An image from a registry. ``always`` asks the registry even when the name is here."""

    reference: Reference
    always: bool
    platform: Optional[Platform]
    access: Access


@dataclass(frozen=True)
class Pull(Step[State]):
    """Fetch what the registry had under the name when the plan was made."""

    declared: Declared
    digest: str
    media_type: str
    status: str

    def describe(self) -> str:
        return f"Pulled image {self.declared.reference.familiar}"

    def after(self, have: State) -> State:
        return replace(have, status=self.status, id="", digest=self.digest, planned=True)

    def execute(self, host: Host) -> None:
        descriptor = oci.Descriptor(self.media_type, self.digest, 0)
        pinned = transfer.Pinned(self.declared.reference, descriptor)
        transfer.pull(host, pinned, self.declared.access, self.declared.platform)


def declare(params: Mapping[str, Any]) -> Declared:
    """Options of image_pull: name, tag, pull, platform, and those of the registry."""
    wanted = params.get("platform")
    if named_image.is_whole_id(str(params["name"])):
        raise Error("Cannot pull an image by ID")
    return Declared(
        reference=named_image.reference_of(params),
        always=params.get("pull", "always") == "always",
        platform=platform.parse_platform(wanted) if wanted else None,
        access=access_of(params),
    )


def access_of(params: Mapping[str, Any]) -> Access:
    """What a task says of its registry: username, password, insecure_registry, ca_path."""
    username, password = params.get("username"), params.get("password")
    if bool(username) != bool(password):
        raise Error("username and password must be given together")
    login = Credentials(str(username), str(password)) if username else None
    asked = policy.asked(params.get("require_signature"))
    return Access(login, params.get("insecure_registry"), params.get("ca_path"), asked)


def observe(host: Host, declared: Declared) -> State:
    """Read the name here and, if need be, what the registry has under it: one HEAD request. Where
    signatures are needed, the registry is asked for them too, before anything is fetched.
    """
    found = _observe(host, declared)
    failure = "" if found.unmet else _untrusted(host, declared, found)
    return replace(found, unmet=(failure,)) if failure else found


def _untrusted(host: Host, declared: Declared, found: State) -> str:
    """Why an image may not be pulled or used; "" where it may."""
    access, reference = declared.access, declared.reference
    try:
        if found.status in (ABSENT, OUTDATED):
            signatures.check_to_pull(host, reference, found.newest, access)
        elif found.local is not None and found.local.image is not None:
            signatures.check_to_use(host, reference, found.local.image, access)
    except Error as exc:
        return str(exc)
    return ""


def _observe(host: Host, declared: Declared) -> State:
    reference = declared.reference
    name = reference.canonical
    local = expected.named(host, reference)
    whole = local is not None and _is_whole(host, local)
    fits = local is not None and whole and _fits(local, declared.platform)
    # What a digest names does not change.
    if local is not None and fits and (not declared.always or reference.digest):
        return State(name, CURRENT if declared.always else PRESENT, local, local.id)
    status = ABSENT if local is None else OUTDATED
    told = foreseen.told_registries(host)
    if name in told:
        newest, newest_type = told[name] or "", oci.MANIFEST
    else:
        try:
            pinned = transfer.resolve(host, reference, declared.access)
        except Error as exc:
            return State(name, status, local, unmet=(str(exc),))
        newest, newest_type = pinned.descriptor.digest, pinned.descriptor.media_type
    found = State(name, status, local, newest=newest, newest_type=newest_type)
    if local is None or not whole or not _serves(local, newest):
        return found
    # A tag of a single image has nothing else to offer, whatever that is made for.
    if fits or (declared.platform is None and newest_type not in oci.INDEX_TYPES):
        return replace(found, status=CURRENT, id=local.id)
    return found


def _serves(local: Local, newest: str) -> bool:
    return not local.known_as or any(named_image.same(known, newest) for known in local.known_as)


def _is_whole(host: Host, local: Local) -> bool:
    return local.image is None or not store.missing(host.layout, local.image)


def _fits(local: Local, wanted: Optional[Platform]) -> bool:
    """Whether an image is made for the platform asked for, the host's by default."""
    if local.image is None:
        return True
    made_for = platform.of_image(local.image.config)
    return platform.runs_on(made_for, wanted or platform.host_platform())


def plan(declared: Declared, have: State) -> Plan[State]:
    if have.status in (CURRENT, PRESENT):
        return Plan(have, (), have.unmet)
    step = Pull(declared, have.newest, have.newest_type, CURRENT if declared.always else PRESENT)
    return Plan(have, (step,), have.unmet)


RESOURCE: Resource[Declared, State] = Resource(
    observe=observe,
    plan=plan,
    view=named_image.view,
    diff=named_image.diff,
    result=named_image.result,
    lock=lambda declared: named_image.lock(declared.reference.canonical),
    predict=named_image.predict,
    verify=named_image.differences,
)
