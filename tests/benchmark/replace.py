# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How many requests are lost while a container is replaced, by the order in which that is done.

    tests/sandbox .build/check/host-venv/bin/python tests/benchmark/replace.py [REQUESTS]

A neighbour of the host asks a published port without a break, over TCP with a connection for each
request and with one that is kept, over UDP from a new port each time and from one. Meanwhile the
container is replaced again and again, and every second time the new one is never healthy, so the
old one has to stay. It goes on until each client has made its requests (10,000 unless told
otherwise; a fifth of them in the other order) and the container was replaced at least four times. A
request is lost when it fails or is not answered within five seconds; none is made again. The
clients pause for two milliseconds.
"""

from __future__ import annotations

import os
import statistics
import sys
import time
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE.parent), str(HERE.parents[1] / ".build" / "collections")]

import conftest  # noqa: E402

conftest._link()

from peers.network import LAN_HOST, segment  # noqa: E402
from support import containers  # noqa: E402
from support.containers import World, until  # noqa: E402
from support.converging import apply  # noqa: E402
from support.declaring import task  # noqa: E402
from support.inputs import images  # noqa: E402
from support.servers import traffic  # noqa: E402

from ansible_collections.slipway.engine.plugins.module_utils._runtime.base import files  # noqa: E402
from ansible_collections.slipway.engine.plugins.module_utils._runtime.base.errors import (  # noqa: E402
    Error,
)
from ansible_collections.slipway.engine.plugins.module_utils._runtime.base.layout import Layout  # noqa: E402

PORT = 18080
CONNECT = "import socket; socket.create_connection(('127.0.0.1', 80), 1)"
WELL, ILL = (
    {"test": ["CMD", *words], "interval": "300ms", "retries": 9}
    for words in (("/usr/bin/python3", "-c", CONNECT), ("false",))
)
LEAST = 4


def service(number: int, **given: Any) -> Any:
    return task(
        "web",
        command=traffic.command(f"web{number}", late_s=0.3),
        volumes=traffic.VOLUMES,
        published_ports=[f"{PORT}:80", f"{PORT}:80/udp"],
        stop_signal="TERM",
        drain_timeout=5,
        rollback_unless_healthy=True,
        **given,
    )


def served(number: int) -> bool:
    try:
        return traffic.Http("127.0.0.1", PORT, kept=False)(0) == f"web{number}"
    except OSError:
        return False


def measure(world: World, lan: Any, update: str, requests: int) -> None:
    """Replace and count; print a line for each kind of client."""
    apply(world.layout, service(0))
    until(lambda: served(0))
    within = ["nsenter", "--target", str(lan.pid), "--net"]
    clients = [traffic.Client(kind, LAN_HOST, PORT, within, requests) for kind in traffic.KINDS]
    taken: list[float] = []
    refused = now = 0
    while len(taken) < LEAST or any(client.runs for client in clients):
        now += 1
        began = time.perf_counter()
        apply(world.layout, service(now, update=update, healthcheck=WELL))
        taken.append(time.perf_counter() - began)
        try:
            apply(world.layout, service(-1, update=update, healthcheck=ILL))
        except Error:
            refused += 1
        time.sleep(1)
    for client in clients:
        found = client.end()
        print(
            f"{update:12} {client.kind:9} {found['lost']:6} of {found['asked']:6} lost,"
            f" answered by {len(found['answers']):3} containers  {' | '.join(found['errors'][:2])}"
        )
    print(
        f"{update:12} replaced {len(taken)} times in {statistics.median(taken):.1f} s each,"
        f" and rolled back {refused} times"
    )
    world.slipway("rm", "-f", "web")


def main() -> None:
    requests = int(sys.argv[1]) if len(sys.argv) > 1 else 10_000
    directory = Path(os.environ["SLIPWAY_SANDBOX"]) / "replace"
    directory.mkdir()
    layout = Layout.default()
    files.prepare(layout)
    tar = images.busybox_tar(directory / "busybox.tar")
    with (
        segment(directory) as (lan, dummy, _queries),
        containers.world(layout, directory, tar) as world,
    ):
        measure(world, lan, "start_first", requests)
        # What is lost takes five seconds each.
        measure(world, lan, "stop_first", requests // 5)


if __name__ == "__main__":
    main()
