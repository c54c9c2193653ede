# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which OCI runtime serves which host, what its complaints mean, and how conmon's logs are read."""

from __future__ import annotations

import pytest

from ansible_collections.slipway.engine.plugins.module_utils._runtime.container.engine import (
    cgroup_layout,
    conmon_files,
    oci_runtime,
)
from ansible_collections.slipway.engine.plugins.module_utils._runtime.container.engine import (
    oci_runtime as engine_oci_runtime,
)

RUNC = engine_oci_runtime.Runtime("runc", "/usr/sbin/runc", "/run/slipway/runtime-runc")


@pytest.mark.parametrize(
    ("name", "layout", "serves"),
    [
        # Debian 12, Fedora, RHEL 9, Ubuntu 22.04 and later
        (
            "crun",
            cgroup_layout.Cgroups("unified", ("cpuset", "cpu", "io", "memory", "pids")),
            True,
        ),
        (
            "runc",
            cgroup_layout.Cgroups("unified", ("cpuset", "cpu", "io", "memory", "pids")),
            True,
        ),
        # RHEL 8, Alpine in its legacy mode
        ("crun", cgroup_layout.Cgroups("legacy"), True),
        ("runc", cgroup_layout.Cgroups("legacy"), True),
        # systemd's hybrid mode: the v2 side only tracks processes
        ("crun", cgroup_layout.Cgroups("hybrid"), True),
        ("runc", cgroup_layout.Cgroups("hybrid"), True),
        # A kernel with a controller that the v1 side did not mount
        ("crun", cgroup_layout.Cgroups("hybrid", ("hugetlb",)), False),
        ("runc", cgroup_layout.Cgroups("hybrid", ("hugetlb",)), True),
        ("youki", cgroup_layout.Cgroups("hybrid", ("hugetlb",)), True),
        ("crun", cgroup_layout.Cgroups("none"), False),
        ("runc", cgroup_layout.Cgroups("none"), False),
    ],
)
def test_which_runtime_serves_which_layout(
    name: str, layout: cgroup_layout.Cgroups, serves: bool
) -> None:
    assert (oci_runtime.refusal(name, layout) == "") is serves


def test_a_refusal_names_the_controllers() -> None:
    assert "hugetlb" in oci_runtime.refusal("crun", cgroup_layout.Cgroups("hybrid", ("hugetlb",)))


def test_the_cgroup_of_a_container() -> None:
    assert cgroup_layout.path("ab", "cgroupfs") == "/slipway/ab"
    assert cgroup_layout.path("ab", "systemd") == "system.slice:slipway:ab"


def _runc(message: str) -> str:
    """How runc 1.1.5 writes it to its standard error."""
    escaped = message.replace('"', '\\"')
    return f'time="2026-11-21T04:46:37Z" level=error msg="runc create failed: {escaped}"\n'


_START = "unable to start container process: "

#: What runc 1.1.5 and crun 1.8.1 said, word for word, and what they meant.
COMPLAINTS = [
    (
        _runc(_START + 'exec: "/nope": stat /nope: no such file or directory'),
        "/nope",
        'the command "/nope" is not in the image',
    ),
    (
        _runc(_START + 'exec: "nope": executable file not found in $PATH'),
        "nope",
        'the command "nope" is not in the image',
    ),
    (
        "executable file `nope` not found in $PATH: No such file or directory\n",
        "nope",
        'the command "nope" is not in the image',
    ),
    (
        _runc(_START + 'exec: "/etc": permission denied'),
        "/etc",
        'the command "/etc" is not executable',
    ),
    (
        "open executable: Operation not permitted\n",
        "/etc",
        'the command "/etc" is not executable',
    ),
    ("open executable: Permission denied\n", "/a", 'the command "/a" is not executable'),
    (
        _runc(_START + "exec /bin/bad: exec format error"),
        "/bin/bad",
        'the command "/bin/bad" is not an executable for this machine',
    ),
    (
        _runc(_START + "error during container init: mkdir /wd: not a directory"),
        "/bin/sh",
        "the working directory /wd cannot be used: runc create failed: unable to start container"
        " process: error during container init: mkdir /wd: not a directory",
    ),
    (
        "chdir `/wd`: Not a directory\n",
        "/bin/sh",
        "the working directory /wd cannot be used: chdir `/wd`: Not a directory",
    ),
    # Not about the program, though a file is missing.
    (
        _runc(
            _START
            + 'error during container init: error mounting "/x" to rootfs at "/m": stat /x: no'
            " such file or directory"
        ),
        "/bin/sh",
        "runc could not start it: runc create failed: unable to start container process: error"
        ' during container init: error mounting "/x" to rootfs at "/m": stat /x: no such file or'
        " directory",
    ),
    (
        "error stat'ing file `/nonexist`: No such file or directory\n",
        "/bin/sh",
        "runc could not start it: error stat'ing file `/nonexist`: No such file or directory",
    ),
    ("", "/bin/sh", "runc could not start it: no reason given"),
]


@pytest.mark.parametrize(("said", "program", "expected"), COMPLAINTS)
def test_what_a_runtime_meant(said: str, program: str, expected: str) -> None:
    error = oci_runtime.failure(RUNC, "web", said, [program, "arg"], "/wd")
    assert error.message == f"container web: {expected}"


def test_lines_of_a_log() -> None:
    log = [
        b"T1 stdout F one\n",
        b"T2 stdout P two, \n",
        b"T3 stderr F beside\n",
        b"T4 stdout P still two, \n",
        b"T5 stdout F done\n",
        b"T6 stdout F \n",
        b"T7 stderr F a b  c \xff\n",
        b"garbage\n",
        b"T8 other F x\n",
        b"T9 stdout P no newline\n",
    ]
    assert list(conmon_files.parse_log(log)) == [
        conmon_files.LogEntry("T1", "stdout", b"one\n"),
        conmon_files.LogEntry("T3", "stderr", b"beside\n"),
        conmon_files.LogEntry("T2", "stdout", b"two, still two, done\n"),
        conmon_files.LogEntry("T6", "stdout", b"\n"),
        conmon_files.LogEntry("T7", "stderr", b"a b  c \xff\n"),
        conmon_files.LogEntry("T9", "stdout", b"no newline"),
    ]


def test_a_line_without_end_is_not_held_whole() -> None:
    piece = b"T stdout P " + b"x" * 8192 + b"\n"
    sizes = [len(entry.data) for entry in conmon_files.parse_log(piece for dummy in range(1000))]
    assert sum(sizes) == 8192 * 1000
    assert max(sizes) <= (1 << 20) + 8192
