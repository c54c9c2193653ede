# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What ``slipway compose config`` prints besides the files as one."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path

import pytest
import yaml
from support.containers import World
from support.servers.registry import Registry

from ansible_collections.slipway.engine.plugins.module_utils._runtime.program import zipapp

FILE = """
name: shop
services:
  db: {image: "IMAGE", command: "${WORK:-serve} ${HOW:+fast} $PLACE", environment: {A: "$$x"}}
  web: {image: "IMAGE", depends_on: [db], ports: ["${PORT:?which}:80"]}
"""


class Config:
    def __init__(self, world: World, directory: Path) -> None:
        self.world, self.directory = world, directory

    def __call__(self, *words: str, **around: str) -> str:
        """What it prints; what it exits with is checked by who expects a failure."""
        program = str(zipapp.program(self.world.layout))
        done = subprocess.run(
            ["/usr/bin/python3", program, "compose", "config", *words],
            cwd=self.directory,
            env={"PATH": os.environ["PATH"], "PORT": "8080", **around},
            text=True,
            capture_output=True,
            check=False,
            timeout=60,
        )
        return done.stdout if done.returncode == 0 else f"failed: {done.stderr}"


@pytest.fixture
def config(world: World, registry: Registry, tmp_path: Path) -> Config:
    (tmp_path / "compose.yaml").write_text(FILE.replace("IMAGE", f"{registry.host}/app:1"))
    return Config(world, tmp_path)


def test_variables(config: Config) -> None:
    assert [line.split() for line in config("--variables", PORT="").splitlines()] == [
        ["NAME", "REQUIRED", "DEFAULT", "VALUE", "ALTERNATE", "VALUE"],
        ["HOW", "false", "fast"],
        ["PLACE", "false"],
        ["PORT", "true"],
        ["WORK", "false", "serve"],
    ]
    found = json.loads(config("--variables", "--format", "json"))
    assert found["WORK"] == {
        "Name": "WORK", "DefaultValue": "serve", "PresenceValue": "", "Required": False,
    }  # fmt: skip
    as_written = yaml.safe_load(config("--no-interpolate", PORT=""))
    assert as_written["services"]["db"]["command"] == "${WORK:-serve} ${HOW:+fast} $PLACE"
    assert as_written["services"]["db"]["environment"] == {"A": "$$x"}
    assert as_written["services"]["web"]["ports"] == ["${PORT:?which}:80"]


def test_hashes(config: Config) -> None:
    def hashes(which: str, **around: str) -> dict[str, str]:
        return dict(line.split() for line in config("--hash", which, **around).splitlines())

    before = hashes("*")
    assert list(before) == ["db", "web"] and all(len(one) == 64 for one in before.values())
    assert hashes("web") == {"web": before["web"]}
    assert hashes("db,web") == before
    after = hashes("*", WORK="rest")
    assert (after["db"] == before["db"], after["web"] == before["web"]) == (False, True)
    assert "no such service: job" in config("--hash", "job")


def test_digests(config: Config, world: World, registry: Registry) -> None:
    image = f"{registry.host}/app:1"
    assert config("--resolve-image-digests").startswith("failed: "), "nobody has it yet"
    world.slipway("tag", "busybox:1", image)
    world.slipway("push", image)
    shown = json.loads(world.slipway("image", "inspect", image).stdout)[0]
    digest = next(one for one in shown["RepoDigests"] if one.startswith(registry.host))
    resolved = yaml.safe_load(config("--resolve-image-digests"))
    assert {one["image"] for one in resolved["services"].values()} == {digest}
    assert resolved["services"]["web"]["ports"] == ["8080:80"]
    assert yaml.safe_load(config("--lock-image-digests")) == {
        "services": {"db": {"image": digest}, "web": {"image": digest}}
    }
