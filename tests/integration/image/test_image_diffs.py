# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What diffs say of images: community.docker's facts, the same in check mode and in the run."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Callable

import pytest
from support.compare_predictions import came_true
from support.inputs import images
from support.servers.registry import Registry

from ansible_collections.slipway.engine.plugins.module_utils._runtime.base.layout import Layout
from ansible_collections.slipway.engine.plugins.module_utils._runtime.plan.converge import converge
from ansible_collections.slipway.engine.plugins.module_utils._runtime.plan.plan import (
    Host,
    Resource,
)
from ansible_collections.slipway.engine.plugins.module_utils._runtime.resource.image.files import (
    image_import,
)
from ansible_collections.slipway.engine.plugins.module_utils._runtime.resource.image.names import (
    image_remove,
    image_tag,
)
from ansible_collections.slipway.engine.plugins.module_utils._runtime.resource.image.remote import (
    image_pull,
    image_push,
)

Declare = Callable[[Mapping[str, Any]], Any]


@pytest.fixture
def tar(tmp_path: Path) -> Path:
    path = tmp_path / "small.tar"
    path.write_bytes(images.tar({"etc": None, "etc/name": b"small\n"}))
    return path


def diff(
    layout: Layout, declare: Declare, resource: Resource[Any, Any], **params: Any
) -> dict[str, Any]:
    """The diff of a task, which check mode foretells."""
    host, declared = Host(layout), declare(params)
    plan = resource.plan(declared, resource.observe(host, declared))
    foretold = resource.shown(plan, plan.want)
    done = resource.shown(*converge(host, resource, declared))
    assert came_true(foretold, done)
    assert resource is not image_pull.RESOURCE or not plan.changed or foretold != done
    return done


def test_diffs_carry_the_facts_of_community_docker(
    layout: Layout, tar: Path, registry: Registry
) -> None:
    place = f"{registry.host}/told"

    def do(module: Any, **params: Any) -> dict[str, Any]:
        return diff(layout, module.declare, module.RESOURCE, **params)

    made = do(image_import, name=f"{place}:1", src=str(tar))
    assert made["before"] == {"name": f"{place}:1", "exists": False}
    known = made["after"]["id"]
    assert known.startswith("sha256:") and made["after"]["exists"]

    tagged = do(image_tag, name=f"{place}:1", repository=["told:2", f"{place}:1", "told"], tag="3")
    here = {"exists": True, "id": known}
    assert tagged["before"]["images"] == [
        {"name": "told", "tag": "2", "exists": False},
        {"name": place, "tag": "1", **here},
        {"name": "told", "tag": "3", "exists": False},
    ]
    assert tagged["after"]["images"] == [{**one, **here} for one in tagged["before"]["images"]]

    do(image_push, name=f"{place}:1")
    removed = do(image_remove, name="told:2")
    pair = removed["before"]["digests"]
    assert pair[0].startswith(f"{place}@sha256:") and removed["after"]["digests"] == pair
    assert removed["before"]["tags"] == [f"{place}:1", "told:2", "told:3"]
    assert removed["after"]["tags"] == [f"{place}:1", "told:3"]
    assert removed["after"]["id"] == removed["before"]["id"] == known

    gone = do(image_remove, name=known, force=True)
    assert gone["before"]["tags"] == [f"{place}:1", "told:3"]
    assert not gone["after"]["exists"] and "tags" not in gone["after"]
    nothing = do(image_remove, name="told:2")
    assert not nothing["before"]["exists"] and nothing["before"] == nothing["after"]

    pulled = do(image_pull, name=f"{place}:1")
    assert not pulled["before"]["exists"]
    assert pulled["after"] == {"name": f"{place}:1", **here}
    again = do(image_pull, name=f"{place}:1", pull="not_present")
    assert again["before"] == again["after"] == pulled["after"]
