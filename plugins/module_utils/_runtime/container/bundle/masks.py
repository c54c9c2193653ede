# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The masks over parts of the kernel that are not namespaced. Pure, and quick to import."""

from __future__ import annotations

from ...spec.container import ContainerSpec

#: Files that reveal the host or reach into it, hidden (Docker's list; CVE-2025-31133 is of their
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


def masks(spec: ContainerSpec) -> dict[str, list[str]]:
    """linux.maskedPaths and readonlyPaths, unless the container is to see and write all of it."""
    if spec.privileged or "systempaths=unconfined" in spec.security_opts:
        return {}
    return {"maskedPaths": list(MASKED_PATHS), "readonlyPaths": list(READONLY_PATHS)}
