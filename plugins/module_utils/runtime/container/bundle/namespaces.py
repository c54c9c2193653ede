# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The namespaces of a container, and the masks over what none of them divides. Pure."""

from __future__ import annotations

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
    found = [{"type": kind} for kind in ("pid", "ipc", "uts", "mount")]
    if place.cgroup_v2:
        found.append({"type": "cgroup"})
    if place.network == "new":
        found.append({"type": "network"})
    elif place.network != "host":
        found.append({"type": "network", "path": place.network})
    return found
