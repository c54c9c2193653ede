# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Pages about hosts: of nothing, of a stack that runs, and of names that are hard to show."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

from support import containers
from support.containers import World, until
from support.inputs import images
from support.plays import Play
from support.stacks import DEFAULTS

from ansible_collections.slipway.engine.plugins.module_utils._runtime.base import files
from ansible_collections.slipway.engine.plugins.module_utils._runtime.base.layout import Layout
from ansible_collections.slipway.engine.plugins.module_utils._runtime.report import (
    facts,
    page,
    written,
)
from ansible_collections.slipway.engine.plugins.module_utils._runtime.report.facts import (
    Facts,
    Image,
    Network,
)

_CHECK = {"interval": "1s", "retries": 1, "start_period": "0s"}

#: A page, and the names of the containers on it.
Page = tuple[str, list[str]]


def pages(sandbox: Path) -> dict[str, Page]:
    """Each page by its name. What is made for them is gone when this returns."""
    layout = Layout.default()
    files.prepare(layout)
    busybox = images.busybox_tar(sandbox / "busybox.tar")
    with containers.world(layout, sandbox, busybox) as world:
        found = {"nothing": (written.rendered(world.host), list[str]())}
        found["stack"] = stack(world, sandbox)
        found["long names"] = hard(facts.read(world.host))
    return found


def stack(world: World, sandbox: Path) -> Page:
    """As the option ``report`` of a task writes it: the second one, after somebody did something.

    One container is healthy, one is not, one has failed, one is paused, and one is of nobody.
    """
    path = sandbox / "report.html"
    members: list[dict[str, Any]] = [
        {"name": "web", "network_mode": None, "networks": [{"name": "front"}, {"name": "back"}],
         "published_ports": ["8080:80", "127.0.0.1:8443:443", "8000-8003:8000-8003/udp"],
         "healthcheck": {"test": ["CMD", "true"], **_CHECK}},
        {"name": "db", "network_mode": None, "networks": [{"name": "back"}],
         "healthcheck": {"test": ["CMD", "false"], **_CHECK}},
        {"name": "job", "command": ["sh", "-c", "sleep 1; exit 3"]},
        {"name": "worker"},
    ]  # fmt: skip
    task = {
        "slipway.engine.stack": {
            "name": "shop",
            "defaults": DEFAULTS,
            "networks": [{"name": "front"}, {"name": "back", "internal": True}],
            "volumes": [{"name": "data"}],
            "containers": members,
            "report": str(path),
        }
    }
    for dummy in range(2):
        done = Play(sandbox).tasks([task])
        assert done.status == 0, done.output
        world.slipway("rm", "-f", "worker")
    world.slipway("run", "-d", "--name", "other", "--network=none", "busybox:1", "sleep", "1000")
    world.slipway("pause", "other")
    until(lambda: b"unhealthy" in world.slipway("ps").stdout)
    until(lambda: b"Exited (3)" in world.slipway("ps", "-a").stdout)
    text, dummy = written.there(str(path))
    run = page.Run("shop", ("create container worker", "start container worker"))
    names = [*(one["name"] for one in members[:3]), "other"]
    return written.rendered(world.host, text, run), names


def hard(found: Facts) -> Page:
    """Many of everything, with names as long as they may be and without a place to break them."""
    name = "a-container-with-a-name-that-goes-on-and-on-"
    image = f"registry.example.com:5000/{'team-of-the-long-names/' * 3}application:1.2.3"
    networks = tuple(
        Network(
            f"{'network_of_' * 5}{number}",
            "bridge",
            (f"10.{number}.0.0/24", f"fd{number:02}::/64"),
            internal=number % 2 == 0,
        )
        for number in range(12)
    )
    some = found.containers[-1]
    many = tuple(
        dataclasses.replace(
            some, name=f"{name}{number}-".ljust(128, "x"), id=f"{number:064x}", image=image,
            group="x" * 60 if number % 3 else "shop", newer=number % 4 == 0, restarts=number * 1000,
            ports=tuple(f"127.0.0.1:{8000 + port}→{port}/tcp" for port in range(number % 9)),
            networks=tuple((one.name, "fd00:1234:5678:9abc:def0:1234:5678:9abc")
                           for one in networks[: number % 13]),
        )
        for number in range(30)
    )  # fmt: skip
    full = dataclasses.replace(
        found,
        host="a-host-with-a-long-name.of-some-department.example.com",
        containers=tuple(sorted(many, key=lambda one: (one.group, one.name))),
        networks=networks,
        images=tuple(
            Image(f"{image}{number}", f"sha256:{number}", found.moment, 0.0, 10**number, 0)
            for number in range(12)
        ),
        volumes=tuple((f"{'volume_of_' * 9}{number}", 10**number) for number in range(12)),
    )
    run = page.Run("x" * 60, tuple(f"create container {one.name}" for one in many[:3]))
    text = page.page(full, (found.moment - 60, [f"container {many[0].name} is new"]), run)
    return text, [one.name for one in many]
