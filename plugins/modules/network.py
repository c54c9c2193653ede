#!/usr/bin/python
# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: network
short_description: Declare networks of containers
version_added: 0.1.0
author:
  - The slipway.engine authors (@slipway-engine)
description:
  - Creates, changes and removes bridge networks. The names and meanings of the options are those of
    M(community.docker.docker_network).
  - Containers of one network reach one another by address and by name. Networks are isolated from
    each other, and from outside only published ports are reachable.
  - A bridge that was deleted and firewall rules that were flushed are restored and reported.
  - The networks V(bridge), V(host) and V(none) exist on every host and cannot be removed.
    V(bridge) is made on its first use; declare it to choose its subnet.
notes:
  - The first network, and each start of a container, sets the sysctl C(net.ipv4.ip_forward) to 1,
    and C(net.ipv6.conf.all.forwarding) where a network has an IPv6 subnet. Both stay on.
  - All rules are in the nftables table C(inet slipway), which is replaced as a whole. Rules of your
    own belong into another table, with a base chain of an earlier priority, for example
    C(table inet slipway_user) with C(type filter hook forward priority filter - 20). What they drop
    is dropped. A packet they mark with 0x01000000 passes even where this table would drop it.
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
      - Name of the network.
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
      - Type of the network.
    type: str
    default: bridge
    choices: [bridge]
  ipam_config:
    description:
      - The subnets of the network.
      - Without any, the first of Docker's default subnets is taken that overlaps no other network
        and no route of the host. A network keeps the subnets it has until others are declared.
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
          - The bridge's own address, by default the first of the subnet.
        type: str
      iprange:
        description:
          - The part of the subnet that containers get addresses from, by default all of it.
        type: str
      aux_addresses:
        description:
          - Addresses no container gets, by a name for each.
        type: dict
  internal:
    description:
      - Whether the network has no way out and none in, for published ports neither.
    type: bool
  enable_ipv6:
    description:
      - Whether containers have IPv6. It needs an IPv6 subnet in O(ipam_config), which also turns
        it on.
    type: bool
  driver_options:
    description:
      - C(com.docker.network.bridge.name) is the name of the bridge's interface,
        C(com.docker.network.driver.mtu) the MTU of all links, and
        C(com.docker.network.bridge.enable_ip_masquerade) whether containers go out by the host's
        addresses.
    type: dict
  labels:
    description:
      - Labels of the network.
    type: dict
  undeclared:
    description:
      - What happens to options that the task leaves out, and to labels and driver options it does
        not name.
      - V(reset) gives them their defaults, V(keep) leaves them as they are.
    type: str
    default: reset
    choices: [reset, keep]
  force:
    description:
      - Remove the network, or make it again where a change needs that, though stopped containers
        have addresses on it. They get new ones when they start.
      - A network with running containers is refused all the same.
    type: bool
    default: false
seealso:
  - module: slipway.engine.network_info
  - module: slipway.engine.container
"""

EXAMPLES = r"""
- name: A network with a subnet that is chosen
  slipway.engine.network:
    name: web

- name: A network with declared subnets, IPv4 and IPv6
  slipway.engine.network:
    name: backend
    ipam_config:
      - subnet: 10.89.0.0/24
        iprange: 10.89.0.128/25
      - subnet: fd00:89::/64

- name: A network without a way out
  slipway.engine.network:
    name: database
    internal: true

- name: Remove a network
  slipway.engine.network:
    name: web
    state: absent
"""

RETURN = r"""
network:
  description: The network in the shape of C(docker inspect), or V(null) when there is none.
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
  description: What was done, or would be in check mode, in order.
  returned: success
  type: list
  elements: str
  sample:
    - create network backend
differences:
  description: The options in which the network differed.
  returned: when it existed and differed
  type: list
  elements: str
  sample:
    - labels
"""

from ansible_collections.slipway.engine.plugins.module_utils import task
from ansible_collections.slipway.engine.plugins.module_utils.runtime.network.declare import declare
from ansible_collections.slipway.engine.plugins.module_utils.runtime.network.resource import (
    RESOURCE,
)

ARGUMENT_SPEC = {
    "name": {"type": "str", "required": True, "aliases": ["network_name"]},
    "state": {"type": "str", "default": "present", "choices": ["absent", "present"]},
    "driver": {"type": "str", "default": "bridge", "choices": ["bridge"]},
    "ipam_config": {
        "type": "list",
        "elements": "dict",
        "options": {
            "subnet": {"type": "str", "required": True},
            "gateway": {"type": "str"},
            "iprange": {"type": "str"},
            "aux_addresses": {"type": "dict"},
        },
    },
    "internal": {"type": "bool"},
    "enable_ipv6": {"type": "bool"},
    "driver_options": {"type": "dict"},
    "labels": {"type": "dict"},
    "undeclared": {"type": "str", "default": "reset", "choices": ["reset", "keep"]},
    "force": {"type": "bool", "default": False},
}


def main() -> None:
    task.converge(ARGUMENT_SPEC, declare, RESOURCE)


if __name__ == "__main__":
    main()
