# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Contexts on the controller: what is sent of them, what the host keeps, and what is left over."""

from __future__ import annotations

import contextlib
import io
import os
import tarfile
from collections.abc import Mapping
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
from support.builds.building import File, fill
from support.containers import World
from support.plays import Play, Run

from ansible_collections.slipway.engine.plugins.module_utils._runtime.base.layout import Layout
from ansible_collections.slipway.engine.plugins.module_utils._runtime.build.sent import kept
from ansible_collections.slipway.engine.plugins.module_utils._runtime.build.sent.listing import (
    FILE,
    Item,
    Listing,
)
from ansible_collections.slipway.engine.plugins.module_utils._runtime.image.store import store

BUILD = "slipway.engine.image_build"
FILES: Mapping[str, File] = {
    "Dockerfile": "FROM busybox:1\nARG V\nCOPY src /src\nRUN find /src | sort > /found\n",
    ".dockerignore": "**/secret\n!src/deep/secret\n",
    "src/a": "a",
    "src/same": "a",
    "src/empty": "",
    "src/größe ☃": "unicode",
    "src/run.sh": "#!/bin/sh\n",
    "src/link": "->run.sh",
    "src/out": "->/etc/passwd",
    "src/deep/secret": "not hidden",
    "src/secret": "hidden",
    "src/none": None,
    "other": "nothing copies it",
}


def run(tmp_path: Path, tasks: list[dict[str, Any]], *arguments: str) -> Run:
    """With pipelining, so that what is put on the host is what the action plugin sends."""
    return Play(tmp_path).tasks(tasks, "-vvv", "-e", "ansible_pipelining=true", *arguments)


def sent(done: Run) -> int:
    """How many files were sent, besides the collection itself."""
    return sum("PUT " in line and line.endswith("/context") for line in done.output.splitlines())


def test_only_what_changed_is_sent(world: World, tmp_path: Path) -> None:
    context = fill(tmp_path / "context", FILES)
    (context / "src" / "run.sh").chmod(0o755)
    build = {BUILD: {"name": "made", "src": str(context)}, "register": "done"}

    foretold = run(tmp_path, [build], "--check", "--diff")
    assert (foretold.status, foretold.changed, sent(foretold)) == (0, 1, 0), foretold.output
    assert kept.names(world.layout) == []
    first = run(tmp_path, [build])
    assert (first.status, first.changed, sent(first)) == (0, 1, 1), first.output
    assert [task["results"][0]["actions"] for task in foretold.record] == [
        task["results"][0]["actions"] for task in first.record
    ]
    again = run(tmp_path, [build])
    assert (again.status, again.changed, sent(again)) == (0, 0, 0), again.output

    # What changed on the controller alone, or in files that nothing copies, changes no image.
    os.utime(context / "src" / "a", (1, 1))
    fill(context, {"other": "changed", "src/secret": "changed"})
    same = run(tmp_path, [build])
    assert (same.changed, sent(same)) == (0, 0), same.output

    fill(context, {"src/a": "b", "src/new": "new"})
    reasons = "done.differences == ['the file src/a changed', 'the file src/new is new']"
    check = {"ansible.builtin.assert": {"that": ["done is changed", reasons]}}
    asked = run(tmp_path, [{**build, "check_mode": True}, check])
    assert (asked.status, sent(asked)) == (0, 0), asked.output
    changed = run(tmp_path, [build, check])
    assert (changed.status, changed.changed, sent(changed)) == (0, 1, 1), changed.output
    newer, older = (kept.tree(world.layout, name) for name in kept.names(world.layout))
    assert (newer / "src" / "run.sh").samefile(older / "src" / "run.sh")

    # A file less, and another mode: everything is on the host.
    (context / "src" / "new").unlink()
    (context / "src" / "run.sh").chmod(0o700)
    less = run(tmp_path, [build])
    assert (less.status, less.changed, sent(less)) == (0, 1, 0), less.output


def test_what_arrives_is_what_was_there(world: World, tmp_path: Path) -> None:
    context = fill(tmp_path / "context", FILES)
    (context / "src" / "run.sh").chmod(0o4755)
    (context / "src" / "deep").chmod(0o711)
    os.mkfifo(context / "src" / "fifo")
    with open(context / "src" / "large", "wb") as large:
        large.write(b"beginning")
        large.truncate(70 << 20)
    (context / "src" / os.fsdecode(b"\xff")).write_bytes(b"no text")
    done = run(tmp_path, [{BUILD: {"name": "made", "src": str(context)}}])
    assert done.status == 0, done.output
    image = store.find(world.layout, "made")
    assert image is not None
    layers = store.ensure_unpacked(world.layout, image)
    copied, found = layers[-2] / "src", (layers[-1] / "found").read_bytes()
    assert found.splitlines() == [
        b"/src",
        b"/src/a",
        b"/src/deep",
        b"/src/deep/secret",
        b"/src/empty",
        "/src/größe ☃".encode(),
        b"/src/large",
        b"/src/link",
        b"/src/none",
        b"/src/out",
        b"/src/run.sh",
        b"/src/same",
        b"/src/\xff",
    ]
    for name in ("a", "same", "empty", "größe ☃", "run.sh", "deep/secret"):
        mine, theirs = context / "src" / name, copied / name
        assert mine.read_bytes() == theirs.read_bytes()
        assert mine.stat().st_mode == theirs.stat().st_mode
        assert int(mine.stat().st_mtime) == int(theirs.stat().st_mtime)
        assert (theirs.stat().st_uid, theirs.stat().st_gid) == (0, 0)
    assert (copied / "deep").stat().st_mode & 0o777 == 0o711
    assert (copied / "large").stat().st_size == 70 << 20
    assert [os.readlink(copied / name) for name in ("link", "out")] == ["run.sh", "/etc/passwd"]

    # A build of the same files on the host is the same image.
    local = {BUILD: {"name": "made", "path": str(context)}}
    (context / "src" / "fifo").unlink()
    same = run(tmp_path, [local])
    assert (same.status, same.changed) == (0, 0), same.output


def test_nothing_is_left_over(world: World, tmp_path: Path) -> None:
    context = fill(tmp_path / "context", FILES)
    home, temporary = tmp_path / "home", tmp_path / "temporary"
    temporary.mkdir()
    options = {"name": "made", "src": str(context)}
    play = Play(tmp_path)
    where = ("-e", f"ansible_remote_tmp={home}")
    os.environ["TMPDIR"] = str(temporary)
    try:
        for arguments in (("--check",), (), ()):
            assert play.tasks([{BUILD: options}], *where, *arguments).status == 0
        fill(context, {"Dockerfile": "FROM busybox:1\nCOPY src /src\nRUN exit 4\n"})
        failed = play.tasks([{BUILD: options}], *where)
    finally:
        del os.environ["TMPDIR"]
    assert failed.status != 0
    assert "Dockerfile:3: RUN exit 4" in failed.output
    left = [path for top in (home, temporary) for path in top.rglob("*")]
    assert [path for path in left if path.is_file()] == []
    layout = world.layout
    assert os.listdir(layout.tmp) == os.listdir(layout.trash) == []
    # What is kept is for root alone, and a build that failed sends nothing again.
    assert kept.directory(layout).stat().st_mode & 0o777 == 0o700
    again = run(tmp_path, [{BUILD: options}])
    assert sent(again) == 0
    assert again.status != 0
    world.slipway("builder", "prune", "-f")
    assert os.listdir(kept.directory(layout)) == []


def test_a_long_list_is_sent_when_it_is_new(
    world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    files: dict[str, File] = {f"many/{number}": str(number) for number in range(3000)}
    files["Dockerfile"] = "FROM scratch\nCOPY many/7 many/8 /\n"
    context = fill(tmp_path / "context", files)
    options = {"name": "made", "src": str(context)}
    first = run(tmp_path, [{BUILD: options}])
    assert (first.status, first.changed, sent(first)) == (0, 1, 2), first.output
    again = run(tmp_path, [{BUILD: options}])
    assert (again.status, again.changed, sent(again)) == (0, 0, 0), again.output


def test_dockerfiles_of_the_controller(world: World, tmp_path: Path) -> None:
    files = {"other/Some.file": "FROM scratch\nCOPY a /\n", "a": "a", "b": "b"}
    context = fill(tmp_path / "context", files)
    outside = fill(tmp_path / "outside", {"D": "FROM scratch\nCOPY b /\n", "D.dockerignore": "a\n"})
    options = {"name": "made", "src": str(context)}
    done = run(
        tmp_path,
        [
            {BUILD: {**options, "dockerfile": "other/Some.file"}},
            {BUILD: {**options, "dockerfile": str(context / "other" / "Some.file")}},
            {BUILD: {**options, "name": "second", "dockerfile": str(outside / "D")}},
            {BUILD: {**options, "name": "second", "dockerfile": str(outside / "D")}},
            {
                "slipway.engine.image": {
                    "name": "third",
                    "source": "build",
                    "build": {"src": "context", "dockerfile": "other/Some.file"},
                }
            },
        ],
    )
    assert done.status == 0, done.output
    assert [task["results"][0]["changed"] for task in done.record] == [
        True,
        False,
        True,
        False,
        True,
    ]
    ids = [store.find(world.layout, name) for name in ("made", "second", "third")]
    assert ids[0] is not None
    assert ids[0] != ids[1]
    assert ids[0] == ids[2]


def test_what_is_refused(world: World, tmp_path: Path) -> None:
    context = fill(tmp_path / "context", {"Dockerfile": "FROM scratch\nCOPY none /\n", "f": "f"})
    secret = tmp_path / "secret"
    secret.write_text("canary-31")
    led = fill(tmp_path / "led", {"Dockerfile": f"->{secret}"})
    files = {"Dockerfile": "FROM scratch\nCOPY f /\n", "f": "", ".dockerignore": "f"}
    hidden = fill(tmp_path / "hidden", files)
    rows: list[tuple[dict[str, Any], str]] = [
        ({"src": "no-such"}, "no-such does not exist on the controller"),
        ({"src": str(secret)}, "is not a directory on the controller"),
        ({"src": str(context), "dockerfile": "x"}, "there is no x in"),
        ({"src": str(led)}, "is a link that leads out of it"),
        ({"src": str(context)}, f"there is no none in the context {context} on the controller"),
        ({"src": str(hidden)}, ".dockerignore excludes it"),
        ({"src": str(context), "path": "/srv"}, "mutually exclusive"),
        ({}, "one of the following is required: path, src"),
    ]
    tasks = [
        {BUILD: {"name": "made", **options}, "ignore_errors": True, "register": f"said{number}"}
        for number, (options, dummy) in enumerate(rows)
    ]
    shown = [{"ansible.builtin.debug": {"msg": f"{{{{ said{n}.msg }}}}"}} for n in range(len(rows))]
    done = Play(tmp_path).tasks([*tasks, *shown])
    assert done.status == 0, done.output
    for dummy, why in rows:
        assert why in done.output
    assert "canary-31" not in done.output
    assert kept.names(world.layout) == []


def test_what_is_kept_is_bounded(
    layout: Layout, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def keep(number: int) -> str:
        """A context of a file that all have and one of its own, of 1000 bytes each."""
        items = []
        with tarfile.open(tmp_path / "archive", "w") as tar:
            for name, data in (("same", b"s" * 1000), (f"own{number:04}", b"%04d" % number * 250)):
                items.append(Item(name, FILE, 0o644, 0, len(data), sha256(data).hexdigest()))
                info = tarfile.TarInfo("any")
                info.size = len(data)
                tar.addfile(info, io.BytesIO(data))
        listing = Listing(tuple(items), ("Dockerfile", b""))
        kept.keep(layout, listing, tmp_path / "archive")
        return listing.digest

    names = []
    for number in range(1, kept.COUNT + 3):
        names.append(keep(number))
        os.utime(kept.directory(layout) / names[-1] / kept.LIST, (number, number))
    assert kept.names(layout) == names[:1:-1]
    # Each sent the file that all have again, so it has no other name.
    monkeypatch.setattr(kept, "BYTES", 6000)
    with contextlib.ExitStack() as held:
        assert kept.find(layout, names[5], held) is not None
        names.append(keep(99))
        assert kept.names(layout) == [names[-1], names[-2], names[-3], names[5]]
    assert kept.remove(layout, names[5])
