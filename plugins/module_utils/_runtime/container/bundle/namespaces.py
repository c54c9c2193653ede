# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The namespaces of a container, and the kernel parameters in them. Pure."""

from __future__ import annotations

from ...spec.container import ContainerSpec
from .place import Place


def namespaces(place: Place) -> list[dict[str, str]]:
    """linux.namespaces: which ones are new, which are another's; one that is missing is the
    host's.
    """
    shared = place.shared
    found = [{"type": "mount"}]
    for kind, where in (
        ("pid", shared.pid),
        ("ipc", shared.ipc),
        ("uts", shared.uts),
        ("cgroup", shared.cgroup),
        ("network", shared.network),
    ):
        if where != "host":
            found.append({"type": kind, "path": where} if where else {"type": kind})
    return found


def sysctls(spec: ContainerSpec, place: Place) -> dict[str, str]:
    """linux.sysctl: Docker's for a namespace of its own, and what the task says."""
    found: dict[str, str] = {}
    if not place.shared.network:
        # As with Docker: a network of its own is no reason to need a capability for port 80 or for
        # ping.
        found = {
            "net.ipv4.ip_unprivileged_port_start": "0",
            "net.ipv4.ping_group_range": "0 2147483647",
        }
    if spec.domainname:
        # runtime-spec 1.0 has no word for it; the kernel has it as a parameter (uname(2)).
        found["kernel.domainname"] = spec.domainname
    return {**found, **spec.sysctls}
