# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a running container uses, its processes, what it changed: the kernel's own numbers."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import pytest
from support.containers import World, until

from ansible_collections.slipway.engine.plugins.module_utils._runtime.base.errors import (
    Error,
    NotFound,
)
from ansible_collections.slipway.engine.plugins.module_utils._runtime.container.status import (
    changed,
    top,
    usage,
)


def test_a_container_that_works(world: World) -> None:
    script = (
        "head -c 30000000 /dev/zero > /srv/file; rm /bin/vi; echo x > /etc/passwd; mkdir /new;"
        " touch /new/x; sleep 1001 & while :; do :; done"
    )
    made = world.run("busy", script)
    layout = world.layout
    until(lambda: len(usage.members(layout, made.id)) == 2)
    first = usage.sample(layout, made.id)
    begun, before = time.monotonic(), first["cpu_stats"]["cpu_usage"]["total_usage"]
    # Beside other work it gets a part of a processor only, so it is waited for.
    until(
        lambda: (
            usage.sample(layout, made.id)["cpu_stats"]["cpu_usage"]["total_usage"] > before + 1e8
        )
    )
    second = usage.sample(layout, made.id, first)
    passed = time.monotonic() - begun
    assert second["preread"] == first["read"] < second["read"]
    used = second["cpu_stats"]["cpu_usage"]["total_usage"]
    spent = used - second["precpu_stats"]["cpu_usage"]["total_usage"]
    assert 0.1 < spent / 1e9 < 1.5 * passed
    figures = usage.figures(second)
    assert 0 < figures.cpu_percent < 150
    assert figures.pids == 2 and second["pids_stats"]["current"] == 2
    if second["memory_stats"]:
        assert 0 < figures.memory_bytes < figures.memory_limit_bytes
        assert second["memory_stats"]["stats"]
    assert second["networks"] == {}
    assert (second["id"], second["name"]) == (made.id, "/busy")

    # The one that is to become sleep is a shell for a moment.
    until(lambda: "sleep 1001" in [row[7] for row in top.processes(layout, made.id)["Processes"]])
    listed = top.processes(layout, made.id)
    assert listed["Titles"] == ["UID", "PID", "PPID", "C", "STIME", "TTY", "TIME", "CMD"]
    commands = {row[7] for row in listed["Processes"]}
    assert "sleep 1001" in commands and len(commands) == 2
    assert {row[0] for row in listed["Processes"]} == {"root"}
    assert str(made.pid) in {row[1] for row in listed["Processes"]}
    asked = top.processes(layout, made.id, "-o pid,args")
    assert asked["Titles"] == ["PID", "COMMAND"]
    assert asked["Processes"] == [] or {row[1] for row in asked["Processes"]} <= commands
    asked = top.processes(layout, made.id, "-e -o pid,args")
    assert {row[1] for row in asked["Processes"]} == commands
    with pytest.raises(Error, match="does not show the PID"):
        top.processes(layout, made.id, "-o comm")

    found = {change.path: change.kind for change in changed.changes(layout, made.id)}
    assert found["/srv/file"] == "A" and found["/bin/vi"] == "D" and found["/etc/passwd"] == "C"
    assert found["/new"] == found["/new/x"] == "A" and found["/bin"] == "C"
    assert changed.written_bytes(layout, made.id) == 30_000_002
    busybox = Path("/bin/busybox").stat().st_size
    assert changed.root_bytes(layout, made.id) - 30_000_002 >= busybox


def test_a_container_that_does_not_run(world: World) -> None:
    made = world.create("still")
    empty = usage.sample(world.layout, made.id)
    assert empty["memory_stats"] == {} and "networks" not in empty
    assert usage.figures(empty).cpu_percent == 0
    with pytest.raises(Error, match="container still is not running; start still first"):
        top.processes(world.layout, made.id)
    assert changed.changes(world.layout, made.id) == []
    with pytest.raises(NotFound):
        usage.sample(world.layout, "0" * 64)


def test_figures_are_dockers() -> None:
    """The formulas of docker stats, v1 and v2 memory, a gap between two samples."""
    document: dict[str, Any] = {
        "cpu_stats": {
            "cpu_usage": {"total_usage": 300},
            "system_cpu_usage": 2000,
            "online_cpus": 4,
        },
        "precpu_stats": {"cpu_usage": {"total_usage": 100}, "system_cpu_usage": 1000},
        "memory_stats": {"usage": 100, "limit": 1000, "stats": {"inactive_file": 40}},
        "pids_stats": {"current": 3},
        "blkio_stats": {
            "io_service_bytes_recursive": [
                {"major": 8, "minor": 0, "op": "Read", "value": 5},
                {"major": 8, "minor": 16, "op": "write", "value": 7},
                {"major": 8, "minor": 0, "op": "Total", "value": 12},
            ]
        },
        "networks": {
            "eth0": {"rx_bytes": 1, "tx_bytes": 2},
            "eth1": {"rx_bytes": 10, "tx_bytes": 20},
        },
    }
    assert usage.figures(document) == usage.Figures(80.0, 60, 1000, 6.0, 11, 22, 5, 7, 3)
    document["memory_stats"]["stats"]["total_inactive_file"] = 90
    assert usage.figures(document).memory_bytes == 10
