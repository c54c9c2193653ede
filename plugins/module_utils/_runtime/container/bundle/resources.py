# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How much of the host a container gets: linux.resources and process.rlimits of runtime-spec. Pure.

``resources`` is what a container is created with, ``changes`` what a running one is updated with
when its spec changes: the same keys, and the kernel's default for what is no longer limited.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from ...base.errors import Error
from ...spec.container import ContainerSpec, DeviceRate
from .place import Place

#: The period of the kernel's scheduler that ``cpus`` is a share of, as with Docker.
_PERIOD_US = 100_000
#: RLIM_INFINITY.
_UNLIMITED = (1 << 64) - 1

#: Resources the kernel of a host may be without -> the option that asks for each.
INTERFACES: Mapping[str, str] = {
    "memory_swap_bytes": "memory_swap",
    "memory_swappiness": "memory_swappiness",
    "oom_kill_disable": "oom_killer",
    "blkio_weight": "blkio_weight",
}


def resources(spec: ContainerSpec, lacking: Collection[str] = ()) -> dict[str, Any]:
    """memory, cpu, pids and blockIO, each only when something of it is limited.

    ``lacking`` names the fields of the spec this host's kernel has no interface for. Raises Error
    for one that was asked for; swap that is only twice the memory by default is left alone then.
    """
    for field, option in INTERFACES.items():
        if field in lacking and getattr(spec, field) != getattr(ContainerSpec, field):
            raise Error(
                f"container {spec.name}: the control groups of this host do not support the"
                f" option {option}",
                hint=f"omit the option {option} on this host",
            )
    found = {
        "memory": _memory(spec, "memory_swap_bytes" not in lacking),
        "cpu": _cpu(spec),
        "pids": {"limit": spec.pids_limit} if spec.pids_limit else {},
        "blockIO": {"weight": spec.blkio_weight} if spec.blkio_weight else {},
    }
    return {kind: limits for kind, limits in found.items() if limits}


def changes(
    have: ContainerSpec,
    want: ContainerSpec,
    lacking: Collection[str] = (),
    cpus: str = "",
    mems: str = "",
) -> dict[str, Any]:
    """What differs between two specs, for a container that runs; {} when nothing does.

    ``cpus`` and ``mems`` are all the host has: what a container without such a list may use.
    """
    before, after = resources(have, lacking), resources(want, lacking)
    nothing: dict[str, dict[str, Any]] = {
        "memory": {"limit": -1, "reservation": -1, "swap": -1},
        "cpu": {"shares": 1024, "quota": -1, "period": _PERIOD_US, "cpus": cpus, "mems": mems},
        "pids": {"limit": -1},
        "blockIO": {"weight": 100},
    }
    found: dict[str, Any] = {}
    for kind, defaults in nothing.items():
        old, new = before.get(kind, {}), after.get(kind, {})
        different = {
            key: new.get(key, defaults.get(key))
            for key in (*new, *(key for key in old if key not in new))
            if new.get(key) != old.get(key)
        }
        if kind == "memory" and different:
            # The kernel compares the two limits with one another, so both are told.
            different = {**{k: v for k, v in new.items() if k in ("limit", "swap")}, **different}
        if kind == "cpu" and {"quota", "period"} & set(different):
            different = {**{k: v for k, v in new.items() if k in ("quota", "period")}, **different}
        if different:
            found[kind] = different
    return found


def _memory(spec: ContainerSpec, swap_is_counted: bool) -> dict[str, Any]:
    found: dict[str, Any] = {}
    if spec.memory_bytes:
        found["limit"] = spec.memory_bytes
        if swap_is_counted:
            found["swap"] = spec.memory_swap_bytes or 2 * spec.memory_bytes
    elif spec.memory_swap_bytes:
        found["swap"] = spec.memory_swap_bytes
    if spec.memory_reservation_bytes:
        found["reservation"] = spec.memory_reservation_bytes
    if spec.memory_swappiness >= 0:
        found["swappiness"] = spec.memory_swappiness
    if spec.oom_kill_disable:
        found["disableOOMKiller"] = True
    return found


def _cpu(spec: ContainerSpec) -> dict[str, Any]:
    period, quota = spec.cpu_period_us, spec.cpu_quota_us
    if spec.nano_cpus:
        period, quota = _PERIOD_US, spec.nano_cpus * _PERIOD_US // 1_000_000_000
    found = {
        "shares": spec.cpu_shares,
        "period": period,
        "quota": quota,
        "cpus": spec.cpuset_cpus,
        "mems": spec.cpuset_mems,
    }
    return {key: value for key, value in found.items() if value}


def throttles(spec: ContainerSpec, place: Place) -> dict[str, Any]:
    """blockIO's rates of devices, by their numbers on this host (Place.numbers)."""
    kinds = {
        "throttleReadBpsDevice": spec.device_read_bps,
        "throttleWriteBpsDevice": spec.device_write_bps,
        "throttleReadIOPSDevice": spec.device_read_iops,
        "throttleWriteIOPSDevice": spec.device_write_iops,
    }
    return {kind: [_rate(r, place) for r in rates] for kind, rates in kinds.items() if rates}


def _rate(rate: DeviceRate, place: Place) -> dict[str, int]:
    major, minor = place.numbers[rate.path]
    return {"major": major, "minor": minor, "rate": rate.rate}


def rlimits(spec: ContainerSpec) -> list[dict[str, Any]]:
    """process.rlimits, for the container's process and every exec into it."""
    return [
        {
            "type": f"RLIMIT_{limit.name.upper()}",
            "soft": _UNLIMITED if limit.soft < 0 else limit.soft,
            "hard": _UNLIMITED if limit.hard < 0 else limit.hard,
        }
        for limit in spec.ulimits
    ]
