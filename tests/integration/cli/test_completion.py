# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What bash offers after a TAB."""

from __future__ import annotations

import os
import shlex
import subprocess
from pathlib import Path

from support.containers import World

from ansible_collections.slipway.engine.plugins.module_utils._runtime.base.layout import Layout
from ansible_collections.slipway.engine.plugins.module_utils._runtime.program import (
    bash_completion,
    zipapp,
)
from ansible_collections.slipway.engine.plugins.module_utils._runtime.spec.container import Mount


def completed(place: Path, path: Path, *lines: str) -> list[list[str]]:
    """What bash would put in the place of the last word of each line, its words broken as bash
    breaks them.
    """
    script = f"source {shlex.quote(str(place))}\n"
    for line in lines:
        words = line.replace(":", " : ").replace("=", " = ").split()
        words += [""] if line[-1] in " :=" and line[-1] not in ":=" else []
        array = " ".join(map(shlex.quote, words))
        script += (
            f"COMP_LINE={shlex.quote(line)} COMP_POINT={len(line)} COMP_CWORD={len(words) - 1}\n"
            f'COMP_WORDS=({array}); _slipway 2>/dev/null; echo "${{COMPREPLY[*]}}"\n'
        )
    done = subprocess.run(
        ["bash", "--norc", "-c", script],
        check=True,
        capture_output=True,
        timeout=60,
        env={"PATH": f"{path}:{os.environ['PATH']}"},
    )
    return [shown.split() for shown in done.stdout.decode().splitlines()]


def test_bash_completes(world: World, tmp_path: Path) -> None:
    world.run("running", mounts=(Mount("volume", "data", "/data"),))
    world.create("created")
    world.slipway("tag", "busybox:1", "busybox:two")
    world.slipway("tag", "busybox:1", "example.org:5000/team/box:1")
    place = tmp_path / "completions" / "slipway"
    bash_completion.install(place)
    table = {
        "slipway pu": ["pull", "push"],
        "slipway superv": [],
        "slipway container pru": ["prune"],
        "slipway network conn": ["connect"],
        "slipway stop ": ["running"],
        "slipway container stop r": ["running"],
        "slipway start ": ["created"],
        "slipway rm -f ": ["created", "running"],
        "slipway rm running cr": ["created"],
        "slipway run --cap-": ["--cap-add", "--cap-drop"],
        "slipway run --restart on": ["on-failure"],
        "slipway run --pull ": ["always", "missing", "never"],
        "slipway run -it --name x busybox:": ["1", "two"],
        "slipway run example.org:50": ["5000/team/box:1"],
        "slipway run busybox:1 --rm": [],
        "slipway run -v da": ["data"],
        "slipway volume inspect ": ["data"],
        "slipway cp run": ["running:"],
        "slipway ps --filter stat": ["status="],
        "slipway events --filter type=i": ["image"],
        "slipway system events -f ev": ["event="],
        "slipway inspect --type ": ["container", "image", "network", "volume"],
        "slipway inspect da": ["data"],
    }
    found = completed(place, world.launcher.parent, *table)
    assert dict(zip(table, found)) == table
    assert place.stat().st_mode & 0o777 == 0o644
    assert place.parent.stat().st_mode & 0o777 == 0o755


def test_it_is_installed_with_the_program(layout: Layout) -> None:
    zipapp.install(layout)
    assert bash_completion.PLACE.read_text() == bash_completion.SCRIPT
    bash_completion.PLACE.write_text("somebody else's")
    zipapp.install(layout)
    assert bash_completion.PLACE.read_text() == "somebody else's"
    bash_completion.PLACE.unlink()
    zipapp.LAUNCHER.unlink()


def test_bash_completes_services(world: World, tmp_path: Path) -> None:
    """Those of the files, and of a project without files those of its containers."""
    place = tmp_path / "completions" / "slipway"
    bash_completion.install(place)
    file = tmp_path / "compose.yaml"
    file.write_text("name: shop\nservices: {web: {image: a}, way: {image: a, profiles: [x]}}\n")
    labels = {"com.docker.compose.project": "old", "com.docker.compose.service": "gone"}
    world.create("old-gone-1", labels=labels)
    table = {
        f"slipway compose -f {file} up w": ["way", "web"],
        f"slipway compose -f {file} logs web w": ["way", "web"],
        f"slipway compose -f {file} exec we": ["web"],
        f"slipway compose -f {file} exec web w": [],
        f"slipway compose --file={file} cp w": ["way:", "web:"],
        f"slipway compose -f {file} scale we": ["web="],
        "slipway compose -p old stop ": ["gone"],
        "slipway compose -p old up --sc": ["--scale"],
        f"slipway compose -f {file} port web ": [],
    }
    found = completed(place, world.launcher.parent, *table)
    assert dict(zip(table, found)) == table
