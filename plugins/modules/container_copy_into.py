#!/usr/bin/python
# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: container_copy_into
short_description: Put a file into a running container
version_added: 0.1.0
author:
  - The slipway.engine authors (@slipway-engine)
description:
  - Writes one file in a running container, in its own filesystem or in a volume mounted there.
  - The names and meanings of the options are those of
    M(community.docker.docker_container_copy_into).
extends_documentation_fragment:
  - slipway.engine.attributes
  - slipway.engine.docker_connection
  - slipway.engine.docker_connection.ca
  - slipway.engine.docker_connection.verify
attributes:
  check_mode:
    support: full
  diff_mode:
    support: full
    details:
      - Shows the SHA-256 of the content, not the content.
  idempotent:
    support: partial
    details:
      - O(force=true) writes the file on every run.
  platform:
    support: full
    platforms: linux
options:
  container:
    description:
      - Name or id of the container.
    type: str
    required: true
  path:
    description:
      - A file on the host to copy. Exactly one of O(path) and O(content) is required.
    type: path
  content:
    description:
      - The content of the file.
    type: str
  container_path:
    description:
      - The absolute path of the file in the container. Its directory must exist.
    type: path
    required: true
  mode:
    description:
      - The mode of the file as an octal number in quotes, such as V("0644").
      - Left as it is when not given, and V("0644") for a new file.
    type: str
  owner_id:
    description:
      - The user id that owns the file. Left as it is when not given, and V(0) for a new file.
    type: int
  group_id:
    description:
      - The group id of the file. Left as it is when not given, and V(0) for a new file.
    type: int
  force:
    description:
      - V(true) writes the file even if nothing differs, V(false) only if it does not exist.
    type: bool
seealso:
  - module: slipway.engine.container
"""

EXAMPLES = r"""
- name: The page of a web server
  slipway.engine.container_copy_into:
    container: web
    container_path: /srv/index.html
    content: |
      <h1>It runs</h1>
    mode: "0644"
"""

RETURN = r"""
container_path:
  description: The path of the file in the container.
  returned: success
  type: str
  sample: /srv/index.html
actions:
  description: What was done, or would be in check mode, in order.
  returned: success
  type: list
  elements: str
  sample: [write /srv/index.html in container web]
"""

from ansible_collections.slipway.engine.plugins.module_utils import task
from ansible_collections.slipway.engine.plugins.module_utils.runtime.container.copy import (
    RESOURCE,
    declare,
)

ARGUMENT_SPEC = {
    "container": {"type": "str", "required": True},
    "path": {"type": "path"},
    "content": {"type": "str", "no_log": True},
    "container_path": {"type": "path", "required": True},
    "mode": {"type": "str"},
    "owner_id": {"type": "int"},
    "group_id": {"type": "int"},
    "force": {"type": "bool"},
}


def main() -> None:
    task.converge(
        ARGUMENT_SPEC,
        declare,
        RESOURCE,
        mutually_exclusive=[("path", "content")],
        required_one_of=[("path", "content")],
    )


if __name__ == "__main__":
    main()
