# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Exporting as a resource: a file on the host that should be a tar of a container's files.

The tar holds the root filesystem as the container sees it, its image's layers and what it wrote
merged, with owners, modes, hard links and extended attributes; volumes show as empty directories,
as in ``docker export``. It is a function of the files alone, so whether a file on the host is that
tar already is found out by reading both.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ..base import files
from ..base.errors import Error, NotFound
from ..base.frozen import dataclass, replace
from ..image.layer import difference
from ..image.layer.difference import Layer, Writable
from ..plan.plan import Host, Plan, Resource, Step
from ..records import container_record, foreseen, notes

ABSENT, CURRENT, OUTDATED = "absent", "current", "outdated"

_CHUNK = 1 << 20


def write(host: Host, container_id: str, out: Writable) -> Layer:
    """Write a container's files as a tar. Returns its digest and length. Raises NotFound.

    The container may run; what it changes meanwhile is in the tar or not.
    """
    from ..container.files import freeze

    notes.note(host.layout, container_id, "export")
    with freeze.root_only(host, container_id) as root:
        return difference.write_tree(root, out)


@dataclass(frozen=True)
class Declared:
    """A tar of ``container`` at ``path``; ``force`` writes it even where it is there already."""

    container: str
    path: Path
    force: bool = False


@dataclass(frozen=True)
class State:
    """The file at ``path``: absent, or current or outdated beside the container's files now."""

    container: str
    path: Path
    status: str
    unmet: tuple[str, ...] = ()


@dataclass(frozen=True)
class Export(Step[State]):
    """Write the tar beside its place, and rename it; only root may read it."""

    container: str
    path: Path

    def describe(self) -> str:
        return f"export container {self.container} to {self.path}"

    def after(self, have: State) -> State:
        return replace(have, status=CURRENT)

    def execute(self, host: Host) -> None:
        container_id = container_record.identify(host.layout, self.container)
        with files.replacing(self.path) as fd, open(fd, "wb", _CHUNK, closefd=False) as out:
            write(host, container_id, out)


def declare(params: Mapping[str, Any]) -> Declared:
    """Options of container_export: container, path and force."""
    path = Path(os.path.abspath(os.path.expanduser(str(params["path"]))))
    return Declared(str(params["container"]), path, bool(params.get("force")))


def observe(host: Host, declared: Declared) -> State:
    """Compare the file with the container's files; both are read whole when there is a file."""
    path = declared.path
    if path.is_dir():
        raise Error(f"{path} is a directory", hint="path must be the file of the archive")
    unmet = []
    if not path.parent.is_dir():
        unmet.append(f"the directory {path.parent} does not exist on this host")
    have = State(declared.container, path, OUTDATED if path.exists() else ABSENT, tuple(unmet))
    try:
        found = foreseen.recorded(host, declared.container)
        if found is not None and path.is_file() and not declared.force:
            made = write(host, found.id, _Nowhere())
            if path.stat().st_size == made.size_bytes and _digest(path) == made.diff_id:
                return replace(have, status=CURRENT)
    except NotFound as exc:
        return replace(have, unmet=(*unmet, str(exc)))
    return have


class _Nowhere:
    def write(self, data: bytes) -> None:
        """Take what is written for its digest alone."""


def _digest(path: Path) -> str:
    whole = hashlib.sha256()
    with open(path, "rb", buffering=0) as file:
        while part := file.read(_CHUNK):
            whole.update(part)
    return f"sha256:{whole.hexdigest()}"


def plan(declared: Declared, have: State) -> Plan[State]:
    if have.status == CURRENT and not declared.force:
        return Plan(have, unmet=have.unmet)
    return Plan(have, (Export(declared.container, declared.path),), have.unmet)


def view(state: State) -> dict[str, Any]:
    return {"path": str(state.path), "archive": state.status}


def verify(want: State, found: State) -> list[str]:
    """A container that runs on has changed again by now: that there is a file is all to be seen."""
    return [] if found.status != ABSENT else [f"{want.path} is not there"]


RESOURCE: Resource[Declared, State] = Resource(
    observe=observe,
    plan=plan,
    view=view,
    result=lambda host, state: {"path": str(state.path)},
    lock=lambda declared: (
        "archive",
        hashlib.sha256(os.fsencode(declared.path)).hexdigest(),
    ),
    verify=verify,
)
