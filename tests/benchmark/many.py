# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Many containers on one host: how long it takes to list and to describe them all.

    tests/sandbox python tests/benchmark/many.py [STOPPED [RUNNING]]

Makes them (200 of which 20 run, unless told otherwise), then prints seconds: the best of some runs
of ``slipway ps --all`` as a process of its own, of what container_info gathers in one that has
imported it, and the same with a sample of what each uses.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any, Callable

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
sys.path.insert(0, str(Path(__file__).resolve().parents[2] / ".build" / "collections"))

from benchmark.goals import figures
from support import containers
from support.inputs import images

from ansible_collections.slipway.engine.plugins.module_utils._runtime.base import files
from ansible_collections.slipway.engine.plugins.module_utils._runtime.base.layout import Layout
from ansible_collections.slipway.engine.plugins.module_utils._runtime.plan.plan import Host
from ansible_collections.slipway.engine.plugins.module_utils._runtime.program import zipapp
from ansible_collections.slipway.engine.plugins.module_utils._runtime.system import container_info

_RUNS = 5
_OPTIONS: dict[str, Any] = {
    **dict.fromkeys(("name", "filters", "top_options")),
    **dict.fromkeys(("size", "stats", "top", "ports", "changes"), False),
    "all": True,
}


def best(act: Callable[[], object]) -> float:
    """The shortest of some runs: what else the machine does only adds to it."""
    taken = []
    for dummy in range(_RUNS):
        began = time.perf_counter()
        act()
        taken.append(time.perf_counter() - began)
    return min(taken)


def main() -> None:
    stopped, running = (int(text) for text in [*sys.argv[1:], "180", "20"][:2])
    if "SLIPWAY_SANDBOX" not in os.environ:
        sys.exit("run it in tests/sandbox: it makes containers at the host's usual places")
    sandbox = Path(os.environ["SLIPWAY_SANDBOX"])
    layout = Layout.default()
    files.prepare(layout)
    tar = images.busybox_tar(sandbox / "busybox.tar")
    with containers.world(layout, sandbox, tar) as world:
        for number in range(running):
            world.run(f"running-{number}", env={"NUMBER": str(number)}, labels={"n": str(number)})
        for number in range(stopped):
            world.create(f"stopped-{number}", labels={"n": str(number)})
        host = Host(layout)
        program = str(zipapp.program(layout))

        def ps() -> None:
            done = subprocess.run([program, "ps", "--all"], check=True, capture_output=True)
            if done.stdout.count(b"\n") != stopped + running + 1:
                sys.exit("slipway ps does not show them all")

        def info(**options: Any) -> None:
            found = container_info.gather(host, {**_OPTIONS, **options})["containers"]
            if len(found) != stopped + running:
                sys.exit("container_info does not find them all")

        print(f"{stopped + running} containers, {running} of them running")
        shortest = best(ps)
        figures.note(f"ps of {stopped + running}", "slipway ps", [shortest])
        print(f"slipway ps --all            {shortest:.3f} s")
        print(f"container_info, all         {best(info):.3f} s")
        print(f"container_info, with stats  {best(lambda: info(stats=True)):.3f} s")


if __name__ == "__main__":
    main()
