# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Building as a task: when there is something to do, what check mode says of it, and outputs."""

from __future__ import annotations

import os
import shutil
import tarfile
import time
from pathlib import Path
from typing import Any

import pytest
from support.builds.building import fill
from support.containers import World
from support.converging import Task, apply, assert_play_is_predicted, check

from ansible_collections.slipway.engine.plugins.module_utils._runtime.base import files
from ansible_collections.slipway.engine.plugins.module_utils._runtime.base.errors import Error
from ansible_collections.slipway.engine.plugins.module_utils._runtime.base.layout import Layout
from ansible_collections.slipway.engine.plugins.module_utils._runtime.build import pruning
from ansible_collections.slipway.engine.plugins.module_utils._runtime.image.store import store
from ansible_collections.slipway.engine.plugins.module_utils._runtime.plan.plan import Host
from ansible_collections.slipway.engine.plugins.module_utils._runtime.program import zipapp
from ansible_collections.slipway.engine.plugins.module_utils._runtime.records import (
    container_record,
)
from ansible_collections.slipway.engine.plugins.module_utils._runtime.resource import prune
from ansible_collections.slipway.engine.plugins.module_utils._runtime.resource.image import (
    image,
    image_build,
)
from ansible_collections.slipway.engine.plugins.module_utils._runtime.resource.image.files import (
    image_export,
    image_load,
)

FILES = {
    "Dockerfile": """
        FROM busybox:1
        ARG V
        COPY src /src
        RUN echo "$V" > /version
    """,
    ".dockerignore": "src/ignored",
    "src/a": "a",
    "src/ignored": "1",
    "README": "not copied",
}


def task(context: Path, **options: Any) -> Task:
    params = {"name": "made:1", "path": str(context), **options}
    return Task(image_build.declare, image_build.RESOURCE, params)


def reasons(world: World, what: Task) -> tuple[str, ...]:
    """Why a task would build."""
    host = Host(world.layout)
    declared = what.declare(what.params)
    return what.resource.plan(declared, what.resource.observe(host, declared)).reasons


def test_only_what_would_be_another_image_is_built(world: World, tmp_path: Path) -> None:
    context = fill(tmp_path / "context", FILES)
    assert_play_is_predicted(world.layout, [task(context), task(context)])
    same = task(context)
    assert not apply(world.layout, same)[0].changed

    fill(context, {"README": "other", "src/ignored": "2"})
    assert reasons(world, same) == ()
    # Another way to write what is the same.
    fill(context, {"Dockerfile": FILES["Dockerfile"].replace("COPY src", "# why\ncopy src")})
    assert reasons(world, same) == ()

    fill(context, {"src/a": "other", "src/new": "new"})
    assert reasons(world, same) == ("the file src/a changed", "the file src/new is new")
    assert check(world.layout, same, {}).changed
    assert apply(world.layout, same)[0].changed
    assert reasons(world, same) == ()

    (context / "src" / "new").unlink()
    (context / "src" / "a").chmod(0o600)
    assert reasons(world, same) == ("the file src/a changed", "the file src/new is gone")
    apply(world.layout, same)
    assert reasons(world, task(context, args={"V": "1"})) == ("the argument V is new",)
    assert reasons(world, task(context, args={"NONE": "1"})) == ()
    assert reasons(world, task(context, labels={"l": "1"})) == ("the label l is new",)
    assert reasons(world, task(context, rebuild="always")) == ("rebuild is always",)
    assert reasons(world, task(context, rebuild="never", args={"V": "2"})) == ()
    fill(context, {"Dockerfile": FILES["Dockerfile"] + "USER 1\n"})
    assert reasons(world, same) == ("the Dockerfile changed",)


def test_another_base_is_a_reason(world: World, tmp_path: Path, busybox_tar: Path) -> None:
    context = fill(tmp_path / "context", FILES)
    apply(world.layout, task(context))
    world.add_image("busybox", busybox_tar, "ENV A=1")
    why = ("the image busybox:1 changed",)
    assert reasons(world, task(context)) == why
    assert apply(world.layout, task(context))[0].changed
    assert reasons(world, task(context)) == ()


def test_a_play_of_builds_is_predicted(world: World, tmp_path: Path) -> None:
    first = fill(tmp_path / "first", {"Dockerfile": "FROM busybox:1\nRUN echo 1 > /1\n"})
    second = fill(tmp_path / "second", {"Dockerfile": "FROM made:1\nRUN echo 2 > /2\n"})
    then = task(second, name="second:1")
    assert_play_is_predicted(world.layout, [task(first), then, task(first), then])
    found = store.find(world.layout, "second:1")
    assert found is not None
    assert len(found.layers) == 3


def test_what_cannot_be_built_is_said_before_anything_is_done(world: World, tmp_path: Path) -> None:
    context = fill(tmp_path / "context", {"Dockerfile": "FROM busybox:1\nRNU x\n"})
    with pytest.raises(Error, match=r"Dockerfile:2: .*RNU; did you mean RUN"):
        check(world.layout, task(context), {})
    fill(context, {"Dockerfile": "FROM busybox:1\nCOPY none /\n"})
    with pytest.raises(Error, match="there is no none in the context"):
        apply(world.layout, task(context))
    for options, why in (
        ({"platform": ["linux/amd64", "linux/arm64"]}, "one platform at a time"),
        ({"container_limits": {"memory": "4KB"}}, "Minimum memory limit allowed is 6MB"),
        ({"name": "a@sha256:" + "0" * 64}, "digest"),
        ({"contexts": {"x": "https://example.com/x.tar"}}, "not supported"),
    ):
        with pytest.raises(Error, match=why):
            check(world.layout, task(context, **options), {})


def test_outputs(world: World, tmp_path: Path) -> None:
    context = fill(tmp_path / "context", {"Dockerfile": "FROM scratch\nCOPY f /\n", "f": "1"})
    outputs = [
        {"type": "local", "dest": str(tmp_path / "local")},
        {"type": "tar", "dest": str(tmp_path / "files.tar")},
        {"type": "image", "name": ["made:other"]},
    ]
    what = task(context, outputs=outputs)
    assert_play_is_predicted(world.layout, [what, what])
    assert (tmp_path / "local" / "f").read_text() == "1"
    with tarfile.open(tmp_path / "files.tar") as made:
        assert made.getnames() == ["f"]
    assert store.find(world.layout, "made:other") == store.find(world.layout, "made:1")
    assert not apply(world.layout, what)[0].changed
    (tmp_path / "files.tar").unlink()
    shutil.rmtree(tmp_path / "local")
    done = apply(world.layout, what)[0]
    assert len(done.actions) == 2
    archive = task(context, outputs=[{"type": "docker", "dest": str(tmp_path / "image.tar")}])
    assert apply(world.layout, archive)[0].changed
    assert not apply(world.layout, archive)[0].changed
    fill(context, {"f": "2"})
    apply(world.layout, what)
    assert (tmp_path / "local" / "f").read_text() == "2"


def test_the_module_image_builds(world: World, tmp_path: Path) -> None:
    context = fill(tmp_path / "context", FILES)
    params = {"name": "made:1", "source": "build", "build": {"path": str(context)}}
    what = Task(image.declare, image.RESOURCE, params)
    assert_play_is_predicted(world.layout, [what, what])
    fill(context, {"src/a": "2"})
    assert not check(world.layout, what, {}).changed
    forced = Task(image.declare, image.RESOURCE, {**params, "force_source": True})
    outcome, result = apply(world.layout, forced)
    assert outcome.changed
    assert "FROM busybox:1" in result["stdout"]
    assert not apply(world.layout, forced)[0].changed


#: Whatever has a time or an order: stages side by side, archives, directories that are made.
REPEATED = {
    "Dockerfile": """
        FROM busybox:1 AS one
        WORKDIR /deep/er
        RUN mkdir z a && touch z/1 a/1 && ln z/1 hard && date > /dev/null
        FROM busybox:1 AS two
        ADD archive.tar /unpacked
        RUN touch -d 2001-01-01 /old && touch /new
        FROM busybox:1
        ARG V
        COPY src /src
        COPY --from=one /deep /deep
        COPY --link --from=two /new /unpacked /two/
        COPY --chmod=600 <<X /doc
        text
        X
        RUN echo "$V" > /version
        LABEL b=1 a=2
    """.replace("        ", ""),
    ".dockerignore": "src/ignored",
    "src/z": "z",
    "src/a": "a",
    "src/d/e": "e",
}


def test_the_same_image_on_two_hosts(
    world: World, sandbox: Path, busybox_tar: Path, tmp_path: Path
) -> None:
    other = Layout(tmp_path / "root", tmp_path / "run", tmp_path / "etc")
    files.prepare(other)
    zipapp.install(other)
    base = str(tmp_path / "base.tar")
    exported = {"names": ["busybox:1"], "path": base, "format": "oci"}
    apply(world.layout, Task(image_export.declare, image_export.RESOURCE, exported))
    apply(other, Task(image_load.declare, image_load.RESOURCE, {"path": base}))
    digests = []
    for number, layout in enumerate((world.layout, other)):
        names = sorted(REPEATED, reverse=bool(number))
        context = fill(tmp_path / str(number), {name: REPEATED[name] for name in names})
        fill(context, {"src/ignored": str(number)})
        with tarfile.open(context / "archive.tar", "w") as tar:
            for name in ("f", "d/g"):
                info = tarfile.TarInfo(name)
                info.mtime = 1_000_000_000
                tar.addfile(info)
        for path in context.rglob("*"):
            os.utime(path, (number * 100, number * 100))
        # With the same options, but without a time of its own, each host has another image.
        made = []
        for epoch in (1_000_000, None):
            options = {"source_date_epoch": epoch, "args": {"V": "1"}, "network": "none"}
            apply(layout, task(context, **options))
            found = store.find(layout, "made:1")
            assert found is not None
            made.append((found.manifest.digest, found.config["created"]))
        digests.append(made)
        # The next host is built on in another second.
        time.sleep(1.1)
    assert digests[0][0] == digests[1][0]
    assert digests[0][0][1] == "1970-01-12T13:46:40Z"
    assert digests[0][1] != digests[1][1]
    assert container_record.all_ids(other) == []


def test_what_builds_keep_is_pruned(world: World, tmp_path: Path) -> None:
    context = fill(tmp_path / "context", FILES)
    apply(world.layout, task(context))
    params = {"builder_cache": True, "builder_cache_filters": {"until": "1h"}}
    young = Task(prune.declare, prune.RESOURCE, params)
    assert not apply(world.layout, young)[0].changed
    roomy = {"builder_cache": True, "builder_cache_keep_storage": "1G"}
    assert not apply(world.layout, Task(prune.declare, prune.RESOURCE, roomy))[0].changed
    everything = Task(prune.declare, prune.RESOURCE, {"builder_cache": True, "images": True})
    assert check(world.layout, everything, {}).changed
    outcome, result = apply(world.layout, everything)
    assert outcome.changed
    assert len(result["builder_cache_caches_deleted"]) == 2
    assert result["builder_cache_space_reclaimed"] > 0
    assert not apply(world.layout, everything)[0].changed
    # The image stands, and what it was built from is still known.
    assert not apply(world.layout, task(context))[0].changed


def test_what_builds_used_last_is_spared(world: World, tmp_path: Path) -> None:
    """The oldest goes first, until what stays has the size that may stay."""
    apply(world.layout, task(fill(tmp_path / "context", FILES)))
    for age, one in enumerate(pruning.found(world.layout), 1):
        os.utime(world.layout.build / "steps" / f"{one.name}.json", (age, age))
    old, new = sorted(pruning.found(world.layout), key=lambda one: one.used)

    def pruned(keep: Any) -> Any:
        params = {"builder_cache": True, "builder_cache_keep_storage": keep}
        assert_play_is_predicted(world.layout, [Task(prune.declare, prune.RESOURCE, params)])
        return {one.name for one in (old, new)} - {one.name for one in pruning.found(world.layout)}

    assert pruned("1G") == set()
    assert pruned(str(old.size + new.size)) == set()
    assert pruned(f"{old.size + new.size - 1}b") == {old.name}
    with pytest.raises(Error, match="builder_cache_keep_storage: 'much' is not valid"):
        pruned("much")
    assert pruned("1B") == {old.name, new.name}
