# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A rule of the table that somebody adds or removes is noticed, and the table is replaced."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator

import pytest
from support.servers.laboratory import ask
from support.servers.segment import LAN_HOST, LAN_PEER, Host

from ansible_collections.slipway.engine.plugins.module_utils._runtime.base.layout import Layout
from ansible_collections.slipway.engine.plugins.module_utils._runtime.network import synchronise
from ansible_collections.slipway.engine.plugins.module_utils._runtime.network.firewall import (
    firewall,
    ruleset,
)
from ansible_collections.slipway.engine.plugins.module_utils._runtime.records import (
    container_record,
    network_record,
)
from ansible_collections.slipway.engine.plugins.module_utils._runtime.spec.container import Port


@pytest.fixture
def host(layout: Layout) -> Iterator[Host]:
    made = Host(layout)
    made.container("web", ports=(Port(80, "tcp", "", 8080),))
    yield made
    made.end()


def nft(*arguments: str) -> str:
    return subprocess.run(["nft", *arguments], check=True, stdout=-1, text=True).stdout


def rules(chain: str = "") -> list[dict[str, str]]:
    """Of the table or a chain of it, in order."""
    which = ["chain", "inet", "slipway", chain] if chain else ["table", "inet", "slipway"]
    listed = json.loads(nft("--json", "--handle", "list", *which))["nftables"]
    return [entry["rule"] for entry in listed if "rule" in entry]


def test_a_rule_that_somebody_adds_or_removes_is_noticed(host: Host) -> None:
    chains = sorted({rule["chain"] for rule in rules()})
    assert {"forward", "postrouting", "publish", "raw_prerouting", "input"} < {*chains}
    for chain in chains:
        where = ("rule", "inet", "slipway", chain)
        for wrong in (["add", *where, "counter"], ["delete", *where, "handle"]):
            # A table that was replaced has other handles.
            last = [str(rules(chain)[0]["handle"])] if wrong[0] == "delete" else []
            nft(*wrong, *last)
            assert synchronise.lost(host.layout) == ("the firewall",), wrong
            assert synchronise.synchronise(host.layout).firewall
            assert synchronise.standing(host.layout)
    assert ask(host.lan, LAN_HOST, 8080) == ("web", LAN_PEER)


def test_the_table_of_nft_0_9_8_counts_as_well(host: Host) -> None:
    networks = network_record.networks(host.layout)
    publications = synchronise.forwarded(container_record.records(host.layout))
    assert firewall.current(networks, publications)
    before = len(rules("publish"))
    firewall._load(firewall.with_protocols(ruleset.ruleset(networks, publications)))
    assert len(rules("publish")) == 3 * before
    assert firewall.current(networks, publications)
    nft(
        "delete", "rule", "inet", "slipway", "publish", "handle", str(rules("publish")[0]["handle"])
    )
    assert not firewall.current(networks, publications)
