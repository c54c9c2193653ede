#!/usr/bin/python
# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: network_info
short_description: Inspect networks
version_added: 0.1.0
author:
  - The slipway.engine authors (@slipway-engine)
description:
  - Returns what C(docker network inspect) shows of one network, or of all that match O(filters).
    With O(name), the result is that of M(community.docker.docker_network_info).
extends_documentation_fragment:
  - slipway.engine.attributes.info
options:
  name:
    description:
      - Name, ID or ID prefix of the network. By default all networks are listed.
    type: str
    aliases: [network_name]
  filters:
    description:
      - Which networks to list, as with C(docker network ls --filter). C(dangling) is whether no
        container is running on it, C(type) is V(custom) or V(builtin), C(name) part of a name and
        C(id) an ID prefix. Others are C(driver), C(label), C(label!) and C(scope).
      - Several values of one filter are alternatives, but every C(label) must match.
    type: dict
seealso:
  - module: slipway.engine.network
"""

EXAMPLES = r"""
- name: Inspect a network
  slipway.engine.network_info:
    name: backend
  register: backend

- name: Show its subnet
  ansible.builtin.debug:
    msg: "{{ backend.network.IPAM.Config[0].Subnet if backend.exists else 'not there' }}"

- name: List networks without running containers
  slipway.engine.network_info:
    filters:
      dangling: true
"""

RETURN = r"""
exists:
  description: Whether the network exists.
  returned: when O(name) is given
  type: bool
  sample: true
network:
  description: The network in the shape of C(docker inspect), or V(null) if there is none.
  returned: when O(name) is given
  type: dict
  sample:
    Name: backend
    Driver: bridge
    IPAM:
      Config:
        - Subnet: 10.89.0.0/24
          Gateway: 10.89.0.1
networks:
  description: The networks in the shape of C(docker inspect), by name.
  returned: when O(name) is not given
  type: list
  elements: dict
  sample: []
"""

from typing import Any

from ansible_collections.slipway.engine.plugins.module_utils import _task
from ansible_collections.slipway.engine.plugins.module_utils._runtime.network.inspect import (
    document,
)
from ansible_collections.slipway.engine.plugins.module_utils._runtime.plan.plan import Host
from ansible_collections.slipway.engine.plugins.module_utils._runtime.records import foreseen
from ansible_collections.slipway.engine.plugins.module_utils._runtime.system import lists

ARGUMENT_SPEC = {
    "name": {"type": "str", "aliases": ["network_name"]},
    "filters": {"type": "dict"},
}


def gather(host: Host, params: dict[str, Any]) -> dict[str, Any]:
    if params["name"] is None:
        return {"networks": lists.networks(host, params["filters"] or {})}
    found = foreseen.network(host, params["name"])
    if found is None:
        return {"exists": False, "network": None}
    return {"exists": True, "network": document(found, foreseen.records(host))}


def main() -> None:
    _task.inform(ARGUMENT_SPEC, gather, mutually_exclusive=[("name", "filters")])


if __name__ == "__main__":
    main()
