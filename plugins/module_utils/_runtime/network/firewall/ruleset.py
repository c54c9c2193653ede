# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The rules: one nftables table, ``inet slipway``, as a function of all networks and ports. Pure.

firewall.py applies it. Published ports are elements of maps, so their number does not matter to a
packet.

What the chains do, in the order a packet meets them:

- ``raw_prerouting`` drops what claims to be to or from the loopback but came in by another
  interface: a port published on 127.0.0.1 would else be translated before the kernel sees that the
  packet is martian (CVE-2020-8558). It also drops questions to a network's name server that do not
  come from that network.
- ``prerouting`` and ``output`` translate published ports, only where the destination is an address
  of this host (CVE-2025-67499: transit traffic to the same port is not ours), and in
  ``prerouting`` only for clients within the port's scope. A container's questions to its name
  server are never translated, though port 53 be published.
- ``raw_output`` and ``input`` make 127.0.0.1:PORT work from the host itself without
  route_localnet: a packet from 127.0.0.1 to a published port gets the bridge's own address as its
  source before it is tracked and translated, and the reply gets 127.0.0.1 back as its destination
  after routing, before it meets its socket. So no interface ever accepts loopback addresses, not
  even while the table is gone.
- ``forward`` lets containers of one network talk (unless its option enable_icc is false),
  containers of ordinary networks out, and only translated (published) connections in; between
  networks and into or out of internal ones it drops. What it lets pass gets the mark bit
  0x02000000.
- ``postrouting`` masquerades what leaves a network, and what comes back to the network it came
  from by a published port (hairpin).

A user's own rules are consulted first and are never touched: put them into a table of your own,
with a base chain of an earlier priority than ours (by convention table ``inet slipway_user``, chain
``forward``, ``type filter hook forward priority filter - 20``). There ``drop`` is final. ``accept``
ends that chain only, as always in nftables; to pass what this table would drop, set the mark bit
0x01000000. Destinations are those of containers there; the published port is
``meta l4proto tcp ct original proto-dst``.

Likewise an ``accept`` of ours does not overrule a later ``drop`` of another table, such as the
policy that Docker gives to the iptables FORWARD chain. One rule there that accepts the mark bit
0x02000000 lets pass what this table has let pass; docs/networking.md has it for each.
"""

from __future__ import annotations

import hashlib
import ipaddress
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from ...records import network_record
from ...spec.network import Network, Publication

TABLE = "slipway"
FAMILY = "inet"

#: A packet whose mark has this bit passes our forward chain: the word of the user's own rules.
ACCEPT_MARK = 0x01000000

#: And this one is our word to the tables after us: it passed, or is a question to a name server.
PASSED_MARK = 0x02000000

#: Options of a network that mean something here; the names are Docker's.
MASQUERADE_OPTION = "com.docker.network.bridge.enable_ip_masquerade"

Json = dict[str, Any]


def ruleset(networks: Sequence[Network], publications: Sequence[Publication]) -> list[Json]:
    """The commands that replace the table, in libnftables-json(5), ending with the marker. Pure.

    Their order does not depend on the order of the arguments. Without any network it is the removal
    of the table.
    """
    commands = [_add("table"), {"delete": {"table": {"family": FAMILY, "name": TABLE}}}]
    bridged = sorted(
        (n for n in networks if n.spec.driver == "bridge"), key=lambda network: network.id
    )
    if not bridged:
        return commands
    body = [
        *_sets(bridged),
        *_maps(bridged, publications),
        *_chains(bridged, publications),
    ]
    marker = _marker(body)
    return [
        *commands,
        _add("table"),
        *body,
        _add("chain", name=marker),
        # flush table keeps chains and removes rules; the marker counts only with its rule.
        _rule(marker, {"return": None}),
    ]


def _marker(body: Sequence[Json]) -> str:
    canonical = json.dumps(body, sort_keys=True, separators=(",", ":")).encode()
    return f"digest_{hashlib.sha256(canonical).hexdigest()[:32]}"


def masquerades(network: Network) -> bool:
    """Whether a network's containers go out by the host's addresses."""
    option = network.spec.driver_options.get(MASQUERADE_OPTION, "true").lower()
    return not network.spec.internal and option not in ("false", "0")


def isolates(network: Network) -> bool:
    """Whether a network's containers do not reach one another but by published ports."""
    return network.spec.driver_options.get(network_record.ICC_OPTION, "true").lower() in (
        "false",
        "0",
    )


def _add(kind: str, **fields: Any) -> Json:
    if kind == "table":
        return {"add": {"table": {"family": FAMILY, "name": TABLE}}}
    return {"add": {kind: {"family": FAMILY, "table": TABLE, **fields}}}


def _rule(chain: str, *expressions: Json) -> Json:
    return _add("rule", chain=chain, expr=list(expressions))


def _is(left: Json, right: Any, operator: str = "==") -> Json:
    return {"match": {"op": operator, "left": left, "right": right}}


def _meta(key: str) -> Json:
    return {"meta": {"key": key}}


def _field(family: int, name: str) -> Json:
    return {"payload": {"protocol": "ip" if family == 4 else "ip6", "field": name}}


_LOOPBACK = {4: "127.0.0.1", 6: "::1"}
_PORT: Json = {"payload": {"protocol": "th", "field": "dport"}}
_ASKED: Json = _is(_PORT, 53)
LOCAL: Json = _is({"fib": {"flags": ["daddr"], "result": "type"}}, "local")
TRANSLATED: Json = _is({"ct": {"key": "status"}}, "dnat", "in")
_MARK_PASSED: Json = {
    "mangle": {"key": _meta("mark"), "value": {"|": [_meta("mark"), PASSED_MARK]}}
}
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


def _prefix(network: str) -> Any:
    parsed = ipaddress.ip_network(network)
    if parsed.prefixlen == parsed.max_prefixlen:
        return str(parsed.network_address)
    return {"prefix": {"addr": str(parsed.network_address), "len": parsed.prefixlen}}


def _loopback(family: int) -> Any:
    return _prefix("127.0.0.0/8" if family == 4 else "::1/128")


def _sets(networks: Sequence[Network]) -> Iterator[Json]:
    bridges = [network.bridge for network in networks]
    yield _set("bridges", "ifname", bridges)
    yield _set("internal", "ifname", [n.bridge for n in networks if n.spec.internal])
    open_ = [network.bridge for network in networks if not isolates(network)]
    yield _set("same", ["ifname", "ifname"], [{"concat": [name, name]} for name in open_])
    for family in _families(networks):
        resolvers = [
            {"concat": [network.bridge, address]}
            for network in networks
            for address in _gateways([network], family)
        ]
        yield _set(f"resolvers{family}", ["ifname", f"ipv{family}_addr"], resolvers)


def _set(name: str, kind: Any, elements: Sequence[Any], **fields: Any) -> Json:
    # libnftables refuses an empty list of elements.
    fields |= {"elem": list(elements)} if elements else {}
    return _add("set", name=name, type=kind, **fields)


def _scopes(family: int, publications: Sequence[Publication]) -> Iterator[Json]:
    """Which published ports are not for everybody, by the host's address, and for which sources
    each of them is. Two sets of intervals; none at all where nothing is limited.
    """
    limited, sources = [], []
    for publication in _limited(family, publications):
        address = _address(publication) if _exact(publication) else _EVERYWHERE[family]
        key = [_prefix(address), publication.protocol, publication.host_port]
        limited.append({"concat": key})
        for source in scope_networks(family, publication.scope):
            sources.append({"concat": [_prefix(source), *key]})
    if not limited:
        return
    kind = [f"ipv{family}_addr", "inet_proto", "inet_service"]
    yield _set(f"limited{family}", kind, limited, flags=["interval"])
    yield _set(f"sources{family}", [kind[0], *kind], sources, flags=["interval"])


def _limited(family: int, publications: Sequence[Publication]) -> list[Publication]:
    found = [p for p in publications if p.scope and _family(p.container_ip) == family]
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
    return _add("map", name=name, type=list(key), map=value, **({"elem": pairs} if pairs else {}))


def _maps(networks: Sequence[Network], publications: Sequence[Publication]) -> Iterator[Json]:
    """Per family: where each published port leads, and the source it gets when asked from loopback.

    An address and a port map of the same keys, because nft's JSON cannot declare a map whose values
    are both (1.0.6: "set is not a map").
    """
    for family in _families(networks):
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
                if _family(publication.container_ip) != family or exact != _exact(publication):
                    continue
                index: tuple[Any, ...] = (publication.protocol, publication.host_port)
                if exact:
                    index = (_address(publication), *index)
                addresses[index] = publication.container_ip
                ports[index] = publication.container_port
                gateway = _gateway(networks, publication.container_ip)
                if gateway:
                    sources[index] = gateway
            yield _map(f"{name}_address", key, kind, addresses)
            yield _map(f"{name}_port", key, "inet_service", ports)
            yield _map(f"{name}_source", key, kind, sources)
        gateways = sorted(_gateways(networks, family))
        yield _set(f"gateways{family}", kind, gateways)
        yield from _scopes(family, publications)


def _families(networks: Sequence[Network]) -> list[int]:
    """The address families that any of the networks has: without IPv6 no rule speaks of it."""
    return sorted({_family(pool.subnet) for network in networks for pool in network.spec.pools})


def _family(address: str) -> int:
    return 6 if ":" in address else 4


def _address(publication: Publication) -> str:
    """The host's address without its zone: packets carry none, and nft knows none."""
    return publication.host_ip.partition("%")[0]


def _exact(publication: Publication) -> bool:
    return publication.host_ip not in ("", "0.0.0.0", "::")


def _gateways(networks: Sequence[Network], family: int) -> Iterator[str]:
    for network in networks:
        for pool in network.spec.pools:
            if pool.gateway and _family(pool.gateway) == family:
                yield pool.gateway


def _gateway(networks: Sequence[Network], address: str) -> str:
    """The bridge's own address in the subnet of a container's address."""
    parsed = ipaddress.ip_address(address)
    for network in networks:
        for pool in network.spec.pools:
            if parsed in ipaddress.ip_network(pool.subnet):
                return pool.gateway
    return ""


def _chains(networks: Sequence[Network], publications: Sequence[Publication]) -> Iterator[Json]:
    families = _families(networks)
    first = (*_martians(), *_questions(families))
    yield from _base("raw_prerouting", "filter", "prerouting", -300, first)
    yield from _base("raw_output", "filter", "output", -300, _loopback_sources(families))
    yield _add("chain", name="publish")
    for family in families:
        yield _rule("publish", *_translation(f"at{family}", family, exact=True))
        yield _rule("publish", *_translation(f"any{family}", family, exact=False))
    # One before dstnat and srcnat: the first chain that translates a connection decides.
    published = [[LOCAL, {"jump": {"target": "publish"}}]]
    incoming = (*_not_published(families, publications), *published)
    yield from _base("prerouting", "nat", "prerouting", -101, incoming)
    own = ([_is(_field(f, "daddr"), f"@gateways{f}"), _ASKED, {"return": None}] for f in families)
    yield from _base("output", "nat", "output", -101, (*own, *published))
    yield from _base("input", "filter", "input", 110, _loopback_replies(families))
    yield from _base("forward", "filter", "forward", -10, _forward())
    yield from _base("postrouting", "nat", "postrouting", 99, _masquerade(networks))


def _base(
    name: str, kind: str, hook: str, priority: int, rules: Iterable[Sequence[Json]]
) -> list[Json]:
    chain = _add("chain", name=name, type=kind, hook=hook, prio=priority, policy="accept")
    return [chain, *(_rule(name, *expressions) for expressions in rules)]


def _key(family: int, exact: bool) -> Json:
    port = [_meta("l4proto"), _PORT]
    return {"concat": [_field(family, "daddr"), *port] if exact else port}


def _looked_up(family: int, exact: bool, name: str) -> Json:
    return {"map": {"key": _key(family, exact), "data": f"@{name}"}}


def _translation(name: str, family: int, exact: bool) -> list[Json]:
    return [
        _is(_meta("nfproto"), f"ipv{family}"),
        {
            "dnat": {
                "family": "ip" if family == 4 else "ip6",
                "addr": _looked_up(family, exact, f"{name}_address"),
                "port": _looked_up(family, exact, f"{name}_port"),
            }
        },
    ]


def _martians() -> Iterator[list[Json]]:
    for family in (4, 6):
        for side in ("daddr", "saddr"):
            yield [
                _is(_meta("iifname"), "lo", "!="),
                _is(_field(family, side), _loopback(family)),
                {"drop": None},
            ]


def _questions(families: Sequence[int]) -> Iterator[list[Json]]:
    """A network's name server answers that network and the host itself, and nobody else."""
    for family in families:
        asked = [_is(_meta("l4proto"), {"set": ["tcp", "udp"]}), _ASKED]
        own = {"concat": [_meta("iifname"), _field(family, "daddr")]}
        yield [
            *asked,
            _is(_meta("iifname"), "lo", "!="),
            _is(_field(family, "daddr"), f"@gateways{family}"),
            _is(own, f"@resolvers{family}", "!="),
            {"drop": None},
        ]
        yield [*asked, _is(own, f"@resolvers{family}"), _MARK_PASSED]


def _not_published(
    families: Sequence[int], publications: Sequence[Publication]
) -> Iterator[list[Json]]:
    """What is not translated though its port be published: questions to a container's own name
    server, and clients out of a port's scope.
    """
    for family in families:
        daddr, saddr = _field(family, "daddr"), _field(family, "saddr")
        own = {"concat": [_meta("iifname"), daddr]}
        yield [_ASKED, _is(own, f"@resolvers{family}"), {"return": None}]
        if _limited(family, publications):
            key = [daddr, _meta("l4proto"), _PORT]
            yield [
                _is(_meta("iifname"), "@bridges", "!="),
                _is({"concat": key}, f"@limited{family}"),
                _is({"concat": [saddr, *key]}, f"@sources{family}", "!="),
                {"return": None},
            ]


def _loopback_sources(families: Sequence[int]) -> Iterator[list[Json]]:
    for family in families:
        own = _LOOPBACK[family]
        for name, exact in ((f"at{family}_source", True), (f"any{family}_source", False)):
            yield [
                _is(_field(family, "saddr"), own),
                _is(_field(family, "daddr"), _loopback(family)),
                {
                    "mangle": {
                        "key": _field(family, "saddr"),
                        "value": _looked_up(family, exact, name),
                    }
                },
            ]


def _loopback_replies(families: Sequence[int]) -> Iterator[list[Json]]:
    for family in families:
        own = _LOOPBACK[family]
        protocol = "ip" if family == 4 else "ip6"
        yield [
            _is(_meta("iifname"), "@bridges"),
            _is({"ct": {"key": "direction"}}, "reply"),
            _is({"ct": {"key": f"{protocol} saddr", "dir": "original"}}, f"@gateways{family}"),
            _is({"ct": {"key": f"{protocol} daddr", "dir": "original"}}, _loopback(family)),
            {"mangle": {"key": _field(family, "daddr"), "value": own}},
        ]


def _forward() -> Iterator[list[Json]]:
    incoming, outgoing = _meta("iifname"), _meta("oifname")
    drop = {"drop": None}
    passes = [_MARK_PASSED, {"accept": None}]
    yield [_is({"&": [_meta("mark"), ACCEPT_MARK]}, ACCEPT_MARK), *passes]
    # Whichever side is a container's: other traffic of the host is none of ours.
    for side in (incoming, outgoing):
        known = _is({"ct": {"key": "state"}}, ["established", "related"], "in")
        yield [_is(side, "@bridges"), known, *passes]
    yield [_is({"concat": [incoming, outgoing]}, "@same"), *passes]
    yield [_is(incoming, "@internal"), drop]
    yield [_is(outgoing, "@internal"), drop]
    yield [_is(outgoing, "@bridges"), TRANSLATED, *passes]
    yield [_is(outgoing, "@bridges"), drop]
    yield [_is(incoming, "@bridges"), *passes]


def _masquerade(networks: Sequence[Network]) -> Iterator[list[Json]]:
    for network in networks:
        for pool in network.spec.pools:
            family = _family(pool.subnet)
            source = _is(_field(family, "saddr"), _prefix(pool.subnet))
            own = _is(_meta("oifname"), network.bridge)
            yield [source, own, TRANSLATED, {"masquerade": None}]
            if masquerades(network):
                other = _is(_meta("oifname"), network.bridge, "!=")
                yield [source, other, {"masquerade": None}]
