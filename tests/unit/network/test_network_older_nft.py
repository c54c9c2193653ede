# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The table for nft 0.9.8, which wants a transport protocol before it translates to a port."""

from __future__ import annotations

from typing import Any

from ansible_collections.slipway.engine.plugins.module_utils._runtime.network.firewall import (
    firewall,
    ruleset,
)
from ansible_collections.slipway.engine.plugins.module_utils._runtime.spec.network import (
    Network,
    NetworkSpec,
    Pool,
    Publication,
)


def _rules(commands: list[dict[str, Any]]) -> list[dict[str, Any]]:
    added = (command.get("add", {}).get("rule") for command in commands)
    return [rule for rule in added if rule is not None]


def test_each_translation_is_there_for_each_protocol_and_nothing_else_differs() -> None:
    pool = Pool("10.1.0.0/24", "10.1.0.1")
    network = Network("1" * 64, NetworkSpec("front", pools=(pool,)), "sl-1", "", True)
    publication = Publication("2" * 64, "tcp", "", 8080, "10.1.0.2", 80)
    commands = ruleset.ruleset([network], [publication])
    older = firewall.with_protocols(commands)
    translations = [rule for rule in _rules(commands) if "dnat" in rule["expr"][-1]]
    assert len(translations) == 2
    for rule in translations:
        *conditions, translation = rule["expr"]
        now = [one for one in _rules(older) if one["expr"][-1] == translation]
        assert [one["expr"][:-2] for one in now] == [conditions] * 3
        matched = [one["expr"][-2]["match"] for one in now]
        assert [match["right"] for match in matched] == ["tcp", "udp", "sctp"]
        assert {match["left"]["meta"]["key"] for match in matched} == {"l4proto"}
    same = [one for one in commands if _rules([one]) == [] or _rules([one])[0] not in translations]
    assert [one for one in older if one in same] == same
    # So the table counts as the one that is asked for.
    assert older[-2] == commands[-2]
