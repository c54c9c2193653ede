# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a process in a container can and cannot do, under each real OCI runtime; and exec."""

from __future__ import annotations

import contextlib
import os
import resource
import signal
import stat
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from support.bundles import Running, serving
from support.containers import until

from ansible_collections.slipway.engine.plugins.module_utils._runtime.base import files
from ansible_collections.slipway.engine.plugins.module_utils._runtime.base.errors import (
    Error,
    NotFound,
)
from ansible_collections.slipway.engine.plugins.module_utils._runtime.base.layout import Layout
from ansible_collections.slipway.engine.plugins.module_utils._runtime.container.bundle import (
    capabilities,
    process,
)
from ansible_collections.slipway.engine.plugins.module_utils._runtime.container.engine import (
    cgroup_layout,
    oci_exec,
    oci_runtime,
)
from ansible_collections.slipway.engine.plugins.module_utils._runtime.kernel import linux, safefs
from ansible_collections.slipway.engine.plugins.module_utils._runtime.spec.container import (
    ContainerSpec,
)
from ansible_collections.slipway.engine.plugins.module_utils._runtime.spec.user import User

WWW = User(33, 33, (4, 33), "/srv", "www-data")
SLEEP = ("sleep", "1000")


@pytest.fixture(scope="module", params=["runc", "crun"])
def name(request: pytest.FixtureRequest) -> Iterator[str]:
    with serving(str(request.param)):
        yield str(request.param)


@pytest.fixture
def running(name: str, layout: Layout, busybox_tar: Path) -> Iterator[Running]:
    made = Running(layout, oci_runtime.choose(layout, name), busybox_tar)
    yield made
    made.remove()


def test_the_choice_serves_this_host_and_is_remembered(layout: Layout) -> None:
    chosen = oci_runtime.choose(layout)
    assert not oci_runtime.refusal(chosen.name, cgroup_layout.read())
    cache = layout.run / "runtime.json"
    assert stat.S_IMODE(cache.stat().st_mode) == 0o600
    written = cache.stat().st_mtime_ns
    assert oci_runtime.choose(layout) == chosen
    assert cache.stat().st_mtime_ns == written


@pytest.mark.parametrize("change", [{"boot_id": "earlier"}, {"file": [1, 2, 3]}, {"path": "/gone"}])
def test_a_memory_of_another_boot_or_program_is_not_trusted(
    layout: Layout, change: dict[str, object]
) -> None:
    chosen = oci_runtime.choose(layout)
    cache = layout.run / "runtime.json"
    right = files.read_json(cache)
    files.write_json(cache, {**right, **change})
    assert oci_runtime.choose(layout) == chosen
    assert files.read_json(cache) == right
    cache.write_text("{")
    assert oci_runtime.choose(layout) == chosen


def test_a_runtime_that_is_not_there_is_named(layout: Layout) -> None:
    with pytest.raises(NotFound, match=r"nope is not installed; install .* slipway.engine.host"):
        oci_runtime.choose(layout, "nope")


def test_capabilities_and_descriptors_of_root(running: Running) -> None:
    said = running.shell("grep Cap /proc/self/status; ls /proc/self/fd")
    # 3 is the directory ls itself reads.
    assert said.split()[-4:] == ["0", "1", "2", "3"]
    masks = dict(line.split(":\t") for line in said.splitlines() if line.startswith("Cap"))
    assert masks["CapInh"] == masks["CapAmb"] == "0" * 16
    assert masks["CapEff"] == masks["CapPrm"] == masks["CapBnd"] == "00000000a80425fb"


def test_capabilities_and_identity_of_another_user(running: Running) -> None:
    said = running.shell("id; grep Cap /proc/self/status; umask; pwd; echo $HOME", user=WWW)
    assert "uid=33(www-data) gid=33(www-data) groups=4(adm),33(www-data)" in said
    masks = dict(line.split(":\t") for line in said.splitlines() if line.startswith("Cap"))
    assert masks["CapInh"] == masks["CapEff"] == masks["CapPrm"] == "0" * 16
    assert said.splitlines()[-3:] == ["0022", "/", "/srv"]


def test_an_exec_has_no_more_rights_than_the_container(running: Running) -> None:
    running.start(*SLEEP)
    for user in (User(), WWW):
        done = oci_exec.run(
            running.runtime,
            running.id,
            running.process("sh", "-c", "id -u; grep -h Cap /proc/self/status; exit 5", user=user),
        )
        assert done.returncode == 5 and not done.truncated and not done.timed_out
        lines = done.stdout.decode().split("\n")
        # CVE-2026-30892: exec as a user must not run as root.
        assert lines[0] == str(user.uid)
        assert lines[1] == "CapInh:\t" + "0" * 16
        assert lines[3] == "CapEff:\t" + ("00000000a80425fb" if user.uid == 0 else "0" * 16)


@pytest.mark.parametrize(
    "script",
    [
        "head -c 1 /proc/kcore",
        "head -c 1 /proc/keys | grep .",
        "head -c 1 /proc/timer_list | grep .",
        "ls /sys/firmware | grep .",
        "echo b > /proc/sysrq-trigger",
        "echo x > /proc/sys/kernel/core_pattern",
        "echo 1 > /proc/sys/vm/drop_caches",
        "echo 0 > /proc/irq/default_smp_affinity",
        "cd /sys/fs/cgroup; [ ! -d pids ] || cd pids; mkdir x",
        "echo x > /sys/kernel/uevent_helper",
        "mount -t tmpfs none /tmp",
        "unshare -m true",
        "unshare -U true",
        "mknod /tmp/b b 254 0 && head -c 1 /tmp/b",
        "mknod /tmp/m c 1 1 && head -c 1 /tmp/m",
        # fuse, which whoever can open it may open
        "mknod /tmp/f c 10 229 && : < /tmp/f",
        "hostname other",
        "date -s 2020-01-01; date | grep 2020",
        "dmesg",
        "swapon /tmp/x",
        "reboot -f",
    ],
)
def test_what_is_denied(running: Running, script: str) -> None:
    assert running.shell(f"({script}) >/dev/null 2>&1 && echo ALLOWED || echo denied") == "denied\n"


def test_what_works(running: Running) -> None:
    said = running.shell(
        "set -e; echo x > /dev/null; head -c 4 /dev/urandom | wc -c; ls /dev/pts/ptmx; hostname;"
        " echo x > /dev/shm/x; mknod /tmp/null c 1 3; echo x > /tmp/null; chown 33:33 /tmp/null;"
        " cat /proc/sys/net/ipv4/ip_unprivileged_port_start; grep Seccomp: /proc/self/status"
    )
    assert said.split() == ["4", "/dev/pts/ptmx", "web", "0", "Seccomp:", "2"]


def test_privileged(running: Running) -> None:
    said = running.shell(
        "mount -t tmpfs none /tmp && echo mounted; grep Seccomp: /proc/self/status",
        spec=ContainerSpec("web", "busybox", "", privileged=True),
        capabilities=_ours(),
    )
    assert said.split() == ["mounted", "Seccomp:", "0"]


def _ours() -> tuple[str, ...]:
    """The capabilities of this host: root in a container of its own has not all of them."""
    status = Path("/proc/self/status").read_text()
    mask = int(status.partition("CapBnd:")[2].split()[0], 16)
    return tuple(name for bit, name in enumerate(capabilities.CAPABILITIES) if mask >> bit & 1)


def test_a_read_only_root(running: Running) -> None:
    spec = ContainerSpec("web", "busybox", "", read_only=True)
    assert "Read-only file system" in running.shell("echo x > /file", spec=spec)


@pytest.mark.parametrize(
    ("links", "path"),
    [
        ({"wd": "/proc/self/fd/8"}, "/wd"),
        ({"wd": "/proc/self/fd"}, "/wd/8"),
        ({"wd": "../../../proc"}, "/wd"),
        ({"wd": "/a", "a": "proc/self"}, "/wd/cwd"),
    ],
)
def test_a_working_directory_that_is_a_link_into_proc(
    tmp_path: Path, links: dict[str, str], path: str
) -> None:
    """CVE-2024-21626 by way of the image's own links."""
    (tmp_path / "proc").mkdir()
    for name, target in links.items():
        (tmp_path / name).symlink_to(target)
    with safefs.Root(tmp_path) as tree, pytest.raises(Error, match="is a link into /proc"):
        process.make_working_directory(tree, path)


@pytest.mark.parametrize("path", ["/", "/new/dir", "/link", "/link/new", "/away/etc"])
def test_a_working_directory_is_made_inside(tmp_path: Path, path: str) -> None:
    root = tmp_path / "root"
    (root / "srv").mkdir(parents=True)
    (root / "link").symlink_to("/srv")
    (root / "away").symlink_to("../../../../../..")
    with safefs.Root(root) as tree:
        process.make_working_directory(tree, path)
        assert tree.exists(path)
    assert {entry.name for entry in tmp_path.iterdir()} == {"root"}


def test_verbs(running: Running) -> None:
    runtime = running.runtime
    assert oci_runtime.state(runtime, running.id) is None
    running.start(*SLEEP)
    state = oci_runtime.state(runtime, running.id)
    assert state is not None and (state["status"], state["pid"]) == ("running", running.pid)
    oci_runtime.pause(runtime, running.id)
    state = oci_runtime.state(runtime, running.id)
    assert state is not None and state["status"] == "paused"
    oci_runtime.resume(runtime, running.id)
    with pytest.raises(Error):
        oci_runtime.delete(runtime, running.id)
    assert oci_runtime.kill(runtime, running.id, signal.SIGKILL, all=True)
    assert running.ended().code == 137
    assert not oci_runtime.kill(runtime, running.id, signal.SIGTERM)
    for dummy in range(2):
        oci_runtime.delete(runtime, running.id)
    assert oci_runtime.state(runtime, running.id) is None
    assert not oci_runtime.kill(runtime, running.id, signal.SIGTERM)
    with pytest.raises(Error):
        oci_runtime.start(runtime, running.id)


def test_output_of_an_exec_is_bounded(running: Running) -> None:
    """CVE-2022-1708, CVE-2022-31030: what is inside must not fill our memory."""
    running.start(*SLEEP)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    done = oci_exec.run(
        running.runtime,
        running.id,
        running.process("sh", "-c", "head -c 200000000 /dev/zero; echo end >&2; exit 3"),
        limit=1 << 20,
    )
    assert (done.returncode, len(done.stdout), done.truncated) == (3, 1 << 20, True)
    assert done.stderr == b"end\n"
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 20_000


def test_an_exec_that_takes_too_long_is_killed_inside(running: Running) -> None:
    running.start(*SLEEP)
    done = oci_exec.run(
        running.runtime,
        running.id,
        running.process("sh", "-c", "echo begun; exec sleep 987"),
        timeout_s=0.7,
    )
    assert done.timed_out and done.stdout == b"begun\n"
    assert "sleep 987" not in _processes_of(running)


def test_an_exec_does_not_wait_for_what_it_left_behind(running: Running) -> None:
    running.start(*SLEEP)
    done = oci_exec.run(
        running.runtime, running.id, running.process("sh", "-c", "sleep 986 & echo done")
    )
    assert done.stdout == b"done\n"


def test_an_exec_reads_its_input(running: Running) -> None:
    running.start(*SLEEP)
    data = os.urandom(3_000_000)
    done = oci_exec.run(
        running.runtime, running.id, running.process("cat"), stdin=data, limit=len(data)
    )
    assert done.stdout == data and not done.truncated


def test_an_exec_of_what_is_not_there(running: Running) -> None:
    pid = running.start(*SLEEP)
    with pytest.raises(Error, match='the command "nope" is not in the image'):
        oci_exec.run(running.runtime, running.id, running.process("nope"))
    # What could not be started leaves nothing that would keep the container from ending.
    os.kill(pid, signal.SIGKILL)
    assert running.ended().code == 137


@pytest.fixture
def reaper(running: Running) -> Iterator[None]:
    """This process in the place of PID 1, which reaps what crun leaves of an exec that failed."""
    linux.prctl(linux.PR_SET_CHILD_SUBREAPER, 1)
    yield
    deadline = time.monotonic() + 0.3
    with contextlib.suppress(ChildProcessError):
        while time.monotonic() < deadline:
            os.waitpid(-1, os.WNOHANG)
            time.sleep(0.01)
    linux.prctl(linux.PR_SET_CHILD_SUBREAPER, 0)


def test_a_detached_exec_of_what_is_not_there(running: Running, reaper: None) -> None:
    running.start(*SLEEP)
    with pytest.raises(Error, match='the command "nope" is not in the image'):
        oci_exec.detached(running.runtime, running.id, running.process("nope"))


def test_a_detached_exec(running: Running) -> None:
    running.start(*SLEEP)
    process = running.process("sh", "-c", "echo $SECRET; exec sleep 985", env={"SECRET": "s3cret"})
    pid = oci_exec.detached(running.runtime, running.id, process)
    until(lambda: b"sleep\x00985" in Path(f"/proc/{pid}/cmdline").read_bytes())
    # Nothing that was handed over stays behind.
    assert not [path for path in running.layout.run.iterdir() if path.name.startswith("exec-")]


def _processes_of(running: Running) -> str:
    done = oci_exec.run(running.runtime, running.id, running.process("ps", "-o", "args"))
    return done.stdout.decode()
