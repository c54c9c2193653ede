# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The options of the module network, of what ``docker network inspect`` shows. Pure."""

from __future__ import annotations

import ipaddress
from collections.abc import Mapping, Sequence
from typing import Any

#: Where engines take the subnets of networks from that name none.
_POOLS = tuple(
    map(ipaddress.ip_network, ("172.16.0.0/12", "192.168.0.0/16", "10.88.0.0/15", "10.90.0.0/16"))
)


def options(found: Mapping[str, Any], podman: bool, fixed: Sequence[str]) -> dict[str, Any]:
    """All options but name and labels. ``fixed`` are the addresses that containers ask for on the
    network: a subnet that nobody chose, and that none of them needs, is left out, so that this host
    takes one of its own.
    """
    driver_options = dict(found.get("Options") or {})
    asked: dict[str, Any] = {}
    if found.get("Driver") != "bridge":
        asked["driver"] = found.get("Driver")
    if podman:
        driver_options = {
            key: value for key, value in driver_options.items() if key in ("parent", "mode")
        }
    if driver_options:
        asked["driver_options"] = driver_options
    pools = [_pool(one) for one in (found.get("IPAM") or {}).get("Config") or ()]
    kept = [one for one in pools if _is_chosen(one, fixed)]
    if kept:
        asked["ipam_config"] = kept
    if found.get("EnableIPv4") is False:
        asked["enable_ipv4"] = False
    if found.get("EnableIPv6"):
        asked["enable_ipv6"] = True
    for key, option in (("Internal", "internal"), ("ConfigOnly", "config_only")):
        if found.get(key):
            asked[option] = True
    source = (found.get("ConfigFrom") or {}).get("Network")
    if source:
        asked["config_from"] = source
    return asked


def _is_chosen(pool: Mapping[str, Any], fixed: Sequence[str]) -> bool:
    """Whether somebody chose a subnet: it has a range or reserved addresses, an address in it
    is given to a container, or no engine would have taken it by itself.
    """
    subnet = ipaddress.ip_network(pool["subnet"], strict=False)
    if set(pool) - {"subnet", "gateway"}:
        return True
    if any(ipaddress.ip_address(one) in subnet for one in fixed):
        return True
    return not any(
        subnet.version == one.version and subnet.subnet_of(one)  # type: ignore[arg-type]
        for one in _POOLS
    )


def _pool(found: Mapping[str, Any]) -> dict[str, Any]:
    names = {"Subnet": "subnet", "Gateway": "gateway", "IPRange": "iprange",
             "AuxiliaryAddresses": "aux_addresses", "AuxAddress": "aux_addresses"}  # fmt: skip
    return {names[key]: value for key, value in found.items() if key in names and value}
