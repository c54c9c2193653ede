# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which Linux security modules this host enforces, and the AppArmor profile of containers.

SELinux: the policy of the distribution (container-selinux, on Debian selinux-policy-default) names
the contexts of containers in lxc_contexts(5). AppArmor: there is no such policy, so containers get
a profile of ours, which is loaded when the first of them starts after a boot.
"""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Optional

from ...base import files
from ...base.errors import Error
from ...base.layout import Layout
from ...kernel import process
from ...spec.container import ContainerSpec
from ..bundle.labels import Enforced

#: The name of our profile in the kernel.
PROFILE = "slipway-container"

#: Files and capabilities are for namespaces, mounts and seccomp to limit; the profile denies once
#: more what reaches the kernel of all: mounting, and writing to parameters and devices below
#: /proc and /sys that no namespace divides. What stays writable is each process's own, net.*, the
#: parameters of IPC, and the container's control groups.
PROFILE_TEXT = """\
#include <tunables/global>

profile slipway-container flags=(attach_disconnected,mediate_deleted) {
  #include <abstractions/base>

  file,
  network,
  capability,
  umount,

  # Whoever stops the container is outside of it; inside, all may signal and trace one another.
  signal (receive) peer=unconfined,
  signal (receive) peer=crun,
  signal (receive) peer=runc,
  signal (send, receive) peer=slipway-container,
  ptrace (trace, read, tracedby, readby) peer=slipway-container,

  deny mount,

  deny @{PROC}/{kcore,kmem,mem,sysrq-trigger} rwklx,
  deny @{PROC}/{acpi,asound,bus,driver,fs,irq,mtrr,scsi,timer_list}{,/**} wkl,
  deny @{PROC}/sys/{abi,debug,dev,sunrpc,user,vm}/** wkl,
  deny @{PROC}/sys/fs/{[^m],m[^q]}** wkl,
  deny @{PROC}/sys/kernel/{[^ms],m[^s],s[^eh],se[^m],sh[^m]}** wkl,

  deny /sys/{block,bus,class,dev,devices,firmware,hypervisor,kernel,module,power}/** wkl,
  deny /sys/fs/{[^c],c[^g]}** wkl,
  deny /sys/firmware/** r,
  deny /sys/kernel/security/** r,
  deny /sys/devices/virtual/powercap/** r,
}
"""


def enforced(layout: Layout, spec: ContainerSpec, root: Path = Path("/")) -> Enforced:
    """What this host can confine a container with. ``root`` is where /sys and /etc are looked for.

    Raises Error where SELinux is on and has no policy for containers, unless the container asks for
    no label.
    """
    selinux = _selinux(root)
    if selinux is not None and not selinux and "label=disable" not in spec.security_opts:
        raise Error(
            f"container {spec.name}: SELinux is enabled, but this host has no policy "
            f"for containers",
            hint="install the package container-selinux (on Debian selinux-policy-default), or set "
            "security_opts: [label=disable]",
        )
    process_context, file_context = selinux or ("", "")
    wanted = [opt[9:] for opt in spec.security_opts if opt.startswith("apparmor=")]
    apparmor = ""
    if _apparmor_is_on(root):
        apparmor = wanted[0] if wanted else PROFILE
        if apparmor == PROFILE and not spec.privileged and not _load(layout, root):
            apparmor = ""
    elif wanted and wanted[0] != "unconfined":
        raise Error(
            f"container {spec.name}: apparmor={wanted[0]} requires AppArmor, which is not enabled",
            hint="omit it on this host",
        )
    return Enforced(process_context, file_context, apparmor)


def _selinux(root: Path) -> Optional[Sequence[str]]:
    """The contexts of container processes and files; None where SELinux is off, () without any."""
    if not (root / "sys/fs/selinux/enforce").exists():
        return None
    settings = _settings(root / "etc/selinux/config")
    policy = settings.get("SELINUXTYPE", "targeted")
    if not re.match(r"\A[a-zA-Z0-9_-]+\Z", policy):
        return ()
    contexts = _settings(root / "etc/selinux" / policy / "contexts/lxc_contexts")
    found = (contexts.get("process", ""), contexts.get("file", ""))
    return found if all(context.count(":") >= 3 for context in found) else ()


def _settings(path: Path) -> dict[str, str]:
    """The lines NAME=VALUE of a file, without quotes and comments. No file has none."""
    try:
        lines = path.read_text("utf-8", "replace").splitlines()
    except OSError:
        return {}
    parts = (line.partition("=") for line in lines if not line.lstrip().startswith("#"))
    return {name.strip(): value.strip().strip('"') for name, equals, value in parts if equals}


def _apparmor_is_on(root: Path) -> bool:
    try:
        return (root / "sys/module/apparmor/parameters/enabled").read_text("ascii")[:1] == "Y"
    except OSError:
        return False


def _load(layout: Layout, root: Path) -> bool:
    """Have our profile in the kernel. False where no tool can load it, as with Docker."""
    loaded = root / "sys/kernel/security/apparmor/profiles"
    try:
        names = loaded.read_text("utf-8", "replace").splitlines()
        if any(line.startswith(f"{PROFILE} ") for line in names):
            return True
    except OSError:
        # Where it cannot be seen whether it is there, it is loaded again.
        pass
    parser = process.which("apparmor_parser")
    if parser is None:
        return False
    # Compiling it costs half of what a start does: that is kept as long as the file is the same.
    path = layout.root / "apparmor" / PROFILE
    files.make_private(path.parent)
    if not _holds(path, PROFILE_TEXT):
        files.write_atomic(path, PROFILE_TEXT.encode())
    cache = f"--cache-loc={path.parent / 'cache'}"
    try:
        process.run([parser, "--replace", "--write-cache", cache, os.fspath(path)])
    except Error as exc:
        raise Error(f"the AppArmor profile of containers cannot be loaded: {exc}") from exc
    return True


def _holds(path: Path, text: str) -> bool:
    try:
        return path.read_text("utf-8", "replace") == text
    except OSError:
        return False


def prepare(layout: Layout, root: Path = Path("/")) -> None:
    """Load the profile before several containers start side by side, and each of them does it."""
    if _apparmor_is_on(root):
        _load(layout, root)
