# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The parts of which rules, sets and maps are written, as libnftables-json(5) has them. Pure."""

from __future__ import annotations

import functools
import ipaddress
from collections.abc import Iterator, Sequence
from typing import Any

from ...spec.network import Network

TABLE = "slipway"
FAMILY = "inet"

Json = dict[str, Any]


def add(kind: str, **fields: Any) -> Json:
    """The command that adds something to the table, or the table itself."""
    if kind == "table":
        return {"add": {"table": {"family": FAMILY, "name": TABLE}}}
    return {"add": {kind: {"family": FAMILY, "table": TABLE, **fields}}}


def rule(chain: str, *expressions: Json) -> Json:
    """The command that adds a rule to a chain."""
    return add("rule", chain=chain, expr=list(expressions))


def matches(left: Json, right: Any, operator: str = "==") -> Json:
    """A condition, as part of a rule."""
    return {"match": {"op": operator, "left": left, "right": right}}


def meta(key: str) -> Json:
    """What a packet has beside its content: ``mark``, ``iifname``, ``l4proto``."""
    return {"meta": {"key": key}}


def field(family: int, name: str) -> Json:
    """A field of the IP header; ``family`` is 4 or 6."""
    return {"payload": {"protocol": "ip" if family == 4 else "ip6", "field": name}}


#: Whether the destination is an address of this host.
LOCAL: Json = matches({"fib": {"flags": ["daddr"], "result": "type"}}, "local")
#: Whether the connection goes to a published port.
TRANSLATED: Json = matches({"ct": {"key": "status"}}, "dnat", "in")


@functools.lru_cache(maxsize=1024)
def prefix(network: str) -> Any:
    """A network such as ``10.0.0.0/8``; that of a single address is the address. It is in several
    rules, and is not to be changed.
    """
    parsed = ipaddress.ip_network(network)
    if parsed.prefixlen == parsed.max_prefixlen:
        return str(parsed.network_address)
    return {"prefix": {"addr": str(parsed.network_address), "len": parsed.prefixlen}}


def families_of(networks: Sequence[Network]) -> list[int]:
    """The address families that any of the networks has: without IPv6 no rule speaks of it."""
    return sorted({family_of(pool.subnet) for network in networks for pool in network.spec.pools})


def family_of(address: str) -> int:
    """4 or 6, of an address or a network in text."""
    return 6 if ":" in address else 4


def gateways_of(networks: Sequence[Network], family: int) -> Iterator[str]:
    """The gateways of networks, of one address family."""
    for network in networks:
        for pool in network.spec.pools:
            if pool.gateway and family_of(pool.gateway) == family:
                yield pool.gateway
