# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How long one container lives through: created and started, stopped, removed, without a network.

    tests/sandbox python3 tests/benchmark/cycle.py [ROUNDS [RUNTIME]]

In turn, round after round: the OCI runtime and conmon alone, driven as we drive them; this library
in one process; and docker and podman by their command lines, as their users drive them. It needs
pytest, like the tests whose code it uses. Peers that are not installed are left out.
"""

from __future__ import annotations

import os
import signal
import statistics
import sys
import time
from collections.abc import Callable
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE.parent), str(HERE.parents[1] / ".build" / "collections")]

from benchmark import start  # noqa: E402
from support import bundles, containers  # noqa: E402
from support.inputs import images  # noqa: E402

from ansible_collections.slipway.engine.plugins.module_utils._runtime.base import files  # noqa: E402
from ansible_collections.slipway.engine.plugins.module_utils._runtime.base.layout import Layout  # noqa: E402
from ansible_collections.slipway.engine.plugins.module_utils._runtime.container.engine import (  # noqa: E402
    oci_runtime,
)
from ansible_collections.slipway.engine.plugins.module_utils._runtime.container.lifecycle import (  # noqa: E402
    actions,
)

Step = Callable[[int], None]


def floor(layout: Layout, runtime: oci_runtime.Runtime, tar: Path) -> dict[str, Step]:
    """What cannot be saved: conmon and the OCI runtime, on a root filesystem that is there."""
    made = bundles.Running(layout, runtime, tar)

    def begin(index: int) -> None:
        made.start("sleep", "1000")

    def end(index: int) -> None:
        os.kill(made.pid, signal.SIGKILL)
        made.ended()

    return {
        "start": begin,
        "stop": end,
        "remove": lambda index: oci_runtime.delete(runtime, made.id),
    }


def ours(world: containers.World) -> dict[str, Step]:
    ids: list[str] = []

    def begin(index: int) -> None:
        ids.append(world.run(f"bench{index}").id)

    return {
        "start": begin,
        "stop": lambda index: void(actions.stop(world.host, ids[-1])),
        "remove": lambda index: actions.remove(world.host, ids[-1], volumes=True),
    }


def peer(contender: start.Podman | start.Docker) -> dict[str, Step]:
    image = getattr(contender, "image", start.IMAGE)
    limits = ["--ulimit=nofile=1024", "--ulimit=nproc=1024"] if "podman" in contender.name else []

    def begin(index: int) -> None:
        options = ["--network=none", "--name", f"bench{index}", *limits]
        start.run(*contender.argv, "run", "-d", *options, image, "sleep", "1000")

    return {
        "start": begin,
        "stop": lambda index: void(start.run(*contender.argv, "stop", "-t", "0", f"bench{index}")),
        "remove": lambda index: void(start.run(*contender.argv, "rm", f"bench{index}")),
    }


def void(value: object) -> None:
    """The same, of no value."""


def main() -> None:
    if "SLIPWAY_SANDBOX" not in os.environ:
        raise SystemExit("run it in tests/sandbox: it makes containers")
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else 15
    name = sys.argv[2] if len(sys.argv) > 2 else "crun"
    directory = Path(os.environ["SLIPWAY_SANDBOX"]) / "benchmark"
    directory.mkdir()
    layout = Layout.default()
    files.prepare(layout)
    tar = images.busybox_tar(directory / "busybox.tar")
    peers = start.contenders(directory)[1:]
    with bundles.serving(name), containers.world(layout, directory, tar) as world:
        runtime = oci_runtime.choose(layout, name)
        running = {
            f"{name} and conmon alone": floor(layout, runtime, tar),
            "slipway.engine, one process": ours(world),
            **{one.name.split()[0]: peer(one) for one in peers},
        }
        times: dict[tuple[str, str], list[float]] = {}
        for index in range(rounds + 1):
            for contender, steps in running.items():
                for step, act in steps.items():
                    began = time.perf_counter()
                    act(index)
                    if index:
                        took = (time.perf_counter() - began) * 1000
                        times.setdefault((contender, step), []).append(took)
    for one in peers:
        one.close()
    least = 0.0
    for contender, steps in running.items():
        medians = [statistics.median(times[contender, step]) for step in steps]
        least = least or sum(medians)
        shown = "  ".join(f"{step} {ms:6.1f}" for step, ms in zip(steps, medians))
        print(
            f"{contender:30} {shown}  together {sum(medians):7.1f} ms {sum(medians) / least:5.2f} x"
        )


if __name__ == "__main__":
    main()
