# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The root of a stopped container and its volumes, mounted where nothing else sees it.

A thread of ours is in a mount namespace that only it is in: the host sees nothing of what is
mounted there, and the kernel removes it with us, however we exit.
"""

from __future__ import annotations

import contextlib
import os
import stat
import threading
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Optional

from ...base import files
from ...base.layout import Layout
from ...image.store import store
from ...image.store.store import Image
from ...kernel import linux, safefs
from ...plan.plan import Host
from ...records import container_record, effective, foreseen
from ...records.container_record import Record
from ...spec.container import ContainerSpec, Mount
from ...tree import snapshot
from ...volume import store as volumes
from ..root import mount_sources

_PATH = os.O_PATH | os.O_CLOEXEC


@contextlib.contextmanager
def mounted(host: Host, found: Record, write: bool, with_volumes: bool = True) -> Iterator[Path]:
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
            _resemble(upper, lowers[0])

        def mount() -> int:
            snapshot.mount(lowers, upper, work, target)
            if with_volumes:
                _mount_volumes(layout, found, target, write)
            return os.open(target, _PATH | os.O_DIRECTORY)

        with _elsewhere(mount, target) as top:
            yield Path(f"/proc/self/fd/{top}")


@contextlib.contextmanager
def of_image(
    host: Host, image: Image, name: str, spec: Optional[ContainerSpec] = None
) -> Iterator[safefs.Root]:
    """What the root of a container ``name`` to be made from an image will be; with ``spec`` what
    it mounts is there too, as far as it can be known.
    """
    with contextlib.ExitStack() as stack:
        scratch = stack.enter_context(files.scratch(host.layout, "root"))
        for directory in ("rootfs", "upper", "work"):
            (scratch / directory).mkdir()
        lowers = [host.layout.layer(chain_id) / "diff" for chain_id in reversed(image.chain_ids)]
        snapshot.prepare_upper(scratch / "upper", lowers)
        target = scratch / "rootfs"

        def mount() -> int:
            snapshot.mount(lowers, scratch / "upper", scratch / "work", target)
            if spec is not None:
                _mount_foreseen(host, image, spec, target)
            return os.open(target, _PATH | os.O_DIRECTORY)

        top = stack.enter_context(_elsewhere(mount, target))
        yield stack.enter_context(safefs.Root(f"/proc/self/fd/{top}", label=f"container {name}"))


@contextlib.contextmanager
def layered(
    host: Host, chain_ids: Sequence[str], upper: Path, work: Path, label: str
) -> Iterator[safefs.Root]:
    """Layers (bottom first) with what is written into ``upper``, for who makes a new layer.

    A new upper directory gets the attributes of the layer's top below it.
    """
    lowers = [host.layout.layer(chain_id) / "diff" for chain_id in reversed(chain_ids)]
    with contextlib.ExitStack() as stack:
        target = stack.enter_context(files.scratch(host.layout, "root")) / "rootfs"
        target.mkdir()
        if lowers:
            _resemble(upper, lowers[0])

        def mount() -> int:
            snapshot.mount(lowers, upper, work, target)
            return os.open(target, _PATH | os.O_DIRECTORY)

        top = stack.enter_context(_elsewhere(mount, target))
        yield stack.enter_context(safefs.Root(f"/proc/self/fd/{top}", label=label))


@contextlib.contextmanager
def shown(host: Host, chain_ids: Sequence[str], label: str) -> Iterator[safefs.Root]:
    """Layers (bottom first) for who only reads."""
    lowers = [host.layout.layer(chain_id) / "diff" for chain_id in reversed(chain_ids)]
    with contextlib.ExitStack() as stack:
        scratch = stack.enter_context(files.scratch(host.layout, "root"))
        target, empty = scratch / "rootfs", scratch / "empty"
        target.mkdir()
        empty.mkdir(mode=0o755)

        def mount() -> int:
            snapshot.mount_read_only(lowers, empty, target)
            return os.open(target, _PATH | os.O_DIRECTORY)

        top = stack.enter_context(_elsewhere(mount, target))
        yield stack.enter_context(safefs.Root(f"/proc/self/fd/{top}", label=label))


def _resemble(upper: Path, below: Path) -> None:
    """overlayfs shows the upper directory's own owner and mode at the top."""
    found = os.stat(below)
    os.chown(upper, found.st_uid, found.st_gid)
    upper.chmod(stat.S_IMODE(found.st_mode))


def _mount_foreseen(host: Host, image: Image, spec: ContainerSpec, target: Path) -> None:
    """Mount what a container to be made mounts. What cannot be mounted yet is an empty place."""
    told = foreseen.told_volumes(host)
    places = list(store.defaults(image).volumes)
    with safefs.Root(target) as tree:
        for one in sorted(spec.mounts, key=lambda mount: mount.target):
            # A volume that an earlier task would make, or make again, is empty.
            if one.kind != "volume" or one.source not in told:
                _show(host.layout, tree, one, target, write=False)
            places.append(one.target)
        for path in places:
            if not tree.exists(path):
                tree.make_dirs(path)


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
    spec = container_record.read_spec(layout, found.id)
    image = container_record.read_image(layout, found.id)
    with safefs.Root(target) as tree:
        for name in ("resolv.conf", "hostname", "hosts"):
            source = layout.container(found.id) / name
            if source.is_file():
                _bind(tree, source, f"/etc/{name}", read_only=False)
        for mount in effective.mounts(spec, found, image):
            _show(layout, tree, mount, target, write)


def _show(layout: Layout, tree: safefs.Root, mount: Mount, target: Path, write: bool) -> None:
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
            mount_sources.provide_volume(layout, mount, target)
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
