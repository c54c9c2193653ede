# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The files of a container as it sees them, held by descriptor, whether it runs or not.

A running or paused container's root is that of its process, ``/proc/PID/root``, the process known
to be the one by a pidfd. That of another one is mounted for the moment (private_mount.py).

Everything below is untrusted: reach it through safefs only (docs/security.md).
"""

from __future__ import annotations

import contextlib
import os
import select
from collections.abc import Iterator
from pathlib import Path

from ...base.errors import Error, NotFound
from ...base.frozen import dataclass
from ...base.layout import Layout
from ...kernel import safefs
from ...plan.plan import Host
from ...records import container_record
from ...records.container_record import Record
from ..root import user
from ..status import liveness

#: What a runtime mounts there are not files of the container.
_SYSTEM = ("/proc", "/sys", "/dev", "/dev/shm", "/dev/mqueue", "/dev/pts", "/sys/fs/cgroup")

_PATH = os.O_PATH | os.O_CLOEXEC


@dataclass(frozen=True)
class Tree:
    """The root of a container. ``system`` are the filesystems (st_dev) of /proc, /sys and /dev,
    which a copy of everything passes over.
    """

    root: safefs.Root
    container: Record
    system: frozenset[int]

    def check(self, path: safefs.Name) -> None:
        """Refuse a path that leads into /proc, /sys or /dev: what lies there is the kernel's."""
        try:
            found = self.root.stat(path, follow=False)
        except NotFound:
            parent = os.fsencode(path).rstrip(b"/").rpartition(b"/")[0]
            try:
                found = self.root.stat(parent)
            except NotFound:
                return
        if found.st_dev in self.system:
            shown = os.fsencode(path).decode("utf-8", "backslashreplace")
            raise Error(
                f"{shown} in {self.root.path} is not a file of the container",
                hint="/proc, /sys and /dev belong to the kernel and cannot be copied",
            )


def user_ids(host: Host, tree: Tree) -> tuple[int, int]:
    """The uid and gid of the user the container runs as, by its own passwd and group."""
    spec = container_record.read_spec(host.layout, tree.container.id)
    text = spec.user
    if text is None:
        text = container_record.read_image(host.layout, tree.container.id).user
    return ids_of(tree.root, text)


def ids_of(root: safefs.Root, text: str) -> tuple[int, int]:
    """The uid and gid of a user as an image or a container names it."""
    found = user.resolve(root, text)
    return found.uid, found.gid


@contextlib.contextmanager
def observed(host: Host, container_id: str) -> Iterator[Tree]:
    """The files of a container to be read while it keeps running. Nothing of it changes."""
    found = liveness.current(host.layout, container_id)
    with contextlib.ExitStack() as stack:
        if found.phase in container_record.LIVE:
            top = stack.enter_context(of_process(host.layout, found))
        else:
            # What mounts costs time to import, and most containers run.
            from . import private_mount

            top = stack.enter_context(private_mount.mounted(host, found, write=False))
        yield stack.enter_context(held(top, found))


@contextlib.contextmanager
def held(top: Path, found: Record) -> Iterator[Tree]:
    """A container's root at a path, opened."""
    with safefs.Root(top, label=f"container {found.name}") as root:
        own = os.fstat(root.fd).st_dev
        system = set()
        for path in _SYSTEM:
            with contextlib.suppress(Error):
                system.add(root.stat(path).st_dev)
        yield Tree(root, found, frozenset(system - {own}))


@contextlib.contextmanager
def of_process(layout: Layout, found: Record) -> Iterator[Path]:
    """The root of a running container's process, by a descriptor that stays its own."""
    gone = Error(f"container {found.name} stopped in the meantime", hint="try again")
    with contextlib.ExitStack() as held:
        try:
            process = os.pidfd_open(found.pid)
            held.callback(os.close, process)
            top = os.open(f"/proc/{found.pid}/root", _PATH | os.O_DIRECTORY)
            held.callback(os.close, top)
        except (FileNotFoundError, ProcessLookupError) as exc:
            raise gone from exc
        # The pid may have gone to another process before it was held, and not since.
        poll = select.poll()
        poll.register(process, select.POLLIN)
        if not liveness.is_running(layout, found) or poll.poll(0):
            raise gone
        yield Path(f"/proc/self/fd/{top}")
