# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Commands in a running container, from a real terminal and from pipes."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
from pathlib import Path

from support.containers import World, until
from support.screens import screen

from ansible_collections.slipway.engine.plugins.module_utils._runtime.program import zipapp


def program(world: World, *words: str) -> list[str]:
    return ["/usr/bin/python3", str(zipapp.program(world.layout)), "exec", *words]


def run(world: World, *words: str, stdin: bytes = b"") -> tuple[int, bytes, bytes]:
    done = subprocess.run(
        program(world, *words), input=stdin, capture_output=True, check=False, timeout=60
    )
    return done.returncode, done.stdout, done.stderr


def test_a_command_with_pipes(world: World, tmp_path: Path) -> None:
    made = world.run("c", env={"OWN": "1"})
    assert run(world, "c", "echo", "-n", "a") == (0, b"a", b"")
    assert run(world, "c", "sh", "-c", "echo o; echo e >&2; exit 5") == (5, b"o\n", b"e\n")
    assert run(world, "c", "sh", "-c", "kill -9 $$")[0] == 137
    assert run(world, "c", "cat", stdin=b"never read") == (0, b"", b"")
    data = os.urandom(700_000)
    assert run(world, "-i", "c", "cat", stdin=data) == (0, data, b"")
    assert run(world, "-i", "c", "head", "-c", "3", stdin=data) == (0, data[:3], b"")
    (tmp_path / "env").write_text("FILE=2\n")
    script = "echo $OWN$FILE$FLAG; id -u; pwd"
    words = ["-e", "FLAG=3", "--env-file", str(tmp_path / "env"), "-u", "7", "-w", "/tmp"]
    assert run(world, *words, "c", "sh", "-c", script) == (0, b"123\n7\n/tmp\n", b"")
    status, dummy, said = run(world, "c", "nothere")
    assert (status, b'the command "nothere" is not in the image' in said) == (127, True)
    assert run(world, "c", "/etc")[0] == 126
    assert run(world, "c")[0] == 1
    assert run(world, "nope", "true")[0] == 1
    assert run(world, "-it", "c", "true")[2] == b"slipway: the input device is not a TTY\n"
    assert run(world, "-d", "c", "sh", "-c", "sleep 985; echo x >/dev/null") == (0, b"", b"")
    assert run(world, "c", "sh", "-c", "(sleep 1000 &); echo left") == (0, b"left\n", b"")
    # What it is given is pipes: nothing of the host's own files and terminals.
    shown = run(world, "-i", "c", "sh", "-c", "readlink /proc/self/fd/0; ls -l /proc/self/fd/1")[1]
    assert shown.count(b"pipe:") == 2
    world.slipway("stop", "c")
    assert run(world, "c", "true")[2].startswith(b"slipway: container c is not running")
    assert world.current(made.id).phase == "exited"


def sizes(script: str) -> set[os.terminal_size]:
    """The sizes of the terminals that shells have which run a script."""
    found = set()
    for process in Path("/proc").glob("[0-9]*"):
        # What is looked at may end meanwhile, and a shell that is another's argument has none.
        with contextlib.suppress(OSError):
            if (process / "cmdline").read_bytes() == f"sh\0-c\0{script}\0".encode():
                fd = os.open(process / "fd/0", os.O_RDONLY | os.O_NOCTTY)
                with open(fd, "rb", buffering=0) as tty:
                    found.add(os.get_terminal_size(tty.fileno()))
    return found


def test_a_terminal(world: World) -> None:
    world.run("c")
    # crun gives the terminal its size while the command begins already.
    sized = "until stty size 2>/dev/null; do sleep 0.05; done"
    script = f"{sized}; trap 'echo caught' INT; read a; stty size; cat; exit 6"
    with screen(program(world, "-it", "c", "sh", "-c", script), 33, 77) as shown:
        shown.expect(b"33 77\r\n")
        shown.resize(40, 90)
        until(lambda: os.terminal_size((90, 40)) in sizes(script))
        shown.type(b"word\r")
        shown.expect(b"word\r\n40 90\r\n")
        # Once cat answers, it is the one that Ctrl-C interrupts.
        shown.type(b"more\r")
        shown.expect(b"more\r\nmore\r\n")
        shown.type(b"\x03")
        shown.expect(b"caught\r\n")
        assert shown.end() == 6
        assert shown.restored()
    goes_on = "echo up; while [ ! -e /go ]; do sleep 0.05; done; echo on >/mark; sleep 986"
    with screen(program(world, "-it", "c", "sh", "-c", goes_on)) as shown:
        shown.expect(b"up")
        shown.type(b"\x10\x11")
        assert shown.end() == 0
        assert shown.restored()
    assert run(world, "c", "touch", "/go") == (0, b"", b"")
    with screen(program(world, "-it", "--detach-keys", "", "c", "sleep", "987")) as shown:
        until(shown.changed)
        os.kill(shown.pid, signal.SIGTERM)
        assert shown.end() == 143
        assert shown.restored()
    until(lambda: run(world, "c", "cat", "/mark")[1] == b"on\n")
    assert b"sleep 986" in run(world, "c", "ps", "-o", "args")[1]
