# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the scenarios declare: images, networks, containers of every restart policy."""

from __future__ import annotations

from pathlib import Path
from typing import Any

Task = dict[str, Any]

#: The port of the guest on which the web server is published.
PORT = 8080


def container(name: str, image: str, command: Any, **options: Any) -> Task:
    """A task for a container that ends at once when it is told to."""
    given = {"image": image, "pull": "never", "command": command, "stop_signal": "KILL"}
    return {
        "name": f"Container {name}",
        "slipway.engine.container": {"name": name, **given, **options},
    }


def images(archive: Path, pulled: str) -> list[Task]:
    """One image of an archive on the controller, one of a registry."""
    pull = {"name": pulled, "insecure_registry": True}
    return [
        {"name": "Load", "slipway.engine.image_load": {"src": str(archive), "name": "busybox:1"}},
        {"name": "Pull", "slipway.engine.image_pull": pull},
    ]


def containers(pulled: str) -> list[Task]:
    """A network and what is on it."""
    network = {"name": "lab", "ipam_config": [{"subnet": "10.89.5.0/24"}]}
    on_it: Task = {"networks": [{"name": "lab"}]}
    check = {"test": ["CMD", "wget", "-q", "-O", "/dev/null", "http://127.0.0.1/"]}
    limits = {"memory": "64M", "memory_swap": "64M", "cpus": 0.5, "pids_limit": 77}
    seconds = {"interval": "5s", "timeout": "60s", "retries": 3, "start_period": "120s"}
    page = "mkdir -p /srv; echo it runs >/srv/index.html; exec httpd -f -p 80 -h /srv"
    idle, base = "sleep 100000", "busybox:1"
    return [
        {"name": "Network", "slipway.engine.network": network},
        container(
            "web",
            pulled,
            ["sh", "-c", page],
            **on_it,
            **limits,
            published_ports=[f"{PORT}:80"],
            healthcheck={**check, **seconds},
            restart_policy="always",
        ),
        container("db", base, idle, **on_it, restart_policy="unless-stopped"),
        container("side", base, idle, network_mode="container:web", restart_policy="always"),
        container(
            "told",
            base,
            ["sh", "-c", "echo to the journal; exec sleep 100000"],
            **on_it,
            log_driver="journald",
            restart_policy="on-failure",
        ),
        container("once", base, idle, network_mode="none"),
        container("down", base, idle, **on_it, restart_policy="unless-stopped", state="stopped"),
    ]
