# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A git server over http: git's own http-backend behind a small server on loopback."""

from __future__ import annotations

import base64
import contextlib
import http.server
import os
import ssl
import subprocess
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Optional

_BACKEND = "/usr/lib/git-core/git-http-backend"
_AUTHOR = ("-c", "user.name=tests", "-c", "user.email=tests@example.com")


@dataclass
class GitServer:
    """``url`` is where the bare repositories of ``directory`` are; those that ``token`` protects
    want it as GitHub does. ``requests`` are the paths that were asked for.
    """

    directory: Path
    url: str = ""
    token: str = ""
    requests: list[str] = field(default_factory=list)

    def repository(self, name: str) -> Path:
        """A new bare repository, and a work tree beside it to commit in; returns the work tree."""
        work = self.directory / f"{name}.work"
        self.git(self.directory, "init", "-q", "--bare", "-b", "main", f"{name}.git")
        self.git(self.directory, "init", "-q", "-b", "main", str(work))
        self.git(work, "remote", "add", "origin", str(self.directory / f"{name}.git"))
        return work

    def commit(self, work: Path, *more: str) -> str:
        """Commit all files of a work tree, and push them with ``more`` references; the commit."""
        self.git(work, "add", "-A")
        self.git(work, *_AUTHOR, "commit", "-q", "-m", "change", "--allow-empty")
        self.git(work, "push", "-q", "origin", "HEAD", *more)
        return self.git(work, "rev-parse", "HEAD")

    def tag(self, work: Path, name: str) -> None:
        """An annotated tag of what was committed last."""
        self.git(work, *_AUTHOR, "tag", "-a", "-m", name, name)
        self.git(work, "push", "-q", "origin", name)

    def git(self, where: Path, *arguments: str) -> str:
        done = subprocess.run(
            ["git", *arguments], cwd=where, check=True, capture_output=True, text=True, timeout=60
        )
        return done.stdout.strip()


def _handler(made: GitServer) -> type[http.server.BaseHTTPRequestHandler]:
    class Handler(http.server.BaseHTTPRequestHandler):
        def log_message(self, format: str, *args: object) -> None:
            made.requests.append(self.path)

        def do_GET(self) -> None:
            self._answer()

        def do_POST(self) -> None:
            self._answer()

        def _answer(self) -> None:
            path, dummy, query = self.path.partition("?")
            login = base64.b64encode(f"x-access-token:{made.token}".encode()).decode()
            if made.token and self.headers["Authorization"] != f"basic {login}":
                self.send_response(401)
                self.send_header("WWW-Authenticate", "Basic")
                self.send_header("Content-Length", "0")
                self.end_headers()
                return
            data = self.rfile.read(int(self.headers["Content-Length"] or 0))
            done = subprocess.run(
                [_BACKEND],
                input=data,
                capture_output=True,
                check=True,
                timeout=60,
                env={
                    "PATH": os.environ["PATH"],
                    "GIT_PROJECT_ROOT": str(made.directory),
                    "GIT_HTTP_EXPORT_ALL": "1",
                    "PATH_INFO": path,
                    "QUERY_STRING": query,
                    "REQUEST_METHOD": self.command,
                    "CONTENT_TYPE": self.headers["Content-Type"] or "",
                    "HTTP_CONTENT_ENCODING": self.headers["Content-Encoding"] or "",
                    "GIT_PROTOCOL": self.headers["Git-Protocol"] or "",
                },
            )
            end = done.stdout.index(b"\r\n\r\n")
            head, body = done.stdout[:end], done.stdout[end + 4 :]
            fields = dict(line.split(": ", 1) for line in head.decode().split("\r\n"))
            self.send_response(int(fields.pop("Status", "200").split()[0]))
            for name, value in fields.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

    return Handler


@contextlib.contextmanager
def git_server(
    directory: Path,
    address: tuple[str, int] = ("127.0.0.1", 0),
    tls: Optional[ssl.SSLContext] = None,
) -> Iterator[GitServer]:
    """A server of the repositories below a directory, while the block lasts."""
    directory.mkdir(parents=True, exist_ok=True)
    made = GitServer(directory)
    with http.server.ThreadingHTTPServer(address, _handler(made)) as server:
        made.url = f"http://{address[0]}:{server.server_port}"
        if tls is not None:
            made.url = f"https://{address[0]}:{server.server_port}"
            server.socket = tls.wrap_socket(server.socket, server_side=True)
        thread = threading.Thread(target=server.serve_forever, args=(0.02,))
        thread.start()
        try:
            yield made
        finally:
            server.shutdown()
            thread.join()
