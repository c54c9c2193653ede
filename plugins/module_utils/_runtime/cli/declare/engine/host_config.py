# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What ``docker inspect`` shows under HostConfig, as options of the module container. Pure.

Engines show their defaults too; what each takes for granted is left out.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from ....container.option.form.text import show_size
from ....spec.container import SHM_SIZE_BYTES

_Show = Callable[[Any], Any]


def _same(value: Any) -> Any:
    return value


def _swap(value: int) -> str:
    return "unlimited" if value < 0 else show_size(value)


def _rates(value: Any) -> list[dict[str, Any]]:
    return [{"path": one["Path"], "rate": show_size(int(one["Rate"]))} for one in value]


def _operations(value: Any) -> list[dict[str, Any]]:
    return [{"path": one["Path"], "rate": int(one["Rate"])} for one in value]


def _ulimits(value: Any) -> list[str]:
    """podman writes the limits' names as the kernel's headers do."""
    return [
        f"{one['Name'].replace('RLIMIT_', '').lower()}:{one['Soft']}:{one['Hard']}" for one in value
    ]


def _devices(value: Any) -> list[str]:
    found = []
    for one in value:
        inside, access = one.get("PathInContainer"), one.get("CgroupPermissions") or "rwm"
        text = one["PathOnHost"]
        if access != "rwm":
            text += f":{inside or text}:{access}"
        elif inside and inside != text:
            text += f":{inside}"
        found.append(text)
    return found


def _hosts(value: Any) -> dict[str, str]:
    return {name: address for name, dummy, address in (text.partition(":") for text in value)}


def _tmpfs(value: Mapping[str, str]) -> list[str]:
    return [f"{path}:{options}" if options else path for path, options in value.items()]


def _links(value: Any) -> list[str]:
    """``/db:/web/alias``."""
    pairs = (text.partition(":") for text in value)
    return [f"{name.lstrip('/')}:{path.rpartition('/')[2]}" for name, dummy, path in pairs]


def _requests(value: Any) -> list[dict[str, Any]]:
    return [{"driver": one.get("Driver") or "gpu"} for one in value]


#: Docker's key, the option, how it is shown, and the values that say no more than the default.
_TABLE: tuple[tuple[str, str, _Show, tuple[Any, ...]], ...] = (
    ("Privileged", "privileged", _same, ()),
    ("ReadonlyRootfs", "read_only", _same, ()),
    ("CapAdd", "capabilities", _same, ()),
    ("CapDrop", "cap_drop", _same, ()),
    ("SecurityOpt", "security_opts", _same, ()),
    ("Sysctls", "sysctls", _same, ()),
    ("GroupAdd", "groups", _same, ()),
    ("Init", "init", _same, ()),
    ("PidMode", "pid_mode", _same, ("private",)),
    ("IpcMode", "ipc_mode", _same, ("private",)),
    ("UTSMode", "uts", _same, ("private",)),
    ("UsernsMode", "userns_mode", _same, ("private",)),
    ("CgroupnsMode", "cgroupns_mode", _same, ("private",)),
    ("AutoRemove", "auto_remove", _same, ()),
    ("Memory", "memory", show_size, ()),
    ("MemoryReservation", "memory_reservation", show_size, ()),
    ("MemorySwap", "memory_swap", _swap, ()),
    ("MemorySwappiness", "memory_swappiness", _same, (-1,)),
    ("NanoCpus", "cpus", lambda value: value / 1e9, ()),
    ("CpuShares", "cpu_shares", _same, ()),
    ("CpuPeriod", "cpu_period", _same, ()),
    ("CpuQuota", "cpu_quota", _same, (-1,)),
    ("CpusetCpus", "cpuset_cpus", _same, ()),
    ("CpusetMems", "cpuset_mems", _same, ()),
    ("PidsLimit", "pids_limit", _same, (-1,)),
    ("BlkioWeight", "blkio_weight", _same, ()),
    ("BlkioDeviceReadBps", "device_read_bps", _rates, ()),
    ("BlkioDeviceWriteBps", "device_write_bps", _rates, ()),
    ("BlkioDeviceReadIOps", "device_read_iops", _operations, ()),
    ("BlkioDeviceWriteIOps", "device_write_iops", _operations, ()),
    ("OomKillDisable", "oom_killer", _same, ()),
    ("OomScoreAdj", "oom_score_adj", _same, ()),
    ("Ulimits", "ulimits", _ulimits, ()),
    ("ShmSize", "shm_size", show_size, (SHM_SIZE_BYTES,)),
    ("CgroupParent", "cgroup_parent", _same, ()),
    ("Devices", "devices", _devices, ()),
    ("DeviceCgroupRules", "device_cgroup_rules", _same, ()),
    ("DeviceRequests", "device_requests", _requests, ()),
    ("StorageOpt", "storage_opts", _same, ()),
    ("Tmpfs", "tmpfs", _tmpfs, ()),
    ("VolumesFrom", "volumes_from", _same, ()),
    ("Dns", "dns_servers", _same, ()),
    ("DnsSearch", "dns_search_domains", _same, ()),
    ("DnsOptions", "dns_opts", _same, ()),
    ("ExtraHosts", "etc_hosts", _hosts, ()),
    ("Links", "links", _links, ()),
    ("PublishAllPorts", "publish_all_ports", _same, ()),
    ("Runtime", "runtime", _same, ("runc", "oci", "crun", "io.containerd.runc.v2")),
)

#: What podman shows of a container that nobody asked this of.
_PODMANS: Mapping[str, tuple[Any, ...]] = {
    "CgroupParent": ("user.slice", "machine.slice", "/libpod_parent"),
    "CgroupnsMode": ("", "host", "private"),
    "CpuPeriod": (100000,),
    "IpcMode": ("shareable",),
    "MemorySwappiness": (0,),
    "PidsLimit": (2048,),
    "ShmSize": (65536000,),
}
#: Limits that podman gives every container.
_PODMANS_ULIMITS = ("nofile:1048576:1048576", "nproc:")


def options(found: Mapping[str, Any], podman: bool) -> dict[str, Any]:
    """The options that a HostConfig shows, but for networks, ports and mounts."""
    made: dict[str, Any] = {}
    for key, option, show, usual in _TABLE:
        value = found.get(key)
        if not value or value in usual or (podman and value in _PODMANS.get(key, ())):
            continue
        made[option] = show(value)
    if found.get("MemorySwap") == 2 * (found.get("Memory") or 0):
        made.pop("memory_swap", None)
    if "cpus" in made:
        # Podman shows what the kernel makes of them besides.
        made.pop("cpu_period", None)
        made.pop("cpu_quota", None)
    if podman and "tmpfs" in made:
        made["tmpfs"] = [_without_podmans(text) for text in made["tmpfs"]]
    if podman and "ulimits" in made:
        made["ulimits"] = [one for one in made["ulimits"] if not one.startswith(_PODMANS_ULIMITS)]
    policy = found.get("RestartPolicy") or {}
    if policy.get("Name") not in (None, "", "no"):
        made["restart_policy"] = policy["Name"]
        if policy.get("MaximumRetryCount"):
            made["restart_retries"] = policy["MaximumRetryCount"]
    return made


def unsaid_access(found: Mapping[str, Any]) -> bool:
    """Whether a device is shown without what the container may do with it, as Podman shows all."""
    return any(not one.get("CgroupPermissions") for one in found.get("Devices") or ())


def _without_podmans(text: str) -> str:
    """A tmpfs without the words that podman adds to each."""
    path, dummy, words = text.partition(":")
    kept = [word for word in words.split(",") if word not in ("rprivate", "tmpcopyup", "rw", "")]
    return f"{path}:{','.join(kept)}" if kept else path


def published(found: Mapping[str, Any], podman: bool) -> list[str]:
    """PortBindings as published_ports. Podman shows an address where none was asked for."""
    texts = []
    for port, bindings in (found.get("PortBindings") or {}).items():
        number, dummy, protocol = port.partition("/")
        suffix = "" if protocol in ("", "tcp") else f"/{protocol}"
        for binding in bindings or [{}]:
            address, outside = binding.get("HostIp") or "", str(binding.get("HostPort") or "")
            if podman and outside in ("", "0"):
                # It is only exposed; podman chooses a port when it makes a container.
                continue
            address = "" if podman and address in ("0.0.0.0", "::") else address
            address = f"[{address}]" if ":" in address else address
            text = f"{outside}:{number}" if outside not in ("", "0") else number
            if address:
                text = f"{address}:{text}" if ":" in text else f"{address}::{text}"
            texts.append(f"{text}{suffix}")
    return list(dict.fromkeys(texts))
