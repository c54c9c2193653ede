# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What networks a service is on, and which other containers it shares something with. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..base.findings import Findings
from ..base.values import listed, mapping, text, text_pairs
from ..reading.project import Project

#: What asks for no network of the project.
_MODES = ("none", "host", "bridge", "default")

_ENDPOINT = ("aliases", "driver_opts", "gw_priority", "interface_name", "ipv4_address",
             "ipv6_address", "link_local_ips", "mac_address", "priority")  # fmt: skip

#: The option of an endpoint that names its interface.
_INTERFACE = "com.docker.network.endpoint.ifname"


def networks_of(given: Mapping[str, Any]) -> list[str]:
    """The networks of a service, by their names in the files."""
    if given.get("network_mode"):
        return []
    found = given.get("networks") or ("default",)
    return [str(name) for name in found] if isinstance(found, (list, tuple, Mapping)) else []


def other(project: Project, one: str, where: str, findings: Findings) -> str:
    """``service[:mode]`` or ``container:NAME[:mode]`` as the container's name."""
    kind, colon, rest = one.partition(":")
    if kind == "container":
        return rest
    if kind not in project.services:
        why = "is not there" if kind not in project.others else "has a profile that is not active"
        findings.wrong(where, f"the service {kind[:60]} is used and {why}")
        return one
    return f"{project.container(kind)}{colon}{rest}"


def namespaces(project: Project, service: str, options: dict[str, Any], findings: Findings) -> None:
    """Put names of containers in the place of those of services."""
    for option, key in (("pid_mode", "pid"), ("ipc_mode", "ipc")):
        kind, dummy, name = str(options.get(option, "")).partition(":")
        if kind == "service":
            where = f"services.{service}.{key}"
            options[option] = f"container:{other(project, name, where, findings)}"


def of_service(
    project: Project, service: str, given: Mapping[str, Any], findings: Findings
) -> dict[str, Any]:
    """The options of a container about networks and links."""
    where = f"services.{service}"
    mode = text(given.get("network_mode"))
    links = _links(project, service, given, findings)
    if mode and given.get("networks"):
        findings.wrong(f"{where}.network_mode", "only one of it and networks can be given")
    if mode in _MODES:
        return {"network_mode": mode, **({"links": links} if links else {})}
    if mode:
        kind, dummy, name = mode.partition(":")
        if kind == "service":
            name = other(project, name, f"{where}.network_mode", findings)
        elif kind != "container" or not name:
            findings.wrong(
                f"{where}.network_mode",
                f"{mode[:60]!r} is none of {', '.join(_MODES)}, service:NAME, container:NAME;"
                " name a network under networks",
            )
        return {"network_mode": f"container:{name}"}
    with findings.reading(f"{where}.networks"):
        return {"networks": list(_endpoints(project, service, given, links, findings))}
    return {}


def _endpoints(
    project: Project,
    service: str,
    given: Mapping[str, Any],
    links: list[str],
    findings: Findings,
) -> list[dict[str, Any]]:
    asked = given.get("networks") or ["default"]
    if not isinstance(asked, Mapping):
        asked = dict.fromkeys(map(str, listed(asked)))
    ordered = sorted(asked.items(), key=lambda one: -int(mapping(one[1]).get("priority") or 0))
    found = []
    for name, value in ordered:
        where = f"services.{service}.networks.{name}"
        one = mapping(value)
        findings.unknown(where, one, _ENDPOINT)
        if name != "default" and name not in project.section("networks"):
            findings.wrong(
                f"services.{service}.networks",
                f"the network {str(name)[:60]} is used and not declared; add it to networks",
            )
        if one.get("link_local_ips"):
            findings.lacks(f"{where}.link_local_ips", "nothing here stands for it")
        endpoint: dict[str, Any] = {"name": project.network(name)}
        for key in ("ipv4_address", "ipv6_address", "mac_address", "gw_priority"):
            if one.get(key):
                endpoint[key] = one[key]
        endpoint["aliases"] = list(
            dict.fromkeys([service, *map(text, listed(one.get("aliases") or []))])
        )
        if links:
            endpoint["links"] = links
        options = text_pairs(one.get("driver_opts"))
        if one.get("interface_name"):
            options[_INTERFACE] = text(one["interface_name"])
        if options:
            endpoint["driver_opts"] = options
        found.append(endpoint)
    return found


def _links(
    project: Project, service: str, given: Mapping[str, Any], findings: Findings
) -> list[str]:
    found = []
    for key in ("links", "external_links"):
        where = f"services.{service}.{key}"
        with findings.reading(where):
            for one in listed(given.get(key) or []):
                name, colon, alias = text(one).partition(":")
                target = name if key == "external_links" else other(project, name, where, findings)
                found.append(f"{target}:{alias if colon else name}")
    return found
