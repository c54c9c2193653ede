# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a container of a stack needs: the containers it waits for, and what it uses. Pure."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from typing import Any

from ...spec.container import ContainerSpec
from ..container.declare import Declared as DeclaredContainer
from .member import CONDITIONS, IMAGE, NETWORK, STARTED, VOLUME
from .options import Mistakes

_MODES = ("network_mode", "pid_mode", "ipc_mode")


def said(given: Any, path: str, mistakes: Mistakes) -> dict[str, str]:
    """``depends_on``: ``[db]``, ``{db: healthy}`` or ``{db: {condition: healthy}}``; each container
    with one of CONDITIONS. What is wrong goes to ``mistakes``.
    """
    if given is None:
        return {}
    if isinstance(given, str):
        given = [given]
    if isinstance(given, list):
        return {str(name): STARTED for name in given}
    if not isinstance(given, Mapping):
        mistakes.add(path, "expected a list of names, or a dictionary of conditions")
        return {}
    found = {}
    for name, condition in given.items():
        if isinstance(condition, Mapping) and set(condition) == {"condition"}:
            condition = condition["condition"]
        if condition not in CONDITIONS:
            mistakes.add(f"{path}.{name}", f"expected one of {', '.join(CONDITIONS)}")
        found[str(name)] = str(condition)
    return found


def of_members(
    params: Mapping[str, Any], names: Collection[str], path: str, mistakes: Mistakes
) -> dict[str, Any]:
    """The options of a container with ``container:NAME`` in place of ``service:NAME``, as Compose
    has it for a member of the same stack; ``names`` are those of its containers. What is wrong
    goes to ``mistakes``.
    """
    found = dict(params)
    for mode in _MODES:
        word, dummy, name = str(params.get(mode) or "").partition(":")
        if word != "service":
            continue
        if name not in names:
            mistakes.add(f"{path}.{mode}", f"the stack has no container {name[:128]}")
        found[mode] = f"container:{name}"
    return found


def check_job(declared: DeclaredContainer, path: str, mistakes: Mistakes) -> None:
    """Whether a container that others wait for to complete can do so, and be known to have."""
    policy = declared.values.get("restart_policy")
    if policy is not None and policy.name in ("always", "unless-stopped"):
        mistakes.add(
            f"{path}.restart_policy",
            f"others wait until {declared.name} has completed, which it never does with"
            f" {policy.name}; use no or on-failure",
        )
    if declared.values.get("auto_remove"):
        mistakes.add(
            f"{path}.auto_remove",
            f"others wait until {declared.name} has completed, which nobody knows once it is"
            " removed; it would run again each time",
        )


def implied(declared: DeclaredContainer) -> Iterator[str]:
    """The containers that another one shares something with, so that they have to be there."""
    values = declared.values
    yield from _named(values.get(mode) for mode in _MODES)
    for text in (*values.get("links", ()), *values.get("volumes_from", ())):
        yield text.partition(":")[0]
    for endpoint in values.get("networks", ()):
        for link in endpoint.links:
            yield link.partition(":")[0]


def shared(spec: ContainerSpec) -> Iterator[str]:
    """The containers whose namespaces one has."""
    return _named(getattr(spec, mode) for mode in _MODES)


def _named(modes: Iterable[Any]) -> Iterator[str]:
    for mode in modes:
        word, dummy, name = str(mode or "").partition(":")
        if word == "container" and name:
            yield name


def uses(declared: DeclaredContainer) -> Iterator[tuple[str, str]]:
    """The networks, volumes and images of a container, each with its kind."""
    for endpoint in declared.values.get("networks", ()):
        yield NETWORK, endpoint.network
    for mount in declared.values.get("mounts", ()):
        if mount.kind == "volume":
            yield VOLUME, mount.source
    if declared.image:
        yield IMAGE, declared.image
