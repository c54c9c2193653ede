# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Records on disk: what is whole, what is locked, and what is garbage."""

from __future__ import annotations

import json
import os
import resource
import subprocess
import sys
from pathlib import Path

import pytest

from ansible_collections.slipway.engine.plugins.module_utils._runtime.base import files
from ansible_collections.slipway.engine.plugins.module_utils._runtime.base.errors import (
    Error,
    LockTimeout,
)
from ansible_collections.slipway.engine.plugins.module_utils._runtime.base.layout import Layout


@pytest.fixture
def layout(tmp_path: Path) -> Layout:
    made = Layout(tmp_path / "lib", tmp_path / "run", tmp_path / "etc")
    files.prepare(made)
    return made


def a_dead_pid() -> int:
    child = subprocess.Popen([sys.executable, "-c", ""])
    child.wait()
    return child.pid


def test_prepared_directories_are_private_whatever_the_umask(tmp_path: Path) -> None:
    made = Layout(tmp_path / "lib", tmp_path / "run", tmp_path / "etc")
    old = os.umask(0)
    try:
        files.prepare(made)
    finally:
        os.umask(old)
    for directory in (*made.durable_directories(), made.run, made.run_containers, made.etc):
        assert directory.stat().st_mode & 0o777 == 0o700, directory
    assert made.meta.stat().st_mode & 0o777 == 0o600
    # Somebody opened it up; the next run closes it again.
    made.root.chmod(0o755)
    files.prepare(made)
    assert made.root.stat().st_mode & 0o777 == 0o700


@pytest.mark.parametrize("content", ['{"version": 2}', "{}", "[]", "not json"])
def test_records_of_another_version_stop_everything(layout: Layout, content: str) -> None:
    layout.meta.write_text(content)
    with pytest.raises(Error, match=str(layout.meta)):
        files.prepare(layout)


def test_what_killed_processes_left_is_swept_and_nothing_else(layout: Layout) -> None:
    dead, alive = a_dead_pid(), os.getpid()
    for directory in (layout.tmp, layout.trash):
        for name in (f"layer-{dead}-0a1b", f"layer-{alive}-0a1b", "somebody's own"):
            (directory / name / "deep").mkdir(parents=True)
    files.prepare(layout)
    for directory in (layout.tmp, layout.trash):
        assert sorted(os.listdir(directory)) == [f"layer-{alive}-0a1b", "somebody's own"]


def test_scratch_and_trash_bear_the_pid_that_sweeping_looks_for(layout: Layout) -> None:
    with files.scratch(layout, "a-b") as path:
        assert path.name.rsplit("-", 2)[-2] == str(os.getpid())
    assert not path.exists()
    (layout.containers / "x").mkdir()
    files.discard(layout, layout.containers / "x")
    assert os.listdir(layout.trash) == os.listdir(layout.containers) == []


def test_an_atomic_write_leaves_the_old_file_when_it_fails(tmp_path: Path) -> None:
    path = tmp_path / "record.json"
    files.write_json(path, {"a": 1})
    with pytest.raises(TypeError):
        files.write_json(path, {"a": object()})
    with pytest.raises(TypeError):
        files.write_atomic(path, "text")  # the failure comes midway
    assert files.read_json(path) == {"a": 1}
    assert os.listdir(tmp_path) == ["record.json"]
    assert path.stat().st_mode & 0o777 == 0o600


def test_whoever_reads_the_old_file_reads_all_of_it(tmp_path: Path) -> None:
    path = tmp_path / "record.json"
    files.write_json(path, {"a": 1})
    with path.open() as reader:
        files.write_json(path, {"b": 2})
        assert json.load(reader) == {"a": 1}
    assert files.read_json(path) == {"b": 2}


def test_a_lock_needs_no_room_on_the_disk(tmp_path: Path) -> None:
    """Where nothing can be written, somebody has to be able to remove."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, hard))
    try:
        with files.lock(tmp_path / "container.x", deadline_s=1):
            held = True
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert held


def test_a_lock_is_a_file(tmp_path: Path) -> None:
    """Its holder's number is written into it, and must not be into what a link leads to."""
    other = tmp_path / "other"
    other.write_text("somebody's own")
    (tmp_path / "container.x").symlink_to(other)
    with pytest.raises(Error, match="is a link"), files.lock(tmp_path / "container.x"):
        pass
    assert other.read_text() == "somebody's own"


def test_a_lock_names_its_holder_and_ends_with_it(tmp_path: Path) -> None:
    path = tmp_path / "container.x"
    hold = (
        "import fcntl, os, sys, time; fd = os.open(sys.argv[1], os.O_RDWR | os.O_CREAT);"
        "fcntl.flock(fd, fcntl.LOCK_EX); os.write(fd, str(os.getpid()).encode());"
        "print('held', flush=True); time.sleep(60)"
    )
    holder = subprocess.Popen([sys.executable, "-c", hold, str(path)], stdout=subprocess.PIPE)
    assert holder.stdout is not None
    holder.stdout.readline()
    try:
        named = f"container.x has been locked by process {holder.pid} "
        with pytest.raises(LockTimeout, match=named), files.lock(path, deadline_s=0.05):
            pass
    finally:
        holder.kill()
        holder.wait()
        holder.stdout.close()
    with files.lock(path, deadline_s=1):
        # Its descriptor is closed on exec, so no child of the holder holds it on.
        child = subprocess.Popen(["sleep", "60"], close_fds=False)
    with files.lock(path, deadline_s=0.2):
        child.kill()
    child.wait()


def test_publishing_loses_to_whoever_was_first(tmp_path: Path) -> None:
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "content").write_text(name)
    assert files.publish(tmp_path / "one", tmp_path / "target")
    assert not files.publish(tmp_path / "two", tmp_path / "target")
    assert (tmp_path / "target" / "content").read_text() == "one"


def test_removing_a_tree_follows_no_link(tmp_path: Path) -> None:
    (tmp_path / "kept").mkdir()
    (tmp_path / "kept" / "file").write_text("x")
    tree = tmp_path / "tree"
    (tree / "a" / "b").mkdir(parents=True)
    (tree / "link").symlink_to(tmp_path / "kept")
    files.remove_tree(tree)
    files.remove_tree(tree)
    assert [p.name for p in tmp_path.iterdir()] == ["kept"]
    assert (tmp_path / "kept" / "file").exists()
