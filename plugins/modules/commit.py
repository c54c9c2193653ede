#!/usr/bin/python
# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: commit
short_description: Create an image from a container
version_added: 0.1.0
author:
  - The slipway.engine authors (@slipway-engine)
description:
  - Creates an image from the changes a container made to its disk, on top of its image, as C(docker
    commit) does.
  - The new layer is a function of the changed content alone. Committing a container without new
    changes does nothing, and check mode reads the content to find out.
  - Volumes and bind mounts are not included.
extends_documentation_fragment:
  - slipway.engine.attributes
  - slipway.engine.registry.defaults
attributes:
  check_mode:
    support: full
    details:
      - A running container is read without being paused, so if it is writing, the prediction is
        only valid for that moment.
  diff_mode:
    support: full
  idempotent:
    support: full
  platform:
    support: full
    platforms: linux
options:
  container:
    description: Name, ID or ID prefix of the container.
    type: str
    required: true
  name:
    description:
      - The name of the image, as C([REGISTRY/]NAME[:TAG]).
      - The registry is docker.io and the tag V(latest) unless specified in the name.
    type: str
    required: true
    aliases: [repository]
  tag:
    description:
      - The tag, if O(name) has none.
    type: str
  author:
    description: The author of the image.
    type: str
  comment:
    description: A comment kept in the history of the image.
    type: str
  pause:
    description:
      - Freeze a running container while its disk is read, so that no half-written file is included.
    type: bool
    default: true
"""

EXAMPLES = r"""
- name: Commit the changes of a container
  slipway.engine.commit:
    container: web
    name: registry.example.org:5000/shop/web:8
    comment: New prices
    changes:
      - CMD ["httpd", "-f"]
"""

RETURN = r"""
actions:
  description: What was done, or in check mode what would be done.
  returned: success
  type: list
  elements: str
  sample: ["commit container web to image registry.example.org:5000/shop/web:8"]
image:
  description:
    - The image in the shape of C(docker image inspect), plus its C(History).
    - In check mode, for an image that is not on the host yet, only what is known about it.
    - Empty if there is none.
  returned: success
  type: dict
  sample:
    Id: sha256:2d3f2d1e9a6d1c2f1a8c8f0e0a4b4f5c6d7e8f90a1b2c3d4e5f60718293a4b5c
    RepoTags: ["busybox:1"]
    Architecture: amd64
    Os: linux
"""

from ansible_collections.slipway.engine.plugins.module_utils import _task
from ansible_collections.slipway.engine.plugins.module_utils._runtime.resource.commit import (
    RESOURCE,
    declare,
)


def main() -> None:
    _task.converge(
        {
            "container": {"type": "str", "required": True},
            "name": {"type": "str", "required": True, "aliases": ["repository"]},
            "tag": {"type": "str"},
            "author": {"type": "str"},
            "comment": {"type": "str"},
            "pause": {"type": "bool", "default": True},
            "changes": {"type": "list", "elements": "str"},
            "cmd": {"type": "list", "elements": "str"},
            "entrypoint": {"type": "list", "elements": "str"},
            "env": {"type": "dict"},
            "exposed_ports": {"type": "list", "elements": "str"},
            "labels": {"type": "dict"},
            "stop_signal": {"type": "str"},
            "user": {"type": "str"},
            "volumes": {"type": "list", "elements": "str"},
            "working_dir": {"type": "str"},
        },
        declare,
        RESOURCE,
    )


if __name__ == "__main__":
    main()
