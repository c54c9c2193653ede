#!/usr/bin/python
# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: image_sign
short_description: Sign images in a registry
version_added: 0.3.0
author:
  - The slipway.engine authors (@slipway-engine)
description:
  - Attaches a signature in the format of cosign to an image in its registry. cosign, skopeo, Podman
    and M(slipway.engine.image_verify) verify it.
  - The private key stays on the controller, where the signature is made. The host only talks to the
    registry.
  - Signatures of other keys stay. An image that the key has signed under this name is left alone.
extends_documentation_fragment:
  - slipway.engine.attributes
  - slipway.engine.registry
attributes:
  check_mode:
    support: full
    details:
      - The registry is asked for the image and its signatures, so the prediction is exact.
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
      - The image, as C([REGISTRY/]NAME[:TAG]). The signature is for the image that the registry has
        under this name, and says that it is for this tag.
    type: str
    required: true
  tag:
    description:
      - The tag, when O(name) has none.
    type: str
  key:
    description:
      - The private key in PEM, for example the content of a C(cosign.key), or PKCS#8 as
        C(openssl genpkey) writes it. It is read with P(ansible.builtin.file#lookup) or comes from a
        vault.
      - It has to be given. The module itself never sees it.
    type: str
  passphrase:
    description:
      - The passphrase of O(key), when it is encrypted.
    type: str
seealso:
  - module: slipway.engine.image_push
  - module: slipway.engine.image_verify
"""

EXAMPLES = r"""
- name: Sign an image
  slipway.engine.image_sign:
    name: registry.example.org:5000/shop/web:7
    key: "{{ lookup('ansible.builtin.file', 'cosign.key') }}"
    passphrase: "{{ signing_passphrase }}"
"""

RETURN = r"""
actions:
  description: What was done, or in check mode what would be done.
  returned: success
  type: list
  elements: str
  sample: ["sign image registry.example.org:5000/shop/web:7"]
digest:
  description: The digest that was signed.
  returned: success
  type: str
  sample: sha256:7e8f90a1b2c3d4e5f60718293a4b5c2d3f2d1e9a6d1c2f1a8c8f0e0a4b4f5c6d
reference:
  description: The name that it was signed under.
  returned: success
  type: str
  sample: registry.example.org:5000/shop/web:7
"""

from ansible_collections.slipway.engine.plugins.module_utils import _task
from ansible_collections.slipway.engine.plugins.module_utils._runtime.resource.image.remote import (
    image_sign,
)


def main() -> None:
    _task.converge(
        {
            "name": {"type": "str", "required": True},
            "tag": {"type": "str"},
            # The action plugin keeps both and sends what it signed.
            "key": {"type": "str", "no_log": True},
            "passphrase": {"type": "str", "no_log": True},
            "username": {"type": "str"},
            "password": {"type": "str", "no_log": True},
            "insecure_registry": {"type": "bool"},
            "ca_path": {"type": "path"},
        },
        image_sign.declare,
        image_sign.RESOURCE,
        required_together=[("username", "password")],
    )


if __name__ == "__main__":
    main()
