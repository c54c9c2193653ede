# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Archives made of hostile ones, and the ground they are unpacked on.

The path of the canary is in these archives, so their bytes differ between runs in that, and in
nothing else: its length is always the same.
"""

from __future__ import annotations

import io
import os
import shutil
from collections.abc import Sequence
from pathlib import Path
from random import Random

from support.inputs import hostile_layers
from support.inputs.tars import END, entry, extension, fingerprint, pax_records

from ansible_collections.slipway.engine.plugins.module_utils._runtime.image.layer.unpack import (
    unpack,
)

from . import mutate
from .parser import Escaped

_BLOCK = 512
#: The fields of a header: place and size (ustar, POSIX.1-1988).
_FIELDS = {
    "name": (0, 100), "mode": (100, 8), "uid": (108, 8), "gid": (116, 8), "size": (124, 12),
    "mtime": (136, 12), "kind": (156, 1), "link": (157, 100), "magic": (257, 8),
    "major": (329, 8), "minor": (337, 8), "prefix": (345, 155),
}  # fmt: skip
_TEXTS = frozenset({"name", "link", "prefix"})
_KINDS = b"0\0001234567xgLKSVMNDA"
_NUMBERS = (
    b"0000000", b"0000001\0", b"0000777\0", b"0007777\0", b"00000000001\0", b"00000001000\0",
    b"77777777777\0", b"7777777\0", b"\x80" + bytes(7), b"\x80\0\0\0\xff\xff\xff\xff", b"\xff" * 12,
    b"\x80" + bytes(3) + b"\xff" * 8, b"-1", b" 12 ", b"9", b"", b"\0" * 8, b"1" * 12,
)  # fmt: skip
_NAMES = (
    b"f", b"d", b"d/f", b"d/", b"../e", b"/e", b"a/../../e", b".", b"./", b"/", b"..", b"", b"l",
    b"l/f", b".wh.f", b".wh..", b".wh...", b".wh.", b".wh..wh..opq", b"d/.wh..wh..opq",
    b".wh..wh.plnk/1",
    b".wh..wh.plnk", b"proc/self/fd/3", b"d/f/g", b"below", b"below/file", b"a//b", b"\xff",
    b"../../../../../../etc/passwd", b"a/" * 49, b".wh.below", b"below/.wh.file", b"x" * 99,
)  # fmt: skip
_KEYS = (
    b"path", b"linkpath", b"size", b"uid", b"gid", b"mtime", b"SCHILY.xattr.user.x",
    b"SCHILY.xattr.trusted.overlay.opaque", b"SCHILY.xattr.security.capability", b"comment",
    b"GNU.sparse.major", b"GNU.sparse.minor", b"GNU.sparse.realsize", b"GNU.sparse.name",
    b"GNU.sparse.map", b"GNU.sparse.size", b"GNU.sparse.numblocks", b"SCHILY.dev", b"hdrcharset",
)  # fmt: skip


def corpus(place: Path) -> list[bytes]:
    """The hostile layers of tests/support, with this ground's canary in them; without the bombs."""
    canary = str(_ground(place) / "canary")
    made = [row.layer(canary) + END for row in hostile_layers.ROWS]
    return [*(one for one in made if len(one) <= mutate.LARGEST), canary.encode()]


def archive(random: Random, corpus: Sequence[bytes], words: Sequence[bytes]) -> bytes:
    """An archive of the corpus after some changes to its headers, its order or its bytes."""
    data = bytearray(random.choice(corpus))
    names = [*_NAMES, *words, *(one for one in corpus if len(one) < 100)]
    names += [one + b"/secret" for one in names[-1:]]
    for dummy in range(random.choice((0, 1, 1, 2, 2, 3, 5))):
        choice = random.randrange(12)
        if choice < 6:
            _edit(random, data, names)
        elif choice < 8:
            _add(random, data, names)
        elif choice == 8:
            blocks = [bytes(data[i : i + _BLOCK]) for i in range(0, len(data), _BLOCK)]
            one, other = random.randrange(len(blocks) or 1), random.randrange(len(blocks) or 1)
            data[:] = b"".join([*blocks[:one], *blocks[other : other + 2], *blocks[one + 1 :]])
        elif choice == 9:
            data[:] = data.rstrip(b"\0")
            data += bytes(-len(data) % _BLOCK) + random.choice(corpus)
        else:
            data[:] = mutate.raw(random, [bytes(data)], names)
    return bytes(data[: mutate.LARGEST])


def _headers(data: bytearray) -> list[int]:
    return [
        i for i in range(0, len(data) - _BLOCK + 1, _BLOCK) if data[i + 257 : i + 262] == b"ustar"
    ]


def _edit(random: Random, data: bytearray, names: Sequence[bytes]) -> None:
    """Change a field of a header, and mostly its checksum too."""
    found = _headers(data)
    if not found:
        return
    start = random.choice(found)
    field = random.choice(list(_FIELDS))
    place, size = _FIELDS[field]
    if field == "kind":
        new = bytes((random.choice(_KINDS),))
    else:
        new = random.choice(names if field in _TEXTS else _NUMBERS)
    data[start + place : start + place + size] = new[:size] + bytes(size - len(new[:size]))
    if random.randrange(16):
        data[start + 148 : start + 156] = b" " * 8
        data[start + 148 : start + 156] = b"%06o\0 " % sum(data[start : start + _BLOCK])


def _add(random: Random, data: bytearray, names: Sequence[bytes]) -> None:
    """Put an entry, or a PAX header or long name, before a header."""
    found = _headers(data) or [0]
    choice = random.randrange(4)
    if choice == 0:
        key = random.choice(_KEYS)
        text = random.choice([*names, b"1", b"0", b"-1", b"0,1", b"9" * 30, b"9999999999.5"])
        records = pax_records({key.decode(): text})
        if not random.randrange(8):
            records = mutate.raw(random, [records], names)
        new = extension(random.choice("xg"), records)
    elif choice == 1:
        new = extension(random.choice("LK"), random.choice(names) + b"\0")
    else:
        kind = random.choice("00001125555346")
        text = random.choice(names)
        pax = {"path": text} if not random.randrange(6) else None
        content = b"content" if kind == "0" else b""
        new = entry(random.choice(names), kind, content, link=random.choice(names), pax=pax)
    start = random.choice(found)
    data[start:start] = new


def _ground(place: Path) -> Path:
    """The canary, a layer below, and an empty target; made where it is not there."""
    ground = place / "ground"
    if not ground.exists():
        (ground / "canary" / "sub").mkdir(parents=True)
        (ground / "canary" / "secret").write_text("do not touch")
        (ground / "canary" / "secret").chmod(0o600)
        (ground / "canary" / "link").symlink_to("secret")
        (ground / "lower" / "below").mkdir(parents=True)
        (ground / "lower" / "below" / "file").write_text("of the layer below")
        (ground / "lower" / "l").symlink_to(ground / "canary")
        (ground / "target").mkdir()
    return ground


_WATCHED = ("canary", "canary/sub", "canary/secret", "canary/link", "lower/below/file", "lower/l")


def _state(ground: Path) -> object:
    """What must not change: times of change tell of everything but reading."""
    found = [*sorted(os.listdir(ground)), *sorted(os.listdir(ground.parent))]
    rows = [os.lstat(ground / name) for name in _WATCHED]
    return found, [
        (row.st_mode, row.st_uid, row.st_gid, row.st_size, row.st_nlink, row.st_ctime_ns)
        for row in rows
    ]


def unpacked(data: bytes, place: Path) -> None:
    """Unpack a layer over another. Raises Escaped when anything else than the target changed."""
    ground = _ground(place)
    before = _state(ground)
    try:
        unpack(io.BytesIO(data), ground / "target", (ground / "lower",), hostile_layers.SMALL)
    finally:
        after = _state(ground)
        shutil.rmtree(ground / "target")
        (ground / "target").mkdir()
    if before != after:
        raise Escaped(f"{before} became {after}; {fingerprint(ground)}")
