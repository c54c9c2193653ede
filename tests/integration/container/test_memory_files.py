# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Secrets and configurations as files in memory: what a container sees, and what it leaves."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from support.containers import World, until
from support.converging import apply, assert_play_is_predicted, check
from support.declaring import acting, task

from ansible_collections.slipway.engine.plugins.module_utils._runtime.base.errors import Error
from ansible_collections.slipway.engine.plugins.module_utils._runtime.container.lifecycle import (
    actions,
)
from ansible_collections.slipway.engine.plugins.module_utils._runtime.records import (
    container_record,
)

SECRET = "correct horse\n"
FILES: dict[str, Any] = {
    "secrets": [
        {"name": "password", "content": SECRET, "uid": 7, "gid": 8},
        {"name": "key", "content": "AP8=", "content_is_b64": True, "target": "/srv/keys/one",
         "mode": "0440"},
    ],
    "configs": [{"name": "app.conf", "content": "a = 1\n", "target": "/etc/app/app.conf"}],
}  # fmt: skip


def inside(world: World, script: str) -> str:
    return world.slipway("exec", "web", "sh", "-c", script).stdout.decode(errors="surrogateescape")


def files_left(world: World) -> list[str]:
    """Where the secret lies below the directory of the run time."""
    found = []
    for path in world.layout.run.rglob("*"):
        if path.is_file() and not path.is_symlink() and SECRET.encode() in path.read_bytes():
            found.append(str(path))
    return found


def test_files_are_there_as_asked(world: World) -> None:
    assert_play_is_predicted(world.layout, [task("web", **FILES)])
    assert inside(world, "cat /run/secrets/password") == SECRET
    assert inside(world, "cat /srv/keys/one") == "\0\udcff"
    assert inside(world, "cat /etc/app/app.conf") == "a = 1\n"
    shown = inside(
        world, "stat -c '%a %u %g' /run/secrets/password /srv/keys/one /etc/app/app.conf"
    )
    assert shown.splitlines() == ["400 7 8", "440 0 0", "444 0 0"]
    # In memory, and not to be changed, whatever the image's root may do.
    assert "tmpfs /run/secrets/password tmpfs ro," in inside(world, "cat /proc/mounts")
    assert (
        "Read-only" in inside(world, "echo x >/run/secrets/password 2>&1 || :")
        or inside(world, "cat /run/secrets/password") == SECRET
    )
    shown = world.slipway("inspect", "web").stdout.decode()
    assert "horse" not in shown and "horse" not in inside(world, "env; cat /proc/1/cmdline")


def test_they_come_back_with_the_container_and_go_with_it(world: World) -> None:
    apply(world.layout, task("web", **FILES))
    web = container_record.by_name(world.layout, "web")
    assert len(files_left(world)) == 1
    actions.stop(world.host, web, timeout_s=0)
    until(lambda: world.current(web).phase == "exited")
    assert not files_left(world)
    actions.start(world.host, web)
    assert inside(world, "cat /run/secrets/password") == SECRET
    apply(world.layout, acting("web", state="absent", force_kill=True))
    assert not files_left(world)
    kept = [path for path in world.layout.root.rglob("*") if path.is_file() and holds(path)]
    assert not kept


def holds(path: Path) -> bool:
    return b"correct horse" in path.read_bytes()


def test_what_changes_is_seen_and_not_shown(world: World) -> None:
    apply(world.layout, task("web", **FILES))
    first = container_record.by_name(world.layout, "web")
    other = [{**FILES["secrets"][0], "content": "battery staple"}, FILES["secrets"][1]]
    changed = task("web", **{**FILES, "secrets": other})
    foretold = check(world.layout, changed, {})
    done = apply(world.layout, changed)[0]
    assert foretold == done and done.changed
    assert "secrets" in json.dumps(done.actions)
    assert "horse" not in repr(done) and "staple" not in repr(done)
    assert container_record.by_name(world.layout, "web") != first
    assert inside(world, "cat /run/secrets/password") == "battery staple"
    assert not apply(world.layout, changed)[0].changed


def test_a_commit_has_none_of_them(world: World) -> None:
    apply(world.layout, task("web", **FILES))
    inside(world, "echo kept >/srv/page")
    world.slipway("commit", "web", "kept:1")
    made = world.slipway("run", "--rm", "kept:1", "sh", "-c", "cat /srv/page /run/secrets/password")
    assert made.stdout == b"kept\n"


@pytest.mark.parametrize("option", ["volumes", "configs"])
def test_one_place_is_for_one_thing(world: World, option: str) -> None:
    target = "/run/secrets/password"
    value = (
        [f"data:{target}"] if option == "volumes" else [{**FILES["configs"][0], "target": target}]
    )
    with pytest.raises(Error, match="appears both in the"):
        check(world.layout, task("web", secrets=FILES["secrets"], **{option: value}), {})
