#!/usr/bin/python
# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: image_info
short_description: Inspect images
version_added: 0.1.0
author:
  - The slipway.engine authors (@slipway-engine)
description:
  - Returns detailed information about images on the host, in the shape of C(docker image inspect).
    The options are those of M(community.docker.docker_image_info).
extends_documentation_fragment:
  - slipway.engine.attributes.info
options:
  name:
    description:
      - Names, C(NAME@DIGEST), IDs or ID prefixes of images. Those that are not on the host are
        omitted from the result.
      - By default all images are returned.
    type: list
    elements: str
"""

EXAMPLES = r"""
- name: Inspect an image
  slipway.engine.image_info:
    name: debian:12
  register: debian

- name: Inspect all images
  slipway.engine.image_info:
"""

RETURN = r"""
images:
  description:
    - The images, each in the shape of C(docker image inspect), plus its C(History).
  returned: success
  type: list
  elements: dict
  sample:
    - Id: sha256:2d3f2d1e9a6d1c2f1a8c8f0e0a4b4f5c6d7e8f90a1b2c3d4e5f60718293a4b5c
      RepoTags: ["busybox:1"]
"""

from ansible_collections.slipway.engine.plugins.module_utils import _task
from ansible_collections.slipway.engine.plugins.module_utils._runtime.resource.image.image import (
    gather,
)


def main() -> None:
    _task.inform({"name": {"type": "list", "elements": "str"}}, gather)


if __name__ == "__main__":
    main()
