# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Committing containers: what gets into the image, when it changes, and that all thaw again."""

from __future__ import annotations

import json
import os
import subprocess
import time
from pathlib import Path
from typing import Any

import pytest
from support.containers import World, until
from support.converging import Task, apply, assert_play_is_predicted, check
from support.inputs import images
from support.servers.registry import Registry

from ansible_collections.slipway.engine.plugins.module_utils._runtime.base import document
from ansible_collections.slipway.engine.plugins.module_utils._runtime.base.errors import Error
from ansible_collections.slipway.engine.plugins.module_utils._runtime.base.layout import Layout
from ansible_collections.slipway.engine.plugins.module_utils._runtime.container.engine import (
    oci_runtime,
)
from ansible_collections.slipway.engine.plugins.module_utils._runtime.container.lifecycle import (
    actions,
)
from ansible_collections.slipway.engine.plugins.module_utils._runtime.image.layer import difference
from ansible_collections.slipway.engine.plugins.module_utils._runtime.image.store import store
from ansible_collections.slipway.engine.plugins.module_utils._runtime.plan.plan import Host
from ansible_collections.slipway.engine.plugins.module_utils._runtime.records import (
    container_record,
)
from ansible_collections.slipway.engine.plugins.module_utils._runtime.resource import commit
from ansible_collections.slipway.engine.plugins.module_utils._runtime.resource.image.names import (
    image_remove,
)
from ansible_collections.slipway.engine.plugins.module_utils._runtime.resource.image.remote import (
    image_push,
)
from ansible_collections.slipway.engine.plugins.module_utils._runtime.spec.container import Port

NAME = "committed:1"


def task(container: str, **options: Any) -> Task:
    params = {"container": container, "name": NAME, **options}
    return Task(commit.declare, commit.RESOURCE, params)


def changed_by(world: World, script: str, name: str = "work", **options: Any) -> str:
    """A container that ran a script to its end; its id."""
    made = world.run(name, script, **options)
    until(lambda: world.current(made.id).phase == "exited")
    return made.id


def committed(layout: Layout) -> store.Image:
    found = store.find(layout, NAME)
    assert found is not None
    return found


def added(layout: Layout) -> Path:
    """The layer that the commit made, unpacked."""
    return store.ensure_unpacked(layout, committed(layout))[-1]


def names(directory: Path) -> list[str]:
    return sorted(str(path.relative_to(directory)) for path in directory.rglob("*"))


def test_what_changed_is_in_the_image(world: World) -> None:
    layout = world.layout
    changed_by(world, "echo new > /srv/page; rm /etc/group; mkdir -p /a/b; ln -s b /a/c")
    foretold = check(layout, task("work"), {})
    outcome, result = apply(layout, task("work", comment="m", author="a"))
    assert foretold == outcome
    assert result["image"]["RepoTags"] == [NAME]
    assert (result["image"]["Author"], result["image"]["Comment"]) == ("a", "m")
    diff = added(layout)
    # Nothing of what was put there for the container to start: /dev, /proc, /etc/hosts.
    assert names(diff) == ["a", "a/b", "a/c", "etc", "etc/group", "srv", "srv/page"]
    assert os.major((diff / "etc/group").lstat().st_rdev) == 0
    assert len(committed(layout).layers) == 2
    # A container made from it sees just that.
    made = changed_by(world, "cat /srv/page; ls /etc/group /a", "after", image=committed(layout))
    assert world.log(made).split()[0] == "new"
    assert "/etc/group: No such file" in world.log(made)


def test_a_second_commit_changes_nothing(world: World) -> None:
    layout = world.layout
    changed_by(world, "echo new > /srv/page")
    assert check(layout, task("work"), {}).changed is True
    assert not [image for image in store.all_images(layout) if NAME in str(image.names)]
    first = apply(layout, task("work"))[1]["image"]
    assert check(layout, task("work"), {}).changed is False
    assert apply(layout, task("work"))[0].changed is False
    # It writes the same words at another time; layers tell times by the second.
    time.sleep(1.1)
    actions.start(world.host, container_record.identify(layout, "work"))
    until(lambda: world.current(container_record.identify(layout, "work")).phase == "exited")
    outcome, result = apply(layout, task("work"))
    assert (outcome.before["image"], outcome.changed) == ("outdated", True)
    assert result["image"]["RootFS"]["Layers"][0] == first["RootFS"]["Layers"][0]


def test_what_nobody_wrote_to_is_read_twice_only(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """To plan and to commit: what was read to plan is believed afterwards."""
    changed_by(world, "echo new > /srv/page")
    read: list[Path] = []
    write_layer = difference.write_layer

    def counted(upper: Path, *rest: Any) -> Any:
        read.append(upper)
        return write_layer(upper, *rest)

    monkeypatch.setattr(difference, "write_layer", counted)
    assert apply(world.layout, task("work"))[0].changed
    assert len(read) == 2
    assert not apply(world.layout, task("work"))[0].changed
    assert len(read) == 2
    assert apply(world.layout, task("work", comment="other"))[0].changed
    assert len(read) == 3


def test_a_container_that_changed_nothing_adds_no_layer(world: World) -> None:
    changed_by(world, "true")
    image = apply(world.layout, task("work"))[1]["image"]
    assert len(image["RootFS"]["Layers"]) == 1
    assert image["History"][-1]["empty_layer"] is True
    assert apply(world.layout, task("work"))[0].changed is False


def test_defaults_are_those_of_the_container(world: World) -> None:
    world.create(
        "work",
        command=("httpd", "-f"),
        env={"A": "1"},
        labels={"l": "v"},
        ports=(Port(80),),
        user="33",
        working_dir="/srv",
    )
    image = apply(world.layout, task("work", changes=["ENV B=2"], cmd=["sh"]))[1]["image"]
    assert image["Config"] == {
        "Cmd": ["sh"],
        "Env": ["A=1", "B=2"],
        "Labels": {"l": "v"},
        "ExposedPorts": {"80/tcp": {}},
        "User": "33",
        "WorkingDir": "/srv",
        "StopSignal": "SIGKILL",
    }


def test_a_running_container_is_frozen_while_it_is_read(world: World) -> None:
    """It keeps two files equal by writing one after the other; a commit never sees three steps."""
    script = "i=0; while :; do i=$((i+1)); echo $i > /srv/one; echo $i > /srv/two; done"
    made = world.run("work", script)
    upper = world.layout.container(made.id) / "upper"
    until((upper / "srv/two").exists)
    seen = set()
    for dummy in range(5):
        apply(world.layout, task("work"))
        diff = added(world.layout)
        one, two = ((diff / "srv" / name).read_text() for name in ("one", "two"))
        # Frozen in between, the second is one behind, or just being written.
        assert two == "" or one == "" or int(one) - int(two) in (0, 1)
        seen.add(one)
    assert len(seen) > 1
    count = (upper / "srv/one").read_text()
    until(lambda: (upper / "srv/one").read_text() not in ("", count))


def test_a_container_thaws_when_its_commit_fails(world: World) -> None:
    made = world.run("work", "echo x > /srv/.wh.x; exec sleep 1000")
    until((world.layout.container(made.id) / "upper/srv/.wh.x").exists)
    with pytest.raises(Error, match=r"\.wh\.x"):
        apply(world.layout, task("work"))
    host = Host(world.layout)
    with pytest.raises(Error, match=r"\.wh\.x"):
        commit.Commit(commit.declare({"container": "work", "name": NAME}), "").execute(host)
    state = oci_runtime.state(oci_runtime.choose(world.layout), made.id)
    assert state is not None
    assert state["status"] == "running"


def test_a_paused_container_stays_paused(world: World) -> None:
    made = world.run("work")
    runtime = oci_runtime.choose(world.layout)
    oci_runtime.pause(runtime, made.id)
    try:
        apply(world.layout, task("work"))
        state = oci_runtime.state(runtime, made.id)
        assert state is not None
        assert state["status"] == "paused"
    finally:
        oci_runtime.resume(runtime, made.id)


def test_without_pause_it_runs_on(world: World) -> None:
    world.run("work")
    assert apply(world.layout, task("work", pause=False))[0].changed is True


def test_an_image_outlives_its_name_while_a_container_stands_on_it(world: World) -> None:
    layout = world.layout
    changed_by(world, "echo new > /srv/page")
    remove = {"name": "busybox:1"}
    with pytest.raises(Error, match="is used by container work"):
        apply(layout, Task(image_remove.declare, image_remove.RESOURCE, remove))
    forced = Task(image_remove.declare, image_remove.RESOURCE, {**remove, "force_absent": True})
    assert apply(layout, forced)[0].changed is True
    assert store.find(layout, "busybox:1") is None
    assert apply(layout, task("work"))[0].changed is True
    actions.remove(world.host, container_record.identify(layout, "work"))
    for image in store.all_images(layout):
        gone = {"name": image.id, "force_absent": True}
        apply(layout, Task(image_remove.declare, image_remove.RESOURCE, gone))
    assert (os.listdir(layout.layers), os.listdir(layout.blobs)) == ([], [])


def test_umoci_reads_what_was_committed(world: World, tmp_path: Path) -> None:
    """The other tools' reading of our layer: whiteouts, links, owners."""
    changed_by(
        world, "echo new > /srv/page; chown 33:33 /srv/page; rm -r /var; ln /srv/page /srv/q"
    )
    apply(world.layout, task("work"))
    images.skopeo_copy(
        f"oci:{world.layout.images}:docker.io/library/{NAME}", f"oci:{tmp_path}/out:1"
    )
    subprocess.run(
        ["umoci", "raw", "unpack", "--image", f"{tmp_path}/out:1", str(tmp_path / "root")],
        check=True,
        capture_output=True,
    )
    page = (tmp_path / "root/srv/page").stat()
    assert (page.st_uid, page.st_gid, page.st_nlink) == (33, 33, 2)
    assert not (tmp_path / "root/var").exists()
    assert (tmp_path / "root/bin/busybox").exists()


def test_a_play_is_predicted(world: World, registry: Registry) -> None:
    """The container exists; and one that an earlier task of the run would make."""
    layout = world.layout
    changed_by(world, "echo new > /srv/page")
    name = f"{registry.host}/{NAME}"
    push = Task(image_push.declare, image_push.RESOURCE, {"name": name})
    assert_play_is_predicted(layout, [task("work", name=name), push, task("work", name=name), push])
    assert_play_is_predicted(layout, [task("work", name=name), push])
    spec = json.loads(json.dumps(document.to_json(world.spec("later"))))
    predicted: dict[str, dict[str, Any]] = {
        "container": {"later": {"spec": spec, "running": True, "id": ""}}
    }
    other = f"{registry.host}/later:1"
    play = [task("later", name=other), task("later", name=other)]
    play += [Task(image_push.declare, image_push.RESOURCE, {"name": other})] * 2
    foretold = [check(layout, one, predicted) for one in play]
    changed_by(world, "echo later > /srv/page", "later")
    assert foretold == [apply(layout, one)[0] for one in play]


def test_what_cannot_be_committed(world: World) -> None:
    with pytest.raises(Error, match='Could not find container "nobody"'):
        apply(world.layout, task("nobody"))
    assert check(world.layout, task("nobody"), {}).changed is True
    world.create("work")
    for options in ({"name": "UPPER"}, {"changes": ["RUN x"]}, {"name": "a@sha256:" + "0" * 64}):
        with pytest.raises(Error):
            apply(world.layout, task("work", **options))
