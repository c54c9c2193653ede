# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A file inside a running container as a resource, for container_copy_into.

Everything below the container's root was made by somebody else: it is reached through
``/proc/PID/root`` by descriptors that cannot leave it (safefs), nothing is mounted, and nothing of
the container is run.
"""

from __future__ import annotations

import dataclasses
import hashlib
import os
import stat
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Optional

from .. import safefs
from ..errors import Error, NotFound
from ..frozen import dataclass
from ..plan import Host, Plan, Resource, Step
from . import liveness, record

#: A file that is compared is read whole; larger ones belong into a volume or an image.
_LIMIT = 256 * 1024 * 1024


@dataclass(frozen=True)
class File:
    """One regular file: what is compared of it."""

    sha256: str
    mode: int
    owner_id: int
    group_id: int


@dataclass(frozen=True)
class Declared:
    """A file to be in a container. ``data`` is its content; the rest None leaves what is there."""

    container: str
    path: str
    data: bytes = dataclasses.field(repr=False)
    mode: Optional[int] = None
    owner_id: Optional[int] = None
    group_id: Optional[int] = None
    force: Optional[bool] = None


@dataclass(frozen=True)
class State:
    container: str
    path: str
    file: Optional[File] = None
    other: str = ""
    unmet: tuple[str, ...] = ()


def declare(params: Mapping[str, Any]) -> Declared:
    """Parse the module's options, and read ``path`` on the host when the content lies there."""
    target = params["container_path"]
    if not target.startswith("/") or "\0" in target or target.endswith("/"):
        raise Error(f"container_path: {target[:200]!r} is not the absolute path of a file")
    if params["content"] is not None:
        data = params["content"].encode()
    else:
        source = Path(os.path.expanduser(params["path"]))
        try:
            data = source.read_bytes()
        except OSError as exc:
            raise Error(f"path: {source}: {exc.strerror}") from exc
    return Declared(
        params["container"],
        os.path.normpath(target),
        data,
        _mode(params["mode"]),
        params["owner_id"],
        params["group_id"],
        params["force"],
    )


def _mode(text: Optional[str]) -> Optional[int]:
    if text is None:
        return None
    try:
        mode = int(str(text), 8)
    except ValueError:
        mode = -1
    if not 0 <= mode <= 0o7777:
        raise Error(f"mode: {str(text)[:20]!r} is not octal", hint='write it in quotes: "0644"')
    return mode


@contextmanager
def _root(host: Host, container: str) -> Iterator[safefs.Root]:
    """The root of a running container, held by descriptor, its process known to be the one."""
    found = liveness.current(host.layout, record.identify(host.layout, container))
    if found.phase != "running":
        raise Error(
            f"container {container} is not running", hint="start it, and run the task again"
        )
    with safefs.Root(Path(f"/proc/{found.pid}/root")) as root:
        # The pid may have been taken over between reading the record and opening its root.
        if not liveness.is_running(host.layout, found):
            raise Error(f"container {container} stopped meanwhile", hint="run the task again")
        yield root


def observe(host: Host, declared: Declared) -> State:
    state = State(declared.container, declared.path)
    predicted = host.predicted.get("container", {})
    if declared.container in predicted:
        if predicted[declared.container] is None:
            return dataclasses.replace(
                state, unmet=(f"there is no container {declared.container}",)
            )
        return state
    try:
        with _root(host, declared.container) as root:
            return _look(root, state)
    except NotFound as exc:
        return dataclasses.replace(state, unmet=(str(exc),))


def _look(root: safefs.Root, state: State) -> State:
    try:
        found = root.stat(state.path)
    except NotFound:
        return state
    if not stat.S_ISREG(found.st_mode):
        kind = "a directory" if stat.S_ISDIR(found.st_mode) else "no regular file"
        return dataclasses.replace(state, other=kind)
    data = root.read_bytes(state.path, _LIMIT)
    file = File(
        hashlib.sha256(data).hexdigest(),
        stat.S_IMODE(found.st_mode),
        found.st_uid,
        found.st_gid,
    )
    return dataclasses.replace(state, file=file)


@dataclass(frozen=True)
class Write(Step[State]):
    container: str
    path: str
    file: File
    data: bytes = dataclasses.field(repr=False)

    def describe(self) -> str:
        return f"write {self.path} in container {self.container}"

    def after(self, have: State) -> State:
        return dataclasses.replace(have, file=self.file)

    def execute(self, host: Host) -> None:
        with _root(host, self.container) as root:
            file = self.file
            root.write_file(self.path, self.data, file.mode, file.owner_id, file.group_id)


def plan(declared: Declared, have: State) -> Plan[State]:
    """Write the file when content, mode or owner differ; ``force`` overrides as in Docker."""
    if have.other:
        raise Error(
            f"{declared.path} in container {declared.container} is {have.other}",
            hint="container_copy_into writes regular files",
        )
    if declared.force is False and have.file is not None:
        return Plan(have)
    old = have.file or File("", 0o644, 0, 0)
    wanted = File(
        hashlib.sha256(declared.data).hexdigest(),
        old.mode if declared.mode is None else declared.mode,
        old.owner_id if declared.owner_id is None else declared.owner_id,
        old.group_id if declared.group_id is None else declared.group_id,
    )
    if wanted == have.file and not declared.force:
        return Plan(have, unmet=have.unmet)
    step = Write(declared.container, declared.path, wanted, declared.data)
    return Plan(have, (step,), have.unmet)


def view(state: State) -> dict[str, Any]:
    if state.file is None:
        return {"container_path": state.path, "state": "absent"}
    return {
        "container_path": state.path,
        "state": "file",
        "sha256": state.file.sha256,
        "mode": f"{state.file.mode:04o}",
        "owner_id": state.file.owner_id,
        "group_id": state.file.group_id,
    }


RESOURCE: Resource[Declared, State] = Resource(
    observe,
    plan,
    view,
    lambda host, state: {"container_path": state.path},
    lambda declared: ("container-files", declared.container),
)
