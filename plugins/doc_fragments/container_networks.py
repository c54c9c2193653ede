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
      - Networks the container joins, in the order in which its interfaces are numbered.
      - Without this option and O(network_mode) the container joins the network V(bridge).
      - A running container is connected and disconnected in place, without being recreated. If its
        addresses on a network change, it is reconnected to that network.
      - The default route is that of the network with the highest O(networks[].gw_priority); among
        equals, of one with a route out in both address families, then of the first by name.
    type: list
    elements: dict
    suboptions:
      name:
        description: Name of a network. It must exist, see M(slipway.engine.network).
        type: str
        required: true
      ipv4_address:
        description: A fixed IPv4 address on the network.
        type: str
      ipv6_address:
        description: A fixed IPv6 address on the network.
        type: str
      mac_address:
        description: A fixed MAC address. Not supported on networks of the driver C(ipvlan).
        type: str
      aliases:
        description: Additional names of this container on the network.
        type: list
        elements: str
      links:
        description:
          - Aliases of other containers on the network that only this one sees, each
            C(CONTAINER:ALIAS).
        type: list
        elements: str
      gw_priority:
        description:
          - The network with the highest number has the default route. The default is 0.
        type: int
      driver_opts:
        description:
          - C(com.docker.network.endpoint.ifname) is the name of the interface in the container,
            and C(com.docker.network.endpoint.sysctls) settings of it, such as
            C(net.ipv4.conf.IFNAME.log_martians=1), joined with commas.
        type: dict
  network_mode:
    description:
      - V(default) or V(bridge) for the network V(bridge), V(host) for the host's network, V(none)
        for loopback only, V(container:NAME) for the network of another container.
      - The name of any other network puts the container on that one, as its first.
    type: str
  networks_cli_compatible:
    description:
      - Whether the container is only on O(networks), as with Docker's command line.
      - When it is V(false) and O(network_mode) is not given, the container is also on the network
        V(bridge).
    type: bool
    default: true
  purge_networks:
    description:
      - Disconnect the container from all networks that O(networks) does not list, also with
        O(undeclared=keep).
    type: bool
    default: false
  mac_address:
    description: A fixed MAC address on the first network, where that does not say one itself.
    type: str
  links:
    description:
      - Other containers of the first network under names that only this one knows, each
        C(CONTAINER:ALIAS).
    type: list
    elements: str
"""
