# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a check-mode run tells its later tasks, and that all of them listen: to whatever name of a
thing, and the modules that only look too.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest
from support.containers import World
from support.converging import Task, apply, check, unmet
from support.declaring import task
from support.plays import Play

from ansible_collections.slipway.engine.plugins.module_utils._runtime.base.errors import Error
from ansible_collections.slipway.engine.plugins.module_utils._runtime.image.store import store
from ansible_collections.slipway.engine.plugins.module_utils._runtime.resource.image.names import (
    image_remove,
    image_tag,
)
from ansible_collections.slipway.engine.plugins.module_utils._runtime.resource.network import (
    decide as network,
)
from ansible_collections.slipway.engine.plugins.module_utils._runtime.resource.network import (
    declare as network_declare,
)

Predicted = dict[str, dict[str, Any]]


def spellings(world: World) -> dict[str, str]:
    """Whatever may be written for the one image of the host."""
    image = store.find(world.layout, "busybox:1")
    assert image is not None
    bare = image.id[7:]
    return {
        "name": "busybox:1",
        "normalised": "docker.io/library/busybox:1",
        "id": image.id,
        "bare id": bare,
        "start of the id": bare[:12],
        "digest": f"busybox@{image.manifest.digest}",
    }


HOW = ("name", "normalised", "id", "bare id", "start of the id", "digest")


def tagging(name: str, new: str) -> Task:
    params = {"name": name, "repository": [new]}
    return Task(image_tag.declare, image_tag.RESOURCE, params)


def connecting(name: str, *connected: str) -> Task:
    params = {"name": name, "connected": list(connected), "driver": "bridge"}
    return Task(network_declare.declare, network.RESOURCE, params)


#: Tasks that fail whatever the host is like, as what they need nobody would make.
FAILING: dict[str, Task] = {
    "an image that is not to be pulled": task("web", image="nowhere:1"),
    "a network": task("web", networks=[{"name": "nowhere"}]),
    "a container to take volumes from": task("web", volumes_from=["nowhere"]),
    "a container to link to": task("web", links=["nowhere:db"]),
    "an image to name": tagging("nowhere:1", "web:1"),
    "a container to connect": connecting("net", "nowhere"),
    "the settings of a network": Task(
        network_declare.declare, network.RESOURCE, {"name": "net", "config_from": "nowhere"}
    ),
}


@pytest.mark.parametrize("lacking", FAILING)
def test_what_fails_for_certain_is_not_believed(world: World, lacking: str) -> None:
    failing = FAILING[lacking]
    predicted: Predicted = {}
    assert "nowhere" in unmet(world.layout, failing, predicted)
    check(world.layout, failing, predicted)
    assert predicted == {}
    with pytest.raises(Error, match="nowhere"):
        apply(world.layout, failing)


def test_what_needs_a_task_that_fails_fails_too(world: World) -> None:
    predicted: Predicted = {}
    check(world.layout, tagging("nowhere:1", "web:1"), predicted)
    wanted = task("web", image="web:1")
    assert "Cannot find image" in unmet(world.layout, wanted, predicted)
    check(world.layout, tagging("busybox:1", "web:1"), predicted)
    assert unmet(world.layout, wanted, predicted) == ""


def removing(name: str) -> Task:
    return Task(image_remove.declare, image_remove.RESOURCE, {"name": name, "force": True})


@pytest.mark.parametrize("spelled", HOW)
@pytest.mark.parametrize("removed", ("name", "id", "start of the id"))
def test_an_image_that_was_removed_is_gone_by_every_name(
    world: World, removed: str, spelled: str
) -> None:
    names = spellings(world)
    predicted: Predicted = {}
    wanted = task("web", image=names[spelled])
    assert unmet(world.layout, wanted, predicted) == ""
    check(world.layout, removing(names[removed]), predicted)
    assert unmet(world.layout, wanted, predicted) != ""
    apply(world.layout, removing(names[removed]))
    with pytest.raises(Error):
        apply(world.layout, wanted)


@pytest.mark.parametrize("spelled", HOW)
def test_an_image_that_keeps_a_name_is_there_by_its_id(world: World, spelled: str) -> None:
    names = spellings(world)
    tag = Task(
        image_tag.declare,
        image_tag.RESOURCE,
        {"name": "busybox:1", "repository": ["other:2"], "existing_images": "overwrite"},
    )
    predicted: Predicted = {}
    foretold = []
    for made in (tag, removing("busybox:1")):
        check(world.layout, made, predicted)
    for name in (names[spelled], "other:2"):
        foretold.append(unmet(world.layout, task("web", image=name), predicted))
    for made in (tag, removing("busybox:1")):
        apply(world.layout, made)
    images = (names[spelled], "other:2")
    done = [unmet(world.layout, task("web", image=name), {}) for name in images]
    assert [bool(why) for why in foretold] == [bool(why) for why in done]
    assert [bool(why) for why in done] == [spelled in ("name", "normalised", "digest"), False]


def module(called: str, /, **options: Any) -> dict[str, Any]:
    return {f"slipway.engine.{called}": options}


def read(directory: Path, tasks: Sequence[Mapping[str, Any]], *flags: str) -> list[dict[str, Any]]:
    """Run tasks that must not fail, and read all that each of them returned."""
    path = directory / "answers.json"
    named = [{**one, "register": f"answer{number}"} for number, one in enumerate(tasks)]
    content = "{{ [" + ", ".join(str(one["register"]) for one in named) + "] | to_json }}"
    written = {"ansible.builtin.copy": {"dest": str(path), "content": content}}
    run = Play(directory).tasks([*named, {**written, "check_mode": False, "no_log": True}], *flags)
    assert run.status == 0, run.output
    found: list[dict[str, Any]] = json.loads(path.read_text())
    return found


def names(found: Sequence[Mapping[str, Any]], key: str) -> list[str]:
    return sorted(str(one[key]) for one in found)


def told(answers: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """What a play would go on with, of the answers of LOOK."""
    one, many, filtered, gone, image, images, volume, nets, net, logs, lists, *rest = answers
    return {
        "container": one["exists"] and [
            one["container"][key] for key in ("Name", "Path", "Args")
        ] + [one["container"]["State"]["Status"], one["container"]["Config"]["Labels"]],
        "containers": names(many["containers"], "Name"),
        "labelled": names(filtered["containers"], "Name"),
        "gone": gone["exists"],
        "image": [one["RepoTags"] for one in image["images"]],
        "images": sorted(tag for one in images["images"] for tag in one["RepoTags"]),
        "volume": [volume["exists"], volume["volume"]["Labels"]],
        "networks": names(nets["networks"], "Name"),
        "network": [net["exists"], net["network"]["Id"], net["network"]["IPAM"]["Config"]],
        "logs": logs["lines"],
        "lists": [
            names(lists["containers"], "Names"),
            sorted(tag for one in lists["images"] for tag in one["RepoTags"]),
            names(lists["networks"], "Name"),
            names(lists["volumes"], "Name"),
        ],
        "rest": [item["exists"] for item in rest],
    }  # fmt: skip


#: What is looked at once all is made.
LOOK = [
    module("container_info", name="web"),
    module("container_info"),
    module("container_info", filters={"label": "app=shop", "status": "running"}, size=True),
    module("container_info", name="old"),
    module("image_info", name=["other:2"]),
    module("image_info"),
    module("volume_info", name="site"),
    module("network_info"),
    module("network_info", name="front"),
    module("container_logs_info", container="web"),
    module("host_info", containers=True, containers_all=True, images=True, networks=True,
           volumes=True),
    module("volume_info", name="old"),
    module("network_info", name="back"),
]  # fmt: skip


def test_who_only_looks_sees_what_the_run_will_make(world: World, tmp_path: Path) -> None:
    """The same answers in check mode as in the run, of every module that looks."""
    before = [
        module("network", name="back"),
        module("volume", name="old"),
        module("container", name="old", image="busybox:1", command=["sleep", "99"]),
        module("container", name="idle", image="busybox:1", command=["sleep", "99"]),
    ]
    read(tmp_path, before)
    make = [
        module("network", name="back", state="absent"),
        module("network", name="front", ipam_config=[{"subnet": "10.9.1.0/24"}]),
        module("image_tag", name="busybox:1", repository=["other:2"]),
        module("container", name="old", state="absent", stop_timeout=1),
        module("volume", name="old", state="absent"),
        module("container", name="idle", state="stopped", stop_timeout=1),
        module("container", name="web", image="other:2", labels={"app": "shop"},
               command=["sleep", "99"], volumes=["site:/deep/down"],
               networks=[{"name": "front"}]),
        # The image has no such place; the volume brings it.
        module("container_copy_into", container="web", container_path="/deep/down/page",
               content="x"),
    ]  # fmt: skip
    foretold = read(tmp_path, [*make, *LOOK], "--check")
    done = read(tmp_path, [*make, *LOOK])
    count = len(make)
    assert [one["changed"] for one in foretold] == [one["changed"] for one in done]
    assert told(foretold[count:]) == told(done[count:])
    assert told(done[count:])["container"][3] == "running"
    assert told(done[count:])["labelled"] == ["/web"]
