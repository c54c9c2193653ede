#!/usr/bin/python
# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: migration_info
short_description: Describe what Docker or Podman has on the host as a play
version_added: 0.3.0
author:
  - The slipway.engine authors (@slipway-engine)
description:
  - Reads the containers, networks and volumes of a running Docker or Podman through the socket of
    its API, and returns the play that declares them with the modules of this collection. It is the
    same as C(slipway declare --from docker) on the host, and needs no program there.
  - Nothing is changed there. The playbook C(slipway.engine.migrate) writes the play to a file of
    the controller, and moves images and the data of volumes on request.
  - What containers have of their images is not declared, nor what the engine does by itself.
  - The result has the values of environment variables, passwords too. Set C(no_log) for the task.
extends_documentation_fragment:
  - slipway.engine.attributes.info
options:
  engine:
    description:
      - V(docker), V(podman), or the absolute path of a socket. Those of the first two are
        C(/var/run/docker.sock) and C(/run/podman/podman.sock).
    type: str
    default: docker
  names:
    description:
      - Names or IDs of the containers to describe, with the networks and volumes they use. By
        default all containers, networks and volumes are described.
    type: list
    elements: str
    default: []
  hosts:
    description:
      - The hosts that the play is for.
    type: str
    default: all
seealso:
  - module: slipway.engine.container
  - module: slipway.engine.network
  - module: slipway.engine.volume
"""

EXAMPLES = r"""
- name: Read what Docker runs
  slipway.engine.migration_info:
    engine: docker
  register: found
  no_log: true

- name: Show what a play cannot say
  ansible.builtin.debug:
    var: found.notes
"""

RETURN = r"""
play:
  description:
    - The play, as the text of a file. Values that look like secrets are in its C(vars).
  returned: always
  type: str
  sample: |
    - name: Declare containers
      hosts: all
notes:
  description: What the play does not say, and why.
  returned: always
  type: list
  elements: str
  sample: ["web: device_requests is left out: vendor devices need a hook inside the OCI runtime"]
containers:
  description: The containers, with their image and whether they are running.
  returned: always
  type: list
  elements: dict
  sample:
    - name: web
      image: nginx:1.25
      image_id: sha256:605c77e624ddb75e6110f997c58876baa13f8754486b461117934b24a9dc3a85
      running: true
volumes:
  description:
    - The volumes whose data is in a directory of the host, that directory, and the containers that
      are running and use it. The name is that of the volume here.
  returned: always
  type: list
  elements: dict
  sample:
    - volume: data
      source: /var/lib/docker/volumes/data/_data
      used_by: [web]
socket:
  description: The path of the socket that was asked.
  returned: always
  type: str
  sample: /var/run/docker.sock
"""

from typing import Any

from ansible_collections.slipway.engine.plugins.module_utils import _task
from ansible_collections.slipway.engine.plugins.module_utils._runtime.cli.declare.engine import (
    api,
    inspected,
)
from ansible_collections.slipway.engine.plugins.module_utils._runtime.cli.declare.play.play import (
    Play,
)
from ansible_collections.slipway.engine.plugins.module_utils._runtime.plan.plan import Host

ARGUMENT_SPEC = {
    "engine": {"type": "str", "default": "docker"},
    "names": {"type": "list", "elements": "str", "default": []},
    "hosts": {"type": "str", "default": "all"},
}


def gather(host: Host, params: dict[str, Any]) -> dict[str, Any]:
    socket = api.socket_of(params["engine"])
    found = Play()
    inspected.declare(found, api.Engine(socket), params["names"])
    return {
        "play": found.text(params["hosts"], f"the containers at {socket}"),
        "notes": found.notes,
        "containers": found.containers,
        "volumes": found.moved,
        "socket": socket,
    }


def main() -> None:
    _task.inform(ARGUMENT_SPEC, gather)


if __name__ == "__main__":
    main()
