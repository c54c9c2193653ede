# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The networks and volumes of a project, as entries of their modules. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..base.findings import Findings
from ..base.values import listed, mapping, switch, text, text_pairs
from ..reading.project import Project, is_external

_NETWORK = ("attachable", "driver", "driver_opts", "enable_ipv4", "enable_ipv6", "external",
            "internal", "ipam", "labels", "name")  # fmt: skip
_VOLUME = ("driver", "driver_opts", "external", "labels", "name")
_POOL = {"subnet": "subnet", "gateway": "gateway", "ip_range": "iprange",
         "aux_addresses": "aux_addresses"}  # fmt: skip


def network(project: Project, name: str, findings: Findings) -> dict[str, Any]:
    """The options of the module network for one of the project."""
    where = f"networks.{name}"
    given = _given(project, "networks", name, findings)
    findings.unknown(where, given, _NETWORK)
    found: dict[str, Any] = {"name": project.network(name)}
    with findings.reading(where):
        if given.get("driver") not in (None, "bridge", "default"):
            found["driver"] = text(given["driver"])
        if given.get("driver_opts"):
            found["driver_options"] = text_pairs(given["driver_opts"])
        for key in ("internal", "attachable", "enable_ipv6"):
            if given.get(key) is not None and switch(given[key]):
                found[key] = True
        if given.get("enable_ipv4") is not None and not switch(given["enable_ipv4"]):
            found["enable_ipv4"] = False
        if given.get("labels"):
            found["labels"] = text_pairs(given["labels"])
    with findings.reading(f"{where}.ipam"):
        ipam = mapping(given.get("ipam"))
        findings.unknown(f"{where}.ipam", ipam, ("config", "driver", "options"))
        if ipam.get("driver") not in (None, "default"):
            found["ipam_driver"] = text(ipam["driver"])
        if ipam.get("options"):
            found["ipam_driver_options"] = text_pairs(ipam["options"])
        pools = []
        for number, one in enumerate(listed(ipam.get("config") or [])):
            findings.unknown(f"{where}.ipam.config[{number}]", mapping(one), _POOL)
            pools.append({_POOL[key]: value for key, value in one.items() if key in _POOL})
        if pools:
            found["ipam_config"] = pools
    return found


def volume(project: Project, name: str, findings: Findings) -> dict[str, Any]:
    """The options of the module volume for one of the project."""
    where = f"volumes.{name}"
    given = _given(project, "volumes", name, findings)
    findings.unknown(where, given, _VOLUME)
    found: dict[str, Any] = {"volume_name": project.volume(name)}
    with findings.reading(where):
        if given.get("driver") not in (None, "", "default"):
            found["driver"] = text(given["driver"])
        if given.get("driver_opts"):
            found["driver_options"] = text_pairs(given["driver_opts"])
        if given.get("labels"):
            found["labels"] = text_pairs(given["labels"])
    return found


def _given(project: Project, kind: str, name: str, findings: Findings) -> Mapping[str, Any]:
    found = project.section(kind).get(name) or {}
    if not isinstance(found, Mapping):
        findings.wrong(f"{kind}.{name}", "a mapping is expected")
        return {}
    return found


def ours(project: Project, kind: str) -> list[str]:
    """The networks or volumes that are declared and made by the project, by their names in it."""
    return [
        str(name)
        for name, given in project.section(kind).items()
        if not (isinstance(given, Mapping) and is_external(given))
    ]
