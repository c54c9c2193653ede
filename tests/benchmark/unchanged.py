# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How long a task takes that finds nothing to change, beside ansible.builtin.ping, in one run.

    tests/sandbox .build/check/host-venv/bin/python tests/benchmark/unchanged.py [ROUNDS [ITEMS]]

A play runs every contender's task in a loop of ITEMS items, in turn, round after round, so that a
machine whose speed drifts slows all of them alike; once without pipelining and once with it. What
counts are the medians of a single item and their ratios to ping, which is a module that does
nothing at all. community.docker and containers.podman take part when SLIPWAY_PEERS names a
directory with these collections and the engines are installed.
"""

from __future__ import annotations

import contextlib
import os
import statistics
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent))
import conftest  # noqa: E402
from benchmark import start  # noqa: E402
from benchmark.goals import figures  # noqa: E402
from support import plays  # noqa: E402
from support.inputs import images  # noqa: E402

PING = "ansible.builtin.ping"
CONTAINER = "slipway.engine.container"
_RUNS = {"name": "unchanged", "image": start.IMAGE, "command": "sleep 1000"}
_DECLARED = {
    **_RUNS,
    "env": {"LANG": "C.UTF-8", "ROLE": "web"},
    "labels": {"tier": "front"},
    "published_ports": ["127.0.0.1:18080:80"],
    "volumes": ["site:/srv"],
    "networks": [{"name": "bench"}],
    "restart_policy": "unless-stopped",
}


@contextlib.contextmanager
def docker(directory: Path) -> Iterator[tuple[str, Mapping[str, Any]]]:
    engine = start.Docker(directory)
    ports = ["127.0.0.1:18081:80"]
    options = {**_DECLARED, "published_ports": ports, "docker_host": engine.socket}
    try:
        yield "community.docker.docker_container", options
    finally:
        start.run(*engine.argv, "rm", "-f", "unchanged", check=False)
        engine.close()


@contextlib.contextmanager
def podman(directory: Path) -> Iterator[tuple[str, Mapping[str, Any]]]:
    engine = start.Podman(directory)
    program = directory / "podman-here"
    program.write_text(f'#!/bin/sh\nexec {" ".join(engine.argv)} "$@"\n')
    program.chmod(0o755)
    # Raising limits takes a capability that a machine made of namespaces need not have.
    limits = {"ulimit": ["nofile=1024", "nproc=1024"]}
    options = {**_RUNS, **limits, "executable": str(program), "network": ["bench"]}
    try:
        yield "containers.podman.podman_container", {**options, "image": engine.image}
    finally:
        start.run(*engine.argv, "rm", "-f", "-t", "0", "unchanged", check=False)
        engine.close()


def main() -> None:
    if "SLIPWAY_SANDBOX" not in os.environ:
        raise SystemExit("run it in tests/sandbox: it makes networks and containers")
    rounds, items = (int(word) for word in [*sys.argv[1:], "7", "10"][:2])
    directory = Path(os.environ["SLIPWAY_SANDBOX"]) / "benchmark"
    directory.mkdir()
    conftest._link()
    tarball = images.busybox_tar(directory / "busybox.tar")
    start.run(start.PYTHON, str(HERE / "prepare.py"), str(tarball), start.IMAGE, "bench")
    play = plays.Play(directory)
    tasks: list[dict[str, Any]] = [{PING: {}}, {CONTAINER: dict(_DECLARED)}]
    with contextlib.ExitStack() as running:
        for peer, collection in ((docker, "community.docker"), (podman, "containers.podman")):
            if not plays.has_peer(collection):
                continue
            try:
                name, options = running.enter_context(peer(directory))
            except SystemExit as exc:
                print(f"{peer.__name__} does not serve here and is left out: {exc}")
            else:
                tasks.append({name: dict(options)})
        try:
            for pipelining in ("false", "true"):
                os.environ["ANSIBLE_PIPELINING"] = pipelining
                report(f"pipelining {pipelining}", measured(play, tasks, rounds, items))
        finally:
            play.tasks([{CONTAINER: {"name": "unchanged", "state": "absent", "force_kill": True}}])


def measured(
    play: plays.Play, tasks: list[dict[str, Any]], rounds: int, items: int
) -> dict[str, list[float]]:
    """Milliseconds of one item, by module; one figure a round."""
    looped = [{**task, "loop": list(range(items))} for task in tasks]
    # The first round makes the containers, the second warms every cache.
    done = play.tasks([*tasks, *looped * (rounds + 1)])
    if done.status:
        raise SystemExit(done.output)
    seconds: dict[str, list[float]] = {}
    for index, line in enumerate(done.record):
        if index >= len(tasks) * 2:
            seconds.setdefault(line["action"], []).append(line["seconds"] * 1000 / items)
        done_again = [item["actions"] for item in line["results"] if item["changed"]]
        if index >= len(tasks) and done_again:
            raise SystemExit(f"{line['action']} changed something: {done_again}")
    return seconds


def report(title: str, taken: Mapping[str, list[float]]) -> None:
    print(title)
    ping = statistics.median(taken[PING])
    for name, each in taken.items():
        figures.note(title, name, [one / 1000 for one in each])
        median = statistics.median(each)
        print(
            f"  {name:34} median {median:7.1f} ms   min {min(each):7.1f}   max {max(each):7.1f}"
            f"   {median / ping:5.2f} x ping"
        )


if __name__ == "__main__":
    main()
