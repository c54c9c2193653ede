# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is taken from the cache of builds, and what never is."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable
from pathlib import Path

import pytest
from support.builds.building import build, fill
from support.containers import World

from ansible_collections.slipway.engine.plugins.module_utils._runtime.base.errors import Error
from ansible_collections.slipway.engine.plugins.module_utils._runtime.build import builder, inputs
from ansible_collections.slipway.engine.plugins.module_utils._runtime.build.asked.request import (
    Request,
)
from ansible_collections.slipway.engine.plugins.module_utils._runtime.plan.plan import Host

FILES = {
    "Dockerfile": "FROM busybox:1\nCOPY d /d\n",
    "d/file": "content",
    "d/link": "->file",
    "d/deep/er": "x",
}


def _relink(d: Path) -> None:
    (d / "link").unlink()
    (d / "link").symlink_to("deep/er")


def _to_directory(d: Path) -> None:
    (d / "file").unlink()
    (d / "file").mkdir()


#: What makes a directory another one for COPY.
CHANGES: dict[str, Callable[[Path], object]] = {
    "content": lambda d: (d / "file").write_text("CONTENT"),
    "mode": lambda d: (d / "file").chmod(0o600),
    "mode of a directory": lambda d: (d / "deep").chmod(0o700),
    "name": lambda d: (d / "file").rename(d / "renamed"),
    "target of a link": _relink,
    "type": _to_directory,
    "attribute": lambda d: os.setxattr(d / "file", "user.a", b"1"),
    "value of an attribute": lambda d: os.setxattr(d / "file", "user.a", b"2"),
    "capabilities": lambda d: os.setxattr(
        d / "file", "security.capability", bytes.fromhex("0100000200040000" + "00" * 12)
    ),
}


def test_a_copy_is_known_by_everything_that_is_copied(world: World, tmp_path: Path) -> None:
    for number, (name, change) in enumerate(CHANGES.items()):
        context = fill(tmp_path / str(number), FILES)
        if name == "value of an attribute":
            CHANGES["attribute"](context / "d")
        build(world.layout, context)
        assert build(world.layout, context).built.ran == 0, name
        change(context / "d")
        assert build(world.layout, context).built.ran == 1, name
    context = fill(tmp_path / "same", FILES)
    os.utime(context / "d/file", (1, 1))
    os.chown(context / "d/file", 5, 6)
    assert build(world.layout, context).built.ran == 0


#: Two defaults of a base image that has the same files, and what a step makes of them.
DEFAULTS = [
    ("ENV A=1", "ENV A=2", "RUN echo $A > /f"),
    ("USER 1", "USER 2", "RUN id -u > /tmp/f"),
    ("WORKDIR /tmp", "WORKDIR /var", "COPY f ./"),
    # Nothing that the step makes of them, but whoever serves an image must not choose what ours is.
    ("HEALTHCHECK CMD true", "HEALTHCHECK CMD false", "RUN touch /f"),
    ("LABEL a=1", "LABEL a=2", "COPY f /f"),
]


def test_a_step_is_known_by_what_it_stands_on(
    world: World, tmp_path: Path, busybox_tar: Path
) -> None:
    """CVE-2024-24557: an image with the layers of another one must not be taken for it."""
    context = fill(tmp_path / "context", {"f": "f"})
    for number, (one, other, step) in enumerate(DEFAULTS):
        text = f"FROM base{number}:1\n{step}\n"
        for change in (one, other):
            world.add_image(f"base{number}", busybox_tar, change)
            assert build(world.layout, context, text).built.ran == 1, change
            assert build(world.layout, context, text).built.ran == 0, change


def test_a_step_is_known_by_its_words(world: World, tmp_path: Path) -> None:
    context = fill(tmp_path / "context", {"f": "f"})
    seen = [
        "RUN echo 1 > /f",
        "RUN echo 2 > /f",
        "RUN --network=none echo 1 > /f",
        "RUN --mount=type=tmpfs,target=/t echo 1 > /f",
        "COPY f /f",
        "COPY f /g",
        "COPY --chown=1 f /f",
        "COPY --chmod=600 f /f",
        "ADD f /f",
    ]
    for step in seen:
        assert build(world.layout, context, f"FROM busybox:1\n{step}\n").built.ran == 1, step
    text = "FROM busybox:1\nARG A\nRUN echo 1 > /f\n"
    for arguments in ({}, {"A": "1"}, {"A": "2"}):
        made = build(world.layout, context, text, args=arguments)
        assert made.built.ran == (1 if arguments else 0)
    assert build(world.layout, context, text, epoch=1000).built.ran == 1


def test_files_that_change_while_they_are_copied(world: World, tmp_path: Path) -> None:
    """Under the key of what they were, nothing is kept of what they became."""
    context = fill(tmp_path / "context", FILES)

    def meanwhile(line: str) -> None:
        if "COPY" in line and not (context / "d/new").exists():
            fill(context, {"d/new": "new"})

    host, request = Host(world.layout, progress=meanwhile), Request(context=str(context))
    with contextlib.ExitStack() as stack:
        source = inputs.opened(host, request, stack)
        scheme = inputs.prepare(request, source)
        with pytest.raises(Error, match="changed while it was copied: new"):
            builder.build(host, request, scheme, source)
    (context / "d/new").unlink()
    made = build(world.layout, context)
    assert made.built.ran == 1
    assert "d/new" not in made.tree()


def test_a_locked_cache_is_used_by_one_at_a_time(world: World) -> None:
    command = "mkdir /c/taken && sleep 0.5 && rmdir /c/taken && touch /{0}"
    mount = "RUN --mount=type=cache,target=/c,sharing=locked"
    text = (
        f"FROM busybox:1 AS a\n{mount} {command.format('a')}\n"
        f"FROM busybox:1 AS b\n{mount} {command.format('b')}\n"
        "FROM scratch\nCOPY --from=a /a /a\nCOPY --from=b /b /b\n"
    )
    assert set(build(world.layout, None, text).tree()) == {"a", "b"}


def test_only_root_reaches_what_a_cache_holds(world: World) -> None:
    command = "chmod 777 /c && cp /bin/busybox /c/b && chmod 4755 /c/b"
    build(world.layout, None, f"FROM busybox:1\nRUN --mount=type=cache,target=/c {command}\n")
    [found] = world.layout.build.glob("mounts/*/content/b")
    reached = [path for path in found.parents if path.is_relative_to(world.layout.root)]
    assert [path for path in reached if path.stat().st_mode & 0o077 == 0]
