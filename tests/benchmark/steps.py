# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What single steps take: listing, publishing a port, connecting, committing, replacing.

    tests/sandbox .build/check/host-venv/bin/python tests/benchmark/steps.py [ROUNDS]

Prints the median and the least of each step in milliseconds. The first round is not counted.
"""

from __future__ import annotations

import contextlib
import dataclasses
import os
import statistics
import sys
import time
from collections.abc import Iterator
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE.parent), str(HERE.parents[1] / ".build" / "collections")]

from support import containers  # noqa: E402
from support.containers import World  # noqa: E402
from support.inputs import images  # noqa: E402
from support.servers.laboratory import Space  # noqa: E402
from support.servers.segment import add_network, as_running  # noqa: E402

from ansible_collections.slipway.engine.plugins.module_utils._runtime.base import files  # noqa: E402
from ansible_collections.slipway.engine.plugins.module_utils._runtime.base.layout import Layout  # noqa: E402
from ansible_collections.slipway.engine.plugins.module_utils._runtime.container.lifecycle import (  # noqa: E402
    replacement,
)
from ansible_collections.slipway.engine.plugins.module_utils._runtime.network import (  # noqa: E402
    attach,
    synchronise,
)
from ansible_collections.slipway.engine.plugins.module_utils._runtime.network.link import (  # noqa: E402
    codec,
)
from ansible_collections.slipway.engine.plugins.module_utils._runtime.network.names import zones  # noqa: E402
from ansible_collections.slipway.engine.plugins.module_utils._runtime.records import (  # noqa: E402
    container_record,
)
from ansible_collections.slipway.engine.plugins.module_utils._runtime.resource import commit  # noqa: E402
from ansible_collections.slipway.engine.plugins.module_utils._runtime.spec.container import (  # noqa: E402
    ContainerSpec,
    Endpoint,
    Port,
)


class Clock:
    """The times of each step, in milliseconds."""

    def __init__(self) -> None:
        self.taken: dict[str, list[float]] = {}

    @contextlib.contextmanager
    def step(self, name: str) -> Iterator[None]:
        began = time.perf_counter()
        yield
        self.taken.setdefault(name, []).append((time.perf_counter() - began) * 1000)


def network(layout: Layout, clock: Clock, number: int) -> None:
    """A container that is only a record and a network namespace, connected and published."""
    name = f"net{number}"
    container_id = (name.encode().hex() + "0" * 64)[:64]
    layout.container(container_id).mkdir(mode=0o700)
    attachments = attach.attach(layout, container_id, [Endpoint("bench")])
    asked = [Port(80, "tcp", "", 8080 + number)]
    ports = synchronise.resolve(layout, container_id, asked, attachments)
    found = container_record.Record(
        container_id, name, "", (), attachments=attachments, publications=ports
    )
    container_record.write_record(layout, found)
    zones.prepare(layout, container_id, ContainerSpec(name, name, name, hostname=name), attachments)
    with Space() as space:
        with clock.step("publish a port"):
            synchronise.synchronise(layout, starting=[found])
        with clock.step("connect"):
            attach.connect(layout, space.pid, attachments)
        container_record.write_record(layout, as_running(found, space.pid))
        synchronise.synchronise(layout)
        with clock.step("look whether all stands"):
            synchronise.synchronise(layout)
    gone = dataclasses.replace(found, phase="exited", publications=())
    container_record.write_record(layout, gone)
    attach.release(layout, gone)
    files.remove_tree(layout.container(container_id))
    synchronise.synchronise(layout)


def container(world: World, clock: Clock, number: int) -> None:
    made = world.run("work", "echo x > /srv/x; exec sleep 1000")
    with clock.step("slipway ps -a"):
        world.slipway("ps", "-a")
    declared = commit.declare({"container": "work", "name": f"made:{number}"})
    plan = commit.RESOURCE.plan(declared, commit.RESOURCE.observe(world.host, declared))
    with clock.step("commit a small change"):
        plan.apply(world.host)
    spec = world.spec("work", env={"A": str(number)})
    with clock.step("replace a container that runs"):
        replacement.swap(world.host, made.id, spec, world.image, start=True)


def main() -> None:
    if "SLIPWAY_SANDBOX" not in os.environ:
        raise SystemExit("run it in tests/sandbox: it makes networks and containers")
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else 10
    directory = Path(os.environ["SLIPWAY_SANDBOX"])
    layout = Layout.default()
    files.prepare(layout)
    tar = images.busybox_tar(directory / "busybox.tar")
    clock = Clock()
    with containers.world(layout, directory, tar) as world:
        add_network(layout, "bench", "10.9.0.0/24")
        codec.preload().join()
        for number in range(rounds + 1):
            network(layout, clock, number)
            container(world, clock, number)
            world.slipway("rm", "-f", "work")
    for name, taken in clock.taken.items():
        counted = taken[1:]
        print(f"{name:30} {statistics.median(counted):7.1f} ms  least {min(counted):7.1f} ms")


if __name__ == "__main__":
    main()
