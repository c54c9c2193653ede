# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What check mode says of a build and its outputs, and what the run that follows does."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Callable

import pytest
from support.builds.building import fill
from support.compare_predictions import differences
from support.containers import World
from support.plays import Play
from support.servers.registry import Registry

from ansible_collections.slipway.engine.plugins.module_utils._runtime.image.store import store

BUILD = "slipway.engine.image_build"


def said(record: Mapping[str, Any]) -> tuple[list[str], list[str]]:
    """What a task did or would do, and why."""
    [result] = record["results"]
    return result["actions"], result["differences"] or []


@pytest.mark.timeout(900)  # A dozen plays, on a machine that others use, too.
def test_check_mode_says_what_a_build_does(
    world: World, tmp_path: Path, registry: Registry
) -> None:
    out = tmp_path / "out"
    context = fill(
        tmp_path / "context",
        {
            "Dockerfile": "FROM busybox:1\nARG V=1\nCOPY f d /c/\nRUN echo $V > /v\n",
            "f": "1",
            "d/g": "1",
        },
    )
    out.mkdir()
    pushed = f"{registry.host}/made:1"
    args: dict[str, Any] = {}
    options = {
        "name": "made:1",
        "path": str(context),
        "args": args,
        "outputs": [
            {"type": "local", "dest": str(out / "local")},
            {"type": "tar", "dest": str(out / "files.tar")},
            {"type": "docker", "dest": str(out / "docker.tar")},
            {"type": "oci", "dest": str(out / "oci.tar")},
            {"type": "image", "name": [pushed], "push": True},
        ],
    }
    name = "docker.io/library/made:1"
    every = [
        f"write the files of {name} to {out}/local",
        f"write the files of {name} to {out}/files.tar",
        f"export image {name} to {out}/docker.tar",
        f"export image {name} to {out}/oci.tar",
        f"Pushed image {pushed}",
    ]
    other = [
        f"{out}/local was not written from this image",
        f"{out}/files.tar was not written from this image",
        f"{out}/docker.tar is not of this image",
        f"{out}/oci.tar is not of this image",
        f"the registry does not have this image as {pushed}",
    ]
    play = Play(tmp_path)

    def go(actions: list[str], why: list[str]) -> None:
        """A check-mode run says it, and then it is done."""
        foretold = play.tasks([{BUILD: options}], "--check", "--diff")
        done = play.tasks([{BUILD: options}], "--diff")
        for one in (foretold, done):
            assert one.status == 0, one.output
            assert said(one.record[0]) == (actions, why)
        assert differences(list(foretold.record), list(done.record)) == []

    def nothing(change: Callable[[], object]) -> None:
        change()
        again = play.tasks([{BUILD: options}], "--check")
        assert (again.changed, said(again.record[0])) == (0, ([], [])), again.output

    absent = [f"{out}/{one} does not exist" for one in ("local", "files.tar", "docker.tar")]
    absent += [f"{out}/oci.tar does not exist", other[-1]]
    go(["install the program slipway", f"build image {name}", *every], absent)
    fill(context, {"f": "2", "d/new": "n"})
    go(
        [f"build image {name}", *every],
        ["the file d/new is new", "the file f changed", *other],
    )
    args["V"] = "2"
    go([f"build image {name}", *every], ["the argument V is new", *other])
    nothing(lambda: fill(context, {"README": "nothing copies it"}))
    nothing(lambda: fill(out / "local", {"mine": "is left alone"}))

    (out / "local" / "c" / "f").write_text("somebody else's")
    plain = play.tasks([{BUILD: options}], "--check")
    changed = f"{out}/local was changed since it was written"
    assert said(plain.record[0]) == (every[:1], [changed])
    assert plain.record[0]["results"][0]["diff"] is None
    shutil.rmtree(out / "local" / "c")
    with open(out / "files.tar", "ab") as tar:
        tar.write(b"x")
    (out / "oci.tar").write_bytes(b"x")
    (out / "docker.tar").unlink()
    go(
        every[:4],
        [
            changed,
            f"{out}/files.tar was changed since it was written",
            f"{out}/docker.tar does not exist",
            f"{out}/oci.tar is not of this image",
        ],
    )
    assert (out / "local" / "c" / "f").read_text() == "2"
    assert (out / "local" / "mine").exists()
    nothing(lambda: None)
    assert store.find(world.layout, pushed) == store.find(world.layout, "made:1")


@pytest.mark.parametrize("kind", ["local", "tar", "docker", "oci"])
def test_a_place_that_cannot_be_written_is_said_before(
    world: World, tmp_path: Path, kind: str
) -> None:
    context = fill(tmp_path / "context", {"Dockerfile": "FROM scratch\nCOPY f /\n", "f": "1"})
    dest = tmp_path / "none" / "out"
    file = tmp_path / "file"
    file.touch()
    wrong = str(file / "out") if kind == "local" else str(dest)
    options = {
        "name": "made",
        "path": str(context),
        "outputs": [{"type": kind, "dest": wrong}],
    }
    play = Play(tmp_path)
    foretold = play.tasks([{BUILD: options}], "--check")
    done = play.tasks([{BUILD: options}])
    assert done.status != 0
    assert store.find(world.layout, "made") is None
    why = "is not a directory" if kind == "local" else "does not exist on this host"
    assert why in done.output
    assert why in foretold.output
