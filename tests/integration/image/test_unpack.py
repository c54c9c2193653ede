# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Honest layers come out as GNU tar would have unpacked them, and as overlayfs wants them."""

from __future__ import annotations

import contextlib
import gzip
import hashlib
import io
import os
import random
import shutil
import stat
import struct
import subprocess
import tarfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from support import COLLECTIONS, TESTS
from support.inputs.tars import (
    END,
    describe,
    directory,
    entry,
    extension,
    fingerprint,
    hardlink,
    symlink,
)

from ansible_collections.slipway.engine.plugins.module_utils._runtime.base.errors import Error
from ansible_collections.slipway.engine.plugins.module_utils._runtime.image import verify
from ansible_collections.slipway.engine.plugins.module_utils._runtime.image.layer import (
    compression,
    difference,
)
from ansible_collections.slipway.engine.plugins.module_utils._runtime.image.layer.unpack import (
    Limits,
    unpack,
)
from ansible_collections.slipway.engine.plugins.module_utils._runtime.spec import oci
from ansible_collections.slipway.engine.plugins.module_utils._runtime.tree import overlay

#: cap_net_bind_service=ep, as setcap writes it (linux/capability.h, VFS_CAP_REVISION_2).
CAPABILITY = struct.pack("<IIIII", 0x02000001, 1 << 10, 0, 0, 0)
LONG = "long/" + "x" * 120 + "/" + "y" * 150


@pytest.fixture
def place(sandbox: Path) -> Iterator[Path]:
    top = sandbox / "honest"
    for name in ("source", "target", "other", "lower"):
        (top / name).mkdir(parents=True)
    yield top
    shutil.rmtree(top)


@pytest.fixture
def source(place: Path) -> Path:
    """A tree with everything a layer may hold."""
    top = place / "source"
    (top / "dir" / "sub").mkdir(parents=True)
    (top / "dir" / "file").write_bytes(random.Random(2).randbytes(700_000))
    (top / "empty").write_bytes(b"")
    (top / "setuid").write_text("#!")
    os.chown(top / "setuid", 1000, 1001)
    (top / "setuid").chmod(0o6755)
    os.link(top / "dir" / "file", top / "dir" / "hard")
    (top / "link").symlink_to("/etc/passwd")
    (top / "long-link").symlink_to("z" * 200)
    (top / LONG).parent.mkdir(parents=True)
    (top / LONG).write_text("long")
    (top / "gr\u00fc\u00df").write_text("name")
    (top / os.fsdecode(b"latin\xfc")).write_text("name")
    os.mkfifo(top / "fifo")
    os.mknod(top / "null", stat.S_IFCHR | 0o666, os.makedev(1, 3))
    os.mknod(top / "disk", stat.S_IFBLK | 0o660, os.makedev(8, 17))
    os.setxattr(top / "dir" / "file", "user.note", b"a\0b=c\n")
    os.setxattr(top / "setuid", "security.capability", CAPABILITY)
    os.setxattr(top / "dir", "user.dir", b"x")
    (top / "sticky").mkdir()
    (top / "sticky").chmod(0o1777)
    os.chown(top / "sticky", 3_000_000, 3_000_000)
    os.chown(top / "link", 5, 6, follow_symlinks=False)
    for number, path in enumerate(sorted(top.rglob("*"), reverse=True)):
        os.utime(path, (10**9, 10**9 + number), follow_symlinks=False)
    os.utime(top, (10**9, 10**9))
    return top


def seen(top: Path) -> list[object]:
    """A tree without what differs between two copies: times of change."""
    drop = len(str(top))
    return [(str(row[0])[drop:], *row[1:6], *row[7:]) for row in fingerprint(top)]


@pytest.mark.parametrize("form", ["gnu", "oldgnu", "posix"])
def test_archives_of_gnu_tar_come_out_as_they_were(place: Path, source: Path, form: str) -> None:
    if form != "posix":
        for path in (source / "dir", source / "dir" / "file", source / "setuid"):
            for name in os.listxattr(path):
                os.removexattr(path, name)
    attributes = ["--xattrs", "--xattrs-include=*"] if form == "posix" else []
    archive = subprocess.run(
        ["tar", "-c", f"--format={form}", *attributes, "-C", str(source), "."],
        capture_output=True,
        check=True,
    ).stdout
    if form != "posix":
        # Only PAX keeps fractions of a second.
        for path in (source, *source.rglob("*")):
            os.utime(path, (10**9, path.lstat().st_mtime_ns // 10**9), follow_symlinks=False)
    done = unpack(io.BytesIO(archive), place / "target")
    assert seen(place / "target") == seen(source)
    assert done.diff_id == "sha256:" + hashlib.sha256(archive).hexdigest()
    assert done.size_bytes == sum(
        path.lstat().st_size
        for path in source.rglob("*")
        if path.is_file() and not path.is_symlink() and path.name != "hard"
    )


@pytest.mark.parametrize("form", [tarfile.USTAR_FORMAT, tarfile.GNU_FORMAT, tarfile.PAX_FORMAT])
def test_archives_of_python_come_out_the_same(place: Path, form: int) -> None:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", format=form) as archive:
        for name in ("a/" * 40 + "f", "b" * 99, "c" * 90 + "/" + "d" * 90):
            info = tarfile.TarInfo(name)
            info.size, info.mtime = len(name), 1234567890
            archive.addfile(info, io.BytesIO(name.encode()))
    unpack(io.BytesIO(buffer.getvalue()), place / "target")
    subprocess.run(["tar", "-x", "-C", str(place / "other")], input=buffer.getvalue(), check=True)
    files = [row for row in seen(place / "target") if stat.S_ISREG(row[1])]  # type: ignore[index]
    others = [row for row in seen(place / "other") if stat.S_ISREG(row[1])]  # type: ignore[index]
    assert files == others
    assert len(files) == 3


@pytest.mark.parametrize("form", [["--format=gnu"], ["--format=posix"]])
@pytest.mark.parametrize("version", ["1.0", "0.1"])
def test_sparse_files_keep_content_and_holes(place: Path, form: list[str], version: str) -> None:
    for number in range(3):
        with open(place / "source" / f"f{number}", "wb") as file:
            for offset in range(number * 30):
                file.seek(offset * 1_000_000)
                file.write(bytes([offset + 1]) * 5000)
            file.truncate(40_000_000)
    command = ["tar", "-c", "-S", *form, f"--sparse-version={version}", "-C"]
    if form == ["--format=gnu"]:
        command.remove(f"--sparse-version={version}")
    archive = subprocess.run(
        [*command, str(place / "source"), "."], capture_output=True, check=True
    ).stdout
    assert len(archive) < 5_000_000
    unpack(io.BytesIO(archive), place / "target")
    for number in range(3):
        made = place / "target" / f"f{number}"
        assert made.read_bytes() == (place / "source" / f"f{number}").read_bytes()
        assert made.stat().st_blocks < 4000


@pytest.mark.parametrize("form", ["plain", "gzip", "zstd"])
def test_layers_are_unpacked_as_they_are_decompressed(place: Path, source: Path, form: str) -> None:
    buffer = io.BytesIO()
    written = difference.write_tree(source, buffer)
    packed, media_type = buffer.getvalue(), oci.LAYER
    if form == "gzip":
        packed, media_type = gzip.compress(packed), oci.LAYER_GZIP
    if form == "zstd":
        packed = subprocess.run(["zstd", "-c"], input=packed, stdout=-1, check=True).stdout
        media_type = oci.LAYER_ZSTD
    with compression.plain(io.BytesIO(packed), media_type) as stream:
        done = unpack(stream, place / "target")
    assert done.diff_id == written.diff_id
    # The top directory is not in the archive.
    assert seen(place / "target")[1:] == seen(source)[1:]


def test_a_layer_unpacked_twice_is_the_same(place: Path) -> None:
    """As verifying compares it: a whiteout has the time of its unpacking, and is not damaged."""
    layer = entry("d/f", data=b"x") + entry("d/.wh.gone") + entry(".wh.other") + END
    for name in ("target", "other"):
        unpack(io.BytesIO(layer), place / name)
    # The clock of a filesystem ticks a few hundred times a second.
    os.utime(place / "other" / "d" / "gone", (1, 1))
    one, other = os.fsencode(place / "target"), os.fsencode(place / "other")
    assert list(verify._differences(one, other, {})) == []
    (place / "other" / "d" / "f").write_bytes(b"y")
    assert list(verify._differences(one, other, {})) == ["'d'/'f' has different content"]


def test_the_umask_changes_nothing(place: Path) -> None:
    old = os.umask(0o777)
    try:
        layer = directory("d", 0o2775) + entry("d/f", mode=0o4755) + entry("e/f") + END
        unpack(io.BytesIO(layer), place / "target")
    finally:
        os.umask(old)
    modes = {
        name: stat.S_IMODE((place / "target" / name).stat().st_mode)
        for name in ("", "d", "d/f", "e")
    }
    assert modes == {"": 0o755, "d": 0o2775, "d/f": 0o4755, "e": 0o755}


def test_parents_and_top_take_after_the_layers_below(place: Path) -> None:
    low = directory("tmp", 0o1777) + entry("srv", "5", mode=0o750, uid=33, gid=34, mtime=77)
    unpack(io.BytesIO(directory("./", 0o711) + low + END), place / "lower")
    unpack(io.BytesIO(entry("tmp/x") + entry("srv/x/y") + END), place / "target", [place / "lower"])
    found = [os.stat(place / "target" / name) for name in ("", "tmp", "srv", "srv/x")]
    assert [stat.S_IMODE(one.st_mode) for one in found] == [0o711, 0o1777, 0o750, 0o755]
    assert [one.st_uid for one in found] == [0, 0, 33, 0]
    assert found[2].st_mtime == 77


def test_directories_get_their_times_last(place: Path) -> None:
    layer = (
        directory("d", mtime=5) + directory("d/e", mtime=6) + entry("d/e/f") + entry("d/g") + END
    )
    unpack(io.BytesIO(layer), place / "target")
    assert [(place / "target" / name).stat().st_mtime for name in ("d", "d/e")] == [5, 6]


def test_a_thousand_directories_in_turn_are_more_than_are_kept_open(place: Path) -> None:
    names = [f"d{number % 300}/s{number % 7}/f{number}" for number in range(2000)]
    before = len(os.listdir("/proc/self/fd"))
    done = unpack(
        io.BytesIO(b"".join(entry(name, data=name.encode()) for name in names) + END),
        place / "target",
    )
    assert done.entries == 2000
    assert all((place / "target" / name).read_text() == name for name in names)
    assert len(os.listdir("/proc/self/fd")) == before


def test_a_later_entry_replaces_an_earlier_one(place: Path) -> None:
    layer = (
        entry("a", data=b"old")
        + entry("a", data=b"new")
        + directory("b")
        + entry("b/c/d")
        + entry("b", data=b"file")
        + symlink("c", "x")
        + directory("c")
        + entry("e/f")
        + directory("e", 0o700)
        + hardlink("g", "a")
        + hardlink("g", "a")
        + hardlink("a", "a")
    )
    unpack(io.BytesIO(layer + END), place / "target")
    found = {name: describe(place / "target" / name) for name in ("a", "b", "c", "e/f", "g")}
    assert found == {
        "a": "file new", "b": "file file", "c": "opaque directory", "e/f": "file", "g": "file new"
    }  # fmt: skip


def test_whiteouts_become_overlays_own(place: Path) -> None:
    layer = entry("etc/.wh.gone") + entry("var/cache/.wh..wh..opq") + entry("var/cache/new")
    unpack(io.BytesIO(layer + END), place / "target")
    assert describe(place / "target/etc/gone") == "whiteout"
    assert describe(place / "target/var/cache") == "opaque directory"
    assert os.getxattr(place / "target/var/cache", overlay.OPAQUE) == b"y"


def test_names_that_stay_inside_are_cleaned(place: Path) -> None:
    """As text: a link on the way is not followed."""
    target = place / "target"
    layer = (
        directory("a") + symlink("l", "a") + entry("a/../b", data=b"b") + entry("l/../c", data=b"c")
    )
    unpack(io.BytesIO(layer + entry("a/x/../../d/e", data=b"e") + END), target)
    assert sorted(os.listdir(target)) == ["a", "b", "c", "d", "l"]
    assert (target / "d" / "e").read_bytes() == b"e" and not os.listdir(target / "a")


def test_aufs_hard_links_keep_their_content(place: Path) -> None:
    target = place / "target"
    kept = ".wh..wh.plnk"
    layer = (
        directory(kept) + entry(f"{kept}/7.1", data=b"one") + entry(f"{kept}/7.2", data=b"unused")
    )
    layer += hardlink("a", f"{kept}/7.1") + directory("d") + hardlink("d/b", f"{kept}/7.1")
    unpack(io.BytesIO(layer + entry(".wh..wh.aufs") + END), target)
    assert sorted(os.listdir(target)) == ["a", "d"]
    assert (target / "a").read_bytes() == b"one"
    assert os.path.samefile(target / "a", target / "d" / "b")


def test_the_last_header_of_a_file_wins(place: Path) -> None:
    target = place / "target"
    layer = entry("a", data=b"a") + entry("b", "1", link="a", mode=0o4750, uid=5, gid=6)
    unpack(io.BytesIO(layer + END), target)
    found = (target / "a").stat()
    assert (stat.S_IMODE(found.st_mode), found.st_uid, found.st_gid) == (0o4750, 5, 6)
    assert found.st_nlink == 2


def test_an_empty_layer_and_one_without_end_marker(place: Path) -> None:
    assert unpack(io.BytesIO(b""), place / "target").entries == 0
    assert unpack(io.BytesIO(END), place / "other").diff_id == (
        "sha256:5f70bf18a086007016e948b04aed3b82103a36bea41755b6cddfaf10ace3c6ef"
    )
    assert unpack(io.BytesIO(entry("f")), place / "lower").entries == 1


def test_gnu_long_names_and_links(place: Path) -> None:
    layer = extension("L", b"n" * 200 + b"\0") + extension("K", b"t" * 300 + b"\0")
    unpack(io.BytesIO(layer + symlink("short", "short") + END), place / "target")
    assert os.readlink(place / "target" / ("n" * 200)) == "t" * 300


def test_a_target_that_is_not_empty_is_refused(place: Path) -> None:
    (place / "target" / "x").mkdir()
    with pytest.raises(Error, match="is not empty"):
        unpack(io.BytesIO(END), place / "target")


def test_a_full_filesystem_is_an_error_that_says_so(place: Path) -> None:
    small = place / "small"
    small.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=8m", "none", str(small)], check=True)
    try:
        (small / "a").mkdir()
        (small / "b").mkdir()
        layer = b"".join(entry(f"f{number}", data=bytes(1 << 20)) for number in range(10)) + END
        with pytest.raises(Error, match="must remain free"):
            unpack(io.BytesIO(layer), small / "a", (), Limits(reserve_bytes=16 << 20))
        with pytest.raises(Error, match="No space left") as caught:
            unpack(io.BytesIO(layer), small / "b", (), Limits(reserve_bytes=0))
        assert caught.value.hint == f"free some space on the filesystem of {small / 'b'}"
    finally:
        subprocess.run(["umount", str(small)], check=True)


def test_memory_stays_bounded(place: Path) -> None:
    """A gigabyte of zeros and twenty thousand directories in less than 64 MiB."""
    code = """
import sys
sys.path.insert(0, sys.argv[1])
from pathlib import Path
from support.inputs.tars import entry, directory, END
from ansible_collections.slipway.engine.plugins.module_utils._runtime.image.layer.unpack import (
    unpack,
)
class Stream:
    def __init__(self):
        self.parts = self.make()
    def make(self):
        for n in range(20000):
            yield directory(f"d{n}")
        yield entry("sink", size=1 << 30)
        for n in range(1 << 12):
            yield bytes(1 << 18)
        yield END
    def read(self, size):
        return next(self.parts, b"")
unpack(Stream(), Path(sys.argv[2]))
status = Path("/proc/self/status").read_text()
print(int(status.partition("VmHWM:")[2].split()[0]) >> 10)
"""
    done = subprocess.run(
        ["python3", "-B", "-c", code, str(COLLECTIONS), str(place / "target")],
        capture_output=True,
        check=True,
        env={**os.environ, "PYTHONPATH": str(TESTS)},
    )
    assert int(done.stdout) < 64


def test_mutated_layers_never_do_harm(place: Path, source: Path) -> None:
    """Flip, cut, double: every outcome is a tree or an Error, and the rest is untouched."""
    buffer = io.BytesIO()
    difference.write_tree(source, buffer)
    small = b"".join(
        [
            directory("d"),
            symlink("d/l", "../.."),
            entry("d/l/x", data=b"1"),
            hardlink("h", "d/l/x"),
            entry(".wh.gone"),
            entry("p" * 150),
            entry("s", pax={"SCHILY.xattr.user.a": "b"}),
            entry("c", "3", device=(1, 3)),
            extension("L", b"q" * 120 + b"\0"),
            entry("q"),
            END,
        ]
    )
    before = fingerprint(source)
    chance = random.Random(20260101)
    for dummy in range(1500):
        data = bytearray(small)
        for dummy in range(chance.randint(1, 4)):
            where = chance.randrange(len(data))
            kind = chance.randrange(5)
            if kind == 0:
                data[where] = chance.randrange(256)
            elif kind == 1:
                data[where : where + 4] = chance.choice(
                    [b"../.", b"\0\0\0\0", b"7777", b"\xff" * 4]
                )
            elif kind == 2:
                del data[where : where + 512 * chance.randint(0, 2) + chance.randint(0, 3)]
            elif kind == 3:
                block = where // 512 * 512
                data[block:block] = data[block : block + 512]
            else:
                # A header that is wrong but for its checksum reaches further.
                block = where // 512 * 512
                data[block + where % 345] = chance.randrange(256)
                data[block + 148 : block + 156] = b" " * 8
                total = sum(data[block : block + 512])
                data[block + 148 : block + 156] = b"%06o\0 " % total
        target = place / "target" / "t"
        target.mkdir()
        with contextlib.suppress(Error):
            unpack(io.BytesIO(bytes(data)), target, (), Limits(deadline_s=5, reserve_bytes=0))
        shutil.rmtree(target)
    assert fingerprint(source) == before
    assert os.listdir(place / "target") == []
