# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What stands for Docker Hub: images of busybox under well-known names, and a search."""

from __future__ import annotations

import contextlib
import json
import threading
from collections.abc import Iterator, Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

from support.inputs import images

PATH = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
#: Programs that images of these names have, and that busybox does not.
_BASH = '#!/bin/sh\nexec sh "$@"\n'
_COWSAY = '#!/bin/sh\nprintf "< %s >\\n   a whale\\n" "$*"\n'
#: It serves what index.js would, if npm install has been here.
_NODE = """#!/bin/sh
[ -f "$1" ] && [ -d node_modules ] || exit 1
mkdir -p /srv && echo hello world >/srv/index.html
echo listening on 3000
exec httpd -f -p 3000 -h /srv
"""
_NPM = '#!/bin/sh\n[ "$1" = install ] && [ -f package.json ] && mkdir -p node_modules\n'
_PYTHON = "#!/bin/sh\necho Python $PYTHON_VERSION\n"
_OLD_PYTHON = "PYTHON_VERSION=3.8.13"
_SITE, _PAGES = "/usr/local/apache2/htdocs", "/usr/share/nginx/html"

#: Repository and tags, the programs and files it has beside busybox, and its config.
_IMAGES: tuple[tuple[str, str, Mapping[str, str], Mapping[str, Any]], ...] = (
    ("library/hello-world", "latest", {}, {"Cmd": ["echo", "Hello from a container!"]}),
    ("docker/whalesay", "latest", {"usr/bin/cowsay": _COWSAY}, {}),
    ("docker/getting-started", "latest", {}, {"Cmd": ["sleep", "1000"]}),
    ("library/debian", "latest", {"bin/bash": _BASH}, {"Cmd": ["bash"]}),
    ("library/centos", "6 7 latest", {"bin/bash": _BASH, "etc/centos": ""}, {"Cmd": ["bash"]}),
    ("library/mysql", "latest", {"etc/mysql": ""}, {"Cmd": ["sleep", "1000"]}),
    ("tensorflow/tensorflow", "latest", {"etc/tensorflow": ""}, {"Cmd": ["sh"]}),
    ("library/node", "latest", {"usr/bin/node": _NODE, "usr/bin/npm": _NPM}, {"Cmd": ["node"]}),
    ("library/python", "latest", {"usr/bin/python": _PYTHON}, {"Env": ["PYTHON_VERSION=3.14.0"]}),
    ("library/python", "3.8 3.8.13", {"usr/bin/python": _PYTHON}, {"Env": [_OLD_PYTHON]}),
    (
        "library/httpd",
        "2.4 latest",
        {"bin/bash": _BASH, f"{_SITE[1:]}/index.html": "It works!\n"},
        {"Cmd": ["httpd", "-f", "-p", "80", "-h", _SITE], "ExposedPorts": {"80/tcp": {}}},
    ),
    (
        "library/nginx",
        "latest",
        {f"{_PAGES[1:]}/index.html": "Pages\n"},
        {"Cmd": ["httpd", "-f", "-p", "80", "-h", _PAGES], "ExposedPorts": {"80/tcp": {}}},
    ),
)  # fmt: skip


def fill(registry: str, directory: Path, rootfs: bytes) -> None:
    """Put the images into a registry, given as HOST:PORT; ``rootfs`` is a tar of busybox."""
    for number, (repository, tags, files, config) in enumerate(_IMAGES):
        layout = directory / str(number)
        members: dict[str, images.Member] = {name: text.encode() for name, text in files.items()}
        extra = [images.tar(members, dict.fromkeys(members, 0o755))] if members else []
        # Processes of busybox are deaf to SIGTERM as process 1.
        whole = {"StopSignal": "SIGKILL", **config, "Env": [PATH, *config.get("Env", [])]}
        images.oci_layout(layout, [rootfs, *extra], whole)
        for tag in tags.split():
            images.skopeo_copy(f"oci:{layout}:latest", f"docker://{registry}/{repository}:{tag}")


@contextlib.contextmanager
def website(rootfs: bytes) -> Iterator[str]:
    """Docker Hub's search, which finds databases, and rootfs.tar: where they are, as HOST:PORT."""

    class Handler(BaseHTTPRequestHandler):
        def do_HEAD(self) -> None:
            self.do_GET()

        def do_GET(self) -> None:
            place = urlsplit(self.path)
            if place.path == "/rootfs.tar":
                self._answer(200, "application/x-tar", rootfs)
            elif place.path == "/v1/search":
                term = parse_qs(place.query)["q"][0]
                found = json.dumps({"results": _found(term)}).encode()
                self._answer(200, "application/json", found)
            else:
                self._answer(404, "text/plain", b"")

        def _answer(self, status: int, kind: str, body: bytes) -> None:
            self.send_response(status)
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            if self.command == "GET":
                self.wfile.write(body)

        def log_message(self, format: str, *args: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
    try:
        yield f"127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        server.server_close()


def _found(term: str) -> list[dict[str, Any]]:
    shown = "An open relational database with a description that a narrow table has to cut off"
    return [
        {"name": name, "description": shown, "star_count": stars, "is_official": stars > 9000}
        for name, stars in ((term, 9375), (f"{term}/server", 687), (f"harbour/{term}", 19))
    ]
