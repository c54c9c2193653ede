# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which capabilities a container's processes have: Docker's default, added to and dropped from.

Pure.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence

from ...base.errors import Error
from ...spec.container import ContainerSpec

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


def sets(bounding: Sequence[str], uid: int) -> dict[str, list[str]]:
    """The sets of a process of this user, as runtime-spec has them. None is inheritable or ambient
    (CVE-2022-24769), and a user other than root starts with none in effect, as execve(2) would have
    it.
    """
    effective = list(bounding) if uid == 0 else []
    return {
        "bounding": list(bounding),
        "effective": effective,
        "permitted": effective,
        "inheritable": [],
        "ambient": [],
    }


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
            raise Error(f"container {spec.name}: {name} is not a Linux capability")
    chosen = frozenset(CAPABILITIES) & offered if "ALL" in spec.cap_add else DEFAULT_CAPABILITIES
    if "ALL" in spec.cap_drop:
        chosen = frozenset()
    missing = sorted(frozenset(spec.cap_add) - {"ALL"} - offered)
    if missing:
        raise Error(
            f"container {spec.name}: this host cannot grant {', '.join(missing)}",
            hint="the host is itself confined, or its kernel does not know that capability",
        )
    chosen |= frozenset(spec.cap_add) - {"ALL"}
    if "ALL" not in spec.cap_drop:
        chosen -= frozenset(spec.cap_drop)
    return chosen & offered
