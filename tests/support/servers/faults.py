# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A server that stands before a real registry and misbehaves where a test tells it to.

Requests are passed on and answered as the registry does, except those a Fault takes hold of. What
came in is kept, headers included, so that a test can say what was sent and, more to the point,
what was not.
"""

from __future__ import annotations

import http.client
import re
import socket
import struct
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Callable, Optional


@dataclass(frozen=True)
class Reply:
    """An answer, whole: of the registry behind, or made up."""

    status: int
    headers: tuple[tuple[str, str], ...] = ()
    body: bytes = b""

    def with_header(self, name: str, value: Optional[str]) -> Reply:
        kept = tuple(pair for pair in self.headers if pair[0].lower() != name.lower())
        return replace(self, headers=kept if value is None else (*kept, (name, value)))

    def with_body(self, body: bytes) -> Reply:
        return replace(self, body=body).with_header("Content-Length", str(len(body)))


@dataclass(frozen=True)
class Seen:
    """A request that came in."""

    method: str
    path: str
    headers: dict[str, str]


Act = Callable[["Connection", Reply], None]


@dataclass
class Fault:
    """What to do with the next ``times`` requests whose ``METHOD path`` the expression finds."""

    where: str
    act: Act
    times: int = 1 << 30


@dataclass
class FaultyServer:
    """The server; ``upstream`` is the ``host:port`` of a registry that speaks plain http, or
    empty.
    """

    upstream: str = ""
    host: str = "127.0.0.1"
    faults: list[Fault] = field(default_factory=list)
    seen: list[Seen] = field(default_factory=list)
    sent: int = 0
    _lock: threading.Lock = field(default_factory=threading.Lock)

    @contextmanager
    def running(self) -> Iterator[FaultyServer]:
        server = self

        class Handler(Connection):
            faulty = server

        with ThreadingHTTPServer((self.host, 0), Handler) as listener:
            listener.daemon_threads = True
            self.port = int(listener.server_address[1])
            thread = threading.Thread(target=listener.serve_forever, args=(0.02,), daemon=True)
            thread.start()
            try:
                yield self
            finally:
                listener.shutdown()

    @property
    def address(self) -> str:
        return f"{self.host}:{self.port}"

    def take(self, line: str) -> Optional[Fault]:
        with self._lock:
            for fault in self.faults:
                if fault.times > 0 and re.search(fault.where, line):
                    fault.times -= 1
                    return fault
        return None

    def paths(self, method: str = "") -> list[str]:
        return [seen.path for seen in self.seen if seen.method.startswith(method)]


class Connection(BaseHTTPRequestHandler):
    """One connection of a client."""

    protocol_version = "HTTP/1.1"
    faulty: FaultyServer

    def handle(self) -> None:
        try:
            first = self.connection.recv(1, socket.MSG_PEEK)
            # A TLS greeting has no line end, for which the parser would wait.
            if first and first != b"\x16":
                super().handle()
        except OSError:
            self.close_connection = True

    def _serve(self) -> None:
        length = int(self.headers.get("Content-Length") or 0)
        body = self.rfile.read(length)
        self.faulty.seen.append(Seen(self.command, self.path, dict(self.headers.items())))
        fault = self.faulty.take(f"{self.command} {self.path}")
        reply = self._ask(body)
        if fault is None:
            self.send(reply)
        else:
            fault.act(self, reply)

    do_GET = do_HEAD = do_POST = do_PUT = do_PATCH = do_DELETE = do_CONNECT = _serve

    def _ask(self, body: bytes) -> Reply:
        if not self.faulty.upstream:
            return Reply(404, (("Content-Length", "0"),))
        upstream = http.client.HTTPConnection(self.faulty.upstream, timeout=30)
        try:
            upstream.request(self.command, self.path, body, dict(self.headers.items()))
            answer = upstream.getresponse()
            hop = ("connection", "transfer-encoding", "keep-alive")
            headers = tuple(pair for pair in answer.getheaders() if pair[0].lower() not in hop)
            return Reply(answer.status, headers, answer.read())
        finally:
            upstream.close()

    def send(self, reply: Reply, upto: Optional[int] = None) -> None:
        """Answer, with the first ``upto`` bytes of the body only."""
        self.send_response_only(reply.status)
        for name, value in reply.headers:
            self.send_header(name, value)
        self.end_headers()
        if self.command != "HEAD":
            body = reply.body if upto is None else reply.body[:upto]
            self.wfile.write(body)
            self.faulty.sent += len(body)
        self.wfile.flush()

    def log_message(self, format: str, *args: object) -> None:
        """Quiet: what came in is in ``seen``."""


def status(code: int, body: bytes = b"", **headers: str) -> Act:
    """Answer with a status, whatever the registry said."""

    def act(connection: Connection, reply: Reply) -> None:
        pairs = tuple((name.replace("_", "-"), value) for name, value in headers.items())
        connection.send(Reply(code, pairs).with_body(body))

    return act


def edit(change: Callable[[Reply], Reply]) -> Act:
    """Answer with what ``change`` makes of the registry's answer."""

    def act(connection: Connection, reply: Reply) -> None:
        connection.send(change(reply))

    return act


def reset(after: int) -> Act:
    """Break the connection (RST) after so many bytes of the body; -1 is before the answer."""

    def act(connection: Connection, reply: Reply) -> None:
        if after >= 0:
            connection.send(reply, after)
            # The bytes must have left before the reset, which drops what is unsent.
            time.sleep(0.05)
        connection.close_connection = True
        linger = struct.pack("ii", 1, 0)
        connection.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
        # A socket closes, and so resets, when its last file is closed too.
        connection.rfile.close()
        connection.connection.close()

    return act


def truncate(after: int) -> Act:
    """End the connection in order, after so many bytes of the body."""

    def act(connection: Connection, reply: Reply) -> None:
        connection.send(reply, after)
        connection.close_connection = True

    return act


def stall(after: int, seconds: float = 3.0) -> Act:
    """Fall silent after so many bytes of the body; -1 is before the answer."""

    def act(connection: Connection, reply: Reply) -> None:
        if after >= 0:
            connection.send(reply, after)
        connection.connection.settimeout(seconds)
        try:
            connection.connection.recv(1)
        finally:
            connection.close_connection = True

    return act


def held(after: int, go_on: threading.Event) -> Act:
    """Answer, and wait after some bytes of the body until a test has seen what it wants to."""

    def act(connection: Connection, reply: Reply) -> None:
        connection.send(reply, after)
        connection.wfile.flush()
        if not go_on.wait(60):
            raise AssertionError("nobody let it go on")
        connection.wfile.write(reply.body[after:])
        connection.faulty.sent += len(reply.body) - after

    return act


def trickle(pause_s: float = 0.05, seconds: float = 5.0) -> Act:
    """Send the body byte by byte."""

    def act(connection: Connection, reply: Reply) -> None:
        connection.send(reply, 0)
        connection.close_connection = True
        deadline = time.monotonic() + seconds
        for number in range(len(reply.body)):
            connection.wfile.write(reply.body[number : number + 1])
            connection.wfile.flush()
            time.sleep(pause_s)
            if time.monotonic() > deadline:
                return

    return act


def endless(seconds: float = 10.0) -> Act:
    """Send a body without an end, in chunks."""

    def act(connection: Connection, reply: Reply) -> None:
        changed = reply.with_header("Content-Length", None)
        connection.send(changed.with_header("Transfer-Encoding", "chunked"), 0)
        connection.close_connection = True
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            connection.wfile.write(b"10000\r\n" + b" " * 65536 + b"\r\n")

    return act


@dataclass
class Tap:
    """Passes connections on to ``upstream`` and keeps the first byte of each."""

    upstream: str
    host: str = "127.0.0.1"
    first: list[bytes] = field(default_factory=list)

    @contextmanager
    def running(self) -> Iterator[Tap]:
        with socket.create_server((self.host, 0)) as listener:
            self.address = f"{self.host}:{listener.getsockname()[1]}"
            thread = threading.Thread(target=self._accept, args=(listener,), daemon=True)
            thread.start()
            try:
                yield self
            finally:
                # Closing would leave the thread in accept: the kernel may begin that call anew, on
                # the number of a file that is somebody else's listener by then.
                listener.shutdown(socket.SHUT_RDWR)
                thread.join()

    def _accept(self, listener: socket.socket) -> None:
        host, dummy, port = self.upstream.rpartition(":")
        while True:
            try:
                client, dummy = listener.accept()
            except OSError:
                return
            self.first.append(client.recv(1, socket.MSG_PEEK))
            server = socket.create_connection((host, int(port)))
            for source, target in ((client, server), (server, client)):
                threading.Thread(target=_copy, args=(source, target), daemon=True).start()


def _copy(source: socket.socket, target: socket.socket) -> None:
    try:
        while data := source.recv(65536):
            target.sendall(data)
        target.shutdown(socket.SHUT_WR)
    except OSError:
        pass
