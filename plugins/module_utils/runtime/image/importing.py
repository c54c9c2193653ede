# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Importing as a resource: a root filesystem, from a tar or a directory on the host, as an image.

The image's id is a function of the source's content and the options, so a second run finds nothing
to do, and check mode knows the id. What a large tar hashed to is noted with the image's name, and
trusted as long as size, inode and both times of the file are the same.
"""

from __future__ import annotations

import contextlib
import json
import os
import stat
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Optional

from .. import oci
from ..errors import Error, NotFound
from ..layout import Layout
from ..plan import Host, Plan, Resource, Step
from ..reference import Reference
from . import changes, compression, difference, index, layers, making, platform, state, store
from .platform import Platform
from .state import ABSENT, CURRENT, OUTDATED, Local, State
from .stream import Readable

_GZIP, _ZSTD = b"\x1f\x8b", b"\x28\xb5\x2f\xfd"
#: A file changed again within one tick of the kernel's clock keeps its times, so what is this young
#: when it is read is hashed again the next time.
_SETTLED_S = 1.0


@dataclass(frozen=True)
class Declared:
    """An image to be made from ``src``; ``config`` is the config section of its own config."""

    reference: Reference
    src: Path
    config: Mapping[str, Any]
    platform: Platform
    created: str
    message: str


@dataclass(frozen=True)
class Import(Step[State]):
    """Read the source into a layer, and give the image its name."""

    declared: Declared
    id: str

    def describe(self) -> str:
        return f"import image {self.declared.reference.canonical} from {self.declared.src}"

    def after(self, have: State) -> State:
        digest = state.mark("import", self.id or self.declared)
        return replace(have, status=CURRENT, id=self.id, digest=digest, planned=True)

    def execute(self, host: Host) -> None:
        declared, layout = self.declared, host.layout
        with store.lease(layout):
            note = _note(declared.src)
            layer, diff_id = _read_layer(layout, declared.src)
            layers.unpack_layer(layout, layer, diff_id, diff_id, ())
            manifest = making.put_image(layout, _document(declared, diff_id), (layer,))
            kept = {**note, "diff_id": diff_id} if note else {}
            text = json.dumps(kept, sort_keys=True) if kept else ""
            index.tag(layout, declared.reference, manifest, source=text)


def declare(params: Mapping[str, Any]) -> Declared:
    """Options of image_import: name, tag, src, changes, platform, created, comment and the
    defaults.
    """
    reference = state.reference_of(params)
    if reference.digest:
        raise Error(f"{reference.canonical} names a digest, and an import gets a tag")
    config = changes.with_options({}, params)
    config = changes.change(config, [str(line) for line in params.get("changes") or ()])
    wanted = params.get("platform")
    return Declared(
        reference=reference,
        src=Path(os.path.abspath(os.path.expanduser(str(params["src"])))),
        config=config,
        platform=platform.parse_platform(wanted) if wanted else platform.host_platform(),
        created=check_time(params.get("created") or making.EPOCH),
        message=str(params.get("comment") or ""),
    )


def check_time(text: str) -> str:
    """A time as a config states it (RFC 3339, in UTC)."""
    try:
        time.strptime(text, "%Y-%m-%dT%H:%M:%SZ")
    except ValueError as exc:
        raise Error(
            f"{text[:60]!a} is not a time", hint="write it as 2026-01-31T12:00:00Z"
        ) from exc
    return text


def _document(declared: Declared, diff_id: str) -> dict[str, Any]:
    entry = {"created": declared.created, "created_by": "slipway import"}
    if declared.message:
        entry["comment"] = declared.message
    made_for = {"os": declared.platform.os, "architecture": declared.platform.architecture}
    if declared.platform.variant:
        made_for["variant"] = declared.platform.variant
    return {
        **made_for,
        "created": declared.created,
        "config": dict(declared.config),
        "rootfs": {"type": "layers", "diff_ids": [diff_id]},
        "history": [entry],
    }


def observe(host: Host, declared: Declared) -> State:
    """Read the source, unless it is known already, and compare its id with the one here."""
    local = state.here(host, declared.reference)
    found = State(declared.reference.canonical, ABSENT if local is None else OUTDATED, local)
    try:
        diff_id = _known_diff_id(declared, local) or _hash(declared.src)
    except (FileNotFoundError, NotADirectoryError):
        missing = NotFound(
            f"there is no {declared.src} on this host",
            hint="src is a tar archive or a directory on the host itself",
        )
        mark = state.mark("import", declared)
        current = local is not None and not local.id and mark in local.known_as
        status = CURRENT if current else found.status
        return replace(found, status=status, unmet=(str(missing),))
    image_id = making.image_id(_document(declared, diff_id))
    if local is not None and local.id == image_id and _is_whole(host, local):
        return replace(found, status=CURRENT, id=image_id)
    return replace(found, id=image_id)


def _is_whole(host: Host, local: Local) -> bool:
    return local.image is None or not store.missing(host.layout, local.image)


def _known_diff_id(declared: Declared, local: Optional[Local]) -> str:
    """What the source hashed to when this name was imported, if it is the same file still."""
    text = local.image.sources.get(declared.reference.canonical) if local and local.image else None
    if not text:
        return ""
    with contextlib.suppress(ValueError):
        kept = json.loads(text)
        if isinstance(kept, dict):
            diff_id = kept.pop("diff_id", "")
            if kept == _note(declared.src) and oci.is_digest(str(diff_id)):
                return str(diff_id)
    return ""


def _note(src: Path) -> dict[str, Any]:
    """What tells a changed file; {} where it cannot tell: a directory, a file just written."""
    found = src.stat()
    if not stat.S_ISREG(found.st_mode) or found.st_ctime > time.time() - _SETTLED_S:
        return {}
    return {
        "path": str(src),
        "size": found.st_size,
        "mtime_ns": found.st_mtime_ns,
        "ctime_ns": found.st_ctime_ns,
        "inode": found.st_ino,
        "device": found.st_dev,
    }


# --- reading the source ----------------------------------------------------------------------


def _hash(src: Path) -> str:
    """The diff_id of the layer the source gives."""
    if src.is_dir():
        return difference.write_tree(src, making.Nowhere()).diff_id
    with _opened(src) as opened, compression.plain(*opened) as plain:
        return making.digest_of_stream(plain)


def _read_layer(layout: Layout, src: Path) -> tuple[oci.Descriptor, str]:
    """The source as a blob, with its diff_id. A gzip stays as it came; all else is compressed."""
    if src.is_dir():
        with making.writing_layer(layout) as out:
            difference.write_tree(src, out)
            return out.publish(), out.diff_id
    with _opened(src) as (file, media_type):
        if media_type == oci.LAYER_GZIP:
            return making.keep_layer(layout, file, media_type)
        with compression.plain(file, media_type) as plain, making.writing_layer(layout) as out:
            while data := plain.read(making.CHUNK):
                out.write(data)
            return out.publish(), out.diff_id


@contextlib.contextmanager
def _opened(src: Path) -> Iterator[tuple[Readable, str]]:
    """A regular file, and what its first bytes say it is."""
    fd = os.open(src, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
    with open(fd, "rb", buffering=0) as file:
        if not stat.S_ISREG(os.fstat(fd).st_mode):
            raise Error(f"{src} is neither a regular file nor a directory")
        magic = os.pread(fd, 4, 0)
        if magic.startswith(_GZIP):
            media_type = oci.LAYER_GZIP
        else:
            media_type = oci.LAYER_ZSTD if magic == _ZSTD else oci.LAYER
        yield file, media_type


def plan(declared: Declared, have: State) -> Plan[State]:
    if have.status == CURRENT:
        return Plan(have)
    return Plan(have, (Import(declared, have.id),), have.unmet)


RESOURCE: Resource[Declared, State] = Resource(
    observe=observe,
    plan=plan,
    view=state.view,
    result=state.result,
    lock=lambda declared: state.lock(declared.reference.canonical),
    predict=state.predict,
)
