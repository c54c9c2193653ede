# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The contexts that the host keeps, so that the next build is sent only what changed.

``build/contexts/HEX`` is one, by the digest of its list: ``list``, ``tree``, and ``lock``, held by
who uses it. Files that contexts share are one file with several names. The time of ``list`` is that
of the last use; of contexts beyond COUNT or BYTES, the ones that were used longest ago are removed
when another one comes.
"""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import tarfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Callable, Optional

from ...base import content, files
from ...base.errors import Error, LockTimeout
from ...base.frozen import dataclass
from ...base.layout import Layout
from ...base.regex import regex
from ...kernel import linux
from .listing import DIRECTORY, LINK, Item, Listing, unpacked

#: How many contexts are kept, and how many bytes of files; the newest one in any case.
COUNT, BYTES = 16, 8 << 30
_NAME = regex(r"\A[0-9a-f]{64}\Z", re.ASCII)
#: What the list is called in the archive of files; each file has its digest as its name.
LIST = "list"


def directory(layout: Layout) -> Path:
    """Where contexts that were sent are kept."""
    return layout.build / "contexts"


def find(layout: Layout, digest: str, held: contextlib.ExitStack) -> Optional[Listing]:
    """A context that is kept; it stays as long as ``held``."""
    if not _NAME.match(digest):
        raise Error("the digest of the context's files is damaged")
    place = directory(layout) / digest
    with contextlib.suppress(FileNotFoundError, LockTimeout), contextlib.ExitStack() as stack:
        fd = stack.enter_context(files.lock(place / "lock", shared=True, deadline_s=10.0))
        if os.stat(place / "lock").st_ino != os.fstat(fd).st_ino:
            return None
        found = unpacked((place / LIST).read_bytes())
        held.enter_context(stack.pop_all())
        return found
    return None


def tree(layout: Layout, digest: str) -> Path:
    """Where the files of a context are kept; it may not exist."""
    return directory(layout) / digest / "tree"


def used(layout: Layout, digest: str) -> None:
    """Note that a context was used."""
    with contextlib.suppress(FileNotFoundError):
        os.utime(directory(layout) / digest / LIST)


def names(layout: Layout) -> list[str]:
    """The digests of all that are kept, the one used last first."""
    try:
        found = [name for name in os.listdir(directory(layout)) if _NAME.match(name)]
    except FileNotFoundError:
        return []
    return sorted(found, key=lambda name: (-last_used(layout, name), name))


def last_used(layout: Layout, digest: str) -> float:
    """In seconds since 1970; 0 for one that is gone."""
    try:
        return (directory(layout) / digest / LIST).stat().st_mtime
    except FileNotFoundError:
        return 0.0


@dataclass(frozen=True)
class _Here:
    """A file of a context that is kept."""

    path: Path
    mode: int
    modified_ns: int


def _contents(layout: Layout, held: contextlib.ExitStack) -> dict[str, _Here]:
    """Every file of every context that is kept, by digest."""
    known: dict[str, _Here] = {}
    for name in names(layout):
        with contextlib.suppress(Error):
            found = find(layout, name, held)
            for one in found.items if found else ():
                if one.has_content:
                    path = tree(layout, name) / one.path
                    known.setdefault(one.of, _Here(path, one.mode, one.modified_ns))
    return known


def lacking(layout: Layout, listing: Listing) -> list[str]:
    """The digests of the files that the host does not have."""
    with contextlib.ExitStack() as held:
        known = _contents(layout, held)
    return sorted({one.of for one in listing.items if one.has_content} - set(known))


def keep(layout: Layout, listing: Listing, archive: Optional[Path]) -> None:
    """Keep a context, made of what came in ``archive`` and of what is here. Raises Error for a file
    that is not what the list says.
    """
    files.make_private(directory(layout))
    with files.scratch(layout, "context") as room, contextlib.ExitStack() as held:
        received = _received(archive, room) if archive is not None else {}
        known = _contents(layout, held)
        (room / "context").mkdir(mode=0o700)

        def put(one: Item, path: Path) -> None:
            if one.of in received:
                # The first name takes the file, others are copied from there.
                os.rename(received.pop(one.of), path)
                known[one.of] = _Here(path, one.mode, one.modified_ns)
                return
            here = known.get(one.of)
            if here is None:
                raise Error(
                    f"the file {one.path} of the context was not sent",
                    hint="run the task again: it may have changed meanwhile",
                )
            if (here.mode, here.modified_ns) == (one.mode, one.modified_ns):
                with contextlib.suppress(OSError):
                    os.link(here.path, path, follow_symlinks=False)
                    return
            shutil.copyfile(here.path, path)

        fill(listing, room / "context" / "tree", put)
        (room / "context" / LIST).write_bytes(listing.packed())
        (room / "context" / "lock").touch(mode=0o600)
        _sync(room)
        files.publish(room / "context", directory(layout) / listing.digest)
    _make_room(layout, listing.digest)


def fill(listing: Listing, top: Path, put: Callable[[Item, Path], None]) -> None:
    """Make a tree of a list; ``put`` makes a file that is not empty."""
    top.mkdir(mode=0o700)
    for one in listing.items:
        path = top / one.path
        if one.kind == DIRECTORY:
            path.mkdir(mode=0o700)
        elif one.kind == LINK:
            path.symlink_to(one.of)
            _time(path, one)
        else:
            if one.has_content:
                put(one, path)
            else:
                path.touch(mode=0o600)
            path.chmod(one.mode)
            _time(path, one)
    # What they hold is made by now: that takes their time, and root may lack the right to enter.
    for one in reversed(listing.items):
        if one.kind == DIRECTORY:
            (top / one.path).chmod(one.mode)
            _time(top / one.path, one)


def _time(path: Path, one: Item) -> None:
    os.utime(path, ns=(one.modified_ns, one.modified_ns), follow_symlinks=False)


def _received(archive: Path, room: Path) -> dict[str, Path]:
    """The files of an archive by the digest of their content, whatever they are called in it."""
    found: dict[str, Path] = {}
    with open(archive, "rb") as raw:
        try:
            with tarfile.open(fileobj=raw, mode="r|") as tar:
                for number, member in enumerate(tar):
                    file = tar.extractfile(member) if member.isreg() else None
                    if file is None:
                        raise Error("the archive of the context's files is damaged")
                    path = room / str(number)
                    with open(path, "xb") as out:
                        shutil.copyfileobj(file, out, content.CHUNK)
                    with open(path, "rb") as again:
                        digest = content.digest(again.read, member.size)
                    found[digest] = path
        except tarfile.TarError as exc:
            raise Error("the archive of the context's files is damaged") from exc
    return found


def _sync(path: Path) -> None:
    fd = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        linux.syncfs(fd)
    finally:
        os.close(fd)


def _make_room(layout: Layout, newest: str) -> None:
    """Remove what is beyond the bounds."""
    total, inodes = 0, set[tuple[int, int]]()
    others = [name for name in names(layout) if name != newest]
    for number, name in enumerate([newest, *others]):
        for status in _files(tree(layout, name)):
            key = (status.st_dev, status.st_ino)
            total += 0 if key in inodes else status.st_size
            inodes.add(key)
        if number and (number >= COUNT or total > BYTES):
            remove(layout, name)


def _files(top: Path) -> Iterator[os.stat_result]:
    for where, dummy, found in os.walk(top):
        for name in found:
            with contextlib.suppress(FileNotFoundError):
                yield os.lstat(os.path.join(where, name))


def size_bytes(layout: Layout, digest: str) -> int:
    """What the removal of a context alone would free at least."""
    return sum(one.st_size for one in _files(tree(layout, digest)) if one.st_nlink == 1)


def remove(layout: Layout, digest: str) -> bool:
    """Keep a context no longer; False for one that is in use."""
    place = directory(layout) / digest
    try:
        with files.lock(place / "lock", deadline_s=0.0):
            files.discard(layout, place)
    except FileNotFoundError:
        return True
    except LockTimeout:
        return False
    return True


def known(listing: Listing) -> Mapping[str, tuple[int, str]]:
    """The size and digest of each file, by path."""
    return {one.path: (one.size, one.of) for one in listing.items if one.kind == "file"}
