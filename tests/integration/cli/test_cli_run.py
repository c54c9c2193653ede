# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Making containers from the command line, as ``docker run`` and ``docker create`` do."""

from __future__ import annotations

import json
import os
import re
import subprocess
from pathlib import Path
from typing import Any, Callable

from support.containers import World, until
from support.screens import screen
from support.servers.registry import Registry

from ansible_collections.slipway.engine.plugins.module_utils._runtime.program import zipapp
from ansible_collections.slipway.engine.plugins.module_utils._runtime.records import (
    container_record,
)


def run(world: World, *words: str, stdin: bytes = b"") -> tuple[int, bytes, bytes]:
    """What ``slipway run --network none WORDS`` comes to: exit status, output, errors."""
    program = ["/usr/bin/python3", str(zipapp.program(world.layout))]
    done = subprocess.run(
        [*program, "run", "--network", "none", *words],
        input=stdin,
        capture_output=True,
        check=False,
        timeout=60,
    )
    return done.returncode, done.stdout, done.stderr


def inspected(world: World, name: str) -> dict[str, Any]:
    [found] = json.loads(world.slipway("inspect", name).stdout)
    assert isinstance(found, dict)
    return found


def test_the_exit_status_and_the_output_are_the_commands(world: World) -> None:
    assert run(world, "busybox:1", "echo", "-n", "a b") == (0, b"a b", b"")
    script = "echo out; echo err >&2; exit 9"
    assert run(world, "busybox:1", "sh", "-c", script) == (9, b"out\n", b"err\n")
    status, dummy, said = run(world, "--name", "t", "busybox:1", "nothere")
    assert (status, b'the command "nothere" is not in the image' in said) == (127, True)
    assert inspected(world, "t")["State"]["Status"] == "created"
    assert run(world, "busybox:1", "/etc")[0] == 126
    assert run(world, "--pull", "never", "nothere:1")[0] == 125
    digest = world.image.config_descriptor.digest
    world.slipway("tag", "busybox:1", "damaged:1")
    config = world.layout.blob(digest)
    whole = config.read_bytes()
    config.write_bytes(whole[:-1])
    status, dummy, said = run(world, "--pull", "never", "damaged:1")
    assert status == 125 and b"No such image: damaged:1: the blob " in said
    assert digest[7:].encode() in said
    config.write_bytes(whole)
    never = ["--pull", "never", "--platform"]
    assert run(world, *never, "linux/s390x", "busybox:1", "true")[0] == 125
    assert run(world, "-a", "stderr", "busybox:1", "sh", "-c", script) == (9, b"", b"err\n")
    assert run(world, "--name", "t", "busybox:1")[0] == 125
    assert run(world, "--gpus", "all", "busybox:1")[0] == 125
    status, dummy, said = run(world, "--cpu-rt-period", "1", "busybox:1")
    assert (status, said) == (125, b"slipway: --cpu-rt-period is not supported; omit it\n")
    names = world.slipway("ps", "-a", "--format", "{{.Names}}").stdout.decode().split()
    assert len(names) == 5
    assert all(re.fullmatch("[a-z]+_[a-z]+[0-9]?|t", name) for name in names)


def test_what_flags_say_is_what_the_container_is(world: World, tmp_path: Path) -> None:
    (tmp_path / "env").write_text("# a comment\nFILE=one\n  BOTH=file\nHERE\n")
    (tmp_path / "labels").write_text("stage=test\n")
    os.environ["HERE"] = "around"
    cid = tmp_path / "cid"
    words = [
        "-d", "--name", "t", "--cidfile", str(cid), "--env-file", str(tmp_path / "env"),
        "-e", "BOTH=flag", "--env=EMPTY=", "-e", "NOTHERE", "-l", "a=b=c", "-l", "bare",
        "--label-file", str(tmp_path / "labels"), "-h", "host1", "-u", "1:2", "-w", "/tmp",
        "--restart", "on-failure:3", "--stop-signal", "INT", "--stop-timeout=3", "--read-only",
        "--cap-add", "NET_ADMIN,SYS_TIME", "--cap-drop=ALL", "-v", "data:/data:ro",
        "--entrypoint", "sleep", "busybox:1", "1000",
    ]  # fmt: skip
    status, out, said = run(world, *words)
    assert (status, said) == (0, b"")
    container_id = out.decode().strip()
    assert cid.read_text() == container_id
    spec = container_record.read_spec(world.layout, container_id)
    assert spec.env == {"FILE": "one", "BOTH": "flag", "EMPTY": "", "HERE": "around"}
    assert spec.labels == {"a": "b=c", "bare": "", "stage": "test"}
    found = inspected(world, "t")
    assert found["Path"] == "sleep" and found["Args"] == ["1000"]
    config = found["Config"]
    assert (config["Hostname"], config["User"], config["WorkingDir"]) == ("host1", "1:2", "/tmp")
    assert config["StopTimeout"] == 3
    policy = {"Name": "on-failure", "MaximumRetryCount": 3}
    assert found["HostConfig"]["RestartPolicy"] == policy
    assert found["HostConfig"]["CapAdd"] == ["CAP_NET_ADMIN", "CAP_SYS_TIME"]
    assert found["HostConfig"]["CapDrop"] == ["ALL"]
    assert found["HostConfig"]["ReadonlyRootfs"] is True
    assert [mount["Destination"] for mount in found["Mounts"]] == ["/data"]
    assert run(world, "--cidfile", str(cid), "busybox:1")[0] == 125
    made = world.slipway(
        "create", "--name", "later", "--network=none", "busybox:1", "echo", "--", "x"
    )
    assert container_record.by_name(world.layout, "later") == made.stdout.decode().strip()
    assert world.slipway("start", "-a", "later").stdout == b"-- x\n"
    assert world.slipway("container", "create", "--help").returncode == 0


def test_a_missing_image_is_pulled(
    world: World, registries: Callable[..., Registry], busybox_tar: Path
) -> None:
    registry = registries()
    name = f"{registry.host}/team/box:2"
    world.slipway("tag", "busybox:1", name)
    world.slipway("push", name)
    world.slipway("rmi", name)
    status, out, said = run(world, name, "echo", "hi")
    assert (status, out) == (0, b"hi\n")
    lines = said.decode().splitlines()
    assert lines[0] == f"slipway: unable to find image '{name}' locally"
    assert lines[1] == "2: Pulling from team/box"
    assert lines[-1] == f"Status: Downloaded newer image for {name}"
    assert run(world, name, "echo", "hi") == (0, b"hi\n", b"")
    assert b"up to date" in run(world, "--pull", "always", name, "true")[2]
    assert run(world, "--pull", "always", "-q", name, "true") == (0, b"", b"")


def test_a_terminal(world: World) -> None:
    program = ["/usr/bin/python3", str(zipapp.program(world.layout))]
    command = ["sh", "-c", "stty size; tty; echo out; exit 4"]
    argv = [*program, "run", "-t", "--network", "none", "busybox:1", *command]
    with screen(argv, 31, 71) as shown:
        shown.expect(b"31 71\r\r\n/dev/pts/0\r\r\nout\r\r\n")
        assert shown.end() == 4
        assert shown.restored()


def test_standard_input(world: World) -> None:
    data = os.urandom(300_000)
    assert run(world, "-i", "busybox:1", "cat", stdin=data) == (0, data, b"")
    assert run(world, "busybox:1", "cat", stdin=b"not read") == (0, b"", b"")
    assert run(world, "-it", "busybox:1", "cat")[0] == 125
    # Attached, the end of ours is the end of the container's; in the background it stays open.
    run(
        world,
        "-di",
        "--name",
        "open",
        "busybox:1",
        "sh",
        "-c",
        "while read x; do echo got $x; done",
    )
    program = ["/usr/bin/python3", str(zipapp.program(world.layout))]
    for word in (b"one\n", b"two\n"):
        with subprocess.Popen(
            [*program, "attach", "open"], stdin=subprocess.PIPE, stdout=subprocess.PIPE
        ) as attached:
            assert attached.stdin is not None and attached.stdout is not None
            attached.stdin.write(word)
            attached.stdin.close()
            assert attached.stdout.readline() == b"got " + word
            attached.kill()
    assert inspected(world, "open")["State"]["Running"] is True
    with screen([*program, "run", "-it", "--network", "none", "busybox:1", "sh"]) as shown:
        shown.expect(b"/ # ")
        shown.type(b"echo $((6*7)); exit 3\r")
        shown.expect(b"42\r\n")
        assert shown.end() == 3
        assert shown.restored()


def test_a_command_line_is_refused_as_a_task_would_be(world: World) -> None:
    for words, why in (
        (["--restart", "bogus"], b"--restart: 'bogus' is not valid"),
        (["--cgroupns", "bogus"], b"--cgroupns: 'bogus' is not valid"),
        (["--network", "bridge", "--link", "nosuch"], b"container nosuch, which it is to link to"),
        (["--volumes-from", "nosuch"], b"container nosuch, whose volumes it uses"),
        (["--network", "name=nosuch"], b"network nosuch does not exist"),
    ):
        given = words if "--network" in words else ["--network", "none", *words]
        for verb in ("run", "create"):
            done = world.slipway(verb, *given, "busybox:1", "true", check=False)
            assert done.returncode and why in done.stderr, (verb, words)
    assert world.slipway("ps", "-aq").stdout == b""


def test_what_is_removed_at_its_end(world: World) -> None:
    """The exit status is told, and when the program ends the container is gone, its volume too."""
    for number in (0, 7, 143):
        script = f"echo {number}; exit {number}"
        found = run(world, "--rm", "-v", "/data", "busybox:1", "sh", "-c", script)
        assert found == (number, f"{number}\n".encode(), b"")
        assert world.slipway("ps", "-aq").stdout == b""
    assert os.listdir(world.layout.volumes) == []
    assert run(world, "--rm", "busybox:1", "nothere")[0] == 127
    assert run(world, "--rm", "--restart", "always", "busybox:1")[0] == 125
    assert run(world, "--rm", "-d", "--name", "job", "busybox:1", "sleep", "1000")[0] == 0
    program = ["/usr/bin/python3", str(zipapp.program(world.layout))]
    with subprocess.Popen([*program, "wait", "job"], stdout=subprocess.PIPE) as waiting:
        until(lambda: list(world.layout.containers.glob("*/watch")))
        world.slipway("kill", "job")
        assert waiting.communicate(timeout=60)[0] == b"137\n"
    until(lambda: world.slipway("ps", "-aq").stdout == b"")


def test_a_container_in_a_crash_loop_is_updated(world: World) -> None:
    """Whether it runs just now is no business of an update."""
    assert run(world, "-d", "--name", "loop", "--restart", "always", "busybox:1", "false")[0] == 0
    for count in range(6):
        memory = f"{64 + count}M"
        done = world.slipway("update", "--memory", memory, "loop", check=False)
        assert (done.returncode, done.stderr) == (0, b""), memory
        assert inspected(world, "loop")["HostConfig"]["Memory"] == (64 + count) << 20
    done = world.slipway("update", "--restart", "no", "loop", check=False)
    assert (done.returncode, done.stderr) == (0, b"")
    until(lambda: inspected(world, "loop")["State"]["Status"] == "exited")
