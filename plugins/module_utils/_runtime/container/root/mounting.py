# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Where the mounts of a container really are, and what the OCI runtime is told about them.

The root filesystem is untrusted, and other containers write to volumes. So every target is resolved
within the root before anything is mounted, links and all, and the runtime gets the resolved place:
nothing follows a link of an image after us. A mount inside another mount is assembled by descriptor
(mount_assembly.py), and the runtime binds the whole.
"""

from __future__ import annotations

import contextlib
import os
import stat
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Optional

from ...base.errors import Error, NotFound
from ...base.frozen import changing, field
from ...base.layout import Layout
from ...kernel import safefs
from ...records.container_record import Record
from ...spec.container import ContainerSpec, Mount
from ..bundle.place import BindMount
from . import mount_assembly, mount_sources
from .mount_sources import Source

#: What the kernel or the runtime mounts at these, so nothing is made there in the root itself.
_MADE_BY_RUNTIME = ("/dev/", "/sys/", "/proc/")
_SHARED = ("shared", "rshared")


@changing
class _Placed:
    """A mount with its source and the place it really lies at; ``inner`` lie inside it."""

    mount: Mount
    where: str
    source: Optional[Source]
    inner: list[_Placed] = field(default_factory=list)

    def holds(self, where: str) -> bool:
        return where.startswith(self.where.rstrip("/") + "/")

    @property
    def is_open(self) -> bool:
        """Whether what lies inside is the runtime's to mount: in a tmpfs nobody has been before it,
        and what is mounted in a shared mount has to be seen on the host.
        """
        return self.mount.kind == "tmpfs" or self.mount.propagation in _SHARED


def stages(layout: Layout, container_id: str) -> Path:
    """Where the mounts of a run are put together."""
    return layout.run_container(container_id) / "mounts"


def prepare(
    layout: Layout,
    run: Record,
    spec: ContainerSpec,
    mounts: Sequence[Mount],
    tree: safefs.Root,
    context: str,
) -> tuple[BindMount, ...]:
    """Find what is mounted, make the places for it, and say what the runtime has to do.

    ``tree`` is the mounted root, ``context`` the SELinux label of the container's files. Raises
    Error naming the container and the mount.
    """
    home = layout.container(run.id)
    names = [
        Mount("bind", str(home / name), f"/etc/{name}", create_source=False)
        for name in ("resolv.conf", "hostname", "hosts")
    ]
    for mount in mounts:
        if mount.kind == "volume":
            mount_sources.provide_volume(layout, mount, Path(tree.path))
    with contextlib.ExitStack() as opened:
        units: list[_Placed] = []
        everything: list[_Placed] = []
        asked = [(locate(tree, mount.target)[0], mount) for mount in mounts]
        taken = {where for where, dummy in asked}
        asked += [(name.target, name) for name in names if name.target not in taken]
        for where, mount in sorted(asked, key=lambda pair: pair[0].count("/")):
            source = None
            if mount.kind != "tmpfs":
                place = stages(layout, run.id)
                source = mount_sources.find(layout, run, spec, mount, place, context)
                opened.callback(os.close, source.fd)
            placed = _Placed(mount, where, source)
            around = _around(everything, where)
            everything.append(placed)
            if around is None or around.is_open:
                if around is None:
                    _make_target(spec, tree, placed)
                units.append(placed)
            else:
                around.inner.append(placed)
        return tuple(_told(stages(layout, run.id), spec, unit) for unit in units)


def _around(everything: Sequence[_Placed], where: str) -> Optional[_Placed]:
    """The innermost mount that contains a path."""
    found = [placed for placed in everything if placed.holds(where)]
    return max(found, key=lambda placed: len(placed.where)) if found else None


def locate(tree: safefs.Root, target: str) -> tuple[str, Optional[os.stat_result]]:
    """Where a path of the container leads within its root, and what is there: links are resolved as
    far as there is something.
    """
    try:
        fd = tree.open(target, os.O_PATH)
    except NotFound:
        head, tail = os.path.split(target.rstrip("/"))
        return os.path.join(locate(tree, head or "/")[0], tail), None
    try:
        top, found = (os.readlink(f"/proc/self/fd/{number}") for number in (tree.fd, fd))
        return os.path.normpath("/" + os.path.relpath(found, top)), os.fstat(fd)
    finally:
        os.close(fd)


def _make_target(spec: ContainerSpec, tree: safefs.Root, placed: _Placed) -> None:
    """Make the place of a mount in the root, and see where it is then: a link that led nowhere
    leads to what was made.
    """
    target, mount = placed.where, placed.mount
    if target.startswith(_MADE_BY_RUNTIME):
        return
    directory = placed.source is None or placed.source.is_directory
    found = locate(tree, target)[1]
    if found is not None and stat.S_ISDIR(found.st_mode) != directory:
        have, want = ("a directory", "a file") if not directory else ("a file", "a directory")
        raise Error(
            f"container {spec.name}: {mount.target} is {have} in the image, but the "
            f"source is {want}"
        )
    if found is None:
        tree.make_dirs(os.path.dirname(target))
        if not directory:
            tree.write_file(target, b"")
        else:
            # A tmpfs takes over the mode of the directory that it is mounted on.
            tree.make_dirs(target, 0o755 if placed.source is not None else 0o1777)
    placed.where = locate(tree, target)[0]


def _told(directory: Path, spec: ContainerSpec, unit: _Placed) -> BindMount:
    """What the runtime mounts: the source itself, or what was put together of it."""
    mount = unit.mount
    if unit.source is None:
        words = mount_sources.tmpfs_words(mount)
        if mount_sources.COPY_UP in words or not any(word.startswith("mode=") for word in words):
            return BindMount("tmpfs", unit.where, words, "tmpfs")
        # runc gives it the mode of the image's directory, whatever is said.
        path = str(_staged(directory, spec, unit))
    elif unit.inner or not unit.source.path or _is_deep(unit):
        path = str(_assembled(directory, spec, unit))
    else:
        path = unit.source.path
    options = ["rbind" if mount.recursive or unit.inner else "bind", mount.propagation]
    # Runtimes give the mount these flags and no others, so what its source has it would lose: the
    # read-only of a volume with o: bind,ro too.
    read_only = mount.read_only or mount_sources.is_read_only(path)
    options += ["ro" if read_only else "rw", *mount_sources.flags(path)]
    return BindMount(path, unit.where, tuple(options))


def _is_deep(placed: _Placed) -> bool:
    """Whether a read-only mount has others below it, which are to be read-only too."""
    mount, source = placed.mount, placed.source
    return (
        mount.kind == "bind"
        and mount.read_only
        and mount.recursive
        and mount.read_only_recursive != "no"
        and mount.propagation not in _SHARED
        and source is not None
        and mount_sources.has_mounts_below(source.path)
    )


def _assembled(directory: Path, spec: ContainerSpec, unit: _Placed) -> Path:
    """A mount with all that lies inside it."""
    top = _staged(directory, spec, unit)
    for placed in _inside(unit):
        mounted = _staged(directory, spec, placed)
        try:
            mount_assembly.attach(top, os.path.relpath(placed.where, unit.where), mounted)
        except OSError as exc:
            raise mount_sources.explain(spec, placed.mount, exc) from exc
    return top


def _staged(directory: Path, spec: ContainerSpec, placed: _Placed) -> Path:
    mount = placed.mount
    try:
        if placed.source is None:
            place = mount_assembly.new(directory)
            mount_sources.mount_tmpfs(mount, place)
            return place
        follow = mount.propagation in ("slave", "rslave")
        place = mount_assembly.bind(directory, placed.source.fd, mount.recursive, follow)
        deep = _is_deep(placed)
        whole = not mount.read_only or mount_assembly.make_read_only(place, deep)
        if not whole and mount.read_only_recursive == "force":
            raise Error(
                f"container {spec.name}: {mount.source} contains other mounts, and "
                f"this kernel cannot"
                " make them read-only",
                hint="Linux 5.12 or newer is required; omit read_only_force_recursive",
            )
        return place
    except OSError as exc:
        raise mount_sources.explain(spec, mount, exc) from exc


def _inside(unit: _Placed) -> Iterator[_Placed]:
    """Everything inside a mount, outer ones first."""
    for placed in sorted(unit.inner, key=lambda inner: inner.where.count("/")):
        yield placed
        yield from _inside(placed)
