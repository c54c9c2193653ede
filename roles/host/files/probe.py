# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether a host can run containers with slipway.engine: read, try, leave nothing behind.

It runs on the host with the standard library only, before anything is installed. Trying is better
than reading version numbers, so an overlay is really mounted and a ruleset really checked, in a
child's own mount and network namespaces, which end with it.

A part may say ``only_cgroups`` (it is wanted with that layout only) and ``since`` (the first
release of a distribution that packages it).

    probe.py '[{"program": "crun", "package": "crun"}, {"module": "requests", "package": "..."}]'

prints one JSON object: ``packages`` that would bring the parts the host lacks, ``missing`` with a
sentence for each of them, ``problems`` with a sentence for all else that does not serve and what to
do about it, and ``cgroups`` (``v2``, ``v1``, ``hybrid`` or ``none``).
"""

from __future__ import annotations

import ctypes
import importlib.util
import json
import os
import platform
import shutil
import subprocess
import sys
import tempfile
from typing import Any

CLONE_NEWNS = 0x00020000
CLONE_NEWNET = 0x40000000
MS_REC_PRIVATE = 0x4000 | 0x40000
SYS_OPENAT2 = 437
RESOLVE_IN_ROOT = 0x10
ENOSYS = 38

PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin:/usr/libexec/podman"
PATH += ":/usr/lib/podman"

#: What publishing and masquerading need of the kernel; nft -c asks it without loading anything.
#: It is as nft 0.9.8 understands it, which wants one protocol before a translation to a port.
RULESET = """
table inet slipway_probe {
    map addresses { type inet_proto . inet_service : ipv4_addr; }
    map ports { type inet_proto . inet_service : inet_service; }
    chain prerouting {
        type nat hook prerouting priority dstnat;
        fib daddr type local meta l4proto tcp \\
            dnat ip to meta l4proto . th dport map @addresses : meta l4proto . th dport map @ports
    }
    chain postrouting { type nat hook postrouting priority srcnat; masquerade; }
    chain forward { type filter hook forward priority filter; ct state established,related accept; }
}
"""

libc = ctypes.CDLL(None, use_errno=True)


class OpenHow(ctypes.Structure):
    """struct open_how of openat2(2)."""

    _fields_ = (
        ("flags", ctypes.c_uint64),
        ("mode", ctypes.c_uint64),
        ("resolve", ctypes.c_uint64),
    )


def packaged(since: dict[str, str]) -> bool:
    """Whether this release has a package: ``{"debian": "12"}``; a distribution not named has it."""
    words = dict(line.partition("=")[::2] for line in read("/etc/os-release").splitlines())
    release = {key: value.strip("\"'") for key, value in words.items()}
    first = since.get(release.get("ID", ""))
    return first is None or _numbers(release.get("VERSION_ID", "999")) >= _numbers(first)


def _numbers(version: str) -> list[int]:
    return [int(part) for part in version.split(".") if part.isdecimal()]


def missing_parts(parts: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The parts whose program is not on PATH or whose Python module cannot be found."""
    missing = []
    for part in parts:
        program, module = part.get("program"), part.get("module")
        lacks_program = program and not shutil.which(program, path=PATH)
        lacks_module = module and importlib.util.find_spec(module) is None
        if lacks_program or lacks_module:
            missing.append(part)
    return missing


def cgroups() -> str:
    """How control groups are mounted; hybrid: v1 with a v2 hierarchy that has controllers."""
    unified = {"/sys/fs/cgroup": False, "/sys/fs/cgroup/unified": False}
    version_1 = False
    with open("/proc/self/mounts", encoding="utf-8") as table:
        for line in table:
            dummy, target, kind = line.split(" ")[:3]
            version_1 = version_1 or kind == "cgroup"
            if kind == "cgroup2" and target in unified:
                unified[target] = True
    if unified["/sys/fs/cgroup"]:
        return "v2"
    if not version_1:
        return "none"
    hybrid = unified["/sys/fs/cgroup/unified"] and read("/sys/fs/cgroup/unified/cgroup.controllers")
    return "hybrid" if hybrid else "v1"


def read(path: str) -> str:
    """A small file's text; empty where there is none."""
    try:
        with open(path, encoding="utf-8") as file:
            return file.read().strip()
    except OSError:
        return ""


def cgroup_problems(layout: str) -> list[dict[str, str]]:
    """What the limits of a container need and this host does not offer."""
    if layout == "none":
        return [
            {
                "what": "no control group filesystem is mounted at /sys/fs/cgroup",
                "do": "add the line 'cgroup2 /sys/fs/cgroup cgroup2 nsdelegate 0 0' to /etc/fstab,"
                " and mount /sys/fs/cgroup",
            }
        ]
    if layout == "v2":
        has = set(read("/sys/fs/cgroup/cgroup.controllers").split())
    else:
        has = {line.split()[0] for line in read("/proc/cgroups").splitlines()[1:]}
    lacking = sorted({"cpu", "memory", "pids"} - has)
    if not lacking:
        return []
    return [
        {
            "what": f"the control group controllers {', '.join(lacking)} are not available",
            "do": "boot the kernel with cgroup_enable=memory, or one built with these controllers",
        }
    ]


def kernel_problems() -> list[dict[str, str]]:
    """openat2, without which an image's files could not be reached safely."""
    how = OpenHow(os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC, 0, RESOLVE_IN_ROOT)
    root = os.open("/", os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
    fd = libc.syscall(
        ctypes.c_long(SYS_OPENAT2), root, b"etc", ctypes.byref(how), ctypes.sizeof(how)
    )
    error = ctypes.get_errno()
    os.close(root)
    if fd >= 0:
        os.close(fd)
        return []
    release = platform.release()
    if error == ENOSYS:
        return [
            {
                "what": f"the kernel {release} has no openat2 system call",
                "do": "run Linux 5.6 or newer",
            }
        ]
    return [
        {
            "what": f"openat2 is refused on the kernel {release}: {os.strerror(error)}",
            "do": "if this host is a container, give it a seccomp profile that allows openat2",
        }
    ]


def try_namespaces(state: str) -> list[dict[str, str]]:
    """Run the checks that change something in a child whose namespaces vanish with it."""
    receiving, sending = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            os.write(sending, json.dumps(_inside(state)).encode())
        finally:
            os._exit(0)
    os.close(sending)
    with os.fdopen(receiving, "rb") as pipe:
        answer = pipe.read()
    os.waitpid(child, 0)
    return json.loads(answer) if answer else [_unexpected("the probe of namespaces died")]


def _unexpected(what: str) -> dict[str, str]:
    return {"what": what, "do": "run the role again with -vvv and read what the host says"}


def _inside(state: str) -> list[dict[str, str]]:
    if libc.unshare(CLONE_NEWNS | CLONE_NEWNET):
        return [
            {
                "what": f"mount and network namespaces cannot be made: {_errno()}",
                "do": "run the tasks as root (become: true), on a host that grants CAP_SYS_ADMIN",
            }
        ]
    libc.mount(None, b"/", None, MS_REC_PRIVATE, None)
    return [*_overlay(state), *_nftables(), *_links()]


def _errno() -> str:
    return os.strerror(ctypes.get_errno())


def _overlay(state: str) -> list[dict[str, str]]:
    """Mount an overlay on the filesystem that is going to hold the containers."""
    while not os.path.isdir(state):
        state = os.path.dirname(state)
    directory = tempfile.mkdtemp(prefix=".slipway-probe.", dir=state)
    try:
        for name in ("lower", "upper", "work", "merged"):
            os.mkdir(os.path.join(directory, name))
        options = ",".join(f"{name}dir={directory}/{name}" for name in ("lower", "upper", "work"))
        merged = os.path.join(directory, "merged").encode()
        if not libc.mount(b"overlay", merged, b"overlay", 0, options.encode()):
            libc.umount2(merged, 2)
            return []
        reason = _errno()
    finally:
        shutil.rmtree(directory, ignore_errors=True)
    if "overlay" not in read("/proc/filesystems"):
        return [
            {
                "what": f"the kernel {platform.release()} has no overlayfs",
                "do": "load it (modprobe overlay), or run a kernel with CONFIG_OVERLAY_FS",
            }
        ]
    return [
        {
            "what": f"overlayfs cannot be mounted on the filesystem of {state}: {reason}",
            "do": "put /var/lib/slipway on ext4 or on xfs with ftype=1, not on an overlay or NFS",
        }
    ]


def _nftables() -> list[dict[str, str]]:
    nft = shutil.which("nft", path=PATH)
    if nft is None:
        return []
    done = subprocess.run(
        [nft, "-c", "-f", "-"],
        input=RULESET.encode(),
        capture_output=True,
        check=False,
        timeout=60,
    )
    if done.returncode == 0:
        return []
    said = done.stderr.decode("utf-8", "replace").strip().splitlines()
    # What the kernel refused is told from what nft did not understand by these words.
    kernel = any("Could not process" in line for line in said)
    return [
        {
            "what": f"nftables does not serve: {said[0] if said else 'nft said nothing'}",
            "do": "run a kernel with nf_tables, nft_nat, nft_masq and nft_fib for inet"
            if kernel
            else "install nft 0.9.8 or newer",
        }
    ]


def _links() -> list[dict[str, str]]:
    ip = shutil.which("ip", path=PATH)
    problems = []
    for kind in ("bridge", "veth") if ip else ():
        done = subprocess.run(
            [str(ip), "link", "add", "slipwayprobe", "type", kind],
            capture_output=True,
            check=False,
            timeout=60,
        )
        if done.returncode == 0:
            subprocess.run([str(ip), "link", "delete", "slipwayprobe"], check=False, timeout=60)
            continue
        problems.append(
            {
                "what": f"the kernel {platform.release()} makes no {kind} links",
                "do": f"load it (modprobe {kind}), or run a kernel with CONFIG_{kind.upper()}",
            }
        )
    return problems


def main() -> None:
    parts = json.loads(sys.argv[1]) if len(sys.argv) > 1 else []
    state = sys.argv[2] if len(sys.argv) > 2 else "/var/lib/slipway"
    layout = cgroups()
    problems = []
    # This script meets the Python the host has, so it is written to load on older ones.
    if sys.version_info < (3, 9):  # noqa: UP036
        problems.append(
            {
                "what": f"Python on the host is {platform.python_version()}",
                "do": "install Python 3.9 or newer and name it in ansible_python_interpreter",
            }
        )
    if os.geteuid() != 0:
        problems.append({"what": "the tasks do not run as root", "do": "set become: true"})
    else:
        problems += [*kernel_problems(), *cgroup_problems(layout), *try_namespaces(state)]
    wanted = [
        part
        for part in parts
        if part.get("only_cgroups", layout) == layout and packaged(part.get("since", {}))
    ]
    missing = missing_parts(wanted)
    answer = {
        "packages": sorted({part["package"] for part in missing}),
        "missing": [
            f"{part.get('program') or part.get('module')} is not installed:"
            f" install the package {part['package']}"
            for part in missing
        ],
        "problems": [f"{problem['what']}: {problem['do']}" for problem in problems],
        "cgroups": layout,
    }
    print(json.dumps(answer, sort_keys=True))


if __name__ == "__main__":
    main()
