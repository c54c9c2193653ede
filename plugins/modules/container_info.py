#!/usr/bin/python
# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: container_info
short_description: Inspect a container
version_added: 0.1.0
author:
  - The slipway.engine authors (@slipway-engine)
description:
  - Returns what C(docker inspect) would say of a container.
extends_documentation_fragment:
  - slipway.engine.attributes.info
  - slipway.engine.docker_connection
  - slipway.engine.docker_connection.ca
  - slipway.engine.docker_connection.verify
options:
  name:
    description:
      - Name or id of the container, or the beginning of an id.
    type: str
    required: true
seealso:
  - module: slipway.engine.container
"""

EXAMPLES = r"""
- name: Look at a container
  slipway.engine.container_info:
    name: web
  register: web

- name: Say whether it runs
  ansible.builtin.debug:
    msg: "web is {{ web.container.State.Status if web.exists else 'not there' }}"
"""

RETURN = r"""
exists:
  description: Whether there is such a container.
  returned: success
  type: bool
  sample: true
container:
  description: The container in the shape of C(docker inspect), or V(null) when there is none.
  returned: success
  type: dict
  sample:
    Name: /web
    State:
      Running: true
      Status: running
"""

from typing import Any

from ansible_collections.slipway.engine.plugins.module_utils import task
from ansible_collections.slipway.engine.plugins.module_utils.runtime.container import (
    documents,
    record,
)
from ansible_collections.slipway.engine.plugins.module_utils.runtime.errors import NotFound
from ansible_collections.slipway.engine.plugins.module_utils.runtime.plan import Host

ARGUMENT_SPEC = {"name": {"type": "str", "required": True}}


def gather(host: Host, params: dict[str, Any]) -> dict[str, Any]:
    try:
        container_id = record.identify(host.layout, params["name"])
        found = documents.container(host, container_id, reveal_env=True)
    except NotFound:
        return {"exists": False, "container": None}
    return {"exists": True, "container": found}


def main() -> None:
    task.inform(ARGUMENT_SPEC, gather)


if __name__ == "__main__":
    main()
