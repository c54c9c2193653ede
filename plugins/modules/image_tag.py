#!/usr/bin/python
# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: image_tag
short_description: Add names to images
version_added: 0.1.0
author:
  - The slipway.engine authors (@slipway-engine)
description:
  - Gives an image on the host additional names. The options are those of
    M(community.docker.docker_image_tag).
  - An image that loses its name to another one stays on the host, as a dangling image if it was its
    last name.
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
    type: str
    required: true
  tag:
    description:
      - The tag, if O(name) or a name in O(repository) has none. The default is V(latest).
    type: str
  repository:
    description:
      - The additional names, each as C([REGISTRY/]NAME[:TAG]). The tag is O(tag), or V(latest),
        unless specified in the name.
    type: list
    elements: str
    required: true
  existing_images:
    description: What to do with a name that another image has.
    type: str
    choices:
      keep: Keep it on the other image.
      overwrite: Move it to this image.
    default: overwrite
"""

EXAMPLES = r"""
- name: Tag an image for a private registry
  slipway.engine.image_tag:
    name: shop/web:7
    repository:
      - registry.example.org:5000/shop/web:7
      - registry.example.org:5000/shop/web:latest

- name: Tag an image by its ID unless the name is in use
  slipway.engine.image_tag:
    name: "{{ built.image.Id }}"
    repository:
      - base:first
    existing_images: keep
"""

RETURN = r"""
actions:
  description: What was done, or in check mode what would be done.
  returned: success
  type: list
  elements: str
  sample: ["Tagged image web:7 as web:latest"]
diff:
  description: >-
    Which image each name is of, in C(before.images) and C(after.images), whether in diff mode or
    not.
  returned: success
  type: dict
  sample:
    before:
      name: docker.io/library/web:7
      images:
        - name: web
          tag: latest
          exists: false
    after:
      name: docker.io/library/web:7
      images:
        - name: web
          tag: latest
          exists: true
          id: sha256:2d3f2d1e9a6d1c2f1a8c8f0e0a4b4f5c6d7e8f90a1b2c3d4e5f60718293a4b5c
image:
  description:
    - The image in the shape of C(docker image inspect), plus its C(History).
    - In check mode, for an image that is not on the host yet, only what is known about it.
  returned: success
  type: dict
  sample:
    Id: sha256:2d3f2d1e9a6d1c2f1a8c8f0e0a4b4f5c6d7e8f90a1b2c3d4e5f60718293a4b5c
    RepoTags: ["busybox:1"]
    Architecture: amd64
    Os: linux
tagged_images:
  description: The names that were added, or in check mode those that would be.
  returned: success
  type: list
  elements: str
  sample: ["web:latest"]
"""

from ansible_collections.slipway.engine.plugins.module_utils import _task
from ansible_collections.slipway.engine.plugins.module_utils._runtime.resource.image.names import (
    image_tag,
)


def main() -> None:
    _task.converge(
        {
            "name": {"type": "str", "required": True},
            "tag": {"type": "str"},
            "repository": {"type": "list", "elements": "str", "required": True},
            "existing_images": {
                "type": "str",
                "choices": ["keep", "overwrite"],
                "default": "overwrite",
            },
        },
        image_tag.declare,
        image_tag.RESOURCE,
        always_diff=True,
    )


if __name__ == "__main__":
    main()
