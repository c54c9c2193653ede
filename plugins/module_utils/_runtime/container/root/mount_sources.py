# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a container mounts, found on the host or made: paths, volumes, images."""

from __future__ import annotations

import errno
import os
import stat
from pathlib import Path

from ...base import clock, files
from ...base.errors import Error, NotFound
from ...base.frozen import dataclass
from ...base.layout import Layout
from ...image.store import layers, store
from ...kernel import linux, safefs
from ...records.container_record import Record
from ...spec.container import ContainerSpec, Mount, is_socket
from ...spec.volume import Volume
from ...tree import selinux, snapshot
from ...volume import local
from ...volume import store as volumes
from . import mount_assembly

#: What has OCI runtimes fill a tmpfs with what the image has in its place; no option says it.
COPY_UP = "tmpcopyup"


@dataclass(frozen=True)
class Source:
    """What is to be mounted: a descriptor of it, which its finder closes, and the path that leads
    there without anything in between that a container could change; "" when none does.
    """

    fd: int
    path: str = ""

    @property
    def is_directory(self) -> bool:
        return stat.S_ISDIR(os.fstat(self.fd).st_mode)


def find(
    layout: Layout, run: Record, spec: ContainerSpec, mount: Mount, stages: Path, context: str
) -> Source:
    """The source of a mount of any kind but tmpfs. Raises Error naming the container.

    ``context`` is the SELinux label of the container's files, "" where there are none.
    """
    if mount.kind == "bind":
        path = host_path(spec, mount)
        if mount.propagation in ("shared", "rshared"):
            check_shared(spec, mount, path)
        source = Source(os.open(path, os.O_PATH | os.O_CLOEXEC), path)
    elif mount.kind == "volume":
        directory = volumes.data(layout, mount.source)
        flags = os.O_PATH | os.O_NOFOLLOW | os.O_DIRECTORY | os.O_CLOEXEC
        source = Source(os.open(directory, flags), str(directory))
    elif mount.kind == "image":
        place = mount_assembly.new(stages)
        snapshot.mount_read_only(_lowers(layout, run, mount), _empty(layout, run), place)
        source = Source(os.open(place, os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC), str(place))
    else:
        raise Error(f"container {spec.name}: unknown kind of mount: {mount.kind}")
    if mount.relabel:
        selinux.relabel(source.fd, mount.source, context, private=mount.relabel == "Z")
    elif mount.kind == "volume":
        # Docker's rule: a volume is for containers, so every one of them may use it.
        selinux.share(source.fd, context)
    return _part(spec, mount, source) if mount.subpath else source


def provide_volume(layout: Layout, mount: Mount, root: Path) -> None:
    """A volume that somebody removed by hand comes back empty; a new one gets the image's files."""
    made = Volume(
        mount.source, clock.now(), driver_options=mount.driver_options, labels=mount.labels
    )
    volumes.provide(layout, made)
    if mount.copy_up and not mount.subpath:
        volumes.fill(layout, mount.source, root, mount.target)


def _part(spec: ContainerSpec, mount: Mount, whole: Source) -> Source:
    """A part of a volume or image. It is looked for within its top, whatever links lie there."""
    try:
        with safefs.Root(f"/proc/self/fd/{whole.fd}") as tree:
            return Source(tree.open(mount.subpath, os.O_PATH))
    except NotFound as exc:
        raise lacks_part(spec, mount) from exc
    finally:
        os.close(whole.fd)


def lacks_part(spec: ContainerSpec, mount: Mount) -> Error:
    """That a volume or image lacks the part of it that is to be mounted."""
    return Error(
        f"container {spec.name}: {mount.subpath!r} does not exist in the {mount.kind}"
        f" {mount.source}, to be mounted at {mount.target}"
    )


def host_path(spec: ContainerSpec, mount: Mount) -> str:
    """The source of a bind mount, resolved. A missing one becomes a directory where that is wanted,
    as for docker run -v.
    """
    source = Path(mount.source)
    try:
        if mount.create_source and not os.path.lexists(source):
            # Readable for all, since whoever the container runs as is to use it.
            os.makedirs(source, exist_ok=True)
            source.chmod(0o755)
        source.stat()
    except FileNotFoundError as exc:
        raise Error(
            f"container {spec.name}: {source} does not exist, so it cannot be mounted at"
            f" {mount.target}",
            hint=_missing(source),
        ) from exc
    except OSError as exc:
        raise Error(
            f"container {spec.name}: {source} cannot be mounted at {mount.target}: {exc.strerror}"
        ) from exc
    return str(source.resolve())


def _missing(source: Path) -> str:
    """What to do about a source that does not exist."""
    if not is_socket(str(source)):
        return "create it, or set create_mountpoint: true for a directory"
    what = (
        "install Docker, which makes it," if source.name == "docker.sock" else "start its service"
    )
    return (
        f"it is the name of a socket, so a directory there would keep its service from starting:"
        f" {what} or remove the mount; mounts with create_mountpoint: true makes a directory, as"
        " Docker does"
    )


def _lowers(layout: Layout, run: Record, mount: Mount) -> list[Path]:
    """The layers of a mounted image, top first."""
    image = next(image for image in run.images if image.source == mount.source)
    if not all(layers.is_unpacked(layout, chain_id) for chain_id in image.layers):
        found = store.find(layout, image.id)
        if found is None:
            raise Error(
                f"container {run.name}: a layer of the image {mount.source}, which it mounts, is"
                " missing",
                hint="pull the image again",
            )
        store.ensure_unpacked(layout, found)
    return [layout.layer(chain_id) / "diff" for chain_id in reversed(image.layers)]


def _empty(layout: Layout, run: Record) -> Path:
    place = layout.run_container(run.id) / "empty"
    files.make_private(place)
    place.chmod(0o755)
    return place


def check_shared(spec: ContainerSpec, mount: Mount, path: str) -> None:
    """Raise Error for a source that spreads nothing, where the mount asks for that."""
    around = [
        entry
        for entry in linux.mountinfo()
        if path == entry.target or path.startswith(entry.target.rstrip("/") + "/")
    ]
    inmost = max(around, key=lambda entry: len(entry.target))
    if not inmost.shared:
        raise Error(
            f"container {spec.name}: {mount.source} cannot be mounted with propagation"
            f" {mount.propagation}: it lies on {inmost.target}, which is not a shared mount",
            hint=f"mount --make-shared {inmost.target} makes it one",
        )


def has_mounts_below(path: str) -> bool:
    """Whether something is mounted below a directory of the host."""
    top = path.rstrip("/") + "/"
    return any(entry.target.startswith(top) for entry in linux.mountinfo())


def is_read_only(path: str) -> bool:
    """Whether what a path is on is mounted read-only."""
    return bool(os.statvfs(path).f_flag & os.ST_RDONLY)


def flags(path: str) -> tuple[str, ...]:
    """What a mount does not allow, in the words of mount(8)."""
    found = os.statvfs(path).f_flag
    known = ((os.ST_NOSUID, "nosuid"), (os.ST_NODEV, "nodev"), (os.ST_NOEXEC, "noexec"))
    return tuple(word for bit, word in known if found & bit)


def mount_tmpfs(mount: Mount, place: Path) -> None:
    """Mount a tmpfs with what a container's tmpfs has by default, and its own options."""
    words = ",".join(tmpfs_words(mount))
    wanted = local.parse({"type": "tmpfs", "device": "tmpfs", "o": words})
    linux.mount("tmpfs", place, "tmpfs", wanted.flags, ",".join(wanted.data) or None)


def tmpfs_words(mount: Mount) -> tuple[str, ...]:
    """The options of a tmpfs, all of them."""
    kept = [word for word in ("noexec", "nosuid", "nodev") if word[2:] not in mount.options]
    return (*kept, *mount.options, "ro" if mount.read_only else "rw")


def explain(spec: ContainerSpec, mount: Mount, exc: OSError) -> Error:
    """What went wrong when a mount was put together."""
    hint = None
    if exc.errno == errno.EROFS:
        hint = "the mount it is inside of is read-only and has no such directory: create it there"
    return Error(f"container {spec.name}: {mount.target} cannot be mounted: {exc.strerror}", hint)
