# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Root filesystems on real overlay mounts, of honest images and of one that attacks."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest
from support.inputs.tars import describe, fingerprint

from ansible_collections.slipway.engine.plugins.module_utils._runtime.base import files
from ansible_collections.slipway.engine.plugins.module_utils._runtime.base.errors import Error
from ansible_collections.slipway.engine.plugins.module_utils._runtime.base.layout import Layout
from ansible_collections.slipway.engine.plugins.module_utils._runtime.tree import snapshot

DIRECTORIES = ("dev", "dev/pts", "dev/shm", "etc", "proc", "sys")
FILES = ("etc/hosts", "etc/hostname", "etc/resolv.conf")


class Place(NamedTuple):
    top: Path
    upper: Path
    work: Path
    root: Path

    def layer(self, name: str) -> Path:
        path = self.top / "layers" / name / "diff"
        path.mkdir(parents=True)
        return path


@pytest.fixture
def place(layout: Layout) -> Iterator[Place]:
    top = layout.root / "place, with: signs"
    for name in ("upper", "work", "root", "layers"):
        (top / name).mkdir(parents=True)
    yield Place(top, top / "upper", top / "work", top / "root")
    snapshot.unmount(top / "root")
    files.remove_tree(top)


def mount(place: Place, *lowers: Path) -> Path:
    snapshot.prepare_upper(place.upper, lowers)
    snapshot.mount(lowers, place.upper, place.work, place.root)
    return place.root


def test_127_layers_are_one_tree_and_the_top_one_counts(place: Place) -> None:
    lowers: list[Path] = []
    for number in range(127):
        layer = place.layer(f"{number:064d}")
        (layer / f"file{number}").write_text(str(number))
        (layer / "same").write_text(str(number))
        lowers.insert(0, layer)
    root = mount(place, *lowers)
    assert (root / "same").read_text() == "126"
    assert all((root / f"file{number}").read_text() == str(number) for number in range(127))


def test_more_layers_than_a_mount_takes_is_an_error(place: Place) -> None:
    layer = place.layer("one")
    with pytest.raises(Error, match="fewer layers"):
        snapshot.mount([layer] * 400, place.upper, place.work, place.root)


def test_whiteouts_and_opaque_directories_hide(place: Place) -> None:
    low, high = place.layer("low"), place.layer("high")
    (low / "gone").write_text("x")
    (low / "d").mkdir()
    (low / "d" / "old").write_text("x")
    os.mknod(high / "gone", stat.S_IFCHR, 0)
    (high / "d").mkdir()
    (high / "d" / "new").write_text("x")
    os.setxattr(high / "d", "trusted.overlay.opaque", b"y")
    root = mount(place, high, low)
    assert not (root / "gone").exists()
    assert os.listdir(root / "d") == ["new"]


def test_an_image_without_layers_is_an_empty_tree(place: Place) -> None:
    root = mount(place)
    assert sorted(os.listdir(root)) == ["dev", "etc", "proc", "sys"]
    assert snapshot.mounted(root)


def test_what_runtimes_mount_on_is_real(place: Place) -> None:
    root = mount(place, place.layer("empty"))
    for path in DIRECTORIES:
        assert describe(root / path) == "directory"
    for path in FILES:
        assert describe(root / path) == "file"
    assert describe(root / "etc/mtab") == "link /proc/mounts"
    assert stat.S_IMODE((root / "etc").stat().st_mode) == 0o755


@pytest.mark.parametrize("path", [*DIRECTORIES, *FILES])
def test_a_link_of_the_image_leads_nowhere(place: Place, path: str) -> None:
    """CVE-2026-47766 and CVE-2026-41579: an image whose /dev, /proc, /etc/hosts … is a link."""
    victim = place.top / "victim"
    victim.mkdir()
    (victim / "ptmx").write_text("the host's")
    (victim / "hosts").write_text("the host's")
    image = place.layer("image")
    link = image / path
    link.parent.mkdir(exist_ok=True)
    link.symlink_to(victim if path in DIRECTORIES else victim / "hosts")
    before = fingerprint(victim)
    root = mount(place, place.layer("above"), image)
    assert describe(root / path) == ("directory" if path in DIRECTORIES else "file")
    # What a runtime does there stays there.
    if path in DIRECTORIES:
        (root / path / "ptmx").write_text("ours")
    else:
        (root / path).write_text("ours")
    assert fingerprint(victim) == before


def test_a_link_of_the_image_in_the_upper_layer_itself_is_replaced(place: Place) -> None:
    """A container may leave a link at /etc: the next start meets a directory."""
    (place.upper / "etc").symlink_to("/victim")
    (place.upper / "dev").write_text("")
    os.mknod(place.upper / "proc", stat.S_IFCHR, 0)
    root = mount(place, place.layer("image"))
    assert [describe(root / path) for path in ("etc", "dev", "proc")] == ["directory"] * 3


def test_an_ordinary_etc_keeps_content_mode_and_owner(place: Place) -> None:
    image = place.layer("image")
    (image / "etc").mkdir()
    (image / "etc" / "passwd").write_text("root:x:0:0")
    (image / "etc" / "mtab").write_text("its own")
    os.chown(image / "etc", 7, 8)
    (image / "etc").chmod(0o2750)
    image.chmod(0o711)
    root = mount(place, place.layer("above"), image)
    found = (root / "etc").stat()
    assert (found.st_uid, found.st_gid, stat.S_IMODE(found.st_mode)) == (7, 8, 0o2750)
    assert (root / "etc" / "passwd").read_text() == "root:x:0:0"
    assert (root / "etc" / "mtab").read_text() == "its own"


def test_an_etc_that_a_layer_removed_does_not_come_back(place: Place) -> None:
    low, high = place.layer("low"), place.layer("high")
    (low / "etc").mkdir()
    (low / "etc" / "secret").write_text("x")
    os.mknod(high / "etc", stat.S_IFCHR, 0)
    root = mount(place, high, low)
    assert not (root / "etc" / "secret").exists()


def test_preparing_twice_changes_nothing(place: Place) -> None:
    lowers = [place.layer("image")]
    snapshot.prepare_upper(place.upper, lowers)
    (place.upper / "etc" / "hosts").write_text("kept")
    before = fingerprint(place.upper)
    snapshot.prepare_upper(place.upper, lowers)
    assert fingerprint(place.upper) == before
    assert {f"/{path.relative_to(place.upper)}" for path in place.upper.rglob("*")} == (
        snapshot.INIT_PATHS
    )


def test_modes_do_not_depend_on_the_umask(place: Place) -> None:
    old = os.umask(0o077)
    try:
        snapshot.prepare_upper(place.upper, [])
    finally:
        os.umask(old)
    assert stat.S_IMODE((place.upper / "etc").stat().st_mode) == 0o755
    assert stat.S_IMODE((place.upper / "etc" / "hosts").stat().st_mode) == 0o644


def test_mounted_and_unmount_are_idempotent(place: Place) -> None:
    assert not snapshot.mounted(place.root)
    snapshot.unmount(place.root)
    root = mount(place, place.layer("image"))
    assert snapshot.mounted(root)
    snapshot.mount([place.top / "layers"], place.upper, place.work, root)
    snapshot.unmount(root)
    assert not snapshot.mounted(root)
    snapshot.unmount(root)
    snapshot.unmount(place.top / "missing")


def test_a_busy_root_goes_out_of_sight(place: Place) -> None:
    root = mount(place, place.layer("image"))
    fd = os.open(root / "etc", os.O_RDONLY)
    try:
        snapshot.unmount(root)
        assert not snapshot.mounted(root)
    finally:
        os.close(fd)


def test_a_directory_is_renamed_by_copy_so_that_the_upper_one_is_whole(place: Place) -> None:
    image = place.layer("image")
    (image / "d").mkdir()
    (image / "d" / "f").write_text("x")
    root = mount(place, image)
    with pytest.raises(OSError, match="cross-device"):
        os.rename(root / "d", root / "e")
    (root / "d" / "f").chmod(0o600)
    assert (place.upper / "d" / "f").read_text() == "x"


def test_a_missing_layer_is_named(place: Place) -> None:
    with pytest.raises(Error, match="layers/missing"):
        snapshot.mount([place.top / "layers" / "missing"], place.upper, place.work, place.root)


def test_an_upper_directory_on_overlay_is_explained(place: Place) -> None:
    root = mount(place, place.layer("image"))
    for name in ("upper2", "work2", "root2"):
        (root / name).mkdir()
    with pytest.raises(Error) as caught:
        snapshot.mount([place.top / "layers"], root / "upper2", root / "work2", root / "root2")
    assert "lies on overlay" in str(caught.value)


def test_no_descriptor_is_left_open(place: Place) -> None:
    before = len(os.listdir("/proc/self/fd"))
    mount(place, place.layer("a"), place.layer("b"))
    snapshot.unmount(place.root)
    assert len(os.listdir("/proc/self/fd")) == before
