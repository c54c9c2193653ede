# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Files with the secrets and configs of a project, which its containers mount.

They are in the directory of the run time, which is memory and only root's, and bear a digest of
their content in their names: another content is another file. So none is ever changed while a
container mounts it, and one that nobody mounts any more is removed at the end.
"""

from __future__ import annotations

import contextlib
import os
from pathlib import Path
from typing import Any

from ...base import files
from ...base.frozen import dataclass
from ...base.layout import Layout
from ...compose.service.mounts import Place, Written
from ...plan.plan import Host, Plan, Resource, Step
from ...records import foreseen


@dataclass(frozen=True, repr=False)
class Declared:
    """The files of a project that are to be in its directory.

    ``state`` is ``absent`` for the second half of the work, which removes what is left over.
    """

    project: str
    directory: str
    wanted: tuple[Written, ...]
    state: str = "present"


@dataclass(frozen=True)
class State:
    """The names of the files that are there, each as it is to be."""

    directory: str
    names: tuple[str, ...]


def directory(layout: Layout, project: str) -> str:
    return str(layout.run / "compose" / project)


def place(layout: Layout, project: str) -> Place:
    """Where the files of a project are. The key of the digests is the host's own, so that they say
    nothing about contents to whoever sees them elsewhere.
    """
    key = b"slipway"
    for name in ("/etc/machine-id", "/var/lib/dbus/machine-id"):
        try:
            key = Path(name).read_bytes().strip() or key
            break
        except OSError:
            continue
    return Place(directory(layout, project), key)


def observe(host: Host, declared: Declared) -> State:
    """Read the names in the directory. A wanted file with another mode or content is not there."""
    try:
        found = sorted(os.listdir(declared.directory))
    except FileNotFoundError:
        found = []
    wanted = {os.path.basename(file.path): file for file in declared.wanted}
    stands = (name for name in found if name not in wanted or _stands(wanted[name]))
    return State(declared.directory, tuple(stands))


def _stands(file: Written) -> bool:
    try:
        told = os.stat(file.path)
        mode = told.st_mode & 0o7777
        same = (told.st_uid, told.st_gid, mode) == (file.uid, file.gid, file.mode)
        return same and Path(file.path).read_bytes() == file.content
    except OSError:
        return False


@dataclass(frozen=True, repr=False)
class Write(Step[State]):
    file: Written

    def describe(self) -> str:
        return f"write {self.file.called.replace('.', ' ')} for containers to mount"

    def after(self, have: State) -> State:
        name = os.path.basename(self.file.path)
        return State(have.directory, tuple(sorted({*have.names, name})))

    def execute(self, host: Host) -> None:
        path = Path(self.file.path)
        files.make_private(path.parent.parent)
        files.make_private(path.parent)
        files.write_atomic(path, self.file.content, durable=False)
        os.chown(path, self.file.uid, self.file.gid)
        os.chmod(path, self.file.mode)


@dataclass(frozen=True)
class Clear(Step[State]):
    """Remove files that no container mounts any more."""

    directory: str
    names: tuple[str, ...]

    def describe(self) -> str:
        return f"remove {', '.join(self.names)}, which containers mounted"

    def after(self, have: State) -> State:
        return State(have.directory, tuple(one for one in have.names if one not in self.names))

    def execute(self, host: Host) -> None:
        for name in self.names:
            Path(self.directory, name).unlink(missing_ok=True)
        with contextlib.suppress(OSError):
            os.rmdir(self.directory)  # The last one is gone.


def plan(declared: Declared, have: State) -> Plan[State]:
    """Pure."""
    wanted = {os.path.basename(file.path): file for file in declared.wanted}
    if declared.state == "absent":
        left = tuple(name for name in have.names if name not in wanted)
        return Plan(have, (Clear(declared.directory, left),) if left else ())
    missing = [file for name, file in wanted.items() if name not in have.names]
    return Plan(have, tuple(Write(file) for file in missing))


def view(state: State) -> dict[str, Any]:
    return {"directory": state.directory, "files": list(state.names)}


def predict(state: State) -> dict[str, dict[str, Any]]:
    return foreseen.as_files(os.path.join(state.directory, name) for name in state.names)


def verify(want: State, found: State) -> list[str]:
    """Each half of the work is judged by its own files, when both are done."""
    return []


RESOURCE: Resource[Declared, State] = Resource(
    observe=observe,
    plan=plan,
    view=view,
    result=lambda host, state: {},
    lock=lambda declared: ("compose-files", declared.project),
    predict=predict,
    verify=verify,
)
