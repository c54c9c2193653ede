# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a host is and has, in the shape of ``docker info`` and ``docker version``."""

from __future__ import annotations

import os
import platform
import sys
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ..base import clock
from ..base.errors import Error
from ..base.version import VERSION
from ..container.engine import cgroup_layout, oci_runtime
from ..container.status import liveness
from ..image.store import store
from ..kernel.linux import mountinfo
from ..network.lease import machine_id
from ..plan.plan import Host
from ..records import container_record
from . import parts

_LSM = Path("/sys/kernel/security/lsm")


def document(host: Host) -> dict[str, Any]:
    """The document of ``docker info``. What only a daemon has is what Docker shows without it."""
    # What a version is asked for does without.
    from ..container.option import logging
    from ..container.root import host_support

    layout = host.layout
    phases = Counter(liveness.truth(layout, one).phase for one in container_record.records(layout))
    running = phases["running"] + phases["restarting"]
    cgroups = cgroup_layout.read()
    offered = _controllers(cgroups)
    runtimes = parts.runtimes()
    release = _os_release()
    advice = parts.advice(parts.all_parts())
    default, problems = _default_runtime(host)
    return {
        "ID": machine_id(),
        "Containers": sum(phases.values()),
        "ContainersRunning": running,
        "ContainersPaused": phases["paused"],
        "ContainersStopped": sum(phases.values()) - running - phases["paused"],
        "Images": len(store.all_images(layout)),
        "Driver": "overlay2",
        "DriverStatus": [["Backing Filesystem", _filesystem(layout.root)]],
        "Plugins": {
            "Volume": ["local"],
            "Network": ["bridge", "host", "ipvlan", "macvlan", "null"],
            "Authorization": None,
            "Log": sorted(logging.DRIVERS),
        },
        "MemoryLimit": "memory" in offered,
        "SwapLimit": _swap_limit(cgroups),
        "CpuCfsPeriod": "cpu" in offered,
        "CpuCfsQuota": "cpu" in offered,
        "CPUShares": "cpu" in offered,
        "CPUSet": "cpuset" in offered,
        "PidsLimit": "pids" in offered,
        "OomKillDisable": cgroups.mode != "unified" and "memory" in offered,
        "IPv4Forwarding": _enabled("/proc/sys/net/ipv4/ip_forward"),
        "BridgeNfIptables": _enabled("/proc/sys/net/bridge/bridge-nf-call-iptables"),
        "BridgeNfIp6tables": _enabled("/proc/sys/net/bridge/bridge-nf-call-ip6tables"),
        "Debug": False,
        "NFd": 0,
        "NGoroutines": 0,
        "NEventsListener": 0,
        "SystemTime": clock.now(),
        "LoggingDriver": logging.FILE,
        "CgroupDriver": cgroup_layout.driver(),
        "CgroupVersion": "2" if cgroups.mode == "unified" else "1",
        "KernelVersion": platform.release(),
        "OperatingSystem": release.get("PRETTY_NAME", "Linux"),
        "OSVersion": release.get("VERSION_ID", ""),
        "OSType": "linux",
        "Architecture": platform.machine(),
        "NCPU": len(os.sched_getaffinity(0)),
        "MemTotal": os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES"),
        "IndexServerAddress": "https://index.docker.io/v1/",
        "RegistryConfig": None,
        "DockerRootDir": str(layout.root),
        "HttpProxy": _proxy("http_proxy"),
        "HttpsProxy": _proxy("https_proxy"),
        "NoProxy": _proxy("no_proxy"),
        "Name": platform.node(),
        "Labels": [],
        "ExperimentalBuild": False,
        "ServerVersion": VERSION,
        "Runtimes": {part.name: {"path": part.path, "version": part.version} for part in runtimes},
        "DefaultRuntime": default,
        "Swarm": {"NodeID": "", "NodeAddr": "", "LocalNodeState": "inactive"},
        # Containers have no daemon whose restart they could fail to survive.
        "LiveRestoreEnabled": True,
        "Isolation": "",
        "InitBinary": os.path.basename(host_support.find_init() or ""),
        "SecurityOptions": _security(cgroups),
        "Warnings": [*problems, *([advice] if advice else [])] or None,
    }


def problems(host: Host) -> list[str]:
    """What keeps the host from running containers; advisories are not among them."""
    return _default_runtime(host)[1]


def _default_runtime(host: Host) -> tuple[str, list[str]]:
    try:
        return oci_runtime.choose(host.layout).name, []
    except Error as exc:
        return "", [str(exc)]


def version() -> dict[str, Any]:
    """The document of ``docker version``: this program, and what takes the daemon's place."""
    monitor = parts.monitor()
    found = [*parts.runtimes(), *([monitor] if monitor else [])]
    about = {
        "Version": VERSION,
        "Os": "linux",
        "Arch": _arch(),
        "KernelVersion": platform.release(),
        "PythonVersion": platform.python_version(),
    }
    return {
        "Client": {**about, "Context": "default"},
        "Server": {
            **about,
            "Platform": {"Name": "slipway.engine"},
            "Components": [
                {"Name": "Engine", "Version": VERSION, "Details": {"Python": sys.executable}},
                *(
                    {
                        "Name": part.name,
                        "Version": part.version,
                        "Details": {"GitCommit": part.commit, "Path": part.path},
                    }
                    for part in found
                ),
            ],
        },
    }


def _arch() -> str:
    machine = platform.machine()
    return {"x86_64": "amd64", "aarch64": "arm64"}.get(machine, machine)


def _controllers(cgroups: cgroup_layout.Cgroups) -> frozenset[str]:
    """What control groups can limit here, v1 and v2 together."""
    if cgroups.mode == "unified":
        return frozenset(cgroups.v2_controllers)
    mounted = (one.target for one in mountinfo() if one.fstype == "cgroup")
    names = {name for target in mounted for name in os.path.basename(target).split(",")}
    return frozenset({*names, *cgroups.v2_controllers})


def _swap_limit(cgroups: cgroup_layout.Cgroups) -> bool:
    if cgroups.mode == "unified":
        # The root group has no limits; any group below it shows what the kernel offers.
        groups = Path("/sys/fs/cgroup").glob("*/memory.swap.max")
        return next(groups, None) is not None
    return Path("/sys/fs/cgroup/memory/memory.memsw.limit_in_bytes").exists()


def _security(cgroups: cgroup_layout.Cgroups) -> list[str]:
    options = []
    modules = _text(_LSM).split(",")
    if "apparmor" in modules or _enabled("/sys/module/apparmor/parameters/enabled"):
        options.append("name=apparmor")
    options.append("name=seccomp,profile=builtin")
    if os.path.exists("/sys/fs/selinux/enforce"):
        options.append("name=selinux")
    if cgroups.mode == "unified":
        options.append("name=cgroupns")
    return options


def _filesystem(path: Path) -> str:
    """The type of the filesystem a path is on, as Docker calls it."""
    best, kind = "", ""
    for mount in mountinfo():
        target = mount.target.rstrip("/")
        if f"{path}/".startswith(f"{target}/") and len(target) >= len(best):
            best, kind = target, mount.fstype
    return {"ext2": "extfs", "ext3": "extfs", "ext4": "extfs"}.get(kind, kind)


def _os_release() -> Mapping[str, str]:
    for place in ("/etc/os-release", "/usr/lib/os-release"):
        lines = _text(Path(place)).splitlines()
        pairs = (line.partition("=") for line in lines if not line.startswith("#"))
        found = {name: value.strip("\"'") for name, equals, value in pairs if equals}
        if found:
            return found
    return {}


def _enabled(path: str) -> bool:
    return _text(Path(path)) in ("1", "Y")


def _text(path: Path) -> str:
    try:
        return path.read_text("utf-8", "replace").strip()
    except OSError:
        return ""


def _proxy(name: str) -> str:
    """A proxy of the environment, without the password it may hold."""
    value = os.environ.get(name) or os.environ.get(name.upper()) or ""
    scheme, separator, rest = value.rpartition("://")
    return f"{scheme}{separator}{rest.rpartition('@')[2]}"
