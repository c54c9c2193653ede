# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Images that a Compose project builds with what only builds have: secrets, contexts, names."""

from __future__ import annotations

import json
from pathlib import Path

from support.composing import compose
from support.containers import World
from support.converging import apply, check

CANARY = "canary-of-builds-77"

SHOP = """
services:
  web:
    image: made:1
    build:
      dockerfile_inline: |
        FROM busybox:1 AS base
        ARG GREETING
        RUN --mount=type=secret,id=token grep -q builds-77 /run/secrets/token
        RUN --mount=type=secret,id=key cp /run/secrets/key /tmp/key && wc -c </tmp/key >/size
        RUN echo "$$GREETING $$(ulimit -n)" >/greeting && grep other /etc/hosts >/hosts
        COPY --from=more file /file
        FROM base AS unwanted
        RUN false
      target: base
      args: [GREETING=hello, NOT_SET]
      labels: ["a=b"]
      tags: ["made:latest", "made:other"]
      network: none
      extra_hosts: ["other=10.1.2.3"]
      ulimits: {nofile: {soft: 77, hard: 99}}
      shm_size: 32m
      additional_contexts: {more: ./more}
      secrets: [token, {source: file, target: key}]
      cache_from: ["type=local,src=./none"]
    command: sleep 1000
    stop_signal: KILL
    network_mode: none
secrets:
  token: {environment: TOKEN}
  file: {file: ./key.txt}
"""


def test_a_build(world: World, tmp_path: Path) -> None:
    (tmp_path / "more").mkdir()
    (tmp_path / "more" / "file").write_text("of another context")
    (tmp_path / "key.txt").write_text("12345")
    given = {"around": {"TOKEN": CANARY}}
    task = compose(world.layout, tmp_path, SHOP, **given)
    foretold = check(world.layout, task, {})
    done, told = apply(world.layout, task)
    assert done == foretold and CANARY not in str((done, told))
    again, dummy = apply(world.layout, task)
    assert (again.changed, again.actions) == (False, ())

    def inside(*command: str) -> str:
        return world.slipway("exec", "shop-web-1", *command).stdout.decode()

    assert inside("cat", "/greeting", "/size", "/file") == "hello 77\n5\nof another context"
    assert inside("cat", "/hosts").split() == ["10.1.2.3", "other"]
    images = [
        json.loads(world.slipway("image", "inspect", name).stdout)[0]
        for name in ("made:1", "made:latest", "made:other")
    ]
    assert len({one["Id"] for one in images}) == 1
    assert images[0]["Config"]["Labels"]["a"] == "b"
    assert CANARY not in json.dumps(images)

    # Another file of a context is built again where that is asked for, and only there.
    (tmp_path / "more" / "file").write_text("changed")
    same, dummy = apply(world.layout, compose(world.layout, tmp_path, **given))
    assert not same.changed
    anew, dummy = apply(world.layout, compose(world.layout, tmp_path, build="always", **given))
    assert anew.changed and inside("cat", "/file") == "changed"


CHAIN = """
services:
  web:
    build:
      additional_contexts: {base: "service:base"}
      dockerfile_inline: |
        FROM base
        COPY --from=base /word /copied
    command: sleep 1000
    stop_signal: KILL
    network_mode: none
  base:
    build: {context: ., args: [WORD=one]}
    scale: 0
"""


def test_a_build_of_the_image_of_another_service(world: World, tmp_path: Path) -> None:
    (tmp_path / "Dockerfile").write_text("FROM busybox:1\nARG WORD\nRUN echo $WORD >/word\n")
    # What only one service needs is built for it.
    task = compose(world.layout, tmp_path, CHAIN, services=["web"])
    foretold = check(world.layout, task, {})
    done, dummy = apply(world.layout, task)
    assert done == foretold
    builds = [action for action in done.actions if action.startswith("build")]
    assert [action.split()[-1].rpartition("/")[2] for action in builds] == [
        "shop-base:latest", "shop-web:latest"
    ]  # fmt: skip

    def word() -> str:
        return world.slipway("exec", "shop-web-1", "cat", "/copied").stdout.decode()

    assert word() == "one\n"
    assert check(world.layout, compose(world.layout, tmp_path), {}).actions == ()
    text = CHAIN.replace("WORD=one", "WORD=two")
    anew = compose(world.layout, tmp_path, text, build="always")
    foretold = check(world.layout, anew, {})
    done, dummy = apply(world.layout, anew)
    assert done == foretold and word() == "two\n"
    assert not apply(world.layout, anew)[0].changed
