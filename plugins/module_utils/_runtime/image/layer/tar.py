# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A bounded reader of tar streams: v7, ustar, PAX and GNU headers.

Not tarfile: that reads a PAX record or a long name of any length into memory, follows a sparse map
of any length, skips headers it cannot read, and hangs or differs from version to version
(CVE-2019-20907, CVE-2024-6232, CVE-2025-8194; distributions keep the affected ones for years). Here
every length is checked before anything is read, a header that is not understood is an error, and
two readers of one layer see the same files: where formats contradict each other, what Go's
archive/tar does counts, because that is what other engines read layers with.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator, Mapping
from typing import NamedTuple, Optional

from ...base.errors import Error
from ...base.regex import regex
from .stream import Limits, Readable, Stream, malformed, text

BLOCK = 512

HEADER = struct.Struct("100s8s8s8s12s12s8sc100s8s64x8s8s155s12s")
_DECIMAL = regex(rb"\A[0-9]{1,19}\Z")
_TIME = regex(rb"\A(-?)([0-9]{1,19})(?:\.([0-9]{0,30}))?\Z")
_NOTHING: Mapping[bytes, bytes] = {}

#: A PAX record or long name applies to the next entry; more than these before one entry is an
#: attack.
_EXTENSIONS = 8

REGULAR, HARDLINK, SYMLINK, CHARACTER, BLOCK_DEVICE, DIRECTORY, FIFO = (
    b"0",
    b"1",
    b"2",
    b"3",
    b"4",
    b"5",
    b"6",
)
_WITHOUT_CONTENT = frozenset((HARDLINK, SYMLINK, CHARACTER, BLOCK_DEVICE, DIRECTORY, FIFO))

#: Linux keeps device numbers as 12 + 20 bits and ids as 32, of which the last means "leave as it
#: is".
_MAX_ID = 2**32 - 2


class Entry(NamedTuple):
    """One file of the stream. ``kind`` is a type flag; ``size`` counts content bytes in the stream.

    ``segments`` are the (offset, length) parts of a sparse file whose whole length is
    ``real_size``.
    """

    name: bytes
    kind: bytes
    mode: int
    uid: int
    gid: int
    size: int
    mtime_ns: int
    link: bytes
    major: int
    minor: int
    records: Mapping[bytes, bytes]
    segments: Optional[tuple[tuple[int, int], ...]]
    real_size: int


class Reader:
    """The entries of a tar stream, in order. The content of each is read, or skipped, before the
    next.
    """

    def __init__(self, source: Readable, limits: Limits) -> None:
        self.stream = Stream(source, limits)
        self._limits = limits
        self._left = 0
        self._padding = 0
        self.headers = 0

    def content(self, size: int) -> Iterator[memoryview]:
        """The next ``size`` bytes of the current entry's content, in pieces."""
        if size > self._left:
            raise AssertionError("an entry is read within its size")
        for piece in self.stream.pieces(size):
            self._left -= len(piece)
            yield piece

    def __iter__(self) -> Iterator[Entry]:
        while True:
            entry = self._next()
            if entry is None:
                self.stream.drain()
                return
            yield entry
            self.stream.skip(self._left)
            self.stream.pass_padding(self._padding)
            self._left = self._padding = 0

    def _next(self) -> Optional[Entry]:
        records, long_name, long_link = _NOTHING, b"", b""
        for dummy in range(_EXTENSIONS + 1):
            block = self.stream.take(BLOCK)
            if not block:
                if records or long_name or long_link:
                    raise malformed("it ends after the header of an entry")
                return None
            if block.count(0) == BLOCK:
                following = self.stream.take(BLOCK)
                if following.count(0) != len(following):
                    raise malformed("there is a single empty block between two entries")
                return None
            self.headers += 1
            if self.headers > self._limits.entries:
                raise Error(
                    f"the layer has more than {self._limits.entries} entries",
                    hint="raise the limit if you trust the image",
                )
            entry = _header(block)
            if entry.kind in b"xgLK" and entry.kind:
                data = self._extension(entry)
                if entry.kind == b"x":
                    records = _records(data)
                elif entry.kind == b"L":
                    long_name = data.rstrip(b"\0")
                elif entry.kind == b"K":
                    long_link = data.rstrip(b"\0")
                # A global header (g) applies to nothing here, as in other engines.
                continue
            return self._finish(entry, block, records, long_name, long_link)
        raise malformed("too many extension headers before one entry")

    def _extension(self, entry: Entry) -> bytes:
        if entry.size > self._limits.extension_bytes:
            raise malformed(f"an extension header of {entry.size} bytes")
        data = self.stream.take(entry.size)
        if len(data) != entry.size:
            raise malformed("it ends in an extension header")
        self.stream.skip(-entry.size % BLOCK)
        return data

    def _finish(
        self,
        entry: Entry,
        block: bytes,
        records: Mapping[bytes, bytes],
        long_name: bytes,
        long_link: bytes,
    ) -> Entry:
        if records:
            entry = _override(entry, records)
        if long_name or long_link:
            entry = entry._replace(name=long_name or entry.name, link=long_link or entry.link)
        if entry.kind == b"S" or b"GNU.sparse.realsize" in records or b"GNU.sparse.map" in records:
            entry = self._sparse(entry, block)
        elif any(key.startswith(b"GNU.sparse.") for key in records):
            raise malformed("a sparse file of an unknown kind")
        if entry.kind in _WITHOUT_CONTENT:
            entry = entry._replace(size=0)
        self._left, self._padding = entry.size, -entry.size % BLOCK
        if entry.kind in b"\x007":
            # v7 archives have no type for directories; "7" (contiguous) is a regular file
            # everywhere.
            directory = entry.kind == b"\0" and entry.name.endswith(b"/")
            entry = entry._replace(kind=DIRECTORY if directory else REGULAR)
        return entry

    def _sparse(self, entry: Entry, block: bytes) -> Entry:
        """Read the map of a sparse file: GNU's old format, and its PAX formats 0.1 and 1.0."""
        records, size = entry.records, entry.size
        if entry.kind == b"S":
            real_size = _number(block[483:495], "size")
            numbers = _fields(block, 386, 4)
            extended = block[482]
            while extended:
                following = self.stream.take(BLOCK)
                if not following or len(numbers) > 2 * self._limits.segments:
                    raise malformed(f"the sparse map of {text(entry.name)} does not end")
                numbers += _fields(following, 0, 21)
                extended = following[504]
        elif b"GNU.sparse.map" in records:
            real_size = _decimal(records, b"GNU.sparse.size")
            listed = [part for part in records[b"GNU.sparse.map"].split(b",") if part]
            if not all(_DECIMAL.match(part) for part in listed):
                raise malformed(f"the sparse map of {text(entry.name)}")
            numbers = [int(part) for part in listed]
        else:
            if records.get(b"GNU.sparse.major") != b"1" or records.get(b"GNU.sparse.minor") != b"0":
                raise malformed("a sparse file of an unknown version")
            real_size = _decimal(records, b"GNU.sparse.realsize")
            numbers, used = self._sparse_map(entry)
            size -= used
        name = records.get(b"GNU.sparse.name") or entry.name
        if len(numbers) % 2 or len(numbers) > 2 * self._limits.segments:
            raise malformed(f"the sparse map of {text(name)}")
        segments = tuple(zip(numbers[::2], numbers[1::2]))
        end = 0
        for offset, length in segments:
            if offset < end or offset + length > real_size:
                raise malformed(f"the sparse map of {text(name)} overlaps or leaves the file")
            end = offset + length
        if (
            sum(length for dummy, length in segments) != size
            or real_size > self._limits.layer_bytes
        ):
            raise malformed(f"the sparse map of {text(name)} does not fit its size")
        return entry._replace(
            name=name, kind=REGULAR, size=size, segments=segments, real_size=real_size
        )

    def _sparse_map(self, entry: Entry) -> tuple[list[int], int]:
        """The map that stands before the content: a count and pairs, one number a line, whole
        blocks.
        """
        lines: list[bytes] = []
        rest, used, wanted = b"", 0, 1
        while len(lines) < wanted:
            block = self.stream.take(BLOCK) if used + BLOCK <= entry.size else b""
            if not block:
                raise malformed(f"the sparse map of {text(entry.name)} does not end")
            used += BLOCK
            parts = (rest + block).split(b"\n")
            rest = parts.pop()
            if not all(_DECIMAL.match(part) for part in parts[: wanted - len(lines)]):
                raise malformed(f"the sparse map of {text(entry.name)}")
            if wanted == 1 and parts:
                wanted += 2 * int(parts[0])
                if wanted > 2 * self._limits.segments:
                    raise malformed(f"the sparse map of {text(entry.name)} has too many parts")
                if not all(_DECIMAL.match(part) for part in parts[:wanted]):
                    raise malformed(f"the sparse map of {text(entry.name)}")
            if len(rest) > 20 and len(lines) + len(parts) < wanted:
                raise malformed(f"the sparse map of {text(entry.name)}")
            lines += parts
        return [int(line) for line in lines[1:wanted]], used


def _header(block: bytes) -> Entry:
    (name, mode, uid, gid, size, mtime, checksum, kind, link, magic, major, minor, prefix, rest) = (
        HEADER.unpack(block)
    )
    # The low half of Adler-32 is one plus the sum of the bytes, and exact for fewer than 257 of
    # them: this is a sum over the block, the checksum taken as blanks, at a tenth of the time of
    # sum().
    total = (
        256
        + (zlib.adler32(block[:148]) & 0xFFFF)
        + (zlib.adler32(block[156:404]) & 0xFFFF)
        + (zlib.adler32(block[404:]) & 0xFFFF)
        - 3
    )
    stated = _number(checksum, "checksum")
    if total != stated:
        # Old programs summed signed bytes.
        high = sum(1 for byte in block[:148] + block[156:] if byte > 127)
        if total - 256 * high != stated:
            raise malformed("the checksum of a header is wrong")
    name = name.partition(b"\0")[0]
    if magic == b"ustar\x0000":
        if rest.endswith(b"tar\0"):
            prefix = prefix[:131]
        prefix = prefix.partition(b"\0")[0]
        if prefix:
            name = prefix + b"/" + name
    entry_size = _number(size, "size")
    if entry_size < 0:
        raise malformed(f"the size of {text(name)} is negative")
    device = kind in b"34" and magic[:5] == b"ustar"
    return Entry(
        name=name,
        kind=kind,
        mode=_number(mode, "mode") & 0o7777,
        uid=_identity(_number(uid, "uid"), name),
        gid=_identity(_number(gid, "gid"), name),
        size=entry_size,
        mtime_ns=_nanoseconds(_number(mtime, "mtime"), 0),
        link=link.partition(b"\0")[0],
        major=_number(major, "device") if device else 0,
        minor=_number(minor, "device") if device else 0,
        records=_NOTHING,
        segments=None,
        real_size=entry_size,
    )


def _number(field: bytes, what: str) -> int:
    """A numeric field: octal text, or base 256 where the first bit is set (GNU)."""
    if field[0] & 0x80:
        if field[0] & 0x40:
            return int.from_bytes(field, "big", signed=True)
        return int.from_bytes(bytes((field[0] & 0x7F,)) + field[1:], "big")
    digits = field.strip(b" \0")
    if not digits:
        return 0
    if not digits.isdigit():
        digits = digits.partition(b"\0")[0].rstrip(b" ")
    try:
        if digits.isdigit():
            return int(digits, 8)
    except ValueError:
        pass
    raise malformed(f"a header's {what} is not a number")


def _identity(number: int, name: bytes) -> int:
    # chown(2) takes 2^32-1 as "leave as it is", which would make the file root's (CVE-2024-40635's
    # kind).
    if 0 <= number <= _MAX_ID:
        return number
    raise malformed(f"the owner of {text(name)} is not a user or group id")


def _nanoseconds(seconds: int, fraction: int) -> int:
    # Beyond what filesystems keep, a time says nothing; other engines put such files at the epoch
    # too.
    return seconds * 10**9 + fraction if -(2**33) < seconds < 2**34 else 0


def _fields(block: bytes, start: int, count: int) -> list[int]:
    """The (offset, length) pairs of an old GNU sparse map; an empty pair ends it."""
    numbers: list[int] = []
    for position in range(start, start + 24 * count, 24):
        if not block[position] or not block[position + 12]:
            break
        numbers.append(_number(block[position : position + 12], "sparse map"))
        numbers.append(_number(block[position + 12 : position + 24], "sparse map"))
    if any(number < 0 for number in numbers):
        raise malformed("a sparse map with negative numbers")
    return numbers


def _records(data: bytes) -> dict[bytes, bytes]:
    """PAX records, each ``length key=value\\n``, the length counting itself (POSIX pax, 4.18)."""
    records: dict[bytes, bytes] = {}
    position = 0
    while position < len(data):
        space = data.find(b" ", position, position + 8)
        if space < 0 or not data[position:space].isdigit():
            raise malformed("a PAX record without a length")
        end = position + int(data[position:space])
        equals = data.find(b"=", space + 1, end)
        if end > len(data) or equals <= space + 1 or data[end - 1 : end] != b"\n":
            raise malformed("a PAX record whose length is wrong")
        key = data[space + 1 : equals]
        if b"\0" in key:
            raise malformed("a PAX record whose key holds a null byte")
        records[key] = data[equals + 1 : end - 1]
        position = end
    return records


def _decimal(records: Mapping[bytes, bytes], key: bytes) -> int:
    value = records.get(key, b"")
    if not _DECIMAL.match(value):
        raise malformed(f"the PAX record {key.decode('ascii', 'backslashreplace')} is not a number")
    return int(value)


def _override(entry: Entry, records: Mapping[bytes, bytes]) -> Entry:
    """A header as its PAX records correct it. An empty value leaves what the header says."""
    name, link = records.get(b"path") or entry.name, records.get(b"linkpath") or entry.link
    size, uid, gid, mtime_ns = entry.size, entry.uid, entry.gid, entry.mtime_ns
    if records.get(b"size"):
        size = _decimal(records, b"size")
    if records.get(b"uid"):
        uid = _identity(_decimal(records, b"uid"), name)
    if records.get(b"gid"):
        gid = _identity(_decimal(records, b"gid"), name)
    if records.get(b"mtime"):
        match = _TIME.match(records[b"mtime"])
        if match is None:
            raise malformed(f"the PAX record mtime of {text(name)} is not a time")
        seconds, fraction = int(match[2]), int(((match[3] or b"") + b"0" * 9)[:9])
        mtime_ns = (
            _nanoseconds(-seconds, -fraction) if match[1] else _nanoseconds(seconds, fraction)
        )
    return entry._replace(
        name=name,
        link=link,
        size=size,
        uid=uid,
        gid=gid,
        mtime_ns=mtime_ns,
        records=records,
        real_size=size,
    )
