# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Being attached to a container, from a real terminal and from pipes."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from pathlib import Path

from support.containers import World, until
from support.screens import screen

from ansible_collections.slipway.engine.plugins.module_utils._runtime.container.engine import (
    attachment,
)
from ansible_collections.slipway.engine.plugins.module_utils._runtime.program import zipapp


def program(world: World, *words: str) -> list[str]:
    return ["/usr/bin/python3", str(zipapp.program(world.layout)), *words]


def inner_size(world: World, container_id: str) -> os.terminal_size:
    """The size of the terminal that a container has."""
    path = f"/proc/{world.current(container_id).pid}/fd/0"
    with open(path, "rb", buffering=0, opener=lambda p, f: os.open(p, f | os.O_NOCTTY)) as tty:
        return os.get_terminal_size(tty.fileno())


def handles(pid: int, number: signal.Signals) -> bool:
    """Whether a process has a handler for a signal. Python itself has none for SIGTERM."""
    status = Path(f"/proc/{pid}/status").read_text()
    caught = int(status.partition("SigCgt:")[2].split()[0], 16)
    return bool(caught >> (number - 1) & 1)


def test_a_terminal_is_the_containers(world: World) -> None:
    """start -ai: size, input, a window that changes, Ctrl-C, detaching, attaching, the end."""
    script = "trap 'echo caught' INT; stty size; cat -v; cat -v; echo over; stty size; exit 7"
    made = world.create("t", script, tty=True)
    with screen(program(world, "start", "-ai", "t"), 33, 77) as shown:
        shown.expect(b"33 77\r\n")
        shown.type(b"hello\r")
        shown.expect(b"hello\r\nhello\r\n")
        shown.type(b"\x03")
        shown.expect(b"caught\r\n")
        shown.type(b"x\x10y\r")
        shown.expect(b"x^Py\r\nx^Py\r\n")
        shown.type(b"gone\x10\x11")
        assert shown.end() == 0
        assert b"read escape sequence" in shown.shown
        assert shown.restored()
    assert world.current(made.id).phase == "running"
    with screen(program(world, "attach", "--detach-keys", "ctrl-a,q", "t"), 40, 100) as shown:
        shown.type(b"\x10\r")
        shown.expect(b"gone^P\r\n")
        shown.type(b"\x01q")
        assert shown.end() == 0
    with screen(program(world, "attach", "t"), 20, 30) as shown:
        until(shown.changed)
        shown.resize(41, 101)
        until(lambda: inner_size(world, made.id) == os.terminal_size((101, 41)))
        shown.type(b"\x04")
        shown.expect(b"over\r\n41 101\r\n")
        assert shown.end() == 7
        assert shown.restored()


def test_every_size_of_a_terminal_is_taken(world: World) -> None:
    """conmon does the first of several lines that it reads at once as often as there are lines."""
    made = world.create("t", "exec sleep 1000", tty=True)
    world.slipway("start", "t")
    bundle = world.layout.run_container(made.id)
    for number in range(100):
        attachment.resize(bundle, 20 + number, 60 + number)
        assert inner_size(world, made.id) == os.terminal_size((60 + number, 20 + number))


def test_the_terminal_is_given_back_however_it_ends(world: World) -> None:
    made = world.create("t", "echo up; exec sleep 1000", tty=True)
    with screen(program(world, "start", "-ai", "t")) as shown:
        shown.expect(b"up")
        assert not shown.restored()
        world.slipway("kill", "t")
        assert shown.end() == 137
        assert shown.restored()
    world.slipway("start", "t")
    for number in (signal.SIGTERM, signal.SIGHUP):
        with screen(program(world, "attach", "--sig-proxy=false", "t")) as shown:
            until(shown.changed)
            os.kill(shown.pid, number)
            assert shown.end() == 128 + number
            assert shown.restored()
    assert world.current(made.id).phase == "running"
    done = subprocess.run(
        program(world, "attach", "t"), input=b"", capture_output=True, check=False, timeout=60
    )
    assert (done.returncode, done.stderr) == (1, b"slipway: the input device is not a TTY\n")


def test_pipes_are_binary_clean_and_complete(world: World) -> None:
    script = "head -c 3000000 /dev/urandom >/x; cat /x; md5sum /x >&2; exit 3"
    world.create("p", script)
    done = subprocess.run(
        program(world, "start", "-a", "p"), capture_output=True, check=False, timeout=60
    )
    summed = subprocess.run(["md5sum"], input=done.stdout, capture_output=True, check=True)
    assert done.returncode == 3
    assert done.stderr.split()[0] == summed.stdout.split()[0]


def test_signals_go_to_the_container_unless_told_otherwise(world: World) -> None:
    made = world.create("s", "trap 'echo term; exit 5' TERM; echo up; while :; do sleep 0.1; done")
    with subprocess.Popen(program(world, "start", "-a", "s"), stdout=subprocess.PIPE) as attached:
        assert attached.stdout is not None
        assert attached.stdout.readline() == b"up\n"
        watcher = subprocess.Popen(
            program(world, "attach", "--no-stdin", "--sig-proxy=false", "s"),
            stdout=subprocess.PIPE,
        )
        waiter = subprocess.Popen(program(world, "wait", "s"), stdout=subprocess.PIPE)
        until(lambda: handles(watcher.pid, signal.SIGTERM))
        watcher.send_signal(signal.SIGINT)
        assert watcher.wait(timeout=60) == 130
        assert world.current(made.id).phase == "running"
        attached.send_signal(signal.SIGTERM)
        assert attached.communicate(timeout=60)[0] == b"term\n"
        assert attached.returncode == 5
        assert waiter.communicate(timeout=60)[0] == b"5\n"
    assert world.slipway("wait", "s").stdout == b"5\n"
    done = world.slipway("attach", "s", check=False)
    assert b"you cannot attach to a stopped container" in done.stderr


def test_a_reader_that_goes_leaves_the_container_alone(world: World) -> None:
    made = world.create("r", "yes | head -c 5000000; touch /done; exec sleep 1000")
    attached = subprocess.Popen(program(world, "start", "-a", "r"), stdout=subprocess.PIPE)
    assert attached.stdout is not None
    assert attached.stdout.read(4) == b"y\ny\n"
    time.sleep(0.2)
    attached.stdout.close()
    attached.wait(timeout=60)
    pid = world.current(made.id).pid
    until(Path(f"/proc/{pid}/root/done").exists)
