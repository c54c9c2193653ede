#!/usr/bin/python
# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: host_info
short_description: Describe a host and list its objects
version_added: 0.2.0
author:
  - The slipway.engine authors (@slipway-engine)
description:
  - Returns what C(docker info) shows of the host, and on request its containers, images, networks
    and volumes, and their disk usage. The options are those of
    M(community.docker.docker_host_info).
  - V(Warnings) in RV(host_info) has one line on releases of the host's OCI runtimes, conmon and
    aardvark-dns with known vulnerabilities that the collection does not prevent.
extends_documentation_fragment:
  - slipway.engine.attributes.info
options:
  containers:
    description: List containers.
    type: bool
    default: false
  containers_all:
    description: Also list containers that are not running.
    type: bool
    default: false
  containers_filters:
    description:
      - Which containers to list. Filters are C(ancestor), C(before), C(exited), C(expose),
        C(health), C(id), C(label), C(label!), C(name), C(network), C(publish), C(since), C(status),
        C(until) and C(volume), with Docker's meanings.
      - A value is a string, number or boolean, or a list of them. Several values of one filter are
        alternatives, but labels must all match.
    type: dict
  images:
    description: List images.
    type: bool
    default: false
  images_filters:
    description:
      - Which images to list. Filters are C(before), C(dangling), C(label), C(label!),
        C(reference), C(since) and C(until).
    type: dict
  networks:
    description: List networks.
    type: bool
    default: false
  networks_filters:
    description:
      - Which networks to list. Filters are C(dangling), C(driver), C(id), C(label), C(label!),
        C(name), C(scope) and C(type), which is V(custom) or V(builtin).
    type: dict
  volumes:
    description: List volumes.
    type: bool
    default: false
  volumes_filters:
    description:
      - Which volumes to list. Filters are C(dangling), C(driver), C(label), C(label!) and C(name).
    type: dict
  disk_usage:
    description: Return the disk usage of the layers of all images.
    type: bool
    default: false
  verbose_output:
    description:
      - Return detailed information about each object, in the shapes of Docker's API, and with
        O(disk_usage) the disk usage of each.
    type: bool
    default: false
seealso:
  - module: slipway.engine.container_info
  - module: slipway.engine.prune
"""

EXAMPLES = r"""
- name: Describe the host
  slipway.engine.host_info:
  register: result

- name: Show how many containers are running
  ansible.builtin.debug:
    msg: "{{ result.host_info.ContainersRunning }} run on {{ result.host_info.OperatingSystem }}"

- name: List containers that failed
  slipway.engine.host_info:
    containers: true
    containers_filters:
      exited: [1, 137]

- name: List unused volumes, and the disk usage of everything
  slipway.engine.host_info:
    volumes: true
    volumes_filters:
      dangling: true
    disk_usage: true
    verbose_output: true
"""

RETURN = r"""
can_talk_to_docker:
  description: Always V(true); for playbooks that ask it of M(community.docker.docker_host_info).
  returned: success
  type: bool
  sample: true
host_info:
  description: The host, in the shape of C(docker info).
  returned: success
  type: dict
  sample:
    Containers: 3
    ContainersRunning: 2
    Images: 2
    OperatingSystem: Debian GNU/Linux 12 (bookworm)
containers:
  description:
    - The containers with C(Id), C(Image), C(Command), C(Created), C(Status), C(Ports) and C(Names),
      and with O(verbose_output=true) more.
  returned: when O(containers=true)
  type: list
  elements: dict
  sample: []
images:
  description:
    - The images with C(Id), C(RepoTags), C(Created) and C(Size), and with O(verbose_output=true)
      more.
  returned: when O(images=true)
  type: list
  elements: dict
  sample: []
networks:
  description:
    - The networks with C(Id), C(Driver), C(Name) and C(Scope), and with O(verbose_output=true)
      more.
  returned: when O(networks=true)
  type: list
  elements: dict
  sample: []
volumes:
  description:
    - The volumes with C(Driver) and C(Name), and with O(verbose_output=true) more.
  returned: when O(volumes=true)
  type: list
  elements: dict
  sample: []
disk_usage:
  description:
    - C(LayersSize), the bytes that the unpacked layers of all images take; with
      O(verbose_output=true) also C(Images), C(Containers) and C(Volumes) with the size of each.
  returned: when O(disk_usage=true)
  type: dict
  sample:
    LayersSize: 4261550
"""

from ansible_collections.slipway.engine.plugins.module_utils import _task
from ansible_collections.slipway.engine.plugins.module_utils._runtime.system.host_info import gather

ARGUMENT_SPEC = {
    "containers": {"type": "bool", "default": False},
    "containers_all": {"type": "bool", "default": False},
    "containers_filters": {"type": "dict"},
    "images": {"type": "bool", "default": False},
    "images_filters": {"type": "dict"},
    "networks": {"type": "bool", "default": False},
    "networks_filters": {"type": "dict"},
    "volumes": {"type": "bool", "default": False},
    "volumes_filters": {"type": "dict"},
    "disk_usage": {"type": "bool", "default": False},
    "verbose_output": {"type": "bool", "default": False},
}


def main() -> None:
    _task.inform(ARGUMENT_SPEC, gather)


if __name__ == "__main__":
    main()
