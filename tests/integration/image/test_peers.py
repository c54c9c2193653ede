# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Images that other engines pushed to a registry are pulled and run."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from support.containers import World, until
from support.inputs import images
from support.servers.engines import Docker
from support.servers.registry import Registry

from ansible_collections.slipway.engine.plugins.module_utils._runtime.container.lifecycle import (
    actions,
)
from ansible_collections.slipway.engine.plugins.module_utils._runtime.image import transfer
from ansible_collections.slipway.engine.plugins.module_utils._runtime.image.store import store
from ansible_collections.slipway.engine.plugins.module_utils._runtime.spec.container import (
    ContainerSpec,
)


@pytest.fixture(scope="module")
def docker(sandbox: Path) -> Iterator[Docker]:
    made = Docker(sandbox / "docker-peer")
    yield made
    made.forget()
    made.close()


def run_pulled(world: World, name: str) -> store.Image:
    """Pull by name, run the image's own command, and see what it says."""
    image = transfer.fetch(world.host, name)
    spec = ContainerSpec("peer", name, image.id, network_mode="none")
    made = actions.create(world.host, spec, image)
    actions.start(world.host, made.id)
    until(lambda: world.current(made.id).phase == "exited")
    assert world.current(made.id).exit_code == 0
    assert world.log(made.id) == "said by the image\n"
    return image


def test_an_image_docker_pushed(
    world: World, docker: Docker, registry: Registry, busybox_tar: Path, tmp_path: Path
) -> None:
    name = f"{registry.host}/docker/said:1"
    change = 'CMD ["echo", "said by the image"]'
    docker.run("import", "--change", change, str(busybox_tar), name)
    docker.run("push", "-q", name)
    assert run_pulled(world, name).id == docker.image_id(name)


def test_an_image_skopeo_pushed_from_a_layout(
    world: World, registry: Registry, busybox_tar: Path, tmp_path: Path
) -> None:
    name = f"{registry.host}/skopeo/said:1"
    config = {"Cmd": ["echo", "said by the image"]}
    images.oci_layout(tmp_path / "oci", [busybox_tar.read_bytes()], config)
    images.skopeo_copy(f"oci:{tmp_path}/oci:latest", f"docker://{name}")
    image = run_pulled(world, name)
    # And the store it lies in now is one that skopeo reads.
    read = images.skopeo_inspect(f"oci:{world.layout.images}:{name}", config=True)
    assert read["config"] == config
    assert read["rootfs"]["diff_ids"] == image.config["rootfs"]["diff_ids"]
