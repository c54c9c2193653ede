# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A network as a task declares it: options into values, values into one total spec. Pure.

What a task omits is None until it is folded into what is recorded: with ``undeclared: reset`` it
becomes the default, with ``keep`` it stays. Subnets are the exception: a network keeps those it has
until a task names others, because containers have addresses in them.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Mapping, Sequence
from typing import Any, Optional, Union

from ...base.errors import Error
from ...base.frozen import dataclass, replace
from ...network import lease
from ...records import network_record
from ...spec.network import NetworkSpec, Pool
from ...spec.texts import texts
from . import driver_options

#: What a task may say of a network that exists on every host: that it exists.
_DRIVER_OF = {"host": "host", "none": "null"}


@dataclass(frozen=True)
class Subnet:
    """What a task says of one of a network's subnets. None is what it leaves out."""

    subnet: str
    gateway: Optional[str] = None
    ip_range: Optional[str] = None
    aux_addresses: Optional[Mapping[str, str]] = None

    def said(self) -> dict[str, Any]:
        """What it says, by the names of its options."""
        told = {
            "subnet": self.subnet,
            "gateway": self.gateway,
            "iprange": self.ip_range,
            "aux_addresses": self.aux_addresses,
        }
        return {option: value for option, value in told.items() if value is not None}

    def pool(self, have: Optional[Pool]) -> Pool:
        """The whole: what is left out is as in the pool it has, or its default."""
        if have is None:
            first = next(ipaddress.ip_network(self.subnet).hosts())
            have = Pool(self.subnet, str(first))
        aux = have.aux_addresses if self.aux_addresses is None else self.aux_addresses
        return Pool(
            self.subnet,
            have.gateway if self.gateway is None else self.gateway,
            have.ip_range if self.ip_range is None else self.ip_range,
            aux,
        )


@dataclass(frozen=True)
class Declared:
    """What a task says of a network. None is what it leaves out.

    ``connected`` are names or ids of containers; with ``appends`` others may be connected too.
    """

    name: str
    state: str = "present"
    driver: Optional[str] = None
    pools: Optional[tuple[Subnet, ...]] = None
    internal: Optional[bool] = None
    attachable: Optional[bool] = None
    enable_ipv4: Optional[bool] = None
    enable_ipv6: Optional[bool] = None
    driver_options: Optional[Mapping[str, str]] = None
    ipam_options: Optional[Mapping[str, str]] = None
    labels: Optional[Mapping[str, str]] = None
    config_only: Optional[bool] = None
    config_from: Optional[str] = None
    connected: Optional[tuple[str, ...]] = None
    appends: bool = False
    keep: bool = False
    force: bool = False


def declare(params: Mapping[str, Any]) -> Declared:
    """Read a task's options. Raises Error naming the option that makes no sense."""
    name = params["name"]
    network_record.check_name(name)
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
    _refuse_foreign(name, params)
    declared = Declared(
        name=name,
        state=params.get("state") or "present",
        driver=_driver(name, params),
        pools=pools or None,
        internal=params.get("internal"),
        attachable=params.get("attachable"),
        enable_ipv4=params.get("enable_ipv4"),
        enable_ipv6=enable_ipv6,
        driver_options=driver_options.parse(name, params.get("driver_options")),
        ipam_options=_texts(params, "ipam_driver_options", switches=True),
        labels=_texts(params, "labels"),
        config_only=params.get("config_only"),
        config_from=params.get("config_from") or None,
        connected=_connected(params.get("connected")),
        appends=bool(params.get("appends")),
        keep=params.get("undeclared") == "keep",
        force=bool(params.get("force")),
    )
    _check_config(declared)
    return declared


def _refuse_foreign(name: str, params: Mapping[str, Any]) -> None:
    """What only a cluster has, and other address managers than ours."""
    if params.get("ingress"):
        raise Error(
            f"network {name}: ingress networks require a swarm, which slipway does not support",
            hint="omit ingress",
        )
    if params.get("scope") not in (None, "local"):
        raise Error(
            f"network {name}: the scope {params['scope']} requires a swarm",
            hint="networks of slipway are local to the host; omit scope",
        )
    if params.get("ipam_driver") not in (None, "", "default"):
        raise Error(
            f"network {name}: unknown IPAM driver {str(params['ipam_driver'])[:60]!r}",
            hint="the only IPAM driver is default",
        )


def _driver(name: str, params: Mapping[str, Any]) -> Optional[str]:
    driver = params.get("driver")
    own = _DRIVER_OF.get(name)
    if own is not None or not driver:
        if driver not in (None, "", own, name):
            raise Error(f"the network {name} is predefined, and its driver is {own}")
        return own
    if driver in ("host", "none", "null"):
        predefined = "none" if driver == "null" else driver
        raise Error(
            f"network {name}: the only network of the driver {driver} is {predefined}",
            hint=f"use network_mode: {predefined} in the containers",
        )
    if driver == "overlay":
        raise Error(
            f"network {name}: overlay networks require a swarm, which slipway does not support",
            hint="use bridge, macvlan or ipvlan",
        )
    if driver not in ("bridge", *network_record.PARENTED):
        raise Error(
            f"network {name}: unknown driver {driver[:60]!r}",
            hint="known drivers: bridge, macvlan, ipvlan",
        )
    if name == network_record.DEFAULT and driver != "bridge":
        raise Error(f"the network {name} is predefined, and its driver is bridge")
    return str(driver)


def _connected(value: Any) -> Optional[tuple[str, ...]]:
    if value is None:
        return None
    return tuple(dict.fromkeys(str(name).lstrip("/") for name in value))


def _check_config(declared: Declared) -> None:
    """A network that takes its settings from another one has none of its own, as with Docker."""
    name = declared.name
    if declared.config_only and declared.config_from:
        raise Error(f"network {name}: config_only and config_from are mutually exclusive")
    if declared.config_only and declared.connected:
        raise Error(f"network {name}: it is config_only, so nothing can be connected to it")
    if not declared.config_from:
        return
    network_record.check_name(declared.config_from)
    own = {
        "ipam_config": declared.pools,
        "ipam_driver_options": declared.ipam_options,
        "driver_options": declared.driver_options,
        "internal": declared.internal,
        "enable_ipv6": declared.enable_ipv6,
    }
    given = [option for option, value in own.items() if value]
    if given:
        raise Error(
            f"network {name}: {', '.join(given)} cannot be combined with config_from",
            hint=f"declare it in the network {declared.config_from}",
        )


def _ipv6(name: str, pools: Sequence[Subnet], enable_ipv6: Optional[bool]) -> Optional[bool]:
    """An IPv6 subnet says that IPv6 is wanted; one without the other is a contradiction."""
    six = any(":" in pool.subnet for pool in pools)
    if six and enable_ipv6 is False:
        raise Error(
            f"network {name}: ipam_config has an IPv6 subnet, and enable_ipv6 is false",
            hint="set enable_ipv6: true, or omit the subnet",
        )
    return True if six else enable_ipv6


def _pool(name: str, where: str, item: Mapping[str, Any]) -> Subnet:
    def refuse(option: str, problem: str, hint: Optional[str] = None) -> Error:
        return Error(f"network {name}: {where}.{option} {str(item.get(option))!r} {problem}", hint)

    try:
        if "/" not in str(item["subnet"]):
            raise ValueError
        subnet = ipaddress.ip_network(item["subnet"], strict=False)
    except (ValueError, TypeError) as exc:
        raise Error(f'"{repr(str(item["subnet"])[:60])[1:-1]}" is not a valid CIDR') from exc
    if str(subnet.network_address) != str(ipaddress.ip_interface(item["subnet"]).ip):
        raise refuse("subnet", "has host bits set", f"the subnet is {subnet}")
    if subnet.num_addresses < 4:
        raise refuse("subnet", "is too small", "use a prefix of at most /30, or /126 for IPv6")
    first = subnet.network_address
    if first.is_unspecified or first.is_loopback or first.is_multicast or first.is_link_local:
        raise refuse("subnet", "is not a subnet for hosts")
    gateway = None
    if item.get("gateway"):
        gateway = str(_address_in(item["gateway"], subnet, refuse, "gateway"))
    found = None
    if item.get("aux_addresses") is not None:
        found = {
            str(key): str(_address_in(text, subnet, refuse, "aux_addresses"))
            for key, text in item["aux_addresses"].items()
        }
    iprange = None
    if item.get("iprange"):
        try:
            block = ipaddress.ip_network(item["iprange"])
        except ValueError as exc:
            raise refuse("iprange", "is not a range", "write it like 10.89.0.128/25") from exc
        if not lease.overlaps(block, subnet) or block.prefixlen < subnet.prefixlen:
            raise refuse("iprange", f"is not within the subnet {subnet}")
        iprange = str(block)
    return Subnet(str(subnet), gateway, iprange, found)


def _address_in(text: Any, subnet: lease.Block, refuse: Any, option: str) -> lease.Address:
    try:
        address = ipaddress.ip_address(text)
    except ValueError as exc:
        raise refuse(option, "is not an IP address") from exc
    if address not in subnet:
        raise refuse(option, f"is not in the subnet {subnet}")
    if address in (subnet.network_address, subnet.broadcast_address):
        raise refuse(
            option, f"is the first or last address of the subnet {subnet}, which a host cannot use"
        )
    return address


def _check_pools(name: str, pools: Sequence[Subnet]) -> None:
    for number, pool in enumerate(pools):
        for other in pools[:number]:
            one, two = ipaddress.ip_network(pool.subnet), ipaddress.ip_network(other.subnet)
            if lease.overlaps(one, two):
                raise Error(f"network {name}: its subnets {two} and {one} overlap")


def _texts(
    params: Mapping[str, Any], option: str, switches: bool = False
) -> Optional[dict[str, str]]:
    given = params.get(option)
    return None if given is None else texts(option, given, switches)


def fold(
    declared: Declared, have: Optional[NetworkSpec], config: Optional[NetworkSpec] = None
) -> NetworkSpec:
    """The total spec that a declaration means beside what is recorded; pools may still be open.

    ``config`` is the network that ``config_from`` names.
    """
    base = have if have is not None else NetworkSpec(declared.name)
    if not declared.keep:
        base = NetworkSpec(declared.name, pools=base.pools)

    def said(field: str) -> Any:
        given = getattr(declared, field)
        return getattr(base, field) if given is None else given

    source = said("config_from")
    if source:
        return _taken_over(declared, base, source, config)
    pools = _pools(declared, base.pools)
    config_only = said("config_only")
    spec = replace(
        base,
        driver="null" if config_only else said("driver"),
        enable_ipv4=said("enable_ipv4"),
        # A subnet that is kept says that IPv6 is wanted as one that is declared does.
        enable_ipv6=declared.enable_ipv6
        if declared.enable_ipv6 is not None
        else base.enable_ipv6 or _has(6, pools),
        internal=said("internal"),
        attachable=said("attachable"),
        config_only=config_only,
        driver_options={**base.driver_options, **(declared.driver_options or {})},
        ipam_options={**base.ipam_options, **(declared.ipam_options or {})},
        labels={**base.labels, **(declared.labels or {})},
        pools=pools,
    )
    driver_options.check(spec)
    return _families(declared, spec)


def _pools(declared: Declared, have: tuple[Pool, ...]) -> tuple[Pool, ...]:
    """The declared subnets, whole, or those the network has. Their order means nothing, so they
    stay in the order they have. With ``undeclared: keep`` a subnet keeps what a task leaves out.
    """
    if declared.pools is None:
        return have
    known = {pool.subnet: pool for pool in have}
    kept = known if declared.keep else {}
    wanted = {one.subnet: one.pool(kept.get(one.subnet)) for one in declared.pools}
    order = [*(subnet for subnet in known if subnet in wanted), *wanted]
    return tuple(wanted[subnet] for subnet in dict.fromkeys(order))


def _taken_over(
    declared: Declared, base: NetworkSpec, source: str, config: Optional[NetworkSpec]
) -> NetworkSpec:
    """A network with the settings of a config-only one."""
    settings = config if config is not None else NetworkSpec(source, config_only=True)
    if not settings.config_only:
        raise Error(
            f"network {declared.name}: config_from: {source} is not a config_only network",
            hint=f"declare {source} with config_only: true",
        )
    spec = NetworkSpec(
        declared.name,
        driver=declared.driver or (base.driver if base.driver != "null" else "bridge"),
        pools=settings.pools or base.pools,
        internal=settings.internal,
        enable_ipv4=settings.enable_ipv4,
        enable_ipv6=settings.enable_ipv6,
        attachable=settings.attachable,
        driver_options=settings.driver_options,
        ipam_options=settings.ipam_options,
        labels={**base.labels, **settings.labels, **(declared.labels or {})},
        config_from=source,
    )
    driver_options.check(spec)
    return _families(declared, spec)


def _families(declared: Declared, spec: NetworkSpec) -> NetworkSpec:
    """A spec with the subnets of the families it has."""
    if not spec.enable_ipv4:
        if not spec.enable_ipv6:
            raise Error(
                f"network {spec.name}: enable_ipv4 and enable_ipv6 are both false",
                hint="containers need addresses of at least one of them",
            )
        if _has(4, declared.pools or ()):
            raise Error(
                f"network {spec.name}: ipam_config has an IPv4 subnet, and enable_ipv4 is false",
                hint="set enable_ipv4: true, or omit the subnet",
            )
    kept = tuple(
        pool
        for pool in spec.pools
        if (spec.enable_ipv6 if ":" in pool.subnet else spec.enable_ipv4)
    )
    return replace(spec, pools=kept)


def _has(family: int, pools: Sequence[Union[Pool, Subnet]]) -> bool:
    return any((":" in pool.subnet) == (family == 6) for pool in pools)
