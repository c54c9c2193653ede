# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Stages side by side, files at URLs, and paths with variables."""

from __future__ import annotations

import functools
import hashlib
import http.server
import os
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from support.builds.building import build, fill
from support.containers import World
from support.converging import Task, apply

from ansible_collections.slipway.engine.plugins.module_utils._runtime.base.errors import Error
from ansible_collections.slipway.engine.plugins.module_utils._runtime.records import (
    container_record,
)
from ansible_collections.slipway.engine.plugins.module_utils._runtime.resource.image import (
    image_build,
)


@pytest.fixture
def site(tmp_path: Path) -> Iterator[tuple[Path, str]]:
    """A directory and the URL it is served at."""
    directory = fill(tmp_path / "site", {"app-1.txt": "one"})
    handler = functools.partial(http.server.SimpleHTTPRequestHandler, directory=str(directory))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.02,))
        thread.start()
        yield directory, f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


def test_files_at_urls(world: World, tmp_path: Path, site: tuple[Path, str]) -> None:
    directory, url = site
    digest = hashlib.sha256(b"one").hexdigest()
    text = f"FROM scratch\nARG V=1\nADD --checksum=sha256:{digest} {url}/app-$V.txt /in/\n"
    made = build(world.layout, None, text)
    assert made.tree() == {"in": "/", "in/app-1.txt": "one"}
    assert made.path("in/app-1.txt").stat().st_mode & 0o777 == 0o600
    assert build(world.layout, None, text).built.cached == 1
    with pytest.raises(Error, match="the checksum of the content"):
        build(world.layout, None, text.replace(digest, "0" * 64))

    context = fill(tmp_path / "context", {"Dockerfile": f"FROM scratch\nADD {url}/app-1.txt /f\n"})
    params = {"name": "made", "path": str(context)}
    task = Task(image_build.declare, image_build.RESOURCE, params)
    # A file this young does not tell its next change, so it is fetched again.
    old = time.time() - 100
    os.utime(directory / "app-1.txt", (old, old))
    assert apply(world.layout, task)[0].changed
    assert not apply(world.layout, task)[0].changed
    fill(directory, {"app-1.txt": "two"})
    os.utime(directory / "app-1.txt", (old + 50, old + 50))
    assert apply(world.layout, task)[0].changed


def test_a_path_with_a_variable_is_one_path(world: World, tmp_path: Path) -> None:
    text = "FROM busybox:1\nARG D=one\nENV E=$D\nCOPY $E/f /f\nCOPY ${NONE}x /x\n"
    files = {"Dockerfile": text, "one/f": "1", "two/f": "2", "x": "x", "other": "o"}
    context = fill(tmp_path / "context", files)
    params = {"name": "made", "path": str(context)}
    task = Task(image_build.declare, image_build.RESOURCE, params)
    assert apply(world.layout, task)[0].changed
    fill(context, {"two/f": "changed", "other": "changed"})
    assert not apply(world.layout, task)[0].changed
    fill(context, {"one/f": "changed"})
    assert apply(world.layout, task)[0].changed


def test_stages_are_built_side_by_side(world: World, tmp_path: Path) -> None:
    # Each waits for the other, in a directory that both have mounted.
    meet = "RUN --mount=type=cache,target=/c touch /c/{0}; until test -e /c/{1}; do sleep 0.1; done"
    text = (
        f"FROM busybox:1 AS a\n{meet.format('a', 'b')} && touch /a\n"
        f"FROM busybox:1 AS b\n{meet.format('b', 'a')} && touch /b\n"
        "FROM scratch\nCOPY --from=a /a /a\nCOPY --from=b /b /b\n"
    )
    assert set(build(world.layout, None, text).tree()) == {"a", "b"}


def test_a_stage_that_fails_ends_the_others(world: World) -> None:
    text = (
        "FROM busybox:1 AS a\nRUN sleep 1000\n"
        "FROM busybox:1 AS b\nRUN sleep 1; exit 7\n"
        "FROM scratch\nCOPY --from=a / /\nCOPY --from=b / /\n"
    )
    with pytest.raises(Error, match=r"Dockerfile:4: RUN .* status 7"):
        build(world.layout, None, text)
    assert container_record.all_ids(world.layout) == []
