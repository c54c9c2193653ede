# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The bundle handed to the OCI runtime: config.json of runtime-spec 1.0.2, with Docker's defaults.

Everything but write() and make_working_directory() is pure.

Nothing of an image but its process defaults gets in here: labels and annotations of images steer no
runtime (CVE-2024-3154, CVE-2026-53488).
"""

from __future__ import annotations

import json
import os
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Optional

from .. import files, safefs
from ..errors import Error
from .seccomp import profile as seccomp_profile
from .spec import ContainerSpec, ImageDefaults, argv
from .user import User

PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

_CAPABILITY_NAMES = """
CHOWN DAC_OVERRIDE DAC_READ_SEARCH FOWNER FSETID KILL SETGID SETUID SETPCAP LINUX_IMMUTABLE
NET_BIND_SERVICE NET_BROADCAST NET_ADMIN NET_RAW IPC_LOCK IPC_OWNER SYS_MODULE SYS_RAWIO SYS_CHROOT
SYS_PTRACE SYS_PACCT SYS_ADMIN SYS_BOOT SYS_NICE SYS_RESOURCE SYS_TIME SYS_TTY_CONFIG MKNOD LEASE
AUDIT_WRITE AUDIT_CONTROL SETFCAP MAC_OVERRIDE MAC_ADMIN SYSLOG WAKE_ALARM BLOCK_SUSPEND AUDIT_READ
PERFMON BPF CHECKPOINT_RESTORE
"""
_DEFAULT_NAMES = """
CHOWN DAC_OVERRIDE FSETID FOWNER MKNOD NET_RAW SETGID SETUID SETFCAP SETPCAP NET_BIND_SERVICE
SYS_CHROOT KILL AUDIT_WRITE
"""

#: capabilities(7) by number.
CAPABILITIES = tuple(f"CAP_{name}" for name in _CAPABILITY_NAMES.split())

#: What a process of a container may have without asking, as with Docker.
DEFAULT_CAPABILITIES = frozenset(f"CAP_{name}" for name in _DEFAULT_NAMES.split())

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

#: Device nodes a container may open: null, zero, full, random, urandom, tty, console, ptmx, pts.
#: Making any node is allowed to whoever has CAP_MKNOD, opening it is not.
_DEVICES = (
    (None, None, "c", "m"),
    (None, None, "b", "m"),
    (1, 3, "c", "rwm"),
    (1, 5, "c", "rwm"),
    (1, 7, "c", "rwm"),
    (1, 8, "c", "rwm"),
    (1, 9, "c", "rwm"),
    (5, 0, "c", "rwm"),
    (5, 1, "c", "rwm"),
    (5, 2, "c", "rwm"),
    (136, None, "c", "rwm"),
)


@dataclass(frozen=True)
class BindMount:
    """A mount beyond the usual ones; ``source`` is a resolved path of the host, or the type's own
    word.
    """

    source: str
    destination: str
    options: tuple[str, ...] = ("rbind", "rprivate", "rw")
    type: str = "bind"


@dataclass(frozen=True)
class Device:
    """A device node to be made inside: what a privileged container sees of the host's /dev."""

    path: str
    type: str
    major: int
    minor: int
    mode: int
    uid: int = 0
    gid: int = 0


@dataclass(frozen=True)
class Place:
    """What the host gives a container: found or made before the bundle is written.

    ``rootfs``: the absolute path of the mounted root. ``network``: new, host, or the path of a
    network namespace. ``capabilities``: those the host can give, all of them when empty.
    ``devices``: nodes for a privileged container.
    """

    id: str
    rootfs: str
    hostname: str
    user: User
    mounts: tuple[BindMount, ...]
    cgroups_path: str
    network: str = "new"
    cgroup_v2: bool = True
    capabilities: tuple[str, ...] = ()
    devices: tuple[Device, ...] = ()
    machine: str = ""


def config(spec: ContainerSpec, image: ImageDefaults, place: Place) -> dict[str, Any]:
    """The whole config.json. Raises Error for what no runtime should be asked to do."""
    args = argv(spec, image)
    if not args:
        raise Error(
            f"container {spec.name}: there is no command to run",
            hint="neither the image nor the task names one: set command or entrypoint",
        )
    machine = place.machine or os.uname().machine
    bounding = capabilities(spec, place.capabilities)
    linux: dict[str, Any] = {
        "cgroupsPath": place.cgroups_path,
        "namespaces": _namespaces(place),
        "resources": {"devices": _device_rules(spec.privileged)},
    }
    if not spec.privileged:
        linux["maskedPaths"] = list(MASKED_PATHS)
        linux["readonlyPaths"] = list(READONLY_PATHS)
        linux["seccomp"] = seccomp_profile(bounding, machine)
    elif place.devices:
        linux["devices"] = [
            {
                "path": device.path,
                "type": device.type,
                "major": device.major,
                "minor": device.minor,
                "fileMode": device.mode,
                "uid": device.uid,
                "gid": device.gid,
            }
            for device in place.devices
        ]
    if place.network != "host":
        # As with Docker: a network of its own is no reason to need a capability for port 80 or for
        # ping.
        linux["sysctl"] = {
            "net.ipv4.ip_unprivileged_port_start": "0",
            "net.ipv4.ping_group_range": "0 2147483647",
        }
    return {
        "ociVersion": "1.0.2",
        "process": process(
            spec, image, place.user, args=args, hostname=place.hostname, host=place.capabilities
        ),
        "root": {"path": place.rootfs, "readonly": spec.read_only},
        "hostname": place.hostname,
        "mounts": _mounts(spec, place),
        "annotations": {"slipway.engine.id": place.id},
        "linux": linux,
    }


def process(
    spec: ContainerSpec,
    image: ImageDefaults,
    user: User,
    *,
    args: Sequence[str],
    env: Optional[Mapping[str, str]] = None,
    cwd: Optional[str] = None,
    tty: Optional[bool] = None,
    hostname: str = "",
    privileged: bool = False,
    host: Collection[str] = (),
) -> dict[str, Any]:
    """The OCI process object, of the container itself and of each exec into it, by the same rules.

    ``env`` comes on top of the container's own, ``cwd`` in its place. ``host``: as
    Place.capabilities. No capability is inheritable or ambient (CVE-2022-24769), and a user other
    than root starts with none in effect, as execve(2) would have it.
    """
    bounding = [
        name for name in CAPABILITIES if name in capabilities(spec, host, privileged=privileged)
    ]
    effective = bounding if user.uid == 0 else []
    terminal = spec.tty if tty is None else tty
    return {
        "terminal": terminal,
        "user": {
            "uid": user.uid,
            "gid": user.gid,
            "additionalGids": list(user.additional_gids),
            "umask": 0o022,
        },
        "args": list(args),
        "env": [
            f"{name}={value}"
            for name, value in environment(spec, image, user, env, terminal, hostname).items()
        ],
        "cwd": working_directory(spec, image) if cwd is None else check_cwd(cwd),
        "capabilities": {
            "bounding": bounding,
            "effective": effective,
            "permitted": effective,
            "inheritable": [],
            "ambient": [],
        },
        "noNewPrivileges": False,
    }


def environment(
    spec: ContainerSpec,
    image: ImageDefaults,
    user: User,
    extra: Optional[Mapping[str, str]] = None,
    tty: bool = False,
    hostname: str = "",
) -> dict[str, str]:
    """The variables of a process: the engine's, the image's, the container's, its own, HOME if
    unset.
    """
    env = {"PATH": PATH}
    if hostname:
        env["HOSTNAME"] = hostname
    if tty:
        env["TERM"] = "xterm"
    env.update(image.env)
    env.update(spec.env)
    env.update(extra or {})
    env.setdefault("HOME", user.home)
    for name, value in env.items():
        if not name or "=" in name or "\0" in name or "\0" in value:
            raise Error(f"container {spec.name}: {name[:60]!r} cannot be an environment variable")
    return env


def capabilities(
    spec: ContainerSpec, host: Collection[str] = (), privileged: bool = False
) -> frozenset[str]:
    """The bounding set: Docker's default, added to and dropped from, of what the host can give."""
    offered = frozenset(host or CAPABILITIES)
    if spec.privileged or privileged:
        return offered & frozenset(CAPABILITIES)
    known = frozenset(CAPABILITIES) | {"ALL"}
    for name in (*spec.cap_add, *spec.cap_drop):
        if name not in known:
            raise Error(f"container {spec.name}: {name} is not a capability of Linux")
    chosen = frozenset(CAPABILITIES) & offered if "ALL" in spec.cap_add else DEFAULT_CAPABILITIES
    if "ALL" in spec.cap_drop:
        chosen = frozenset()
    missing = sorted(frozenset(spec.cap_add) - {"ALL"} - offered)
    if missing:
        raise Error(
            f"container {spec.name}: this host cannot give {', '.join(missing)}",
            hint="the host is itself confined, or its kernel is older than that capability",
        )
    chosen |= frozenset(spec.cap_add) - {"ALL"}
    if "ALL" not in spec.cap_drop:
        chosen -= frozenset(spec.cap_drop)
    return chosen & offered


def working_directory(spec: ContainerSpec, image: ImageDefaults) -> str:
    """Where the process begins, normalised; made by the caller when the image lacks it."""
    asked = image.working_dir if spec.working_dir is None else spec.working_dir
    try:
        return check_cwd(asked or "/")
    except Error as exc:
        raise Error(f"container {spec.name}: {exc.message}", hint=exc.hint) from exc


def check_cwd(path: str) -> str:
    """Refuse a directory that is not absolute or lies in /proc: descriptors of the runtime that a
    path like /proc/self/fd/7 names lead to the host (CVE-2024-21626).
    """
    if not path.startswith("/") or "\0" in path:
        raise Error(f"the working directory {path!r} is not an absolute path")
    normal = os.path.normpath("/" + path.lstrip("/"))
    if normal == "/proc" or normal.startswith("/proc/"):
        raise Error(f"the working directory {path!r} lies in /proc", hint="choose another one")
    return normal


def make_working_directory(tree: safefs.Root, path: str) -> None:
    """Make a container's working directory in its mounted root, and refuse one that leads to /proc.

    A link of the image, /srv -> /proc/self/fd/8, names a descriptor of the runtime by the time it
    is entered, so check_cwd() looks at where the path really ends. What is looked at stays as it
    is: nothing of the container runs before its runtime does.
    """
    tree.make_dirs(path)
    fd = tree.open(path, os.O_PATH | os.O_DIRECTORY)
    try:
        top, found = (os.readlink(f"/proc/self/fd/{number}") for number in (tree.fd, fd))
    finally:
        os.close(fd)
    try:
        check_cwd("/" + os.path.relpath(found, top))
    except Error as exc:
        raise Error(f"the working directory {path!r} is a link into /proc", hint=exc.hint) from exc


def write(directory: Path, value: Mapping[str, Any]) -> Path:
    """Put config.json into a bundle's directory, for root's eyes only: it holds the environment."""
    path = directory / "config.json"
    files.write_atomic(path, json.dumps(value, separators=(",", ":")).encode(), durable=False)
    return path


def _namespaces(place: Place) -> list[dict[str, str]]:
    found = [{"type": kind} for kind in ("pid", "ipc", "uts", "mount")]
    if place.cgroup_v2:
        found.append({"type": "cgroup"})
    if place.network == "new":
        found.append({"type": "network"})
    elif place.network != "host":
        found.append({"type": "network", "path": place.network})
    return found


def _device_rules(privileged: bool) -> list[dict[str, Any]]:
    if privileged:
        return [{"allow": True, "access": "rwm"}]
    rules: list[dict[str, Any]] = [{"allow": False, "access": "rwm"}]
    for major, minor, kind, access in _DEVICES:
        rule: dict[str, Any] = {"allow": True, "type": kind, "access": access}
        if major is not None:
            rule["major"] = major
        if minor is not None:
            rule["minor"] = minor
        rules.append(rule)
    return rules


def _mounts(spec: ContainerSpec, place: Place) -> list[dict[str, Any]]:
    system = ("nosuid", "noexec", "nodev")
    ro = () if spec.privileged else ("ro",)
    mounts = [
        _mount("/proc", "proc", "proc", system),
        _mount("/dev", "tmpfs", "tmpfs", ("nosuid", "strictatime", "mode=755", "size=65536k")),
        _mount(
            "/dev/pts",
            "devpts",
            "devpts",
            ("nosuid", "noexec", "newinstance", "ptmxmode=0666", "mode=0620", "gid=5"),
        ),
        _mount("/sys", "sysfs", "sysfs", (*system, *ro)),
        _mount("/sys/fs/cgroup", "cgroup", "cgroup", (*system, *ro)),
        _mount("/dev/mqueue", "mqueue", "mqueue", system),
        _mount("/dev/shm", "tmpfs", "shm", (*system, "mode=1777", "size=65536k")),
    ]
    for mount in place.mounts:
        # CVE-2019-16884: a mount over /proc takes away the masks that protect the host.
        path = os.path.normpath("/" + mount.destination.lstrip("/"))
        if path in ("/", "/proc", "/sys") or path.startswith(("/proc/", "/sys/")):
            raise Error(f"container {spec.name}: nothing may be mounted at {mount.destination}")
        mounts.append(_mount(path, mount.type, mount.source, mount.options))
    # A mount hides what was mounted below it before, so parents come first.
    head, own = mounts[:7], mounts[7:]
    own.sort(key=lambda mount: str(mount["destination"]).count("/"))
    return head + own


def _mount(target: str, kind: str, source: str, options: Sequence[str]) -> dict[str, Any]:
    return {"destination": target, "type": kind, "source": source, "options": list(options)}
