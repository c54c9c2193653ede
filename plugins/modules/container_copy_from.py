#!/usr/bin/python
# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: container_copy_from
short_description: Copy files of a container to the host
version_added: 0.2.0
author:
  - The slipway.engine authors (@slipway-engine)
description:
  - Copies a file, a link or a directory with its content from a container to the host, whether the
    container is running, paused, stopped or only created. Volumes are included.
  - The processes of the container are frozen while it is copied.
  - Links in the container are never followed on the host. Devices and sockets are skipped with a
    warning, and set-uid bits and capabilities of files are not copied.
extends_documentation_fragment:
  - slipway.engine.attributes
  - slipway.engine.docker_connection
  - slipway.engine.docker_connection.ca
  - slipway.engine.docker_connection.verify
attributes:
  check_mode:
    support: full
    details:
      - The files of a container that an earlier task would create are not known, and are reported
        as copied.
  diff_mode:
    support: full
    details:
      - Shows the SHA-256 of the content, not the content.
  idempotent:
    support: partial
    details:
      - Extended attributes and times are copied, and not compared.
      - O(force=true) writes the files on every run.
  platform:
    support: full
    platforms: linux
options:
  container:
    description:
      - Name, ID or ID prefix of the container.
    type: str
    required: true
  container_path:
    description:
      - The path in the container to copy. V(/proc), V(/sys) and V(/dev) are not included.
    type: str
    required: true
  dest:
    description:
      - The path on the host of the copy itself, not of a directory to put it in. Its parent
        directory must exist.
      - An existing directory keeps its other content.
    type: path
    required: true
  follow:
    description:
      - Copy the target of a link at O(container_path) instead of the link.
    type: bool
    default: false
  mode:
    description:
      - The mode of files, as an octal number in quotes such as V("0644"). By default that of each
        file in the container, without set-uid and set-gid bits.
    type: raw
  directory_mode:
    description:
      - The mode of directories that are created. By default that of each directory in the
        container.
    type: raw
  owner_id:
    description:
      - The user ID that owns the copy.
    type: int
    default: 0
  group_id:
    description:
      - The group ID of the copy.
    type: int
    default: 0
  force:
    description:
      - V(true) writes the files even if nothing differs, V(false) only if O(dest) does not exist.
    type: bool
seealso:
  - module: slipway.engine.container_copy_into
  - module: slipway.engine.container_export
"""

EXAMPLES = r"""
- name: Fetch a configuration that the container made
  slipway.engine.container_copy_from:
    container: web
    container_path: /etc/app/generated.conf
    dest: /srv/web/generated.conf

- name: Fetch a directory for a group of the host
  slipway.engine.container_copy_from:
    container: db
    container_path: /var/backups
    dest: /srv/backups/db
    group_id: 4
    mode: "0640"
    directory_mode: "0750"
"""

RETURN = r"""
dest:
  description: The path of the copy.
  returned: success
  type: str
  sample: /srv/web/generated.conf
actions:
  description: What was done, or would be in check mode, in order.
  returned: success
  type: list
  elements: str
  sample: [copy /etc/app/generated.conf of container web to /srv/web/generated.conf]
"""

from ansible_collections.slipway.engine.plugins.module_utils import _task
from ansible_collections.slipway.engine.plugins.module_utils._runtime.resource import (
    container_copy_from,
)

ARGUMENT_SPEC = {
    "container": {"type": "str", "required": True},
    "container_path": {"type": "str", "required": True},
    "dest": {"type": "path", "required": True},
    "follow": {"type": "bool", "default": False},
    "mode": {"type": "raw"},
    "directory_mode": {"type": "raw"},
    "owner_id": {"type": "int", "default": 0},
    "group_id": {"type": "int", "default": 0},
    "force": {"type": "bool"},
}


def main() -> None:
    _task.converge(ARGUMENT_SPEC, container_copy_from.declare, container_copy_from.RESOURCE)


if __name__ == "__main__":
    main()
