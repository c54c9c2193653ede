# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The system calls, on a real kernel but without privileges, and what /proc says."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from support import COLLECTIONS

from ansible_collections.slipway.engine.plugins.module_utils._runtime.kernel import (
    linux,
    processes,
)


@pytest.fixture
def top(tmp_path: Path) -> int:
    return os.open(tmp_path, os.O_PATH)


def test_openat2_keeps_an_absolute_link_inside(tmp_path: Path, top: int) -> None:
    (tmp_path / "escape").symlink_to("/etc")
    with pytest.raises(FileNotFoundError) as caught:
        linux.openat2(top, "escape/passwd", os.O_RDONLY, 0, linux.RESOLVE_IN_ROOT)
    assert caught.value.filename == "escape/passwd"


def test_openat2_gives_a_descriptor_no_child_inherits(tmp_path: Path, top: int) -> None:
    (tmp_path / "f").write_text("x")
    fd = linux.openat2(top, "f", os.O_RDONLY, 0, linux.RESOLVE_BENEATH)
    assert not os.get_inheritable(fd)
    assert os.read(fd, 9) == b"x"


def test_renameat2_replaces_nothing_or_exchanges(tmp_path: Path, top: int) -> None:
    (tmp_path / "a").write_text("a")
    (tmp_path / "b").write_text("b")
    with pytest.raises(FileExistsError):
        linux.renameat2(top, "a", top, "b", linux.RENAME_NOREPLACE)
    linux.renameat2(top, "a", top, "b", linux.RENAME_EXCHANGE)
    assert (tmp_path / "a").read_text() == "b"


def test_a_path_with_a_null_byte_is_refused(top: int) -> None:
    with pytest.raises(ValueError):
        linux.openat2(top, "a\0b", os.O_RDONLY)


def test_syncfs_takes_any_descriptor_of_the_filesystem(tmp_path: Path) -> None:
    linux.syncfs(os.open(tmp_path, os.O_RDONLY))
    with pytest.raises(OSError):
        linux.syncfs(-1)


def test_the_start_time_identifies_a_process() -> None:
    mine = linux.process_start_time(os.getpid())
    assert mine is not None
    assert mine == linux.process_start_time(os.getpid())
    child = subprocess.Popen(["sleep", "60"])
    started = linux.process_start_time(child.pid)
    child.kill()
    child.wait()
    assert started is not None
    assert started >= mine
    assert linux.process_start_time(child.pid) is None


def test_a_process_that_got_the_number_of_another_is_not_it() -> None:
    started = linux.process_start_time(os.getpid())
    assert started is not None
    assert processes.alive(os.getpid(), started)
    assert not processes.alive(os.getpid(), started - 1)
    assert not processes.alive(0, 0)


def test_the_start_time_of_a_process_with_a_nasty_name(tmp_path: Path) -> None:
    program = tmp_path / "a) R 1 (b"
    program.symlink_to("/bin/sleep")
    child = subprocess.Popen([str(program), "60"])
    try:
        found = linux.process_start_time(child.pid)
        mine = linux.process_start_time(os.getpid())
        assert found is not None
        assert mine is not None
        assert 0 <= found - mine < 10**7
    finally:
        child.kill()
        child.wait()


def test_the_boot_id_is_one_word() -> None:
    assert len(linux.boot_id()) == 36


def test_mountinfo_lists_proc_and_decodes_names() -> None:
    assert any(mount.target == "/proc" and mount.fstype == "proc" for mount in linux.mountinfo())
    assert linux._unescape(rb"/a\040b\134c\012") == "/a b\\c\n"


def test_observing_needs_no_ctypes() -> None:
    code = (
        f"import os, sys; from {linux.__package__} import linux; linux.boot_id();"
        "linux.process_start_time(os.getpid()); linux.mountinfo();"
        "sys.exit('ctypes' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-B", "-S", "-c", code], cwd=COLLECTIONS, check=False)
    assert done.returncode == 0
