#!/usr/bin/python
# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: volume
short_description: Declare volumes
version_added: 0.2.0
author:
  - The slipway.engine authors (@slipway-engine)
description:
  - Creates, changes and removes volumes. The names and meanings of the options are those of
    M(community.docker.docker_volume).
  - A volume outlives the containers that mount it. A volume used by a container, running or not, is
    never removed or recreated.
extends_documentation_fragment:
  - slipway.engine.attributes
attributes:
  check_mode:
    support: full
  diff_mode:
    support: full
    details:
      - Passwords in O(driver_options) are never shown.
  idempotent:
    support: partial
    details:
      - O(recreate=always) recreates the volume on every run.
  platform:
    support: full
    platforms: linux
options:
  volume_name:
    description:
      - Name of the volume.
    type: str
    required: true
    aliases: [name]
  state:
    description:
      - V(present) makes sure that the volume exists, V(absent) that it does not.
      - With V(absent) the content is removed too, unless O(driver_options) mount it from elsewhere.
    type: str
    default: present
    choices: [absent, present]
  driver:
    description:
      - The driver. The only one is V(local).
    type: str
    default: local
  driver_options:
    description:
      - What to mount as the volume, as with mount(8). C(type) is the filesystem's type, C(device)
        what is mounted, C(o) the options, separated by commas.
      - It is mounted when the first container that uses the volume starts, and unmounted after the
        last one has exited.
      - C(type=none) with C(o=bind) is a directory of the host, which must exist.
      - The name of an NFS server is resolved when the volume is mounted.
      - Options of an existing volume are only changed with O(recreate=options-changed). If omitted
        they stay as they are.
    type: dict
  labels:
    description:
      - Labels of the volume. Values are strings or whole numbers. They are updated without
        recreating the volume.
    type: dict
  recreate:
    description:
      - Whether an existing volume is removed and recreated, which loses its content.
      - V(always) does so on every run, V(options-changed) if O(driver_options) differ; V(never)
        only warns in that case.
    type: str
    default: never
    choices: [always, never, options-changed]
  undeclared:
    description:
      - What happens to labels that the task does not mention.
      - V(reset) removes them, V(keep) leaves them, as M(community.docker.docker_volume) does.
    type: str
    default: reset
    choices: [reset, keep]
seealso:
  - module: slipway.engine.volume_info
  - module: slipway.engine.container
  - module: slipway.engine.prune
"""

EXAMPLES = r"""
- name: Create a volume
  slipway.engine.volume:
    name: data
    labels:
      backup: daily

- name: Use a directory on an NFS server
  slipway.engine.volume:
    name: shared
    driver_options:
      type: nfs
      device: ":/export/shared"
      o: addr=nas.example.com,nfsvers=4,rw

- name: Use at most 64 MiB of memory
  slipway.engine.volume:
    name: scratch
    driver_options:
      type: tmpfs
      device: tmpfs
      o: size=64m,mode=1777

- name: Remove a volume and its content
  slipway.engine.volume:
    name: data
    state: absent
"""

RETURN = r"""
volume:
  description:
    - The volume in the shape of C(docker volume inspect), or V(null) if there is none, or in check
      mode none yet.
  returned: success
  type: dict
  sample:
    CreatedAt: "2026-01-31T12:00:00Z"
    Driver: local
    Labels:
      backup: daily
    Mountpoint: /var/lib/slipway/volumes/data/_data
    Name: data
    Options: {}
    Scope: local
actions:
  description: What was done, or in check mode what would be done, in order.
  returned: success
  type: list
  elements: str
  sample: [create volume data]
differences:
  description: The options that differed, changed or not.
  returned: when it existed and differed
  type: list
  elements: str
  sample: [driver_options]
"""

from ansible_collections.slipway.engine.plugins.module_utils import _task
from ansible_collections.slipway.engine.plugins.module_utils._runtime.resource.volume import (
    decide,
    options,
)


def main() -> None:
    _task.converge(options.ARGUMENT_SPEC, decide.declare, decide.RESOURCE)


if __name__ == "__main__":
    main()
