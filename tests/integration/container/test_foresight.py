# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Mistakes that can be seen before anything is touched: the container that runs stays the same
process, and check mode says what the run says.
"""

from __future__ import annotations

import os
import resource as limits
import socket
from typing import Any

import pytest
from support.containers import World
from support.converging import apply
from support.declaring import acting, task

from ansible_collections.slipway.engine.plugins.module_utils._runtime.base.errors import Error
from ansible_collections.slipway.engine.plugins.module_utils._runtime.base.layout import Layout
from ansible_collections.slipway.engine.plugins.module_utils._runtime.container.lifecycle import (
    actions,
)
from ansible_collections.slipway.engine.plugins.module_utils._runtime.container.root import (
    host_support,
)
from ansible_collections.slipway.engine.plugins.module_utils._runtime.plan.plan import Host
from ansible_collections.slipway.engine.plugins.module_utils._runtime.spec.volume import Volume
from ansible_collections.slipway.engine.plugins.module_utils._runtime.volume import store

#: Options of a task that would replace the container, and what is said of them.
MISTAKES: tuple[tuple[dict[str, Any], str], ...] = (
    ({"published_ports": ["8200:80"]}, "8200/tcp on the host is already in use by container other"),
    (
        {"published_ports": ["127.0.0.1:8201:80"]},
        "8201/tcp on the host is already in use by process",
    ),
    ({"published_ports": ["192.0.2.77:8203:80"]}, "that is not an address of this host"),
    ({"devices": ["/dev/nope"]}, "/dev/nope is not a device on this host"),
    ({"device_read_bps": [{"path": "/dev/null", "rate": "1M"}]}, "not a whole disk"),
    ({"mounts": [{"type": "bind", "source": "/nope", "target": "/x"}]}, "/nope does not exist"),
    ({"volumes": ["/nope/a.sock:/x"]}, "keep its service from starting"),
    ({"volumes": ["/etc/passwd/x:/x"]}, "/etc/passwd/x cannot be mounted"),
    (
        {"mounts": [{"type": "volume", "source": "vv", "target": "/x", "subpath": "nope"}]},
        "'nope' does not exist in the volume vv",
    ),
    ({"user": "nope"}, "nope"),
    ({"groups": ["nope"]}, "nope"),
    ({"networks": None, "network_mode": "container:nope"}, "nope"),
    ({"networks": None, "network_mode": "container:live"}, "itself"),
    ({"pid_mode": "container:idle"}, "idle, which is not running"),
    ({"ipc_mode": "container:other"}, "which is private"),
    ({"runtime": "nope"}, "nope is not installed"),
    ({"command": ["/nope"]}, 'the command "/nope" is not in the image'),
    ({"command": ["nope", "x"]}, 'the command "nope" is not in the image'),
    ({"command": ["/etc/passwd"]}, "may not be executed"),
    ({"command": ["nope"], "init": True}, 'the command "nope" is not in the image'),
    (
        {"networks": [{"name": "bridge", "ipv4_address": "203.0.113.9"}], "user": "daemon"},
        "203.0.113.9 of the network bridge is not in any of its subnets",
    ),
)


def _foretold(layout: Layout, wanted: Any) -> str:
    host = Host(layout)
    declared = wanted.declare(wanted.params)
    plan = wanted.resource.plan(declared, wanted.resource.observe(host, declared))
    return "; ".join(wanted.resource.foreseen(host, plan).unmet)


def test_what_can_be_seen_stops_nothing(world: World) -> None:
    store.ensure(world.layout, Volume("vv", "2026-01-01T00:00:00Z"))
    apply(world.layout, task("other", published_ports=["8200:80"], networks=[{"name": "bridge"}]))
    apply(world.layout, task("idle", state="present"))
    usual = {"networks": [{"name": "bridge"}]}
    apply(world.layout, task("live", **usual))
    live = world.current(actions.identify(world.host, "live"))
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 8201))
        taken.listen()
        for options, said in MISTAKES:
            wanted = task("live", **{**usual, **options})
            with pytest.raises(Error) as failed:
                apply(world.layout, wanted)
            assert said in str(failed.value), (options, str(failed.value))
            assert str(failed.value) in _foretold(world.layout, wanted)
            now = world.current(live.id)
            assert (now.pid, now.started_at) == (live.pid, live.started_at), options
    assert not os.path.lexists("/nope")
    # What is as it should be is replaced, also with what the old one has.
    apply(world.layout, task("live", **usual, published_ports=["8204:80"]))
    apply(world.layout, task("live", **usual, published_ports=["8204:80"], user="daemon"))


def test_a_restart_looks_first(world: World, tmp_path: Any) -> None:
    place = tmp_path / "place"
    place.mkdir()
    mounts = [{"type": "bind", "source": str(place), "target": "/x"}]
    apply(world.layout, task("live", mounts=mounts))
    live = world.current(actions.identify(world.host, "live"))
    place.rmdir()
    with pytest.raises(Error, match="does not exist"):
        apply(world.layout, acting("live", restart=True))
    assert world.current(live.id).pid == live.pid


def test_what_is_mounted_is_not_looked_for_in_the_image(world: World, tmp_path: Any) -> None:
    """A program, a user and a link's end that only mounts bring are no mistakes."""
    (tmp_path / "bin").mkdir()
    program = tmp_path / "bin/run"
    program.write_text("#!/bin/sh\nexec sleep 1000\n")
    program.chmod(0o755)
    (tmp_path / "passwd").write_text("app:x:70:70::/:/bin/sh\n")
    apply(world.layout, task("live"))
    wanted = task(
        "live",
        command=["/opt/tools/run"],
        user="app",
        volumes=[f"{tmp_path}/bin:/opt/tools", f"{tmp_path}/passwd:/etc/passwd"],
    )
    assert _foretold(world.layout, wanted) == ""


def test_limits_beyond_the_host(world: World) -> None:
    most = limits.getrlimit(limits.RLIMIT_NOFILE)[1]
    apply(world.layout, task("live"))
    said = _foretold(world.layout, task("live", ulimits=[f"nofile:{most}:{most + 1}"]))
    assert ("the limit nofile is beyond" in said) == (
        "CAP_SYS_RESOURCE" not in host_support.capabilities()
    )
