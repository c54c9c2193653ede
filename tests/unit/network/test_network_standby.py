# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One of two containers of a name stands by: names and rules lead to the other."""

from __future__ import annotations

import dataclasses

from ansible_collections.slipway.engine.plugins.module_utils._runtime.network import synchronise
from ansible_collections.slipway.engine.plugins.module_utils._runtime.network.firewall import (
    chains,
)
from ansible_collections.slipway.engine.plugins.module_utils._runtime.network.names import zones
from ansible_collections.slipway.engine.plugins.module_utils._runtime.records.container_record import (  # noqa: E501
    Record,
)
from ansible_collections.slipway.engine.plugins.module_utils._runtime.spec.network import (
    Attachment,
    Network,
    NetworkSpec,
    Pool,
    Publication,
)

FRONT = Network("f" * 64, NetworkSpec("front", pools=(Pool("10.0.0.0/24", "10.0.0.1"),)), "br", "")


def record(letter: str, address: str) -> Record:
    attachment = Attachment(
        FRONT.id, "front", "br", "sv", "eth0", "", f"{address}/24", aliases=("shop",)
    )
    return Record(
        letter * 64,
        "web",
        "",
        (),
        attachments=(attachment,),
        publications=(Publication(letter * 64, "tcp", "", 8080, address, 80),),
    )


def test_names_and_ports_lead_to_one() -> None:
    old, new = record("a", "10.0.0.2"), record("b", "10.0.0.3")
    for serving, waiting in ((old, new), (new, old)):
        live = [serving, dataclasses.replace(waiting, standby=serving.id)]
        (zone,) = zones.zones(live, [FRONT])
        assert {member.id: member.names for member in zone.members} == {
            serving.id[:12]: ("web", "shop", serving.id[:12]),
            waiting.id[:12]: (waiting.id[:12],),
        }
        assert synchronise.forwarded(live) == list(serving.publications)


def test_only_datagrams_to_one_that_took_over_have_a_zone() -> None:
    made = Publication("a" * 64, "udp", "", 5300, "10.0.0.2", 53)
    stream = dataclasses.replace(made, protocol="tcp", zone=3)
    at_one = dataclasses.replace(made, host_ip="192.0.2.1", zone=4)

    def zoned(*publications: Publication) -> list[str]:
        said = [str(command) for command in chains.chains([FRONT], publications)]
        return [text for text in said if "'zone'" in text]

    assert zoned(made, stream) == []
    found = zoned(made, at_one)
    assert ["raw_prerouting" in text for text in found] == [True, False]
    assert ["raw_output" in text for text in found] == [False, True]
    assert all("192.0.2.1" in text and "'value': 4" in text for text in found)
