# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Where COPY, ADD and mounts take files from: the context, a stage, an image.

A context was made by somebody else. Everything in it is found as if its top were ``/`` (safefs):
neither ``..`` nor a link of it leads out, also not as the ignore file or the Dockerfile
(CVE-2022-4122, CVE-2024-1753, CVE-2026-44517).
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import posixpath
import stat
from collections.abc import Iterator, Mapping, Sequence
from typing import Optional

from ...base.errors import Error, NotFound
from ...base.frozen import dataclass, replace
from ...image.dockerfile import ignore
from ...image.dockerfile.lines import LIMIT
from ...image.dockerfile.pattern import compiled
from ...kernel import safefs
from ...tree import scan
from ...tree.scan import Entry

#: The names a Dockerfile has, in this order.
DOCKERFILES = ("Dockerfile", "Containerfile")


@dataclass(frozen=True)
class Source:
    """A tree that files are taken from. ``ignored`` are what it hides, ``owned`` is whether the
    copies keep the owners it has; those of a context are root's. ``title`` is what errors call it.
    ``known`` has the size and digest of its files by path, where they need not be read.
    """

    root: safefs.Root
    title: str
    ignored: Optional[ignore.Patterns] = None
    owned: bool = False
    known: Optional[Mapping[str, tuple[int, str]]] = None


@dataclass(frozen=True)
class Selected:
    """Something to be copied: ``path`` in its tree, its last component no link; ``name`` as it was
    asked for, without a slash at its beginning.
    """

    path: bytes
    name: str
    directory: bool


def read_dockerfile(context: Optional[Source], text: str) -> tuple[bytes, str]:
    """The Dockerfile and what it is called: the file of that name in the context or, with an
    absolute path, of the host.
    """
    if os.path.isabs(text):
        try:
            with safefs.Root(os.path.dirname(text) or "/") as root:
                return root.read_bytes(os.path.basename(text), LIMIT), text
        except NotFound as exc:
            raise NotFound(f"the Dockerfile {text} does not exist on this host") from exc
    if context is None:
        raise Error("there is no context, so the Dockerfile has to be given by itself")
    for name in [text] if text else DOCKERFILES:
        with contextlib.suppress(NotFound):
            return context.root.read_bytes(name, LIMIT), name
    shown = text or " or ".join(DOCKERFILES)
    raise NotFound(
        f"there is no {shown} in {context.title}", hint="name the file with dockerfile (-f)"
    )


@contextlib.contextmanager
def directory(path: str, dockerfile: str = "", title: str = "") -> Iterator[Source]:
    """A context that is a directory of the host, with its ignore file."""
    title = title or f"the context {path}"
    if not os.path.isdir(path):
        raise NotFound(
            f"{title} is not a directory on this host",
            hint="the context is on the host the image is built on",
        )
    with safefs.Root(path, label=title) as root:
        yield Source(root, title, _ignored(root, dockerfile))


def _ignored(root: safefs.Root, dockerfile: str) -> ignore.Patterns:
    """The patterns beside the Dockerfile, or those of the context."""
    names = [".dockerignore"]
    if dockerfile and not os.path.isabs(dockerfile):
        names.insert(0, f"{dockerfile}.dockerignore")
    elif not dockerfile:
        names = [f"{name}.dockerignore" for name in DOCKERFILES] + names
    else:
        with contextlib.suppress(NotFound), safefs.Root(os.path.dirname(dockerfile)) as beside:
            name = f"{os.path.basename(dockerfile)}.dockerignore"
            return ignore.read(beside.read_text(name, ignore.LIMIT), name)
    for name in names:
        with contextlib.suppress(NotFound):
            return ignore.read(root.read_text(name, ignore.LIMIT), name)
    return ignore.Patterns(())


def select(source: Source, text: str) -> list[Selected]:
    """What a source of COPY names, a pattern perhaps nothing or more than one. Raises NotFound for
    a path that is not there.
    """
    name = _normal(text)
    return list(_matching(source, name)) if ignore.is_wildcard(name) else [find(source, text)]


def find(source: Source, text: str) -> Selected:
    """What is at a path. Raises NotFound."""
    name = _normal(text)
    one = _one(source, name)
    if one is None:
        hidden = _is_hidden(source, name)
        above = text.startswith("../") or "/../" in text
        raise NotFound(
            f"there is no {text} in {source.title}",
            hint=".dockerignore excludes it"
            if hidden
            else "a build cannot reach outside of its context"
            if above
            else None,
        )
    return one


def _normal(text: str) -> str:
    return posixpath.normpath("/" + text.strip("/")).lstrip("/")


def _is_hidden(source: Source, name: str) -> bool:
    return source.ignored is not None and source.ignored.matches(name)


def _one(source: Source, name: str) -> Optional[Selected]:
    """What is at a path, a link followed; None for nothing, and for what is left out."""
    path = scan.resolve(source.root, name or "/")
    found = scan.look(source.root, path)
    if found is None or found.kind not in scan.COPIED:
        return None
    is_directory = found.kind == "directory"
    where = _place(source, path)
    ignored = source.ignored
    for one in {name, where} - {"", "."}:
        if ignored is not None and ignored.matches(one):
            if not (is_directory and ignored.exceptions):
                return None
            if not any(True for dummy in _listed(source, path, where, ())):
                return None
    return Selected(path, name, is_directory)


def _place(source: Source, path: bytes) -> str:
    """The path without links, relative to the top."""
    fd = source.root.open(path, os.O_PATH | os.O_NOFOLLOW)
    try:
        top, found = (os.readlink(f"/proc/self/fd/{one}") for one in (source.root.fd, fd))
    finally:
        os.close(fd)
    relative = os.path.relpath(found, top)
    return "" if relative == "." else relative


def _matching(source: Source, pattern: str) -> Iterator[Selected]:
    try:
        matches = compiled(pattern)
    except ValueError as exc:
        raise Error(f"{pattern[:100]!a} is not a pattern: {exc}") from exc
    depth = -1 if "**" in pattern else pattern.count("/")

    def left_out(node: scan.Node) -> bool:
        path = os.fsdecode(node.path)
        if depth >= 0 and path.count("/") > depth:
            return True
        return bool(path) and _pruned(source, path, node)

    names = [os.fsdecode(n.path) for n in scan.walk(source.root, "/", left_out=left_out) if n.path]
    for name in names:
        if matches(name):
            one = _one(source, name)
            if one is not None:
                yield one


def _pruned(source: Source, path: str, node: scan.Node) -> bool:
    """Whether nothing at or below a path is in a build."""
    ignored = source.ignored
    if ignored is None or not ignored.matches(path):
        return False
    return not (stat.S_ISDIR(node.status.st_mode) and ignored.exceptions)


def entries(source: Source, one: Selected, exclude: Sequence[str] = ()) -> dict[bytes, Entry]:
    """What is copied of something, by path below it, b"" for itself; files with their digests."""
    excluded = ignore.Patterns(exclude, "--exclude") if exclude else None
    where = _place(source, one.path)
    found = dict(_listed(source, one.path, where, (), excluded))
    return found


def _listed(
    source: Source,
    path: bytes,
    where: str,
    skip: Sequence[int],
    excluded: Optional[ignore.Patterns] = None,
) -> Iterator[tuple[bytes, Entry]]:
    ignored = source.ignored

    def full(node: scan.Node) -> str:
        return posixpath.join(where, os.fsdecode(node.path)) if node.path else where

    def left_out(node: scan.Node) -> bool:
        if node.path and _pruned(source, full(node), node):
            return True
        inner = os.fsdecode(node.path)
        return bool(excluded and inner and _excludes(excluded, inner, node))

    waiting: list[tuple[bytes, Entry]] = []
    for node in scan.walk(source.root, path, skip, left_out):
        if node.kind not in scan.COPIED:
            continue
        with contextlib.suppress(FileNotFoundError):
            entry = _described(source, node, full(node))
            hidden = bool(
                node.path
                and node.kind == "directory"
                and (
                    (ignored is not None and ignored.matches(full(node)))
                    or (excluded is not None and excluded.matches(os.fsdecode(node.path)))
                )
            )
            if hidden:
                # It is there only for the sake of what an exception takes back below it.
                waiting.append((node.path, entry))
                continue
            for above in waiting:
                if node.path.startswith(above[0] + b"/"):
                    yield above
            waiting = [above for above in waiting if not node.path.startswith(above[0] + b"/")]
            yield node.path, entry


def _described(source: Source, node: scan.Node, path: str) -> Entry:
    if source.known is None or node.kind != "file":
        return scan.describe(node)
    size, found = source.known[path]
    return replace(scan.describe(node, digest=False), size=size, digest=found)


def _excludes(patterns: ignore.Patterns, path: str, node: scan.Node) -> bool:
    if not patterns.matches(path):
        return False
    return not (stat.S_ISDIR(node.status.st_mode) and patterns.exceptions)


def digest(found: dict[bytes, Entry], owned: bool) -> str:
    """Of names, modes, owners (where they are kept), link targets and content; of no times."""
    whole = hashlib.sha256()
    for path in sorted(found):
        entry = found[path]
        owner = (entry.uid, entry.gid) if owned else (0, 0)
        fields = (entry.kind, oct(entry.mode), *map(str, owner), str(entry.size), entry.digest)
        for part in (path, *(field.encode() for field in fields), entry.target):
            whole.update(len(part).to_bytes(8, "big") + part)
        for name, value in entry.attributes:
            whole.update(len(name).to_bytes(8, "big") + name.encode() + value)
    return "sha256:" + whole.hexdigest()


def check_unchanged(source: Source, before: dict[bytes, Entry], after: dict[bytes, Entry]) -> None:
    """Raise Error where files changed while they were copied: under the key of what they were, the
    cache must not hold what they became.
    """
    if before != after:
        changed = sorted(p for p in {*before, *after} if before.get(p) != after.get(p))
        raise Error(
            f"{source.title} changed while it was copied: {os.fsdecode(changed[0]) or 'its top'}",
            hint="build again when nothing is writing to it",
        )
