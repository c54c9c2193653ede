# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One of two containers of a name stands by: names and rules lead to the other."""

from __future__ import annotations

import dataclasses

from ansible_collections.slipway.engine.plugins.module_utils._runtime.network import synchronise
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
