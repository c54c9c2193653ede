# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the program shows of long work: bars at a terminal, Docker's lines without one."""

from __future__ import annotations

import dataclasses
import os
import re
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest
from support.containers import World
from support.inputs import images
from support.screens import Screen, screen
from support.servers.registry import Registry
from support.servers.slow import Slow, slow_image

from ansible_collections.slipway.engine.plugins.module_utils._runtime.container.files import cp
from ansible_collections.slipway.engine.plugins.module_utils._runtime.program import zipapp


@pytest.fixture
def slow(world: World, registry: Registry, tmp_path: Path) -> Iterator[Slow]:
    with slow_image(world, registry, tmp_path, "slow/image:1") as made:
        yield made


def program(world: World, *words: str, **environment: str) -> list[str]:
    settings = {"TERM": "xterm", "NO_COLOR": "", **environment}
    given = [f"{name}={value}" for name, value in settings.items()]
    return ["/usr/bin/env", *given, "/usr/bin/python3", str(zipapp.program(world.layout)), *words]


def finished(shown: Screen, slow: Slow) -> bytes:
    """Let it go on; all that is shown from now to the end."""
    slow.go_on.set()
    seen = shown.expect(b"Status: Downloaded newer image")
    assert shown.end() == 0
    return seen


def test_a_bar_for_each_layer(world: World, slow: Slow) -> None:
    with screen(program(world, "pull", slow.name), columns=100) as shown:
        seen = shown.expect(b"1: Pulling from slow/image\r\n")
        assert slow.layer.encode() not in seen
        seen = shown.expect(b"2.1MB/4.2MB")
        assert re.search(rb"%s: Downloading \[=+> +\]  2.1MB/4.2MB\Z" % slow.layer.encode(), seen)
        # It is drawn again and again, in the same place.
        seen = shown.expect(b"2.1MB/4.2MB")
        assert seen.count(b"\x1b[1A\x1b[J") == 1
        seen = finished(shown, slow)
    # At the end there is one line for the layer, above which everything was erased.
    picture = seen.rpartition(b"\x1b[1A\x1b[J")[2]
    assert picture.startswith(b"%s: Pull complete\r\nDigest: sha256:" % slow.layer.encode())
    assert b"\x1b" not in picture


def test_a_narrow_terminal_that_becomes_narrower(world: World, slow: Slow) -> None:
    with screen(program(world, "pull", slow.name), columns=44) as shown:
        seen = shown.expect(b"2.1MB/4.2MB")
        assert b"[=" not in seen
        shown.resize(24, 20)
        # What may be wrapped now is not erased, since nobody knows how many lines it has.
        seen = shown.expect(f"{slow.layer}: Downlo\x1b".encode())
        assert b"\x1b[1A" not in seen.rpartition(b"2.1MB/4.2MB")[2].rpartition(b"\n")[2]
        finished(shown, slow)


@pytest.mark.parametrize(
    ("environment", "dim", "live"),
    [({}, True, True), ({"NO_COLOR": "1"}, False, True), ({"TERM": "dumb"}, False, False)],
)
def test_terminals(
    world: World, slow: Slow, environment: dict[str, str], dim: bool, live: bool
) -> None:
    with screen(program(world, "pull", slow.name, **environment)) as shown:
        seen = shown.expect(b"2.1MB/4.2MB" if live else b"Pulling fs layer")
        seen += finished(shown, slow)
    assert (b"\x1b[2m" in seen, b"\x1b[1A" in seen) == (dim, live)


@pytest.mark.parametrize("words", [("pull", "-q"), ("run", "--rm", "-q", "--network=none")])
def test_quiet(world: World, slow: Slow, words: Sequence[str]) -> None:
    slow.go_on.set()
    command = ["/random"] if words[0] == "run" else []
    with screen(program(world, *words, slow.name, *command)) as shown:
        shown.end()
        assert b"\x1b" not in shown.shown
        assert slow.layer.encode() not in shown.shown


def test_without_a_terminal(world: World, slow: Slow) -> None:
    slow.go_on.set()
    done = world.slipway("pull", slow.name)
    assert done.stdout.decode().splitlines()[:-2] == [
        "1: Pulling from slow/image",
        f"{slow.layer}: Pulling fs layer",
        f"{slow.layer}: Download complete",
        f"{slow.layer}: Pull complete",
    ]
    assert done.stderr == b""
    world.slipway("tag", slow.name, "other:1")
    world.slipway("rmi", slow.name)
    assert f"{slow.layer}: Already exists".encode() in world.slipway("pull", slow.name).stdout


def test_a_failure_leaves_no_bar(world: World, slow: Slow) -> None:
    with screen(program(world, "pull", slow.name), columns=100) as shown:
        shown.expect(b"2.1MB/4.2MB")
        shown.type(b"\x03")
        shown.expect(b"^C")
        slow.go_on.set()
        assert shown.end() == 130
        assert shown.shown.endswith(b"\x1b[1A\x1b[J")
        assert b"complete" not in shown.shown
    # The next one takes it up where it was.
    assert b"Pull complete" in world.slipway("pull", slow.name).stdout


def test_archives_and_copies(world: World, slow: Slow, tmp_path: Path) -> None:
    """save, load, push and import: each with bars at a terminal, and nothing else."""
    slow.go_on.set()
    world.slipway("pull", slow.name)
    archive, root = tmp_path / "image.tar", tmp_path / "again.tar"
    root.write_bytes(images.tar({"x": os.urandom(1 << 20)}))
    steps = (
        (("save", "-o", str(archive), slow.name), b": Saved layer\r\n"),
        (("rmi", slow.name), b"Untagged: "),
        (("load", "-i", str(archive)), b": Loaded layer\r\n"),
        (("push", slow.name), b": Pushed\r\n"),
        (("import", str(root), "again:1"), b": Imported\r\n"),
    )
    for words, wanted in steps:
        with screen(program(world, *words), columns=100) as shown:
            seen = shown.expect(wanted)
            assert shown.end() == 0, (words, seen, shown.shown)
    world.slipway("rmi", slow.name)
    for words in (("save", "-o", str(archive), "again:1"), ("load", "-q", "-i", str(archive))):
        assert world.slipway(*words).stderr == b""


def test_copies_are_counted(world: World, tmp_path: Path) -> None:
    seen: list[tuple[str, str, int, int]] = []
    host = dataclasses.replace(world.host, watch=lambda *told: seen.append(told))
    made = world.create("web")
    (tmp_path / "big").write_bytes(bytes(range(256)) * (1 << 14))
    cp.put(host, made.id, str(tmp_path / "big"), "/big")
    cp.get(host, made.id, "/big", str(tmp_path / "back"))
    size = 1 << 22
    for status in ("Copying to container", "Copying from container"):
        told = [done for thing, said, done, total in seen if (said, total) == (status, size)]
        assert told == sorted(told)
        assert told[0] < told[-1] == size
