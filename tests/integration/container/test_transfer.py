# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Copies between a container that is hostile and a host that must not notice (docs/security.md).

CVE-2018-15664, CVE-2019-14271, CVE-2019-10152, CVE-2019-18466, CVE-2021-41089, CVE-2026-41568,
CVE-2026-42306: links, races and names of a container led cp out of it, or into the host's programs.
"""

from __future__ import annotations

import hashlib
import io
import os
import socket
import stat
import tarfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Optional, Union

import pytest
from support.containers import World, until

from ansible_collections.slipway.engine.plugins.module_utils._runtime.base import files
from ansible_collections.slipway.engine.plugins.module_utils._runtime.base.errors import (
    Error,
    LockTimeout,
    NotFound,
)
from ansible_collections.slipway.engine.plugins.module_utils._runtime.container.engine import (
    oci_runtime,
)
from ansible_collections.slipway.engine.plugins.module_utils._runtime.container.files import (
    cp,
    freeze,
)
from ansible_collections.slipway.engine.plugins.module_utils._runtime.container.lifecycle import (
    actions,
)
from ansible_collections.slipway.engine.plugins.module_utils._runtime.kernel import linux
from ansible_collections.slipway.engine.plugins.module_utils._runtime.plan.plan import Host
from ansible_collections.slipway.engine.plugins.module_utils._runtime.records import (
    container_record,
)
from ansible_collections.slipway.engine.plugins.module_utils._runtime.spec.container import Mount

CANARY = b"what nobody may read or write\n"


@pytest.fixture
def canary(tmp_path: Path) -> Iterator[Path]:
    """A tree of the host that is the same afterwards: content, modes, owners, times."""
    top = tmp_path / "canary"
    (top / "deep").mkdir(parents=True)
    (top / "secret").write_bytes(CANARY)
    (top / "deep/secret").write_bytes(CANARY)
    before = _state(top)
    yield top
    assert _state(top) == before


def _state(top: Path) -> dict[str, tuple[object, ...]]:
    found: dict[str, tuple[object, ...]] = {}
    for path in (top, *top.rglob("*")):
        s = path.lstat()
        content = path.read_bytes() if path.is_file() else b""
        found[str(path)] = (s.st_mode, s.st_uid, s.st_gid, s.st_nlink, s.st_mtime_ns, content)
    return found


#: What the container makes of itself. $C is the host's canary, which is not in the container.
SETUP = r"""
mkdir -p /w/real /w/full/sub /w/dirs; cd /w
echo inside > real/file; echo inside > full/sub/file
ln -s /w/real abs; ln -s real rel; ln -s chain2 chain1; ln -s chain3 chain2; ln -s /w/real chain3
ln -s /nowhere/at/all dangling; ln -s new-name fresh; ln -s loop2 loop1; ln -s loop1 loop2
ln -s ../../../../../../../../../../.. up; ln -s "$C" out; ln -s "../../../../../../..$C" out-up
ln -s /proc/self/root root; ln -s /proc/self/cwd cwd; ln -s /proc/self/fd fds
ln -s /proc/1/root one
ln -s /w/real/file flink; ln -s "$C/secret" secret; ln -s /proc/self/environ environ
mkdir trap; ln -s "$C" trap/to-dir; ln -s "$C/secret" trap/to-file; ln -s / trap/to-root
mkfifo fifo; mknod null c 1 3; mknod disk b 8 0; mkdir special; mkfifo special/fifo
mknod special/null c 1 3; echo x > special/file
echo linked > hard1; ln hard1 hard2; mkdir links; echo l > links/a; ln links/a links/b
cp real/file suid; chown 33:33 suid; chmod 4755 suid; chown 33:44 real/file; chmod 2750 real/file
dd if=/dev/zero of=sparse bs=1 count=1 seek=300000000 2>/dev/null
n=$(printf 'n%.0s' $(seq 255)); echo long > "$n"; mkdir bytes; echo b > "bytes/$(printf '\377\376')"
mkdir -m 700 closed; echo c > closed/file; chmod 0 closed/file; touch "bytes/a
b"; : > empty; echo ready
exec sleep 1000
"""

ERROR = "error"
Expected = Union[bytes, str, None, Callable[[Path], bool]]

#: (source in the container, follow, what arrives): content, ERROR, None (a directory), or a check.
GET: tuple[tuple[str, bool, Expected], ...] = (
    ("/w/real/file", False, b"inside\n"),
    ("w/real/file", False, b"inside\n"),
    ("/w/abs/file", False, b"inside\n"),
    ("/w/rel/file", False, b"inside\n"),
    ("/w/chain1/file", False, b"inside\n"),
    ("/w/up/w/real/file", False, b"inside\n"),
    ("/w/../../../../w/real/file", False, b"inside\n"),
    ("/w/abs", False, lambda p: os.readlink(p) == "/w/real"),
    ("/w/abs", True, lambda p: (p / "file").read_bytes() == b"inside\n"),
    ("/w/abs/", False, lambda p: (p / "file").read_bytes() == b"inside\n"),
    ("/w/chain1", True, lambda p: (p / "file").read_bytes() == b"inside\n"),
    ("/w/flink", True, b"inside\n"),
    ("/w/dangling", False, lambda p: os.readlink(p) == "/nowhere/at/all"),
    ("/w/dangling", True, ERROR),
    ("/w/dangling/x", False, ERROR),
    ("/w/loop1", True, ERROR),
    ("/w/loop1/x", False, ERROR),
    ("/w/out", False, os.path.islink),
    ("/w/out", True, ERROR),
    ("/w/out/secret", False, ERROR),
    ("/w/out-up/secret", False, ERROR),
    ("/w/secret", True, ERROR),
    ("/w/root", True, ERROR),
    ("/w/root/w/real/file", False, ERROR),
    ("/w/one/w/real/file", False, ERROR),
    ("/w/cwd/x", False, ERROR),
    ("/w/fds/0", True, ERROR),
    ("/w/environ", True, ERROR),
    ("/proc/self/environ", False, ERROR),
    ("/proc/version", False, ERROR),
    ("/dev/null", False, ERROR),
    ("/w/fifo", False, lambda p: stat.S_ISFIFO(p.lstat().st_mode)),
    ("/w/null", False, ERROR),
    ("/w/disk", False, ERROR),
    ("/w/special", False, lambda p: sorted(os.listdir(p)) == ["fifo", "file"]),
    ("/w/trap", False, lambda p: all(x.is_symlink() for x in p.iterdir())),
    ("/w/suid", False, lambda p: p.stat().st_mode & 0o7777 == 0o755 and p.stat().st_uid == 0),
    ("/w/real/file", False, lambda p: p.stat().st_mode & 0o7777 == 0o750),
    ("/w/links", False, lambda p: (p / "a").stat().st_ino == (p / "b").stat().st_ino),
    (
        "/w/sparse",
        False,
        lambda p: p.stat().st_size == 300_000_001 and p.stat().st_blocks * 512 < 1 << 20,
    ),
    ("/w/" + "n" * 255, False, b"long\n"),
    ("/w/" + "n" * 256, False, ERROR),
    ("/w/bytes", False, lambda p: len(os.listdir(p)) == 2),
    ("/w/closed/file", False, b"c\n"),
    ("/w/empty", False, b""),
    ("/w/empty/", False, ERROR),
    ("/w/full/.", False, lambda p: (p / "sub/file").read_bytes() == b"inside\n"),
    ("/", False, lambda p: (p / "w/real/file").exists() and not any((p / "proc").iterdir())),
    ("/w/nothing", False, ERROR),
    ("", False, ERROR),
)

#: (target in the container, where the file "given" lies inside then, or ERROR).
PUT: tuple[tuple[str, Optional[str]], ...] = (
    ("/w/dirs/one", "/w/dirs/one"),
    ("/w/dirs", "/w/dirs/given"),
    ("/w/dirs/", "/w/dirs/given"),
    ("/w/abs", "/w/real/given"),
    ("/w/abs/abs-name", "/w/real/abs-name"),
    ("/w/rel/rel-name", "/w/real/rel-name"),
    ("/w/chain1/chain-name", "/w/real/chain-name"),
    ("/w/up/w/dirs/up-name", "/w/dirs/up-name"),
    ("/w/../../../w/dirs/dots", "/w/dirs/dots"),
    ("/w/flink", "/w/real/file"),
    ("/w/fresh", "/w/new-name"),
    ("/w/dangling", None),
    ("/w/dangling/x", None),
    ("/w/loop1", None),
    ("/w/out", None),
    ("/w/out/x", None),
    ("/w/out-up/secret", None),
    ("/w/secret", None),
    ("/w/root/x", None),
    ("/w/one/w/x", None),
    ("/w/cwd/x", None),
    ("/w/fds/0", None),
    ("/w/environ", None),
    ("/proc/sys/kernel/hostname", None),
    ("/dev/shm/x", None),
    ("/w/fifo", "/w/fifo"),
    ("/w/null", "/w/null"),
    ("/w/hard1", "/w/hard1"),
    ("/w/suid", "/w/suid"),
    ("/w/closed/file", "/w/closed/file"),
    ("/w/" + "m" * 255, "/w/" + "m" * 255),
    ("/w/" + "m" * 256, None),
    ("/w/nothing/x", None),
    ("/w/nothing/", None),
    ("/w/empty/x", None),
    ("/etc/hosts", "/etc/hosts"),
    ("/vol/file", "/vol/file"),
    ("/ro/file", None),
)


def _hostile(world: World, canary: Path) -> container_record.Record:
    read_only = Path(canary.parent / "read-only")
    read_only.mkdir()
    mounts = (Mount("volume", "vol", "/vol"), Mount("bind", str(read_only), "/ro", read_only=True))
    made = world.run("bad", SETUP, env={"C": str(canary)}, mounts=mounts)
    until(lambda: b"ready" in world.log(made.id).encode())
    return made


@pytest.mark.parametrize("phase", ["running", "stopped", "paused"])
def test_copies_of_a_hostile_container(
    world: World, canary: Path, tmp_path: Path, phase: str
) -> None:
    made = _hostile(world, canary)
    runtime = oci_runtime.choose(world.layout)
    if phase == "stopped":
        actions.stop(world.host, made.id, 0)
    elif phase == "paused":
        oci_runtime.pause(runtime, made.id)
    wrong = [*_get_all(world, made, tmp_path, phase), *_put_all(world, made, tmp_path)]
    if phase == "paused":
        found = oci_runtime.state(runtime, made.id)
        assert found and found["status"] == "paused"
        oci_runtime.resume(runtime, made.id)
    assert not wrong, "\n".join(wrong)
    # The hard link was replaced, its other name left alone; the volume has what was put into it.
    upper = world.layout.container(made.id) / "upper/w"
    assert (upper / "hard1").read_bytes() == b"given"
    assert (upper / "hard2").read_bytes() == b"linked\n"
    if phase == "stopped":
        actions.start(world.host, made.id)
    assert (world.layout.volume("vol") / "_data/file").read_bytes() == b"given"
    # What is mounted at a file stays mounted: the runtime's /etc/hosts.
    if phase != "stopped":
        assert b" /etc/hosts " in Path(f"/proc/{made.pid}/mountinfo").read_bytes()
        assert (world.layout.container(made.id) / "hosts").read_bytes() == b"given"


def _get_all(
    world: World, made: container_record.Record, tmp_path: Path, phase: str
) -> Iterator[str]:
    for number, (source, follow, expected) in enumerate(GET):
        place = tmp_path / f"got-{number}"
        try:
            cp.get(world.host, made.id, source, str(place), follow=follow)
        except (Error, NotFound) as exc:
            if expected != ERROR:
                yield f"get {source!r} {follow}: {exc}"
            elif "container bad" not in str(exc):
                yield f"get {source!r}: the error names no container: {exc}"
        else:
            if phase == "stopped" and source.startswith(("/proc", "/dev")):
                continue
            if expected == ERROR:
                yield f"get {source!r} {follow}: no error"
            elif callable(expected):
                if not expected(place):
                    yield f"get {source!r} {follow}: not as it should be"
            elif place.read_bytes() != expected:
                yield f"get {source!r} {follow}: other content"


def _put_all(world: World, made: container_record.Record, tmp_path: Path) -> Iterator[str]:
    given = tmp_path / "given"
    given.write_bytes(b"given")
    given.chmod(0o640)
    stopped = world.current(made.id).phase == "exited"
    for target, expected in PUT:
        if stopped and target.startswith(("/proc", "/dev")):
            continue
        try:
            cp.put(world.host, made.id, str(given), target)
        except (Error, NotFound) as exc:
            if expected is not None:
                yield f"put {target!r}: {exc}"
            continue
        if expected is None:
            yield f"put {target!r}: no error"
            continue
        out = io.BytesIO()
        cp.get_archive(world.host, made.id, expected, out)
        out.seek(0)
        with tarfile.open(fileobj=out) as archive:
            info = archive.getmembers()[0]
            file = archive.extractfile(info)
            if file is None or file.read() != b"given" or info.uid or info.mode != 0o640:
                yield f"put {target!r}: it is not at {expected}"


def test_directories_and_what_they_hold(world: World, tmp_path: Path) -> None:
    """Docker's rules of where a directory goes; owners; hard links; what is there stays."""
    made = world.run("web", "mkdir -p /srv/there; echo old > /srv/there/old; exec sleep 1000")
    until((world.layout.container(made.id) / "upper/srv/there/old").exists)
    source = tmp_path / "site"
    (source / "sub").mkdir(parents=True)
    (source / "index").write_text("page")
    os.chown(source / "index", 1234, 1234)
    os.link(source / "index", source / "sub/again")
    (source / "away").symlink_to("/etc/passwd")
    os.setxattr(source / "index", "user.note", b"kept")
    with socket.socket(socket.AF_UNIX) as unix:
        unix.bind(str(source / "socket"))
    upper = world.layout.container(made.id) / "upper/srv"
    done = cp.put(world.host, made.id, str(source), "/srv/there")
    assert done.bytes == 4 and done.left_out == ["socket is a socket"]
    copied = upper / "there/site"
    assert (copied / "index").read_text() == "page" and (upper / "there/old").exists()
    assert (copied / "index").stat().st_uid == 0
    assert (copied / "index").stat().st_ino == (copied / "sub/again").stat().st_ino
    assert os.readlink(copied / "away") == "/etc/passwd"
    assert os.getxattr(copied / "index", "user.note") == b"kept"
    cp.put(world.host, made.id, f"{source}/.", "/srv/there", archive=True)
    assert (upper / "there/index").stat().st_uid == 1234
    cp.put(world.host, made.id, f"{source}/", "/srv/new")
    assert (upper / "new/sub/again").exists()
    with pytest.raises(Error, match="is not a directory"):
        cp.put(world.host, made.id, str(source), "/srv/there/old")
    cp.put(world.host, made.id, f"{source}/index", "/srv/there/..")
    assert (upper / "index").exists()
    # A directory in the container stands where the source has a file by now.
    (source / "sub/again").unlink()
    (source / "sub").rmdir()
    (source / "sub").write_text("a file now")
    with pytest.raises(Error, match=r"/srv/new/sub in container web: Is a directory"):
        cp.put(world.host, made.id, f"{source}/.", "/srv/new")
    assert not list(upper.rglob(".slipway-*"))


def test_volumes_of_a_container_that_never_ran(world: World, tmp_path: Path, tar: Path) -> None:
    """What the image has comes before the first copy, parts of volumes are found, and a read makes
    no volume's content.
    """
    image = world.add_image("filled", tar, "VOLUME /srv/data")
    mounts = (Mount("volume", "whole", "/whole"), Mount("volume", "whole", "/part", subpath="sub"))
    first = world.create("first", mounts=(Mount("volume", "whole", "/whole"),))
    given = tmp_path / "given"
    given.write_text("given")
    source = tmp_path / "dir"
    source.mkdir()
    cp.put(world.host, first.id, str(source), "/whole/sub")
    second = world.create("second", image=image, mounts=mounts)
    cp.get(world.host, second.id, "/srv/data", str(tmp_path / "read"))
    assert sorted(os.listdir(tmp_path / "read")) == ["of-the-image"]
    cp.put(world.host, second.id, str(given), "/srv/data/given")
    cp.put(world.host, second.id, str(given), "/part/given")
    actions.start(world.host, second.id)
    root = Path(f"/proc/{world.current(second.id).pid}/root")
    assert sorted(os.listdir(root / "srv/data")) == ["given", "of-the-image"]
    assert (root / "whole/sub/given").read_text() == "given"


@pytest.fixture
def tar(busybox_tar: Path, tmp_path: Path) -> Path:
    """The image of busybox with a file where a volume will be."""
    path = tmp_path / "filled.tar"
    path.write_bytes(busybox_tar.read_bytes())
    with tarfile.open(path, "a") as archive:
        for name, kind in (
            ("srv/data", tarfile.DIRTYPE),
            ("srv/data/of-the-image", tarfile.REGTYPE),
        ):
            info = tarfile.TarInfo(name)
            info.type, info.mode = kind, 0o755
            archive.addfile(info)
    return path


def test_an_archive_both_ways(world: World, canary: Path) -> None:
    """docker cp - : a tar that wants to escape is refused or contained, and nothing is executed."""
    made = world.create("web")
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as archive:
        for name, kind, content in (
            ("dir", tarfile.DIRTYPE, ""),
            ("dir/esc", tarfile.SYMTYPE, str(canary)),
            ("dir/file", tarfile.REGTYPE, ""),
            ("dir/hard", tarfile.LNKTYPE, "dir/file"),
        ):
            info = tarfile.TarInfo(name)
            info.type, info.linkname, info.uid, info.mode = kind, content, 33, 0o755
            archive.addfile(info)
    buffer.seek(0)
    cp.put_archive(world.host, made.id, buffer, "/srv")
    out = io.BytesIO()
    cp.get_archive(world.host, made.id, "/srv/dir", out)
    out.seek(0)
    with tarfile.open(fileobj=out) as archive:
        members = {info.name: info for info in archive}
    assert sorted(members) == ["dir", "dir/esc", "dir/file", "dir/hard"]
    assert members["dir/file"].uid == 33 and members["dir/hard"].linkname == "dir/file"
    assert members["dir/esc"].issym()
    for names in (["../up"], ["dir/esc2->" + str(canary), "dir/esc2/secret"]):
        bad = io.BytesIO()
        with tarfile.open(fileobj=bad, mode="w") as archive:
            for name in names:
                info = tarfile.TarInfo(name.partition("->")[0])
                if "->" in name:
                    info.type, info.linkname = tarfile.SYMTYPE, name.partition("->")[2]
                archive.addfile(info)
        bad.seek(0)
        try:
            cp.put_archive(world.host, made.id, bad, "/srv")
        except Error:
            continue
    with pytest.raises(NotFound):
        cp.put_archive(world.host, made.id, io.BytesIO(buffer.getvalue()), "/nowhere")


#: Rounds of each way; the kernel's rule is the same in every one.
ROUNDS = int(os.environ.get("SLIPWAY_COPY_ROUNDS", "70"))


def test_a_container_that_renames_all_the_time(world: World, canary: Path, tmp_path: Path) -> None:
    """CVE-2018-15664: a directory and a link to the host change places while copies go through.

    The racer lives in another container that shares the volume, so freezing does not stop it.
    """
    volume = (Mount("volume", "shared", "/v"),)
    made = world.run("slow", mounts=volume)
    data = world.layout.volume("shared") / "_data"
    (data / "dir").mkdir()
    (data / "dir/secret").write_text("inside")
    (data / "link").symlink_to(canary)
    (data / "up").symlink_to("../../../../../../../../../.." + str(canary))
    pid = os.fork()
    if not pid:
        _race(data)
    given = tmp_path / "given"
    given.write_text("given")
    seen: dict[str, int] = {}
    try:
        for number in range(ROUNDS):
            place = tmp_path / f"got-{number % 50}"
            for way in ("get", "put", "tree"):
                try:
                    if way == "get":
                        cp.get(world.host, made.id, "/v/dir/secret", str(place))
                        assert place.read_bytes() != CANARY
                    elif way == "tree":
                        cp.get(world.host, made.id, "/v/.", f"{place}.d")
                        for path in Path(f"{place}.d").rglob("*"):
                            assert (
                                path.is_symlink()
                                or path.is_dir()
                                or (path.read_bytes() in (b"inside", b"given"))
                            )
                    else:
                        cp.put(world.host, made.id, str(given), "/v/dir/secret")
                    what = f"{way} done"
                except (Error, NotFound):
                    what = f"{way} refused"
                seen[what] = seen.get(what, 0) + 1
    finally:
        os.kill(pid, 9)
        os.waitpid(pid, 0)
    # Both happened, so the race was one.
    assert {"get done", "get refused"} <= set(seen), seen
    print(seen)


def _race(data: Path) -> None:
    """Exchange a directory and a link, and another link, for ever."""
    fd = os.open(data, os.O_PATH)
    while True:
        for name in ("link", "up"):
            linux.renameat2(fd, "dir", fd, name, linux.RENAME_EXCHANGE)
            linux.renameat2(fd, "dir", fd, name, linux.RENAME_EXCHANGE)


def test_the_digest_of_a_large_file_does_not_see_holes(tmp_path: Path) -> None:
    from ansible_collections.slipway.engine.plugins.module_utils._runtime.kernel import safefs
    from ansible_collections.slipway.engine.plugins.module_utils._runtime.tree import scan

    size = (64 << 20) + 5000
    holes, zeros = tmp_path / "holes", tmp_path / "zeros"
    with open(holes, "wb") as file:
        file.truncate(size)
        file.seek(3_000_000)
        file.write(b"x")
    with open(zeros, "wb") as file:
        for at in range(0, size, 1 << 20):
            file.write(bytes(min(1 << 20, size - at)))
        file.seek(3_000_000)
        file.write(b"x")
    (tmp_path / "small").write_bytes(b"small")
    with safefs.Root(tmp_path) as root:
        found = dict(scan.scan(root, "/"))
    assert found[b"holes"].digest == found[b"zeros"].digest
    assert found[b"small"].digest == hashlib.sha256(b"small").hexdigest()
    with open(zeros, "r+b") as file:
        file.seek(size - 1)
        file.write(b"y")
    with safefs.Root(tmp_path) as root:
        other = scan.look(root, "zeros", size)
    assert other is not None and other.digest != found[b"zeros"].digest


def test_who_is_killed_while_it_copies_leaves_nothing(world: World) -> None:
    """The mounts of a stopped container are in a namespace that ends with the process."""
    made = world.create("web", mounts=(Mount("volume", "vol", "/vol"),))
    source, target = os.pipe()
    pid = os.fork()
    if not pid:
        with freeze.still(world.host, made.id, write=True) as there:
            there.root.write_file("/vol/half", b"there")
            os.write(target, b"x")
            time.sleep(60)
        os._exit(0)
    assert os.read(source, 1) == b"x"
    for fd in (source, target):
        os.close(fd)
    os.kill(pid, 9)
    os.waitpid(pid, 0)
    assert str(world.layout.tmp) not in Path("/proc/self/mountinfo").read_text()
    files.sweep(world.layout)
    assert not list(world.layout.tmp.iterdir())
    actions.start(world.host, made.id)
    root = Path(f"/proc/{world.current(made.id).pid}/root")
    assert (root / "vol/half").read_bytes() == b"there"


def test_a_container_stands_still_while_it_is_copied(world: World) -> None:
    made = world.run("busy", "while :; do :; done")

    def used() -> int:
        fields = Path(f"/proc/{made.pid}/stat").read_bytes().rpartition(b")")[2].split()
        return int(fields[11]) + int(fields[12])

    begun = used()
    until(lambda: used() > begun)
    with freeze.still(world.host, made.id, write=False):
        # A tick may have been on its way when it was frozen.
        before = used()
        time.sleep(0.1)
        assert used() - before <= 1
    after = used()
    until(lambda: used() > after + 1)
    # While it is copied nobody else changes its state.
    with freeze.still(world.host, made.id, write=True), pytest.raises(LockTimeout):
        actions.stop(Host(world.layout, lock_timeout_s=0.1), made.id, 0)
