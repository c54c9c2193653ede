# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Hostile layers, each with the advisory it replays: what tests, and other engines, are given.

More rows, nothing else, make the corpus grow.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Callable, Optional

from ansible_collections.slipway.engine.plugins.module_utils._runtime.image.layer.unpack import (
    Limits,
)
from support.inputs.tars import (
    END,
    Text,
    directory,
    entry,
    extension,
    hardlink,
    pax_records,
    symlink,
)

SMALL = Limits(layer_bytes=1 << 20, entries=100, segments=100, reserve_bytes=0)

#: Makes the stream, from the canary's path.
Maker = Callable[[str], bytes]


@dataclass(frozen=True)
class Row:
    """``refused``: a part of the error, None for a layer that is unpacked and is as ``expect``
    says.
    """

    name: str
    advisory: str
    layer: Maker
    refused: Optional[str] = None
    expect: Mapping[str, str] = field(default_factory=dict)
    lower: Optional[Maker] = None
    limits: Limits = SMALL


def sparse(segments: list[tuple[int, int]], real: int, data: bytes, more: bytes = b"") -> bytes:
    """A sparse file in GNU's old format; ``more`` are the blocks its map goes on in."""
    block = bytearray(entry("sparse", "S", size=len(data), magic=b"ustar  \0"))
    position = 386
    for offset, length in segments[:4]:
        block[position : position + 24] = b"%011o\0%011o\0" % (offset, length)
        position += 24
    block[482] = 1 if more else 0
    block[483:495] = b"\x80" + real.to_bytes(11, "big")
    block[148:156] = b" " * 8
    block[148:156] = b"%06o\0 " % sum(block)
    return bytes(block) + more + data + bytes(-len(data) % 512)


def sparse_map(text: bytes, size: Optional[int] = None) -> bytes:
    """A sparse file in PAX format 1.0, its map as given."""
    data = text + bytes(-len(text) % 512)
    records = {"GNU.sparse.major": b"1", "GNU.sparse.minor": b"0", "GNU.sparse.realsize": b"99"}
    return extension("x", pax_records(records)) + entry("sparse", "0", data, size=size)


def attribute(name: str, value: Text, kind: str = "0", file: str = "f") -> bytes:
    return entry(file, kind, link="x" if kind == "2" else "", pax={f"SCHILY.xattr.{name}": value})


LEAVES = "leaves the layer"
DEEP = "a/" * 250
V = "CVE-2014-9356"

ROWS = [
    # Path traversal
    Row("parent", V, lambda c: entry("../canary/x"), LEAVES),
    Row("parent of a directory", V, lambda c: entry("a/../../canary/x"), LEAVES),
    Row("parent behind a dot", "CVE-2014-6407", lambda c: entry("./../canary/x"), LEAVES),
    Row("300 parents", "CVE-2020-10696", lambda c: entry("../" * 300 + c[1:] + "/x"), LEAVES),
    Row("only parent", "CVE-2026-28406", lambda c: directory(".."), LEAVES),
    Row("parent at the end", "CVE-2007-4559", lambda c: directory("a/.."), LEAVES),
    Row("parent in a PAX path", V, lambda c: entry("ok", pax={"path": "../canary/x"}), LEAVES),
    Row(
        "parent in a GNU long name",
        V,
        lambda c: extension("L", b"../canary/x\0") + entry("ok"),
        LEAVES,
    ),
    Row("parent in the prefix", V, lambda c: entry("canary/x", prefix=".."), LEAVES),
    Row("absolute", "CVE-2014-9357", lambda c: entry(c + "/x"), None, {"@/x": "file"}),
    Row("absolute twice", V, lambda c: entry("//" + c + "//x"), None, {"@/x": "file"}),
    Row("dots inside", V, lambda c: entry("a/./b/.//x"), None, {"a/b/x": "file"}),
    Row("null in the name", V, lambda c: entry("a\0b"), "an invalid file name"),
    Row(
        "null in a GNU long name",
        V,
        lambda c: extension("L", b"a\0../../x\0") + entry("ok"),
        "an invalid file name",
    ),
    Row("no name", V, lambda c: entry(""), "an invalid file name"),
    Row("long name", V, lambda c: entry("a/" * 3000), "longer than 4095"),
    Row("long component", V, lambda c: entry("a" * 300), "File name too long"),
    Row("deep", "CVE-2024-9676", lambda c: entry("a/" * 600 + "x"), "deeper than 500"),
    Row(
        "deep through links",
        "CVE-2024-9676",
        lambda c: directory(DEEP) + symlink("l", DEEP) + entry("l/" + DEEP + "a/x"),
        "deeper than 500",
    ),
    # Links on the way
    Row(
        "link to a directory",
        "CVE-2025-47290",
        lambda c: symlink("d", c) + entry("d/f"),
        None,
        {"d": "link @", "@/f": "file"},
    ),
    Row(
        "absolute link in a directory",
        "CVE-2025-47290",
        lambda c: symlink("a/b/d", c) + entry("a/b/d/f"),
        None,
        {"@/f": "file", "a/b": "directory"},
    ),
    Row(
        "relative link",
        "CVE-2026-50162",
        lambda c: symlink("d", "../canary") + entry("d/f"),
        None,
        {"canary/f": "file"},
    ),
    Row(
        "chain of links",
        "CVE-2026-46703",
        lambda c: symlink("a", "b") + symlink("b", "x/../../" + c) + entry("a/f"),
        None,
        {"@/f": "file"},
    ),
    Row(
        "link to itself",
        "CVE-2025-47290",
        lambda c: symlink("a", "b") + symlink("b", "a") + entry("a/f"),
        "loop of symbolic links",
    ),
    Row(
        "link to the parent",
        "CVE-2025-47290",
        lambda c: symlink("d", "..") + entry("d/canary/f"),
        None,
        {"canary/f": "file"},
    ),
    Row(
        "magic link",
        "CVE-2025-47290",
        lambda c: symlink("d", "/proc/self/root" + c) + entry("d/f"),
        None,
        {"proc/self/root@/f": "file"},
    ),
    Row(
        "link in a PAX record",
        "CVE-2025-4517",
        lambda c: entry("d", "2", link="ok", pax={"linkpath": c}) + entry("d/f"),
        None,
        {"@/f": "file"},
    ),
    Row(
        "file over a link",
        "CVE-2025-4330",
        lambda c: symlink("f", c + "/secret") + entry("f", data=b"new"),
        None,
        {"f": "file new"},
    ),
    Row(
        "directory over a link",
        "CVE-2025-4435",
        lambda c: symlink("d", c) + directory("d", mode=0o777) + entry("d/f"),
        None,
        {"d": "opaque directory", "d/f": "file"},
    ),
    Row(
        "link of a lower layer",
        "CVE-2025-47290",
        lambda c: entry("d/f"),
        None,
        {"d": "directory", "d/f": "file"},
        lower=lambda c: symlink("d", c),
    ),
    Row(
        "link in the place of a directory in use",
        "CVE-2025-47290",
        lambda c: entry("d/f") + symlink("d", c) + entry("d/g"),
        None,
        {"d": "link @", "@/g": "file"},
    ),
    Row(
        "link in the place of the top of directories in use",
        "CVE-2025-47290",
        lambda c: entry("a/b/c/f") + symlink("a", c) + entry("a/b/c/g"),
        None,
        {"a": "link @", "@/b/c/g": "file"},
    ),
    Row(
        "file as a parent",
        "CVE-2025-4138",
        lambda c: entry("d", data=b"x") + entry("d/f"),
        None,
        {"d": "opaque directory", "d/f": "file"},
    ),
    Row("link to nothing", V, lambda c: symlink("l", ""), "invalid target"),
    Row("link of 5,000 bytes", V, lambda c: symlink("l", "a" * 5000), "invalid target"),
    Row("null in a link", V, lambda c: symlink("l", "a\0b"), "invalid target"),
    # The top directory
    Row("link as .", "CVE-2021-29136", lambda c: symlink(".", c), "root directory"),
    Row("link as /", "CVE-2021-29136", lambda c: symlink("/", c), "root directory"),
    Row("link as ./", "CVE-2021-29136", lambda c: symlink("./", c), "root directory"),
    Row("link as /.", "CVE-2021-29136", lambda c: symlink("/.", c), "root directory"),
    Row("link as a/..", "CVE-2021-29136", lambda c: symlink("a/..", c), LEAVES),
    Row("file as /", "CVE-2021-29136", lambda c: entry("/"), "root directory"),
    Row(
        "device as .", "CVE-2021-29136", lambda c: entry(".", "3", device=(1, 3)), "root directory"
    ),
    Row("hard link as .", "CVE-2021-29136", lambda c: hardlink(".", "a"), "root directory"),
    # Hard links
    Row(
        "hard link out",
        "CVE-2021-21272",
        lambda c: hardlink("h", "../canary/secret"),
        "does not exist",
    ),
    Row(
        "absolute hard link",
        "CVE-2021-21272",
        lambda c: hardlink("h", c + "/secret"),
        "does not exist",
    ),
    Row(
        "hard link through a link",
        "CVE-2026-50163",
        lambda c: symlink("d", c) + hardlink("h", "d/secret"),
        "does not exist",
    ),
    Row(
        "hard link to a link, then written",
        "CVE-2026-50163",
        lambda c: symlink("s", c + "/secret") + hardlink("h", "s") + entry("h", data=b"new"),
        None,
        {"s": "link @/secret", "h": "file new"},
    ),
    Row(
        "hard link with set-uid mode to a link",
        "CVE-2021-32760",
        lambda c: symlink("s", c + "/secret") + hardlink("h", "s", mode=0o4777),
        None,
        {"h": "link @/secret"},
    ),
    Row(
        "hard link to a directory",
        "CVE-2021-21272",
        lambda c: directory("d") + hardlink("h", "d"),
        "to the directory",
    ),
    Row("hard link to itself", "CVE-2021-21272", lambda c: hardlink("h", "h"), "does not exist"),
    Row("hard link to nothing", "CVE-2021-21272", lambda c: hardlink("h", "x"), "does not exist"),
    Row("hard link without target", V, lambda c: hardlink("h", ""), "invalid target"),
    Row(
        "hard link to a whiteout",
        "CVE-2021-21272",
        lambda c: entry(".wh.x") + hardlink("h", "x"),
        "which has been removed",
    ),
    Row(
        "hard link through a lower layer's link",
        "CVE-2021-21272",
        lambda c: hardlink("h", "d/secret"),
        "does not exist",
        lower=lambda c: symlink("d", c),
    ),
    Row(
        "hard link to a lower layer's link",
        "CVE-2021-21272",
        lambda c: hardlink("h", "s"),
        "which is not a regular file",
        lower=lambda c: symlink("s", c + "/secret"),
    ),
    Row(
        "hard link to a lower layer's file",
        "CVE-2021-21272",
        lambda c: hardlink("h", "f") + entry("h2", data=b"x"),
        None,
        {"h": "file low"},
        lower=lambda c: entry("f", data=b"low"),
    ),
    Row(
        "hard link, then written",
        "CVE-2021-21272",
        lambda c: entry("f", data=b"old") + hardlink("h", "f") + entry("h", data=b"new"),
        None,
        {"f": "file old", "h": "file new"},
    ),
    Row(
        "hard link in the place of its target's directory",
        "CVE-2021-21272",
        lambda c: entry("d/f") + hardlink("d", "d/f"),
        "No such file",
    ),
    Row(
        "many hard links to a large lower file",
        "CVE-2023-25153",
        lambda c: b"".join(hardlink(f"h{i}", "f") for i in range(5)),
        "fill the disk",
        lower=lambda c: entry("f", data=bytes(300_000)),
    ),
    # Metadata through links
    Row(
        "link with set-uid mode",
        "CVE-2021-32760",
        lambda c: symlink("l", c + "/secret", mode=0o4777),
        None,
        {"l": "link @/secret"},
    ),
    Row(
        "link with an attribute",
        "CVE-2021-32760",
        lambda c: entry("l", "2", link=c + "/secret", pax={"SCHILY.xattr.user.x": "1"}),
        None,
        {"l": "link @/secret"},
    ),
    Row(
        "link with a time and an owner",
        "CVE-2021-32760",
        lambda c: entry("l", "2", link=c, mtime=1, uid=1000),
        None,
        {"l": "link @"},
    ),
    Row(
        "time of a directory that became a link",
        "CVE-2021-32760",
        lambda c: directory("d", mtime=1) + symlink("d", c),
        None,
        {"d": "link @"},
    ),
    # Devices and fifos
    Row("device 0:0", "overlay", lambda c: entry("d", "3"), "treats as a whiteout"),
    Row("large device", "overlay", lambda c: entry("d", "3", device=(4096, 0)), "invalid number"),
    Row("negative device", "overlay", lambda c: entry("d", "4", device=(-1, 0)), "invalid number"),
    Row(
        "disk",
        "CVE-2020-13401",
        lambda c: entry("d", "4", device=(8, 0)),
        None,
        {"d": "device b 8:0"},
    ),
    Row(
        "file over a device",
        "CVE-2020-13401",
        lambda c: entry("d", "3", device=(1, 3)) + entry("d", data=b"x"),
        None,
        {"d": "file x"},
    ),
    Row("fifo", "CVE-2021-20291", lambda c: entry("p", "6"), None, {"p": "fifo"}),
    Row(
        "file over a fifo",
        "CVE-2021-20291",
        lambda c: entry("p", "6") + entry("p", data=b"x"),
        None,
        {"p": "file x"},
    ),
    Row(
        "fifo as a parent",
        "CVE-2021-20291",
        lambda c: entry("p", "6") + entry("p/f"),
        None,
        {"p/f": "file"},
    ),
    # Whiteouts
    Row("whiteout of nothing", "whiteout", lambda c: entry(".wh."), "whiteout of nothing"),
    Row("whiteout of .", "whiteout", lambda c: entry(".wh.."), "whiteout of nothing"),
    Row("whiteout of ..", "whiteout", lambda c: entry("a/.wh..."), "whiteout of nothing"),
    Row("whiteout outside", "whiteout", lambda c: entry("../.wh.canary"), LEAVES),
    Row(
        "whiteout through a link",
        "whiteout",
        lambda c: symlink("d", c) + entry("d/.wh.secret"),
        None,
        {"@/secret": "whiteout"},
    ),
    Row(
        "opaque through a link",
        "whiteout",
        lambda c: symlink("d", c) + entry("d/.wh..wh..opq"),
        None,
        {"@": "opaque directory"},
    ),
    Row("below a whiteout", "whiteout", lambda c: entry(".wh.d/f"), "reserved for whiteouts"),
    Row(
        "AUFS's bookkeeping",
        "whiteout",
        lambda c: entry(".wh..wh.plnk/1.2"),
        None,
        {".wh..wh.plnk": "absent"},
    ),
    Row(
        "whiteout of this layer's file",
        "whiteout",
        lambda c: entry("f", data=b"x") + entry(".wh.f"),
        None,
        {"f": "file x"},
    ),
    Row(
        "whiteout of this layer's directory",
        "whiteout",
        lambda c: entry("d/f") + entry(".wh.d"),
        None,
        {"d": "opaque directory", "d/f": "file"},
    ),
    Row(
        "directory over a whiteout",
        "whiteout",
        lambda c: entry(".wh.d") + entry("d/f"),
        None,
        {"d": "opaque directory"},
    ),
    Row(
        "opaque file",
        "whiteout",
        lambda c: entry("f", data=b"x") + entry("f/.wh..wh..opq"),
        None,
        {"f": "opaque directory"},
    ),
    Row(
        "opaque top",
        "whiteout",
        lambda c: entry(".wh..wh..opq") + entry("d/f"),
        None,
        {"d": "opaque directory", "x": "whiteout"},
        lower=lambda c: entry("d/g") + entry("x"),
    ),
    # Extended attributes
    Row(
        "overlay redirect",
        "overlay",
        lambda c: attribute("trusted.overlay.redirect", "/../../etc", "5", "d"),
        None,
        {"d": "directory"},
    ),
    Row(
        "overlay opaque",
        "overlay",
        lambda c: attribute("trusted.overlay.opaque", "y", "5", "d"),
        None,
        {"d": "directory"},
    ),
    Row(
        "overlay metacopy",
        "overlay",
        lambda c: attribute("user.overlay.metacopy", ""),
        None,
        {"f": "file"},
    ),
    Row(
        "trusted attribute",
        "overlay",
        lambda c: attribute("trusted.x", "y"),
        "an image must not do",
    ),
    Row("large attribute", "bomb", lambda c: attribute("user.x", "y" * 70_000), "too long"),
    Row("label", "overlay", lambda c: attribute("security.selinux", "x"), None, {"f": "file"}),
    Row(
        "capability of a directory",
        "overlay",
        lambda c: attribute("security.capability", b"x" * 20, "5", "d"),
        None,
        {"d": "directory"},
    ),
    # Owners
    Row("owner -1", "CVE-2024-40635", lambda c: entry("f", uid=2**32 - 1), "not a user or group"),
    Row("owner -1 in base 256", "CVE-2024-40635", lambda c: entry("f", uid=-1), "not a user"),
    Row("group of 2^32", "CVE-2024-40635", lambda c: entry("f", gid=2**32), "not a user or group"),
    Row(
        "owner in PAX",
        "CVE-2024-40635",
        lambda c: entry("f", pax={"uid": str(2**40)}),
        "not a user",
    ),
    # Bombs
    Row("too much", "CVE-2025-66471", lambda c: entry("f", data=bytes(2 << 20)), "larger than"),
    Row(
        "too many",
        "CVE-2024-29902",
        lambda c: b"".join(entry(f"f{i}") for i in range(101)),
        "more than 100 entries",
    ),
    Row(
        "PAX header of 2 GiB",
        "CVE-2023-25153",
        lambda c: extension("x", b"", size=2 << 30),
        "extension header of 2147483648",
    ),
    Row(
        "GNU long name of 2 GiB",
        "CVE-2023-25153",
        lambda c: extension("L", b"", size=2 << 30),
        "extension header of 2147483648",
    ),
    Row(
        "extension headers loop of symbolic links",
        "CVE-2024-29903",
        lambda c: extension("L", b"x\0") * 20 + entry("f"),
        "too many extension headers",
    ),
    Row(
        "global headers loop of symbolic links",
        "CVE-2024-29903",
        lambda c: (extension("g", b"") * 5 + entry("f")) * 30,
        "more than 100 entries",
    ),
    Row("sparse 8 EiB", "bomb", lambda c: sparse([], 1 << 62, b""), "does not fit"),
    Row(
        "sparse overlap",
        "CVE-2019-20907",
        lambda c: sparse([(0, 5), (3, 5)], 99, b"x" * 10),
        "overlaps",
    ),
    Row(
        "sparse beyond",
        "CVE-2019-20907",
        lambda c: sparse([(98, 5)], 99, b"x" * 5),
        "leaves the file",
    ),
    Row(
        "sparse too little",
        "CVE-2019-20907",
        lambda c: sparse([(0, 5)], 99, b"x" * 9),
        "does not fit",
    ),
    Row(
        "sparse map loop of symbolic links",
        "CVE-2019-20907",
        lambda c: sparse(
            [(0, 0)] * 4, 99, b"", (b"%011o\0%011o\0" % (0, 0) * 21 + b"\1" + bytes(7)) * 40
        ),
        "does not end",
    ),
    Row("sparse map cut off", "CVE-2019-20907", lambda c: sparse_map(b"9\n1\n"), "sparse map"),
    Row("sparse map of words", "CVE-2019-20907", lambda c: sparse_map(b"x\ny\n"), "sparse map"),
    Row("sparse map too long", "CVE-2019-20907", lambda c: sparse_map(b"999\n1\n1\n"), "too many"),
    Row("sparse map in one line", "CVE-2024-6232", lambda c: sparse_map(b"1" * 2000), "sparse map"),
    Row(
        "sparse of no known kind",
        "CVE-2019-20907",
        lambda c: entry("f", pax={"GNU.sparse.offset": "1"}),
        "unknown kind",
    ),
    # Headers
    Row("negative size", "CVE-2025-8194", lambda c: entry("f", size=-512), "negative"),
    Row("wrong checksum", "CVE-2024-6232", lambda c: entry("f", checksum=1), "checksum"),
    Row(
        "size of words",
        "CVE-2024-6232",
        lambda c: entry("f", size=b"12x4567890\0\0"),
        "not a number",
    ),
    Row(
        "size with a sign",
        "CVE-2024-6232",
        lambda c: entry("f", size=b"-0000000010\0"),
        "not a number",
    ),
    Row(
        "PAX size of words",
        "CVE-2024-6232",
        lambda c: entry("f", pax={"size": "1e3"}),
        "not a number",
    ),
    Row(
        "PAX time of words",
        "CVE-2024-6232",
        lambda c: entry("f", pax={"mtime": "nan"}),
        "not a time",
    ),
    Row(
        "PAX length beyond",
        "CVE-2019-20907",
        lambda c: extension("x", b"99 path=x\n") + entry("f"),
        "length is wrong",
    ),
    Row(
        "PAX length of zero",
        "CVE-2019-20907",
        lambda c: extension("x", b"0 path=x\n") + entry("f"),
        "length is wrong",
    ),
    Row(
        "PAX without lengths",
        "CVE-2024-6232",
        lambda c: extension("x", b"1" * 2000) + entry("f"),
        "without a length",
    ),
    Row("unknown type", "parser", lambda c: entry("f", "Z"), "not allowed in a layer"),
    Row("volume label", "parser", lambda c: entry("f", "V"), "not allowed in a layer"),
    Row("cut off in content", "parser", lambda c: entry("f", size=5000), "middle of an entry"),
    Row("cut off in a header", "parser", lambda c: entry("f")[:100], "middle of an entry"),
    Row(
        "cut off before the entry",
        "parser",
        lambda c: extension("L", b"f\0"),
        "after the header of an entry",
    ),
    Row(
        "one empty block", "parser", lambda c: entry("f") + bytes(512) + entry("g"), "single empty"
    ),
    Row(
        "global path",
        "parser",
        lambda c: extension("g", pax_records({"path": b"../canary/x"})) + entry("f"),
        None,
        {"f": "file"},
    ),
    Row(
        "after the end",
        "parser",
        lambda c: entry("f") + END + entry("../canary/x"),
        None,
        {"f": "file"},
    ),
]

#: These end where they end: the stream is what is attacked.
CUT_OFF = {"cut off in content", "cut off in a header", "cut off before the entry"}
