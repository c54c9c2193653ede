# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""An image behind a server that stops halfway, until it is told to go on."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from support.containers import World
from support.inputs import images
from support.servers import faults
from support.servers.registry import Registry

#: Of the layer's 4 MiB, what comes before the server waits.
HALF = 2 << 20


@dataclass
class Slow:
    """``layer`` is what progress calls its only layer, ``server`` the one that waits."""

    name: str
    layer: str
    server: faults.FaultyServer
    go_on: threading.Event = field(default_factory=threading.Event)


@contextmanager
def slow_image(world: World, registry: Registry, directory: Path, name: str) -> Iterator[Slow]:
    """An image of that name and a tag in a registry, not on the host."""
    tar = directory / "root.tar"
    tar.write_bytes(images.tar({"random": os.urandom(4 << 20)}))
    with faults.FaultyServer(registry.host).running() as server:
        image = world.add_image("slow", tar)
        layer = image.layers[0].digest
        made = Slow(f"{server.address}/{name}", layer[7:19], server)
        world.slipway("tag", "slow:1", made.name)
        world.slipway("push", made.name)
        world.slipway("rmi", "slow:1", made.name)
        server.faults.append(faults.Fault(f"GET .*{layer}", faults.held(HALF, made.go_on)))
        try:
            yield made
        finally:
            made.go_on.set()
