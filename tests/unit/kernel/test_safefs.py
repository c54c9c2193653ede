# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Paths in an untrusted tree stay in it, by the kernel's resolution and by our own."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from ansible_collections.slipway.engine.plugins.module_utils._runtime.base.errors import (
    Error,
    NotFound,
)
from ansible_collections.slipway.engine.plugins.module_utils._runtime.kernel.safefs import Root


@pytest.fixture
def canary(tmp_path: Path) -> Path:
    place = tmp_path / "canary"
    place.mkdir()
    (place / "secret").write_text("secret")
    return place


@pytest.fixture(params=[False, True], ids=["openat2", "walk"])
def root(request: pytest.FixtureRequest, tmp_path: Path, canary: Path) -> Iterator[Root]:
    top = tmp_path / "tree"
    (top / "etc" / "sub").mkdir(parents=True)
    (top / "etc" / "passwd").write_text("inside")
    (top / "escape").symlink_to(canary)
    (top / "relative").symlink_to("../../../../../../../../etc")
    (top / "absolute").symlink_to("/etc/passwd")
    (top / "loop").symlink_to("loop")
    (top / "dangling").symlink_to("/run/lock")
    (top / "etc" / "up").symlink_to("sub/../../etc/./passwd")
    os.mkfifo(top / "fifo")
    with Root(top, walk=request.param) as tree:
        yield tree
    assert os.listdir(canary) == ["secret"]
    assert (canary / "secret").read_text() == "secret"


@pytest.mark.parametrize(
    "path",
    [
        "etc/passwd",
        "/etc/passwd",
        "absolute",
        "relative/passwd",
        "etc/up",
        "../../etc/passwd",
        "./etc//sub/../passwd",
        "etc/sub/../../../../etc/passwd",
        b"etc/passwd",
    ],
)
def test_a_path_is_resolved_inside(root: Root, path: str) -> None:
    assert root.read_bytes(path) == b"inside"
    assert root.read_text(path) == "inside"


@pytest.mark.parametrize("path", ["escape/secret", "etc/passwd/x", "nothing", "dangling", "a/b/c"])
def test_what_is_not_inside_is_not_found(root: Root, path: str) -> None:
    with pytest.raises(NotFound) as caught:
        root.read_bytes(path)
    assert path in str(caught.value)
    assert root.path in str(caught.value)
    assert not root.exists(path)


@pytest.mark.parametrize("path", ["fifo", "etc", "/", "loop"])
def test_only_regular_files_are_read(root: Root, path: str) -> None:
    with pytest.raises(Error):
        root.read_bytes(path)


def test_a_device_is_never_opened(root: Root) -> None:
    with pytest.raises(Error):
        root.read_bytes("/dev/zero")
    with Root("/") as everything, pytest.raises(Error, match="not a regular file"):
        everything.read_bytes("/dev/zero")


def test_a_file_that_is_too_large_is_refused(root: Root) -> None:
    assert root.read_bytes("etc/passwd", limit=6) == b"inside"
    with pytest.raises(Error, match="larger than 5 bytes"):
        root.read_bytes("etc/passwd", limit=5)


def test_a_null_byte_is_an_error_of_ours(root: Root) -> None:
    with pytest.raises((Error, ValueError)):
        root.stat("etc\0x")


def test_stat_follows_or_not(root: Root) -> None:
    assert root.stat("absolute").st_size == 6
    assert root.stat("absolute", follow=False).st_size == len("/etc/passwd")
    assert root.exists("dangling", follow=False)


def test_the_parent_is_a_descriptor_and_the_name_is_left_alone(root: Root) -> None:
    fd, name = root.open_parent("relative/up")
    try:
        assert name == "up"
        assert os.readlink(name, dir_fd=fd) == "sub/../../etc/./passwd"
    finally:
        os.close(fd)
    for path in ("/", "", "etc/.."):
        with pytest.raises(Error):
            root.open_parent(path)


def test_a_file_is_replaced_whole_and_a_link_is_not_followed(root: Root) -> None:
    uid, gid = os.getuid(), os.getgid()
    root.write_file("absolute", b"new", 0o640, uid, gid)
    assert root.read_bytes("absolute") == b"new"
    assert root.read_bytes("etc/passwd") == b"inside"
    assert root.stat("absolute", follow=False).st_mode & 0o7777 == 0o640
    root.write_file("relative/passwd", b"x", 0o4755, uid, gid)
    assert root.stat("etc/passwd").st_mode & 0o7777 == 0o4755
    assert [name for name in os.listdir(root.path) if name.startswith(".slipway")] == []
    with pytest.raises(Error):
        root.write_file("etc", b"x", 0o644, uid, gid)
    with pytest.raises(NotFound):
        root.write_file("escape/x", b"x", 0o644, uid, gid)


def test_directories_are_made_inside(root: Root) -> None:
    uid, gid = os.getuid(), os.getgid()
    old = os.umask(0o077)
    try:
        root.make_dirs("a/b/c", 0o751, uid, gid)
        root.make_dirs("dangling/x", 0o755, uid, gid)
        root.make_dirs("etc", 0o700, uid, gid)
        root.make_dirs("escape/y/z", 0o755, uid, gid)
    finally:
        os.umask(old)
    assert root.stat("a/b").st_mode & 0o7777 == 0o751
    assert root.stat("run/lock/x").st_mode & 0o7777 == 0o755
    assert root.stat("etc").st_mode & 0o7777 != 0o700
    assert root.exists("escape/y/z")
    for path in ("etc/passwd", "etc/passwd/x", "loop/x", "fifo"):
        with pytest.raises(Error):
            root.make_dirs(path, 0o755, uid, gid)


def test_a_file_can_be_created_inside(root: Root) -> None:
    for path in ("relative/new", "/etc/new2", "dangling"):
        if path == "dangling":
            root.make_dirs("/run", 0o755, os.getuid(), os.getgid())
        fd = root.open(path, os.O_WRONLY | os.O_CREAT, 0o600)
        os.write(fd, b"x")
        os.close(fd)
    assert root.read_bytes("etc/new") == root.read_bytes("etc/new2") == b"x"
    assert root.read_bytes("run/lock") == b"x"


def test_no_descriptor_is_left_open(root: Root) -> None:
    before = len(os.listdir("/proc/self/fd"))
    for path in ("etc/passwd", "loop", "nothing/x", "fifo", "relative/up", "../..", "etc/passwd/x"):
        with contextlib.suppress(Error):
            root.read_bytes(path)
    assert len(os.listdir("/proc/self/fd")) == before
