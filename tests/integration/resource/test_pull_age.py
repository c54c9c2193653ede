# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Images that are asked for again once the last answer of their registry is too old."""

from __future__ import annotations

from pathlib import Path

import pytest
from support.composing import compose
from support.containers import World
from support.converging import Task, apply, check
from support.declaring import isolated
from support.inputs import images
from support.servers.registry import Registry

from ansible_collections.slipway.engine.plugins.module_utils._runtime.base import clock
from ansible_collections.slipway.engine.plugins.module_utils._runtime.image.store import index
from ansible_collections.slipway.engine.plugins.module_utils._runtime.records import (
    container_record,
)

HOUR_NS = 3600 * 10**9


class Published:
    """An image of a registry, of which somebody else publishes versions."""

    def __init__(self, registry: Registry, directory: Path, tar: Path) -> None:
        self.name = f"{registry.host}/app:1"
        self._directory, self._tar = directory, tar.read_bytes()

    def version(self, label: str) -> None:
        directory = self._directory / label
        config = {"Labels": {"version": label}, "Env": ["PATH=/usr/sbin:/usr/bin:/sbin:/bin"]}
        images.oci_layout(directory, [self._tar], config)
        images.skopeo_copy(f"oci:{directory}:latest", f"docker://{self.name}")


@pytest.fixture
def app(registry: Registry, tmp_path: Path, busybox_tar: Path) -> Published:
    return Published(registry, tmp_path / "versions", busybox_tar)


def aged(world: World, app: Published, hours: float) -> None:
    """As if the registry had been asked so long ago."""
    now = clock.seconds(clock.now())
    assert now is not None
    moment = clock.text(int(now * 10**9 - hours * HOUR_NS))
    index.note_asked(world.layout, app.name, moment)


def done(world: World, task: Task) -> tuple[str, ...]:
    """What a run does, which is what check mode said without doing anything."""
    before = index.entries(world.layout)
    foretold = check(world.layout, task, {})
    assert index.entries(world.layout) == before
    outcome, dummy = apply(world.layout, task)
    assert outcome == foretold
    assert outcome.changed is any("note" not in one for one in outcome.actions)
    return outcome.actions


def version(world: World, name: str) -> str:
    container_id = container_record.by_name(world.layout, name)
    return container_record.read_image(world.layout, container_id).labels["version"]


def test_a_container(world: World, app: Published) -> None:
    app.version("one")
    task = isolated("web", image=app.name, pull="daily")
    assert done(world, task) == (f"pull image {app.name}", "create and start container web")
    app.version("two")
    # It was pulled just now, so nobody asks; a shorter time is over by then.
    assert done(world, task) == ()
    aged(world, app, 23)
    assert done(world, task) == ()
    aged(world, app, 25)
    assert done(world, isolated("web", image=app.name, pull="every_1d2h")) == ()
    renewed = (f"pull image {app.name}", "recreate container web (image)")
    assert done(world, task) == renewed
    assert version(world, "web") == "two"
    assert done(world, task) == ()
    # What has nothing newer is not asked for again for a day.
    aged(world, app, 25)
    assert done(world, task) == (f"note that image {app.name} is the newest",)
    app.version("three")
    assert done(world, task) == ()
    # A time that is not over yet, such as after the clock was set back, counts for nothing.
    aged(world, app, -1)
    assert done(world, task) == renewed


def test_services(world: World, app: Published, tmp_path: Path) -> None:
    app.version("one")
    service = f'image: "{app.name}", command: sleep 1000, stop_signal: KILL, network_mode: none'
    text = f"""
services:
  web: {{{service}, pull_policy: weekly}}
  db: {{{service}, pull_policy: missing}}
"""
    task = compose(world.layout, tmp_path, text)
    done(world, task)
    app.version("two")
    aged(world, app, 24 * 8)
    # The task's own word takes the place of the file's.
    assert done(world, compose(world.layout, tmp_path, pull="missing")) == ()
    actions = done(world, task)
    assert actions[0] == f"pull image {app.name}"
    assert {version(world, f"shop-{name}-1") for name in ("web", "db")} == {"two"}
    aged(world, app, 24 * 8)
    assert done(world, task) == (f"note that image {app.name} is the newest",)
    assert done(world, task) == ()
    done(world, compose(world.layout, tmp_path, state="absent"))
