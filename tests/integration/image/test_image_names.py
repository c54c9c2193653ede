# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Names of images: tagged, taken away, all tags of a repository, and what pruning leaves."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest
from support.containers import World
from support.converging import Task, apply, assert_play_is_predicted, check
from support.inputs import images
from support.servers.registry import Registry

from ansible_collections.slipway.engine.plugins.module_utils._runtime.base.errors import Error
from ansible_collections.slipway.engine.plugins.module_utils._runtime.base.layout import Layout
from ansible_collections.slipway.engine.plugins.module_utils._runtime.container.lifecycle import (
    actions,
)
from ansible_collections.slipway.engine.plugins.module_utils._runtime.image.build import assemble
from ansible_collections.slipway.engine.plugins.module_utils._runtime.image.store import (
    blobs,
    index,
    store,
)
from ansible_collections.slipway.engine.plugins.module_utils._runtime.resource import (
    commit as commit_,
)
from ansible_collections.slipway.engine.plugins.module_utils._runtime.resource import prune
from ansible_collections.slipway.engine.plugins.module_utils._runtime.resource.image import (
    image as resource,
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
    pull_one,
)
from ansible_collections.slipway.engine.plugins.module_utils._runtime.spec import oci
from ansible_collections.slipway.engine.plugins.module_utils._runtime.spec.reference import (
    parse_normalized,
)


@pytest.fixture
def tar(tmp_path: Path) -> Path:
    """A root filesystem that takes no time."""
    path = tmp_path / "small.tar"
    path.write_bytes(images.tar({"etc": None, "etc/name": b"small\n"}))
    return path


@pytest.fixture
def world_tar(tar: Path) -> Path:
    return tar


def importing_(name: str, src: Path, **options: Any) -> Task:
    return Task(
        image_import.declare, image_import.RESOURCE, {"name": name, "src": str(src), **options}
    )


def pushing_(name: str) -> Task:
    return Task(image_push.declare, image_push.RESOURCE, {"name": name})


def pulling_(name: str) -> Task:
    return Task(pull_one.declare, pull_one.RESOURCE, {"name": name})


def pulling_all_(name: str, **options: Any) -> Task:
    params = {"name": name, "all_tags": True, **options}
    return Task(image_pull.declare, image_pull.RESOURCE, params)


def tagging_(name: str, *repository: str, **options: Any) -> Task:
    params = {"name": name, "repository": list(repository), **options}
    return Task(image_tag.declare, image_tag.RESOURCE, params)


def removing_(name: str, **options: Any) -> Task:
    return Task(image_remove.declare, image_remove.RESOURCE, {"name": name, **options})


def converge(layout: Layout, task: Task) -> dict[str, Any]:
    """Check, apply, apply, check: the same story each time, and nothing left to do. Returns the
    result of the first apply.
    """
    foretold = check(layout, task, {})
    done, result = apply(layout, task)
    assert (foretold, done.changed) == (done, True)
    assert apply(layout, task)[0].changed is False
    assert check(layout, task, {}).changed is False
    return result


def names(layout: Layout) -> dict[str, str]:
    """Which names there are, and whose."""
    return {name: image.id for image in store.all_images(layout) for name in image.names}


# --- tagging ---------------------------------------------------------------------------------


def test_an_image_under_several_names_is_one(layout: Layout, tar: Path) -> None:
    made = apply(layout, importing_("base:1", tar))[1]["image"]
    result = converge(layout, tagging_("base:1", "base", "example.org:5000/x/base:2"))
    assert result["tagged_images"] == ["base:latest", "example.org:5000/x/base:2"]
    assert result["image"]["Id"] == made["Id"]
    assert sorted(result["image"]["RepoTags"]) == [
        "base:1",
        "base:latest",
        "example.org:5000/x/base:2",
    ]
    assert set(names(layout).values()) == {made["Id"]}
    assert apply(layout, tagging_("base:1", "base"))[1]["tagged_images"] == []


@pytest.mark.parametrize("cut", [7 + 64, 7 + 12, 0])
def test_an_image_is_tagged_by_its_id(layout: Layout, tar: Path, cut: int) -> None:
    found = apply(layout, importing_("base:1", tar))[1]["image"]["Id"]
    name = found[:cut] if cut else found[7:20]
    assert converge(layout, tagging_(name, "other"))["tagged_images"] == ["other:latest"]
    assert names(layout)["docker.io/library/other:latest"] == found


def test_a_name_of_another_image(layout: Layout, tar: Path) -> None:
    one = apply(layout, importing_("one:1", tar))[1]["image"]["Id"]
    two = apply(layout, importing_("two:1", tar, cmd=["two"]))[1]["image"]["Id"]
    keeping = tagging_("one:1", "two:1", "new:1", existing_images="keep")
    assert converge(layout, keeping)["tagged_images"] == ["new:1"]
    assert names(layout)["docker.io/library/two:1"] == two
    assert converge(layout, tagging_("one:1", "two:1"))["tagged_images"] == ["two:1"]
    assert names(layout)["docker.io/library/two:1"] == one
    # The other one stays, and is found by its id.
    [left] = [image for image in store.all_images(layout) if image.id == two]
    assert left.names == ()


def test_what_a_repository_is_served_as_holds_for_its_new_tag(
    layout: Layout, registry: Registry, tar: Path
) -> None:
    name, other = f"{registry.host}/served:1", f"{registry.host}/served:2"
    apply(layout, importing_(name, tar))
    pushed = converge(layout, pushing_(name))
    apply(layout, tagging_(name, other, "elsewhere"))
    apply(layout, removing_(name))
    [image] = store.all_images(layout)
    assert image.repo_digests == (f"{registry.host}/served@{pushed['digest']}",)
    assert pushed["size"] == image.manifest.size


@pytest.mark.parametrize(
    ("repository", "complaint"),
    [
        ([], "must contain at least one"),
        (["a@sha256:" + "0" * 64], r"repository\[1\] must not have a digest; got: a@sha256:0"),
        (["b", "0" * 64], r"repository\[2\] must not be an image ID; got: 0000"),
        (["sha256:" + "0" * 64], "must not be an image ID"),
        (["UPPER"], "must be lower case"),
    ],
)
def test_a_name_nobody_can_have(repository: list[str], complaint: str) -> None:
    with pytest.raises(Error, match=complaint):
        image_tag.declare({"name": "x", "repository": repository})


def test_tagging_what_is_not_there(layout: Layout) -> None:
    task = tagging_("nothere", "x")
    assert check(layout, task, {}).changed is True
    with pytest.raises(Error, match=r"No such image: docker\.io/library/nothere:latest"):
        apply(layout, task)


# --- removing --------------------------------------------------------------------------------


def test_a_name_and_then_the_image(layout: Layout, tar: Path) -> None:
    made = apply(layout, importing_("base:1", tar))[1]["image"]
    apply(layout, tagging_("base:1", "base:2"))
    first = converge(layout, removing_("base", tag="1"))
    assert (first["untagged"], first["deleted"]) == (["base:1"], [])
    assert first["image"]["RepoTags"] == ["base:1", "base:2"]
    last = converge(layout, removing_("base:2"))
    assert last["untagged"] == ["base:2"]
    assert last["deleted"] == [made["Id"], made["RootFS"]["Layers"][0]]
    assert apply(layout, removing_("base:2"))[1] == {"image": {}, "untagged": [], "deleted": []}
    assert os.listdir(layout.blobs) == [] == os.listdir(layout.layers)


def test_by_the_start_of_an_id(layout: Layout, tar: Path) -> None:
    found = apply(layout, importing_("base:1", tar))[1]["image"]["Id"]
    apply(layout, tagging_("base:1", "base:2"))
    with pytest.raises(Error, match=r"has other names: docker\.io/library/base:1, .*base:2"):
        apply(layout, removing_(found[7:19]))
    result = converge(layout, removing_(found[7:19], force=True))
    assert result["untagged"] == ["base:1", "base:2"]
    assert result["deleted"][0] == found
    assert store.all_images(layout) == ()


def test_a_name_that_looks_like_an_id_goes_first(layout: Layout, tar: Path) -> None:
    found = apply(layout, importing_("base:1", tar))[1]["image"]["Id"]
    apply(layout, tagging_("base:1", found[7:12]))
    assert converge(layout, removing_(found[7:12]))["deleted"] == []
    assert names(layout) == {"docker.io/library/base:1": found}
    assert apply(layout, removing_(found[7:18]))[0].changed is False


def test_layers_in_use_elsewhere_stay(layout: Layout, tar: Path) -> None:
    apply(layout, importing_("one:1", tar))
    two = apply(layout, importing_("two:1", tar, cmd=["two"]))[1]["image"]
    assert len(converge(layout, removing_("one:1"))["deleted"]) == 1
    assert converge(layout, removing_("two:1"))["deleted"] == [
        two["Id"],
        two["RootFS"]["Layers"][0],
    ]


def test_an_image_that_containers_use(world: World) -> None:
    layout = world.layout
    made = world.create("web", image=world.image)
    with pytest.raises(Error, match="is used by container web"):
        apply(layout, removing_("busybox:1"))
    with pytest.raises(Error, match="is used by container web"):
        apply(layout, removing_(world.image.id, force=True))
    result = converge(layout, removing_("busybox:1", force=True))
    assert (result["untagged"], result["deleted"]) == (["busybox:1"], [])
    assert [image.names for image in store.all_images(layout)] == [()]
    actions.remove(world.host, made.id)
    result = converge(layout, removing_(world.image.id[:20]))
    assert result["deleted"] == [world.image.id, *world.image.chain_ids]


def commit(world: World, name: str, tag: str) -> store.Image:
    """An image with a layer more, made from what a container of ``name`` changed."""
    found = store.find(world.layout, name)
    assert found is not None
    made = world.create("changed", image=found)
    upper = world.layout.container(made.id) / "upper"
    (upper / tag).write_text(tag)
    params = {"container": "changed", "name": "line", "tag": tag}
    apply(world.layout, Task(commit_.declare, commit_.RESOURCE, params))
    actions.remove(world.host, made.id)
    committed = store.find(world.layout, f"line:{tag}")
    assert committed is not None
    return committed


def untag(layout: Layout, name: str) -> None:
    """Leave an image without a name, as one is that another took it from."""
    index.untag(layout, parse_normalized(name), keep_unnamed=True)


@pytest.mark.parametrize("prune", [True, False])
def test_untagged_parents_go_along_or_stay(world: World, prune: bool) -> None:
    layout = world.layout
    first = commit(world, "busybox:1", "first")
    second = commit(world, "line:first", "second")
    third = commit(world, "line:second", "third")
    untag(layout, "line:first")
    untag(layout, "line:second")
    result = converge(layout, removing_("line:third", prune=prune))
    gone = [third.id, second.id, first.id] if prune else [third.id]
    layers = [third.chain_ids[-1], second.chain_ids[-1], first.chain_ids[-1]]
    assert result["deleted"] == [*gone, *layers[: len(gone)]]
    left = {image.id for image in store.all_images(layout)}
    assert left == {world.image.id, first.id, second.id, third.id} - set(gone)


def test_a_parent_that_is_of_use_stays(world: World) -> None:
    layout = world.layout
    first = commit(world, "busybox:1", "first")
    second = commit(world, "line:first", "second")
    commit(world, "line:first", "sibling")
    untag(layout, "line:first")
    assert converge(layout, removing_("line:second"))["deleted"] == [
        second.id,
        second.chain_ids[-1],
    ]
    assert store.find(layout, first.id) is not None


def test_a_play_of_names_is_predicted(layout: Layout, registry: Registry, tar: Path) -> None:
    name = f"{registry.host}/names:1"
    play = [
        importing_(name, tar),
        tagging_(name, "a:1", "b:1"),
        tagging_(name, "a:1"),
        importing_("c:1", tar, cmd=["c"]),
        tagging_("c:1", "a:1"),
        tagging_("c:1", "b:1", existing_images="keep"),
        pushing_(name),
        removing_(name),
        pulling_(name),
        tagging_(name, "b:1"),
        tagging_("b:1", "d:1"),
        removing_("b:1"),
        removing_("a:1"),
        removing_("c:1"),
        removing_("c:1"),
        removing_("d:1"),
        removing_(name),
    ]
    assert_play_is_predicted(layout, play)
    assert store.all_images(layout) == ()


# --- all tags --------------------------------------------------------------------------------


def test_all_tags_of_a_repository(layout: Layout, registry: Registry, tar: Path) -> None:
    place = f"{registry.host}/whole"
    apply(layout, importing_(f"{place}:1", tar))
    apply(layout, importing_(f"{place}:2", tar, cmd=["two"]))
    apply(layout, tagging_(f"{place}:1", f"{place}:one"))
    for tag in ("1", "2", "one"):
        apply(layout, pushing_(f"{place}:{tag}"))
        apply(layout, removing_(f"{place}:{tag}"))
    result = converge(layout, pulling_all_(place))
    assert [image["RepoTags"] for image in result["images"]] == [
        [f"{place}:1", f"{place}:one"],
        [f"{place}:2"],
        [f"{place}:1", f"{place}:one"],
    ]
    apply(layout, removing_(f"{place}:2"))
    foretold = check(layout, pulling_all_(place), {})
    assert foretold.actions == (f"Pulled image {place}:2",)
    assert foretold.before["images"] == {
        f"{place}:1": "current",
        f"{place}:2": "absent",
        f"{place}:one": "current",
    }
    assert converge(layout, pulling_all_(place))["images"]


def test_all_tags_of_nothing(layout: Layout, registry: Registry) -> None:
    task = pulling_all_(f"{registry.host}/nothere")
    assert check(layout, task, {}).changed is True
    with pytest.raises(Error, match="tags of nothere: not found"):
        apply(layout, task)
    for name in ("x:1", "x@sha256:" + "0" * 64):
        with pytest.raises(Error, match="cannot be combined with all_tags"):
            image_pull.declare({"name": name, "all_tags": True})


def test_a_play_of_all_tags_is_predicted(layout: Layout, registry: Registry, tar: Path) -> None:
    place = f"{registry.host}/foretold"
    play = [
        importing_(f"{place}:1", tar),
        tagging_(f"{place}:1", f"{place}:2"),
        pushing_(f"{place}:1"),
        pushing_(f"{place}:2"),
        removing_(f"{place}:1"),
        pulling_all_(place),
        pulling_all_(place, pull="not_present"),
    ]
    assert_play_is_predicted(layout, play)


# --- the module image ------------------------------------------------------------------------


def image_(name: str, **options: Any) -> Task:
    return Task(resource.declare, resource.RESOURCE, {"name": name, **options})


def test_all_in_one(layout: Layout, registry: Registry, tar: Path, tmp_path: Path) -> None:
    place = f"{registry.host}/all-in-one"
    source = {"source": "import", "import": {"src": str(tar)}}
    options = {"repository": place, "push": True, "archive_path": str(tmp_path / "out.tar")}
    task = image_("work:1", **source, **options)
    assert check(layout, task, {}).actions == (
        f"Imported image work:1 from {tar}",
        f"export image docker.io/library/work:1 to {tmp_path}/out.tar",
        f"Tagged image work:1 as {place}:1",
        f"Pushed image {place}:1",
    )
    made = converge(layout, task)["image"]
    assert sorted(made["RepoTags"]) == [f"{place}:1", "work:1"]
    for name in ("work:1", f"{place}:1"):
        apply(layout, removing_(name))
    pulled = converge(layout, image_(f"{place}:1", source="pull"))["image"]
    assert pulled["Id"] == made["Id"]
    load = {"source": "load", "load_path": str(tmp_path / "out.tar")}
    assert converge(layout, image_("work:1", **load))["image"]["Id"] == made["Id"]
    with pytest.raises(Error, match=r"image 'other:1'\. Instead, found 'work:1'"):
        apply(layout, image_("other:1", **load))
    by_id = image_(made["Id"], source="local", repository="again:1")
    assert "again:1" in converge(layout, by_id)["image"]["RepoTags"]
    assert not apply(layout, image_(made["Id"], **load))[0].changed
    refused: list[tuple[dict[str, Any], str]] = [
        ({"source": "pull"}, "must not be an image ID for source=pull"),
        ({"source": "local", "push": True}, "Cannot push an image by ID"),
        ({"source": "local", "repository": made["Id"]}, "`repository` must not be an image ID"),
    ]
    for given, why in refused:
        with pytest.raises(Error, match=why):
            resource.declare({"name": made["Id"], **given})
    with pytest.raises(Error, match="requires load_path"):
        resource.declare({"name": "x", "source": "load"})


def test_a_further_name_is_left_to_another_image(layout: Layout, tar: Path) -> None:
    one = apply(layout, importing_("one:1", tar))[1]["image"]["Id"]
    two = apply(layout, importing_("two:1", tar, cmd=["2"]))[1]["image"]["Id"]
    tasks = [image_("one:1", source="local", repository="two", force_tag=f) for f in (False, True)]
    assert apply(layout, tasks[0])[0].changed is False
    assert names(layout)["docker.io/library/two:1"] == two
    converge(layout, tasks[1])
    assert names(layout)["docker.io/library/two:1"] == one


def test_a_play_of_all_in_one_is_predicted(
    layout: Layout, registry: Registry, tar: Path, tmp_path: Path
) -> None:
    place = f"{registry.host}/in-a-play"
    source = {"source": "import", "import": {"src": str(tar)}}
    archive = str(tmp_path / "play.tar")
    play = [
        image_("work:1", **source, repository=place, push=True, archive_path=archive),
        image_("work:1", state="absent"),
        image_("work:1", source="load", load_path=archive),
        image_("work:1", source="load", load_path=archive, force_source=True),
        image_(f"{place}:1", state="absent"),
        image_(f"{place}:1", source="pull"),
        image_(f"{place}:1", source="pull", force_source=True, push=True),
    ]
    assert_play_is_predicted(layout, play)


# --- pruning ---------------------------------------------------------------------------------


def pruning_(**options: Any) -> Task:
    return Task(prune.declare, prune.RESOURCE, options)


def test_images_without_a_name(world: World, tar: Path) -> None:
    layout = world.layout
    old = apply(layout, importing_("moved:1", tar, cmd=["old"]))[1]["image"]
    apply(layout, importing_("moved:1", tar, cmd=["new"]))
    kept = apply(layout, importing_("kept:1", tar, cmd=["kept"]))[1]["image"]
    untag(layout, "kept:1")
    image = store.find(layout, kept["Id"])
    assert image is not None
    made = world.create("user", image=image)
    result = converge(layout, pruning_(images=True))
    assert result["images"] == [{"Deleted": old["Id"]}]
    assert result["images_space_reclaimed"] == 0
    assert result["containers"] == []
    actions.remove(world.host, made.id)
    assert converge(layout, pruning_(images=True))["images"] == [{"Deleted": kept["Id"]}]
    assert set(names(layout)) == {"docker.io/library/busybox:1", "docker.io/library/moved:1"}


def test_all_that_is_not_used(world: World, tar: Path, busybox_tar: Path) -> None:
    layout = world.layout
    world.run("busy", image=world.add_image("real", busybox_tar))
    world.create("idle", labels={"keep": "no"}, image=world.add_image("idle", tar, 'CMD ["i"]'))
    other = world.add_image("other", tar, "ENV A=1", "LABEL stage=test")
    everything = {"dangling": False}
    world.create("holds")
    result = converge(layout, pruning_(images=True, images_filters=everything))
    assert result["images"] == [{"Untagged": "other:1"}, {"Deleted": other.id}]
    result = converge(layout, pruning_(containers=True, images=True, images_filters=everything))
    assert len(result["containers"]) == 2
    assert {"Untagged": "idle:1"} in result["images"]
    assert list(names(layout)) == ["docker.io/library/real:1"]


def test_a_line_of_images_goes_together(world: World) -> None:
    layout = world.layout
    made = [commit(world, "busybox:1", "first"), commit(world, "line:first", "second")]
    for tag in ("first", "second"):
        untag(layout, f"line:{tag}")
    sizes = sum(image.size for image in made)
    result = converge(layout, pruning_(images=True))
    deleted = [one["Deleted"] for one in result["images"]]
    assert set(deleted) == {*(image.id for image in made), *made[1].chain_ids[1:]}
    assert 0 < result["images_space_reclaimed"] < sizes


@pytest.mark.parametrize(
    ("given", "goes"),
    [
        ({}, True),
        ({"until": "24h"}, True),
        ({"until": "1969-12-31"}, False),
        ({"label": "stage"}, True),
        ({"label": "stage=live"}, False),
        ({"label!": "stage"}, False),
        ({"label!": ["other"]}, True),
    ],
)
def test_filters_of_images(layout: Layout, tar: Path, given: dict[str, Any], goes: bool) -> None:
    apply(layout, importing_("x:1", tar, labels={"stage": "test"}))
    task = pruning_(images=True, images_filters={"dangling": "false", **given})
    assert apply(layout, task)[0].changed is goes
    assert bool(names(layout)) is not goes


def test_filters_of_containers(world: World) -> None:
    world.create("a", labels={"stage": "test"})
    world.create("b")
    chosen = pruning_(containers=True, containers_filters={"label": "stage"})
    assert converge(world.layout, chosen)["containers_space_reclaimed"] >= 0
    assert check(world.layout, pruning_(containers=True), {}).before["containers"] == ["b"]
    old = pruning_(containers=True, containers_filters={"until": "1h"})
    assert check(world.layout, old, {}).changed is False


def test_a_filter_that_is_neither_true_nor_false_is_refused() -> None:
    with pytest.raises(Error, match="dangling is 'perhaps'"):
        prune.declare({"images": True, "images_filters": {"dangling": "perhaps"}})


def test_a_play_that_prunes_is_predicted(layout: Layout, registry: Registry, tar: Path) -> None:
    play = [
        importing_("a:1", tar),
        importing_("a:1", tar, cmd=["second"]),
        pruning_(images=True),
        pruning_(images=True),
        importing_("b:1", tar, cmd=["b"]),
        tagging_("a:1", "b:1"),
        pruning_(images=True),
        removing_("b:1"),
        pruning_(images=True, images_filters={"dangling": False}),
        pruning_(images=True, images_filters={"dangling": False}),
    ]
    assert_play_is_predicted(layout, play)
    assert store.all_images(layout) == ()


def test_an_image_that_is_not_understood(world: World) -> None:
    """An earlier release took JSON that is not read any more: that is of one image, not of all."""
    layout = world.layout
    config = json.dumps({**world.image.config, "comment": "half of a pair: \ud800"}).encode()
    stored = blobs.put(layout, config, oci.CONFIG)
    found = assemble.put_manifest(layout, stored, world.image.layers)
    index.tag(layout, parse_normalized("old:1"), found)
    assert [image.names for image in store.all_images(layout)] == [world.image.names]
    assert world.slipway("images", "-q").stdout.decode().split() == [world.image.id[7:19]]
    world.create("web")
    verified = world.slipway("image", "verify", "old:1", check=False).stdout
    assert b"is not JSON" in verified and b"remove the image" in verified, verified
    plays = [Task(image_remove.declare, image_remove.RESOURCE, {"name": "old:1"})] * 2
    assert_play_is_predicted(layout, plays)
    assert not layout.blob(stored.digest).exists()
    assert world.slipway("rmi", "old:1", check=False).returncode == 1
