# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A laboratory of network namespaces: hosts, neighbours and containers that are only a process.

``Space`` is a namespace held by a sleeping process, as a container's is held by its own. ``serve``
answers in it over TCP and UDP with the name of the server and the address it was asked from, and
``ask`` puts such a question from another one. Run as a program this file is the server and the
client.
"""

from __future__ import annotations

import contextlib
import json
import os
import select
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from types import TracebackType
from typing import Optional

#: How long a question that should get no answer waits. Answers take about a millisecond.
SILENCE_S = 0.6
#: How long one does that should get an answer: the machine may be busy.
PATIENCE_S = 10.0

#: A program that advertises a router on eth0, for half an hour, and a prefix for addresses of one's
#: own making (RFC 4861).
ADVERTISE = """
import socket, struct
prefix = struct.pack("!BBBBIII", 3, 4, 64, 0xC0, 86400, 14400, 0)
prefix += socket.inet_pton(socket.AF_INET6, "2001:db8:bad::")
packet = struct.pack("!BBHBBHII", 134, 0, 0, 64, 0, 1800, 0, 0) + prefix
sending = socket.socket(socket.AF_INET6, socket.SOCK_RAW, socket.IPPROTO_ICMPV6)
sending.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_MULTICAST_HOPS, 255)
sending.sendto(packet, ("ff02::1", 0, 0, socket.if_nametoindex("eth0")))
"""


class Space:
    """A network namespace of its own, gone when its process is."""

    def __init__(self) -> None:
        self._process = subprocess.Popen(["unshare", "--net", "sleep", "600"])
        self._servers: list[subprocess.Popen[bytes]] = []
        own = os.readlink("/proc/self/ns/net")
        deadline = time.monotonic() + 30
        while time.monotonic() < deadline:
            with contextlib.suppress(OSError):
                if os.readlink(f"/proc/{self.pid}/ns/net") != own:
                    return
            time.sleep(0.002)
        raise AssertionError("unshare made no network namespace")

    @property
    def pid(self) -> int:
        return self._process.pid

    def __enter__(self) -> Space:
        return self

    def __exit__(
        self,
        kind: Optional[type[BaseException]],
        value: Optional[BaseException],
        trace: Optional[TracebackType],
    ) -> None:
        self.end()

    def end(self) -> None:
        for process in (*self._servers, self._process):
            process.kill()
            process.wait()

    def run(self, *argv: str) -> str:
        """Run a program in the namespace and return what it wrote."""
        done = subprocess.run(
            [*_enter(self), *argv], capture_output=True, text=True, timeout=30, check=False
        )
        assert done.returncode == 0, f"{argv}: {done.stdout}{done.stderr}"
        return done.stdout

    def serve(self, name: str, *services: str) -> None:
        """Answer on services such as ``tcp:80`` or ``udp:53``, on every address there."""
        self._servers.append(serve(self, name, *services))


def serve(space: Optional[Space], name: str, *services: str) -> subprocess.Popen[bytes]:
    """Start a server in a namespace (None is ours); it answers once this returns."""
    process = subprocess.Popen(
        [*_enter(space), sys.executable, __file__, "serve", name, *services],
        stdout=subprocess.PIPE,
    )
    assert process.stdout is not None
    assert process.stdout.readline() == b"ready\n"
    return process


def ask(
    space: Optional[Space],
    address: str,
    port: int,
    protocol: str = "tcp",
    source: str = "",
    patience_s: float = PATIENCE_S,
) -> Optional[tuple[str, str]]:
    """Who answers at an address, and from where it was asked, as it saw it; None for nobody."""
    argv = [sys.executable, __file__, "ask", protocol, address, str(port), source, str(patience_s)]
    done = subprocess.run(
        [*_enter(space), *argv], capture_output=True, text=True, timeout=30, check=False
    )
    if done.returncode:
        return None
    name, peer = json.loads(done.stdout)
    return name, peer


def silent(space: Optional[Space], address: str, port: int, protocol: str = "tcp") -> bool:
    """Whether nobody answers there."""
    return ask(space, address, port, protocol, patience_s=SILENCE_S) is None


def wire(
    one: Optional[Space], other: Space, names: tuple[str, str], addresses: Sequence[str]
) -> None:
    """A cable between two namespaces (None is ours), each end with its name and address."""
    for space in (one, other):
        _quick_ipv6(space)
    end = ["ip", "link", "add", names[0], "type", "veth", "peer", names[1]]
    done = subprocess.run(
        [*_enter(one), *end, "netns", str(other.pid)], capture_output=True, check=False
    )
    assert done.returncode == 0, done.stderr
    for space, name, address in ((one, names[0], addresses[0]), (other, names[1], addresses[1])):
        for argv in (["addr", "add", address, "dev", name, "nodad"], ["link", "set", name, "up"]):
            if ":" not in address:
                argv = [word for word in argv if word != "nodad"]
            done = subprocess.run([*_enter(space), "ip", *argv], capture_output=True, check=False)
            assert done.returncode == 0, done.stderr


def _quick_ipv6(space: Optional[Space]) -> None:
    """Link-local addresses of new links are in use at once, not after duplicate detection."""
    command = "echo 0 >/proc/sys/net/ipv6/conf/default/accept_dad"
    subprocess.run([*_enter(space), "sh", "-c", command], check=True)


@contextlib.contextmanager
def without(program: str) -> Iterator[None]:
    """A host that lacks a program, for the block: it cannot be run where nothing may be."""
    subprocess.run(["mount", "--bind", "/dev/null", program], check=True)
    try:
        yield
    finally:
        subprocess.run(["umount", program], check=True)


def _enter(space: Optional[Space]) -> list[str]:
    return [] if space is None else ["nsenter", "--target", str(space.pid), "--net"]


def _server(name: str, services: Sequence[str]) -> None:
    sockets: dict[socket.socket, str] = {}
    for service in services:
        protocol, dummy, port = service.partition(":")
        for family, address in ((socket.AF_INET, "0.0.0.0"), (socket.AF_INET6, "::")):
            kind = socket.SOCK_STREAM if protocol == "tcp" else socket.SOCK_DGRAM
            listener = socket.socket(family, kind)
            if family == socket.AF_INET6:
                listener.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
            listener.bind((address, int(port)))
            if protocol == "tcp":
                listener.listen()
            sockets[listener] = protocol
    print("ready", flush=True)
    while True:
        for listener in select.select(list(sockets), [], [])[0]:
            if sockets[listener] == "tcp":
                connection, peer = listener.accept()
                with connection, contextlib.suppress(OSError):
                    connection.sendall(json.dumps([name, peer[0]]).encode())
            else:
                peer = listener.recvfrom(100)[1]
                listener.sendto(json.dumps([name, peer[0]]).encode(), peer)


def _client(protocol: str, address: str, port: int, source: str, patience_s: float) -> None:
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    kind = socket.SOCK_STREAM if protocol == "tcp" else socket.SOCK_DGRAM
    with socket.socket(family, kind) as asking:
        asking.settimeout(patience_s)
        if source:
            asking.bind((source, 0))
        asking.connect((address, port))
        if protocol == "udp":
            asking.send(b"?")
        answer = b"".join(_answer(asking, protocol))
        if not answer:
            raise OSError("no answer")
        print(answer.decode())


def _answer(asking: socket.socket, protocol: str) -> Iterator[bytes]:
    while True:
        data = asking.recv(1000)
        if not data:
            return
        yield data
        if protocol == "udp":
            return


if __name__ == "__main__":
    if sys.argv[1] == "serve":
        _server(sys.argv[2], sys.argv[3:])
    else:
        try:
            _client(sys.argv[2], sys.argv[3], int(sys.argv[4]), sys.argv[5], float(sys.argv[6]))
        except OSError as failure:
            sys.exit(str(failure))


@contextlib.contextmanager
def unfiltered_bridges() -> Iterator[None]:
    """Bridges as on a host without br_netfilter, which other engines load and some kernels have."""
    places = [Path(f"/proc/sys/net/bridge/bridge-nf-call-ip{six}tables") for six in ("", "6")]
    before = {path: path.read_text() for path in places if path.exists()}
    for path in before:
        path.write_text("0")
    try:
        yield
    finally:
        for path, value in before.items():
            path.write_text(value)
