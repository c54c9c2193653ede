# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A filesystem on a loop device, copies of what has reached that device, and work without syncs.

A power cut loses what is only in the kernel's memory. Of a filesystem on a loop device that is all
that has not been written to the file behind the device; so a copy of this file is what a machine
finds that lost its power then. Copying syncs nothing.
"""

from __future__ import annotations

import ctypes
import os
import platform
import shutil
import struct
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Callable

#: Options for mkfs and mount, and megabytes. ext4 writes what it knows after 5 s, and the content
#: of a file that replaces another at once; both would hide what is not synced, so neither is done.
KINDS = {
    "ext4": (["-F", "-E", "nodiscard"], "loop,commit=300,noauto_da_alloc", 160),
    "xfs": (["-f", "-K"], "loop", 400),
}

_SYNCS = {
    "x86_64": (74, 75, 162, 306),  # fsync, fdatasync, sync, syncfs
    "aarch64": (82, 83, 81, 267),
}


def available() -> list[str]:
    """The kinds whose mkfs is there, and that the kernel knows."""
    known = Path("/proc/filesystems").read_text().split()
    return [kind for kind in KINDS if kind in known and shutil.which(f"mkfs.{kind}")]


def make(kind: str, file: Path) -> None:
    """An empty filesystem in a file. Raises CalledProcessError."""
    options, dummy, megabytes = KINDS[kind]
    with open(file, "wb") as out:
        out.truncate(megabytes << 20)
    subprocess.run([f"mkfs.{kind}", "-q", *options, str(file)], check=True, capture_output=True)


@contextmanager
def mounted(kind: str, file: Path, place: Path) -> Iterator[None]:
    """The filesystem at a place for the block. What a journal holds is carried out."""
    argv = ["mount", "-t", kind, "-o", KINDS[kind][1], str(file), str(place)]
    subprocess.run(argv, check=True, capture_output=True)
    try:
        yield
    finally:
        deadline = time.monotonic() + 20
        # An exit hook may still be at work there.
        while subprocess.run(["umount", str(place)], capture_output=True, check=False).returncode:
            assert time.monotonic() < deadline, f"{place} is in use for ever"
            time.sleep(0.05)


def cut(file: Path, place: Path, copy: Path) -> None:
    """What has reached the device of ``place`` by now. Copied again where something was written to
    it meanwhile: a device without power has no half of before and half of after.
    """
    for dummy in range(20):
        before = _written(place)
        argv = ["cp", "--sparse=always", "--reflink=never", str(file), str(copy)]
        subprocess.run(argv, check=True)
        if before == _written(place):
            return
    raise AssertionError(f"{place} is written to all the time")


def _written(place: Path) -> tuple[str, ...]:
    """Writes and sectors that reached a device, and what is under way (Linux' iostats.rst)."""
    device = os.stat(place).st_dev
    stat = Path(f"/sys/dev/block/{os.major(device)}:{os.minor(device)}/stat").read_text().split()
    return (stat[4], stat[6], stat[8])


@contextmanager
def booted_again(scratch: Path) -> Iterator[None]:
    """The kernel says that this is another boot."""
    place = "/proc/sys/kernel/random/boot_id"
    scratch.write_text("00000000-0000-4000-8000-" + os.urandom(6).hex() + "\n")
    subprocess.run(["mount", "--bind", str(scratch), place], check=True)
    try:
        yield
    finally:
        subprocess.run(["umount", "--lazy", place], check=True)


def unsynced(act: Callable[[], Any]) -> Callable[[], Any]:
    """The same work in a process where fsync, fdatasync, sync and syncfs do nothing and succeed, by
    a filter of system calls (seccomp(2)) that all that it starts inherits.
    """

    def do() -> None:
        numbers = _SYNCS[platform.machine()]
        steps = [(0x20, 0, 0, 0)]  # load the number of the call
        steps += [(0x15, len(numbers) - at, 0, each) for at, each in enumerate(numbers)]
        steps += [(0x06, 0, 0, 0x7FFF0000), (0x06, 0, 0, 0x00050000)]  # allow; error 0
        code = ctypes.create_string_buffer(b"".join(struct.pack("HBBI", *step) for step in steps))
        program = struct.pack("HxxxxxxQ", len(steps), ctypes.addressof(code))
        libc = ctypes.CDLL(None, use_errno=True)
        if libc.prctl(22, 2, program, 0, 0):  # PR_SET_SECCOMP, SECCOMP_MODE_FILTER
            raise OSError(ctypes.get_errno(), "seccomp")
        act()

    return do
