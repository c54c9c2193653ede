# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Clients that ask a service without a break, and the service: what is lost while it is replaced.

The service runs in a container, with the host's Python. It answers HTTP over TCP and echoes over
UDP, on port 80, with its word, so that answers tell which container gave them. Asked to stop, it
accepts no more, answers what it is asked on connections that it has, and ends them.

A client runs in a process of its own until it is told to end, and says what it asked, what was lost
and who answered. A request is lost when it fails or is not answered in time: none is made again.
"""

from __future__ import annotations

import collections
import contextlib
import json
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from typing import Any, Callable, Optional

#: A connection for each request or one for as long as it lasts; a socket for each datagram, or one
#: for all.
KINDS = ("tcp", "tcp-kept", "udp", "udp-kept")
#: The mounts with which an image of busybox has the host's Python.
VOLUMES = ["/usr:/usr:ro", "/lib:/lib:ro", "/lib64:/lib64:ro"]
_TIMEOUT_S = 5.0
#: Between two requests of one client, in seconds: each is a client, not an attack.
_PAUSE_S = 0.002

SERVER = """
import os, signal, socket, sys, threading, time
word, late_s, refuses = sys.argv[1].encode(), float(sys.argv[2]), sys.argv[3] == 'refuses'
ending = threading.Event()
signal.signal(signal.SIGTERM, lambda *given: ending.set())
time.sleep(late_s)
if refuses:
    while not ending.wait(0.1):
        pass
    sys.exit()
datagrams = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
datagrams.bind(('', 80))
def echo():
    while True:
        asked, client = datagrams.recvfrom(1000)
        datagrams.sendto(word + b' ' + asked, client)
threading.Thread(target=echo, daemon=True).start()
listening = socket.create_server(('', 80), backlog=128)
listening.settimeout(0.05)
def serve(connection):
    # One that says nothing more while the service ends is closed.
    connection.settimeout(0.2)
    with connection:
        while True:
            try:
                asked = connection.recv(1000)
            except socket.timeout:
                if ending.is_set():
                    return
                continue
            except OSError:
                return
            if not asked:
                return
            last = ending.is_set()
            said = b'Connection: close' if last else b'Connection: keep-alive'
            head = b'HTTP/1.1 200 OK\\r\\nContent-Length: %d\\r\\n' % len(word)
            connection.sendall(head + said + b'\\r\\n\\r\\n' + word)
            if last:
                return
threads = []
while not ending.is_set():
    try:
        connection = listening.accept()[0]
    except socket.timeout:
        threads = [thread for thread in threads if thread.is_alive()]
        continue
    threads.append(threading.Thread(target=serve, args=(connection,)))
    threads[-1].start()
listening.close()
for thread in threads:
    thread.join()
"""


def command(word: str, late_s: float = 0.0, refuses: bool = False) -> list[str]:
    """The service of a container: its word, the seconds until it serves, or that it never does."""
    last = "refuses" if refuses else ""
    return ["/usr/bin/python3", "-c", SERVER, word, str(late_s), last]


class Client:
    """One client of a kind, in a process of its own; ``within`` are words before its command. It
    ends by itself after ``requests``, 0 is not at all.
    """

    def __init__(
        self, kind: str, address: str, port: int, within: Sequence[str] = (), requests: int = 0
    ) -> None:
        self.kind = kind
        argv = [*within, sys.executable, __file__, kind, address, str(port), str(requests)]
        self._process = subprocess.Popen(
            argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )

    @property
    def runs(self) -> bool:
        """Whether it has not ended yet."""
        return self._process.poll() is None

    def end(self) -> dict[str, Any]:
        """End it. Returns ``asked``, ``lost``, ``answers`` by word, and the first ``errors``."""
        said = self._process.communicate(timeout=60)[0]
        found: dict[str, Any] = json.loads(said)
        return found


@contextlib.contextmanager
def clients(
    address: str, port: int, kinds: Sequence[str] = KINDS, within: Sequence[str] = ()
) -> Iterator[dict[str, dict[str, Any]]]:
    """Ask during the block; what came of it is there after the block, by kind."""
    found: dict[str, dict[str, Any]] = {}
    made = [Client(kind, address, port, within) for kind in kinds]
    try:
        yield found
    finally:
        for client in made:
            found[client.kind] = client.end()


class Http:
    """Asks a service over TCP, each time anew or, ``kept``, over one connection until it ends it.
    Raises OSError where it does not answer.
    """

    def __init__(self, address: str, port: int, kept: bool) -> None:
        self._goal, self._kept = (address, port), kept
        self._connection: Optional[socket.socket] = None

    def __call__(self, number: int) -> str:
        connection = self._connection
        if connection is None:
            connection = socket.create_connection(self._goal, timeout=_TIMEOUT_S)
        self._connection = None
        try:
            connection.sendall(b"GET / HTTP/1.1\r\nHost: service\r\n\r\n")
            said = b""
            while b"\r\n\r\n" not in said or not said.partition(b"\r\n\r\n")[2]:
                more = connection.recv(4096)
                if not more:
                    raise ConnectionResetError(f"closed after {len(said)} bytes")
                said += more
        except OSError:
            connection.close()
            raise
        if self._kept and b"keep-alive" in said:
            self._connection = connection
        else:
            connection.close()
        return said.partition(b"\r\n\r\n")[2].decode()


class Datagrams:
    """Asks a service over UDP, from a new port each time or, ``kept``, from one. Raises OSError
    where it does not answer in time.
    """

    def __init__(self, address: str, port: int, kept: bool) -> None:
        self._goal, self._kept = (address, port), kept
        self._socket = self._made()

    def _made(self) -> socket.socket:
        made = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        made.settimeout(_TIMEOUT_S)
        made.connect(self._goal)
        return made

    def __call__(self, number: int) -> str:
        if not self._kept:
            self._socket.close()
            self._socket = self._made()
        self._socket.send(str(number).encode())
        while True:
            word, dummy, asked = self._socket.recv(1000).decode().partition(" ")
            if asked == str(number):
                return word


def _ask(kind: str, address: str, port: int, requests: int) -> dict[str, Any]:
    """Ask until standard input ends, or as often as ``requests`` says."""
    over = threading.Event()

    def heed() -> None:
        sys.stdin.read()
        over.set()

    threading.Thread(target=heed, daemon=True).start()
    made = Http if kind.startswith("tcp") else Datagrams
    ask: Callable[[int], str] = made(address, port, kind.endswith("kept"))
    asked = 0
    errors: list[str] = []
    answers: collections.Counter[str] = collections.Counter()
    while not over.is_set() and (not requests or asked < requests):
        asked += 1
        try:
            answers[ask(asked)] += 1
        except OSError as exc:
            errors.append(f"{time.strftime('%X')} {type(exc).__name__}: {exc}")
        time.sleep(_PAUSE_S)
    return {"asked": asked, "lost": len(errors), "answers": answers, "errors": errors[:5]}


if __name__ == "__main__":
    print(json.dumps(_ask(sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4]))))
