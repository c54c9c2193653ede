# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The system call filter: what is let through, beside the profile distributions ship for podman."""

from __future__ import annotations

import json
from collections.abc import Collection
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.slipway.engine.plugins.module_utils._runtime.container.bundle import (
    capabilities,
    default_seccomp,
)

#: Of the package golang-github-containers-common, where it is installed.
PODMAN = Path("/usr/share/containers/seccomp.json")


def _allowed(capabilities: Collection[str], machine: str = "x86_64") -> set[str]:
    """The calls that are let through whatever their arguments."""
    rules = default_seccomp.profile(capabilities, machine)["syscalls"]
    return {
        name
        for rule in rules
        if rule["action"] == "SCMP_ACT_ALLOW" and "args" not in rule
        for name in rule["names"]
    }


def _rules(name: str, capabilities: Collection[str] = (), machine: str = "x86_64") -> list[Any]:
    return [
        rule
        for rule in default_seccomp.profile(capabilities, machine)["syscalls"]
        if name in rule["names"]
    ]


def test_what_is_not_named_fails_with_eperm() -> None:
    value = default_seccomp.profile((), "x86_64")
    assert (value["defaultAction"], value["defaultErrnoRet"]) == ("SCMP_ACT_ERRNO", 1)


@pytest.mark.parametrize(
    "name",
    [
        "add_key",
        "keyctl",
        "request_key",
        "kexec_load",
        "kexec_file_load",
        "io_uring_setup",
        "io_uring_enter",
        "userfaultfd",
        "init_module",
        "finit_module",
        "delete_module",
        "mount",
        "umount2",
        "pivot_root",
        "unshare",
        "setns",
        "bpf",
        "perf_event_open",
        "swapon",
        "swapoff",
        "reboot",
        "settimeofday",
        "clock_settime",
        "open_by_handle_at",
        "iopl",
        "ioperm",
        "nfsservctl",
        "quotactl",
        "syslog",
        "acct",
        "kcmp",
        "move_pages",
        "vm86",
        "clone",
        "clone3",
        "personality",
        "socket",
        "fsopen",
        "move_mount",
        "open_tree",
        "process_madvise",
        "pidfd_getfd",
        "chroot",
    ],
)
def test_refused_without_a_capability(name: str) -> None:
    assert name not in _allowed(())


@pytest.mark.parametrize(
    ("capability", "name"),
    [
        ("CAP_SYS_ADMIN", "mount"),
        ("CAP_SYS_ADMIN", "unshare"),
        ("CAP_SYS_ADMIN", "clone"),
        ("CAP_SYS_CHROOT", "chroot"),
        ("CAP_SYS_TIME", "clock_settime"),
        ("CAP_SYS_MODULE", "init_module"),
        ("CAP_SYS_PTRACE", "process_madvise"),
        ("CAP_DAC_READ_SEARCH", "open_by_handle_at"),
        ("CAP_SYSLOG", "syslog"),
        ("CAP_SYS_BOOT", "reboot"),
        ("CAP_PERFMON", "perf_event_open"),
    ],
)
def test_a_capability_opens_what_is_for_its_holder(capability: str, name: str) -> None:
    assert name in _allowed((capability,))
    assert name not in _allowed(())


def test_namespaces_cannot_be_made_by_clone() -> None:
    """Flags of clone3 lie in memory, where a filter cannot see them: libc is to fall back."""
    (clone,) = _rules("clone")
    assert clone["args"] == [
        {"index": 0, "value": 0x7E020000, "valueTwo": 0, "op": "SCMP_CMP_MASKED_EQ"}
    ]
    (on_s390,) = _rules("clone", machine="s390x")
    assert on_s390["args"][0]["index"] == 1
    (clone3,) = _rules("clone3")
    assert (clone3["action"], clone3["errnoRet"]) == ("SCMP_ACT_ERRNO", 38)
    assert _rules("clone3", ("CAP_SYS_ADMIN",))[0]["action"] == "SCMP_ACT_ALLOW"


def test_sockets_to_the_hypervisor_are_refused() -> None:
    (rule,) = _rules("socket")
    assert rule["args"] == [{"index": 0, "value": 40, "op": "SCMP_CMP_NE"}]


@pytest.mark.parametrize("machine", ["x86_64", "aarch64", "ppc64le", "s390x", "riscv64", "armv7l"])
def test_the_native_architecture_is_filtered_first(machine: str) -> None:
    native = default_seccomp.profile((), machine)["architectures"][0]
    assert native.rpartition("_")[2].lower() in machine or machine == "armv7l"
    assert "architectures" not in default_seccomp.profile((), "loongarch64")


def test_every_call_is_named_once() -> None:
    names = " ".join(default_seccomp._ALLOWED).split()
    assert sorted(names) == sorted(set(names))


@pytest.mark.skipif(not PODMAN.exists(), reason="containers-common is not installed")
def test_beside_the_profile_of_podman() -> None:
    """Ours is Docker's, which is narrower than podman's; each difference has a reason."""
    theirs: set[str] = set()
    for rule in json.loads(PODMAN.read_text())["syscalls"]:
        needs = set((rule.get("includes") or {}).get("caps", ()))
        arches = (rule.get("includes") or {}).get("arches")
        usable = needs <= capabilities.DEFAULT_CAPABILITIES and (not arches or "amd64" in arches)
        if rule["action"] == "SCMP_ACT_ALLOW" and usable and not rule.get("args"):
            theirs.update(rule["names"])
    ours = _allowed(capabilities.DEFAULT_CAPABILITIES)
    # They lead into other namespaces, keyrings, other processes or the machine's memory policy.
    needing_more = set(
        [
            "clone",
            "clone3",
            "fsconfig",
            "fsmount",
            "fsopen",
            "fspick",
            "get_mempolicy",
            "keyctl",
            "mbind",
            "mount",
            "mount_setattr",
            "move_mount",
            "open_tree",
            "pidfd_getfd",
            "pivot_root",
            "reboot",
            "set_mempolicy",
            "setns",
            "socket",
            "syslog",
            "umount",
            "umount2",
            "unshare",
        ]
    )
    # Old names no libc calls on any machine that is left.
    forgotten = set(
        ["readdir", "sigaction", "signal", "sigpending", "sigsuspend", "syscall", "timerfd"]
    )
    assert theirs - ours == needing_more | forgotten
    # They came after that profile was written, or other profiles than Docker's leave them out.
    newer = set(
        [
            "cachestat",
            "fchmodat2",
            "futex_requeue",
            "futex_wait",
            "futex_waitv",
            "futex_wake",
            "getxattrat",
            "io_pgetevents",
            "io_pgetevents_time64",
            "listxattrat",
            "map_shadow_stack",
            "mseal",
            "removexattrat",
            "setxattrat",
            "uretprobe",
            "vmsplice",
        ]
    )
    assert ours - theirs == newer
