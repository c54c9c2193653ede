# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A host for the examples: what they need is there, and the registries they name answer."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from support import containers
from support.containers import World
from support.servers import named

from ansible_collections.slipway.engine.plugins.module_utils._runtime.base.layout import Layout


@pytest.fixture(scope="session")
def servers(sandbox: Path) -> Iterator[named.Servers]:
    # The user of the role's registry has to reach its directory through the sandbox's.
    sandbox.chmod(0o711)
    made = named.Servers(sandbox / "named")
    try:
        yield made
    finally:
        made.stop()


@pytest.fixture
def etc(layout: Layout, servers: named.Servers, tmp_path: Path) -> Iterator[None]:
    """/etc and /srv of the machine under a layer of the test's own, in which the names resolve."""
    places = (Path("/etc"), Path("/srv"))
    for place in places:
        upper, work = (tmp_path / f"{place.name}-{what}" for what in ("upper", "work"))
        upper.mkdir()
        work.mkdir()
        options = f"lowerdir={place},upperdir={upper},workdir={work}"
        subprocess.run(["mount", "-t", "overlay", "-o", options, "overlay", place], check=True)
    try:
        Path("/etc/hosts").write_text(named.HOSTS)
        authority = servers.ca.read_text()
        with open("/etc/ssl/certs/ca-certificates.crt", "a", encoding="utf-8") as bundle:
            bundle.write(authority)
        Path("/etc/ssl/certs/our-authority.pem").write_text(authority)
        layout.etc.mkdir(exist_ok=True)
        with servers.running():
            yield
    finally:
        for place in places:
            _unmount(place)
        for line in ("link delete eth1", "address delete 2001:db8::1/128 dev lo"):
            subprocess.run(["ip", *line.split()], capture_output=True, check=False)


def _unmount(place: Path) -> None:
    """What is about to end, such as the hook of a container's exit, may have a file of it open."""
    containers.until(lambda: subprocess.run(["umount", place], check=False).returncode == 0)


@pytest.fixture
def host(etc: None, layout: Layout, sandbox: Path, world_tar: Path) -> Iterator[World]:
    with containers.world(layout, sandbox, world_tar) as made:
        yield made
