#!/usr/bin/python
# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: image_push
short_description: Push images to a registry
version_added: 0.1.0
author:
  - The slipway.engine authors (@slipway-engine)
description:
  - Uploads an image to the registry in its name. The options are those of
    M(community.docker.docker_image_push).
  - Content that the registry already has is not uploaded. Layers it has in another repository are
    mounted from there.
extends_documentation_fragment:
  - slipway.engine.attributes
  - slipway.engine.registry
  - slipway.engine.progress
attributes:
  check_mode:
    support: full
    details:
      - The registry is asked for the digest, so the prediction is exact. If it cannot be reached, a
        change is predicted with a warning.
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
      - The image, as C([REGISTRY/]NAME[:TAG]). It is pushed to the registry in its name.
      - The registry is docker.io and the tag V(latest) unless specified in the name.
    type: str
    required: true
  tag:
    description:
      - The tag, if O(name) has none.
    type: str
  sign:
    description:
      - Sign what the registry has under the name after the push, as M(slipway.engine.image_sign)
        does. The key stays on the controller.
    type: dict
    version_added: 0.3.0
    suboptions:
      key:
        description: The private key in PEM.
        type: str
        required: true
      passphrase:
        description: The passphrase of O(sign.key), when it is encrypted.
        type: str
"""

EXAMPLES = r"""
- name: Push an image to a private registry
  slipway.engine.image_push:
    name: registry.example.org:5000/shop/web:7

- name: Push an image and sign it
  slipway.engine.image_push:
    name: registry.example.org:5000/shop/web:7
    sign:
      key: "{{ lookup('ansible.builtin.file', 'cosign.key') }}"
      passphrase: "{{ signing_passphrase }}"
"""

RETURN = r"""
actions:
  description: What was done, or in check mode what would be done.
  returned: success
  type: list
  elements: str
  sample: ["Pushed image registry.example.org:5000/shop/web:7"]
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
digest:
  description: The digest of the manifest that was pushed, by which any host can pull the image.
  returned: success, when the image is on the host
  type: str
  sample: sha256:7e8f90a1b2c3d4e5f60718293a4b5c2d3f2d1e9a6d1c2f1a8c8f0e0a4b4f5c6d
size:
  description: The size of the manifest in bytes.
  returned: success, when the image is on the host
  type: int
  sample: 527
"""

from ansible_collections.slipway.engine.plugins.module_utils import _task
from ansible_collections.slipway.engine.plugins.module_utils._runtime.resource.image.remote import (
    image_push,
)


def main() -> None:
    _task.converge(
        {
            **_task.PROGRESS,
            "name": {"type": "str", "required": True},
            "tag": {"type": "str"},
            "username": {"type": "str"},
            "password": {"type": "str", "no_log": True},
            "insecure_registry": {"type": "bool"},
            "ca_path": {"type": "path"},
            # The action plugin keeps it.
            "sign": {
                "type": "dict",
                "options": {
                    "key": {"type": "str", "required": True, "no_log": True},
                    "passphrase": {"type": "str", "no_log": True},
                },
            },
        },
        image_push.declare,
        image_push.RESOURCE,
        required_together=[("username", "password")],
    )


if __name__ == "__main__":
    main()
