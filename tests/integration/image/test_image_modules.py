# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The modules of images through Ansible itself: check mode told the truth, and what they return."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from support import compare_predictions
from support.inputs import images
from support.plays import Play
from support.servers.registry import Registry

from ansible_collections.slipway.engine.plugins.module_utils._runtime.base.layout import Layout


@pytest.fixture
def play(tmp_path: Path) -> Play:
    return Play(tmp_path)


def test_a_play_of_every_module_of_images(
    layout: Layout, play: Play, registry: Registry, tmp_path: Path
) -> None:
    tar = tmp_path / "small.tar"
    tar.write_bytes(images.tar({"etc": None, "etc/name": b"small\n"}))
    place = f"{registry.host}/modules"

    def task(module: str, **options: Any) -> dict[str, Any]:
        return {"name": module, f"slipway.engine.{module}": options, "register": "result"}

    def same(condition: str) -> dict[str, Any]:
        return {"ansible.builtin.assert": {"that": condition}, "when": "not ansible_check_mode"}

    tasks = [
        task("image_import", name="base:1", src=str(tar)),
        task("image_tag", name="base:1", repository=[f"{place}:1", f"{place}:2"]),
        same(f"result.tagged_images == ['{place}:1', '{place}:2']"),
        task("image_tag", name="base", tag="1", repository=["other"], existing_images="keep"),
        task("image_push", name=f"{place}:1"),
        same("result.digest is match('sha256:') and result.size > 100"),
        task("image_search_info", term="modules", registry=registry.host),
        same(f"result.results[0].name == '{place}'"),
        task("image_remove", name=f"{place}:1"),
        task("image_remove", name="base:1"),
        same("result.untagged == ['base:1'] and result.deleted == []"),
        task("image_remove", name=place, tag="2", prune=False),
        task("image_remove", name="other", tag="1"),
        same("result.deleted | length == 2 and result.image.RepoTags == ['other:1']"),
        task("image_pull", name=place, all_tags=True),
        same("result.images | map(attribute='RepoTags') | map('length') | sum == 1"),
        task("image_import", name=f"{place}:1", src=str(tar), cmd=["new"]),
        task("prune", images=True, containers=True),
        same("result.images | length == 2"),
        task("prune", images=True, images_filters={"dangling": False}),
    ]
    foretold = play.tasks(tasks, "--check", "--diff")
    assert foretold.status == 0, foretold.output
    done = play.tasks(tasks, "--diff")
    assert done.status == 0, done.output
    assert done.changed == 12
    # In check mode the registry has not been pushed to, so a search finds less; it changes nothing.
    # The manifest's digest is "unknown" before the image is made, as its layer is compressed then.
    told = compare_predictions.differences([dict(one) for one in foretold.record], done.record)
    assert told == []


def test_a_push_is_known_to_a_later_removal(
    layout: Layout, play: Play, registry: Registry, tmp_path: Path
) -> None:
    tar = tmp_path / "small.tar"
    tar.write_bytes(images.tar({"etc": None, "etc/name": b"small\n"}))
    names = [f"{registry.host}/known:{tag}" for tag in (1, 2)]
    made = {"slipway.engine.image_import": {"name": "base:1", "src": str(tar)}}
    assert play.tasks([made]).status == 0
    tasks = [
        {"slipway.engine.image_tag": {"name": "base:1", "repository": names}},
        *({"slipway.engine.image_push": {"name": name}} for name in names),
        *({"slipway.engine.image_remove": {"name": name}} for name in names),
    ]
    foretold, done = (play.tasks(tasks, "--diff", *flags) for flags in (["--check"], []))
    assert (foretold.status, done.status) == (0, 0)
    shown = [one["results"][0]["diff"]["before"]["digests"] for one in done.record[-2:]]
    assert [len(one) for one in shown] == [1, 1]
    told = compare_predictions.differences(
        [dict(one) for one in foretold.record], [dict(one) for one in done.record]
    )
    assert told == []
