# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A running Docker or Podman, asked through the socket of its API; nothing is changed there."""

from __future__ import annotations

import http.client
import json
import os
import socket
import urllib.parse
from collections.abc import Mapping, Sequence
from typing import Any

from ....base.errors import Error, NotFound

#: Where the sockets of root's engines are, the usual place first.
SOCKETS: Mapping[str, tuple[str, ...]] = {
    "docker": ("/var/run/docker.sock", "/run/docker.sock"),
    "podman": ("/run/podman/podman.sock",),
}
#: Podman inspects everything again at each question, and its host may be busy.
_TIMEOUT_S = 60.0


class _Connection(http.client.HTTPConnection):
    def __init__(self, path: str) -> None:
        super().__init__("localhost", timeout=_TIMEOUT_S)
        self._path = path

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(_TIMEOUT_S)
        self.sock.connect(self._path)


def socket_of(engine: str) -> str:
    """The socket of ``docker``, ``podman`` or one given by its path. Raises NotFound."""
    path = engine[len("unix://") :] if engine.startswith("unix://") else engine
    if path.startswith("/"):
        return path
    if engine not in SOCKETS:
        raise Error(
            f"{engine[:60]!r} is not an engine", hint="use docker, podman or a socket's path"
        )
    for path in SOCKETS[engine]:
        if os.path.exists(path):
            return path
    start = "systemctl start podman.socket" if engine == "podman" else "systemctl start docker"
    raise NotFound(f"{SOCKETS[engine][0]} does not exist", hint=f"start the service: {start}")


class Engine:
    """The documents of one engine, in the shapes of Docker's API."""

    def __init__(self, path: str) -> None:
        self.path = path

    def get(self, what: str, **query: str) -> Any:
        """What the engine answers to GET. Raises NotFound, and Error when it does not answer."""
        target = f"{what}?{urllib.parse.urlencode(query)}" if query else what
        connection = _Connection(self.path)
        try:
            connection.request("GET", target, headers={"Accept": "application/json"})
            answer = connection.getresponse()
            content = answer.read()
        except PermissionError as exc:
            raise Error(f"{self.path}: {exc.strerror}", hint="run it as root") from exc
        except (OSError, http.client.HTTPException) as exc:
            raise Error(f"the engine at {self.path} does not answer: {exc}") from exc
        finally:
            connection.close()
        try:
            found = json.loads(content)
        except ValueError as exc:
            raise Error(f"the engine at {self.path} answers {target} without JSON") from exc
        if answer.status == 404:
            raise NotFound(f"{self.path}: {found.get('message', what)}")
        if answer.status != 200:
            said = found.get("message") if isinstance(found, Mapping) else ""
            raise Error(f"the engine at {self.path} answers {target} with {answer.status}: {said}")
        return found

    def info(self) -> Mapping[str, Any]:
        found: Mapping[str, Any] = self.get("/info")
        return found

    def podman(self) -> bool:
        """Whether it is Podman, which answers in Docker's shapes."""
        parts = self.get("/version").get("Components") or ()
        return any("Podman" in str(part.get("Name")) for part in parts)

    def containers(self, names: Sequence[str]) -> list[Mapping[str, Any]]:
        """Those that are named, or all, the oldest first."""
        if not names:
            listed = self.get("/containers/json", all="true")
            names = [one["Id"] for one in sorted(listed, key=lambda one: int(one["Created"]))]
        return [self.get(f"/containers/{urllib.parse.quote(name)}/json") for name in names]

    def image(self, name: str) -> Mapping[str, Any]:
        found: Mapping[str, Any] = self.get(f"/images/{urllib.parse.quote(name)}/json")
        return found

    def networks(self) -> list[Mapping[str, Any]]:
        """In full: the list of Docker's newer versions leaves some out."""
        return [self.get(f"/networks/{one['Id']}") for one in self.get("/networks")]

    def volumes(self) -> list[Mapping[str, Any]]:
        return list(self.get("/volumes").get("Volumes") or ())
