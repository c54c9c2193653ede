# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A proxy for http that listens in one network namespace and fetches from another.

A sandbox reaches no mirror of packages, and is to reach nothing else either. So the socket is made
in the sandbox and handed to this program, which is started in the namespace of the machine:

    nsenter --net=/proc/self/fd/OUTSIDE python3 tests/molecule/mirror.py SOCKET

OUTSIDE and SOCKET are numbers of open files. The environment's own http_proxy is heeded.
"""

from __future__ import annotations

import shutil
import socket
import sys
import urllib.error
import urllib.request
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

#: Of the client's and the server's headers, those that packages need.
_ASKED = ("If-Modified-Since", "If-Range", "Range", "Cache-Control", "Accept")
_ANSWERED = ("Content-Length", "Content-Range", "Content-Type", "Last-Modified", "ETag")


class Relay(BaseHTTPRequestHandler):
    """Fetches what a client of a proxy asks for, by GET or HEAD."""

    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        headers = {name: self.headers[name] for name in _ASKED if name in self.headers}
        request = urllib.request.Request(self.path, headers=headers, method=self.command)
        try:
            with urllib.request.urlopen(request, timeout=60) as answer:
                self.send_response(answer.status)
                for name in _ANSWERED:
                    if name in answer.headers:
                        self.send_header(name, answer.headers[name])
                if "Content-Length" not in answer.headers:
                    self.close_connection = True
                    self.send_header("Connection", "close")
                self.end_headers()
                if self.command == "GET":
                    shutil.copyfileobj(answer, self.wfile)
        except urllib.error.HTTPError as error:
            self._refuse(error.code)
        except OSError:
            self._refuse(502)

    do_HEAD = do_GET

    def _refuse(self, status: int) -> None:
        self.send_response(status)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, format: str, *arguments: object) -> None:
        """Nothing: a test prints what failed."""


class Server(ThreadingHTTPServer):
    """Serves on a socket that is there, bound and listening."""

    daemon_threads = True

    def __init__(self, number: int) -> None:
        super().__init__(("", 0), Relay, bind_and_activate=False)
        self.socket.close()
        self.socket = socket.socket(fileno=number)


if __name__ == "__main__":
    Server(int(sys.argv[1])).serve_forever()
