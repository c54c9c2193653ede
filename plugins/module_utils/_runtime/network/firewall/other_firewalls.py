# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Other firewalls: which of them would drop what we accept, and the remedy for each.

In nftables a packet passes when no table drops it, so nothing in our own table helps if Docker,
ufw, firewalld or an administrator set the policy of the FORWARD chain to drop. Their tables are not
ours to change. But everything our table accepts carries a mark, so one rule in theirs admits it,
now and for future networks. If that rule is missing, a task that changes our table warns.
"""

from __future__ import annotations

import json
import struct
from collections.abc import Collection, Iterator, Sequence
from typing import Optional

from ...base.errors import Error
from ...base.frozen import dataclass
from ...kernel import process
from ...spec.network import Network
from ..link import netlink
from .chains import PASSED_MARK
from .statements import TABLE

_MARK = f"{PASSED_MARK:#x}/{PASSED_MARK:#x}"
#: The administrator's own table for containers; what it drops is meant to be dropped.
_USERS = f"{TABLE}_user"

#: linux/netfilter/nf_tables.h and nfnetlink.h.
_GETCHAIN = (10 << 8) | 4
_CHAIN_TABLE, _CHAIN_NAME, _CHAIN_HOOK, _CHAIN_POLICY = 1, 3, 4, 5
_HOOK_NUMBER = 1
_FAMILIES = {1: "inet", 2: "ip", 10: "ip6"}
_HOOKS = {1: "input", 2: "forward"}
_NF_DROP = 0


@dataclass(frozen=True)
class Chain:
    """A base chain of somebody else's that ends in dropping: by its policy, or by firewalld's last
    rule.
    """

    family: str
    table: str
    name: str
    hook: str


def complaints(networks: Sequence[Network], named: bool) -> list[str]:
    """What would drop the traffic of these networks, and what to do about it, in words.

    ``named``: a name server of ours is asked, so what arrives at the host itself counts too.
    """
    bridges = [network.bridge for network in networks if network.spec.driver == "bridge"]
    families = {
        "ip6" if ":" in pool.subnet else "ip" for network in networks for pool in network.spec.pools
    }
    found = []
    for chain in (*_native(), *_legacy()):
        concerned = chain.family == "inet" or chain.family in families
        if bridges and concerned and (named or chain.hook == "forward"):
            rules = _rules(chain)
            if not _admits(chain, rules, bridges):
                found.append(_complaint(chain, rules, bridges))
    return list(dict.fromkeys(found))


def _native() -> Iterator[Chain]:
    """The chains in nftables, where iptables-nft has its own too: one question over netlink."""
    flags = netlink.NLM_F_REQUEST | netlink.NLM_F_DUMP
    with netlink.Conversation(netlink.NETFILTER) as conversation:
        answers = conversation.dump(netlink.message(_GETCHAIN, flags, 1, bytes(4)))
    for answer in answers:
        family = _FAMILIES.get(answer[0], "")
        fields = netlink.attributes(answer[4:])
        hook = _number(netlink.attributes(fields.get(_CHAIN_HOOK, b"")).get(_HOOK_NUMBER))
        table = fields.get(_CHAIN_TABLE, b"").rstrip(b"\0").decode("utf-8", "replace")
        name = fields.get(_CHAIN_NAME, b"").rstrip(b"\0").decode("utf-8", "replace")
        drops = _number(fields.get(_CHAIN_POLICY)) == _NF_DROP or table == "firewalld"
        if family and hook in _HOOKS and drops and table not in (TABLE, _USERS):
            yield Chain(family, table, name, _HOOKS[hook])


def _number(value: Optional[bytes]) -> Optional[int]:
    return struct.unpack("!I", value)[0] if value is not None and len(value) == 4 else None


def _legacy() -> Iterator[Chain]:
    """The chains of iptables-legacy, which nftables does not know."""
    for family, tables in (("ip", "ip_tables_names"), ("ip6", "ip6_tables_names")):
        try:
            with open(f"/proc/thread-self/net/{tables}", encoding="ascii") as file:
                loaded = file.read().split()
        except OSError:
            continue
        if "filter" in loaded:
            for line in _legacy_rules(family).splitlines():
                for hook in _HOOKS.values():
                    if line.startswith(f":{hook.upper()} DROP"):
                        yield Chain(family, "legacy", hook.upper(), hook)


def _legacy_rules(family: str) -> str:
    program = "iptables-legacy-save" if family == "ip" else "ip6tables-legacy-save"
    if process.which(program) is None:
        return ""
    done = process.run([program, "-t", "filter"], check=False, timeout_s=10)
    return done.stdout.decode("utf-8", "replace")


def _rules(chain: Chain) -> str:
    """The table of a chain, as its program writes it down."""
    if chain.table == "legacy":
        return _legacy_rules(chain.family)
    try:
        return process.run(
            ["nft", "-j", "list", "table", chain.family, chain.table], timeout_s=10
        ).stdout.decode("utf-8", "replace")
    except Error:
        # It went meanwhile.
        return ""


def _admits(chain: Chain, rules: str, bridges: Collection[str]) -> bool:
    """Whether somebody has taken the remedy."""
    if chain.table == "firewalld":
        return all(json.dumps(bridge) in rules for bridge in bridges)
    if chain.table == "legacy":
        return _MARK in rules
    return f" {PASSED_MARK}" in rules


def _complaint(chain: Chain, rules: str, bridges: Collection[str]) -> str:
    what = (
        "traffic from containers"
        if chain.hook == "forward"
        else "requests from containers to the host"
    )
    if chain.table == "firewalld":
        commands = [
            f"firewall-cmd --permanent --zone=trusted --add-interface={bridge}"
            for bridge in bridges
        ]
        remedy = " && ".join([*commands, "firewall-cmd --reload"])
        return f"firewalld rejects {what}: {remedy}"
    where = "iptables-legacy" if chain.table == "legacy" else f"{chain.family} {chain.table}"
    drops = f"the chain {chain.name} of {where} drops {what} by its policy"
    return f"{drops}: {_remedy(chain, rules)}"


def _remedy(chain: Chain, rules: str) -> str:
    rule = f"-m mark --mark {_MARK} -j ACCEPT"
    tables = "iptables" if chain.family == "ip" else "ip6tables"
    if f"ufw-before-{chain.hook}" in rules or f"ufw6-before-{chain.hook}" in rules:
        six = "6" if chain.family == "ip6" else ""
        return (
            f"add '-A ufw{six}-before-{chain.hook} {rule}' to /etc/ufw/before{six}.rules above its "
            "COMMIT, and run ufw reload"
        )
    if chain.table == "legacy":
        return f"{tables}-legacy -I {chain.name} {rule}"
    if chain.family != "inet" and chain.table == "filter" and chain.name.isupper():
        users = chain.hook == "forward" and "DOCKER-USER" in rules
        return f"{tables} -I {'DOCKER-USER' if users else chain.name} {rule}"
    mark = f"meta mark and {PASSED_MARK:#x} == {PASSED_MARK:#x}"
    return f"nft insert rule {chain.family} {chain.table} {chain.name} {mark} accept"
