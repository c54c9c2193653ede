# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The rules: one nftables table, ``inet slipway``, as a function of all networks and ports. Pure.

firewall.py applies it; ``elements`` are its sets and maps, ``chains`` its chains.

What the chains do, in the order a packet meets them:

- ``raw_prerouting`` drops what claims to be to or from the loopback but came in by another
  interface: a port published on 127.0.0.1 would else be translated before the kernel sees that the
  packet is martian (CVE-2020-8558). It also drops questions to a network's name server that do not
  come from that network. Datagrams to a port whose container took over from another one, which
  may still run, are tracked in a zone of their own, so that a flow the kernel knows does not lead
  them to the other one; so does ``raw_output``.
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
import json
from collections.abc import Sequence

from ...spec.network import Network, Publication
from . import chains, elements
from .statements import FAMILY, TABLE, Json, add, rule


def ruleset(networks: Sequence[Network], publications: Sequence[Publication]) -> list[Json]:
    """The commands that replace the table, in libnftables-json(5), ending with the marker. Pure.

    Their order does not depend on the order of the arguments. Without any network it is the removal
    of the table.
    """
    commands = [add("table"), {"delete": {"table": {"family": FAMILY, "name": TABLE}}}]
    bridged = sorted(
        (n for n in networks if n.spec.driver == "bridge"), key=lambda network: network.id
    )
    if not bridged:
        return commands
    body = [
        *elements.sets(bridged),
        *elements.maps(bridged, publications),
        *chains.chains(bridged, publications),
    ]
    marker = _marker(body)
    return [
        *commands,
        add("table"),
        *body,
        add("chain", name=marker),
        # flush table keeps chains and removes rules; the marker counts only with its rule.
        rule(marker, {"return": None}),
    ]


def _marker(body: Sequence[Json]) -> str:
    canonical = json.dumps(body, sort_keys=True, separators=(",", ":")).encode()
    return f"digest_{hashlib.sha256(canonical).hexdigest()[:32]}"
