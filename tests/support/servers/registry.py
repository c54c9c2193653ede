# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A real registry for tests: the distribution's docker-registry, on a loopback port of its own."""

from __future__ import annotations

import socket
import subprocess
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Optional

START_S = 60.0

_CONFIG = """\
version: 0.1
log: {{level: warn, accesslog: {{disabled: false}}}}
storage:
  filesystem: {{rootdirectory: {storage}}}
  delete: {{enabled: true}}
http:
  addr: {host}
{extra}"""


@dataclass
class Registry:
    """One registry. It starts when ``host`` is first asked for, and ends with ``stop()``.

    With ``username`` it wants a login (htpasswd, bcrypt); with ``tls`` it speaks TLS, and ``ca`` is
    the certificate to trust. ``address`` is where it listens, a free port by default.
    """

    directory: Path
    username: Optional[str] = None
    password: Optional[str] = None
    tls: bool = False
    address: str = ""
    _process: Optional[subprocess.Popen[bytes]] = field(default=None, repr=False)

    @property
    def host(self) -> str:
        """``127.0.0.1:PORT``, with the registry answering there."""
        if self._process is None:
            self.start()
        return self.address

    @property
    def url(self) -> str:
        return f"{'https' if self.tls else 'http'}://{self.host}"

    @property
    def ca(self) -> Path:
        """The certificate of the authority that signed the registry's own."""
        return self.directory / "ca.crt"

    @property
    def log(self) -> str:
        """What the registry said so far, one access per line: tests count requests in it."""
        return (self.directory / "log").read_text(errors="replace")

    def start(self) -> None:
        """Start it and wait until it answers; a second start keeps address and content."""
        self.directory.mkdir(parents=True, exist_ok=True)
        if not self.address:
            self.address = f"127.0.0.1:{free_port()}"
        config = self.directory / "config.yml"
        config.write_text(
            _CONFIG.format(
                storage=self.directory / "storage", host=self.address, extra=self._options()
            )
        )
        with open(self.directory / "log", "ab") as log:
            # It must not outlive a test run that is killed: nobody would know its port any more.
            self._process = subprocess.Popen(
                ["setpriv", "--pdeathsig", "TERM", "docker-registry", "serve", str(config)],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )
        deadline = time.monotonic() + START_S
        while not self._answers():
            if self._process.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError(f"docker-registry does not start: {self.log[-2000:]}")
            time.sleep(0.02)

    def stop(self) -> None:
        if self._process is not None:
            self._process.terminate()
            self._process.wait(60)
            self._process = None

    def _answers(self) -> bool:
        host, dummy, port = self.address.rpartition(":")
        try:
            socket.create_connection((host, int(port)), 1).close()
        except OSError:
            return False
        return True

    def _options(self) -> str:
        lines = ""
        if self.tls:
            self._certify()
            lines += (
                f"  tls: {{certificate: {self.directory}/tls.crt, key: {self.directory}/tls.key}}\n"
            )
        if self.username is not None:
            users = self.directory / "htpasswd"
            done = subprocess.run(
                ["htpasswd", "-niB", self.username],
                input=(self.password or "").encode(),
                capture_output=True,
                check=True,
            )
            users.write_bytes(done.stdout)
            lines += f"auth:\n  htpasswd: {{realm: tests, path: {users}}}\n"
        return lines

    def _certify(self) -> None:
        """Make an authority and a certificate for 127.0.0.1 and localhost that it signed."""
        if self.ca.exists():
            return
        key = "-newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes"
        self._openssl(
            f"req -x509 {key} -subj /CN=tests -days 2 -keyout ca.key -out ca.crt"
            " -addext keyUsage=keyCertSign,cRLSign"
        )
        self._openssl(f"req {key} -subj /CN=127.0.0.1 -keyout tls.key -out tls.csr")
        extensions = self.directory / "extensions"
        extensions.write_text("subjectAltName=IP:127.0.0.1,DNS:localhost\n")
        self._openssl(
            "x509 -req -in tls.csr -CA ca.crt -CAkey ca.key -CAcreateserial -days 2"
            " -out tls.crt -extfile extensions"
        )

    def _openssl(self, arguments: str) -> None:
        subprocess.run(
            ["openssl", *arguments.split()],
            cwd=self.directory,
            capture_output=True,
            check=True,
            timeout=60,
        )


def free_port() -> int:
    """A loopback port nobody listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
