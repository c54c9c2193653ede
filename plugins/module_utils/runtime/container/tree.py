# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The files of a container as it sees them, held by descriptor, whether it runs or not.

A running or paused container's root is that of its process, ``/proc/PID/root``, the process known
to be the one by a pidfd. Of another one, the root and its volumes are mounted for the moment in a
mount namespace that only a thread of ours is in: the host sees nothing of it, and the kernel takes
it away with us however we end.

Everything below was made by somebody else: reach it through safefs only (security.md 2.3).
"""

from __future__ import annotations

import contextlib
import os
import select
import stat
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Optional

from .. import document, files, linux, safefs, snapshot
from ..errors import Error, NotFound
from ..frozen import dataclass
from ..image.store import Image
from ..layout import Layout
from ..plan import Host
from ..volume import store as volumes
from . import inspect, journal, liveness, oci_runtime, record, sources, user
from .incarnation import locked
from .record import Record
from .spec import Mount

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
                f"{shown} in {self.root.path} is no file of the container",
                hint="what lies in /proc, /sys and /dev is the kernel's and cannot be copied",
            )


def foreseen(host: Host, name: str) -> Optional[Record]:
    """The record of a container whose files can be read; None when an earlier task of the same
    check-mode run would make it, or put another one in its place.

    Raises NotFound when there is none, or would be none by then.
    """
    predicted = host.predicted.get("container", {})
    gone = NotFound(f"there is no container {name[:128]!r}")
    if name in predicted and predicted[name] is None:
        raise gone
    try:
        container_id = record.identify(host.layout, name)
        found = record.read_record(host.layout, container_id)
        spec = record.read_spec(host.layout, container_id)
    except NotFound:
        if predicted.get(name) is not None:
            return None
        raise
    value = predicted.get(found.name)
    if found.name in predicted and value is None:
        raise gone
    if value is not None and value.get("spec") != document.to_json(spec):
        return None
    return found


def user_ids(host: Host, tree: Tree) -> tuple[int, int]:
    """The uid and gid of the user the container runs as, by its own passwd and group."""
    spec = record.read_spec(host.layout, tree.container.id)
    text = spec.user
    if text is None:
        text = record.read_image(host.layout, tree.container.id).user
    return ids_of(tree.root, text)


def ids_of(root: safefs.Root, text: str) -> tuple[int, int]:
    """The uid and gid of a user as an image or a container names it."""
    found = user.resolve(root, text)
    return found.uid, found.gid


@contextlib.contextmanager
def of_image(host: Host, image: Image, name: str) -> Iterator[safefs.Root]:
    """What the root of a container ``name`` made from an image will be."""
    with contextlib.ExitStack() as stack:
        scratch = stack.enter_context(files.scratch(host.layout, "root"))
        for directory in ("rootfs", "upper", "work"):
            (scratch / directory).mkdir()
        lowers = [host.layout.layer(chain_id) / "diff" for chain_id in reversed(image.chain_ids)]
        snapshot.prepare_upper(scratch / "upper", lowers)
        target = scratch / "rootfs"

        def mount() -> int:
            snapshot.mount(lowers, scratch / "upper", scratch / "work", target)
            return os.open(target, _PATH | os.O_DIRECTORY)

        top = stack.enter_context(_elsewhere(mount, target))
        yield stack.enter_context(safefs.Root(f"/proc/self/fd/{top}", label=f"container {name}"))


@contextlib.contextmanager
def observed(host: Host, container_id: str) -> Iterator[Tree]:
    """The files of a container to be read while it goes on. Nothing of it changes."""
    found = liveness.current(host.layout, container_id)
    with contextlib.ExitStack() as stack:
        if found.phase in liveness.LIVE:
            top = stack.enter_context(_of_process(host.layout, found))
        else:
            top = stack.enter_context(_mounted(host, found, write=False))
        yield stack.enter_context(_held(top, found))


@contextlib.contextmanager
def still(host: Host, container_id: str, write: bool) -> Iterator[Tree]:
    """The files of a container while none of its processes moves: frozen, or kept from starting.

    Its lock is held meanwhile. ``write`` mounts what does not run so that it can be changed.
    """
    with locked(host, container_id) as found, contextlib.ExitStack() as stack:
        if found.phase == "removing":
            raise Error(f"container {found.name} is being removed")
        if liveness.is_running(host.layout, found):
            stack.enter_context(frozen(host, found.id))
            top = stack.enter_context(_of_process(host.layout, found))
        else:
            top = stack.enter_context(_mounted(host, found, write))
        yield stack.enter_context(_held(top, found))


@contextlib.contextmanager
def root_only(host: Host, container_id: str) -> Iterator[int]:
    """A descriptor of a container's root filesystem without anything mounted in it.

    That of one that runs changes meanwhile; one that does not is kept from starting.
    """
    with contextlib.ExitStack() as stack:
        found = stack.enter_context(_unless_running(host, container_id))
        if found is None:
            top = host.layout.run_container(container_id) / "rootfs"
        else:
            top = stack.enter_context(_mounted(host, found, write=False, with_volumes=False))
        fd = os.open(top, _PATH | os.O_DIRECTORY)
        stack.callback(os.close, fd)
        yield fd


@contextlib.contextmanager
def _unless_running(host: Host, container_id: str) -> Iterator[Optional[Record]]:
    """The record of a container, its lock held, or None for one that runs, without the lock."""
    with locked(host, container_id) as found:
        if not liveness.is_running(host.layout, found):
            yield found
            return
    yield None


@contextlib.contextmanager
def frozen(host: Host, container_id: str) -> Iterator[None]:
    """The container's processes frozen for the block; one that was paused before stays so."""
    made_by = record.read_record(host.layout, container_id).runtime
    runtime = oci_runtime.choose(host.layout, made_by)
    status = oci_runtime.state(runtime, container_id)
    paused = status is not None and status.get("status") == "paused"
    if status is None or (paused and not journal.left_frozen(host.layout, container_id)):
        yield
        return
    # Written down first, so that it goes on if we are killed meanwhile.
    with journal.freezing(host.layout, container_id):
        if not paused:
            oci_runtime.pause(runtime, container_id)
        try:
            yield
        finally:
            oci_runtime.resume(runtime, container_id)


@contextlib.contextmanager
def _held(top: Path, found: Record) -> Iterator[Tree]:
    with safefs.Root(top, label=f"container {found.name}") as root:
        own = os.fstat(root.fd).st_dev
        system = set()
        for path in _SYSTEM:
            with contextlib.suppress(Error):
                system.add(root.stat(path).st_dev)
        yield Tree(root, found, frozenset(system - {own}))


@contextlib.contextmanager
def _of_process(layout: Layout, found: Record) -> Iterator[Path]:
    """The root of a running container's process, by a descriptor that stays its own."""
    gone = Error(f"container {found.name} stopped meanwhile", hint="try again")
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


# --- a container that does not run --------------------------------------------------------------


@contextlib.contextmanager
def _mounted(host: Host, found: Record, write: bool, with_volumes: bool = True) -> Iterator[Path]:
    """The root of a container that does not run, mounted where nobody else sees it.

    Without ``write``, what is changed in it goes to a place of its own and is forgotten.
    """
    layout = host.layout
    lowers = [layout.layer(chain_id) / "diff" for chain_id in reversed(found.layers)]
    home = layout.container(found.id)
    with files.scratch(layout, "root") as scratch:
        target = scratch / "rootfs"
        target.mkdir()
        upper, work = home / "upper", home / "work"
        if not write:
            lowers, upper, work = [upper, *lowers], scratch / "upper", scratch / "work"
            upper.mkdir()
            work.mkdir()
            found_mode = os.stat(lowers[0])
            os.chown(upper, found_mode.st_uid, found_mode.st_gid)
            upper.chmod(stat.S_IMODE(found_mode.st_mode))

        def mount() -> int:
            snapshot.mount(lowers, upper, work, target)
            if with_volumes:
                _mount_volumes(layout, found, target, write)
            return os.open(target, _PATH | os.O_DIRECTORY)

        with _elsewhere(mount, target) as top:
            yield Path(f"/proc/self/fd/{top}")


@contextlib.contextmanager
def _elsewhere(mount: Callable[[], int], target: Path) -> Iterator[int]:
    """Call a function that mounts at ``target`` in a thread with a mount namespace of its own.

    The namespace lasts for the block and ends with the thread, however that ends. Yields the
    descriptor the function returned.
    """
    made: list[int] = []
    failed: list[BaseException] = []
    ready, done = threading.Event(), threading.Event()

    def hold() -> None:
        try:
            linux.unshare(linux.CLONE_NEWNS)
            # Otherwise the host would see what is mounted below its shared mounts.
            linux.mount(None, "/", None, linux.MS_REC | linux.MS_PRIVATE)
            made.append(mount())
        # Whatever it is, it is raised again where somebody waits for it.
        except BaseException as exc:  # pylint: disable=broad-exception-caught
            failed.append(exc)
        ready.set()
        done.wait()
        # The kernel would do so too, but some time later, and the next mount may come before.
        with contextlib.suppress(OSError):
            linux.umount2(target, linux.MNT_DETACH | linux.UMOUNT_NOFOLLOW)

    holder = threading.Thread(target=hold, daemon=True)
    holder.start()
    ready.wait()
    try:
        if failed:
            raise failed[0]
        yield made[0]
    finally:
        for fd in made:
            os.close(fd)
        done.set()
        holder.join()


def _mount_volumes(layout: Layout, found: Record, target: Path, write: bool) -> None:
    """Mount what is kept outside a container's root and lasts: volumes, binds, files of names."""
    spec = record.read_spec(layout, found.id)
    image = record.read_image(layout, found.id)
    with safefs.Root(target) as tree:
        for name in ("resolv.conf", "hostname", "hosts"):
            source = layout.container(found.id) / name
            if source.is_file():
                _bind(tree, source, f"/etc/{name}", read_only=False)
        for mount in inspect.mounts(spec, found, image):
            with contextlib.ExitStack() as held:
                kept = _source(layout, tree, mount, target, write, held)
                if kept is not None:
                    _bind(tree, kept, mount.target, mount.read_only)


def _source(
    layout: Layout,
    tree: safefs.Root,
    mount: Mount,
    target: Path,
    write: bool,
    held: contextlib.ExitStack,
) -> Optional[Path]:
    """What a mount shows, None for what holds nothing while the container does not run: a tmpfs,
    a source that is not there, a volume that its first start will fill. Images cannot be written.
    """
    if mount.kind == "bind":
        source = Path(mount.source).resolve()
    elif mount.kind == "volume":
        known = volumes.find(layout, mount.source)
        if write:
            sources.provide_volume(layout, mount, target)
        elif known is not None and known.driver_options:
            volumes.provide(layout, known)
        source = volumes.data(layout, mount.source)
        first = mount.copy_up and not mount.subpath and tree.exists(mount.target)
        if not write and first and source.exists() and not any(source.iterdir()):
            return None
    else:
        return None
    if not source.exists() or not mount.subpath:
        return source if source.exists() else None
    with safefs.Root(source) as top:
        if not top.exists(mount.subpath):
            return None
        part = top.open(mount.subpath, os.O_PATH)
    held.callback(os.close, part)
    return Path(f"/proc/self/fd/{part}")


def _bind(tree: safefs.Root, source: Path, target: str, read_only: bool) -> None:
    directory = source.is_dir()
    if not tree.exists(target):
        if not directory:
            tree.make_dirs(os.path.dirname(target))
            tree.write_file(target, b"")
        else:
            tree.make_dirs(target)
    place = tree.open(target, os.O_PATH)
    try:
        if stat.S_ISDIR(os.fstat(place).st_mode) == directory:
            linux.mount(source, f"/proc/self/fd/{place}", None, linux.MS_BIND | linux.MS_REC)
    finally:
        os.close(place)
    if read_only:
        place = tree.open(target, os.O_PATH)
        try:
            flags = linux.MS_BIND | linux.MS_REMOUNT | linux.MS_RDONLY
            linux.mount(None, f"/proc/self/fd/{place}", None, flags)
        finally:
            os.close(place)
