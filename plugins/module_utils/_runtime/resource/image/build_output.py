# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Where a built image goes besides: its files to a directory (``local``) or into a tar on the host,
the image into an archive or to a registry.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import stat
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from ...base import files
from ...base.document import canonical
from ...base.errors import Error
from ...base.frozen import dataclass, replace
from ...base.layout import Layout
from ...image import expected
from ...image.store import store
from ...kernel import safefs
from ...plan.plan import Host, Plan, Resource, Step
from ...plan.sequence import Stage
from ...records import foreseen
from ...spec import oci
from ...spec.reference import Reference
from ...tree import scan
from .files import image_export
from .names import named_image
from .names.named_image import ABSENT, CURRENT, OUTDATED
from .remote import image_push

LOCAL, TAR = "local", "tar"


@dataclass(frozen=True)
class Declared:
    """The files of an image at ``path``: a directory or a tar."""

    reference: Reference
    kind: str
    path: Path


@dataclass(frozen=True)
class State:
    """``image`` is the id of the image, or the mark of one that is only foreseen; ``why`` says what
    is the matter with what is there.
    """

    path: Path
    status: str
    image: str = ""
    why: str = ""
    unmet: tuple[str, ...] = ()


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
            paths = _paths(root) if declared.kind == LOCAL else []
        _note(host.layout, declared, image.id, paths)


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

    with files.replacing(path) as fd, open(fd, "wb", closefd=False) as out:
        difference.write_tree(root.fd, out)


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
    return replace(_compared(host, declared), unmet=_in_the_way(declared))


def _in_the_way(declared: Declared) -> tuple[str, ...]:
    """What keeps it from being written."""
    path = declared.path
    if declared.kind == TAR:
        if path.is_dir():
            return (f"{path} is a directory",)
        absent = f"the directory {path.parent} does not exist on this host"
        return () if path.parent.is_dir() else (absent,)
    for above in (path, *path.parents):
        if os.path.lexists(above):
            return () if above.is_dir() else (f"{above} is not a directory",)
    return ()


def _compared(host: Host, declared: Declared) -> State:
    local = expected.named(host, declared.reference)
    image = (local.id or local.digest) if local is not None else ""
    path = declared.path
    told = foreseen.told_outputs(host).get(str(path))
    if told is not None and told == image != "":
        return State(path, CURRENT, image)
    if told is None and not os.path.lexists(path):
        return State(path, ABSENT, image, f"{path} does not exist")
    noted = _noted(host.layout, declared) if told is None else {}
    if image == "" or (noted.get("image"), noted.get("kind")) != (image, declared.kind):
        return State(path, OUTDATED, image, f"{path} was not written from this image")
    paths = [os.fsencode(one) for one in noted.get("paths") or ()]
    if noted != _mark(declared, image, paths):
        return State(path, OUTDATED, image, f"{path} was changed since it was written")
    return State(path, CURRENT, image)


def _paths(root: safefs.Root) -> list[bytes]:
    """Everything of an image that is written into a directory."""
    return [node.path for node in scan.walk(root, "/") if node.path and node.kind in scan.COPIED]


def _mark(declared: Declared, image_id: str, paths: Sequence[bytes]) -> dict[str, Any]:
    """What is noted: the image, and what tells that nobody changed what was written since."""
    mark: dict[str, Any] = {"image": image_id, "kind": declared.kind}
    if declared.kind == TAR:
        return {**mark, "file": _look(os.fsencode(declared.path))}
    whole = hashlib.sha256()
    top = os.fsencode(declared.path)
    for path in paths:
        found = _look(os.path.join(top, path))
        if stat.S_ISDIR(found[0]):
            # What else it holds is not ours.
            found = found[:1]
        whole.update(canonical([os.fsdecode(path), found]))
    return {**mark, "paths": [os.fsdecode(path) for path in paths], "files": whole.hexdigest()}


def _look(path: bytes) -> list[int]:
    """What shows that a file was changed; its mode is 0 if it is gone."""
    try:
        found = os.lstat(path)
    except OSError:
        return [0]
    return [found.st_mode, found.st_ino, found.st_size, found.st_mtime_ns]


def _place(layout: Layout, declared: Declared) -> Path:
    name = oci.digest_of(os.fsencode(declared.path)).partition(":")[2]
    return layout.build / "outputs" / f"{name}.json"


def _noted(layout: Layout, declared: Declared) -> dict[str, Any]:
    try:
        found = files.read_json(_place(layout, declared))
    except (FileNotFoundError, Error):
        return {}
    return found if isinstance(found, dict) else {}


def _note(layout: Layout, declared: Declared, image_id: str, paths: Sequence[bytes]) -> None:
    place = _place(layout, declared)
    files.make_private(place.parent)
    files.write_json(place, _mark(declared, image_id, paths))


def plan(declared: Declared, have: State) -> Plan[State]:
    if have.status == CURRENT:
        return Plan(have)
    return Plan(have, (Write(declared),), have.unmet, (have.why,))


RESOURCE: Resource[Declared, State] = Resource(
    observe=observe,
    plan=plan,
    view=lambda found: {f"output {found.path}": found.status},
    result=lambda host, found: {},
    lock=lambda declared: named_image.lock(declared.reference.canonical),
    predict=lambda found: foreseen.as_output(str(found.path), found.image),
)


def stages(reference: Reference, outputs: Sequence[Mapping[str, Any]]) -> list[Stage]:
    """What writes the outputs of a build of this image."""
    found = []
    for output in outputs:
        kind, dest = str(output["type"]), output.get("dest")
        if output.get("context"):
            raise Error("outputs: context is of Docker's own hosts, and there is no other here")
        if kind in ("local", "tar"):
            declared = declare(reference, kind, str(dest))
            found.append(Stage(RESOURCE, declared))
        elif kind in ("docker", "oci") and dest:
            options = {"names": [reference.canonical], "path": dest}
            if kind == "oci":
                options["format"] = "oci"
            found.append(Stage(_EXPORTED, image_export.declare(options)))
        elif kind == "image" and output.get("push"):
            for name in output.get("name") or [reference.canonical]:
                pushed = image_push.declare({"name": name})
                found.append(Stage(_PUSHED, pushed))
    return found


def _export(declared: image_export.Declared, have: image_export.State) -> Plan[image_export.State]:
    """As image_export plans, and why."""
    absent = have.status == ABSENT
    why = f"{have.path} does not exist" if absent else f"{have.path} is not of this image"
    found = image_export.plan(declared, have)
    return replace(found, reasons=(why,)) if found.steps else found


def _push(declared: image_push.Declared, have: named_image.State) -> Plan[named_image.State]:
    """As image_push plans, and why."""
    found = image_push.plan(declared, have)
    why = f"the registry does not have this image as {have.name}"
    return replace(found, reasons=(why,)) if found.steps else found


_EXPORTED: Resource[image_export.Declared, image_export.State] = replace(
    image_export.RESOURCE, plan=_export
)
_PUSHED: Resource[image_push.Declared, named_image.State] = replace(image_push.RESOURCE, plan=_push)
