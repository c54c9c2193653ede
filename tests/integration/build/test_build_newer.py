# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What newer Dockerfiles say: secrets as variables, symbolic modes, links, and layouts."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest
from support.builds.building import build, fill
from support.containers import World
from support.converging import Task, apply, check

from ansible_collections.slipway.engine.plugins.module_utils._runtime.base.errors import Error
from ansible_collections.slipway.engine.plugins.module_utils._runtime.build.asked.request import (
    Secret,
)
from ansible_collections.slipway.engine.plugins.module_utils._runtime.program import zipapp
from ansible_collections.slipway.engine.plugins.module_utils._runtime.resource.image import (
    image_build,
)

CANARY = "canary-e7b1"
SECRETS = (Secret("t", value=CANARY.encode()),)


def files_with(text: str, *directories: Path) -> list[str]:
    """The files that hold a text."""
    done = subprocess.run(
        ["grep", "-rlF", text, *map(str, directories)],
        stdout=subprocess.PIPE,
        check=False,
        timeout=60,
    )
    return done.stdout.decode().splitlines()


def test_a_secret_is_a_variable_of_one_command(world: World) -> None:
    layout = world.layout
    text = """FROM busybox:1
ENV TOKEN=of-the-image
RUN --mount=type=secret,id=t,env=TOKEN printf %s "$TOKEN" | wc -c > /size && echo runs && \\
    test ! -e /run/secrets/t && test "$(id -u)" = 0
RUN --mount=type=secret,id=t,env=T,target=/t test "$(cat /t)" = "$T"
RUN echo "$TOKEN$T" > /after
RUN --mount=type=secret,id=none,env=NONE test -z "${NONE+set}"
"""
    durable: list[list[str]] = []

    def look(line: str) -> None:
        if line.endswith("| runs"):
            durable.append(files_with(CANARY, layout.root))

    made = build(layout, None, text, look, secrets=SECRETS)
    tree = made.tree()
    assert (tree["size"], tree["after"]) == (f"{len(CANARY)}\n", "of-the-image\n")
    assert durable == [[]]
    assert files_with(CANARY, layout.root, layout.run) == []
    assert CANARY not in "\n".join(made.said)
    assert build(layout, None, text, secrets=SECRETS).built.ran == 0
    for value, why in ((b"\xff", "is not text"), (b"a\0b", "null byte")):
        lines = "FROM busybox:1\nRUN --mount=type=secret,id=t,env=T echo $T\n"
        with pytest.raises(Error, match=why):
            build(layout, None, lines, secrets=(Secret("t", value=value),))
    with pytest.raises(Error, match="needs the secret z"):
        lines = "FROM busybox:1\nRUN --mount=type=secret,id=z,env=T,required=true true\n"
        build(layout, None, lines)


def test_symbolic_modes(world: World, tmp_path: Path) -> None:
    lines = [
        "FROM scratch",
        "ARG MODE=u=rwX,go=rX",
        "COPY --chmod=$MODE d /d",
        "COPY --chmod=+x d/plain /one",
        "COPY --chmod=a-w <<X /doc",
        "x",
        "X",
        "ADD --chmod=0600 d/run /run",
    ]
    files = {"Dockerfile": "\n".join(lines), "d/plain": "p", "d/run": "r", "d/in/er": "e"}
    context = fill(tmp_path / "context", files)
    for name, mode in (("plain", 0o600), ("run", 0o700), ("in", 0o700)):
        (context / "d" / name).chmod(mode)
    made = build(world.layout, context)
    found = {
        name: oct(made.path(name).stat().st_mode & 0o7777)
        for name in ("d", "d/plain", "d/run", "d/in", "one", "doc", "run")
    }
    assert found == {
        "d": "0o755",
        "d/plain": "0o644",
        "d/run": "0o755",
        "d/in": "0o755",
        "one": "0o711",
        "doc": "0o444",
        "run": "0o600",
    }
    with pytest.raises(Error, match=r"Dockerfile:3: COPY --chmod=u\+y is not a mode"):
        build(world.layout, context, "FROM scratch\nARG M=u+y\nCOPY --chmod=$M d /d\n")


def test_a_link_copy_does_not_see_what_is_below(world: World, tmp_path: Path) -> None:
    text = (
        "FROM busybox:1\n"
        "RUN echo {0} > /below && mkdir /real && ln -s /real /way && ln -s /real/f /file\n"
        "COPY {1} f /way/f\n"
        "COPY {1} f /file\n"
        "COPY {1} --chown=www-data:www-data f /new/deep/f\n"
    )
    context = fill(tmp_path / "context", {"f": "content"})
    plain = build(world.layout, context, text.format("one", "")).tree()
    assert (plain["way"], plain["real/f"], plain["file"]) == ("->/real", "content", "->/real/f")
    linked = build(world.layout, context, text.format("one", "--link"))
    tree = linked.tree()
    assert (tree["way"], tree["way/f"], tree["file"]) == ("/", "content", "content")
    assert "real/f" not in tree
    assert linked.path("new/deep/f").stat().st_uid == 33
    # On top of something else they are the same layers, and nothing is copied again.
    other = build(world.layout, context, text.format("other", "--link"))
    assert (other.built.ran, other.built.cached) == (1, 3)
    assert other.image.layers[-3:] == linked.image.layers[-3:]
    assert other.tree() == {**tree, "below": "other\n"}
    assert build(world.layout, context, text.format("other", "")).built.cached == 1
    # A container sees what the layers say.
    world.slipway("tag", other.built.id, "linked")
    said = world.slipway("run", "--rm", "linked", "cat", "/way/f", "/file", "/new/deep/f")
    assert said.stdout == b"content" * 3


def layout_of(world: World, directory: Path, *names: str) -> Path:
    """An image layout with an image of its own under each name, or one without a name."""
    listed = []
    for name in names or ("",):
        archive = directory.parent / "archive.tar"
        text = f"FROM busybox:1\nRUN echo {name or 'alone'} > /f\n"
        subprocess.run(
            ["/usr/bin/python3", str(zipapp.program(world.layout)), "build", "-t", "made", "-o",
             f"type=oci,dest={archive}", "-"],
            input=text.encode(),
            check=True,
            capture_output=True,
            timeout=120,
        )  # fmt: skip
        directory.mkdir(exist_ok=True)
        subprocess.run(["tar", "-xf", archive, "-C", directory], check=True, timeout=60)
        [entry] = json.loads((directory / "index.json").read_text())["manifests"]
        said = {"org.opencontainers.image.ref.name": name} if name else {}
        listed.append({**entry, "annotations": said})
    index = {"schemaVersion": 2, "manifests": listed}
    (directory / "index.json").write_text(json.dumps(index))
    world.slipway("rmi", "made")
    world.slipway("builder", "prune", "-f")
    return directory


def test_a_context_is_an_image_layout(world: World, tmp_path: Path) -> None:
    alone = layout_of(world, tmp_path / "alone")
    several = layout_of(world, tmp_path / "several", "one", "latest", "shop/web:two")
    text = "FROM base\nCOPY --from=other /f /other\n"
    digest = json.loads((several / "index.json").read_text())["manifests"][0]["digest"]
    for where, wanted in (
        (f"{several}:one", "one"),
        (f"{several}", "latest"),
        (f"{several}:two", "shop/web:two"),
        (f"{several}@{digest}", "one"),
    ):
        contexts = {"base": f"oci-layout://{where}", "other": f"oci-layout://{alone}"}
        made = build(world.layout, None, text, contexts=contexts)
        assert (made.tree()["f"], made.tree()["other"]) == (f"{wanted}\n", "alone\n")
    for where, why in (
        (f"{several}:none", "the layout has no image none; it has latest, one"),
        (f"{tmp_path}/none", "is not a directory on this host"),
        (f"{tmp_path}", "is not an image layout"),
    ):
        with pytest.raises(Error, match=why):
            build(world.layout, None, "FROM base\n", contexts={"base": f"oci-layout://{where}"})


def test_another_image_in_a_layout_is_a_reason(world: World, tmp_path: Path) -> None:
    base = layout_of(world, tmp_path / "base")
    context = fill(tmp_path / "context", {"Dockerfile": "FROM base\nRUN cat /f > /g\n"})
    params = {
        "name": "built",
        "path": str(context),
        "contexts": {"base": f"oci-layout://{base}"},
    }
    task = Task(image_build.declare, image_build.RESOURCE, params)
    assert check(world.layout, task, {}).changed
    assert apply(world.layout, task)[0].changed
    assert not apply(world.layout, task)[0].changed
    layout_of(world, base, "other")
    assert check(world.layout, task, {}).changed
    assert apply(world.layout, task)[0].changed
    assert not apply(world.layout, task)[0].changed
