# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What an inventory says of a container, made of what ``docker inspect`` shows. Pure.

Names are those of community.docker's inventory plugin docker_containers, so that its compose,
groups and filters mean the same here.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

#: How many letters of an ID that plugin calls the short ID.
_SHORT = 13

#: The labels of what Swarm and its stacks make, and the names of their facts.
_SWARM = {
    "stack": "com.docker.stack.namespace",
    "service": "com.docker.swarm.service.name",
}


def name_of(found: Mapping[str, Any]) -> str:
    return str(found["Name"]).lstrip("/")


def brief(found: Mapping[str, Any], host: str) -> dict[str, Any]:
    """The variables that every container gets."""
    return {
        "docker_name": name_of(found),
        "docker_short_id": str(found["Id"])[:_SHORT],
        "slipway_host": host,
    }


def full(found: Mapping[str, Any]) -> dict[str, Any]:
    """All that is known, each member of the first level by a name such as ``docker_hostconfig``."""
    labels = (found.get("Config") or {}).get("Labels") or {}
    swarm = {f"docker_{kind}": labels[label] for kind, label in _SWARM.items() if label in labels}
    return {**swarm, **{slug(key): value for key, value in found.items()}}


def slug(key: str) -> str:
    return "docker_" + re.sub(r"[^\w-]", "_", key).lower().lstrip("_")


def published(found: Mapping[str, Any], port: int, default_ip: str) -> dict[str, Any]:
    """Where an SSH server in the container is reached: the first place its port is published at."""
    ports = (found.get("NetworkSettings") or {}).get("Ports") or {}
    places = ports.get(f"{port}/tcp") or [{}]
    address = places[0].get("HostIp", "")
    if address in ("0.0.0.0", "::"):
        address = default_ip
    return {"ansible_ssh_host": address, "ansible_ssh_port": places[0].get("HostPort", 0)}


def legacy_groups(found: Mapping[str, Any]) -> list[str]:
    """The groups that Docker's old inventory script made."""
    config, state = found.get("Config") or {}, found.get("State") or {}
    labels = config.get("Labels") or {}
    groups = [f"image_{config['Image']}"] if config.get("Image") else []
    groups += [f"{kind}_{labels[label]}" for kind, label in _SWARM.items() if label in labels]
    groups += [str(found["Id"]), name_of(found), str(found["Id"])[:_SHORT]]
    return [*groups, "running" if state.get("Running") is True else "stopped"]
