# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What two containers cannot share while one replaces the other and both run. Pure.

Ports that are published are no such thing: they lead to one of the two. Volumes and directories can
be shared, but not every program may write to what another one writes to, such as a database to its
files; so whoever declares the container has to say that this one may.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from ...base.frozen import dataclass
from ...spec.container import ContainerSpec, Mount, endpoints, is_socket
from ...spec.network import Attachment


@dataclass(frozen=True)
class StartFirst:
    """How a container is replaced without a moment in which none runs.

    ``ready_timeout_s`` is how long the new one may take until it can serve (0 is without limit),
    ``drain_s`` how long connections to the old one may go on then, both in seconds. ``shares`` is
    that both may write to what both mount.
    """

    ready_timeout_s: float = 300.0
    drain_s: float = 10.0
    shares: bool = False


def clashes(
    new: ContainerSpec,
    old: ContainerSpec,
    held: Sequence[Attachment],
    carried: Sequence[str],
    shares: bool,
) -> list[str]:
    """Why a container cannot run beside the one it replaces, in words; none if it can.

    ``held`` is what the old one has on networks, ``carried`` where its anonymous volumes are that
    the new one takes over.
    """
    return [
        *_namespaces(new, old),
        *_addresses(new, held),
        *([] if shares else _mounts(new, old, carried)),
    ]


def _namespaces(new: ContainerSpec, old: ContainerSpec) -> Iterator[str]:
    mode = new.network_mode
    if mode == old.network_mode and (mode == "host" or mode.startswith("container:")):
        yield f"both would listen on the same ports, because of network_mode: {mode}"


def _addresses(new: ContainerSpec, held: Sequence[Attachment]) -> Iterator[str]:
    if new.network_mode:
        return
    there = {attachment.network: attachment for attachment in held}
    for endpoint in endpoints(new):
        attachment = there.get(endpoint.network)
        if attachment is None:
            continue
        for wanted, given in (
            (endpoint.ipv4_address, attachment.ipv4_address.partition("/")[0]),
            (endpoint.ipv6_address, attachment.ipv6_address.partition("/")[0]),
            (endpoint.mac_address, attachment.mac_address),
        ):
            if wanted and wanted.lower() == given.lower():
                yield f"both would have the address {wanted} on the network {endpoint.network}"


def _mounts(new: ContainerSpec, old: ContainerSpec, carried: Sequence[str]) -> Iterator[str]:
    there = [mount for mount in old.mounts if _is_written(mount)]
    for mount in filter(_is_written, new.mounts):
        if any(_overlaps(mount, other) for other in there):
            kind = "volume " if mount.kind == "volume" else ""
            yield f"both would write to the {kind or 'path '}{mount.source}"
    for target in carried:
        yield f"both would write to the volume at {target}"


def _is_written(mount: Mount) -> bool:
    named = mount.kind == "volume" or (mount.kind == "bind" and not is_socket(mount.source))
    return named and not mount.read_only


def _overlaps(one: Mount, other: Mount) -> bool:
    if one.kind != other.kind:
        return False
    if one.kind == "volume":
        return one.source == other.source and _nested(one.subpath, other.subpath)
    return _nested(one.source, other.source)


def _nested(one: str, other: str) -> bool:
    """Whether one of two paths is within the other."""
    first, second = (f"{path.rstrip('/')}/" if path else "" for path in (one, other))
    return first.startswith(second) or second.startswith(first)
