#!/usr/bin/python
# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: image_verify
short_description: Verify the signatures of images
version_added: 0.3.0
author:
  - The slipway.engine authors (@slipway-engine)
description:
  - Fails unless an image in its registry has the signatures that are asked for, in the format of
    cosign. Nothing is pulled.
  - What M(slipway.engine.image_pull), M(slipway.engine.image) and M(slipway.engine.container) pull
    and use is verified with O(slipway.engine.image_pull#module:require_signature).
extends_documentation_fragment:
  - slipway.engine.attributes.info
  - slipway.engine.registry
  - slipway.engine.registry.signature
options:
  name:
    description:
      - The image, as C([REGISTRY/]NAME[:TAG][@DIGEST]).
    type: str
    required: true
  tag:
    description:
      - The tag, when O(name) has none.
    type: str
seealso:
  - module: slipway.engine.image_sign
"""

EXAMPLES = r"""
- name: See that an image is signed before it is rolled out
  slipway.engine.image_verify:
    name: registry.example.org:5000/shop/web:7
    public_keys:
      - "{{ lookup('ansible.builtin.file', 'cosign.pub') }}"
"""

RETURN = r"""
digest:
  description: The digest of the image that was verified.
  returned: success
  type: str
  sample: sha256:7e8f90a1b2c3d4e5f60718293a4b5c2d3f2d1e9a6d1c2f1a8c8f0e0a4b4f5c6d
reference:
  description: The name that it was verified under.
  returned: success
  type: str
  sample: registry.example.org:5000/shop/web:7
fingerprints:
  description: SHA-256 of the public keys whose signatures were accepted.
  returned: success
  type: list
  elements: str
  sample: ["580a530a1eb8cd266fd0fc6a0cb6517c262442af585d5d9accf6507326fb32de"]
"""

from ansible_collections.slipway.engine.plugins.module_utils import _task
from ansible_collections.slipway.engine.plugins.module_utils._runtime.resource.image.remote import (
    image_verify,
)


def main() -> None:
    _task.inform(
        {
            "name": {"type": "str", "required": True},
            "tag": {"type": "str"},
            "public_keys": {"type": "list", "elements": "str"},
            "threshold": {"type": "int", "default": 1},
            "identity": {"type": "str", "choices": ["exact", "repository"], "default": "exact"},
            "policy": {"type": "path"},
            "username": {"type": "str"},
            "password": {"type": "str", "no_log": True},
            "insecure_registry": {"type": "bool"},
            "ca_path": {"type": "path"},
        },
        image_verify.examine,
        required_together=[("username", "password")],
        required_one_of=[("public_keys", "policy")],
    )


if __name__ == "__main__":
    main()
