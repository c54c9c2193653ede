# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Importing as a resource: a root filesystem, from a tar or a directory on the host or from a URL,
as an image.

The image's id is a function of the source's content and the options, so a second run finds nothing
to do, and check mode knows the id. What a large tar hashed to is noted with the image's name, and
trusted as long as size, inode and both times of the file are the same. For a URL it is noted with
what the server said of the file, and trusted as long as the server says the same.
"""

from __future__ import annotations

import contextlib
import json
import os
import stat
import time
from collections.abc import Iterator, Mapping
from io import FileIO
from pathlib import Path
from typing import Any, Optional, Union

from ....base import files, progress
from ....base.errors import Error, NotFound
from ....base.frozen import dataclass, field, replace
from ....image import expected
from ....image.build import assemble, config_changes
from ....image.expected import Local
from ....image.layer import compression, difference
from ....image.layer.stream import Readable
from ....image.store import index, layers, platform, store
from ....image.store.platform import Platform
from ....plan.plan import Host, Plan, Resource, Step
from ....registry.url_source import Facts, Source, is_url, shown, source_of
from ....spec import oci
from ....spec.reference import Reference
from ..names import named_image
from ..names.named_image import ABSENT, CURRENT, OUTDATED, State

_MAGIC_BYTES = 512
#: A file changed again within one tick of the kernel's clock keeps its times, so what is this young
#: when it is read is hashed again the next time.
_SETTLED_S = 1.0


@dataclass(frozen=True)
class Declared:
    """An image to be made from ``src``; ``config`` is the config section of its own config.

    ``seen`` holds the diff_id of a URL's content once this very run has read it: nothing is fetched
    twice to look at what was done.
    """

    reference: Reference
    src: Union[Path, Source]
    config: Mapping[str, Any]
    platform: Platform
    created: str
    message: str
    seen: dict[str, str] = field(default_factory=dict, compare=False, repr=False)


@dataclass(frozen=True)
class Import(Step[State]):
    """Read the source into a layer, and give the image its name."""

    declared: Declared
    id: str

    def describe(self) -> str:
        return f"Imported image {self.declared.reference.familiar} from {self.declared.src}"

    def after(self, have: State) -> State:
        digest = named_image.mark("import", self.id or self.declared)
        return replace(have, status=CURRENT, id=self.id, digest=digest, planned=True)

    def execute(self, host: Host) -> None:
        declared, layout = self.declared, host.layout
        with store.lease(layout), _at_hand(host, declared.src) as (path, note):
            layer, diff_id = _read_layer(host, path)
            thing = progress.named(diff_id)
            count = host.counting(thing, progress.EXTRACTING, layer.size)
            layers.unpack_layer(layout, layer, diff_id, diff_id, (), count)
            host.show(thing, progress.IMPORTED)
            manifest = assemble.put_image(layout, _document(declared, diff_id), (layer,))
            kept = {**note, "diff_id": diff_id} if note else {}
            text = json.dumps(kept, sort_keys=True) if kept else ""
            index.tag(layout, declared.reference, manifest, source=text)
        if isinstance(declared.src, Source):
            declared.seen["diff_id"] = diff_id


def secrets(params: Mapping[str, Any]) -> list[str]:
    """The source, where it is a URL with more in it than everybody may see: a signed one has a
    secret in its query.
    """
    text = str(params.get("src") or "")
    try:
        return [text] if is_url(text) and shown(text) != text else []
    except ValueError:
        return [text]


def declare(params: Mapping[str, Any]) -> Declared:
    """Options of image_import: name, tag, src, checksum, validate_certs, ca_path, changes,
    platform, created, comment and the defaults.
    """
    reference = named_image.reference_of(params)
    if reference.digest:
        raise Error(f"{reference.canonical} names a digest; an import needs a tag")
    config = config_changes.with_options({}, params)
    config = config_changes.change(config, [str(line) for line in params.get("changes") or ()])
    wanted = params.get("platform")
    return Declared(
        reference=reference,
        src=_source(params),
        config=config,
        platform=platform.parse_platform(wanted) if wanted else platform.host_platform(),
        created=check_time(params.get("created") or assemble.EPOCH),
        message=str(params.get("comment") or ""),
    )


def _source(params: Mapping[str, Any]) -> Union[Path, Source]:
    text = str(params["src"])
    if is_url(text):
        return source_of(
            text,
            str(params.get("checksum") or ""),
            verified=params.get("validate_certs") is not False,
            ca_file=params.get("ca_path"),
        )
    if params.get("checksum"):
        raise Error("checksum applies to URLs, but src is a path on the host")
    return Path(os.path.abspath(os.path.expanduser(text)))


def check_time(text: str) -> str:
    """A time as a config states it (RFC 3339, in UTC)."""
    try:
        time.strptime(text, "%Y-%m-%dT%H:%M:%SZ")
    except ValueError as exc:
        raise Error(f"{text[:60]!a} is not a time", hint="use 2026-01-31T12:00:00Z") from exc
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
    local = expected.named(host, declared.reference)
    found = State(declared.reference.canonical, ABSENT if local is None else OUTDATED, local)
    unmet: tuple[str, ...] = ()
    try:
        if isinstance(declared.src, Source):
            diff_id = _remote_diff_id(host, declared, declared.src, local)
        else:
            diff_id = _known_diff_id(declared.src, _kept(declared, local)) or _hash(declared.src)
    except (FileNotFoundError, NotADirectoryError):
        missing = NotFound(
            f"{declared.src} does not exist on this host",
            hint="src must be a tar archive or a directory on the host, or a URL",
        )
        diff_id, unmet = "", (str(missing),)
    except Error as exc:
        # An earlier task of a check-mode run may have put up the server or the file.
        if not isinstance(declared.src, Source):
            raise
        diff_id, unmet = "", (str(exc),)
    if not diff_id:
        mark = named_image.mark("import", declared)
        current = local is not None and not local.id and mark in local.known_as
        return replace(found, status=CURRENT if current else found.status, unmet=unmet)
    image_id = assemble.image_id(_document(declared, diff_id))
    if local is not None and local.id == image_id and _is_whole(host, local):
        return replace(found, status=CURRENT, id=image_id)
    return replace(found, id=image_id)


def _is_whole(host: Host, local: Local) -> bool:
    return local.image is None or not store.missing(host.layout, local.image)


def _kept(declared: Declared, local: Optional[Local]) -> dict[str, Any]:
    """The note of when this name was imported; {} when there is none."""
    text = local.image.sources.get(declared.reference.canonical) if local and local.image else None
    with contextlib.suppress(ValueError):
        kept = json.loads(text or "{}")
        if isinstance(kept, dict) and oci.is_digest(str(kept.get("diff_id"))):
            return kept
    return {}


def _known_diff_id(src: Path, kept: Mapping[str, Any]) -> str:
    """What the source hashed to when this name was imported, if it is the same file still."""
    note = _note(src)
    return str(kept["diff_id"]) if kept and kept == {**note, "diff_id": kept["diff_id"]} else ""


def _remote_diff_id(host: Host, declared: Declared, source: Source, local: Optional[Local]) -> str:
    """The diff_id of a URL's content, or "" where there is no telling without importing it.

    Only what the name came from before is worth a download to compare, and only from a server that
    says nothing of what would change with the content.
    """
    if "diff_id" in declared.seen:
        return declared.seen["diff_id"]
    kept = _kept(declared, local)
    facts = Facts.read(kept.get("facts"))
    if source.checksum and source.checksum == kept.get("sha256"):
        return str(kept["diff_id"])
    from ....registry.url_fetch import Fetch

    known = facts if kept.get("request") == source.digest else None
    with Fetch(source) as fetch:
        now = fetch.ask(known)
    if known is None or source.checksum:
        return ""
    if now.same(known):
        return str(kept["diff_id"])
    # A time that was too young to tell when it was noted says nothing now.
    if now.tells and known.tells:
        return ""
    with _at_hand(host, source) as (path, dummy):
        declared.seen["diff_id"] = _hash(path)
    return declared.seen["diff_id"]


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


@contextlib.contextmanager
def _at_hand(host: Host, src: Union[Path, Source]) -> Iterator[tuple[Path, dict[str, Any]]]:
    """Where the source is on this host, and what is noted of it; a URL's is there for the block."""
    if isinstance(src, Path):
        yield src, _note(src)
        return
    from ....registry.url_fetch import Fetch

    def count(done: int, total: int) -> None:
        if host.watch is not None:
            host.watch("", progress.DOWNLOADING, done, total)

    with files.scratch(host.layout, "import") as directory:
        path = directory / "content"
        with Fetch(src) as fetch:
            facts, digest = fetch.download(path, count)
        try:
            yield (
                path,
                {"request": src.digest, "facts": facts.document(), "sha256": digest},
            )
        except Error as exc:
            message = exc.message.replace(str(path), str(src))
            message = message if str(src) in message else f"{src}: {message}"
            raise Error(message, hint=exc.hint) from exc


def _hash(src: Path) -> str:
    """The diff_id of the layer the source gives."""
    if src.is_dir():
        return difference.write_tree(src, assemble.Nowhere()).diff_id
    with _opened(src) as opened, compression.plain(opened, oci.LAYER) as plain:
        return assemble.digest_of_stream(plain)


def _read_layer(host: Host, src: Path) -> tuple[oci.Descriptor, str]:
    """The source as a blob, with its diff_id. A gzip stays as it came; all else is compressed."""
    layout = host.layout
    if src.is_dir():
        with assemble.writing_layer(layout) as out:
            diff_id = difference.write_tree(src, out).diff_id
            return out.publish(), diff_id
    with _opened(src) as file:
        if compression.sniff(os.pread(file.fileno(), _MAGIC_BYTES, 0)) == compression.GZIP:
            return assemble.keep_layer(layout, _watched(host, file), oci.LAYER_GZIP)
        source = _watched(host, file)
        with compression.plain(source, oci.LAYER) as plain, assemble.writing_layer(layout) as out:
            diff_id = assemble.digest_of_stream(assemble.Tee(plain, out))
            return out.publish(), diff_id


def _watched(host: Host, file: FileIO) -> Readable:
    """A file that is read, and counted where somebody watches."""
    count = host.counting("", progress.IMPORTING, os.fstat(file.fileno()).st_size)
    return file if count is None else progress.Counted(file, count)


@contextlib.contextmanager
def _opened(src: Path) -> Iterator[FileIO]:
    """A regular file."""
    fd = os.open(src, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
    with open(fd, "rb", buffering=0) as file:
        if not stat.S_ISREG(os.fstat(fd).st_mode):
            raise Error(f"{src} is neither a regular file nor a directory")
        yield file


def plan(declared: Declared, have: State) -> Plan[State]:
    if have.status == CURRENT:
        return Plan(have)
    return Plan(have, (Import(declared, have.id),), have.unmet)


RESOURCE: Resource[Declared, State] = Resource(
    observe=observe,
    plan=plan,
    view=named_image.view,
    diff=named_image.diff,
    result=named_image.result,
    lock=lambda declared: named_image.lock(declared.reference.canonical),
    predict=named_image.predict,
)
