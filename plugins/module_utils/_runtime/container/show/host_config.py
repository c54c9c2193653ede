# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The options of a container that ``docker inspect`` shows under HostConfig, by subject. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from ...spec.container import ContainerSpec, DeviceRate
from ..bundle.masks import MASKED_PATHS, READONLY_PATHS


def resources(spec: ContainerSpec) -> dict[str, Any]:
    """The limits, in Docker's words: 0 or None where there is none."""
    swap = spec.memory_swap_bytes or 2 * spec.memory_bytes
    return {
        "Memory": spec.memory_bytes,
        "MemoryReservation": spec.memory_reservation_bytes,
        "MemorySwap": swap,
        "MemorySwappiness": None if spec.memory_swappiness < 0 else spec.memory_swappiness,
        "NanoCpus": spec.nano_cpus,
        "CpuShares": spec.cpu_shares,
        "CpuPeriod": spec.cpu_period_us,
        "CpuQuota": spec.cpu_quota_us,
        "CpuRealtimePeriod": 0,
        "CpuRealtimeRuntime": 0,
        "CpusetCpus": spec.cpuset_cpus,
        "CpusetMems": spec.cpuset_mems,
        "PidsLimit": spec.pids_limit or None,
        "BlkioWeight": spec.blkio_weight,
        "BlkioWeightDevice": None,
        "BlkioDeviceReadBps": _rates(spec.device_read_bps),
        "BlkioDeviceWriteBps": _rates(spec.device_write_bps),
        "BlkioDeviceReadIOps": _rates(spec.device_read_iops),
        "BlkioDeviceWriteIOps": _rates(spec.device_write_iops),
        "OomKillDisable": spec.oom_kill_disable,
        "OomScoreAdj": spec.oom_score_adj,
        "Ulimits": [
            {"Name": limit.name, "Soft": limit.soft, "Hard": limit.hard} for limit in spec.ulimits
        ]
        or None,
        "ShmSize": spec.shm_size_bytes,
        "CgroupParent": spec.cgroup_parent,
        "Devices": [
            {
                "PathOnHost": device.source,
                "PathInContainer": device.target,
                "CgroupPermissions": device.access,
            }
            for device in spec.devices
        ],
        "DeviceCgroupRules": list(spec.device_cgroup_rules) or None,
        "DeviceRequests": None,
    }


def _rates(rates: Iterable[DeviceRate]) -> Any:
    return [{"Path": rate.path, "Rate": rate.rate} for rate in rates] or None


def security(spec: ContainerSpec) -> dict[str, Any]:
    """What a container may do, and what it shares."""
    open_wide = spec.privileged or "systempaths=unconfined" in spec.security_opts
    return {
        "CapAdd": list(spec.cap_add) or None,
        "CapDrop": list(spec.cap_drop) or None,
        "Privileged": spec.privileged,
        "ReadonlyRootfs": spec.read_only,
        "SecurityOpt": [
            opt.replace("-privileges=true", "-privileges") for opt in spec.security_opts
        ]
        or None,
        "Sysctls": dict(spec.sysctls),
        "GroupAdd": list(spec.groups) or None,
        "CgroupnsMode": spec.cgroupns_mode,
        "IpcMode": spec.ipc_mode or "private",
        "PidMode": spec.pid_mode,
        "UTSMode": spec.uts_mode,
        "UsernsMode": spec.userns_mode,
        "Cgroup": "",
        "MaskedPaths": [] if open_wide else list(MASKED_PATHS),
        "ReadonlyPaths": [] if open_wide else list(READONLY_PATHS),
        "Isolation": "",
        "Init": spec.init or None,
    }
