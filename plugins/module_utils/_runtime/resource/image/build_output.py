# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The files of a built image on the host: as a directory (``local``) or as a tar."""

from __future__ import annotations

import contextlib
import os
import secrets
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, Optional

from ...base import files, safefs
from ...base.errors import Error
from ...base.frozen import dataclass
from ...base.layout import Layout
from ...image import expected
from ...image.store import store
from ...plan.plan import Host, Plan, Resource, Step
from ...records import foreseen
from ...spec import oci
from ...spec.reference import Reference
from . import named_image
from .named_image import ABSENT, CURRENT, OUTDATED

LOCAL, TAR = "local", "tar"


@dataclass(frozen=True)
class Declared:
    """The files of an image at ``path``: a directory or a tar."""

    reference: Reference
    kind: str
    path: Path


@dataclass(frozen=True)
class State:
    """``image`` is the id of the image, or the mark of one that is only foreseen."""

    path: Path
    status: str
    image: str = ""


@dataclass(frozen=True)
class Write(Step[State]):
    """Write the files: a tar as a whole, a directory beside what it holds already."""

    declared: Declared

    def describe(self) -> str:
        declared = self.declared
        return f"write the files of {declared.reference.canonical} to {declared.path}"

    def after(self, have: State) -> State:
        return replace(have, status=CURRENT)

    def execute(self, host: Host) -> None:
        declared = self.declared
        image = store.find_reference(host.layout, declared.reference)
        if image is None:
            raise Error(f"{declared.reference.canonical} was removed meanwhile")
        with opened(host, image) as root:
            write(root, declared.kind, declared.path)
        _note(host.layout, declared, image.id)


@contextlib.contextmanager
def opened(host: Host, image: store.Image) -> Iterator[safefs.Root]:
    """The files of an image, to be read."""
    from ...container.files import private_mount

    with store.lease(host.layout):
        store.ensure_unpacked(host.layout, image)
        with private_mount.shown(host, image.chain_ids, "the image") as root:
            yield root


def write(root: safefs.Root, kind: str, path: Path) -> None:
    """Write the files: ``local`` into a directory, ``tar`` into a file."""
    if kind == TAR:
        _write_tar(root, path)
    else:
        _write_directory(root, path)


def _write_tar(root: safefs.Root, path: Path) -> None:
    from ...image.layer import difference

    temporary = path.with_name(f".{path.name[:200]}.{secrets.token_hex(6)}")
    fd = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    try:
        with open(fd, "wb") as out:
            difference.write_tree(root.fd, out)
            out.flush()
            os.fsync(out.fileno())
        os.rename(temporary, path)
    except BaseException:
        with contextlib.suppress(FileNotFoundError):
            os.unlink(temporary)
        raise


def _write_directory(root: safefs.Root, path: Path) -> None:
    from ...tree import copy
    from ...tree.scan import Rules

    path.mkdir(mode=0o755, parents=True, exist_ok=True)
    with safefs.Root(path) as target:
        copy.copy(root, "/", target, "/", Rules(privileges=False))


def declare(reference: Reference, kind: str, path: str) -> Declared:
    where = Path(os.path.abspath(os.path.expanduser(path)))
    if str(where) == "/":
        raise Error("outputs: the files of an image cannot be written to /")
    return Declared(reference, kind, where)


def observe(host: Host, declared: Declared) -> State:
    """Whether what is at the path was written of the image that has the name now."""
    local = expected.named(host, declared.reference)
    image = (local.id or local.digest) if local is not None else ""
    told = foreseen.told_outputs(host).get(str(declared.path))
    if told is not None:
        current = told == image != ""
        return State(declared.path, CURRENT if current else OUTDATED, image)
    if not os.path.lexists(declared.path):
        return State(declared.path, ABSENT, image)
    current = image != "" and _noted(host.layout, declared) == _mark(declared, image)
    return State(declared.path, CURRENT if current else OUTDATED, image)


def _mark(declared: Declared, image_id: str) -> Mapping[str, Any]:
    """What is noted: the image, and for a tar the file itself."""
    found: Optional[os.stat_result] = None
    with contextlib.suppress(OSError):
        found = os.stat(declared.path)
    file = (
        [found.st_ino, found.st_size, found.st_mtime_ns] if found and declared.kind == TAR else []
    )
    return {"image": image_id, "kind": declared.kind, "file": file}


def _place(layout: Layout, declared: Declared) -> Path:
    name = oci.digest_of(os.fsencode(declared.path)).partition(":")[2]
    return layout.build / "outputs" / f"{name}.json"


def _noted(layout: Layout, declared: Declared) -> Any:
    try:
        return files.read_json(_place(layout, declared))
    except (FileNotFoundError, Error):
        return None


def _note(layout: Layout, declared: Declared, image_id: str) -> None:
    place = _place(layout, declared)
    files.make_private(place.parent)
    files.write_json(place, _mark(declared, image_id))


def plan(declared: Declared, have: State) -> Plan[State]:
    return Plan(have) if have.status == CURRENT else Plan(have, (Write(declared),))


RESOURCE: Resource[Declared, State] = Resource(
    observe=observe,
    plan=plan,
    view=lambda found: {f"output {found.path}": found.status},
    result=lambda host, found: {},
    lock=lambda declared: named_image.lock(declared.reference.canonical),
    predict=lambda found: foreseen.as_output(str(found.path), found.image),
)
