#!/usr/bin/python
# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: container_export
short_description: Write the files of a container to a tar archive
version_added: 0.2.0
author:
  - The slipway.engine authors (@slipway-engine)
description:
  - Writes the root filesystem of a container as a tar archive on the host, as C(docker export)
    does, whether it is running or not.
  - It contains the files of the image and of the container merged, with owners, modes, links and
    extended attributes. Volumes are not included. M(slipway.engine.image_import), C(docker import)
    and C(podman import) can read it.
  - The archive is a function of the files alone. If the file at O(path) is already that archive,
    nothing is changed; both are read to find out.
extends_documentation_fragment:
  - slipway.engine.attributes
attributes:
  check_mode:
    support: full
    details:
      - If the container is writing, the prediction is only valid for that moment.
  diff_mode:
    support: full
  idempotent:
    support: partial
    details:
      - If the container has changed a file since, the archive is written again.
      - With O(force=true) it is written on every run.
  platform:
    support: full
    platforms: linux
options:
  container:
    description:
      - Name, ID or ID prefix of the container.
    type: str
    required: true
  path:
    description:
      - The file on the host. It is replaced as a whole, and only root may read it.
      - Its directory must exist.
    type: path
    required: true
  force:
    description:
      - Write the archive even if it is up to date.
    type: bool
    default: false
seealso:
  - module: slipway.engine.commit
  - module: slipway.engine.image_import
"""

EXAMPLES = r"""
- name: Export the files of a container
  slipway.engine.container_export:
    container: web
    path: /srv/backup/web.tar
"""

RETURN = r"""
path:
  description: The file that holds the archive.
  returned: success
  type: str
  sample: /srv/backup/web.tar
actions:
  description: What was done, or in check mode what would be done, in order.
  returned: success
  type: list
  elements: str
  sample: [export container web to /srv/backup/web.tar]
"""

from ansible_collections.slipway.engine.plugins.module_utils import _task
from ansible_collections.slipway.engine.plugins.module_utils._runtime.resource import (
    container_export,
)

ARGUMENT_SPEC = {
    "container": {"type": "str", "required": True},
    "path": {"type": "path", "required": True},
    "force": {"type": "bool", "default": False},
}


def main() -> None:
    _task.converge(ARGUMENT_SPEC, container_export.declare, container_export.RESOURCE)


if __name__ == "__main__":
    main()
