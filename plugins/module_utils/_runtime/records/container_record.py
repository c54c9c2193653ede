# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The two records of a container: spec.json, what was asked for, and record.json, what became of
it.

``containers/<id>/spec.json`` is written once per spec, ``record.json`` at every change of state,
both by atomic rename under the container's lock. ``names/<name>`` is a symbolic link to the id,
made with O_EXCL semantics, so two containers never share a name.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import re
import time
from collections.abc import Iterator, Mapping
from typing import Literal, Optional, TypeVar, get_args

from ..base import document, files
from ..base.errors import Conflict, Error, NotFound
from ..base.frozen import dataclass, field
from ..base.layout import Layout
from ..base.regex import regex
from ..plan.plan import Host
from ..spec.container import ContainerSpec, ImageDefaults, Mount
from ..spec.identifiers import is_name
from ..spec.network import Attachment, Publication

T = TypeVar("T")

_ID_PREFIX = regex(r"\A[0-9a-f]{1,64}\Z", re.ASCII)


#: What a record says of a container; restarting is waiting for its next start.
Phase = Literal["created", "restarting", "running", "removing", "paused", "exited"]
PHASES: tuple[Phase, ...] = get_args(Phase)
#: The phases that claim a process.
LIVE: frozenset[Phase] = frozenset({"running", "paused"})
#: Those in which a container is up for Docker: what it has of the host stays its own.
UP: frozenset[Phase] = LIVE | {"restarting"}
AT_REST: frozenset[Phase] = frozenset({"created", "exited"})


@dataclass(frozen=True)
class MountedImage:
    """An image that a container mounts: as its spec names it, its id, its layers' chain ids."""

    source: str
    id: str
    layers: tuple[str, ...]


@dataclass(frozen=True)
class Record:
    """What became of a container.

    ``generation`` counts starts: an exit event carries the generation it belongs to, so a late one
    of an earlier incarnation is recognised. ``stopped_by_user`` and ``stopped_by_host`` keep a
    restart policy still, the latter until the host has come up. A process is (pid, pid_start,
    boot_id): /proc/<pid>/stat field 22 and the kernel's boot id; in the phase restarting,
    ``conmon_pid`` and ``pid_start`` are those of the process that waits to start it. Times are RFC
    3339 with nanoseconds in UTC, "" where it has not happened.
    """

    id: str
    name: str
    created: str
    layers: tuple[str, ...]
    phase: Phase = "created"
    generation: int = 0
    pid: int = 0
    pid_start: int = 0
    conmon_pid: int = 0
    boot_id: str = ""
    started_at: str = ""
    finished_at: str = ""
    exit_code: int = 0
    oom_killed: bool = False
    error: str = ""
    stopped_by_user: bool = False
    stopped_by_host: bool = False
    #: Restarts by policy since the last start by hand, and the back-off before the latest, in
    #: seconds.
    restart_count: int = 0
    backoff_s: float = 0.0
    runtime: str = ""
    #: Whether this run has a health check, so that somebody has to make it; and the size in bytes
    #: at which its log is rotated, and how many files are kept, 0 for nobody.
    watched: bool = False
    #: The content of the paths that a change of is to restart it, when it was started.
    digests: Mapping[str, str] = field(default_factory=dict)
    log_bytes: int = 0
    log_files: int = 0
    #: Whether it gets what systemd needs; decided when it is made, by its spec and its command.
    systemd: bool = False
    attachments: tuple[Attachment, ...] = ()
    #: What a running container had on networks that it leaves, until their links are gone.
    leaving: tuple[Attachment, ...] = ()
    publications: tuple[Publication, ...] = ()
    #: The container of the same name that ports and names lead to in place of this one, while one
    #: replaces the other and both run; "" is that they lead here.
    standby: str = ""
    anonymous_volumes: tuple[str, ...] = ()
    #: Those of the spec this run began with: the name server's data are a function of all records.
    dns_servers: tuple[str, ...] = ()
    #: What volumes_from meant when the container was made, and the images that it mounts.
    inherited: tuple[Mount, ...] = ()
    images: tuple[MountedImage, ...] = ()


def pinned(found: Record) -> frozenset[str]:
    """The chain ids of all layers a container needs, of the images it mounts too."""
    return frozenset(found.layers).union(*(image.layers for image in found.images))


def check_name(name: str) -> None:
    """Raise Error unless a text may be a container's name."""
    if not is_name(name):
        raise Error(
            f"{name[:60]!r} is not a container name",
            hint="use at most 128 letters, digits, '_', '.' and '-', a letter or digit first",
        )


def claim_name(layout: Layout, name: str, container_id: str) -> None:
    """Give a name to a container; doing it again is fine. Conflict when another one has it."""
    check_name(name)
    try:
        os.symlink(container_id, layout.names / name)
    except FileExistsError as exc:
        owner = os.readlink(layout.names / name)
        if owner != container_id:
            raise Conflict(
                f"the container name {name} is already in use by container {owner[:12]}"
            ) from exc
    files.fsync_dir(layout.names)


def turn_name(layout: Layout, name: str, container_id: str) -> None:
    """Make a name that of another container, in one rename; there is no moment without it."""
    if os.path.lexists(layout.names / name) and os.readlink(layout.names / name) == container_id:
        return
    with files.scratch(layout, "name") as scratch:
        os.symlink(container_id, scratch / "link")
        os.rename(scratch / "link", layout.names / name)
    files.fsync_dir(layout.names)


def release_name(layout: Layout, name: str, container_id: str) -> None:
    """Give a name back, if it is this container's."""
    try:
        if os.readlink(layout.names / name) == container_id:
            os.unlink(layout.names / name)
            files.fsync_dir(layout.names)
    except FileNotFoundError:
        pass


def by_name(layout: Layout, name: str) -> str:
    """The ID of the container with a name; an ID is not accepted. Raises NotFound."""
    try:
        return os.readlink(layout.names / name)
    except FileNotFoundError as exc:
        raise not_found(name) from exc


def lost_name(layout: Layout, name: str) -> str:
    """The id of a container that has a name by its record, where the link of that name is gone; ""
    for none. Two directories are listed where all containers have theirs.
    """
    ids = all_ids(layout)
    with contextlib.suppress(FileNotFoundError):
        if len(os.listdir(layout.names)) >= len(ids):
            return ""
    for container_id in ids:
        # One that is being made has no name yet.
        if (layout.creations / f"{container_id}.json").exists():
            continue
        found = find_record(layout, container_id)
        named = found is not None and found.name == name and found.phase != "removing"
        if named and not os.path.lexists(layout.names / name):
            return container_id
    return ""


def not_found(name: str) -> NotFound:
    """That nothing has a name or an id, in the words users of community.docker and of docker match
    on.
    """
    shown = repr(name[:128])[1:-1]
    return NotFound(f'Could not find container "{shown}"', docker=f"No such container: {shown}")


def identify(layout: Layout, name_or_id: str) -> str:
    """The id of a container named by name, id or unambiguous id prefix. Raises NotFound."""
    if is_name(name_or_id):
        with contextlib.suppress(NotFound):
            return by_name(layout, name_or_id)
    if _ID_PREFIX.match(name_or_id):
        found = [i for i in all_ids(layout) if i.startswith(name_or_id)]
        if len(found) == 1:
            return found[0]
        if len(found) > 1:
            raise Error(
                f"{name_or_id} is ambiguous: {len(found)} container IDs start with it",
                hint="use more of it",
            )
    raise not_found(name_or_id)


def read_spec(layout: Layout, container_id: str) -> ContainerSpec:
    """What a container was asked to be. Raises NotFound, and Error for a damaged file."""
    return _decode(ContainerSpec, layout, container_id, "spec.json")


def read_labels(layout: Layout, container_id: str) -> Mapping[str, str]:
    """The labels of a container's spec, without decoding all of it."""
    try:
        found = files.read_json(layout.container(container_id) / "spec.json")
    except FileNotFoundError as exc:
        raise _gone(container_id) from exc
    labels = found.get("labels") if isinstance(found, dict) else None
    return labels if isinstance(labels, dict) else {}


def read_image(layout: Layout, container_id: str) -> ImageDefaults:
    """What the image says of this container, kept with it: the image's name may move on or go."""
    return _decode(ImageDefaults, layout, container_id, "image.json")


def read_record(layout: Layout, container_id: str) -> Record:
    """The record of a container. Raises NotFound, and Error for a damaged file."""
    return _decode(Record, layout, container_id, "record.json")


def _decode(cls: type[T], layout: Layout, container_id: str, name: str) -> T:
    try:
        return document.read(cls, layout.container(container_id) / name)
    except FileNotFoundError as exc:
        raise _gone(container_id) from exc


def _gone(container_id: str) -> NotFound:
    return NotFound(f"No such container: {container_id[:12]}")


def write_spec(layout: Layout, container_id: str, spec: ContainerSpec) -> None:
    """Replace what a container is asked to be."""
    files.write_json(layout.container(container_id) / "spec.json", document.to_json(spec))


def write_record(layout: Layout, record: Record) -> None:
    """Publish a record; the caller holds the container's lock and has read it freshly under it."""
    files.write_json(layout.container(record.id) / "record.json", document.to_json(record))


@contextlib.contextmanager
def watch(layout: Layout, container_id: str) -> Iterator[None]:
    """Keep a container that is removed at its end from going before its exit status was read.

    Who waits for the end holds this; who removes by itself waits for it (await_watchers). Raises
    NotFound.
    """
    try:
        fd = os.open(
            layout.container(container_id) / "watch", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600
        )
    except FileNotFoundError as exc:
        raise _gone(container_id) from exc
    try:
        fcntl.flock(fd, fcntl.LOCK_SH)
        yield
    finally:
        os.close(fd)


def await_watchers(layout: Layout, container_id: str, timeout_s: float = 5.0) -> None:
    """Wait until nobody watches a container any more, or long enough: one who was stopped must not
    keep it forever.
    """
    deadline = time.monotonic() + timeout_s
    try:
        fd = os.open(layout.container(container_id) / "watch", os.O_RDWR | os.O_CLOEXEC)
    except FileNotFoundError:
        return
    try:
        while time.monotonic() < deadline:
            with contextlib.suppress(BlockingIOError):
                fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
                return
            time.sleep(0.005)
    finally:
        os.close(fd)


def is_id(name: str) -> bool:
    """Whether a directory can be a container's; others may lie beside them. Pure."""
    return bool(_ID_PREFIX.match(name))


def all_ids(layout: Layout) -> list[str]:
    """The ids of all containers, sorted."""
    try:
        return sorted(filter(is_id, os.listdir(layout.containers)))
    except FileNotFoundError:
        return []


def records(layout: Layout) -> Iterator[Record]:
    """Every container's record; one that vanishes while we read is gone, which is an answer too."""
    for container_id in all_ids(layout):
        record = find_record(layout, container_id)
        if record is not None:
            yield record


def find_record(layout: Layout, container_id: str) -> Optional[Record]:
    """The record of a container, or None where there is none."""
    try:
        return read_record(layout, container_id)
    except NotFound:
        return None


@contextlib.contextmanager
def locked(host: Host, container_id: str) -> Iterator[Record]:
    """Hold a container's lock and its record, read freshly. Raises NotFound when it is gone.

    The lock file is in the container's directory and removed with it, so a host that made a million
    containers does not keep a million files. Whoever waited for a container that was removed
    meanwhile finds no record.
    """
    path = host.layout.container(container_id) / "lock"
    with contextlib.ExitStack() as held:
        try:
            held.enter_context(files.lock(path, deadline_s=host.lock_timeout_s))
        except FileNotFoundError as exc:
            raise _gone(container_id) from exc
        # What writers left that were killed: they held the lock.
        files.sweep_beside(path.parent)
        yield read_record(host.layout, container_id)
