# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The namespaces of a container, and the masks over what none of them divides. Pure."""

from __future__ import annotations

from ..spec import ContainerSpec
from .place import Place

#: Files that tell of the host or reach into it, hidden (Docker's list; CVE-2025-31133 is of their
#: kind).
MASKED_PATHS = (
    "/proc/acpi",
    "/proc/asound",
    "/proc/interrupts",
    "/proc/kcore",
    "/proc/keys",
    "/proc/latency_stats",
    "/proc/sched_debug",
    "/proc/scsi",
    "/proc/timer_list",
    "/proc/timer_stats",
    "/sys/devices/virtual/powercap",
    "/sys/firmware",
)

READONLY_PATHS = ("/proc/bus", "/proc/fs", "/proc/irq", "/proc/sys", "/proc/sysrq-trigger")


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


def masks(spec: ContainerSpec) -> dict[str, list[str]]:
    """linux.maskedPaths and readonlyPaths, unless the container is to see and write all of it."""
    if spec.privileged or "systempaths=unconfined" in spec.security_opts:
        return {}
    return {"maskedPaths": list(MASKED_PATHS), "readonlyPaths": list(READONLY_PATHS)}
