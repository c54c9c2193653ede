# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Options of the module container about networks and names."""

from __future__ import annotations


class ModuleDocFragment:
    """Named by the module; its options are in the module's argument_spec."""

    DOCUMENTATION = r"""
options:
  networks:
    description:
      - Networks the container joins; the first one has its default route.
      - Without this option and O(network_mode) the container joins the network V(bridge).
    type: list
    elements: dict
    suboptions:
      name:
        description: Name of a network. It must exist, see M(slipway.engine.network).
        type: str
        required: true
      ipv4_address:
        description: A fixed IPv4 address in the network.
        type: str
      ipv6_address:
        description: A fixed IPv6 address in the network.
        type: str
      mac_address:
        description: A fixed MAC address.
        type: str
      aliases:
        description: More names under which other containers of the network reach this one.
        type: list
        elements: str
  network_mode:
    description:
      - V(default) or V(bridge) for networks of its own, V(host) for the host's network, V(none)
        for
        loopback alone, V(container:NAME) for the network of another container.
    type: str
"""
