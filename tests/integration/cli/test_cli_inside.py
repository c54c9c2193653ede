# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Looking into containers and carrying files in and out, in Docker's formats."""

from __future__ import annotations

import io
import json
import os
import re
import subprocess
import tarfile
from pathlib import Path

from support.containers import World, until

from ansible_collections.slipway.engine.plugins.module_utils._runtime.container.status import usage
from ansible_collections.slipway.engine.plugins.module_utils._runtime.program import zipapp
from ansible_collections.slipway.engine.plugins.module_utils._runtime.spec.container import Port


def run(world: World, *words: str, stdin: bytes = b"") -> tuple[int, bytes, bytes]:
    program = ["/usr/bin/python3", str(zipapp.program(world.layout))]
    done = subprocess.run(
        [*program, *words], input=stdin, capture_output=True, check=False, timeout=60
    )
    return done.returncode, done.stdout, done.stderr


def tar(name: str, data: bytes) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as made:
        info = tarfile.TarInfo(name)
        info.size, info.uid, info.gid = len(data), 7, 8
        made.addfile(info, io.BytesIO(data))
    return buffer.getvalue()


def members(data: bytes) -> list[str]:
    with tarfile.open(fileobj=io.BytesIO(data)) as opened:
        return opened.getnames()


def test_files_go_both_ways(world: World, tmp_path: Path) -> None:
    made = world.run("c", "ln -s /etc/own /link; rm /etc/passwd; exec sleep 1000")
    (tmp_path / "a b").write_bytes(b"\0\xff")
    os.chown(tmp_path / "a b", 5, 6)
    inside = Path(f"/proc/{made.pid}/root")
    source = str(tmp_path / "a b")
    status, out, said = run(world, "cp", source, "c:/tmp")
    assert (status, out) == (0, b"")
    assert said.decode() == f"Successfully copied 2B {source} to c:/tmp\n"
    assert (inside / "tmp/a b").read_bytes() == b"\0\xff"
    assert (inside / "tmp/a b").stat().st_uid == 0
    assert run(world, "cp", "-aq", source, "c:/etc/own") == (0, b"", b"")
    assert (inside / "etc/own").stat().st_uid == 5
    assert run(world, "container", "cp", "-q", "c:/link", str(tmp_path / "l"))[0] == 0
    assert os.readlink(tmp_path / "l") == "/etc/own"
    assert run(world, "cp", "-qL", "c:/link", str(tmp_path / "f"))[0] == 0
    assert (tmp_path / "f").read_bytes() == b"\0\xff"
    for flag in ("--pause", "--pause=false"):
        assert run(world, "cp", "-q", flag, source, "c:/etc/paused") == (0, b"", b"")
        assert (inside / "etc/paused").read_bytes() == b"\0\xff"
        (inside / "etc/paused").unlink()
    assert run(world, "cp", "-", "c:/tmp", stdin=tar("in", b"data")) == (0, b"", b"")
    assert (inside / "tmp/in").stat().st_gid == 8
    status, out, said = run(world, "cp", "c:/tmp/in", "-")
    assert members(out) == ["in"]
    assert run(world, "cp", "c:/a", "c:/b")[2] == (
        b"slipway: copying between containers is not supported\n"
    )
    assert run(world, "cp", "/a", "./c:b")[0] == 1
    assert run(world, "cp", "c:/nothere", "-")[0] == 1
    shown = run(world, "diff", "c")[1].decode().splitlines()
    assert {"C /etc", "A /etc/own", "D /etc/passwd", "A /link", "A /tmp/in"} <= set(shown)
    assert run(world, "export", "-o", str(tmp_path / "x.tar"), "c") == (0, b"", b"")
    out = run(world, "export", "c")[1]
    assert {"link", "etc/own"} <= set(members(out))
    assert "etc/own" in members((tmp_path / "x.tar").read_bytes())


def test_what_is_in_a_directory(world: World, tmp_path: Path) -> None:
    """A path that ends in the current directory means what is in it, with a slash behind it too."""
    made = world.run("c", "mkdir -p /from/sub; exec sleep 1000")
    inside = Path(f"/proc/{made.pid}/root")
    until((inside / "from/sub").exists)
    (tmp_path / "dir").mkdir()
    (tmp_path / "dir/file").touch()
    program = ["/usr/bin/python3", str(zipapp.program(world.layout)), "cp", "-q"]
    for number, source in enumerate((".", "./", "/.", "/./", "//.//", "/", "")):
        if not source.startswith("."):
            source = f"{tmp_path}/dir{source}"
        (inside / f"to{number}").mkdir()
        subprocess.run([*program, source, f"c:/to{number}"], cwd=tmp_path / "dir", check=True)
        subprocess.run([*program, "c:/from/./", "."], cwd=tmp_path, check=True)
    copied = [sorted(path.name for path in inside.glob(f"to{number}/*")) for number in range(7)]
    assert copied == [["file"]] * 5 + [["dir"]] * 2
    assert sorted(path.name for path in tmp_path.iterdir()) == ["dir", "sub"]
    (tmp_path / "dir/file").touch()
    for target in ("c:/nowhere/", "c:/nowhere/.", "c:/nowhere/./"):
        status, dummy, said = run(world, "cp", f"{tmp_path}/dir/file", target)
        assert (status, b"does not exist" in said) == (1, True), target


def test_what_it_does_and_uses(world: World) -> None:
    published = (Port(80, host_ip="127.0.0.1", host_port=8080), Port(53, "udp", "", 5353))
    made = world.run("c", network_mode="", ports=published)
    world.create("idle")
    assert run(world, "port", "c")[1].decode().splitlines()[-1] == "80/tcp -> 127.0.0.1:8080"
    assert run(world, "port", "c", "80") == (0, b"127.0.0.1:8080\n", b"")
    assert run(world, "port", "c", "53/udp")[1].startswith(b"0.0.0.0:5353\n")
    status, dummy, said = run(world, "port", "c", "81")
    assert (status, said) == (1, b"slipway: no public port '81' published for c\n")
    heading, row = run(world, "top", "c")[1].decode().splitlines()
    assert heading.split() == ["UID", "PID", "PPID", "C", "STIME", "TTY", "TIME", "CMD"]
    assert row.split()[:2] == ["root", str(made.pid)] and row.endswith("sleep 1000")
    shown = run(world, "top", "c", "-o", "pid,comm")[1].decode().split()
    assert shown == ["PID", "COMMAND", str(made.pid), "sleep"]
    assert run(world, "top", "idle")[2].startswith(b"slipway: container idle is not running")
    heading, *rows = run(world, "stats", "--no-stream", "-a")[1].decode().splitlines()
    assert re.split(r" {2,}", heading.strip()) == [
        *("CONTAINER ID", "NAME", "CPU %", "MEM USAGE / LIMIT", "MEM %"),
        *("NET I/O", "BLOCK I/O", "PIDS"),
    ]
    assert [row.split()[1] for row in rows] == ["idle", "c"]
    pattern = r"\w{12} +c +\d+\.\d\d% +[\d.]+\w+ / [\d.]+\w+ +\d+\.\d\d% .* / .* \d+"
    assert re.fullmatch(pattern, rows[1].strip())
    [line] = run(world, "stats", "--no-stream", "--format", "json", "c")[1].splitlines()
    assert json.loads(line)["PIDs"] == "1"


def test_top_shows_the_groups_below_the_containers_own(world: World) -> None:
    """Such as an init system makes for its services."""
    made = world.run("c", "sleep 500 & exec sleep 1000")
    until(lambda: len(usage.members(world.layout, made.id)) == 2)
    (child,) = set(usage.members(world.layout, made.id)) - {made.pid}
    here = usage.groups(made.pid)
    legacy = {here.of(name) for name in ("pids", "devices", "freezer", "memory")} - {None}
    for top in legacy or {here.unified}:
        assert top is not None
        (top / "below").mkdir()
        (top / "below/cgroup.procs").write_text(str(child), "ascii")
    dummy, *rows = run(world, "top", "c")[1].decode().splitlines()
    assert sorted(row.split(None, 7)[7] for row in rows) == ["sleep 1000", "sleep 500"]
    shown = run(world, "top", "c", "-o", "pid")[1].decode().split()
    assert sorted(shown[1:], key=int) == sorted(map(str, (made.pid, child)), key=int)
    world.slipway("rm", "-f", "c")


def test_commit(world: World) -> None:
    world.run("c", "echo new > /new; exec sleep 1000")
    flags = ("-a", "Ann", "--message", "why", "-c", "ENV A=1", "--change", "CMD cat /new")
    status, made, said = run(world, "container", "commit", *flags, "c", "made:2")
    assert (status, said) == (0, b"")
    assert made.startswith(b"sha256:")
    # What is unchanged is the same image, whether it was paused for it or not.
    assert run(world, "commit", "--pause=false", *flags, "c", "made:2")[1] == made
    assert run(world, "commit", "--no-pause", *flags, "c", "made:2")[1] == made
    found = json.loads(run(world, "image", "inspect", "made:2")[1])[0]
    assert (found["Id"], found["Author"]) == (made.decode().strip(), "Ann")
    assert "A=1" in found["Config"]["Env"]
    assert len(found["RootFS"]["Layers"]) == 2
    assert b"why" in run(world, "history", "made:2")[1]
    assert run(world, "run", "--rm", "--net", "none", "made:2") == (0, b"new\n", b"")
    status, made, said = run(world, "commit", "nobody", "made:3")
    assert (status, made) == (1, b"")
    assert b"nobody" in said
