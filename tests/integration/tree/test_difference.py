# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a container changed, read back from a real overlay mount."""

from __future__ import annotations

import io
import os
import socket
import stat
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from support.inputs.tars import describe

from ansible_collections.slipway.engine.plugins.module_utils._runtime.base import files
from ansible_collections.slipway.engine.plugins.module_utils._runtime.base.errors import Error
from ansible_collections.slipway.engine.plugins.module_utils._runtime.base.layout import Layout
from ansible_collections.slipway.engine.plugins.module_utils._runtime.image.layer import difference
from ansible_collections.slipway.engine.plugins.module_utils._runtime.image.layer.unpack import (
    unpack,
)
from ansible_collections.slipway.engine.plugins.module_utils._runtime.tree import snapshot


class Container:
    """An image of one layer, and a root filesystem over it."""

    def __init__(self, top: Path) -> None:
        self.top = top
        self.upper, self.work, self.root = top / "upper", top / "work", top / "root"
        self.image = top / "image"
        for path in (self.upper, self.work, self.root, self.image):
            path.mkdir(parents=True)
        for name in ("etc", "data/sub", "old", "tmp"):
            (self.image / name).mkdir(parents=True)
        for name in ("etc/passwd", "data/kept", "data/gone", "data/sub/f", "old/f", "changed"):
            (self.image / name).write_text(name)
        (self.image / "tmp").chmod(0o1777)

    def start(self) -> Path:
        snapshot.prepare_upper(self.upper, [self.image])
        snapshot.mount([self.image], self.upper, self.work, self.root)
        return self.root

    def names(self) -> list[str]:
        """What GNU tar sees in the layer."""
        listed = subprocess.run(["tar", "-t"], input=self.layer(), capture_output=True, check=True)
        return listed.stdout.decode().split()

    def layer(self) -> bytes:
        buffer = io.BytesIO()
        made = difference.write_layer(self.upper, buffer, snapshot.INIT_PATHS)
        assert made.size_bytes == len(buffer.getvalue())
        return buffer.getvalue()

    def changes(self) -> list[str]:
        found = difference.changes(self.upper, [self.image], snapshot.INIT_PATHS)
        return [f"{change.kind} {change.path}" for change in found]


@pytest.fixture
def container(layout: Layout) -> Iterator[Container]:
    made = Container(layout.root / "difference")
    yield made
    snapshot.unmount(made.root)
    files.remove_tree(made.top)


def test_an_untouched_container_changed_nothing(container: Container) -> None:
    container.start()
    assert container.changes() == []
    assert container.layer() == bytes(1024)


def test_added_changed_deleted(container: Container) -> None:
    root = container.start()
    (root / "new" / "deep").mkdir(parents=True)
    (root / "new" / "deep" / "f").write_text("x")
    (root / "changed").write_text("other")
    (root / "data" / "gone").unlink()
    (root / "etc" / "added").write_text("x")
    (root / "tmp" / "x").write_text("x")
    (root / "tmp" / "x").unlink()
    assert container.changes() == [
        "C /changed",
        "C /data",
        "D /data/gone",
        "C /etc",
        "A /etc/added",
        "A /new",
        "A /new/deep",
        "A /new/deep/f",
        "C /tmp",
    ]
    assert container.names() == [
        "changed",
        "data/",
        "data/.wh.gone",
        "etc/",
        "etc/added",
        "new/",
        "new/deep/",
        "new/deep/f",
        "tmp/",
    ]


def test_a_directory_made_anew_hides_the_old_one(container: Container) -> None:
    root = container.start()
    (root / "old" / "f").unlink()
    (root / "old").rmdir()
    (root / "old").mkdir()
    (root / "old" / "g").write_text("x")
    assert container.names() == ["old/", "old/.wh..wh..opq", "old/g"]
    assert "A /old/g" in container.changes()


def test_a_layer_brings_the_same_tree_back(container: Container) -> None:
    root = container.start()
    (root / "a").write_text("a")
    os.link(root / "a", root / "data" / "b")
    (root / "link").symlink_to("t" * 150)
    (root / ("n" * 200)).write_text("long")
    (root / "setuid").write_text("x")
    os.chown(root / "setuid", 3_000_000, 5)
    (root / "setuid").chmod(0o4711)
    os.setxattr(root / "setuid", "user.a", b"\0\n=")
    os.mkfifo(root / "fifo")
    os.mknod(root / "null", stat.S_IFCHR | 0o666, os.makedev(1, 3))
    (root / "data" / "gone").unlink()
    (root / "sub" / "d").mkdir(parents=True)
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(str(root / "socket"))
    listener.close()
    data = container.layer()
    target = container.top / "again"
    target.mkdir()
    unpack(io.BytesIO(data), target, [container.image])
    buffer = io.BytesIO()
    difference.write_layer(target, buffer)
    assert buffer.getvalue() == data
    assert describe(target / "data" / "gone") == "whiteout"
    assert (target / "a").stat().st_ino == (target / "data" / "b").stat().st_ino
    assert not (target / "socket").exists()
    found = (target / "setuid").stat()
    assert (found.st_uid, found.st_gid, stat.S_IMODE(found.st_mode)) == (3_000_000, 5, 0o4711)
    assert os.getxattr(target / "setuid", "user.a") == b"\0\n="


def test_the_same_tree_is_the_same_layer_whatever_the_order(container: Container) -> None:
    layers: list[bytes] = []
    for order in (range(50), reversed(range(50))):
        top = container.top / f"tree{len(layers)}"
        top.mkdir()
        for number in order:
            (top / f"f{number}").write_text(str(number))
            os.utime(top / f"f{number}", (number, number))
        buffer = io.BytesIO()
        difference.write_tree(top, buffer)
        layers.append(buffer.getvalue())
    assert layers[0] == layers[1]


def test_a_fingerprint_shows_every_change(container: Container) -> None:
    """Also one that gives the time of modification back, as tar, cp and rsync do."""
    root = container.start()
    (root / "changed").write_text("here")
    (root / "old/other").write_text("here")

    def rewrite() -> None:
        before = (root / "changed").stat()
        (root / "changed").write_text("HERE")
        os.utime(root / "changed", ns=(before.st_atime_ns, before.st_mtime_ns))

    changes = (
        rewrite,
        lambda: (root / "changed").chmod(0o600),
        lambda: os.chown(root / "changed", 7, 8),
        lambda: os.setxattr(root / "changed", "user.x", b"1"),
        lambda: os.rename(root / "changed", root / "renamed"),
        (root / "old/other").unlink,
        (root / "etc/passwd").unlink,
        (root / "data/new").mkdir,
    )
    seen = [difference.fingerprint(container.upper, snapshot.INIT_PATHS)]
    for change in changes:
        time.sleep(0.02)
        change()
        seen.append(difference.fingerprint(container.upper, snapshot.INIT_PATHS))
        assert difference.fingerprint(container.upper, snapshot.INIT_PATHS) == seen[-1]
    assert len(set(seen)) == len(changes) + 1


def test_what_a_container_put_into_its_prepared_files_is_kept(container: Container) -> None:
    root = container.start()
    (root / "etc" / "hosts").write_text("127.0.0.1 me")
    (root / "etc" / "mtab").unlink()
    (root / "dev" / "shm" / "x").write_text("x")
    assert container.names() == ["dev/", "dev/shm/", "dev/shm/x", "etc/", "etc/hosts"]


def test_a_name_that_means_deleted_is_an_error(container: Container) -> None:
    root = container.start()
    (root / ".wh.x").write_text("x")
    with pytest.raises(Error, match="cannot be kept in a layer"):
        container.layer()
    buffer = io.BytesIO()
    assert difference.write_tree(root, buffer).size_bytes == len(buffer.getvalue())


def test_a_mount_inside_is_not_exported(container: Container) -> None:
    root = container.start()
    subprocess.run(["mount", "-t", "tmpfs", "none", str(root / "tmp")], check=True)
    (root / "tmp" / "private").write_text("x")
    buffer = io.BytesIO()
    difference.write_tree(root, buffer)
    subprocess.run(["umount", str(root / "tmp")], check=True)
    assert b"tmp/\0" in buffer.getvalue()
    assert b"tmp/private" not in buffer.getvalue()


def test_too_deep_a_tree_is_an_error(container: Container) -> None:
    root = container.start()
    here = os.open(root, os.O_RDONLY)
    for dummy in range(520):
        os.mkdir("d", dir_fd=here)
        below = os.open("d", os.O_RDONLY, dir_fd=here)
        os.close(here)
        here = below
    os.close(here)
    with pytest.raises(Error, match="deeper than 500"):
        container.layer()
