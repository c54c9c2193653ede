#!/usr/bin/python
# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: image_load
short_description: Load images from an archive
version_added: 0.1.0
author:
  - The slipway.engine authors (@slipway-engine)
description:
  - Loads the images of an archive, with the names they have there, and unpacks them. No registry is
    needed, and with O(src) no network but Ansible's own connection.
  - Archives are what C(docker save), C(podman save), C(skopeo), C(umoci) and
    M(slipway.engine.image_export) write, either docker-archive or OCI archive, plain or compressed
    by gzip, zstd, bzip2 or xz. A directory with an OCI image layout is supported too.
  - Every layer is verified against its digest before an image gets its name. IDs are computed from
    the content, whatever the archive says.
  - If every image of the archive is on the host under its name, nothing is changed, and with O(src)
    no layer is sent.
extends_documentation_fragment:
  - slipway.engine.attributes
  - slipway.engine.progress
attributes:
  check_mode:
    support: full
    details:
      - The archive is read, so the prediction is exact. If it is not on the host yet, a change is
        predicted with a warning.
  diff_mode:
    support: full
  idempotent:
    support: full
  platform:
    support: full
    platforms: linux
options:
  path:
    description:
      - The archive, or a directory that holds an OCI image layout, on the host.
      - Exactly one of O(path) and O(src) is required.
    type: path
  src:
    description:
      - An archive on the controller. A relative path is searched for as by M(ansible.builtin.copy).
      - First only its documents are sent, a few kilobytes, and the whole archive only if the host
        lacks one of its images.
    type: str
  name:
    description:
      - A name for the image, as C([REGISTRY/]NAME[:TAG]), instead of those in the archive. The
        archive must contain a single image.
      - Some archives contain no names, or only a tag; without this option their images only have
        their IDs.
    type: str
  platform:
    description:
      - The platform to choose from a multi-platform image, such as V(linux/arm64) or
        V(linux/arm/v7).
      - The default is the host's own.
    type: str
"""

EXAMPLES = r"""
- name: Load images from an archive on the host
  slipway.engine.image_load:
    path: /srv/images/shop.tar

- name: Load an archive from the controller on a host without a registry
  slipway.engine.image_load:
    src: images/shop.tar.zst

- name: Name the image of an archive
  slipway.engine.image_load:
    path: /srv/images/layout
    name: registry.example.org:5000/tools:2026
"""

RETURN = r"""
actions:
  description: What was done, or in check mode what would be done.
  returned: success
  type: list
  elements: str
  sample: ["Loaded image docker.io/library/busybox:1"]
image_names:
  description: The names of the images in the archive, and the IDs of those without a name.
  returned: success
  type: list
  elements: str
  sample: ["busybox:1"]
stdout:
  description: What C(docker load) prints of them, a line each.
  returned: success
  type: str
  sample: "Loaded image: busybox:1"
images:
  description:
    - The images in the shape of C(docker image inspect), plus their C(History).
    - In check mode, for images that are not on the host yet, only what is known about them.
  returned: success
  type: list
  elements: dict
  sample:
    - Id: sha256:2d3f2d1e9a6d1c2f1a8c8f0e0a4b4f5c6d7e8f90a1b2c3d4e5f60718293a4b5c
      RepoTags: ["busybox:1"]
      Architecture: amd64
      Os: linux
"""

from ansible_collections.slipway.engine.plugins.module_utils import _task
from ansible_collections.slipway.engine.plugins.module_utils._runtime.resource.image.files import (
    image_load,
)


def main() -> None:
    _task.converge(
        {
            **_task.PROGRESS,
            "path": {"type": "path"},
            "src": {"type": "str"},
            "name": {"type": "str"},
            "platform": {"type": "str"},
        },
        image_load.declare,
        image_load.RESOURCE,
        required_one_of=[("path", "src")],
        mutually_exclusive=[("path", "src")],
    )


if __name__ == "__main__":
    main()
