# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a published port costs: the table with many of them, and requests through one, beside
docker and podman, in one run.

    python3 tests/benchmark/network.py [ROUNDS]

As root. Each engine has a host of its own (tests/sandbox) and is asked in turn, round after round:
a neighbour connects and reads a small answer, 200 times a round, and reads 256 MiB. Directly to the
container's own address, from the host, is the floor.
"""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import socket
import statistics
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
sys.path[:0] = [str(HERE.parent), str(HERE.parents[1] / ".build" / "collections")]

from peers.network import ENGINES, LAN_HOST, segment  # noqa: E402
from support.inputs import images  # noqa: E402
from support.servers.laboratory import Space  # noqa: E402

CONNECTIONS = 200
BYTES = 256 << 20
MANY = 500


def serve() -> None:
    """A small answer on port 80, much on port 81."""
    listening = {}
    for port in (80, 81):
        made = socket.socket()
        made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        made.bind(("", port))
        made.listen(64)
        if os.fork() == 0:
            block = bytes(1 << 20)
            while True:
                connection = made.accept()[0]
                with connection, contextlib.suppress(OSError):
                    if port == 80:
                        connection.recv(1000)
                        connection.sendall(b"HTTP/1.0 200 OK\r\n\r\nhello")
                    else:
                        for dummy in range(BYTES >> 20):
                            connection.sendall(block)
        listening[port] = made
    print("ready", flush=True)
    signal_pause()


def signal_pause() -> None:
    while True:
        time.sleep(3600)


def measure(address: str, small: int, large: int) -> None:
    """Print microseconds for a connection with its answer, and MiB a second."""
    taken = []
    for dummy in range(CONNECTIONS):
        began = time.perf_counter()
        with socket.create_connection((address, small)) as asking:
            asking.sendall(b"GET / HTTP/1.0\r\n\r\n")
            while asking.recv(4096):
                pass
        taken.append(time.perf_counter() - began)
    began = time.perf_counter()
    got = 0
    buffer = bytearray(1 << 20)
    with socket.create_connection((address, large)) as asking:
        while True:
            count = asking.recv_into(buffer)
            if not count:
                break
            got += count
    if got != BYTES:
        raise SystemExit(f"{got} bytes of {BYTES} came")
    rate = (got >> 20) / (time.perf_counter() - began)
    print(json.dumps([statistics.median(taken) * 1e6, rate]))


def inside(space: Any, *words: str) -> list[str]:
    return ["nsenter", "--target", str(space.pid), "--net", sys.executable, __file__, *words]


def host(name: str) -> None:
    """One engine on a host of its own: a line of figures for every line on stdin."""
    directory = Path(os.environ["SLIPWAY_SANDBOX"]) / "peer"
    directory.mkdir()
    tarball = images.busybox_tar(directory / "busybox.tar")
    with segment(directory) as (lan, dummy, _queries):
        engine = ENGINES[name][1](directory, tarball)
        try:
            engine.network("blue", "10.123.1.0/24")
            web = engine.start("web", "blue", "8080:80", "8081:81")
            server = subprocess.Popen(inside(web, "serve"), stdout=subprocess.PIPE)
            assert server.stdout is not None
            server.stdout.readline()
            print("ready", flush=True)
            for line in sys.stdin:
                print(json.dumps(_figures(line.strip(), lan, web.address)), flush=True)
            subprocess.run(["pkill", "-P", str(server.pid)], check=False)
            server.kill()
            server.wait()
        finally:
            engine.close()


def _figures(what: str, lan: Space, address: str) -> Any:
    if what == "many":
        return many()
    argv = inside(lan, "measure", LAN_HOST, "8080", "8081")
    if what == "direct":
        argv = [sys.executable, __file__, "measure", address, "80", "81"]
    done = subprocess.run(argv, capture_output=True, text=True, check=True, timeout=60)
    return json.loads(done.stdout)


def many() -> list[float]:
    """Milliseconds to replace the table with many published ports, and to ask whether it stands."""
    from ansible_collections.slipway.engine.plugins.module_utils._runtime.base.layout import Layout
    from ansible_collections.slipway.engine.plugins.module_utils._runtime.network.firewall import (
        firewall,
    )
    from ansible_collections.slipway.engine.plugins.module_utils._runtime.records import (
        network_record,
    )
    from ansible_collections.slipway.engine.plugins.module_utils._runtime.spec.network import (
        Publication,
    )

    networks = network_record.networks(Layout.default())
    applied, asked = [], []
    for round_ in range(11):
        ports = [
            Publication("a" * 64, "tcp", "", 20000 + round_ + number, "10.123.1.2", 80)
            for number in range(MANY)
        ]
        began = time.perf_counter()
        firewall.apply(networks, ports)
        applied.append((time.perf_counter() - began) * 1000)
        began = time.perf_counter()
        if not firewall.current(networks, ports):
            raise SystemExit("the table does not stand")
        asked.append((time.perf_counter() - began) * 1000)
    return [statistics.median(applied), statistics.median(asked)]


class Host:
    """A sandbox with an engine, asked line by line."""

    def __init__(self, name: str) -> None:
        argv = [str(ROOT / "tests" / "sandbox"), "/usr/bin/python3", __file__, "host", name]
        self.process = subprocess.Popen(
            argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        assert self.process.stdout is not None
        if self.process.stdout.readline() != "ready\n":
            raise SystemExit(f"{name} does not serve here")

    def ask(self, what: str) -> list[float]:
        assert self.process.stdin is not None and self.process.stdout is not None
        self.process.stdin.write(f"{what}\n")
        self.process.stdin.flush()
        found: list[float] = json.loads(self.process.stdout.readline())
        return found

    def close(self) -> None:
        assert self.process.stdin is not None
        self.process.stdin.close()
        self.process.wait(timeout=60)


def main() -> None:
    if sys.argv[1:2] == ["serve"]:
        serve()
    elif sys.argv[1:2] == ["measure"]:
        measure(sys.argv[2], int(sys.argv[3]), int(sys.argv[4]))
    elif sys.argv[1:2] == ["host"]:
        host(sys.argv[2])
    else:
        compare(int(sys.argv[1]) if len(sys.argv) > 1 else 9)


def compare(rounds: int) -> None:
    with contextlib.ExitStack() as held:
        hosts = {}
        for name, (program, dummy) in ENGINES.items():
            if shutil.which(program) is None:
                print(f"{program} is not installed and is left out")
                continue
            try:
                hosts[name] = Host(name)
            except SystemExit as exc:
                print(exc)
                continue
            held.callback(hosts[name].close)
        figures: dict[str, list[list[float]]] = {}
        for _round in range(rounds):
            for name, host_ in hosts.items():
                figures.setdefault(f"{name}, published", []).append(host_.ask("published"))
            figures.setdefault("no translation, from the host", []).append(
                hosts["slipway.engine"].ask("direct")
            )
        for name, found in figures.items():
            small = statistics.median(each[0] for each in found)
            large = statistics.median(each[1] for each in found)
            print(f"{name:32} {small:8.0f} us a connection with its answer   {large:8.0f} MiB/s")
        applied, asked = hosts["slipway.engine"].ask("many")
        print(f"{MANY} published ports: the table is replaced in {applied:.1f} ms, and whether it "
              f"stands is known in {asked:.1f} ms")  # fmt: skip


if __name__ == "__main__":
    main()
