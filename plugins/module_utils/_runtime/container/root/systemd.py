# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""systemd as the process of a container: what its Container Interface asks of whoever starts it.

https://systemd.io/CONTAINER_INTERFACE: tmpfs on /run, its own control groups writable, and
``container`` in its environment. Nothing of it needs a capability. The kernel's boot id is the
host's, so each run gets one of its own: it is how programs see that a machine has rebooted.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Callable, Collection, Iterator, Sequence
from pathlib import Path

from ...base.errors import Error
from ...base.layout import Layout
from ...kernel import cgroups, linux, safefs
from ...records import effective
from ...records.container_record import Record
from ...spec.container import CGROUPS, ContainerSpec, ImageDefaults, Mount, argv
from .mount_sources import COPY_UP

#: What a container is called that may be systemd; whether it is, its file says.
_INITS = ("/sbin/init", "/usr/sbin/init", "/usr/local/sbin/init")
_BOOT_ID = "/proc/sys/kernel/random/boot_id"
_UNIFIED, _NAMED = f"{CGROUPS}/unified", f"{CGROUPS}/systemd"
_FLAGS = linux.MS_NOSUID | linux.MS_NODEV | linux.MS_NOEXEC


def may_be_wanted(spec: ContainerSpec, image: ImageDefaults) -> bool:
    """Whether a container gets what systemd needs, if its command is systemd. Pure."""
    words = argv(spec, image)
    if spec.systemd or spec.init or spec.pid_mode or not words:
        return spec.systemd == "always"
    return words[0] in _INITS or os.path.basename(words[0]) == "systemd"


def is_systemd(tree: safefs.Root, spec: ContainerSpec, image: ImageDefaults) -> bool:
    """Whether the command that may be systemd is: busybox is an /sbin/init too."""
    command = argv(spec, image)[0]
    if "/" not in command:
        return True
    try:
        fd = tree.open(command, os.O_PATH)
    except Error:
        return False
    try:
        return os.path.basename(os.readlink(f"/proc/self/fd/{fd}")) == "systemd"
    finally:
        os.close(fd)


def environment(run: Record) -> dict[str, str]:
    """What tells systemd where it runs; the machine id of an image without one is made of it."""
    return {"container": "slipway", "container_uuid": run.id[:32]} if run.systemd else {}


def mounts(tree: safefs.Root, taken: Collection[str]) -> Iterator[Mount]:
    """Memory in the places that are empty after a boot, with what the image has there; not where
    the task mounts something.
    """
    for target in ("/run", "/run/lock", "/tmp", "/var/log/journal"):
        if target in taken:
            continue
        if tree.exists(target):
            found = tree.stat(target)
            like = (f"mode={stat.S_IMODE(found.st_mode):o}", f"gid={found.st_gid}")
            yield Mount("tmpfs", "", target, options=("exec", *like, COPY_UP))
        elif target in ("/run", "/run/lock"):
            yield Mount("tmpfs", "", target, options=("exec", "mode=755"))


def runtime_mounts(cgroup_v2: bool) -> str:
    """How the OCI runtime mounts the control groups of a container that writes its own: rw, ro, or
    "" for not at all (Place.cgroups). The rest of it is done by finish().
    """
    if cgroup_v2:
        return "rw"
    return "" if os.path.exists(f"{_UNIFIED}/cgroup.procs") else "ro"


def finish(layout: Layout, run: Record, spec: ContainerSpec, pid: int, cgroup_v2: bool) -> None:
    """Give a container that was created, and not started, what no OCI runtime mounts.

    A host with v1 has its own control group of the v2 side, without limits, as the only hierarchy,
    since newer versions of systemd know no other; without a v2 side it is the one named systemd.
    """
    places: list[tuple[str, str]] = []
    if run.systemd:
        import uuid

        own = layout.run_container(run.id) / "boot_id"
        own.write_text(f"{uuid.uuid4()}\n", "ascii")
        own.chmod(0o444)
        places.append((str(own), _BOOT_ID))
    if effective.writes_cgroups(spec, run) and not cgroup_v2:
        places.append(_own_group(run, pid))
    if places:
        _mount_inside(pid, places)


def _own_group(run: Record, pid: int) -> tuple[str, str]:
    """The directory of a container's own control group, and its place inside (cgroups(7))."""
    paths = {name: path for dummy, name, path in cgroups.of_process(pid)}
    for name, top, place in (("", _UNIFIED, CGROUPS), ("name=systemd", _NAMED, _NAMED)):
        path = paths.get(name, "/")
        # Where the runtime made none, the group is that of the host.
        if run.id in path and os.path.isdir(top + path):
            return top + path, place
    raise Error(
        f"container {run.name}: it cannot write control groups: this host has no hierarchy for it",
        hint="mount cgroup2 at /sys/fs/cgroup, or at /sys/fs/cgroup/unified beside v1",
    )


def _mount_inside(pid: int, places: Sequence[tuple[str, str]]) -> None:
    """Mount directories and files of the host in a process's mount namespace.

    A thread goes there, since a namespace is entered by threads, and none comes back. What the
    places are called is the kernel's: sysfs and procfs lie there, and nothing of an image.
    """

    def move() -> None:
        taken = [(linux.open_tree(Path(source)), target) for source, target in places]
        try:
            namespace = os.open(f"/proc/{pid}/ns/mnt", os.O_RDONLY | os.O_CLOEXEC)
            try:
                linux.unshare(linux.CLONE_FS)
                linux.setns(namespace, linux.CLONE_NEWNS)
            finally:
                os.close(namespace)
            for fd, target in taken:
                linux.move_mount(fd, Path(target))
                flags = linux.MS_REMOUNT | linux.MS_BIND | _FLAGS
                readonly = linux.MS_RDONLY if target == _BOOT_ID else 0
                linux.mount(None, target, None, flags | readonly)
        finally:
            for fd, dummy in taken:
                os.close(fd)

    _in_thread(move)


def _in_thread(work: Callable[[], None]) -> None:
    import threading

    failed: list[BaseException] = []

    def run() -> None:
        try:
            work()
        # Whatever it is, it is raised again where somebody waits for it.
        except BaseException as exc:  # pylint: disable=broad-exception-caught
            failed.append(exc)

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    thread.join()
    if failed:
        raise failed[0]
