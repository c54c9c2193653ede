# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The chains of the table and their rules; ruleset.py says what each is for. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from ...spec.network import Network, Publication
from .elements import limited_in
from .statements import (
    LOCAL,
    TRANSLATED,
    Json,
    add,
    families_of,
    family_of,
    field,
    matches,
    meta,
    prefix,
    rule,
)

#: A packet whose mark has this bit passes our forward chain: the word of the user's own rules.
ACCEPT_MARK = 0x01000000

#: And this one is our word to the tables after us: it passed, or is a question to a name server.
PASSED_MARK = 0x02000000

#: Options of a network that mean something here; the names are Docker's.
MASQUERADE_OPTION = "com.docker.network.bridge.enable_ip_masquerade"

_LOOPBACK = {4: "127.0.0.1", 6: "::1"}
_PORT: Json = {"payload": {"protocol": "th", "field": "dport"}}
_ASKED: Json = matches(_PORT, 53)
_MARK_PASSED: Json = {"mangle": {"key": meta("mark"), "value": {"|": [meta("mark"), PASSED_MARK]}}}


def masquerades(network: Network) -> bool:
    """Whether a network's containers go out by the host's addresses."""
    option = network.spec.driver_options.get(MASQUERADE_OPTION, "true").lower()
    return not network.spec.internal and option not in ("false", "0")


def chains(networks: Sequence[Network], publications: Sequence[Publication]) -> Iterator[Json]:
    """The commands that add the chains with their rules, in a fixed order."""
    families = families_of(networks)
    zoned = list(_zones(publications))
    first = (*_martians(), *_questions(families), *zoned)
    yield from _base("raw_prerouting", "filter", "prerouting", -300, first)
    own_first = (*zoned, *_loopback_sources(families))
    yield from _base("raw_output", "filter", "output", -300, own_first)
    yield add("chain", name="publish")
    for family in families:
        yield rule("publish", *_translation(f"at{family}", family, exact=True))
        yield rule("publish", *_translation(f"any{family}", family, exact=False))
    # One before dstnat and srcnat: the first chain that translates a connection decides.
    published = [[LOCAL, {"jump": {"target": "publish"}}]]
    incoming = (*_not_published(families, publications), *published)
    yield from _base("prerouting", "nat", "prerouting", -101, incoming)
    own = (
        [matches(field(f, "daddr"), f"@gateways{f}"), _ASKED, {"return": None}] for f in families
    )
    yield from _base("output", "nat", "output", -101, (*own, *published))
    yield from _base("input", "filter", "input", 110, _loopback_replies(families))
    yield from _base("forward", "filter", "forward", -10, _forward())
    yield from _base("postrouting", "nat", "postrouting", 99, _masquerade(networks))


def _base(
    name: str, kind: str, hook: str, priority: int, rules: Iterable[Sequence[Json]]
) -> list[Json]:
    chain = add("chain", name=name, type=kind, hook=hook, prio=priority, policy="accept")
    return [chain, *(rule(name, *expressions) for expressions in rules)]


def _key(family: int, exact: bool) -> Json:
    port = [meta("l4proto"), _PORT]
    return {"concat": [field(family, "daddr"), *port] if exact else port}


def _looked_up(family: int, exact: bool, name: str) -> Json:
    return {"map": {"key": _key(family, exact), "data": f"@{name}"}}


def _translation(name: str, family: int, exact: bool) -> list[Json]:
    return [
        matches(meta("nfproto"), f"ipv{family}"),
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
                matches(meta("iifname"), "lo", "!="),
                matches(field(family, side), _loopback(family)),
                {"drop": None},
            ]


def _questions(families: Sequence[int]) -> Iterator[list[Json]]:
    """A network's name server answers that network and the host itself, and nobody else."""
    for family in families:
        asked = [matches(meta("l4proto"), {"set": ["tcp", "udp"]}), _ASKED]
        own = {"concat": [meta("iifname"), field(family, "daddr")]}
        yield [
            *asked,
            matches(meta("iifname"), "lo", "!="),
            matches(field(family, "daddr"), f"@gateways{family}"),
            matches(own, f"@resolvers{family}", "!="),
            {"drop": None},
        ]
        yield [*asked, matches(own, f"@resolvers{family}"), _MARK_PASSED]


def _zones(publications: Sequence[Publication]) -> Iterator[list[Json]]:
    """Datagrams to a port whose container took over from another one: the kernel looks for their
    flows in a zone of their own. What the other one still answers is looked for without it.
    """
    for publication in sorted(publications, key=lambda p: (p.host_ip, p.host_port, p.family)):
        if not publication.zone or publication.protocol != "udp":
            continue
        family = family_of(publication.container_ip)
        host_ip = publication.host_ip.partition("%")[0]
        exact = host_ip not in ("", "0.0.0.0", "::")
        yield [
            matches(meta("nfproto"), f"ipv{family}"),
            *([matches(field(family, "daddr"), host_ip)] if exact else []),
            matches(meta("l4proto"), "udp"),
            matches(_PORT, publication.host_port),
            LOCAL,
            {
                "mangle": {
                    "key": {"ct": {"key": "zone", "dir": "original"}},
                    "value": publication.zone,
                }
            },
        ]


def _not_published(
    families: Sequence[int], publications: Sequence[Publication]
) -> Iterator[list[Json]]:
    """What is not translated though its port be published: questions to a container's own name
    server, and clients out of a port's scope.
    """
    for family in families:
        daddr, saddr = field(family, "daddr"), field(family, "saddr")
        own = {"concat": [meta("iifname"), daddr]}
        yield [_ASKED, matches(own, f"@resolvers{family}"), {"return": None}]
        if limited_in(family, publications):
            key = [daddr, meta("l4proto"), _PORT]
            yield [
                matches(meta("iifname"), "@bridges", "!="),
                matches({"concat": key}, f"@limited{family}"),
                matches({"concat": [saddr, *key]}, f"@sources{family}", "!="),
                {"return": None},
            ]


def _loopback_sources(families: Sequence[int]) -> Iterator[list[Json]]:
    for family in families:
        own = _LOOPBACK[family]
        for name, exact in ((f"at{family}_source", True), (f"any{family}_source", False)):
            yield [
                matches(field(family, "saddr"), own),
                matches(field(family, "daddr"), _loopback(family)),
                {
                    "mangle": {
                        "key": field(family, "saddr"),
                        "value": _looked_up(family, exact, name),
                    }
                },
            ]


def _loopback_replies(families: Sequence[int]) -> Iterator[list[Json]]:
    for family in families:
        own = _LOOPBACK[family]
        protocol = "ip" if family == 4 else "ip6"
        yield [
            matches(meta("iifname"), "@bridges"),
            matches({"ct": {"key": "direction"}}, "reply"),
            matches({"ct": {"key": f"{protocol} saddr", "dir": "original"}}, f"@gateways{family}"),
            matches({"ct": {"key": f"{protocol} daddr", "dir": "original"}}, _loopback(family)),
            {"mangle": {"key": field(family, "daddr"), "value": own}},
        ]


def _forward() -> Iterator[list[Json]]:
    incoming, outgoing = meta("iifname"), meta("oifname")
    drop = {"drop": None}
    passes = [_MARK_PASSED, {"accept": None}]
    yield [matches({"&": [meta("mark"), ACCEPT_MARK]}, ACCEPT_MARK), *passes]
    # Whichever side is a container's: other traffic of the host is none of ours.
    for side in (incoming, outgoing):
        known = matches({"ct": {"key": "state"}}, ["established", "related"], "in")
        yield [matches(side, "@bridges"), known, *passes]
    yield [matches({"concat": [incoming, outgoing]}, "@same"), *passes]
    yield [matches(incoming, "@internal"), drop]
    yield [matches(outgoing, "@internal"), drop]
    yield [matches(outgoing, "@bridges"), TRANSLATED, *passes]
    yield [matches(outgoing, "@bridges"), drop]
    yield [matches(incoming, "@bridges"), *passes]


def _masquerade(networks: Sequence[Network]) -> Iterator[list[Json]]:
    for network in networks:
        for pool in network.spec.pools:
            family = family_of(pool.subnet)
            source = matches(field(family, "saddr"), prefix(pool.subnet))
            own = matches(meta("oifname"), network.bridge)
            yield [source, own, TRANSLATED, {"masquerade": None}]
            if masquerades(network):
                other = matches(meta("oifname"), network.bridge, "!=")
                yield [source, other, {"masquerade": None}]


def _loopback(family: int) -> Any:
    return prefix("127.0.0.0/8" if family == 4 else "::1/128")
