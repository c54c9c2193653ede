# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Podman and Docker with stores of their own, to exchange images with: no networks, no mounts."""

from __future__ import annotations

import contextlib
import os
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path


class Engine:
    """An engine that loads and saves archives."""

    argv: list[str]

    def load(self, archive: Path) -> None:
        self.run("load", "-q", "-i", str(archive))

    def save(self, archive: Path, *names: str) -> None:
        self.run("save", "-o", str(archive), *names)

    def image_id(self, name: str) -> str:
        """Of the image with this name, ``sha256:`` before it."""
        found = self.run("image", "inspect", "-f", "{{.Id}}", name)
        return f"sha256:{found.rpartition(':')[2]}"

    def forget(self) -> None:
        """Remove every image."""
        for image_id in set(self.run("images", "-q", "--no-trunc").split()):
            self.run("rmi", "-f", image_id)

    def run(self, *arguments: str) -> str:
        argv = [*self.argv, *arguments]
        done = subprocess.run(argv, capture_output=True, text=True, check=False, timeout=120)
        if done.returncode:
            raise RuntimeError(f"{' '.join(argv)}: {done.stderr.strip()}")
        return done.stdout.strip()


class Podman(Engine):
    def __init__(self, directory: Path) -> None:
        directory.mkdir()
        self._directory = directory
        self.socket = f"{directory}/socket"
        self.argv = [
            "podman", f"--root={directory}/root", f"--runroot={directory}/run",
            "--storage-driver=vfs", "--cgroup-manager=cgroupfs", "--events-backend=none",
            f"--network-config-dir={directory}/networks",
        ]  # fmt: skip

    @contextlib.contextmanager
    def service(self) -> Iterator[str]:
        """Serve its API, in Docker's shapes, while the block lasts. Yields the socket's path."""
        path = Path(self.socket)
        argv = [*self.argv, "system", "service", "--time=0", f"unix://{path}"]
        with open(self._directory / "log", "wb") as log:
            server = subprocess.Popen(argv, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        try:
            deadline = time.monotonic() + 60
            while not path.exists():
                if time.monotonic() > deadline or server.poll() is not None:
                    raise RuntimeError((self._directory / "log").read_text()[-2000:])
                time.sleep(0.05)
            yield str(path)
        finally:
            server.terminate()
            server.wait(timeout=60)

    def close(self) -> None:
        """Remove what it keeps for the next container: its rules, and where it mounts namespaces of
        networks.
        """
        for table in ("nat", "filter"):
            subprocess.run(["nft", "delete", "table", "ip", table], check=True)
        subprocess.run(["umount", "/run/netns"], check=True)

    def save(self, archive: Path, *names: str, form: str = "docker-archive") -> None:
        several = ["--multi-image-archive"] if len(names) > 1 else []
        self.run("save", "--format", form, *several, "-o", str(archive), *names)


class Docker(Engine):
    """A daemon; close() ends it."""

    def __init__(self, directory: Path) -> None:
        directory.mkdir()
        # The distribution's client, should another lie before it on PATH.
        client = "/usr/bin/docker" if os.access("/usr/bin/docker", os.X_OK) else "docker"
        self.socket = f"{directory}/socket"
        socket = f"unix://{self.socket}"
        self.argv = [client, "-H", socket]
        self._log = (directory / "log").open("wb")
        self._daemon = subprocess.Popen(
            [
                "dockerd", "-H", socket, f"--data-root={directory}/root",
                f"--exec-root={directory}/run", f"--pidfile={directory}/pid",
                "--storage-driver=vfs", "--bridge=none", "--iptables=false", "--ip6tables=false",
            ],
            stdout=self._log,
            stderr=self._log,
        )  # fmt: skip
        deadline = time.monotonic() + 60
        while not self._answers():
            if time.monotonic() > deadline or self._daemon.poll() is not None:
                self.close()
                raise RuntimeError((directory / "log").read_text()[-2000:])
            time.sleep(0.1)

    def _answers(self) -> bool:
        try:
            return self.run("info", "-f", "{{.ServerVersion}}") != ""
        except RuntimeError:
            return False

    def close(self) -> None:
        self._daemon.terminate()
        self._daemon.wait(timeout=60)
        self._log.close()
