# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One application of many services on one network, brought up, again, and down: whole commands.

    tests/sandbox PYTHON tests/benchmark/goals/applications.py [ROUNDS [SERVICES]]

In turn, round after round: slipway compose, docker-compose and podman play kube, with the same
image. Peers that are not installed are left out.
"""

from __future__ import annotations

import json
import os
import shutil
import statistics
import sys
from collections.abc import Callable
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parents[1]))

import conftest  # noqa: E402

conftest._link()

from benchmark import start  # noqa: E402
from benchmark.goals import figures  # noqa: E402

_COMMAND = ["sleep", "1000"]
#: There is no PATH.
_IN_A_POD = ["/bin/sleep", "1000"]


class Composed:
    """Whatever has Compose's commands; ``argv`` is the program with its options."""

    def __init__(self, argv: list[str], directory: Path, services: int) -> None:
        project = directory / "project"
        project.mkdir(exist_ok=True)
        one = {"image": start.IMAGE, "command": _COMMAND, "init": False, "stop_grace_period": "0s"}
        content = {"services": {f"s{number}": one for number in range(services)}}
        file = project / "compose.yml"
        # JSON is YAML. docker-compose 1.29 asks for a version.
        file.write_text(json.dumps({"version": "3.8", **content}))
        self._argv = [*argv, "-f", str(file), "-p", "bench"]

    def up(self) -> float:
        return start.timed(*self._argv, "up", "-d") / 1000

    def down(self) -> float:
        return start.timed(*self._argv, "down", "-t", "0") / 1000


class Kube:
    """podman play kube: a pod for each service."""

    def __init__(self, podman: start.Podman, directory: Path, services: int) -> None:
        self._argv = podman.argv
        file = directory / "kube.yml"
        pods = (
            {
                "apiVersion": "v1",
                "kind": "Pod",
                "metadata": {"name": f"bench{number}"},
                "spec": {
                    "containers": [{"name": "one", "image": podman.image, "command": _IN_A_POD}]
                },
            }
            for number in range(services)
        )
        file.write_text("\n---\n".join(json.dumps(pod) for pod in pods))
        self._file = str(file)

    def up(self) -> float:
        argv = [*self._argv, "play", "kube", "--replace", "--network=bench", self._file]
        return start.timed(*argv) / 1000

    def down(self) -> float:
        return start.timed(*self._argv, "play", "kube", "--down", self._file) / 1000


def main() -> None:
    if "SLIPWAY_SANDBOX" not in os.environ:
        raise SystemExit("run it in tests/sandbox: it makes networks and containers")
    rounds, services = (
        int(word) for word in [*sys.argv[1:], *("3", "20")[len(sys.argv[1:]) :]][:2]
    )
    directory = Path(os.environ["SLIPWAY_SANDBOX"]) / "benchmark"
    directory.mkdir()
    ours = start.Slipway(directory)
    program = start.Command(directory)
    contenders: dict[str, Composed | Kube] = {
        "slipway compose": Composed([program.program, "compose"], directory, services)
    }
    closed: list[Callable[[], None]] = [ours.close, program.close]
    if shutil.which("docker-compose") and shutil.which("dockerd"):
        docker = start.Docker(directory)
        closed.append(docker.close)
        argv = ["docker-compose", "-H", docker.socket]
        contenders["docker-compose"] = Composed(argv, directory, services)
    if shutil.which("podman"):
        podman = start.Podman(directory)
        closed.append(podman.close)
        contenders["podman play kube"] = Kube(podman, directory, services)
    taken: dict[tuple[str, str], list[float]] = {}
    try:
        for dummy in range(rounds):
            for who, contender in contenders.items():
                taken.setdefault(("up", who), []).append(contender.up())
                # podman has no way to leave alone what is there.
                if isinstance(contender, Composed):
                    taken.setdefault(("up again", who), []).append(contender.up())
                taken.setdefault(("down", who), []).append(contender.down())
    finally:
        for close in closed:
            close()
    print(f"{services} services; medians of {rounds} rounds")
    for (work, who), seconds in taken.items():
        figures.note(work, who, seconds)
        ratio = statistics.median(seconds) / statistics.median(taken[work, "slipway compose"])
        print(f"{work:10} {who:20} {statistics.median(seconds):8.2f} s   {ratio:6.2f} x ours")


if __name__ == "__main__":
    main()
