# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""SIGKILL at every point of what is done to images (R1)."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import pytest
from support.builds import building
from support.containers import World, until
from support.declaring import acting, isolated
from support.inputs import images
from support.servers.registry import Registry

from .. import tasks
from ..scene import Scene, perform, play

FILES: dict[str, building.File] = {
    "Dockerfile": """
        FROM busybox:1 AS maker
        COPY f /made/
        RUN --mount=type=cache,target=/k cp /made/f /k/f && cp /k/f /made/g
        FROM busybox:1
        COPY --from=maker /made /made
        CMD ["true"]
    """,
    "f": "content",
}


@dataclass(frozen=True)
class Sources:
    """Where images come from: a name in a registry, an archive, a root filesystem, a context."""

    remote: str
    archive: str
    tar: str
    context: str


@pytest.fixture(scope="module")
def sources(registry: Registry, sandbox: Path) -> Sources:
    directory = sandbox / "killed"
    tars = [
        images.tar({"large": bytes(range(256)) * 4096, "keep": None}, modes={"keep": 0o1777}),
        images.tar({"small": b"x" * 70_000, "keep/here": b"x"}),
        images.tar({"other": b"y" * 70_000, ".wh.small": b""}),
    ]
    images.oci_layout(directory, tars, {"Cmd": ["sh"]})
    remote = f"{registry.host}/killed:1"
    images.skopeo_copy(f"oci:{directory}:latest", f"docker://{remote}")
    archive = sandbox / "killed.tar"
    # Of another module with these sources; an archive is not written twice.
    archive.unlink(missing_ok=True)
    images.skopeo_copy(f"oci:{directory}:latest", f"docker-archive:{archive}:loaded:1")
    tar = sandbox / "rootfs.tar"
    tar.write_bytes(tars[0])
    context = building.fill(sandbox / "context", FILES)
    return Sources(remote, str(archive), str(tar), str(context))


def changed(world: World) -> None:
    """A container web that runs and has changed a file."""
    perform(world.layout, isolated("web", command=["sh", "-c", "echo a >/a; exec sleep 1000"]))
    found = world.current(world.slipway("ps", "-q", "--no-trunc").stdout.decode().strip())
    until((world.layout.container(found.id) / "upper" / "a").exists)


def moves(world: World) -> None:
    """The container is not frozen."""
    listed = world.slipway("ps", "--format", "{{.Status}}").stdout.decode()
    assert "Paused" not in listed, listed


def scenes(given: Sources) -> list[Scene]:
    everything = tasks.prune(images=True, builder_cache=True)
    return [
        Scene(
            "pull", lambda world: tasks.pull(given.remote),
            lambda world: [tasks.untag(given.remote), everything],
        ),
        Scene(
            "load", lambda world: tasks.load(given.archive),
            lambda world: [tasks.untag("loaded:1"), everything],
        ),
        Scene(
            "import", lambda world: tasks.import_("made", given.tar),
            lambda world: [tasks.untag("made:1"), everything],
        ),
        Scene(
            "tag", lambda world: tasks.tag("busybox:1", "other:1", "third:1"),
            lambda world: [tasks.untag("other:1"), tasks.untag("third:1")],
        ),
        Scene(
            "remove image", lambda world: tasks.untag("made:1"),
            lambda world: [everything],
            before=lambda world: perform(world.layout, tasks.import_("made", given.tar)),
        ),
        Scene(
            "commit", lambda world: tasks.commit("web", "made:1"),
            lambda world: [acting("web", state="absent"), tasks.untag("made:1"), everything],
            before=changed, proves=moves,
        ),
        Scene(
            "build", lambda world: tasks.build("made:1", given.context),
            lambda world: [tasks.untag("made:1"), everything],
        ),
    ]  # fmt: skip


NAMES = ["pull", "load", "import", "tag", "remove image", "commit", "build"]


@pytest.mark.parametrize("name", NAMES)
def test_killed(world: World, tmp_path: Path, sources: Sources, name: str) -> None:
    play(world, {scene.name: scene for scene in scenes(sources)}[name], tmp_path / "log")
