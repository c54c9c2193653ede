#!/usr/bin/python
# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: image_export
short_description: Export images to an archive
version_added: 0.1.0
author:
  - The slipway.engine authors (@slipway-engine)
description:
  - Writes images to one archive on the host, which M(slipway.engine.image_load), C(docker load),
    C(podman load) and C(skopeo) can read. The options are those of
    M(community.docker.docker_image_export).
  - The archive's bytes are a function of the images and their names. It is replaced as a whole, and
    only root may read it.
extends_documentation_fragment:
  - slipway.engine.attributes
  - slipway.engine.progress
attributes:
  check_mode:
    support: full
  diff_mode:
    support: full
  idempotent:
    support: full
    details:
      - Nothing is written if the file contains exactly these images with exactly these names.
      - With O(force=true) it is written on every run.
  platform:
    support: full
    platforms: linux
options:
  names:
    description:
      - The images, each as C([REGISTRY/]NAME[:TAG]) or by its ID. An image given by its ID gets no
        name in the archive.
    type: list
    elements: str
    required: true
    aliases: [name]
  tag:
    description:
      - The tag for O(names) that have none.
    type: str
    default: latest
  path:
    description:
      - The archive on the host. Its directory must exist.
    type: path
    required: true
  format:
    description:
      - V(docker) is the format of C(docker save), with uncompressed layers.
      - V(oci) is a tar of an OCI image layout. It keeps manifests and compressed layers as they
        are, and therefore the digests that a registry knows.
    type: str
    choices: [docker, oci]
    default: docker
  platform:
    description:
      - The platform the images must be for, such as V(linux/arm64). One for another platform
        fails the task.
    type: str
  force:
    description:
      - Write the archive even if it already contains these images.
    type: bool
    default: false
"""

EXAMPLES = r"""
- name: Export an image
  slipway.engine.image_export:
    name: shop/web
    tag: "7"
    path: /srv/images/web.tar

- name: Export several into one archive, with the digests of their registry
  slipway.engine.image_export:
    names:
      - registry.example.org:5000/shop/web:7
      - registry.example.org:5000/shop/db:3
    path: /srv/images/shop.tar
    format: oci
"""

RETURN = r"""
actions:
  description: What was done, or in check mode what would be done.
  returned: success
  type: list
  elements: str
  sample: ["export image shop/web:7 to /srv/images/web.tar"]
images:
  description:
    - The image of each of O(names), in their order, in the shape of C(docker image inspect), plus
      its C(History).
    - In check mode, for images that are not on the host yet, only what is known about them.
  returned: success
  type: list
  elements: dict
  sample:
    - Id: sha256:2d3f2d1e9a6d1c2f1a8c8f0e0a4b4f5c6d7e8f90a1b2c3d4e5f60718293a4b5c
      RepoTags: ["shop/web:7"]
      Architecture: amd64
      Os: linux
"""

from ansible_collections.slipway.engine.plugins.module_utils import _task
from ansible_collections.slipway.engine.plugins.module_utils._runtime.resource.image.files import (
    image_export,
)


def main() -> None:
    _task.converge(
        {
            **_task.PROGRESS,
            "names": {"type": "list", "elements": "str", "required": True, "aliases": ["name"]},
            "tag": {"type": "str", "default": "latest"},
            "path": {"type": "path", "required": True},
            "format": {"type": "str", "choices": ["docker", "oci"], "default": "docker"},
            "platform": {"type": "str"},
            "force": {"type": "bool", "default": False},
        },
        image_export.declare,
        image_export.RESOURCE,
    )


if __name__ == "__main__":
    main()
