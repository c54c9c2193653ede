#!/usr/bin/python
# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: current_container_facts
short_description: Report whether a task runs in a container
version_added: 0.2.0
author:
  - The slipway.engine authors (@slipway-engine)
description:
  - Returns facts about the container that the module itself runs in, if the host of the task is
    one.
  - Recognises the containers of this collection, of Docker and of Podman, and those of two build
    services. It requires neither privileges nor a container engine.
extends_documentation_fragment:
  - slipway.engine.attributes.info
seealso:
  - module: community.docker.current_container_facts
"""

EXAMPLES = r"""
- name: Find out where the task runs
  slipway.engine.current_container_facts:

- name: Show it
  ansible.builtin.debug:
    msg: "this is container {{ ansible_module_container_id }}"
  when: ansible_module_running_in_container
"""

RETURN = r"""
ansible_facts:
  description: The facts.
  returned: always
  type: dict
  contains:
    ansible_module_running_in_container:
      description: Whether the module runs in a container, as far as it can tell.
      returned: always
      type: bool
      sample: true
    ansible_module_container_id:
      description: The id of the container; empty if there is none.
      returned: always
      type: str
      sample: 5d7f2c1e9a6d1c2f1a8c8f0e0a4b4f5c6d7e8f90a1b2c3d4e5f60718293a4b5c
    ansible_module_container_type:
      description: >-
        The engine of the container, V(slipway), V(docker), V(podman), V(azure_pipelines) or
        V(github_actions); empty if there is none.
      returned: always
      type: str
      sample: slipway
"""

from typing import Any

from ansible_collections.slipway.engine.plugins.module_utils import _task
from ansible_collections.slipway.engine.plugins.module_utils._runtime.plan.plan import Host
from ansible_collections.slipway.engine.plugins.module_utils._runtime.system import running_in


def gather(host: Host, params: dict[str, Any]) -> dict[str, Any]:
    container_id, kind = running_in.here()
    facts = {
        "ansible_module_running_in_container": bool(container_id),
        "ansible_module_container_id": container_id,
        "ansible_module_container_type": kind,
    }
    return {"ansible_facts": facts}


def main() -> None:
    _task.inform({}, gather, engine=False)


if __name__ == "__main__":
    main()
