# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Containers for integration tests: a host with the program and an image, all of it gone after."""

from __future__ import annotations

import contextlib
import subprocess
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Callable, Optional

from ansible_collections.slipway.engine.plugins.module_utils._runtime.base import files
from ansible_collections.slipway.engine.plugins.module_utils._runtime.base.layout import Layout
from ansible_collections.slipway.engine.plugins.module_utils._runtime.container.lifecycle import (
    actions,
)
from ansible_collections.slipway.engine.plugins.module_utils._runtime.image.store import store
from ansible_collections.slipway.engine.plugins.module_utils._runtime.network import synchronise
from ansible_collections.slipway.engine.plugins.module_utils._runtime.network.link import host_side
from ansible_collections.slipway.engine.plugins.module_utils._runtime.plan.plan import Host
from ansible_collections.slipway.engine.plugins.module_utils._runtime.program import zipapp
from ansible_collections.slipway.engine.plugins.module_utils._runtime.records import (
    container_record,
    network_record,
)
from ansible_collections.slipway.engine.plugins.module_utils._runtime.resource.image.files import (
    image_import,
)
from ansible_collections.slipway.engine.plugins.module_utils._runtime.spec.container import (
    ContainerSpec,
)
from support import prepared


class World:
    """A host with the program installed and one image of busybox; owns what is made on it."""

    def __init__(self, layout: Layout, sandbox: Path, tar: Path) -> None:
        self.layout = layout
        self.host = Host(layout, lock_timeout_s=20)
        self.launcher = sandbox / "slipway"
        prepared.prepare(layout)
        zipapp.install(layout, self.launcher)
        self.image = self.add_image("busybox", tar)

    def add_image(self, name: str, tar: Path, *changes: str) -> store.Image:
        """Import a root filesystem; ``changes`` are instructions such as ``VOLUME /data``."""
        declared = image_import.declare(
            {"name": name, "tag": "1", "src": str(tar), "changes": ['CMD ["sh"]', *changes]}
        )
        observed = image_import.RESOURCE.observe(self.host, declared)
        image_import.RESOURCE.plan(declared, observed).apply(self.host)
        found = store.find(self.layout, f"docker.io/library/{name}:1")
        assert found is not None
        return found

    def spec(
        self, name: str, script: str = "", image: Optional[store.Image] = None, **options: Any
    ) -> ContainerSpec:
        """What ``docker run --network none --stop-signal KILL NAME sh -c SCRIPT`` asks for."""
        image = image or self.image
        options = {"network_mode": "none", "stop_signal": "SIGKILL", **options}
        options.setdefault("command", ("sh", "-c", script or "exec sleep 1000"))
        return ContainerSpec(name, f"docker.io/library/{name}:1", image_id=image.id, **options)

    def create(
        self, name: str, script: str = "", image: Optional[store.Image] = None, **options: Any
    ) -> container_record.Record:
        spec = self.spec(name, script, image, **options)
        return actions.create(self.host, spec, image or self.image)

    def run(
        self, name: str, script: str = "", image: Optional[store.Image] = None, **options: Any
    ) -> container_record.Record:
        made = self.create(name, script, image, **options)
        return actions.start(self.host, made.id)

    def current(self, container_id: str) -> container_record.Record:
        return actions.current(self.host, container_id)

    def recorded(self, container_id: str) -> container_record.Record:
        return container_record.read_record(self.layout, container_id)

    def reaches(
        self, found: container_record.Record, phase: container_record.Phase
    ) -> container_record.Record:
        """Wait until a phase is recorded of a container, and return the record."""

        def reached() -> Optional[container_record.Record]:
            now = self.recorded(found.id)
            return now if now.phase == phase else None

        record: container_record.Record = until(reached)
        return record

    def log(self, container_id: str) -> str:
        """What a container wrote, both streams."""
        done = self.slipway("logs", container_id)
        return (done.stdout + done.stderr).decode()

    def slipway(
        self, *arguments: str, check: bool = True, stdin: Optional[bytes] = None
    ) -> subprocess.CompletedProcess[bytes]:
        """Run the program as a host does: with the system's Python."""
        program = zipapp.program(self.layout)
        return subprocess.run(
            ["/usr/bin/python3", str(program), *arguments],
            check=check,
            input=stdin,
            capture_output=True,
            timeout=120,
        )

    def clear(self) -> None:
        """Remove every container, network and rule."""
        for container_id in container_record.all_ids(self.layout):
            actions.remove(self.host, container_id, volumes=True, force=True)
        for network in network_record.networks(self.layout):
            host_side.delete_link(network.bridge)
            network_record.remove(self.layout, network.id)
        # What was tried may have been to take the whole installation away.
        files.prepare(self.layout)
        synchronise.synchronise(self.layout)


@contextlib.contextmanager
def world(layout: Layout, sandbox: Path, tar: Path) -> Iterator[World]:
    made = World(layout, sandbox, tar)
    try:
        yield made
    finally:
        made.clear()


def until(reached: Callable[[], Any], timeout_s: float = 60.0) -> Any:
    """Wait for something that becomes true, and return it."""
    deadline = time.monotonic() + timeout_s
    while True:
        value = reached()
        if value:
            return value
        assert time.monotonic() < deadline, "it did not come true in time"
        time.sleep(0.01)


def fetch(port: int) -> str:
    """What a web server on a port of the host answers."""
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/", timeout=30) as answer:
        return str(answer.read().decode())


def page(port: int) -> str:
    """The same, once the server listens."""

    def fetched() -> str:
        try:
            return fetch(port)
        except OSError:
            return ""

    return str(until(fetched))
