# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the module host_info returns: the host, and the lists that are asked for."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..plan.plan import Host
from . import info, lists, usage

#: What a list has unless everything is asked for, as docker_host_info has it.
_BRIEF = {
    "containers": ("Id", "Image", "Command", "Created", "Status", "Ports", "Names"),
    "images": ("Id", "RepoTags", "Created", "Size"),
    "networks": ("Id", "Driver", "Name", "Scope"),
    "volumes": ("Driver", "Name"),
}


def gather(host: Host, params: Mapping[str, Any]) -> dict[str, Any]:
    """The result, by the module's options. Known flaws of the host's programs are a line of
    ``host_info.Warnings``; the task does not warn of them, as each run would again.
    """
    verbose = params["verbose_output"]
    about = info.document(host)
    for line in info.problems(host):
        host.warn(line)
    found: dict[str, Any] = {"can_talk_to_docker": True, "host_info": about}
    if params["disk_usage"]:
        whole = usage.document(host) if verbose else {"LayersSize": usage.layers_size(host)}
        found["disk_usage"] = whole
    for kind, keys in _BRIEF.items():
        if params[kind]:
            items = _list(host, kind, params)
            found[kind] = items if verbose else [{key: one[key] for key in keys} for one in items]
    return found


def _list(host: Host, kind: str, params: Mapping[str, Any]) -> list[dict[str, Any]]:
    given = params[f"{kind}_filters"] or {}
    if kind == "containers":
        return lists.containers(host, given, params["containers_all"])
    read = {"images": lists.images, "networks": lists.networks, "volumes": lists.volumes}
    return read[kind](host, given)
