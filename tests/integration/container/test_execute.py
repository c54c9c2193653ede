# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Commands in a running container: who they run as, what they get, what comes back."""

from __future__ import annotations

import resource
from pathlib import Path
from typing import Any

import pytest
from support import bundles
from support.containers import World, until

from ansible_collections.slipway.engine.plugins.module_utils._runtime.base.errors import (
    Conflict,
    Error,
)
from ansible_collections.slipway.engine.plugins.module_utils._runtime.container.engine import (
    capture,
    oci_exec,
    oci_runtime,
)
from ansible_collections.slipway.engine.plugins.module_utils._runtime.container.engine import (
    oci_runtime as engine_oci_runtime,
)
from ansible_collections.slipway.engine.plugins.module_utils._runtime.container.lifecycle import (
    actions,
    execute,
)
from ansible_collections.slipway.engine.plugins.module_utils._runtime.container.lifecycle import (
    execute as lifecycle_execute,
)
from ansible_collections.slipway.engine.plugins.module_utils._runtime.records import (
    container_record,
)


def run(world: World, made: container_record.Record, script: str, **asked: Any) -> capture.Captured:
    stdin: bytes = asked.pop("stdin", b"")
    request = lifecycle_execute.Request(("sh", "-c", script), **asked)
    return execute.run(world.host, made.id, request, stdin)


#: What ``docker exec -u FORM`` gives: uid, gid, ``id -G``; passwd and group are those of
#: tests/support/inputs/images.py.
USERS = {
    "": (0, 0, "0"),
    "root": (0, 0, "0"),
    "0": (0, 0, "0"),
    "daemon": (1, 1, "1 4"),
    "1": (1, 1, "1 4"),
    "daemon:daemon": (1, 1, "1"),
    "daemon:adm": (1, 4, "4"),
    "1:33": (1, 33, "33"),
    "www-data": (33, 33, "33"),
    ":adm": (0, 4, "4"),
    "4711": (4711, 0, "0"),
    "4711:4712": (4711, 4712, "4712"),
}


def test_who_a_command_runs_as(world: World) -> None:
    """CVE-2026-30892, CVE-2022-36109, CVE-2022-24769: ids, groups, capabilities, exec and run."""
    made = world.run("web", user="www-data")
    script = "id -u; id -g; id -G; grep ^Cap /proc/self/status; echo $HOME"
    for form, (uid, gid, groups) in USERS.items():
        said = run(world, made, script, user=form).stdout.decode().splitlines()
        assert (int(said[0]), int(said[1]), said[2]) == (uid, gid, groups), form
        masks = dict(line.split(":\t") for line in said[3:8])
        assert masks["CapInh"] == masks["CapAmb"] == "0" * 16
        assert masks["CapEff"] == ("0" * 16 if uid else "00000000a80425fb"), form
    own = run(world, made, script).stdout.decode().splitlines()
    assert own[:3] == ["33", "33", "33"] and own[-1] == "/srv"
    status = Path(f"/proc/{made.pid}/status").read_text()
    assert "CapInh:\t" + "0" * 16 in status and "CapEff:\t" + "0" * 16 in status
    added = world.run("more", user="www-data", groups=("adm", "4711"))
    for asked, ids in ((None, {33, 4, 4711}), ("daemon", {1, 4, 4711}), ("1:33", {33, 4, 4711})):
        assert set(map(int, run(world, added, "id -G", user=asked).stdout.split())) == ids, asked
    for form in ("nobody-here", "-1", "4294967296", "2147483648", "1:-1", "a:b:c", "0\n0"):
        with pytest.raises(Error, match=r"^user "):
            run(world, made, "id", user=form)


def test_the_accounts_of_a_hostile_container(world: World) -> None:
    """CVE-2024-9676, CVE-2026-47262: passwd and group that do not end, at the time of the exec."""
    made = world.run("bad")
    etc = Path(f"/proc/{made.pid}/root/etc")
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    for path, content in (
        ("passwd", "ln -s /dev/zero"),
        ("passwd", "mkfifo"),
        ("group", "head -c 1000000000 /dev/zero >"),
        ("group", "mkfifo"),
    ):
        run(world, made, f"cd /etc; mv {path} kept; {content} {path}")
        for form in (None, "root"):
            with pytest.raises(Error, match=f"/etc/{path}"):
                run(world, made, "id", user=form)
        (etc / path).unlink()
        (etc / "kept").rename(etc / path)
        assert run(world, made, "id -u").stdout == b"0\n"
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 32_000


@pytest.mark.parametrize("runtime", oci_runtime.CANDIDATES)
def test_what_a_command_gets(world: World, runtime: str) -> None:
    with bundles.serving(runtime):
        _what_a_command_gets(world, runtime)
        world.clear()


def _what_a_command_gets(world: World, runtime: str) -> None:
    made = world.run(
        "web", env={"GIVEN": "own", "HOME": "/declared"}, working_dir="/srv", runtime=runtime
    )
    said = run(world, made, 'echo "$GIVEN $EXTRA $HOME $PWD $TERM."', env={"EXTRA": "a=b c"})
    assert said.stdout == b"own a=b c /declared /srv .\n"
    assert run(world, made, "pwd", cwd="/tmp").stdout == b"/tmp\n"
    # 3 is the directory ls itself reads (CVE-2016-9962, CVE-2024-21626).
    assert run(world, made, "ls /proc/self/fd").stdout.split() == [b"0", b"1", b"2", b"3"]
    done = run(world, made, "cat; echo err >&2; exit 7", stdin=b"in\n")
    assert (done.returncode, done.stdout, done.stderr) == (7, b"in\n", b"err\n")
    assert run(world, made, "kill -9 $$").returncode == 137
    done = run(world, made, "tty; cat; echo $TERM; exit 4", tty=True, stdin=b"line\n\x04")
    assert done.returncode == 4 and done.stdout.endswith(b"\nline\r\nxterm\r\n")
    assert b"/dev/pts/0\r\n" in done.stdout
    # crun begins the command before the terminal has its size.
    sized = "until stty size 2>/dev/null; do sleep 0.05; done"
    assert run(world, made, sized, tty=True, size=(33, 99)).stdout == b"33 99\r\n"
    privileged = run(world, made, "grep CapEff /proc/self/status", privileged=True).stdout
    assert int(privileged.split()[1], 16) > 0xA80425FB
    for tty in (False, True):
        for argv, status in (("nope", 127), ("/etc/passwd", 126), ("/srv", 126)):
            with pytest.raises(
                engine_oci_runtime.NotStarted, match="container web: the command"
            ) as caught:
                execute.run(world.host, made.id, lifecycle_execute.Request((argv,), tty=tty))
            assert caught.value.status == status
    for cwd in ("/nope", "/etc/passwd", "/proc/self/fd/7", "/proc", "relative"):
        with pytest.raises(Error, match="working directory"):
            run(world, made, "pwd", cwd=cwd)
    run(world, made, "ln -s /proc/self/fd/7 /link; ln -s /proc /proc2")
    for cwd in ("/link", "/proc2", "/proc2/self/cwd"):
        with pytest.raises(Error):
            run(world, made, "pwd", cwd=cwd)
    for request in (
        lifecycle_execute.Request(()),
        lifecycle_execute.Request(("",)),
        lifecycle_execute.Request(("a\0b",)),
        lifecycle_execute.Request(("a",), {"A=B": "c"}),
    ):
        with pytest.raises(Error):
            execute.run(world.host, made.id, request)


def test_a_container_that_cannot_take_one(world: World) -> None:
    made = world.create("web")
    with pytest.raises(Conflict, match="container web is not running; start web first"):
        run(world, made, "id")
    actions.start(world.host, made.id)
    pid = execute.start(world.host, made.id, lifecycle_execute.Request(("sleep", "984")))
    until(lambda: b"984" in Path(f"/proc/{pid}/cmdline").read_bytes())
    actions.stop(world.host, made.id, 0)
    with pytest.raises(Conflict, match="is not running"):
        run(world, made, "id")
    # A command that was left alone ended with the container.
    until(lambda: not Path(f"/proc/{pid}").exists())


def test_output_without_end(world: World) -> None:
    """CVE-2022-1708, CVE-2025-64329: ``yes`` for a second costs its reader a bound of memory."""
    made = world.run("web")
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    runtime = oci_runtime.choose(world.layout)
    dummy, asked = execute.document(world.host, made.id, lifecycle_execute.Request(("yes",)))
    done = oci_exec.run(runtime, made.id, asked, timeout_s=1.5)
    assert done.timed_out and done.truncated and len(done.stdout) == 10 << 20
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 60_000
    done = run(world, made, "head -c 20000000 /dev/zero", tty=True)
    assert done.truncated and len(done.stdout) == 10 << 20
