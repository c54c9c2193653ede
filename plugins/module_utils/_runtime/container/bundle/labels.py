# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The labels of Linux security modules for a container: SELinux contexts, an AppArmor profile.

Pure; what the host enforces is in Place.enforced, read by confinement.py.
"""

from __future__ import annotations

from ...base.frozen import dataclass
from ...spec.container import ContainerSpec


@dataclass(frozen=True)
class Enforced:
    """What security modules of this host a container can be confined with.

    ``selinux_process`` and ``selinux_file`` are the contexts that the distribution's policy has for
    containers (lxc_contexts(5)), "" where SELinux is off. ``apparmor`` is the name of the loaded
    profile for containers, "" where AppArmor is off.
    """

    selinux_process: str = ""
    selinux_file: str = ""
    apparmor: str = ""


@dataclass(frozen=True)
class Labels:
    """What a container's processes and files are labelled with; "" is not at all."""

    process: str = ""
    mount: str = ""
    apparmor: str = ""


def labels(spec: ContainerSpec, container_id: str, enforced: Enforced) -> Labels:
    """The labels of a container, changed by its ``security_opts`` as Docker changes them.

    Each container has a pair of categories of its own, so that none can open another's files. One
    that is privileged, or lives in the host's processes or IPC, has no label that would keep it
    from them.
    """
    opts = [opt.partition("=")[2] for opt in spec.security_opts if opt.startswith("label=")]
    process, mount = enforced.selinux_process, enforced.selinux_file
    open_wide = spec.privileged or "host" in (spec.pid_mode, spec.ipc_mode)
    if not process or "disable" in opts or (open_wide and not opts):
        process = mount = ""
    else:
        level = f"s0:{','.join(categories(container_id))}"
        process, mount = _with(process, "level", level), _with(mount, "level", level)
        for opt in opts:
            part, dummy, value = opt.partition(":")
            if part == "filetype":
                mount = _with(mount, "type", value)
            else:
                process = _with(process, part, value)
                mount = _with(mount, "level", value) if part == "level" else mount
    return Labels(process, mount, _apparmor(spec, enforced))


def _apparmor(spec: ContainerSpec, enforced: Enforced) -> str:
    if not enforced.apparmor:
        return ""
    for opt in spec.security_opts:
        kind, dummy, value = opt.partition("=")
        if kind == "apparmor":
            return value
    return "unconfined" if spec.privileged else enforced.apparmor


def categories(container_id: str) -> tuple[str, str]:
    """Two different ones of SELinux's 1024 categories, the lower first, the same at every start."""
    import hashlib  # Few hosts have labels, and every exec comes by here.

    number = int(hashlib.sha256(container_id.encode()).hexdigest(), 16)
    first = number % 1024
    second = (first + 1 + number // 1024 % 1023) % 1024
    return f"c{min(first, second)}", f"c{max(first, second)}"


def _with(context: str, part: str, value: str) -> str:
    """A context, user:role:type:level, with one part replaced. The level may have colons in it."""
    parts = context.split(":", 3)
    parts[("user", "role", "type", "level").index(part)] = value
    return ":".join(parts)
