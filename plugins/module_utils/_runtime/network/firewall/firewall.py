# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The firewall in place: replaced as a whole in one transaction, and checked in one exchange.

Its content is a pure function of all networks and published ports (ruleset.py). There are no
changes rule by rule, and nothing outside the table is touched.
"""

from __future__ import annotations

import json
from collections.abc import Sequence

from ...base.errors import Error, NotFound
from ...kernel import process
from ...spec.network import Network, Publication
from ..link import nf_tables
from .ruleset import ruleset
from .statements import FAMILY, LOCAL, TABLE, TRANSLATED, Json, matches, meta

#: What nft 0.9.8 says of a translation to a port.
_REFUSAL = "transport protocol mapping is only valid after transport protocol match"


def apply(networks: Sequence[Network], publications: Sequence[Publication]) -> bool:
    """Put the table in place. Returns whether anything had to be done; if not, no program ran."""
    if current(networks, publications):
        return False
    commands = ruleset(networks, publications)
    try:
        try:
            _load(commands)
        except Error as exc:
            if _REFUSAL not in exc.message:
                raise
            _load(with_protocols(commands))
    except NotFound:
        raise
    except Error as exc:
        lacking = [name for name, probe in _PROBES.items() if not _accepted(probe)]
        if lacking:
            raise Error(
                f"this host's nftables lacks {', '.join(lacking)}",
                hint="slipway requires nft 0.9.8 or newer and a kernel with nf_tables, NAT and fib",
            ) from exc
        raise Error(f"the firewall could not be set up: {exc.message}") from exc
    return True


def with_protocols(commands: Sequence[Json]) -> list[Json]:
    """The same for nft 0.9.8, which Debian 11 has: it translates to a port only after a match of
    one transport protocol, though the map has the protocol in its keys. The table means the same,
    so it has the same marker. Pure.
    """
    changed: list[Json] = []
    for command in commands:
        rule = command.get("add", {}).get("rule")
        if rule is None or "dnat" not in rule["expr"][-1]:
            changed.append(command)
            continue
        *conditions, translation = rule["expr"]
        for protocol in ("tcp", "udp", "sctp"):
            match = matches(meta("l4proto"), protocol)
            changed.append({"add": {"rule": {**rule, "expr": [*conditions, match, translation]}}})
    return changed


def _load(commands: Sequence[Json]) -> None:
    document = json.dumps({"nftables": list(commands)}).encode()
    process.run(["nft", "-j", "-f", "-"], stdin=document)


def current(networks: Sequence[Network], publications: Sequence[Publication]) -> bool:
    """Whether the table in place is the one these networks and ports ask for.

    One datagram of questions to the kernel, without starting nft: the table's last chain is named
    after the digest of all the rest, and every chain has as many rules as it was given. So a rule
    that somebody adds or removes is noticed; another one in the place of one is not.
    """
    commands = ruleset(networks, publications)
    if not _marker(commands):
        return stands("")
    uses = uses_of(commands)
    found = dict(zip(uses, nf_tables.uses_of_chains(TABLE, list(uses))))
    return found == uses or found == uses_of(with_protocols(commands))


def uses_of(commands: Sequence[Json]) -> dict[str, int]:
    """What the kernel counts of each chain that commands add: its rules, and those that jump to it
    (nft_chain.use). Pure.
    """
    uses: dict[str, int] = {}
    for command in commands:
        added = command.get("add", {})
        if "chain" in added:
            uses[added["chain"]["name"]] = 0
        elif "rule" in added:
            uses[added["rule"]["chain"]] += 1
            for expression in added["rule"]["expr"]:
                if "jump" in expression:
                    uses[expression["jump"]["target"]] += 1
    return uses


def marker(networks: Sequence[Network], publications: Sequence[Publication]) -> str:
    """The name of the chain that says which table is in place, "" for no table. Pure."""
    return _marker(ruleset(networks, publications))


def _marker(commands: Sequence[Json]) -> str:
    added = commands[-2].get("add", {})
    return str(added["chain"]["name"]) if "chain" in added else ""


def stands(name: str) -> bool:
    """Whether the table of that marker is in place, or none where the marker is "". Its rule is
    gone after ``nft flush``; the others are not counted.
    """
    if not name:
        return not nf_tables.has_table(TABLE)
    return nf_tables.uses_of_chain(TABLE, name) == 1


def _probe(kind: str, hook: str, priority: int, *expressions: Json) -> list[Json]:
    table = {"family": FAMILY, "name": "slipway_probe"}
    where = {"family": FAMILY, "table": "slipway_probe"}
    chain = {**where, "name": "probe", "type": kind, "hook": hook, "prio": priority}
    commands: list[Json] = [{"add": {"table": table}}, {"add": {"chain": chain}}]
    if expressions:
        commands.append({"add": {"rule": {**where, "chain": "probe", "expr": list(expressions)}}})
    return commands


#: What the table needs of nft and the kernel, tried one by one only to explain a failure.
_PROBES = {
    "tables of the family inet (CONFIG_NF_TABLES_INET)": _probe("filter", "forward", 0),
    "NAT in the family inet (CONFIG_NFT_NAT)": _probe("nat", "prerouting", -100),
    "connection tracking (CONFIG_NFT_CT)": _probe("filter", "forward", 0, TRANSLATED),
    "fib lookups (CONFIG_NFT_FIB_INET)": _probe("nat", "prerouting", -100, LOCAL),
    "connection tracking zones (CONFIG_NF_CONNTRACK_ZONES)": _probe(
        "filter",
        "prerouting",
        -300,
        {"mangle": {"key": {"ct": {"key": "zone", "dir": "original"}}, "value": 1}},
    ),
    "masquerading (CONFIG_NFT_MASQ)": _probe("nat", "postrouting", 100, {"masquerade": None}),
}


def _accepted(commands: list[Json]) -> bool:
    document = json.dumps({"nftables": commands}).encode()
    return process.run(["nft", "-c", "-j", "-f", "-"], stdin=document, check=False).returncode == 0
