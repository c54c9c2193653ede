# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The servers that examples in the documentation name, on loopback under these names."""

from __future__ import annotations

import contextlib
import functools
import gzip
import hashlib
import shutil
import ssl
import subprocess
import threading
from collections.abc import Iterator
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from support.inputs import images
from support.servers.git import GitServer, git_server
from support.servers.registry import Registry

#: 443 of the first address is all registries, 443 of the second serves files, that of the third
#: repositories.
HOSTS = """\
127.0.0.1 localhost registry.example.com registry.example.org registry-1.docker.io quay.io
127.0.0.2 images.example.org
127.0.0.3 git.example.org
"""
#: What is built of the repository shop, in its directory web.
_DOCKERFILE = "FROM registry.example.com/web:1.4\nCOPY index.html /srv/\n"

#: The images that examples pull, and which of the two below each is.
IMAGES = {
    "library/busybox:1.36": "busybox",
    "library/debian:12": "app",
    "library/registry:2": "app",
    "library/nginx:1.27": "app",
    "library/postgres:17": "app",
    "gitea/gitea:1.22": "app",
    "grafana/grafana:11.3.0": "app",
    "prometheus/node-exporter:v1.8.2": "app",
    "prometheus/prometheus:v3.0.0": "app",
    "web:1.4": "app",
    "web:1.5": "app",
    "app:2": "app",
    "db:1": "app",
    "proxy:2": "app",
    "proxy:3": "app",
    "tools:1": "app",
    "team/app:1": "app",
}

_STAYS = b"#!/bin/sh\nexec sleep 100000\n"
_ENDS = b"#!/bin/sh\necho done\n"
#: What the examples take for granted of an application's image.
_APP: dict[str, images.Member] = {
    "bin/serve-database": _STAYS,
    "bin/serve-app": _STAYS,
    "bin/migrate-database": _ENDS,
    "bin/psql": _ENDS,
    # What health checks ask.
    "bin/pg_isready": _ENDS,
    "bin/promtool": _ENDS,
    "bin/curl": _ENDS,
    "bin/app-set-password": b"#!/bin/sh\nexec cat >/dev/null\n",
    "etc/app": None,
    "etc/app/generated.conf": b"[app]\n",
    "etc/passwd": b"root:x:0:0:root:/root:/bin/sh\npostgres:x:70:70::/:/bin/sh\n",
    "srv/index.html": b"hello\n",
    "srv/schema.sql": b"select 1;\n",
    "usr/share": None,
    "usr/share/nginx": None,
    "usr/share/nginx/html": None,
    "usr/share/nginx/html/index.html": b"hello\n",
    "var/backups": None,
    "var/backups/one.dump": b"1",
    "var/log/app": None,
    "var/log/app/app.log": b"started\n",
}
#: busybox's own image has no /srv: what is served from there has to be put there.
_LACKING = ("srv",)


class Servers:
    """All of them; ``digest`` is that of quay.io/team/app, ``checksum`` that of rootfs.tar.gz."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        directory.mkdir()
        _certificate(directory)
        self.ca = directory / "ca.crt"
        self._registries = [self._registry("443"), self._registry("5000")]
        self.digest = self._fill()
        site = directory / "site"
        site.mkdir()
        archive = gzip.compress(images.tar({"etc": None, "etc/motd": b"Hello\n"}), mtime=0)
        (site / "rootfs.tar.gz").write_bytes(archive)
        self.checksum = f"sha256:{hashlib.sha256(archive).hexdigest()}"
        _repository(directory / "git")

    def _registry(self, port: str) -> Registry:
        place = self.directory / port
        place.mkdir()
        for name in ("ca.crt", "tls.crt", "tls.key"):
            shutil.copy(self.directory / name, place / name)
        # One storage for both, so that what is pushed to one name is at the others.
        (self.directory / "storage").mkdir(exist_ok=True)
        (place / "storage").symlink_to(self.directory / "storage")
        return Registry(place, tls=True, address=f"127.0.0.1:{port}")

    def _fill(self) -> str:
        whole = images.busybox_tar(self.directory / "busybox.tar")
        modes = {name: 0o755 for name in _APP if name.startswith("bin/")}
        layers = {
            "busybox": [_without(whole, _LACKING)],
            "app": [whole.read_bytes(), images.tar(_APP, modes)],
        }
        config = {
            "Env": ["PATH=/usr/sbin:/usr/bin:/sbin:/bin"],
            # Nothing in there heeds SIGTERM as process 1, and no example is about waiting for it.
            "StopSignal": "SIGKILL",
        }
        commands = {"busybox": ["sh"], "app": ["httpd", "-f", "-p", "80", "-h", "/srv"]}
        digest = ""
        for name, base in IMAGES.items():
            layout = self.directory / name.replace("/", "-").replace(":", "-")
            # Each is an image of its own.
            own = {**config, "Cmd": commands[base], "Labels": {"name": name}}
            digest = images.oci_layout(layout, layers[base], own)
            target = f"docker://{self._registries[0].host}/{name}"
            images.skopeo_copy(f"oci:{layout}:latest", target)
        return digest

    @contextlib.contextmanager
    def running(self) -> Iterator[Servers]:
        """Serve under the names of the examples, until the context ends."""
        assert self._registries[1].host
        handler = functools.partial(_Quiet, directory=str(self.directory / "site"))
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self.directory / "tls.crt", self.directory / "tls.key")
        repositories = git_server(self.directory / "git", ("127.0.0.3", 443), context)
        with repositories, ThreadingHTTPServer(("127.0.0.2", 443), handler) as server:
            server.socket = context.wrap_socket(server.socket, server_side=True)
            threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
            try:
                yield self
            finally:
                server.shutdown()

    def stop(self) -> None:
        for registry in self._registries:
            registry.stop()


def _repository(directory: Path) -> None:
    directory.mkdir()
    made = GitServer(directory)
    work = made.repository("shop")
    (work / "web").mkdir()
    (work / "web" / "Dockerfile").write_text(_DOCKERFILE)
    (work / "web" / "index.html").write_text("hello\n")
    made.commit(work)
    made.tag(work, "v1.4")


class _Quiet(SimpleHTTPRequestHandler):
    def log_message(self, format: str, *args: object) -> None:
        pass


def _without(tar: Path, names: tuple[str, ...]) -> bytes:
    done = subprocess.run(
        ["tar", "--delete", "-f", "-", *names],
        input=tar.read_bytes(),
        capture_output=True,
        check=True,
    )
    return done.stdout


def _certificate(directory: Path) -> None:
    key = "-newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes"
    names = ",".join(f"DNS:{name}" for name in HOSTS.split() if not name[0].isdigit())
    (directory / "extensions").write_text(f"subjectAltName=IP:127.0.0.1,{names}\n")
    for arguments in (
        f"req -x509 {key} -subj /CN=tests -days 2 -keyout ca.key -out ca.crt"
        " -addext keyUsage=keyCertSign,cRLSign",
        f"req {key} -subj /CN=127.0.0.1 -keyout tls.key -out tls.csr",
        "x509 -req -in tls.csr -CA ca.crt -CAkey ca.key -CAcreateserial -days 2 -out tls.crt"
        " -extfile extensions",
    ):
        subprocess.run(
            ["openssl", *arguments.split()],
            cwd=directory, capture_output=True, check=True, timeout=60,
        )  # fmt: skip
