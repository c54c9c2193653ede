# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""An image that the host lacks, and a registry that does not answer: check mode says so where the
run fails, and only there.
"""

from __future__ import annotations

import socket
from typing import Any

import pytest
from support.containers import World
from support.converging import Task, apply, check, unmet
from support.declaring import acting, task

from ansible_collections.slipway.engine.plugins.module_utils._runtime.base.errors import Error
from ansible_collections.slipway.engine.plugins.module_utils._runtime.image.store import store
from ansible_collections.slipway.engine.plugins.module_utils._runtime.records import (
    container_record,
)
from ansible_collections.slipway.engine.plugins.module_utils._runtime.resource.image.names import (
    image_remove,
    image_tag,
)


@pytest.fixture(scope="module")
def down() -> str:
    """An image of a registry that refuses connections."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        return f"127.0.0.1:{server.getsockname()[1]}/busybox:1"


def wanting(image: str, **given: Any) -> Task:
    return task("web", **{"image": image, "pull": "missing", **given})


def test_a_new_container(world: World, down: str) -> None:
    for pull in ("missing", "always"):
        made = wanting(down, pull=pull)
        predicted: dict[str, dict[str, Any]] = {}
        why = unmet(world.layout, made, predicted)
        assert "connection refused" in why and "busybox:1" in why
        assert check(world.layout, made, predicted).actions == (
            f"pull image {down}", "create and start container web",
        )  # fmt: skip
        # Somebody else may start the registry until then.
        assert set(predicted["container"]) == {"web"}
        with pytest.raises(Error, match="connection refused"):
            apply(world.layout, made)
    assert container_record.all_ids(world.layout) == []


def test_one_that_cannot_be_read(world: World) -> None:
    config = world.layout.blob(world.image.id)
    whole = config.read_bytes()
    config.write_bytes(whole[:-1])
    why = unmet(world.layout, task("web", image="busybox:1", pull="never"), {})
    assert why.startswith("Cannot find image with name busybox:1, and pull=never: the blob ")
    why = unmet(world.layout, task("web", image="none:1", pull="never"), {})
    assert why == "Cannot find image with name none:1, and pull=never"
    config.write_bytes(whole)


def test_what_an_earlier_task_would_push_is_there(world: World, down: str) -> None:
    image = store.find(world.layout, "busybox:1")
    assert image is not None
    for digest in (image.manifest.digest, ""):
        predicted = {"registry": {down: digest}}
        for pull in ("missing", "always"):
            assert unmet(world.layout, wanting(down, pull=pull), predicted) == ""


def test_a_container_that_keeps_its_image_asks_nobody(world: World, down: str) -> None:
    tagged = {"name": "busybox:1", "repository": [down]}
    apply(world.layout, Task(image_tag.declare, image_tag.RESOURCE, tagged))
    apply(world.layout, wanting(down))
    removed = {"name": down, "force": True}
    apply(world.layout, Task(image_remove.declare, image_remove.RESOURCE, removed))
    assert unmet(world.layout, wanting(down), {}) == ""
    assert apply(world.layout, wanting(down))[0].actions == ()
    # One that is made again needs it.
    again = wanting(down, recreate=True)
    assert "connection refused" in unmet(world.layout, again, {})


def test_another_image_for_a_container(world: World, down: str) -> None:
    apply(world.layout, task("web"))
    before = world.current(container_record.by_name(world.layout, "web"))
    another = wanting(down)
    assert "connection refused" in unmet(world.layout, another, {})
    with pytest.raises(Error, match="connection refused"):
        apply(world.layout, another)
    assert world.current(before.id) == before
    # Where the image is not compared, its name is looked up, and not needed.
    ignoring = wanting(down, comparisons={"image": "ignore"})
    assert unmet(world.layout, ignoring, {}) == ""
    assert apply(world.layout, ignoring)[0].actions == ()
    assert unmet(world.layout, acting("web", state="absent"), {}) == ""
