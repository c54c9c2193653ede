#!/usr/bin/python
# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: image_remove
short_description: Remove images
version_added: 0.1.0
author:
  - The slipway.engine authors (@slipway-engine)
description:
  - Removes a name of an image, and the image with its last name. The options are those of
    M(community.docker.docker_image_remove).
  - Layers stay while another image or a container uses them.
extends_documentation_fragment:
  - slipway.engine.attributes
attributes:
  check_mode:
    support: full
  diff_mode:
    support: full
  idempotent:
    support: full
  platform:
    support: full
    platforms: linux
options:
  name:
    description:
      - The image, as C([REGISTRY/]NAME[:TAG]), C(NAME@DIGEST), its ID or an ID prefix.
      - Removing a digest also removes the tags of its repository that refer to the same image;
        removing an ID removes all names.
    type: str
    required: true
  tag:
    description:
      - The tag, if O(name) has none. The default is V(latest).
    type: str
  force:
    description:
      - Remove the last name of an image even if containers use it; it then stays as a dangling
        image until they are removed.
      - Remove an image by its ID even if it has several names.
    type: bool
    default: false
  prune:
    description:
      - Also remove the dangling parents of the image, unless something else uses them.
    type: bool
    default: true
"""

EXAMPLES = r"""
- name: Remove an image
  slipway.engine.image_remove:
    name: debian:12

- name: Remove an image under all its names
  slipway.engine.image_remove:
    name: 2d3f2d1e9a6d
    force: true
"""

RETURN = r"""
actions:
  description: What was done, or in check mode what would be done.
  returned: success
  type: list
  elements: str
  sample: ["Removed image debian:12"]
image:
  description:
    - The image as it was, in the shape of C(docker image inspect), plus its C(History).
    - Empty when there was none.
  returned: success
  type: dict
  sample:
    Id: sha256:2d3f2d1e9a6d1c2f1a8c8f0e0a4b4f5c6d7e8f90a1b2c3d4e5f60718293a4b5c
    RepoTags: ["busybox:1"]
    Architecture: amd64
    Os: linux
untagged:
  description: The names and digests that were removed, or in check mode those that would be.
  returned: success
  type: list
  elements: str
  sample: ["debian:12"]
deleted:
  description: The ids of the images and the chain ids of the layers that went, or would go.
  returned: success
  type: list
  elements: str
  sample: ["sha256:2d3f2d1e9a6d1c2f1a8c8f0e0a4b4f5c6d7e8f90a1b2c3d4e5f60718293a4b5c"]
"""

from ansible_collections.slipway.engine.plugins.module_utils import _task
from ansible_collections.slipway.engine.plugins.module_utils._runtime.resource.image.names import (
    image_remove,
)


def main() -> None:
    _task.converge(
        {
            "name": {"type": "str", "required": True},
            "tag": {"type": "str"},
            "force": {"type": "bool", "default": False},
            "prune": {"type": "bool", "default": True},
        },
        image_remove.declare,
        image_remove.RESOURCE,
    )


if __name__ == "__main__":
    main()
