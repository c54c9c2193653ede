# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What this host has for a container: capabilities, devices, namespaces of others, an init.

All of it is only read here; what is required but missing is an Error that names it.
"""

from __future__ import annotations

import os
import re
import stat
import struct
from collections.abc import Iterator
from pathlib import Path
from typing import Optional

from ...base.errors import Error
from ...base.layout import Layout
from ...base.regex import regex
from ...records import container_record
from ...spec.container import ContainerSpec, DeviceMapping
from ..bundle.capabilities import CAPABILITIES
from ..bundle.place import Device, Shared
from ..bundle.resources import INTERFACES
from ..status import liveness

_CGROUPS = Path("/sys/fs/cgroup")

#: What of /dev a container has for itself, made by the runtime.
_OWN = frozenset(
    {"/dev/pts", "/dev/shm", "/dev/mqueue", "/dev/hugepages", "/dev/fd", "/dev/console"}
    | {"/dev/ptmx", "/dev/tty", "/dev/null", "/dev/zero", "/dev/full"}
    | {"/dev/random", "/dev/urandom"}
)

#: The host's virtual consoles (console(4)).
_CONSOLE = regex(r"\A/dev/tty[0-9]+\Z", re.ASCII)

#: Small inits as distributions package them; the first without a dynamic linker serves, since an
#: image need not have the libraries of the host.
_INITS = (
    "/usr/libexec/podman/catatonit",
    "/usr/bin/catatonit",
    "/usr/libexec/docker/docker-init",
    "/usr/bin/docker-init",
    "/usr/bin/tini-static",
    "/usr/sbin/tini-static",
    "/usr/bin/dumb-init",
    "/usr/bin/tini",
    "/sbin/tini",
)
#: Where it stands inside: on a filesystem of the container's own, so nothing is left in its root.
INIT = "/dev/init"


def capabilities() -> tuple[str, ...]:
    """What this host can give: the capabilities in our own bounding set (proc(5), CapBnd)."""
    with open("/proc/self/status", encoding="ascii", errors="replace") as status:
        bounding = next(line for line in status if line.startswith("CapBnd:"))
    mask = int(bounding.split()[1], 16)
    return tuple(name for bit, name in enumerate(CAPABILITIES) if mask >> bit & 1)


# --- devices --------------------------------------------------------------------------------------


def devices(spec: ContainerSpec, systemd: bool = False) -> tuple[Device, ...]:
    """The device nodes of a container beside the usual ones. Raises Error for one that is none.

    ``systemd`` would log in whoever sits at the host's consoles, so it gets none of them.
    """
    found = {device.path: device for device in _all_devices()} if spec.privileged else {}
    if systemd:
        found = {path: device for path, device in found.items() if not _CONSOLE.match(path)}
    for mapping in spec.devices:
        for device in _mapped(spec, mapping):
            found[device.path] = device
    return tuple(found.values())


def _mapped(spec: ContainerSpec, mapping: DeviceMapping) -> Iterator[Device]:
    """One device, or all below a directory, as Docker has it; links are followed to the node."""
    if not os.path.isdir(mapping.source):
        device = _device(mapping.source, mapping.target, mapping.access)
        if device is None:
            raise Error(
                f"container {spec.name}: {mapping.source} is not a device on this host",
                hint="check the option devices",
            )
        yield device
        return
    for directory, dummy, nodes in os.walk(mapping.source):
        for node in nodes:
            path = f"{directory}/{node}"
            inside = mapping.target + path[len(mapping.source) :]
            device = _device(path, inside, mapping.access)
            if device is not None:
                yield device


def _all_devices() -> Iterator[Device]:
    """The host's device nodes, which a privileged container gets."""
    for directory, names, nodes in os.walk("/dev"):
        # These are filesystems of their own, and the container has its own of each.
        names[:] = [n for n in names if f"{directory}/{n}" not in _OWN]
        for node in nodes:
            path = f"{directory}/{node}"
            if path not in _OWN and not os.path.islink(path):
                device = _device(path, path)
                if device is not None:
                    yield device


def _device(path: str, target: str, access: str = "") -> Optional[Device]:
    try:
        found = os.stat(path)
    except OSError:
        return None
    kind = {stat.S_IFCHR: "c", stat.S_IFBLK: "b"}.get(stat.S_IFMT(found.st_mode))
    if kind is None:
        return None
    return Device(
        path=target,
        type=kind,
        major=os.major(found.st_rdev),
        minor=os.minor(found.st_rdev),
        mode=stat.S_IMODE(found.st_mode),
        uid=found.st_uid,
        gid=found.st_gid,
        access=access,
    )


def numbers(spec: ContainerSpec) -> dict[str, tuple[int, int]]:
    """Major and minor of the disks whose rates are limited, by path. Raises Error for what the
    kernel has no rates of (blk-cgroup.c, blkg_conf_open_bdev): other devices, and partitions.
    """
    found = {}
    bytes_, operations = (
        (spec.device_read_bps, spec.device_write_bps),
        (spec.device_read_iops, spec.device_write_iops),
    )
    for rate in (rate for rates in (*bytes_, *operations) for rate in rates):
        device = _device(rate.path, rate.path)
        if device is None or device.type != "b" or _is_partition(device):
            # Who looks for the words that Docker has for it is to find this.
            raise Error(
                f"container {spec.name}: {rate.path} is not a whole disk of this host, and only "
                "those have rates that can be limited (Docker: error setting cgroup config for "
                "procHooks process: ...: no such device)",
                hint="limit a disk such as /dev/sda",
            )
        found[rate.path] = (device.major, device.minor)
    return found


def _is_partition(device: Device) -> bool:
    return os.path.exists(f"/sys/dev/block/{device.major}:{device.minor}/partition")


# --- namespaces -----------------------------------------------------------------------------------


def shm(layout: Layout, container_id: str) -> Path:
    """Where the memory that a shareable container shows at /dev/shm is mounted on the host."""
    return layout.run_container(container_id) / "shm"


def shared(
    layout: Layout,
    container_id: str,
    spec: ContainerSpec,
    cgroup_v2: bool,
    writes_cgroups: bool = False,
) -> Shared:
    """The namespaces a container takes from others. Raises Error when one of them does not run.

    One that writes control groups sees its own as the root, whatever it asks for: it would write
    those of the host.
    """
    memory = {"host": "/dev/shm", "none": "none", "shareable": str(shm(layout, container_id))}
    cgroup = spec.cgroupns_mode or ("private" if cgroup_v2 else "host")
    memory_of_another = spec.ipc_mode.startswith("container:")
    return Shared(
        network=_foreign(layout, spec, spec.network_mode, "net", "network"),
        pid=_foreign(layout, spec, spec.pid_mode, "pid", "processes"),
        ipc=_foreign(layout, spec, spec.ipc_mode, "ipc", "IPC"),
        uts=spec.uts_mode,
        cgroup="" if cgroup == "private" or writes_cgroups else "host",
        shm=_foreign_shm(layout, spec) if memory_of_another else memory.get(spec.ipc_mode, ""),
    )


def _foreign(layout: Layout, spec: ContainerSpec, mode: str, kind: str, what: str) -> str:
    """What Shared says of a mode: "" for one's own, ``host``, or the path of a namespace."""
    word, dummy, name = mode.partition(":")
    if word == "host":
        return "host"
    if word != "container":
        return ""
    other = liveness.current(layout, container_record.identify(layout, name))
    if other.phase not in container_record.LIVE:
        raise Error(
            f"container {spec.name}: it shares the {what} of {name}, which is not running",
            hint=f"start {name} first",
        )
    return f"/proc/{other.pid}/ns/{kind}"


def _foreign_shm(layout: Layout, spec: ContainerSpec) -> str:
    name = spec.ipc_mode.partition(":")[2]
    other = container_record.identify(layout, name)
    mode = container_record.read_spec(layout, other).ipc_mode
    if mode == "host":
        return "/dev/shm"
    if mode != "shareable":
        raise Error(
            f"container {spec.name}: it shares the IPC namespace of {name}, which is private",
            hint=f"set ipc_mode: shareable for {name}",
        )
    return str(shm(layout, other))


# --- control groups -------------------------------------------------------------------------------


def lacking(spec: ContainerSpec, cgroup_v2: bool) -> tuple[str, ...]:
    """The fields of ``bundle.resources.INTERFACES`` this host's control groups have no file for.

    Only what a container asks for is looked up; without a control group to look at, nothing is
    lacking.
    """
    asked = bool(spec.memory_bytes or spec.memory_swap_bytes or spec.blkio_weight)
    if not (asked or spec.memory_swappiness >= 0 or spec.oom_kill_disable):
        return ()
    return tuple(field for field in INTERFACES if _lacks(field, cgroup_v2))


def _lacks(field: str, cgroup_v2: bool) -> bool:
    v1 = {
        "memory_swap_bytes": ("memory", "memory.memsw.limit_in_bytes"),
        "memory_swappiness": ("memory", "memory.swappiness"),
        "oom_kill_disable": ("memory", "memory.oom_control"),
        "blkio_weight": ("blkio", "blkio.weight", "blkio.bfq.weight"),
    }
    v2 = {
        "memory_swap_bytes": ("", "memory.swap.max"),
        "blkio_weight": ("", "io.bfq.weight", "io.weight"),
    }
    if cgroup_v2 and field not in v2:
        return True
    controller, *names = (v2 if cgroup_v2 else v1)[field]
    groups = [path for path in (_CGROUPS / controller).glob("*/") if path.is_dir()]
    return bool(groups) and not any((group / name).exists() for group in groups for name in names)


def everything() -> tuple[str, str]:
    """All processors and memory nodes of this host, as lists such as 0-3; "" where unknown."""
    places = ("/sys/devices/system/cpu/online", "/sys/devices/system/node/online")
    found = []
    for place in places:
        try:
            found.append(Path(place).read_text("ascii").strip())
        except OSError:
            found.append("")
    return found[0], found[1]


# --- the init -------------------------------------------------------------------------------------


def init_program(spec: ContainerSpec) -> Optional[str]:
    """The host's program that is process 1 of a container with ``init``; None without it.

    Among the processes of others it would not be the first, and has nothing to reap.
    """
    if not spec.init or spec.pid_mode:
        return None
    found = find_init()
    if found is None:
        raise Error(
            f"container {spec.name}: init was given, and this host has no static init",
            hint="install catatonit, or tini, with the role slipway.engine.host",
        )
    return os.path.realpath(found)


def find_init() -> Optional[str]:
    """The init of this host that containers can have."""
    usable = (path for path in _INITS if os.access(path, os.X_OK) and is_static(path))
    return next(usable, None)


def is_static(path: str) -> bool:
    """Whether a program needs no dynamic linker: no PT_INTERP among its headers (elf(5))."""
    with open(path, "rb") as file:
        head = file.read(64)
        if len(head) < 64 or head[:4] != b"\x7fELF":
            return False
        order = "<" if head[5] == 1 else ">"
        wide = head[4] == 2
        (offset,) = struct.unpack_from(f"{order}{'Q' if wide else 'I'}", head, 32 if wide else 28)
        size, count = struct.unpack_from(f"{order}HH", head, 54 if wide else 42)
        file.seek(offset)
        headers = file.read(size * count)
    kinds = (headers[at : at + 4] for at in range(0, len(headers), size or 1))
    return all(struct.unpack(f"{order}I", kind)[0] != 3 for kind in kinds if len(kind) == 4)
