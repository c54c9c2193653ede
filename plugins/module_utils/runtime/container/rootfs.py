# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The root filesystem of a container, furnished for a run: what is mounted, where, and who runs.

What is inside was made by somebody else: every path is resolved within the mounted root, by
descriptor (security.md 2.3), and nothing of it is executed.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import Optional

from .. import files, linux, safefs, snapshot
from ..errors import Error, NotFound
from ..image import layers, store
from ..layout import Layout
from ..network import names
from ..plan import Host
from ..volume import store as volumes
from ..volume.spec import Volume
from . import confinement, inspect, liveness, oci_runtime, surroundings, user
from .bundle import config, process
from .bundle.labels import labels
from .bundle.place import BindMount, Place
from .record import Record
from .spec import ContainerSpec, ImageDefaults, Mount
from .surroundings import INIT

_READ_ONLY = ("bind", "rprivate", "ro")


def path(layout: Layout, container_id: str) -> Path:
    """Where the root filesystem is mounted while the container runs."""
    return layout.run_container(container_id) / "rootfs"


def furnish(host: Host, run: Record, spec: ContainerSpec, image: ImageDefaults) -> None:
    """Mount the root, make in it what mounts and WORKDIR need, and write the OCI bundle.

    All of it lies below, or is mounted below, the run's directory. Raises Error naming what is
    missing.
    """
    layout = host.layout
    root = path(layout, run.id)
    files.make_private(root)
    lowers = _lowers(layout, run, spec)
    home = layout.container(run.id)
    snapshot.prepare_upper(home / "upper", lowers)
    enforced = confinement.enforced(layout, spec)
    context = labels(spec, run.id, enforced).mount
    snapshot.mount(lowers, home / "upper", home / "work", root, context)
    if spec.ipc_mode == "shareable":
        _mount_shm(surroundings.shm(layout, run.id), spec, context)
    names.prepare(layout, run.id, spec, run.attachments)
    hostname = (home / "hostname").read_text("utf-8").strip()
    mounts = inspect.mounts(spec, run, image)
    for mount in mounts:
        if mount.kind == "volume":
            _provide_volume(layout, mount, root)
    cgroup_v2 = oci_runtime.cgroup_v2()
    init = surroundings.init_program(spec)
    with safefs.Root(root) as tree:
        binds = (*_names(home), *(_bind(layout, spec, tree, mount) for mount in mounts))
        process.make_working_directory(tree, process.working_directory(spec, image))
        asked = image.user if spec.user is None else spec.user
        place = Place(
            id=run.id,
            rootfs=str(root),
            hostname=hostname,
            user=user.resolve(tree, asked, spec.groups),
            mounts=binds if init is None else (*binds, BindMount(init, INIT, _READ_ONLY)),
            cgroups_path=oci_runtime.cgroups_path(run.id, parent=spec.cgroup_parent),
            shared=surroundings.shared(layout, run.id, spec, cgroup_v2),
            capabilities=surroundings.capabilities(),
            devices=surroundings.devices(spec),
            numbers=surroundings.numbers(spec),
            lacking=surroundings.lacking(spec, cgroup_v2),
            enforced=enforced,
            init="" if init is None else INIT,
        )
    config.write(layout.run_container(run.id), config.config(spec, image, place))


def clear(layout: Layout, container_id: str) -> None:
    """Unmount what a run had mounted on the host. Nothing is a success."""
    snapshot.unmount(surroundings.shm(layout, container_id))
    snapshot.unmount(path(layout, container_id))


def _mount_shm(target: Path, spec: ContainerSpec, context: str) -> None:
    """Memory for /dev/shm that other containers can be given too."""
    files.make_private(target)
    labelled = f',context="{context}"' if context else ""
    flags = linux.MS_NOSUID | linux.MS_NODEV | linux.MS_NOEXEC
    options = f"mode=1777,size={spec.shm_size_bytes}{labelled}"
    linux.mount("tmpfs", target, "tmpfs", flags, options)


def _lowers(layout: Layout, run: Record, spec: ContainerSpec) -> list[Path]:
    """The layers, top first. One that was lost is unpacked again while the store has its blob."""
    if not all(layers.is_unpacked(layout, chain_id) for chain_id in run.layers):
        image = store.find(layout, spec.image_id)
        if image is None:
            raise Error(
                f"container {run.name}: a layer of its image {spec.image} is gone",
                hint="pull the image again",
            )
        store.ensure_unpacked(layout, image)
    return [layout.layer(chain_id) / "diff" for chain_id in reversed(run.layers)]


def _names(home: Path) -> Iterator[BindMount]:
    """The three files of names; a container's root may write them, as with Docker."""
    for name in ("resolv.conf", "hostname", "hosts"):
        yield BindMount(str(home / name), f"/etc/{name}", ("bind", "rprivate", "rw"))


def _provide_volume(layout: Layout, mount: Mount, root: Path) -> None:
    """A volume that somebody removed by hand comes back empty; a new one gets the image's files."""
    volumes.provide(layout, Volume(mount.source, liveness.now()))
    if mount.copy_up:
        volumes.fill(layout, mount.source, root, mount.target)


def _bind(layout: Layout, spec: ContainerSpec, tree: safefs.Root, mount: Mount) -> BindMount:
    """The bind mount of a volume or a host path, with the place it goes to made."""
    if mount.kind == "volume":
        source = volumes.data(layout, mount.source)
    elif mount.kind == "bind":
        source = _host_path(spec, mount)
    else:
        raise Error(f"container {spec.name}: a mount of kind {mount.kind} is not known")
    _make_target(spec, tree, mount.target, source.is_dir())
    options = ("rbind", mount.propagation, "ro" if mount.read_only else "rw")
    return BindMount(str(source), mount.target, options)


def _host_path(spec: ContainerSpec, mount: Mount) -> Path:
    """The source of a bind mount; a missing one becomes a directory, as for docker run -v."""
    source = Path(mount.source)
    try:
        if not os.path.lexists(source):
            # Readable for all, since whoever the container runs as is to use it.
            os.makedirs(source, exist_ok=True)
            source.chmod(0o755)
        source.stat()
    except OSError as exc:
        raise Error(
            f"container {spec.name}: {source} cannot be mounted at {mount.target}: {exc.strerror}"
        ) from exc
    return source.resolve()


def _make_target(spec: ContainerSpec, tree: safefs.Root, target: str, directory: bool) -> None:
    try:
        found: Optional[os.stat_result] = tree.stat(target)
    except NotFound:
        found = None
    if found is None and directory:
        tree.make_dirs(target)
    elif found is None:
        tree.make_dirs(os.path.dirname(target))
        tree.write_file(target, b"")
    elif stat.S_ISDIR(found.st_mode) != directory:
        have, want = ("a directory", "a file") if not directory else ("a file", "a directory")
        raise Error(
            f"container {spec.name}: {target} is {have} in the image, and {want} is to be mounted"
            " there"
        )
