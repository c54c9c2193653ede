# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What bears the label of a stack, and is not declared any more."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator

from ...base.errors import NotFound
from ...container.option.catalogue import defaults
from ...plan.plan import Host
from ...records import container_record, foreseen
from ...volume import expected as expected_volumes
from ..container import decide as containers
from ..network import decide as networks
from ..network.declare import Declared as DeclaredNetwork
from ..volume import decide as volumes
from ..volume.declare import Declared as DeclaredVolume
from .member import CONTAINER, EXCESS, NETWORK, ORPHAN, VOLUME, Member, Stack


def beside(host: Host, stack: Stack) -> tuple[tuple[Member, ...], tuple[str, ...]]:
    """The members of a stack, with those that are to go since they left it; and the keys of those
    that left it and stay.

    Containers go before what takes their places comes, as their ports and addresses may be wanted;
    networks and volumes go last. Volumes go only with ``remove_volumes``: they hold data.
    """
    if stack.partial and stack.belongs is None:
        return stack.members, ()
    left = [
        *((CONTAINER, name, why) for name, why in _containers(host, stack)),
        *((NETWORK, name, why) for name, why in _networks(host, stack)),
        *((VOLUME, name, why) for name, why in _volumes(host, stack)),
    ]
    kinds = {CONTAINER, NETWORK} | ({VOLUME} if stack.remove_volumes else set())
    goes = {EXCESS} | ({ORPHAN} if stack.orphans == "remove" else set())
    stays = [(kind, name) for kind, name, why in left if kind not in kinds or why not in goes]
    keys = tuple(f"{kind} {name}" for kind, name in stays)
    if stack.orphans == "report" and keys:
        host.warn(f"{stack.word} {stack.name}: left the declaration and stay: {', '.join(keys)}")
    going = [
        _leaving(stack, kind, name) for kind, name, why in left if kind in kinds and why in goes
    ]
    first = tuple(member for member in going if member.kind == CONTAINER)
    last = tuple(member for member in going if member.kind != CONTAINER)
    if stack.state == "absent":
        own = tuple(m for m in stack.members if m.kind == CONTAINER)
        rest = tuple(m for m in stack.members if m.kind not in (CONTAINER, VOLUME))
        kept = tuple(m for m in stack.members if m.kind == VOLUME and stack.remove_volumes)
        return (*own, *first, *rest, *last, *kept), keys
    return (*first, *stack.members, *last), keys


def _leaving(stack: Stack, kind: str, name: str) -> Member:
    if kind == CONTAINER:
        keep = not stack.remove_volumes
        params = {**defaults(), "name": name, "state": "absent", "keep_volumes": keep}
        return Member(kind, name, "", containers.RESOURCE, containers.declare(params))
    if kind == NETWORK:
        return Member(kind, name, "", networks.RESOURCE, DeclaredNetwork(name, "absent"))
    return Member(kind, name, "", volumes.RESOURCE, DeclaredVolume(name, "absent"))


def _containers(host: Host, stack: Stack) -> list[tuple[str, str]]:
    """By name, and what each is, whether they are there or an earlier task of a check-mode run
    would make them.
    """
    told = foreseen.told_containers(host)
    labels = {name: one.spec.labels for name, one in told.kept()}
    for name in _names(host):
        if f"{CONTAINER} {name}" not in stack.known and name not in told:
            with contextlib.suppress(NotFound):
                container_id = container_record.by_name(host.layout, name)
                labels[name] = container_record.read_labels(host.layout, container_id)
    found = ((name, stack.left(CONTAINER, own)) for name, own in labels.items())
    return sorted((n, why) for n, why in found if why and f"{CONTAINER} {n}" not in stack.known)


def _names(host: Host) -> list[str]:
    try:
        return os.listdir(host.layout.names)
    except FileNotFoundError:
        return []


def _networks(host: Host, stack: Stack) -> Iterator[tuple[str, str]]:
    for network in foreseen.networks(host):
        name = network.spec.name
        why = stack.left(NETWORK, network.spec.labels)
        if why and f"{NETWORK} {name}" not in stack.known:
            yield name, why


def _volumes(host: Host, stack: Stack) -> Iterator[tuple[str, str]]:
    for volume in expected_volumes.volumes(host):
        why = stack.left(VOLUME, volume.labels)
        if why and f"{VOLUME} {volume.name}" not in stack.known:
            yield volume.name, why
