# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Options of the module container about ports."""

from __future__ import annotations


class ModuleDocFragment:
    """Named by the module; its options are in the module's argument_spec."""

    DOCUMENTATION = r"""
options:
  published_ports:
    description:
      - Ports of the container to publish on the host, each
        C([[HOST_IP:]HOST_PORT:]CONTAINER_PORT[/PROTOCOL]).
      - Ranges such as C(9000-9010:9000-9010) are allowed. The protocol is V(tcp), V(udp) or
        V(sctp).
      - Without a host address the port is published on every address of the host, without a host
        port on a free one. A range of host ports for one container port, such as
        C(9000-9010:80), means a free one of them.
      - Without a host address, IPv6 is published only for containers that have an IPv6 address. A
        TCP or UDP port on an IPv6 address of the host, such as C([::1]:80:80), is published for
        others too. A process on the host serves it then, and the container sees the host as its
        client. A link-local address is written with its zone, C([fe80::1%eth0]:80:80), and is
        always served that way.
      - V(all) among them means O(publish_all_ports=true).
    type: list
    elements: str
    aliases: [ports]
  publish_all_ports:
    description:
      - Publish every exposed port of the container and its image that O(published_ports) does not
        name, each on a free port of the host.
    type: bool
  exposed_ports:
    description:
      - Ports the container listens on, beside those its image exposes, each
        C(PORT[-PORT][/PROTOCOL]). They are shown, and published by O(publish_all_ports).
    type: list
    elements: str
    aliases: [exposed, expose]
  default_host_ip:
    description:
      - The address of the host for O(published_ports) that name none, in place of every address.
      - Without it, the option C(com.docker.network.bridge.host_binding_ipv4) of the container's
        first network that has it says so.
    type: str
  publish_scope:
    description:
      - Who can use published ports. The host itself and the containers on its networks always can.
      - V(all) is everybody, V(local) nobody else, V(lan) private addresses (RFC 1918, RFC 4193, and
        link-local ones), and networks such as V(192.0.2.0/24) their addresses.
      - For other clients the port looks unpublished.
    type: list
    elements: str
"""
