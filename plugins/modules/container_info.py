#!/usr/bin/python
# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: container_info
short_description: Inspect containers
version_added: 0.1.0
author:
  - The slipway.engine authors (@slipway-engine)
description:
  - Returns what C(docker inspect) shows of a container, or of all that match O(filters).
  - On request also what C(docker stats), C(docker top), C(docker port) and C(docker diff) show.
extends_documentation_fragment:
  - slipway.engine.attributes.info
options:
  name:
    description:
      - Name, ID or ID prefix of one container.
      - If omitted, RV(containers) has all that match O(filters).
    type: str
  filters:
    description:
      - Which containers to return, as with C(docker ps --filter), such as C(label), C(status) and
        C(ancestor), each with a value or a list of values.
      - Several values of one filter are alternatives, except labels, which must all match.
    type: dict
  all:
    description:
      - Also return containers that are not running.
    type: bool
    default: true
  size:
    description:
      - Add C(SizeRw) and C(SizeRootFs), in bytes. This reads everything the container wrote.
    type: bool
    default: false
  stats:
    description:
      - Add C(Stats), the current resource usage of the container, in the shape of Docker's API.
      - It is one sample. CPU usage is the difference between two.
    type: bool
    default: false
  top:
    description:
      - Add C(Top), the processes of a running container, with column titles.
    type: bool
    default: false
  top_options:
    description:
      - Options of C(ps) for O(top), such as V(-o pid,user,args). This requires C(ps) on the host.
    type: str
  ports:
    description:
      - Add C(Ports), where the ports of a running container are published.
    type: bool
    default: false
  changes:
    description:
      - Add C(Changes), the changes of the container to the files of its image. C(Kind) is V(0) for
        changed, V(1) for added and V(2) for deleted files.
    type: bool
    default: false
seealso:
  - module: slipway.engine.container
  - module: slipway.engine.container_logs_info
"""

EXAMPLES = r"""
- name: Inspect a container
  slipway.engine.container_info:
    name: web
  register: web

- name: Show whether it is running
  ansible.builtin.debug:
    msg: "web is {{ web.container.State.Status if web.exists else 'not there' }}"

- name: Show the resource usage of an application's containers
  slipway.engine.container_info:
    filters:
      label: app=shop
      status: running
    stats: true
  register: shop
"""

RETURN = r"""
exists:
  description: Whether the container exists.
  returned: when O(name) is given
  type: bool
  sample: true
container:
  description: The container in the shape of C(docker inspect), or V(null) if there is none.
  returned: when O(name) is given
  type: dict
  sample:
    Name: /web
    State:
      Running: true
      Status: running
containers:
  description: The containers in the same shape, newest first.
  returned: success
  type: list
  elements: dict
  sample:
    - Name: /web
      State:
        Running: true
        Status: running
"""

from ansible_collections.slipway.engine.plugins.module_utils import _task
from ansible_collections.slipway.engine.plugins.module_utils._runtime.system.container_info import (
    gather,
)

ARGUMENT_SPEC = {
    "name": {"type": "str"},
    "filters": {"type": "dict"},
    "all": {"type": "bool", "default": True},
    "size": {"type": "bool", "default": False},
    "stats": {"type": "bool", "default": False},
    "top": {"type": "bool", "default": False},
    "top_options": {"type": "str"},
    "ports": {"type": "bool", "default": False},
    "changes": {"type": "bool", "default": False},
}


def main() -> None:
    _task.inform(ARGUMENT_SPEC, gather, mutually_exclusive=[("name", "filters")])


if __name__ == "__main__":
    main()
