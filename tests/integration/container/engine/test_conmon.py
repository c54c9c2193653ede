# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A container under its real monitor: output, exit, hooks; the monitor outlives its maker."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from support.bundles import Running

from ansible_collections.slipway.engine.plugins.module_utils._runtime.base import files
from ansible_collections.slipway.engine.plugins.module_utils._runtime.base.errors import Error
from ansible_collections.slipway.engine.plugins.module_utils._runtime.base.layout import Layout
from ansible_collections.slipway.engine.plugins.module_utils._runtime.container.engine import (
    conmon,
    conmon_files,
    oci_runtime,
)

SLEEP = ("sleep", "1000")


@pytest.fixture
def running(layout: Layout, busybox_tar: Path) -> Iterator[Running]:
    made = Running(layout, oci_runtime.choose(layout), busybox_tar)
    yield made
    made.remove()


def test_output_exit_and_hook(running: Running) -> None:
    before = time.time()
    said = running.shell("echo out; echo err >&2; printf rest; exit 7")
    assert sorted(said.split("\n")) == ["err", "out", "rest"]
    found = running.ended()
    assert (found.code, found.oom_killed) == (7, False)
    assert found.finished_at.endswith("Z") and len(found.finished_at) == 30
    assert before - 1 < _seconds(found.finished_at) < time.time() + 1
    assert running.hooks() == ["1"]
    with open(running.log, "rb") as log:
        streams = {entry.data: entry.stream for entry in conmon_files.parse_log(log)}
    assert streams == {b"out\n": "stdout", b"err\n": "stderr", b"rest": "stdout"}


def _seconds(moment: str) -> float:
    import datetime

    whole = datetime.datetime.fromisoformat(moment[:19]).replace(tzinfo=datetime.timezone.utc)
    return whole.timestamp() + float("0." + moment[20:-1])


def test_every_line_of_much_output_arrives(running: Running) -> None:
    said = running.shell("i=0; while [ $i -lt 5000 ]; do echo line $i; i=$((i+1)); done")
    assert said.splitlines() == [f"line {number}" for number in range(5000)]


def test_a_kill_from_outside_is_seen_and_the_hook_runs(running: Running) -> None:
    pid = running.start(*SLEEP)
    assert conmon_files.read_exit(running.layout, running.id, 1) is None
    os.kill(pid, signal.SIGKILL)
    assert running.ended().code == 137
    assert running.hooks() == ["1"]


def test_an_exit_belongs_to_its_generation(running: Running) -> None:
    running.shell("exit 3")
    running.shell("exit 4")
    assert running.hooks() == ["1", "2"]
    found = conmon_files.read_exit(running.layout, running.id, 2)
    assert found is not None and found.code == 4
    assert conmon_files.read_exit(running.layout, running.id, 1) is None
    assert conmon_files.read_exit(running.layout, running.id, 3) is None


def test_a_command_that_is_not_in_the_image(running: Running) -> None:
    for command in ("nope", "/nope"):
        with pytest.raises(Error) as caught:
            running.start(command, "argument")
        expected = f'container web: the command "{command}" is not in the image'
        assert caught.value.message == expected
        assert conmon_files.read_exit(running.layout, running.id, running.generation) is None
    assert oci_runtime.state(running.runtime, running.id) is None
    _until(lambda: not conmon_files.alive(running.layout, running.id))


def test_a_runtime_that_fails_is_quoted(running: Running) -> None:
    def missing(config: dict[str, Any]) -> None:
        config["mounts"].append(
            {"destination": "/m", "type": "bind", "source": "/nonexistent", "options": ["bind"]}
        )

    with pytest.raises(Error, match=r"container web: \w+ could not start it: .*/nonexistent"):
        running.start("true", change=missing)


def test_a_runtime_that_hangs_does_not_hold_us(running: Running, sandbox: Path) -> None:
    slow = sandbox / "slow-runtime"
    slow.write_text("#!/bin/sh\nexec sleep 1000\n")
    slow.chmod(0o755)
    runtime = running.runtime
    running.runtime = oci_runtime.Runtime("slow", str(slow), runtime.state_root)
    launched = running.launch("true")
    with pytest.raises(Error, match="did not create it in time"):
        launched.wait(0.3)
    conmon.end(running.layout, running.id)
    assert not conmon_files.alive(running.layout, running.id)
    running.runtime = runtime


def test_no_descriptor_reaches_conmon_or_the_hook(running: Running, sandbox: Path) -> None:
    """A lock held through an inherited descriptor would be held for the container's life."""
    secret = sandbox / "secret"
    with open(secret, "w") as leak, files.lock(running.layout.lock("container", "x")):
        os.set_inheritable(leak.fileno(), True)
        running.start(*SLEEP)
        fds = Path(f"/proc/{running.launched.conmon_pid}/fd")
        held = {os.readlink(fd) for fd in fds.iterdir()}
        assert not [path for path in held if "secret" in path or "/locks/" in path]
    with files.lock(running.layout.lock("container", "x"), deadline_s=0.0):
        pass
    os.kill(running.pid, signal.SIGKILL)
    running.ended()
    assert "secret" not in Path(f"{running.hook}.fds").read_text()


def test_arguments_and_environment_hold_no_secret(running: Running) -> None:
    """Whoever is on the host reads the arguments of every process."""
    from ansible_collections.slipway.engine.plugins.module_utils._runtime.spec.container import (
        ContainerSpec,
    )

    os.environ["CANARY"] = "c4nary"
    try:
        running.start(*SLEEP, spec=ContainerSpec("web", "b", "", env={"PASSWORD": "s3cret"}))
    finally:
        del os.environ["CANARY"]
    process = Path(f"/proc/{running.launched.conmon_pid}")
    assert b"s3cret" not in (process / "cmdline").read_bytes()
    names = {item.split(b"=")[0] for item in (process / "environ").read_bytes().split(b"\0")}
    assert names <= {b"PATH", b"_OCI_SYNCPIPE", b""}


MAKER = """
import json, os, sys
sys.path[:0] = {path!r}
from pathlib import Path
from support.bundles import Running
from ansible_collections.slipway.engine.plugins.module_utils._runtime.container.engine import (
    oci_runtime,
)
from ansible_collections.slipway.engine.plugins.module_utils._runtime.base.layout import Layout
layout = Layout.default()
made = Running(layout, oci_runtime.choose(layout), Path({tar!r}))
pid = made.start("sleep", "1000")
print(json.dumps([made.id, pid, made.launched.conmon_pid]), flush=True)
sys.stdin.read()
"""


def test_a_container_survives_the_session_that_started_it(
    layout: Layout, busybox_tar: Path
) -> None:
    """Ansible kills the process group of a task, sshd hangs up its session, systemd its cgroup."""
    source = MAKER.format(path=sys.path, tar=str(busybox_tar))
    maker = subprocess.Popen(
        [sys.executable, "-c", source],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        start_new_session=True,
    )
    assert maker.stdout is not None and maker.stdin is not None
    container_id, pid, monitor = json.loads(maker.stdout.readline())
    try:
        assert os.getsid(monitor) != os.getsid(maker.pid)
        assert os.getpgid(monitor) != os.getpgid(maker.pid)
        os.killpg(maker.pid, signal.SIGHUP)
        os.killpg(maker.pid, signal.SIGKILL)
        maker.wait()
        time.sleep(0.2)
        assert conmon_files.alive(layout, container_id)
        assert _parent(monitor) == 1
        assert _parent(pid) == monitor
    finally:
        maker.stdin.close()
        maker.stdout.close()
        runtime = oci_runtime.choose(layout)
        oci_runtime.delete(runtime, container_id, force=True)
        _until(lambda: not conmon_files.alive(layout, container_id))
        (layout.tmp / f"{container_id}.log").unlink()
    found = conmon_files.read_exit(layout, container_id, 1)
    assert found is not None and found.code == 137


def _parent(pid: int) -> int:
    return int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1])


def test_a_monitor_leaves_the_cgroup_it_was_started_in(running: Running) -> None:
    """As a session's scope: a cgroup that is ended with all that is in it."""
    hierarchy = next(
        path
        for path in (Path("/sys/fs/cgroup/systemd"), Path("/sys/fs/cgroup"))
        if (path / "cgroup.procs").exists()
    )
    scope = hierarchy / f"session-{os.getpid()}.scope"
    before = _cgroup_of(os.getpid(), hierarchy)
    scope.mkdir()
    try:
        (scope / "cgroup.procs").write_text(str(os.getpid()))
        pid = running.start(*SLEEP)
        left = (scope / "cgroup.procs").read_text().split()
        assert left == [str(os.getpid())]
        assert _cgroup_of(running.launched.conmon_pid, hierarchy) == "/slipway/conmon"
        assert _cgroup_of(pid, hierarchy) == f"/slipway/{running.id}"
    finally:
        Path(f"{hierarchy}{before}/cgroup.procs").write_text(str(os.getpid()))
        scope.rmdir()
    running.remove()
    # Nothing else is in it in this sandbox; another one's may keep it.
    with contextlib.suppress(OSError):
        (hierarchy / "slipway" / "conmon").rmdir()


def _cgroup_of(pid: int, hierarchy: Path) -> str:
    marks = ("name=systemd",) if hierarchy.name == "systemd" else ("",)
    for line in Path(f"/proc/{pid}/cgroup").read_text().splitlines():
        dummy, controllers, path = line.split(":", 2)
        if controllers in marks:
            return path
    raise AssertionError("no such hierarchy")


def test_ending_a_monitor_leaves_the_container_to_the_runtime(running: Running) -> None:
    pid = running.start(*SLEEP)
    conmon.end(running.layout, running.id)
    assert not conmon_files.alive(running.layout, running.id)
    os.kill(pid, 0)
    conmon.end(running.layout, running.id)
    assert running.hooks() == []


def test_a_monitor_is_not_taken_for_a_process_that_got_its_pid(running: Running) -> None:
    running.start(*SLEEP)
    (running.bundle / "conmon.pid").write_text(str(os.getpid()))
    assert not conmon_files.alive(running.layout, running.id)
    conmon.end(running.layout, running.id)
    (running.bundle / "conmon.pid").write_text(str(_parent(running.pid)))
    assert conmon_files.alive(running.layout, running.id)


def test_memory_that_ran_out_is_told_apart_from_a_kill(running: Running) -> None:
    def limit(config: dict[str, Any]) -> None:
        config["linux"]["resources"]["memory"] = {"limit": 16 << 20, "swap": 16 << 20}

    running.shell(
        "head -c 200000000 /dev/zero | tail >/dev/null; exec tail /dev/zero", change=limit
    )
    found = running.ended()
    assert (found.code, found.oom_killed) == (137, True)


def _until(condition: Any, timeout_s: float = 60.0) -> None:
    deadline = time.monotonic() + timeout_s
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.005)
