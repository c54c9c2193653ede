# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""image_build through Ansible."""

from __future__ import annotations

from pathlib import Path

from support.builds.building import fill
from support.containers import World
from support.plays import Play

SECRET = "canary-77ab"


def test_image_build(world: World, tmp_path: Path) -> None:
    text = "FROM busybox:1\nARG V\nRUN --mount=type=secret,id=s test -s /run/secrets/s\nCOPY f /f\n"
    context = fill(tmp_path / "context", {"Dockerfile": text, "f": "f"})
    options = {
        "name": "made",
        "tag": "7",
        "path": str(context),
        "args": {"V": True, "UNUSED": 1},
        "platform": ["linux"],
        "etc_hosts": {"some-host": "127.0.0.1"},
        "container_limits": {"memory": "64MB", "memswap": "128MB"},
        "secrets": [{"id": "s", "type": "value", "value": SECRET}],
        "cache_from": [f"type=local,src={tmp_path}/cache"],
        "cache_to": [f"type=local,dest={tmp_path}/cache,mode=max"],
    }
    build = "slipway.engine.image_build"
    done = Play(tmp_path).tasks(
        [
            {build: options, "register": "foretold", "check_mode": True},
            {build: options, "register": "first"},
            {build: options, "register": "second"},
            {"ansible.builtin.copy": {"dest": f"{context}/f", "content": "other"}},
            {build: options, "register": "third", "check_mode": True, "diff": True},
            {build: {**options, "rebuild": "never"}, "register": "never"},
            {build: {**options, "path": "/none"}, "register": "lost", "ignore_errors": True},
            {
                "ansible.builtin.assert": {
                    "that": [
                        "foretold is changed and foretold.image.RepoTags == ['made:7']",
                        "first is changed",
                        "first.actions[-1] == 'build image docker.io/library/made:7'",
                        "'FROM busybox:1' in first.stderr and first.stdout == ''",
                        "first.image.RepoTags == ['made:7']",
                        "second is not changed and second.image.Id == first.image.Id",
                        "third is changed and third.differences == ['the file f changed']",
                        "never is not changed",
                        "lost is failed and 'the context /none is not a directory' in lost.msg",
                    ]
                }
            },
        ]
    )
    assert done.status == 0, done.output
    assert SECRET not in done.output
    assert (tmp_path / "cache" / "index.json").is_file()
