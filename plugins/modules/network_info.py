#!/usr/bin/python
# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: network_info
short_description: Inspect a network
version_added: 0.1.0
author:
  - The slipway.engine authors (@slipway-engine)
description:
  - Returns what C(docker network inspect) would say of a network.
extends_documentation_fragment:
  - slipway.engine.attributes.info
options:
  name:
    description:
      - Name or id of the network, or the beginning of an id.
    type: str
    required: true
seealso:
  - module: slipway.engine.network
"""

EXAMPLES = r"""
- name: Look at a network
  slipway.engine.network_info:
    name: backend
  register: backend

- name: Say which subnet it has
  ansible.builtin.debug:
    msg: "{{ backend.network.IPAM.Config[0].Subnet if backend.exists else 'not there' }}"
"""

RETURN = r"""
exists:
  description: Whether there is such a network.
  returned: success
  type: bool
  sample: true
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
"""

from typing import Any

from ansible_collections.slipway.engine.plugins.module_utils import task
from ansible_collections.slipway.engine.plugins.module_utils.runtime.container import (
    record as container_record,
)
from ansible_collections.slipway.engine.plugins.module_utils.runtime.network.inspect import document
from ansible_collections.slipway.engine.plugins.module_utils.runtime.network.resource import find
from ansible_collections.slipway.engine.plugins.module_utils.runtime.plan import Host

ARGUMENT_SPEC = {"name": {"type": "str", "required": True}}


def gather(host: Host, params: dict[str, Any]) -> dict[str, Any]:
    found = find(host, params["name"])
    if found is None:
        return {"exists": False, "network": None}
    records = list(container_record.records(host.layout))
    return {"exists": True, "network": document(found, records)}


def main() -> None:
    task.inform(ARGUMENT_SPEC, gather)


if __name__ == "__main__":
    main()
