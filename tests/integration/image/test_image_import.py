# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Importing: every form of a source, and when a source counts as changed."""

from __future__ import annotations

import gzip
import os
import subprocess
import time
from pathlib import Path
from typing import Any

import pytest
from support.converging import Task, apply, check
from support.inputs import images

from ansible_collections.slipway.engine.plugins.module_utils._runtime.base.errors import Error
from ansible_collections.slipway.engine.plugins.module_utils._runtime.base.layout import Layout
from ansible_collections.slipway.engine.plugins.module_utils._runtime.image.store import store
from ansible_collections.slipway.engine.plugins.module_utils._runtime.plan.plan import Host
from ansible_collections.slipway.engine.plugins.module_utils._runtime.resource.image import (
    image as resource,
)
from ansible_collections.slipway.engine.plugins.module_utils._runtime.resource.image.files import (
    image_import,
)


def task(src: Path, **options: Any) -> Task:
    params = {"name": "imported:1", "src": str(src), **options}
    return Task(image_import.declare, image_import.RESOURCE, params)


def observed_id(layout: Layout, src: Path, **options: Any) -> str:
    """The id that check mode computes."""
    declared = image_import.declare({"name": "imported:1", "src": str(src), **options})
    return image_import.observe(Host(layout), declared).id


@pytest.mark.parametrize("form", ["tar", "gzip", "gzip of two members", "zstd"])
def test_a_tar_is_the_same_image_however_compressed(
    layout: Layout, busybox_tar: Path, tmp_path: Path, form: str
) -> None:
    src, data = tmp_path / "source", busybox_tar.read_bytes()
    if form == "zstd":
        subprocess.run(["zstd", "-q", str(busybox_tar), "-o", str(src)], check=True)
    elif form == "gzip of two members":
        src.write_bytes(gzip.compress(data[:1000]) + gzip.compress(data[1000:]))
    else:
        src.write_bytes(gzip.compress(data) if form == "gzip" else data)
    foretold = observed_id(layout, src, cmd=["sh"])
    assert foretold == observed_id(layout, busybox_tar, cmd=["sh"])
    assert apply(layout, task(src, cmd=["sh"]))[1]["image"]["Id"] == foretold
    assert apply(layout, task(src, cmd=["sh"]))[0].changed is False
    # By another way to the same content.
    assert check(layout, task(busybox_tar, cmd=["sh"]), {}).changed is False


def test_a_directory(layout: Layout, tmp_path: Path) -> None:
    root = tmp_path / "root"
    (root / "bin").mkdir(parents=True)
    (root / "bin/tool").write_bytes(b"tool")
    os.symlink("tool", root / "bin/alias")
    foretold = observed_id(layout, root)
    image = apply(layout, task(root, entrypoint=["/bin/tool"]))[1]["image"]
    assert apply(layout, task(root))[1]["image"]["Id"] == foretold != image["Id"]
    assert apply(layout, task(root))[0].changed is False
    found = store.find(layout, "imported:1")
    assert found is not None
    [diff] = store.ensure_unpacked(layout, found)
    assert ((diff / "bin/tool").read_bytes(), os.readlink(diff / "bin/alias")) == (b"tool", "tool")
    (root / "bin/tool").write_bytes(b"took")
    assert apply(layout, task(root))[0].before["image"] == "outdated"


def test_options_are_part_of_the_id(layout: Layout, busybox_tar: Path) -> None:
    ids = {
        observed_id(layout, busybox_tar, **options)
        for options in (
            {},
            {"cmd": ["sh"]},
            {"changes": ["USER 1"]},
            {"created": "2026-01-31T12:00:00Z"},
            {"platform": "linux/s390x"},
            {"comment": "m"},
        )
    }
    assert len(ids) == 6
    changed = observed_id(layout, busybox_tar, changes=['CMD ["sh"]'])
    assert changed == observed_id(layout, busybox_tar, cmd=["sh"])


def test_a_known_source_is_not_read_again(layout: Layout, tmp_path: Path) -> None:
    src = tmp_path / "large.tar"
    src.write_bytes(images.tar({"a": b"a" * (1 << 20)}))
    # The note of a file that was only just written is not trusted, and so not kept.
    time.sleep(1.1)
    apply(layout, task(src))
    counted = _bytes_read(lambda: apply(layout, task(src))[0])
    assert counted < src.stat().st_size
    assert check(layout, task(src, cmd=["other"]), {}).changed is True


def _bytes_read(act: Any) -> int:
    def now() -> int:
        text = Path("/proc/self/io").read_text()
        return int(text.split("rchar:")[1].split()[0])

    before = now()
    assert act().changed is False
    # Opening the counter and the store's own documents are in it.
    return now() - before


@pytest.mark.parametrize("how", ["times kept", "replaced"])
def test_a_changed_source_is_seen(layout: Layout, tmp_path: Path, how: str) -> None:
    src = tmp_path / "source.tar"
    src.write_bytes(images.tar({"a": b"one"}))
    time.sleep(1.1)
    first = apply(layout, task(src))[1]["image"]["Id"]
    times = src.stat()
    other = images.tar({"a": b"two"})
    if how == "replaced":
        (tmp_path / "other.tar").write_bytes(other)
        (tmp_path / "other.tar").rename(src)
    else:
        src.write_bytes(other)
    os.utime(src, ns=(times.st_atime_ns, times.st_mtime_ns))
    outcome, result = apply(layout, task(src))
    assert (outcome.changed, result["image"]["Id"] != first) == (True, True)
    # The image that lost its name is there still, under its id.
    assert len(resource.gather(Host(layout), {"name": [first]})["images"]) == 1


def test_what_cannot_be_imported(layout: Layout, tmp_path: Path) -> None:
    src = tmp_path / "source"
    with pytest.raises(Error, match=r"source does not exist on this host"):
        apply(layout, task(src))
    assert check(layout, task(src), {}).changed is True
    for data in (b"not a tar at all" * 100, gzip.compress(b"nor this" * 100), b"\x1f\x8bcut"):
        src.write_bytes(data)
        with pytest.raises(Error, match=r"tar|gzip"):
            apply(layout, task(src))
    src.write_bytes(images.tar({"../escape": b"x"}))
    with pytest.raises(Error, match="escape"):
        apply(layout, task(src))
    src.unlink()
    os.mkfifo(src)
    with pytest.raises(Error, match="neither a regular file nor a directory"):
        apply(layout, task(src))
    assert store.all_images(layout) == ()
    assert os.listdir(layout.layers) == []


@pytest.mark.parametrize(
    "options",
    [
        {"name": "UPPER"},
        {"name": "a/b@sha256:" + "0" * 64},
        {"name": "x" * 300},
        {"name": "line\nfeed"},
        {"changes": ["RUN true"]},
        {"created": "yesterday"},
        {"platform": "a/b/c/d"},
        {"volumes": ["relative"]},
    ],
)
def test_bad_options(layout: Layout, busybox_tar: Path, options: dict[str, Any]) -> None:
    with pytest.raises(Error):
        check(layout, task(busybox_tar, **options), {})
