# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Headers of tar streams as we write them: ustar, with PAX records where a field does not fit."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from .tar import BLOCK, HEADER

_NOTHING: Mapping[bytes, bytes] = MappingProxyType({})


def header(
    name: bytes,
    kind: bytes,
    mode: int = 0,
    uid: int = 0,
    gid: int = 0,
    size: int = 0,
    mtime: int = 0,
    link: bytes = b"",
    major: int = 0,
    minor: int = 0,
    attributes: Mapping[bytes, bytes] = _NOTHING,
) -> bytes:
    """The header of an entry, with one PAX header before it for ``attributes`` and what does not
    fit.

    One, since readers differ in whether a second one adds to the first.
    """
    records = dict(attributes)
    if len(name) > 100:
        records[b"path"], name = name, name[:100]
    if len(link) > 100:
        records[b"linkpath"], link = link, link[:100]
    if size >= 8**11:
        records[b"size"], size = b"%d" % size, 0
    if uid >= 8**7:
        records[b"uid"], uid = b"%d" % uid, 0
    if gid >= 8**7:
        records[b"gid"], gid = b"%d" % gid, 0
    if not 0 <= mtime < 8**11:
        records[b"mtime"], mtime = b"%d" % mtime, 0
    block = _ustar(name, kind, mode, uid, gid, size, mtime, link, major, minor)
    return _extension(records) + block


def with_size(block: bytes, size: int) -> bytes:
    """A header without records, with the size that its content turned out to have.

    From 8 GiB on it stands there in base 256 (GNU), since no PAX record can be put before it any
    more; Go's archive/tar and every tar program read that in any header.
    """
    field = b"%011o\0" % size if size < 8**11 else b"\x80" + size.to_bytes(11, "big")
    block = block[:124] + field + block[136:148] + b" " * 8 + block[156:]
    return block[:148] + b"%06o\0 " % sum(block) + block[156:]


def _extension(records: Mapping[bytes, bytes]) -> bytes:
    """A PAX header with these records for the entry that follows; nothing for none."""
    if not records:
        return b""
    data = b""
    for key, value in sorted(records.items()):
        length = len(key) + len(value) + 3
        # The length counts its own digits.
        total = length + len(str(length))
        total = length + len(str(total))
        data += b"%d %s=%s\n" % (total, key, value)
    padding = bytes(-len(data) % BLOCK)
    return _ustar(b"PaxHeader", b"x", 0o644, 0, 0, len(data), 0, b"", 0, 0) + data + padding


def _ustar(
    name: bytes,
    kind: bytes,
    mode: int,
    uid: int,
    gid: int,
    size: int,
    mtime: int,
    link: bytes,
    major: int,
    minor: int,
) -> bytes:
    block = HEADER.pack(
        name,
        b"%07o\0" % mode,
        b"%07o\0" % uid,
        b"%07o\0" % gid,
        b"%011o\0" % size,
        b"%011o\0" % mtime,
        b" " * 8,
        kind,
        link,
        b"ustar\x0000",
        b"%07o\0" % major,
        b"%07o\0" % minor,
        b"",
        b"",
    )
    return block[:148] + b"%06o\0 " % sum(block) + block[156:]
