# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What every test in a sandbox gets: a clean installation, a leak audit, real registries.

These tests make mounts, links, firewall rules and containers, so they run in tests/sandbox only:

    tests/sandbox pytest tests/integration

A conftest.py imports all of it; pytest finds fixtures and hooks by their names there.
"""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Generator, Iterator
from pathlib import Path
from typing import Any, Callable, Optional

import pytest

from ansible_collections.slipway.engine.plugins.module_utils._runtime.base import files
from ansible_collections.slipway.engine.plugins.module_utils._runtime.base.layout import Layout
from ansible_collections.slipway.engine.plugins.module_utils._runtime.container.supervision import (
    boot,
)
from support import CHECKOUT, containers
from support import audit as leaks
from support.containers import World
from support.inputs import images
from support.servers.registry import Registry

__all__ = [
    "audit",
    "busybox_layout",
    "busybox_tar",
    "layout",
    "pytest_collection_modifyitems",
    "pytest_configure",
    "pytest_runtest_makereport",
    "registries",
    "registry",
    "sandbox",
    "world",
    "world_tar",
]

_failed = pytest.StashKey[bool]()


def pytest_collection_modifyitems(items: list[pytest.Function]) -> None:
    """Refuse to touch the machine's own network, mounts and /var/lib/slipway."""
    here = [item for item in items if "audit" in item.fixturenames]
    if "SLIPWAY_SANDBOX" not in os.environ and here:
        path = here[0].path.relative_to(CHECKOUT)
        raise pytest.UsageError(f"it needs namespaces of its own: tests/sandbox pytest {path}")


def pytest_configure() -> None:
    """Heed the signals that a shell in the background or nohup ignores: what a test starts would
    inherit that, and be deaf to them.
    """
    for number in (signal.SIGINT, signal.SIGQUIT, signal.SIGHUP):
        if signal.getsignal(number) is signal.SIG_IGN:
            fallback = signal.default_int_handler if number == signal.SIGINT else signal.SIG_DFL
            signal.signal(number, fallback)


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, Any, None]:
    """Remember whether a test failed by itself: then what it left behind is no news."""
    outcome = yield
    if outcome.get_result().failed:
        item.stash[_failed] = True


@pytest.fixture(scope="session")
def sandbox() -> Path:
    """A directory that lives as long as the run."""
    return Path(os.environ["SLIPWAY_SANDBOX"])


@pytest.fixture
def layout(sandbox: Path) -> Layout:
    """The installation of this sandbox at its usual paths, empty and prepared."""
    place = Layout.default()
    for directory in (place.root, place.run, place.etc):
        _empty(directory)
    way = boot.arrangement(place)
    if way is not None:
        for left in filter(None, (way.path, way.link)):
            left.unlink(missing_ok=True)
    files.prepare(place)
    return place


@pytest.fixture(autouse=True)
def audit(request: pytest.FixtureRequest, layout: Layout) -> Iterator[None]:
    """Fail a test that leaves a mount, link, rule, cgroup, process, lease or half-made file."""
    before = leaks.snapshot(layout.root)
    yield
    failed = request.node.stash.get(_failed, False)
    left = leaks.settle(before, layout.root, 0.5 if failed else leaks.SETTLE_S)
    if left:
        leaks.sweep(before)
    if left and not failed:
        pytest.fail("the test left the host changed:\n  " + "\n  ".join(left), pytrace=False)


@pytest.fixture(scope="session")
def registries(sandbox: Path) -> Iterator[Callable[..., Registry]]:
    """Make one: ``registries(username="u", password="p", tls=True)``; equal calls share it."""
    made: dict[tuple[object, ...], Registry] = {}

    def make(
        username: Optional[str] = None, password: Optional[str] = None, tls: bool = False
    ) -> Registry:
        key = (username, password, tls)
        if key not in made:
            directory = sandbox / f"registry-{len(made)}"
            made[key] = Registry(directory, username, password, tls)
        return made[key]

    yield make
    for registry in made.values():
        registry.stop()


@pytest.fixture(scope="session")
def registry(registries: Callable[..., Registry]) -> Registry:
    """A registry without login that speaks plain http; started when its ``host`` is first read."""
    return registries()


@pytest.fixture(scope="session")
def busybox_tar(sandbox: Path) -> Path:
    """A root filesystem of busybox, as a tar archive."""
    return images.busybox_tar(sandbox / "busybox.tar")


@pytest.fixture
def world_tar(busybox_tar: Path) -> Path:
    """The root filesystem of the world's image; a file whose tests want another one says so."""
    return busybox_tar


@pytest.fixture
def world(layout: Layout, sandbox: Path, world_tar: Path) -> Iterator[World]:
    """A host with the program and the image busybox:1; what is made on it is removed afterwards."""
    with containers.world(layout, sandbox, world_tar) as made:
        yield made


@pytest.fixture(scope="session")
def busybox_layout(sandbox: Path, busybox_tar: Path) -> Path:
    """An OCI image layout with busybox as ``latest``, made without the library."""
    directory = sandbox / "busybox-layout"
    config = {"Cmd": ["sh"], "Env": ["PATH=/usr/sbin:/usr/bin:/sbin:/bin"]}
    images.oci_layout(directory, [busybox_tar.read_bytes()], config)
    return directory


def _empty(directory: Path) -> None:
    """Remove what a directory holds; it is itself a mount point of the sandbox and stays."""
    table = Path("/proc/self/mountinfo").read_text(errors="surrogateescape")
    targets = (line.split(" ", 5)[4] for line in table.splitlines())
    for target in sorted((t for t in targets if t.startswith(f"{directory}/")), reverse=True):
        subprocess.run(["umount", "--lazy", target], capture_output=True, check=False)
    for entry in directory.iterdir():
        files.remove_tree(entry)
