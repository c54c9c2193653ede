# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Caches of builds that hosts share, in a real registry and in directories."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest
from support.builds.building import Outcome, build, fill
from support.composing import compose
from support.containers import World
from support.converging import Task, apply, check
from support.servers.registry import Registry

from ansible_collections.slipway.engine.plugins.module_utils._runtime.base.errors import Error
from ansible_collections.slipway.engine.plugins.module_utils._runtime.base.frozen import replace
from ansible_collections.slipway.engine.plugins.module_utils._runtime.build.asked import cache
from ansible_collections.slipway.engine.plugins.module_utils._runtime.build.shared import places
from ansible_collections.slipway.engine.plugins.module_utils._runtime.image.store import (
    index,
    step_cache,
    store,
)
from ansible_collections.slipway.engine.plugins.module_utils._runtime.plan.plan import Host
from ansible_collections.slipway.engine.plugins.module_utils._runtime.resource.image import (
    image_build,
)

TEXT = """FROM busybox:1 AS tools
RUN echo tools >/tool && echo dropped >/dropped
FROM busybox:1
WORKDIR /new
COPY d /d
COPY --link f /linked
RUN true
RUN cat /d/file >/out && chmod 4755 /d/file
COPY --from=tools /tool /tool
"""
FILES = {"d/file": "content", "d/link": "->file", "f": "f"}
#: The steps that write files.
STEPS = 7


class Shared:
    """Builds of hosts that share nothing but a cache: one after the other on this one."""

    def __init__(self, world: World, context: Path) -> None:
        self.world = world
        self.context = context

    def build(self, text: str = TEXT, into: str = "", of: str = "", **options: Any) -> Outcome:
        given = {
            "cache_to": cache.places([into] if into else [], cache.target),
            "cache_from": cache.places([of] if of else [], cache.source),
        }
        return build(self.world.layout, self.context, text, **given, **options)

    def elsewhere(self) -> None:
        """Make this host one that built nothing yet."""
        layout = self.world.layout
        step_cache.forget(layout, step_cache.entries(layout))
        made = {entry.manifest.digest for entry in index.entries(layout)}
        index.forget(layout, made - {self.world.image.manifest.digest})
        store.collect(layout)
        assert len(list(layout.blobs.iterdir())) == 3


@pytest.fixture
def shared(world: World, tmp_path: Path) -> Shared:
    return Shared(world, fill(tmp_path / "context", FILES))


@pytest.mark.parametrize("kind", ["registry", "local"])
def test_what_one_host_ran_another_does_not(
    shared: Shared, registry: Registry, tmp_path: Path, kind: str
) -> None:
    name = f"{registry.host}/shared/{kind}"
    place = f"type=registry,ref={name}" if kind == "registry" else f"type=local,src={tmp_path}/c"
    into = place.replace("src=", "dest=")
    first = shared.build(into=f"{into},mode=max")
    assert (first.built.ran, first.warnings) == (STEPS, [])
    shared.elsewhere()
    second = shared.build(of=place)
    assert (second.built.ran, second.built.cached, second.warnings) == (0, STEPS, [])
    # The same image, and its steps are this host's own now.
    assert second.built.manifest == first.built.manifest and second.tree() == first.tree()
    assert second.path("d/file").stat().st_mode & 0o7777 == 0o4755
    assert shared.build().built.ran == 0

    # What changed is run, and what follows; the rest is not.
    shared.elsewhere()
    (shared.context / "f").write_text("other")
    third = shared.build(of=place)
    assert (third.built.ran, third.tree()["linked"]) == (4, "other")
    # Only the steps of the image, not those of other stages; the file that is copied out of one is
    # a new one then.
    shared.build(into=f"{into},mode=min")
    shared.elsewhere()
    assert shared.build(of=place).built.ran == 2
    shared.elsewhere()
    assert shared.build(of=place, no_cache=True).built.ran == STEPS


def test_other_tools_copy_a_cache(shared: Shared, registry: Registry, tmp_path: Path) -> None:
    name = f"{registry.host}/shared/copied:1"
    made = shared.build(into=f"type=registry,ref={name},mode=max")
    subprocess.run(
        ["skopeo", "copy", "-q", "--src-tls-verify=false", f"docker://{name}", f"oci:{tmp_path}/o"],
        check=True,
        timeout=60,
    )
    shared.elsewhere()
    index = json.loads((tmp_path / "o" / "index.json").read_text())
    digest = index["manifests"][0]["digest"]
    again = shared.build(of=f"type=local,src={tmp_path}/o,digest={digest}")
    assert (again.built.ran, again.built.id) == (0, made.built.id)


def test_a_cache_that_is_of_no_use(shared: Shared, registry: Registry, tmp_path: Path) -> None:
    world, text = shared.world, "FROM busybox:1\nRUN echo x >/x\n"
    host = registry.host
    world.slipway("tag", "busybox:1", f"{host}/shared/image:1")
    world.slipway("push", "-q", f"{host}/shared/image:1")
    quiet = {
        f"{host}/shared/none": "none",
        f"{host}/shared/image:1": "is not a build cache of this engine",
        f"type=local,src={tmp_path}/none": "No such file",
    }
    for place, said in quiet.items():
        shared.elsewhere()
        done = shared.build(text, of=place)
        assert (done.built.ran, done.warnings) == (1, []), place
        assert any("is not used" in line and said in line for line in done.said), done.said
    shared.elsewhere()
    loud = {"127.0.0.1:9/none": "is not used", "type=gha": "type=gha has no effect here"}
    for place, said in loud.items():
        shared.elsewhere()
        done = shared.build(text, of=place)
        assert done.built.ran == 1 and said in done.warnings[0]
    # A step that is here already asks nobody.
    assert shared.build(text, of="127.0.0.1:9/none").warnings == []


def test_a_cache_that_lies(shared: Shared, tmp_path: Path) -> None:
    """A layer under another's digest, or of other content than it says, is never used."""
    text, top = "FROM busybox:1\nRUN echo good >/x\n", tmp_path / "c"
    shared.build(text, into=f"type=local,dest={top}")
    [entry] = json.loads((top / "index.json").read_text())["manifests"]
    manifest = json.loads((top / "blobs/sha256" / entry["digest"][7:]).read_text())
    [layer] = manifest["layers"]
    path = top / "blobs/sha256" / layer["digest"][7:]
    whole = path.read_bytes()
    config = top / "blobs/sha256" / manifest["config"]["digest"][7:]

    def used(said: str) -> None:
        shared.elsewhere()
        done = shared.build(text, of=f"type=local,src={top}")
        assert (done.built.ran, done.tree()["x"]) == (1, "good\n")
        assert any(said in line for line in done.warnings), done.warnings

    path.write_bytes(whole[:-1] + bytes([whole[-1] ^ 1]))
    used("does not match its digest")
    path.unlink()
    path.symlink_to("/etc/hostname")
    used("No such file")
    path.unlink()
    path.write_bytes(whole)
    steps = config.read_text()
    config.write_text(steps.replace('"diff_id":"sha256:', '"diff_id":"sha256:0', 1))
    used("does not match its digest")
    config.write_text(steps)
    assert shared.build(text, of=f"type=local,src={top}").built.ran == 0


def test_a_layer_of_other_content(shared: Shared, registry: Registry) -> None:
    """What a cache says of the content of a layer is looked at before the step is kept."""
    text, name = "FROM busybox:1\nRUN echo good >/x\n", f"{registry.host}/shared/lies"
    shared.build(text)
    layout = shared.world.layout
    [(key, kept)] = step_cache.entries(layout).items()
    shared.elsewhere()
    shared.build("FROM busybox:1\nRUN echo bad >/x\n")
    [(dummy, other)] = step_cache.entries(layout).items()
    forged = replace(kept, layer=other.layer)
    places.write(Host(layout), cache.target(name), {key: forged})
    shared.elsewhere()
    done = shared.build(text, of=name)
    assert (done.built.ran, done.tree()["x"]) == (1, "good\n")
    assert "a step of a shared build cache is not used" in done.warnings[0]


def test_a_cache_that_cannot_be_written(shared: Shared, tmp_path: Path) -> None:
    text = "FROM busybox:1\nRUN echo x >/x\n"
    with pytest.raises(Error, match=r"the image was built, but the build cache .* was not written"):
        shared.build(text, into="127.0.0.1:9/none")
    done = shared.build(text, into="type=registry,ref=127.0.0.1:9/none,ignore-error=true")
    assert done.built.ran == 0 and "was not written" in done.warnings[0]
    with pytest.raises(Error, match="neither empty nor an image layout"):
        shared.build(text, into=f"type=local,dest={fill(tmp_path / 'full', {'a': 'a'})}")


def test_two_caches_in_one_directory(shared: Shared, tmp_path: Path) -> None:
    one, two = (f"FROM busybox:1\nRUN echo {word} >/x\n" for word in ("one", "two"))
    for text, tag in ((one, "one"), (two, "two"), (one, "one")):
        shared.build(text, into=f"type=local,dest={tmp_path}/c,tag={tag}")
    shared.elsewhere()
    place = f"type=local,src={tmp_path}/c,tag="
    assert shared.build(one, of=f"{place}two").built.ran == 1
    shared.elsewhere()
    assert shared.build(one, of=f"{place}one").built.ran == 0
    assert len(json.loads((tmp_path / "c/index.json").read_text())["manifests"]) == 2


def test_tasks_and_commands(shared: Shared, registry: Registry, tmp_path: Path) -> None:
    world, name = shared.world, f"{registry.host}/shared/task"
    (shared.context / "Dockerfile").write_text(TEXT)
    params = {
        "name": "made",
        "path": str(shared.context),
        "cache_from": [name],
        "cache_to": [f"type=registry,ref={name},mode=max"],
    }
    task = Task(image_build.declare, image_build.RESOURCE, params)
    foretold = check(world.layout, task, {})
    done, dummy = apply(world.layout, task)
    assert done == foretold and done.changed
    assert not apply(world.layout, task)[0].changed
    shared.elsewhere()
    made = world.slipway(
        "build", "--cache-from", name, "--cache-to", f"type=local,dest={tmp_path}/c,mode=max",
        str(shared.context),
    )  # fmt: skip
    assert made.stderr.count(b"CACHED") == STEPS and b"exporting the build cache" in made.stderr
    shared.elsewhere()
    (shared.context / "compose.yaml").write_text(
        "services: {web: {build: {context: ., cache_from: ['type=local,src=../c']},"
        " command: sleep 1000, stop_signal: KILL, network_mode: none}}"
    )
    apply(world.layout, compose(world.layout, shared.context))
    steps = list(world.layout.build.glob("steps/*.json"))
    times = {json.loads(step.read_text())["created"] for step in steps}
    first = json.loads((tmp_path / "c/index.json").read_text())["manifests"][0]["digest"]
    manifest = json.loads((tmp_path / "c/blobs/sha256" / first[7:]).read_text())
    config = tmp_path / "c/blobs/sha256" / manifest["config"]["digest"][7:]
    cached = json.loads(config.read_text())["steps"]
    assert len(steps) == STEPS and times == {one["created"] for one in cached.values()}
