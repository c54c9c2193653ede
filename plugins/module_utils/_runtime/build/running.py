# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""RUN: a container of this engine for one command, and what is mounted for it alone.

It has the confinement, the networks and the OCI runtime of any other. What it wrote is the upper
directory of its root; it is removed right after, and also when whoever builds is gone.
"""

from __future__ import annotations

import contextlib
import os
import secrets
import select
import stat
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path

from ..base import files
from ..base.document import canonical
from ..base.errors import Error, NotFound
from ..base.frozen import dataclass, field, replace
from ..base.layout import Layout
from ..container.engine.attachment import Attachment
from ..container.files import private_mount
from ..container.lifecycle import actions
from ..container.root import mounting
from ..image.store import store
from ..kernel import safefs
from ..plan.plan import Host
from ..spec import oci
from ..spec.container import ContainerSpec, Endpoint, Healthcheck, Mount
from ..tree import copy
from ..tree.scan import Rules
from .asked.request import Limits
from .asked.state import State
from .source.context import Selected, Source, entries

Output = Callable[[bytes], None]
#: Every directory of a cache mount is named by the digest of its id (CVE-2024-9675).
_CACHES = "mounts"


_LIMITS = Limits()


@dataclass(frozen=True)
class Run:
    """A command with what it needs besides the stage. What is in ``secret_env`` is in memory only:
    no record has it.
    """

    argv: tuple[str, ...]
    env: Mapping[str, str]
    mounts: tuple[Mount, ...] = ()
    network: str = ""
    hosts: Mapping[str, str] = field(default_factory=dict)
    limits: Limits = _LIMITS
    secret_env: Mapping[str, str] = field(default_factory=dict, repr=False)


class Failed(Error):
    """A command of a build that did not end with 0."""

    def __init__(self, message: str, status: int) -> None:
        super().__init__(message)
        self.status = status


def run(
    host: Host,
    state: State,
    wanted: Run,
    output: Output,
    began: Callable[[str], None],
    take: Callable[[Path, frozenset[str]], None],
) -> None:
    """Run a command on a stage. ``output`` is told what it writes, ``began`` the container's id
    before it starts; ``take(upper, skip)`` is called with what it wrote, and paths that were made
    for its mounts. Raises Failed.
    """
    image = _image(state)
    spec = _spec(image, state, wanted)
    skip = _made_for_mounts(host, state, wanted.mounts)
    made = actions.create(host, spec, image, serving=True)
    try:
        began(made.id)
        status = _attend(host, made.id, output, wanted.secret_env)
        if status != 0:
            raise Failed(f"the command ended with status {status}", status)
        take(host.layout.container(made.id) / "upper", skip)
    finally:
        with contextlib.suppress(NotFound):
            actions.discard(host, made.id)


def _image(state: State) -> store.Image:
    """The stage as an image, which is in no index. Its volumes are directories for a build."""
    wanted = ("Env", "User", "WorkingDir")
    config = {
        "config": {key: state.config[key] for key in wanted if key in state.config},
        "rootfs": {"diff_ids": list(state.diff_ids)},
    }
    data = canonical(config)
    own = oci.Descriptor(oci.CONFIG, oci.digest_of(data), len(data))
    return store.Image(
        id=own.digest,
        manifest=own,
        config=config,
        names=(),
        repo_digests=(),
        layers=state.layers,
        chain_ids=state.chain_ids,
        size=0,
        config_descriptor=own,
    )


def _spec(image: store.Image, state: State, wanted: Run) -> ContainerSpec:
    limits = wanted.limits
    spec = ContainerSpec(
        name=f"build-{secrets.token_hex(6)}",
        image=image.id,
        image_id=image.id,
        command=wanted.argv,
        entrypoint=(),
        env={name: value for name, value in wanted.env.items() if name not in state.env},
        mounts=wanted.mounts,
        extra_hosts=wanted.hosts,
        log_driver="none",
        healthcheck=Healthcheck(("NONE",)),
        memory_bytes=limits.memory_bytes,
        memory_swap_bytes=limits.memory_swap_bytes,
        cpu_shares=limits.cpu_shares,
        cpu_period_us=limits.cpu_period_us,
        cpu_quota_us=limits.cpu_quota_us,
        cpuset_cpus=limits.cpuset_cpus,
        cpuset_mems=limits.cpuset_mems,
        shm_size_bytes=limits.shm_size_bytes,
        ulimits=limits.ulimits,
        cgroup_parent=limits.cgroup_parent,
    )
    if wanted.network in ("", "default", "bridge"):
        return spec
    if wanted.network in ("none", "host") or wanted.network.startswith("container:"):
        return replace(spec, network_mode=wanted.network)
    return replace(spec, networks=(Endpoint(wanted.network),))


def _attend(host: Host, container_id: str, output: Output, env: Mapping[str, str]) -> int:
    """Start the container, hand on what it writes, and return its exit status."""
    with contextlib.ExitStack() as stack:
        found: list[Attachment] = []

        def ready(bundle: Path) -> None:
            found.append(stack.enter_context(Attachment(bundle)))

        actions.start(host, container_id, ready, env)
        while sources := [fd for one in found for fd in one.outputs()]:
            select.select(sources, [], [])
            with contextlib.suppress(BlockingIOError):
                while True:
                    data = found[0].receive(sources[0])[1]
                    if not data:
                        break
                    output(data)
        return actions.wait(host, container_id).exit_code


def _made_for_mounts(host: Host, state: State, mounts: Sequence[Mount]) -> frozenset[str]:
    """The paths that are not in the stage and will be there because something is mounted."""
    if not mounts or not state.layers:
        return frozenset(part for mount in mounts for part in _upward(mount.target))
    made: set[str] = set()
    with private_mount.shown(host, state.chain_ids, "the stage") as tree:
        for mount in mounts:
            where = mounting.locate(tree, mount.target)[0]
            for path in _upward(where):
                if mounting.locate(tree, path)[1] is None:
                    made.add(path)
    return frozenset(made)


def _upward(path: str) -> Iterator[str]:
    path = os.path.normpath(path)
    while path not in ("/", ""):
        yield path
        path = os.path.dirname(path)


# --- what is mounted -------------------------------------------------------------------------


def copied(source: Source, one: Selected, place: Path) -> Path:
    """A copy of a part of a context, stage or image, for one command: what is mounted is what was
    looked at, and nothing that ``.dockerignore`` hides is in it.
    """
    place.mkdir(mode=0o755)
    target = place / "content"
    with safefs.Root(place) as root:
        inside = entries(source, one)
        copy.copy(
            source.root,
            one.path,
            root,
            target.name,
            Rules(None if source.owned else (0, 0)),
            wanted=lambda path: path in inside,
            entered=lambda path: not path or path in inside,
        )
    return target


def secret_file(directory: Path, number: int, data: bytes, mode: int, uid: int, gid: int) -> Path:
    """A secret in memory, for one command."""
    path = directory / str(number)
    fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    with open(fd, "wb") as file:
        file.write(data)
        os.fchown(file.fileno(), uid, gid)
        os.fchmod(file.fileno(), mode)
    return path


@contextlib.contextmanager
def secrets_directory(layout: Layout) -> Iterator[Path]:
    """A directory below /run, which is memory, gone with the block, or when its maker is."""
    top = layout.run_builds
    files.make_private(top)
    directory = top / f"secrets-{os.getpid()}-{secrets.token_hex(6)}"
    directory.mkdir(mode=0o700)
    try:
        yield directory
    finally:
        files.remove_tree(directory)


@contextlib.contextmanager
def cache_directory(
    layout: Layout, identity: str, mode: int, uid: int, gid: int, sharing: str
) -> Iterator[tuple[Path, bool]]:
    """The directory of a cache mount, and whether it is new. ``locked`` waits for other builds
    that use it; ``private`` is one of this command's own while another one uses it.
    """
    top = layout.build / _CACHES
    files.make_private(top)
    name = oci.digest_of(identity.encode()).partition(":")[2]
    with contextlib.ExitStack() as stack:
        if sharing == "private":
            try:
                stack.enter_context(files.lock(top / f"{name}.lock", deadline_s=0.0))
            except Error:
                scratch = stack.enter_context(files.scratch(layout, "cache"))
                yield _cache(scratch, "private", mode, uid, gid)
                return
        else:
            shared = sharing == "shared"
            lock = files.lock(top / f"{name}.lock", shared=shared, deadline_s=3600.0)
            stack.enter_context(lock)
        yield _cache(top, name, mode, uid, gid)


def _cache(top: Path, name: str, mode: int, uid: int, gid: int) -> tuple[Path, bool]:
    """The content of a cache, below a directory of its own that only root enters."""
    place = top / name / "content"
    new = not place.exists()
    if new:
        files.make_private(place.parent)
        place.mkdir(mode=0o700, exist_ok=True)
        os.chown(place, uid, gid)
        place.chmod(0o755 if mode < 0 else mode)
    return place, new


def read_secret(path: str) -> bytes:
    """A secret from a file of the host, of at most 500 KiB as with Docker."""
    limit = 500 << 10
    try:
        fd = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError as exc:
        raise Error(f"the secret {path} cannot be read: {exc.strerror}") from exc
    with open(fd, "rb") as file:
        if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
            raise Error(f"the secret {path} is not a regular file")
        data = file.read(limit + 1)
    if len(data) > limit:
        raise Error(f"the secret {path} is larger than {limit} bytes")
    return data
