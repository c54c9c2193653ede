# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The sets and maps of the table: bridges, where published ports lead, and for whom they are. Pure.

Published ports are elements of maps, so their number does not matter to a packet.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Union

from ...records import network_record
from ...spec.network import Network, Publication
from .statements import Json, add, families_of, family_of, gateways_of, prefix

Block = Union[ipaddress.IPv4Network, ipaddress.IPv6Network]

_EVERYWHERE = {4: "0.0.0.0/0", 6: "::/0"}
#: The scopes that have a name: from nowhere but here, or from addresses that are not of the public
#: internet (RFC 1918, 3927, 4193, 4291).
_SCOPES: Mapping[tuple[str, ...], Mapping[int, tuple[str, ...]]] = {
    ("local",): {4: (), 6: ()},
    ("lan",): {
        4: ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "169.254.0.0/16"),
        6: ("fc00::/7", "fe80::/10"),
    },
}


def isolates(network: Network) -> bool:
    """Whether a network's containers do not reach one another but by published ports."""
    return network.spec.driver_options.get(network_record.ICC_OPTION, "true").lower() in (
        "false",
        "0",
    )


def sets(networks: Sequence[Network]) -> Iterator[Json]:
    """The commands that add the sets of bridges and of name servers."""
    bridges = [network.bridge for network in networks]
    yield _set("bridges", "ifname", bridges)
    yield _set("internal", "ifname", [n.bridge for n in networks if n.spec.internal])
    open_ = [network.bridge for network in networks if not isolates(network)]
    yield _set("same", ["ifname", "ifname"], [{"concat": [name, name]} for name in open_])
    for family in families_of(networks):
        resolvers = [
            {"concat": [network.bridge, address]}
            for network in networks
            for address in gateways_of([network], family)
        ]
        yield _set(f"resolvers{family}", ["ifname", f"ipv{family}_addr"], resolvers)


def _set(name: str, kind: Any, elements: Sequence[Any], **fields: Any) -> Json:
    # libnftables refuses an empty list of elements.
    fields |= {"elem": list(elements)} if elements else {}
    return add("set", name=name, type=kind, **fields)


def _scopes(family: int, publications: Sequence[Publication]) -> Iterator[Json]:
    """Which published ports are not for everybody, by the host's address, and for which sources
    each of them is. Two sets of intervals; none at all where nothing is limited.
    """
    limited, sources = [], []
    for publication in limited_in(family, publications):
        address = _address(publication) if _exact(publication) else _EVERYWHERE[family]
        key = [prefix(address), publication.protocol, publication.host_port]
        limited.append({"concat": key})
        for source in scope_networks(family, publication.scope):
            sources.append({"concat": [prefix(source), *key]})
    if not limited:
        return
    kind = [f"ipv{family}_addr", "inet_proto", "inet_service"]
    yield _set(f"limited{family}", kind, limited, flags=["interval"])
    yield _set(f"sources{family}", [kind[0], *kind], sources, flags=["interval"])


def limited_in(family: int, publications: Sequence[Publication]) -> list[Publication]:
    """The publications of one address family that are not for everybody, in a fixed order."""
    found = [p for p in publications if p.scope and family_of(p.container_ip) == family]
    return sorted(found, key=lambda p: (p.host_ip, p.protocol, p.host_port))


def scope_networks(family: int, scope: Sequence[str]) -> list[str]:
    """The networks a scope means beside the host and its containers, without overlaps."""
    if tuple(scope) in _SCOPES:
        return list(_SCOPES[tuple(scope)][family])
    blocks = (ipaddress.ip_network(text) for text in scope)
    if family == 4:
        four = (block for block in blocks if isinstance(block, ipaddress.IPv4Network))
        return [str(block) for block in ipaddress.collapse_addresses(four)]
    six = (block for block in blocks if isinstance(block, ipaddress.IPv6Network))
    return [str(block) for block in ipaddress.collapse_addresses(six)]


def _map(name: str, key: Sequence[str], value: str, elements: Mapping[Any, Any]) -> Json:
    pairs = [[{"concat": list(k)}, elements[k]] for k in sorted(elements)]
    return add("map", name=name, type=list(key), map=value, **({"elem": pairs} if pairs else {}))


def maps(networks: Sequence[Network], publications: Sequence[Publication]) -> Iterator[Json]:
    """Per family: where each published port leads, and the source it gets when asked from loopback.

    An address and a port map of the same keys, because nft's JSON cannot declare a map whose values
    are both (1.0.6: "set is not a map").
    """
    gateways = [
        (ipaddress.ip_network(pool.subnet), pool.gateway)
        for network in networks
        for pool in network.spec.pools
    ]
    for family in families_of(networks):
        kind = f"ipv{family}_addr"
        port = ("inet_proto", "inet_service")
        for name, key, exact in (
            (f"any{family}", port, False),
            (f"at{family}", (kind, *port), True),
        ):
            addresses: dict[Any, Any] = {}
            ports: dict[Any, Any] = {}
            sources: dict[Any, Any] = {}
            for publication in publications:
                if family_of(publication.container_ip) != family or exact != _exact(publication):
                    continue
                index: tuple[Any, ...] = (publication.protocol, publication.host_port)
                if exact:
                    index = (_address(publication), *index)
                addresses[index] = publication.container_ip
                ports[index] = publication.container_port
                gateway = _gateway(gateways, publication.container_ip)
                if gateway:
                    sources[index] = gateway
            yield _map(f"{name}_address", key, kind, addresses)
            yield _map(f"{name}_port", key, "inet_service", ports)
            yield _map(f"{name}_source", key, kind, sources)
        yield _set(f"gateways{family}", kind, sorted(gateways_of(networks, family)))
        yield from _scopes(family, publications)


def _address(publication: Publication) -> str:
    """The host's address without its zone: packets carry none, and nft knows none."""
    return publication.host_ip.partition("%")[0]


def _exact(publication: Publication) -> bool:
    return publication.host_ip not in ("", "0.0.0.0", "::")


def _gateway(gateways: Iterable[tuple[Block, str]], address: str) -> str:
    """The bridge's own address in the subnet of a container's address."""
    parsed = ipaddress.ip_address(address)
    return next((gateway for block, gateway in gateways if parsed in block), "")
