# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A network as a task declares it: options into values, values into one total spec. Pure.

What a task does not say is None until it is folded into what is recorded: with ``undeclared:
reset`` it becomes the default, with ``keep`` it stays. Subnets are the exception: a network keeps
those it has until a task names others, since containers have addresses of them.
"""

from __future__ import annotations

import dataclasses
import ipaddress
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Optional

from ..errors import Error
from . import lease, record
from .firewall import MASQUERADE_OPTION
from .spec import NetworkSpec, Pool

_BOOLEANS = {
    "true": "true",
    "1": "true",
    "yes": "true",
    "false": "false",
    "0": "false",
    "no": "false",
}

#: The kernel's limits for an Ethernet device; IPv6 needs 1280 (RFC 8200).
_MTU = range(68, 65536)


@dataclass(frozen=True)
class Declared:
    """What a task says of a network. None is what it leaves out."""

    name: str
    state: str = "present"
    pools: Optional[tuple[Pool, ...]] = None
    internal: Optional[bool] = None
    enable_ipv6: Optional[bool] = None
    driver_options: Optional[Mapping[str, str]] = None
    labels: Optional[Mapping[str, str]] = None
    keep: bool = False
    force: bool = False


def declare(params: Mapping[str, Any]) -> Declared:
    """Read a task's options. Raises Error naming the option that makes no sense."""
    name = params["name"]
    record.check_name(name)
    pools = None
    if params.get("ipam_config") is not None:
        pools = tuple(
            _pool(name, f"ipam_config[{number}]", item)
            for number, item in enumerate(params["ipam_config"])
        )
        _check_pools(name, pools)
    enable_ipv6 = params.get("enable_ipv6")
    if pools is not None:
        enable_ipv6 = _ipv6(name, pools, enable_ipv6)
    labels = params.get("labels")
    options = params.get("driver_options")
    return Declared(
        name=name,
        state=params.get("state") or "present",
        pools=pools or None,
        internal=params.get("internal"),
        enable_ipv6=enable_ipv6,
        driver_options=None if options is None else _driver_options(options),
        labels=None if labels is None else {str(k): _text(v) for k, v in labels.items()},
        keep=params.get("undeclared") == "keep",
        force=bool(params.get("force")),
    )


def _ipv6(name: str, pools: Sequence[Pool], enable_ipv6: Optional[bool]) -> Optional[bool]:
    """An IPv6 subnet says that IPv6 is wanted; one without the other is a contradiction."""
    six = any(":" in pool.subnet for pool in pools)
    if six and enable_ipv6 is False:
        raise Error(
            f"network {name}: ipam_config has an IPv6 subnet, and enable_ipv6 is false",
            hint="set enable_ipv6: true, or leave the subnet out",
        )
    return True if six else enable_ipv6


def _pool(name: str, where: str, item: Mapping[str, Any]) -> Pool:
    def refuse(option: str, problem: str, hint: Optional[str] = None) -> Error:
        return Error(f"network {name}: {where}.{option} {str(item.get(option))!r} {problem}", hint)

    try:
        subnet = ipaddress.ip_network(item["subnet"])
    except (ValueError, TypeError) as exc:
        raise refuse("subnet", "is not a subnet", "write it like 10.89.0.0/24") from exc
    if subnet.num_addresses < 4:
        raise refuse("subnet", "is too small", "use a prefix of at most /30, or /126 for IPv6")
    first = subnet.network_address
    if first.is_unspecified or first.is_loopback or first.is_multicast or first.is_link_local:
        raise refuse("subnet", "is not one whose addresses hosts may have")
    gateway: lease.Address = first + 1
    if item.get("gateway"):
        gateway = _address_in(item["gateway"], subnet, refuse, "gateway")
    found = {}
    for key, text in (item.get("aux_addresses") or {}).items():
        found[str(key)] = str(_address_in(text, subnet, refuse, "aux_addresses"))
    iprange = ""
    if item.get("iprange"):
        try:
            block = ipaddress.ip_network(item["iprange"])
        except ValueError as exc:
            raise refuse("iprange", "is not a range", "write it like 10.89.0.128/25") from exc
        if not lease.overlaps(block, subnet) or block.prefixlen < subnet.prefixlen:
            raise refuse("iprange", f"is not within the subnet {subnet}")
        iprange = str(block)
    return Pool(str(subnet), str(gateway), iprange, found)


def _address_in(text: Any, subnet: lease.Block, refuse: Any, option: str) -> lease.Address:
    try:
        address = ipaddress.ip_address(text)
    except ValueError as exc:
        raise refuse(option, "is not an IP address") from exc
    if address not in subnet:
        raise refuse(option, f"is not in the subnet {subnet}")
    if address in (subnet.network_address, subnet.broadcast_address):
        raise refuse(option, f"is the first or last of the subnet {subnet}, which no host may have")
    return address


def _check_pools(name: str, pools: Sequence[Pool]) -> None:
    for number, pool in enumerate(pools):
        for other in pools[:number]:
            one, two = ipaddress.ip_network(pool.subnet), ipaddress.ip_network(other.subnet)
            if lease.overlaps(one, two):
                raise Error(f"network {name}: its subnets {two} and {one} overlap")


def _driver_options(options: Mapping[str, Any]) -> dict[str, str]:
    found = {}
    for key, value in sorted(options.items()):
        text = _text(value)
        if key == record.BRIDGE_OPTION:
            record.check_interface(text)
        elif key == record.MTU_OPTION:
            if not text.isdecimal() or int(text) not in _MTU:
                raise Error(f"driver_options: {key} is {text!r}; it is a number of bytes")
        elif key == MASQUERADE_OPTION:
            if text.lower() not in _BOOLEANS:
                raise Error(f"driver_options: {key} is {text!r}; it is true or false")
            text = _BOOLEANS[text.lower()]
        else:
            known = ", ".join((record.BRIDGE_OPTION, record.MTU_OPTION, MASQUERADE_OPTION))
            raise Error(f"driver_options: {key!r} is not understood", hint=f"known are {known}")
        found[key] = text
    return found


def _text(value: Any) -> str:
    """Docker's form of a value that YAML may have made a bool or a number."""
    return str(value).lower() if isinstance(value, bool) else str(value)


def fold(declared: Declared, have: Optional[NetworkSpec]) -> NetworkSpec:
    """The total spec that a declaration means beside what is recorded; pools may still be open."""
    base = have if have is not None else NetworkSpec(declared.name)
    if not declared.keep:
        base = NetworkSpec(declared.name, pools=base.pools)
    pools = base.pools if declared.pools is None else declared.pools
    enable_ipv6 = _has_ipv6(pools) if declared.enable_ipv6 is None else declared.enable_ipv6
    if enable_ipv6 and not _has_ipv6(pools):
        raise Error(
            f"network {declared.name}: enable_ipv6 needs an IPv6 subnet",
            hint="add one to ipam_config, such as fd00:89::/64",
        )
    if not enable_ipv6:
        pools = tuple(pool for pool in pools if ":" not in pool.subnet)
    return dataclasses.replace(
        base,
        pools=pools,
        enable_ipv6=enable_ipv6,
        internal=base.internal if declared.internal is None else declared.internal,
        driver_options={**base.driver_options, **(declared.driver_options or {})},
        labels={**base.labels, **(declared.labels or {})},
    )


def _has_ipv6(pools: Sequence[Pool]) -> bool:
    return any(":" in pool.subnet for pool in pools)
