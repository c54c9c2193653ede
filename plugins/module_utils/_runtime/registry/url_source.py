# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A file at a URL: what was requested, and how to recognise a change.

The URL may carry a secret in its query, as signed ones do, so what is shown and what is kept has
none: instead of the query its digest is kept.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Any, Optional
from urllib.parse import urlsplit, urlunsplit

from ..base.errors import Error
from ..base.frozen import dataclass, fields, items
from ..base.regex import regex
from .origin import Origin

#: More than any root filesystem; a server that never ends must not fill the disk.
SIZE_LIMIT = 64 << 30

_CHECKSUM = regex(r"\Asha256:[0-9a-fA-F]{64}\Z")


@dataclass(frozen=True)
class Source:
    """A file at ``url``. ``checksum`` is ``sha256:`` and what its bytes hash to, or empty."""

    url: str
    checksum: str = ""
    verified: bool = True
    ca_file: Optional[str] = None
    limit: int = SIZE_LIMIT

    def __str__(self) -> str:
        return shown(self.url)

    @property
    def digest(self) -> str:
        """Of the whole URL, query included."""
        return "sha256:" + hashlib.sha256(self.url.encode()).hexdigest()


def is_url(text: str) -> bool:
    """Whether a source is a URL, not a path."""
    return text.lower().startswith(("http://", "https://"))


def source_of(
    url: str, checksum: str = "", *, verified: bool = True, ca_file: Optional[str] = None
) -> Source:
    """A URL as it was declared; Error where it is none, or where the checksum is none."""
    if checksum and not _CHECKSUM.match(checksum):
        raise Error(f"checksum is {checksum[:80]!a}", hint="use sha256: and 64 hexadecimal digits")
    if "@" in urlsplit(url).netloc:
        raise Error(
            f"the URL {shown(url)} contains a user or a password, which is not supported",
            hint="fetch the file with ansible.builtin.get_url and import it from the host",
        )
    bare = url.partition("#")[0]
    try:
        Origin.of(bare)
    except Error as exc:
        # Its own words would repeat the query.
        raise Error(
            f"{shown(url)!a} is not a URL to fetch from",
            hint="use http or https, a host and a path, with special characters percent-encoded",
        ) from exc
    return Source(bare, checksum.lower(), verified, ca_file)


def shown(url: str) -> str:
    """The URL without user, password, query and fragment."""
    parts = urlsplit(url)
    host = parts.netloc.rpartition("@")[2]
    return urlunsplit((parts.scheme, host, parts.path, "", ""))


@dataclass(frozen=True)
class Facts:
    """What a server says of a file: where it was in the end, and what changes with it."""

    final: str
    etag: str = ""
    last_modified: str = ""
    length: Optional[int] = None

    @classmethod
    def of(cls, url: str, headers: Mapping[str, str], length: Optional[int]) -> Facts:
        """Those of an answer. A time too young to tell the next change is left out."""
        modified = headers.get("Last-Modified", "")
        if not _is_settled(modified, headers.get("Date", "")):
            modified = ""
        return cls(shown(url), headers.get("ETag", ""), modified, length)

    @classmethod
    def read(cls, value: Any) -> Optional[Facts]:
        """The same from document(), or None where it is something else."""
        if not isinstance(value, dict) or set(value) != {f.name for f in fields(cls)}:
            return None
        return cls(**value)

    def document(self) -> dict[str, Any]:
        return dict(items(self))

    @property
    def tells(self) -> bool:
        """Whether the server names anything that would change with the content."""
        return bool(self.etag or self.last_modified)

    def same(self, other: Facts) -> bool:
        """Whether both are of the same content. A length is compared where both have one."""
        if not self.tells or self.final != other.final:
            return False
        if (self.etag or other.etag) and self.etag != other.etag:
            return False
        if not self.etag and self.last_modified != other.last_modified:
            return False
        return None in (self.length, other.length) or self.length == other.length


def _is_settled(modified: str, date: str) -> bool:
    """RFC 9110, section 8.8.2.2: a file that changes twice in one second keeps its time."""
    # It brings a good part of email along, which a task without a URL has no use for.
    from email.utils import parsedate_to_datetime

    try:
        age = parsedate_to_datetime(date) - parsedate_to_datetime(modified)
    except (TypeError, ValueError, IndexError):
        return False
    return age.total_seconds() >= 1.0
