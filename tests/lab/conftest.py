# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The guest of a run: made when it is missing, with what every scenario starts from.

SLIPWAY_LAB names its kind. A snapshot is made once and kept: ``bare`` is the installation that
booted, ``ready`` the host after the role.
"""

from __future__ import annotations

import hashlib
import json
import os
import random
from collections.abc import Iterator
from pathlib import Path

import pytest
from support import CHECKOUT
from support.compare_predictions import changes
from support.inputs import images
from support.servers.registry import Registry

from lab import declared
from lab.guest import Guest
from lab.making import Kind, make
from lab.scenario import Scenario


@pytest.fixture(scope="session")
def kind() -> Kind:
    return Kind.named(_name())


def _name() -> str:
    return os.environ.get("SLIPWAY_LAB", "bookworm")


@pytest.fixture(scope="session")
def scenario(kind: Kind, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Scenario]:
    """The guest, on which the role has been. It is left switched off."""
    guest = Guest(_name())
    made = Scenario(guest, tmp_path_factory.mktemp("plays"))
    make(guest, kind)
    guest.off()
    if not guest.has("bare"):
        guest.boot()
        guest.save("bare")
        guest.off()
    try:
        if not guest.has("ready"):
            guest.boot("bare")
            _prepare(made)
            guest.save("ready")
            guest.off()
        yield made
    finally:
        guest.off()


def _prepare(made: Scenario) -> None:
    """Apply the role to the bare installation: check mode says what it does, once is enough."""
    foretold = made.role("host", "--check")
    assert foretold.status == 0, foretold.output
    assert "would install" in foretold.output
    done = made.role("host")
    assert done.status == 0, done.output
    again = made.role("host")
    assert again.status == 0, again.output
    assert changes([dict(line) for line in again.record]) == []


@pytest.fixture(scope="session")
def archive(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An image of busybox in an archive, on the controller."""
    directory = tmp_path_factory.mktemp("image")
    layer = images.busybox_tar(directory / "rootfs.tar").read_bytes()
    images.oci_layout(directory / "layout", [layer], {"Cmd": ["sh"]})
    made = directory / "busybox.tar"
    images.skopeo_copy(f"oci:{directory}/layout:latest", f"oci-archive:{made}")
    return made


@pytest.fixture(scope="session")
def pulled(scenario: Scenario, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The name that an image has for guests, in a registry on this machine, which has the same
    address in each run of this guest: it is part of the name.

    A layer of 8 MB that nothing compresses is what a power cut comes in the middle of.
    """
    directory = tmp_path_factory.mktemp("registry")
    base = images.busybox_tar(directory / "rootfs.tar").read_bytes()
    noise = random.Random(1).randbytes(8 << 20)
    large = images.tar({"opt": None, "opt/noise": noise})
    config = {"Cmd": ["sh"], "Env": ["PATH=/usr/sbin:/usr/bin:/sbin:/bin"]}
    images.oci_layout(directory / "layout", [base, large], config)
    kept = scenario.guest.directory / "registry"
    known = kept.read_text() if kept.exists() else ""
    registry = Registry(directory / "served", address=known)
    kept.write_text(registry.host)
    port = registry.host.rpartition(":")[2]
    images.skopeo_copy(f"oci:{directory}/layout:latest", f"docker://{registry.host}/app:1")
    yield f"10.0.2.2:{port}/app:1"
    registry.stop()


@pytest.fixture(scope="session")
def tasks(archive: Path, pulled: str) -> list[declared.Task]:
    """All that the scenarios start from."""
    return [*declared.images(archive, pulled), *declared.containers(pulled)]


@pytest.fixture(scope="session")
def converged(scenario: Scenario, tasks: list[declared.Task]) -> str:
    """The snapshot of a guest on which they are carried out, and were as predicted. It is made
    again when the collection or the tasks are others than it was made with.
    """
    guest = scenario.guest
    made, digest = guest.directory / "converged", _digest(tasks)
    if not (guest.has("converged") and made.exists() and made.read_text() == digest):
        made.unlink(missing_ok=True)
        guest.boot("ready")
        scenario.converge(tasks)
        guest.save("converged")
        guest.off()
        made.write_text(digest)
    return "converged"


def _digest(tasks: list[declared.Task]) -> str:
    """Of all that runs on a host, and of what it is told."""
    found = hashlib.sha256()
    for path in sorted((CHECKOUT / "plugins").rglob("*.py")):
        found.update(path.read_bytes())
    # The archive is in another directory in each run.
    found.update(json.dumps(tasks[1:]).encode())
    return found.hexdigest()


@pytest.fixture(scope="module")
def host(scenario: Scenario, converged: str) -> Iterator[Scenario]:
    """The guest as it was then; the tests of a file share it, in their order."""
    scenario.guest.boot(converged)
    yield scenario
    scenario.guest.off()
