# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A context of the controller as one task uses it.

To plan, the list is enough: where the host does not keep the context, a tree of its names stands
in, with files of the right size and no content. Only a task that builds needs the files, and says
which ones it lacks.
"""

from __future__ import annotations

import base64
import binascii
import os
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ...base import files
from ...base.errors import Error
from ...base.frozen import dataclass, field
from ...plan.plan import Host
from ...tree import scan
from . import kept
from .listing import Item, Listing, unpacked


@dataclass(frozen=True)
class Sent:
    """What the action plugin says of a context: the digest of its list; the list itself, packed,
    or the file it came in; the files that the host lacked, in an archive with the list. ``title``
    is what the task calls it, ``acts`` is false in check mode.
    """

    title: str
    digest: str
    packed: bytes = field(default=b"", repr=False)
    list_file: str = ""
    archive: str = ""
    acts: bool = True


def sent(given: Mapping[str, Any]) -> Sent:
    """Read what the action plugin says."""
    try:
        packed = base64.b64decode(str(given.get("list") or ""), validate=True)
    except binascii.Error as exc:
        raise Error("the list of the context's files is damaged") from exc
    return Sent(
        str(given["title"]),
        str(given["digest"]),
        packed,
        str(given.get("list_file") or ""),
        str(given.get("archive") or ""),
        bool(given.get("acts")),
    )


class Place:
    """The tree of a context during a task: of its files, or until ``provide`` of their names."""

    def __init__(self, host: Host, given: Sent) -> None:
        self._given = given
        listing = kept.find(host.layout, given.digest, host.held)
        self._whole = listing is not None
        kept.used(host.layout, given.digest)
        self.listing = listing if listing is not None else _listing(host, given)
        self._tree = (
            kept.tree(host.layout, given.digest) if self._whole else _stand_in(host, self.listing)
        )

    @property
    def title(self) -> str:
        return f"the context {self._given.title} on the controller"

    @property
    def tree(self) -> Path:
        return self._tree

    def check(self, host: Host) -> None:
        """Before anything is built: raise Error where the host lacks files, which are in its
        outcome.
        """
        if self._whole or self._given.archive or not self._given.acts:
            return
        needed = kept.lacking(host.layout, self.listing)
        if needed:
            _ask(host, needed)

    def provide(self, host: Host) -> None:
        """Have the files."""
        if not self._whole:
            archive = Path(self._given.archive) if self._given.archive else None
            kept.keep(host.layout, self.listing, archive)
            if kept.find(host.layout, self._given.digest, host.held) is None:
                raise Error(f"{self.title} was removed while it was used", hint="run it again")
            self._tree, self._whole = kept.tree(host.layout, self._given.digest), True


def _ask(host: Host, needed: Any) -> None:
    """End the task, and tell the action plugin what to send with the next one."""
    host.outcome["failed"] = {"_lacks": needed}
    raise Error("the host lacks files of the context, and nothing sent them")


def _listing(host: Host, given: Sent) -> Listing:
    data = given.packed
    if not data and given.archive:
        data = _first(given.archive)
    elif not data and given.list_file:
        data = Path(given.list_file).read_bytes()
    if not data:
        _ask(host, kept.LIST)
    listing = unpacked(data)
    if listing.digest != given.digest:
        raise Error("the list of the context's files is damaged")
    return listing


def _first(archive: str) -> bytes:
    """The list at the beginning of an archive."""
    import tarfile

    try:
        with tarfile.open(archive, "r:") as tar:
            member = tar.next()
            file = tar.extractfile(member) if member and member.name == kept.LIST else None
            return file.read() if file else b""
    except tarfile.TarError as exc:
        raise Error("the archive of the context's files is damaged") from exc


def _stand_in(host: Host, listing: Listing) -> Path:
    if host.layout.tmp.is_dir():
        top = host.held.enter_context(files.scratch(host.layout, "context"))
    else:
        # In check mode on a host that has nothing of ours yet.
        top = Path(host.held.enter_context(tempfile.TemporaryDirectory(prefix="slipway-")))

    def put(one: Item, path: Path) -> None:
        with open(path, "xb") as file:
            file.truncate(one.size)

    try:
        kept.fill(listing, top / "tree", put)
    except OSError as exc:
        where = exc.filename or top
        raise Error(f"{scan.text(os.fsencode(where))}: {exc.strerror}") from exc
    return top / "tree"
