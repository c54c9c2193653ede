# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Everything is taken off a host: by module, by role, by the program; and volumes are not lost."""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import Any

import pytest
from support import audit, compare_predictions
from support.containers import World
from support.plays import Play

from ansible_collections.slipway.engine.plugins.module_utils._runtime.base.layout import Layout
from ansible_collections.slipway.engine.plugins.module_utils._runtime.container.supervision import (
    boot,
)
from ansible_collections.slipway.engine.plugins.module_utils._runtime.program import (
    bash_completion,
    uninstall,
    zipapp,
)

#: A container that needs all there is: a name server, a watcher, a port, the service for the boot.
SERVICE = {
    "name": "web",
    "image": "base:1",
    "command": ["sleep", "1000"],
    "networks": [{"name": "shop"}],
    "published_ports": ["127.0.0.1:18080:80"],
    "volumes": ["site:/srv", "/cache"],
    "restart_policy": "always",
    "healthcheck": {"test": ["CMD", "true"], "interval": "1s"},
}


@pytest.fixture
def play(tmp_path: Path) -> Play:
    return Play(tmp_path)


@pytest.fixture
def fresh(layout: Layout) -> audit.Snapshot:
    """What the host has before the service; the directories are mounts of the sandbox."""
    return audit.snapshot()


def _serve(play: Play, busybox_tar: Path) -> None:
    tasks: list[dict[str, Any]] = [
        {"slipway.engine.image_import": {"name": "base:1", "src": str(busybox_tar)}},
        {"slipway.engine.network": {"name": "shop"}},
        {"slipway.engine.container": SERVICE},
        {"slipway.engine.container": {**SERVICE, "name": "ended", "state": "present",
                                      "published_ports": [], "networks": []}},
    ]  # fmt: skip
    made = play.tasks(tasks)
    assert made.status == 0, made.output


def _traces(layout: Layout) -> list[Path]:
    """What is left of slipway on the host."""
    asked = boot.arrangement(layout)
    assert asked is not None
    service = [asked.path, *([asked.link] if asked.link else [])]
    places = [*service, zipapp.LAUNCHER, bash_completion.PLACE]
    kept = [path for top in (layout.root, layout.run) for path in top.iterdir()]
    return [*(path for path in places if path.exists() or path.is_symlink()), *kept]


def test_nothing_is_left(
    layout: Layout, fresh: audit.Snapshot, play: Play, busybox_tar: Path
) -> None:
    _serve(play, busybox_tar)
    assert {zipapp.LAUNCHER, layout.run / "containers"} <= set(_traces(layout))
    (layout.etc / "auth.json").write_text("{}")
    task = {"slipway.engine.host_reset": {"volumes": True}}
    after = {"slipway.engine.host_info": {"containers": True, "images": True, "volumes": True}}
    empty = "(left.containers + left.images + left.volumes) | length == 0"
    asked: list[dict[str, Any]] = [
        {**after, "register": "left"},
        {"ansible.builtin.assert": {"that": empty}},
    ]
    told = play.tasks([task, *asked], "--check")
    assert told.status == 0, told.output
    foretold = play.tasks([task], "--check", "--diff")
    assert foretold.status == 0 and _traces(layout), foretold.output
    done = play.tasks([task], "--diff")
    assert done.status == 0, done.output
    records = ([dict(one) for one in run.record] for run in (foretold, done))
    assert compare_predictions.differences(*records) == []
    assert done.record[0]["results"][0]["actions"][:4] == [
        "remove container ended",
        "remove container web",
        "remove network shop",
        "remove volume site",
    ]
    assert _traces(layout) == []
    assert audit.settle(fresh) == []
    tables = subprocess.run(["nft", "list", "tables"], capture_output=True, text=True, check=True)
    assert "slipway" not in tables.stdout
    assert (layout.etc / "auth.json").exists()
    again = play.tasks([task], "--diff")
    assert (again.status, again.changed) == (0, 0), again.output
    assert _traces(layout) == []


def test_the_role_takes_the_configuration_too(
    layout: Layout, play: Play, busybox_tar: Path
) -> None:
    (layout.etc / "auth.json").write_text("{}")
    _serve(play, busybox_tar)
    gone = {"host_state": "absent", "host_remove_volumes": True, "host_remove_configuration": True}
    done = play.role("host", gone)
    assert (done.status, done.changed) == (0, 1), done.output
    assert _traces(layout) == []
    assert list(layout.etc.iterdir()) == []


def test_data_is_not_lost_in_passing(world: World, play: Play, busybox_tar: Path) -> None:
    _serve(play, busybox_tar)
    task: dict[str, Any] = {"slipway.engine.host_reset": {}}
    foretold = play.tasks([task], "--check")
    assert "volumes hold data: site" in foretold.output
    refused = play.tasks([task])
    assert refused.status != 0
    assert "volumes hold data: site; say volumes: true" in refused.output
    told = uninstall.observe(world.host, uninstall.Declared())
    assert (told.containers, told.volumes) == (("ended", "web"), ("site",))
    assert world.slipway("ps", "-q").stdout.strip()
    said = subprocess.run(
        [zipapp.LAUNCHER, "system", "reset", "--force"], capture_output=True, text=True, check=False
    )
    assert said.returncode == 1 and "volumes hold data: site" in said.stderr


def test_the_program_removes_itself(
    layout: Layout, fresh: audit.Snapshot, play: Play, busybox_tar: Path
) -> None:
    _serve(play, busybox_tar)
    command = [str(zipapp.LAUNCHER), "system", "reset", "--volumes"]
    kept = subprocess.run(command, input="n\n", capture_output=True, text=True, check=False)
    assert kept.returncode == 1 and "volumes with their data" in kept.stdout
    assert _traces(layout)
    gone = subprocess.run(command, input="y\n", capture_output=True, text=True, check=False)
    assert (gone.returncode, gone.stderr) == (0, "")
    assert "remove container web" in gone.stdout
    assert _traces(layout) == []
    assert audit.settle(fresh) == []
