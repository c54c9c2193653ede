# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Nested mounts against a container that swaps what lies in the shared volume, many times.

    tests/sandbox .build/check/host-venv/bin/python tests/benchmark/mount_race.py [ROUNDS]

The suite runs a hundred rounds of this; the race is worth thousands now and then (CVE-2021-30465).
"""

from __future__ import annotations

import os
import sys
import time
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE.parent), str(HERE.parents[1] / ".build" / "collections")]

from support import containers, racing  # noqa: E402
from support.inputs import images  # noqa: E402

from ansible_collections.slipway.engine.plugins.module_utils._runtime.base import files  # noqa: E402
from ansible_collections.slipway.engine.plugins.module_utils._runtime.base.layout import Layout  # noqa: E402


def main() -> None:
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else 5000
    directory = Path(os.environ["SLIPWAY_SANDBOX"])
    canary = directory / "canary"
    (canary / "deep").mkdir(parents=True)
    layout = Layout.default()
    files.prepare(layout)
    tarball = images.busybox_tar(directory / "busybox.tar")
    with containers.world(layout, directory, tarball) as world:
        for subpath in (False, True):
            began = time.monotonic()
            found = racing.race(world, canary, rounds, subpath)
            what = "subpaths" if subpath else "nested volumes"
            print(
                f"{what}: {found.started} started, {found.refused} refused, none escaped,"
                f" {time.monotonic() - began:.0f} s",
                flush=True,
            )


if __name__ == "__main__":
    main()
