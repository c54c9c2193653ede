# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Tar streams that no honest program would write, byte by byte, and what became of a tree.

Nothing here uses the library under test.
"""

from __future__ import annotations

import os
import stat
import struct
from collections.abc import Mapping
from pathlib import Path
from typing import Optional, Union

Text = Union[str, bytes]

END = bytes(1024)


def entry(
    name: Text,
    kind: str = "0",
    data: bytes = b"",
    *,
    link: Text = b"",
    mode: int = 0o644,
    uid: Union[int, bytes] = 0,
    gid: Union[int, bytes] = 0,
    size: Union[int, bytes, None] = None,
    mtime: Union[int, bytes] = 0,
    device: tuple[int, int] = (0, 0),
    magic: bytes = b"ustar\x0000",
    prefix: Text = b"",
    pax: Optional[Mapping[str, Text]] = None,
    checksum: Optional[int] = None,
) -> bytes:
    """One header with its content. Long names and ``pax`` go into a PAX header before it."""
    records = {key: _bytes(value) for key, value in (pax or {}).items()}
    name_bytes, link_bytes = _bytes(name), _bytes(link)
    if len(name_bytes) > 100 or b"\0" in name_bytes:
        records["path"], name_bytes = name_bytes, b"short"
    if len(link_bytes) > 100 or b"\0" in link_bytes:
        records["linkpath"], link_bytes = link_bytes, b"short"
    before = extension("x", pax_records(records)) if records else b""
    block = bytearray(
        struct.pack(
            "100s8s8s8s12s12s8sc100s8s32s32s8s8s155s12x",
            name_bytes,
            number(mode, 8),
            number(uid, 8),
            number(gid, 8),
            number(len(data) if size is None else size, 12),
            number(mtime, 12),
            b" " * 8,
            kind.encode("latin-1"),
            link_bytes,
            magic,
            b"someone",
            b"somegroup",
            number(device[0], 8),
            number(device[1], 8),
            _bytes(prefix),
        )
    )
    total = sum(block) if checksum is None else checksum
    block[148:156] = b"%06o\0 " % total
    return before + bytes(block) + data + bytes(-len(data) % 512)


def extension(kind: str, data: bytes, size: Optional[int] = None) -> bytes:
    """A header (x, g, L or K) that says something about the next one."""
    return entry("././@extension", kind, data, size=size)


def pax_records(records: Mapping[str, bytes]) -> bytes:
    data = b""
    for key, value in records.items():
        body = b" " + key.encode() + b"=" + value + b"\n"
        length = len(body)
        while length != len(body) + len(str(length)):
            length = len(body) + len(str(length))
        data += str(length).encode() + body
    return data


def number(value: Union[int, bytes], width: int) -> bytes:
    """A field as given, or as octal text, or in base 256 where that is too small or signed."""
    if isinstance(value, bytes):
        return value
    if 0 <= value < 8 ** (width - 1):
        return b"%0*o\0" % (width - 1, value)
    if value < 0:
        return value.to_bytes(width, "big", signed=True)
    return b"\x80" + value.to_bytes(width - 1, "big")


def directory(name: Text, mode: int = 0o755, mtime: int = 0) -> bytes:
    return entry(name, "5", mode=mode, mtime=mtime)


def symlink(name: Text, target: Text, mode: int = 0o777) -> bytes:
    return entry(name, "2", link=target, mode=mode)


def hardlink(name: Text, target: Text, mode: int = 0o644) -> bytes:
    return entry(name, "1", link=target, mode=mode)


def _bytes(value: Text) -> bytes:
    return value.encode() if isinstance(value, str) else value


def describe(path: Path) -> str:
    """What is at a path, in one word or two; links are not followed."""
    try:
        found = path.lstat()
    except (FileNotFoundError, NotADirectoryError):
        return "absent"
    kind = stat.S_IFMT(found.st_mode)
    if kind == stat.S_IFREG:
        return f"file {path.read_bytes()[:100].decode('latin-1')}".rstrip()
    if kind == stat.S_IFLNK:
        return f"link {os.readlink(path)}"
    if kind == stat.S_IFDIR:
        opaque = "trusted.overlay.opaque" in os.listxattr(path)
        return "opaque directory" if opaque else "directory"
    if kind == stat.S_IFCHR and found.st_rdev == 0:
        return "whiteout"
    if kind in (stat.S_IFCHR, stat.S_IFBLK):
        letter = "c" if kind == stat.S_IFCHR else "b"
        return f"device {letter} {os.major(found.st_rdev)}:{os.minor(found.st_rdev)}"
    return "fifo" if kind == stat.S_IFIFO else "socket"


def fingerprint(top: Path) -> list[tuple[object, ...]]:
    """All of a tree that somebody could change, times of change and link counts included."""
    found: list[tuple[object, ...]] = []
    for path in (top, *sorted(top.rglob("*"))):
        status = path.lstat()
        attributes = {
            name: os.getxattr(path, name, follow_symlinks=False)
            for name in os.listxattr(path, follow_symlinks=False)
        }
        content = path.read_bytes() if stat.S_ISREG(status.st_mode) else b""
        found.append(
            (
                str(path),
                status.st_mode,
                status.st_uid,
                status.st_gid,
                status.st_nlink,
                status.st_mtime_ns,
                status.st_ctime_ns,
                content,
                sorted(attributes.items()),
            )
        )
    return found
