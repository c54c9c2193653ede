# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The root filesystem of a container, prepared for a run: what is mounted, where, and who runs.

The content is untrusted: every path is resolved within the mounted root, by descriptor
(docs/security.md), and nothing of it is executed.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Optional

from ...base import files
from ...base.errors import Error
from ...base.layout import Layout
from ...image.store import layers, store
from ...kernel import linux, safefs
from ...network.names import zones
from ...plan.plan import Host
from ...records import effective
from ...records.container_record import Record
from ...spec.container import ContainerSpec, ImageDefaults
from ...tree import selinux, snapshot
from ..bundle import config, process
from ..bundle.labels import labels
from ..bundle.place import BindMount, Place
from ..engine import cgroup_layout, io_weight
from . import (
    confinement,
    host_support,
    memory_files,
    mount_assembly,
    mounting,
    systemd,
    user,
)
from .host_support import INIT

_READ_ONLY = ("bind", "rprivate", "ro")


def path(layout: Layout, container_id: str) -> Path:
    """Where the root filesystem is mounted while the container runs."""
    return layout.run_container(container_id) / "rootfs"


def furnish(
    host: Host,
    run: Record,
    spec: ContainerSpec,
    image: ImageDefaults,
    env: Optional[Mapping[str, str]] = None,
) -> None:
    """Mount the root, make in it what mounts and WORKDIR need, and write the OCI bundle. ``env``
    comes on top of the container's own variables.

    All of it is below, or is mounted below, the run's directory. Raises Error naming what is
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
        _mount_shm(host_support.shm(layout, run.id), spec, context)
    zones.prepare(layout, run.id, spec, run.attachments)
    if spec.uts_mode == "host":
        (home / "hostname").write_text(f"{os.uname().nodename}\n", "utf-8")
    label_names(home, context)
    hostname = (home / "hostname").read_text("utf-8").strip()
    cgroup_v2 = cgroup_layout.is_v2()
    writes_cgroups = effective.writes_cgroups(spec, run)
    init = host_support.init_program(spec)
    with safefs.Root(root) as tree:
        asked_for = effective.mounts(spec, run, image)
        if run.systemd:
            taken = {mounting.locate(tree, mount.target)[0] for mount in asked_for}
            asked_for = (*asked_for, *systemd.mounts(tree, taken))
        held = memory_files.mounts(spec, mounting.stages(layout, run.id))
        asked_for = (*asked_for, *held)
        mounts = mounting.prepare(layout, run, spec, asked_for, tree, context)
        process.make_working_directory(tree, process.working_directory(spec, image))
        asked = image.user if spec.user is None else spec.user
        place = Place(
            id=run.id,
            rootfs=str(root),
            hostname=hostname,
            user=user.resolve(tree, asked, spec.groups),
            mounts=mounts if init is None else (*mounts, BindMount(init, INIT, _READ_ONLY)),
            cgroups_path=cgroup_layout.path(run.id, parent=spec.cgroup_parent),
            shared=host_support.shared(layout, run.id, spec, cgroup_v2, writes_cgroups),
            capabilities=host_support.capabilities(),
            devices=host_support.devices(spec, run.systemd),
            numbers=host_support.numbers(spec),
            lacking=host_support.lacking(spec, cgroup_v2),
            enforced=enforced,
            init="" if init is None else INIT,
            env=env or {},
            cgroups=systemd.runtime_mounts(cgroup_v2) if writes_cgroups else "ro",
            environment=systemd.environment(run),
        )
    config.write(layout.run_container(run.id), config.config(io_weight.without(spec), image, place))


def label_names(home: Path, context: str) -> None:
    """Let a container with a label of SELinux read and write its three files of names."""
    for name in ("resolv.conf", "hostname", "hosts") if context else ():
        fd = os.open(home / name, os.O_PATH | os.O_NOFOLLOW | os.O_CLOEXEC)
        try:
            selinux.set_label(fd, context)
        finally:
            os.close(fd)


def clear(layout: Layout, container_id: str) -> None:
    """Unmount what a run had mounted on the host. Nothing is a success."""
    mount_assembly.clear(mounting.stages(layout, container_id))
    snapshot.unmount(host_support.shm(layout, container_id))
    snapshot.unmount(path(layout, container_id))
    _clear_copies(layout, container_id)


def _clear_copies(layout: Layout, container_id: str) -> None:
    """Unmount what a container that mounts / of the host, put together on the host, has of this
    one: as long as that is there, its places cannot be removed.
    """
    own = f"{layout.run_container(container_id)}/"
    copies = [
        entry.target
        for entry in linux.mountinfo()
        if entry.target.startswith(f"{layout.run_containers}/") and own in entry.target[1:]
    ]
    for target in sorted(copies, key=len, reverse=True):
        snapshot.unmount(Path(target))


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
                f"container {run.name}: a layer of its image {spec.image} is missing",
                hint="pull the image again",
            )
        store.ensure_unpacked(layout, image)
    return [layout.layer(chain_id) / "diff" for chain_id in reversed(run.layers)]
