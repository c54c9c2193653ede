# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How long one task takes for many containers on one network: created and started, unchanged,
removed.

    tests/sandbox .build/check/host-venv/bin/python tests/benchmark/stack.py [ROUNDS [CONTAINERS]]

In turn, round after round (3 of 100 containers, unless told otherwise): conmon and the OCI runtime
alone, as many at a time; the stack in a process that has the library, with the most memory that it
and its workers take; plays with the module stack, beside ansible.builtin.ping and a loop of
the module container over a tenth of the containers, and of docker_container when SLIPWAY_PEERS
names a directory with community.docker. What counts are medians and ratios of one run.
"""

from __future__ import annotations

import contextlib
import os
import resource
import shutil
import signal
import statistics
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE.parent), str(HERE.parents[1] / ".build" / "collections")]

import conftest  # noqa: E402

conftest._link()

from benchmark import start  # noqa: E402
from benchmark.goals import compared, figures  # noqa: E402
from support import bundles, containers, plays, stacks  # noqa: E402
from support.inputs import images  # noqa: E402

from ansible_collections.slipway.engine.plugins.module_utils._runtime.base import files  # noqa: E402
from ansible_collections.slipway.engine.plugins.module_utils._runtime.base.layout import Layout  # noqa: E402
from ansible_collections.slipway.engine.plugins.module_utils._runtime.container.engine import (  # noqa: E402
    oci_runtime,
)
from ansible_collections.slipway.engine.plugins.module_utils._runtime.kernel.workers import (  # noqa: E402
    Workers,
    usual,
)
from ansible_collections.slipway.engine.plugins.module_utils._runtime.plan.converge import (  # noqa: E402
    converge,
)
from ansible_collections.slipway.engine.plugins.module_utils._runtime.plan.plan import Host  # noqa: E402

NETWORK = {"name": "bench", "ipam_config": [{"subnet": "10.124.0.0/16"}]}
DEFAULTS: dict[str, Any] = {
    **stacks.DEFAULTS,
    "network_mode": None,
    "networks": [{"name": "bench"}],
    "restart_policy": "unless-stopped",
}


#: One of many containers of Docker.
_OF_DOCKER = {
    "image": start.IMAGE,
    "command": "sleep 1000",
    "networks": [{"name": "bench"}],
    "restart_policy": "unless-stopped",
}
#: Modules that do a tenth of the containers, one after the other.
LOOPED = ("slipway.engine.container", "community.docker.docker_container")
#: What a measurement is among the goals.
NOTED = {
    "floor": ("create", compared.ALONE),
    "create": ("create", "stack"),
    "remove": ("remove", "stack"),
    "memory": ("memory", "stack"),
    "play ping": ("task", compared.PING),
    "play stack": ("task", "stack"),
    "play container": ("task", "container in a loop"),
    "play docker_container": ("task", "docker_container in a loop"),
}


def timed(act: Callable[[], object]) -> float:
    began = time.perf_counter()
    act()
    return time.perf_counter() - began


def floor(layout: Layout, tar: Path, count: int) -> float:
    """Seconds that cannot be saved: conmon and the OCI runtime, on roots that are there."""
    runtime = oci_runtime.choose(layout, "crun")
    made = [bundles.Running(layout, runtime, tar) for dummy in range(count)]

    def start(number: int) -> list[int]:
        made[number].start("sleep", "1000")
        return [made[number].pid, made[number].generation]

    def all_of_them() -> None:
        with Workers(start, usual()) as workers:
            for number in range(count):
                workers.submit(number)
            while workers.at_work:
                for number, said in workers.done(None):
                    made[number].pid, made[number].generation = said

    taken = timed(all_of_them)
    for one in made:
        os.kill(one.pid, signal.SIGKILL)
    for one in made:
        one.ended()
        one.remove()
    return taken


def in_one_process(layout: Layout, **given: Any) -> float:
    """Seconds that a stack takes in a process that has everything imported."""
    task = stacks.stack(defaults=DEFAULTS, **given)

    def act() -> None:
        host = Host(layout)
        plan, found = converge(host, task.resource, task.declare(task.params))
        task.resource.result(host, found)
        assert task.resource.report is not None
        task.resource.report(host, plan)

    return timed(act)


def in_a_fresh_one(layout: Layout, **given: Any) -> float:
    """The most memory in MiB that such a process takes by itself or in one of its workers."""
    here, there = os.pipe()
    pid = os.fork()
    if not pid:
        in_one_process(layout, **given)
        most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        os.write(there, str(most).encode())
        os._exit(0)
    os.close(there)
    os.waitpid(pid, 0)
    with os.fdopen(here) as told:
        return int(told.read()) / 1024


def main() -> None:
    if "SLIPWAY_SANDBOX" not in os.environ:
        raise SystemExit("run it in tests/sandbox: it makes networks and containers")
    rounds, count = (int(word) for word in [*sys.argv[1:], *("3", "100")[len(sys.argv[1:]) :]][:2])
    directory = Path(os.environ["SLIPWAY_SANDBOX"]) / "benchmark"
    directory.mkdir()
    layout = Layout.default()
    files.prepare(layout)
    tar = images.busybox_tar(directory / "busybox.tar")
    declared = {
        "networks": [NETWORK],
        "containers": [{"name": f"bench{number}"} for number in range(count)],
    }
    seconds: dict[str, list[float]] = {}

    def note(what: str, taken: float) -> None:
        seconds.setdefault(what, []).append(taken)

    with bundles.serving("crun"), containers.world(layout, directory, tar):
        for round_number in range(rounds):
            note("floor", floor(layout, tar, count))
            note("create", in_one_process(layout, **declared))
            note("unchanged", in_one_process(layout, **declared))
            if not round_number:
                note("memory", in_a_fresh_one(layout, **declared))
            note("remove", in_one_process(layout, state="absent"))
        in_plays(layout, directory, declared, rounds, note)
    report(seconds, count)


def in_plays(
    layout: Layout,
    directory: Path,
    declared: dict[str, Any],
    rounds: int,
    note: Callable[[str, float], None],
) -> None:
    play = plays.Play(directory, timeout_s=1800)
    defaults = {name: value for name, value in DEFAULTS.items() if value is not None}
    stack = {"slipway.engine.stack": {"name": "shop", "defaults": defaults, **declared}}
    some = declared["containers"][: max(1, len(declared["containers"]) // 10)]
    label = {"labels": {"slipway.stack": "shop"}}
    loop = {
        "slipway.engine.container": {**defaults, **label, "name": "{{ item.name }}"},
        "loop": some,
    }
    os.environ["ANSIBLE_PIPELINING"] = "true"
    ping: dict[str, Any] = {"ansible.builtin.ping": {}}
    measured: list[dict[str, Any]] = [ping, stack, loop]
    with contextlib.ExitStack() as running:
        if plays.has_peer("community.docker") and shutil.which("dockerd"):
            docker = start.Docker(directory, "docker.io/library/busybox:1")
            running.callback(docker.close)
            options = {"name": "{{ item.name }}", "docker_host": docker.socket, **_OF_DOCKER}
            measured.append({"community.docker.docker_container": options, "loop": some})
        done = play.tasks([stack, *measured, *measured * rounds])
    if done.status:
        raise SystemExit(done.output)
    for index, line in enumerate(done.record):
        if index > len(measured):
            items = line["results"]
            if any(item["changed"] for item in items):
                raise SystemExit(f"{line['action']} changed something")
            whole = line["seconds"]
            if line["action"] in LOOPED:
                whole *= len(declared["containers"]) / len(some)
            note(f"play {line['action'].rpartition('.')[2]}", whole)
    gone = play.tasks([{"slipway.engine.stack": {"name": "shop", "state": "absent"}}])
    if gone.status:
        raise SystemExit(gone.output)


def report(seconds: dict[str, list[float]], count: int) -> None:
    median = {what: statistics.median(taken) for what, taken in seconds.items()}
    print(f"{count} containers, {usual()} processes; medians of {len(seconds['floor'])} rounds")

    def line(title: str, what: str, beside: str, called: str) -> None:
        ratio = median[what] / median[beside]
        print(f"{title:38} {median[what]:8.3f} s   {ratio:6.2f} x {called}")

    for what, (work, who) in NOTED.items():
        if what in seconds:
            figures.note(work, who, seconds[what])
    line("crun and conmon alone, started", "floor", "floor", "that")
    line("stack, created and started", "create", "floor", "crun and conmon alone")
    line("stack, unchanged, in one process", "unchanged", "floor", "crun and conmon alone")
    line("stack, removed", "remove", "create", "creating them")
    line("play: ping", "play ping", "play ping", "that")
    line("play: stack, unchanged", "play stack", "play ping", "ping")
    line("play: container in a loop, unchanged", "play container", "play ping", "ping")
    if "play docker_container" in seconds:
        line("play: docker_container in a loop", "play docker_container", "play ping", "ping")
    print(f"memory at most                         {median['memory']:8.1f} MiB")


if __name__ == "__main__":
    main()
