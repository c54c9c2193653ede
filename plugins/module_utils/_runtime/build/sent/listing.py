# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a context on the controller holds, as a list.

The controller makes it (plugin_utils/_context.py), so nothing here needs Linux. What
``.dockerignore`` names is not in it. Its digest covers all but the times: a context that is only
younger is the same one. Pure.
"""

from __future__ import annotations

import base64
import binascii
import os
import re
import zlib
from collections.abc import Iterable
from typing import Any

from ...base import strict_json
from ...base.content import LARGE
from ...base.document import canonical
from ...base.errors import Error
from ...base.frozen import dataclass
from ...base.regex import regex
from ...image.dockerfile import ignore

_FORM = 1
FILE, DIRECTORY, LINK = "file", "directory", "link"
_DIGEST = regex(r"\A(?:chunks:)?[0-9a-f]{64}\Z", re.ASCII)


@dataclass(frozen=True)
class Item:
    """A file, directory or link. ``path`` is relative, its bytes as Python's file names; ``of`` is
    the digest of a file (base/content) and the target of a link.
    """

    path: str
    kind: str
    mode: int
    modified_ns: int
    size: int = 0
    of: str = ""

    @property
    def has_content(self) -> bool:
        return self.kind == FILE and self.size > 0


@dataclass(frozen=True)
class Listing:
    """The items, a directory before what it holds; the Dockerfile, whether or not it is one of
    them; and the ignore file, with its name.
    """

    items: tuple[Item, ...]
    dockerfile: tuple[str, bytes]
    ignored: tuple[str, str] = (".dockerignore", "")

    @property
    def patterns(self) -> ignore.Patterns:
        name, text = self.ignored
        return ignore.read(text, name)

    def _document(self) -> dict[str, Any]:
        name, data = self.dockerfile
        return {
            "form": _FORM,
            "dockerfile": [name, base64.b64encode(data).decode("ascii")],
            "ignored": list(self.ignored),
            "items": [[one.path, one.kind, one.mode, one.size, one.of] for one in self.items],
        }

    @property
    def digest(self) -> str:
        """64 hexadecimal digits."""
        import hashlib

        return hashlib.sha256(canonical(self._document())).hexdigest()

    def packed(self) -> bytes:
        times = [one.modified_ns for one in self.items]
        return zlib.compress(canonical({**self._document(), "times": times}))


def unpacked(data: bytes) -> Listing:
    """The list that was packed. Raises Error for anything else: what it names is made on the host
    by root, so no path of it leads out of its tree, and none is below a link.
    """
    try:
        value = strict_json.loads(zlib.decompress(data), surrogates=True)
        name, text = value["dockerfile"]
        dockerfile = (str(name), base64.b64decode(text, validate=True))
        ignored_name, ignored = value["ignored"]
        items = tuple(
            Item(str(path), str(kind), int(mode), int(time), int(size), str(of))
            for (path, kind, mode, size, of), time in zip(value["items"], value["times"])
        )
        if value["form"] != _FORM or len(items) != len(value["items"]):
            raise ValueError("another form")
        os.fsencode("".join([str(name), str(ignored_name), *(one.path + one.of for one in items)]))
    except (zlib.error, ValueError, TypeError, KeyError, binascii.Error) as exc:
        raise Error("the list of the context's files is damaged") from exc
    _check(items)
    return Listing(items, dockerfile, (str(ignored_name), str(ignored)))


def _check(items: Iterable[Item]) -> None:
    directories, seen = {""}, set()
    for one in items:
        parts = one.path.split("/")
        sane = (
            not {"", ".", ".."} & set(parts)
            and "\0" not in one.path
            and one.path not in seen
            and "/".join(parts[:-1]) in directories
            and 0 <= one.mode <= 0o7777
            and one.size >= 0
        )
        if one.kind == FILE:
            sane = sane and _DIGEST.match(one.of) is not None
            sane = sane and one.of.startswith("chunks:") == (one.size >= LARGE)
        elif one.kind == LINK:
            sane = sane and bool(one.of) and "\0" not in one.of
        else:
            sane = sane and one.kind == DIRECTORY
        if not sane:
            raise Error(f"the list of the context's files is damaged at {one.path[:200]!a}")
        seen.add(one.path)
        if one.kind == DIRECTORY:
            directories.add(one.path)
