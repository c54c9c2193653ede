#!/usr/bin/python
# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: network
short_description: Declare networks
version_added: 0.1.0
author:
  - The slipway.engine authors (@slipway-engine)
description:
  - Creates, changes and removes networks, and connects containers to them. The names and meanings
    of the options are those of M(community.docker.docker_network).
  - Containers on a network reach one another by address and by name. Networks are isolated from
    each other, and from outside only published ports are reachable.
  - A bridge that was deleted and firewall rules that were flushed are restored and reported.
  - A change that needs another bridge recreates the network and reconnects its running containers
    at once. They keep their addresses, names and ports, and are not restarted. A change that would
    make a container lose its address is rejected, see O(force).
  - The networks V(bridge), V(host) and V(none) exist on every host and cannot be removed. V(bridge)
    is created on its first use; declare it to choose its subnet.
notes:
  - The first network, and each start of a container, sets the sysctl C(net.ipv4.ip_forward) to 1,
    and C(net.ipv6.conf.all.forwarding) if a network has an IPv6 subnet. Both stay on.
  - All rules are in the nftables table C(inet slipway), which is replaced as a whole. Rules of your
    own belong into another table, with a base chain of an earlier priority, for example C(table
    inet slipway_user) with C(type filter hook forward priority filter - 20). Packets they drop are
    dropped. Packets they mark with 0x01000000 pass even if this table would drop them.
extends_documentation_fragment:
  - slipway.engine.attributes
attributes:
  check_mode:
    support: full
  diff_mode:
    support: full
  idempotent:
    support: full
  platform:
    support: full
    platforms: linux
options:
  name:
    description:
      - Name of the network, or its ID, of which the first 12 digits are enough.
    type: str
    required: true
    aliases: [network_name]
  state:
    description:
      - V(present) makes sure that the network exists as declared, V(absent) that it does not.
      - A network on which containers have addresses is not removed, see O(force).
    type: str
    default: present
    choices: [absent, present]
  driver:
    description:
      - Driver of the network. The default is V(bridge).
      - Containers on a V(macvlan) or V(ipvlan) network are neighbours of the host in its own
        segment, with addresses of that. The host itself cannot reach them there, and their ports
        need not be published.
      - V(host) and V(none) are each the driver of the one network of that name. V(overlay) is not
        supported, because it requires a swarm.
    type: str
  driver_options:
    description:
      - C(com.docker.network.bridge.name) is the name of the bridge's interface,
        C(com.docker.network.bridge.enable_ip_masquerade) whether traffic from containers is
        masqueraded, C(com.docker.network.bridge.enable_icc) whether they reach one another, and
        C(com.docker.network.bridge.host_binding_ipv4) the address of the host that their ports are
        published on.
      - C(parent) is the parent interface of a V(macvlan) or V(ipvlan) network on the host. A
        missing one such as V(eth0.50) is created, for VLAN 50, and removed with the network.
        Without a parent the network is isolated.
      - C(macvlan_mode) is V(bridge), V(private), V(vepa) or V(passthru), C(ipvlan_mode) is V(l2),
        V(l3) or V(l3s); the first of them is the default.
      - C(com.docker.network.driver.mtu) is the MTU of all links, and
        C(com.docker.network.container_iface_prefix) the name prefix of interfaces in containers,
        C(eth) by default.
    type: dict
  ipam_driver:
    description:
      - The IPAM driver. The only one is V(default).
    type: str
  ipam_driver_options:
    description:
      - Options of the IPAM driver. They are recorded, but have no effect.
    type: dict
  ipam_config:
    description:
      - The subnets of the network.
      - The default is the first of Docker's default subnets that overlaps neither another network
        nor a route of the host, and for IPv6 the first free C(/64) of a unique local prefix that is
        derived from the host's machine-id. A network keeps the subnets it has until others are
        declared.
    type: list
    elements: dict
    suboptions:
      subnet:
        description:
          - The subnet, such as V(10.89.0.0/24).
        type: str
        required: true
      gateway:
        description:
          - The address of the bridge, by default the first of the subnet. On a V(macvlan) or
            V(ipvlan) network it is that of the router.
        type: str
      iprange:
        description:
          - The range of the subnet to allocate container addresses from, by default all of it.
        type: str
      aux_addresses:
        description:
          - Reserved addresses that no container gets, by name.
        type: dict
  enable_ipv4:
    description:
      - Whether containers get IPv4 addresses. Defaults to V(true).
    type: bool
  enable_ipv6:
    description:
      - Whether containers get IPv6 addresses. An IPv6 subnet in O(ipam_config) enables it;
        otherwise a unique local subnet is chosen.
    type: bool
  internal:
    description:
      - Whether the network is isolated from the outside, including published ports.
    type: bool
  attachable:
    description:
      - Recorded, but has no effect on a single host.
    type: bool
  ingress:
    description:
      - V(true) is not supported, because it requires a swarm.
    type: bool
  scope:
    description:
      - V(local). Others are not supported, because they require a swarm.
    type: str
    choices: [local, global, swarm]
  config_only:
    description:
      - Whether the network only holds settings, which others use with O(config_from).
    type: bool
  config_from:
    description:
      - The network to take subnets, driver options and other settings from. It must be declared
        with O(config_only).
    type: str
  labels:
    description:
      - Labels of the network. Values are strings or whole numbers.
    type: dict
  connected:
    description:
      - Names or IDs of the containers on the network; all others are disconnected, see O(appends).
        An empty list disconnects all. Without this option, connections are not changed.
      - Running containers are connected and disconnected without a restart.
    type: list
    elements: str
    aliases: [containers]
  appends:
    description:
      - Keep containers on the network that O(connected) does not list.
    type: bool
    default: false
    aliases: [incremental]
  undeclared:
    description:
      - What happens to options that the task omits, and to labels and driver options it does not
        mention.
      - V(reset) gives them their defaults, V(keep) leaves them as they are.
      - With V(keep) and O(state=absent) the containers that are on the network are disconnected,
        as M(community.docker.docker_network) does, without O(force).
    type: str
    default: reset
    choices: [reset, keep]
  force:
    description:
      - With O(state=absent), disconnect the containers that are on the network, and remove it.
      - With O(state=present), assign new addresses to containers that lose theirs by a change of
        the network. Declared addresses are kept, or the task fails.
    type: bool
    default: false
seealso:
  - module: slipway.engine.network_info
  - module: slipway.engine.container
"""

EXAMPLES = r"""
- name: Create a network with an automatic subnet
  slipway.engine.network:
    name: web

- name: Create a network with IPv4 and IPv6 subnets
  slipway.engine.network:
    name: backend
    ipam_config:
      - subnet: 10.89.0.0/24
        iprange: 10.89.0.128/25
      - subnet: fd00:89::/64

- name: Create an isolated network
  slipway.engine.network:
    name: database
    internal: true

- name: Use addresses of the office network through the host's second interface
  slipway.engine.network:
    name: office
    driver: macvlan
    driver_options:
      parent: eth1
    ipam_config:
      - subnet: 192.0.2.0/24
        gateway: 192.0.2.1
        iprange: 192.0.2.192/27

- name: Connect exactly these containers
  slipway.engine.network:
    name: backend
    connected: [db, app]

- name: Remove a network
  slipway.engine.network:
    name: web
    state: absent
"""

RETURN = r"""
network:
  description: The network in the shape of C(docker inspect), or V(null) if there is none.
  returned: success
  type: dict
  sample:
    Name: backend
    Driver: bridge
    IPAM:
      Config:
        - Subnet: 10.89.0.0/24
          Gateway: 10.89.0.1
actions:
  description: What was done, or in check mode what would be done, in order.
  returned: success
  type: list
  elements: str
  sample:
    - create network backend
differences:
  description: The options that differed.
  returned: when it existed and differed
  type: list
  elements: str
  sample:
    - labels
"""

from ansible_collections.slipway.engine.plugins.module_utils import _task
from ansible_collections.slipway.engine.plugins.module_utils._runtime.resource.network import (
    decide,
    options,
)
from ansible_collections.slipway.engine.plugins.module_utils._runtime.resource.network import (
    declare as network_declare,
)


def main() -> None:
    _task.converge(options.ARGUMENT_SPEC, network_declare.declare, decide.RESOURCE)


if __name__ == "__main__":
    main()
