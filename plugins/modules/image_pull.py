#!/usr/bin/python
# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: image_pull
short_description: Pull images from a registry
version_added: 0.1.0
author:
  - The slipway.engine authors (@slipway-engine)
description:
  - Downloads an image from a registry and unpacks it. The options are those of
    M(community.docker.docker_image_pull).
  - Everything is verified against the digest that the name had when the task started. The image
    gets its name last, so a failed pull leaves no image, and the next one resumes.
extends_documentation_fragment:
  - slipway.engine.attributes
  - slipway.engine.registry
  - slipway.engine.registry.require_signature
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
      - The image, as C([REGISTRY/]NAME[:TAG]) or C(NAME@DIGEST).
      - The registry is docker.io and the tag V(latest) unless specified in the name.
    type: str
    required: true
  tag:
    description:
      - The tag, if O(name) has none. A digest (C(sha256:...)) is accepted too.
    type: str
  platform:
    description:
      - The platform to choose from a multi-platform image, such as V(linux/arm64) or
        V(linux/arm/v7).
      - The default is the host's own.
    type: str
  pull:
    description:
      - V(always) asks the registry, with one request, whether the name refers to another image
        there, and pulls only in that case.
      - V(not_present) asks only if the host has no image with this name and O(platform).
    type: str
    choices: [always, not_present]
    default: always
  all_tags:
    description:
      - Pull every tag of the repository O(name), which must then have no tag or digest.
    type: bool
    default: false
"""

EXAMPLES = r"""
- name: Get the newest image of a tag
  slipway.engine.image_pull:
    name: docker.io/library/debian:12

- name: Pull from a registry with a login for this task only
  slipway.engine.image_pull:
    name: registry.example.org:5000/shop/web
    tag: "7"
    username: deploy
    password: "{{ vault_registry_password }}"

- name: Pull all images of a repository
  slipway.engine.image_pull:
    name: registry.example.org:5000/shop/web
    all_tags: true

- name: Pull an image by digest
  slipway.engine.image_pull:
    name: "quay.io/team/app@{{ app_digest }}"
"""

RETURN = r"""
actions:
  description: >-
    What was done, or in check mode what would be done. With O(pull=always) also that the registry
    was asked and had nothing newer.
  returned: success
  type: list
  elements: str
  sample: ["Pulled image debian:12"]
diff:
  description:
    - Which image the name is of, in C(before) and C(after), whether in diff mode or not.
    - The id of an image that is still to be downloaded is V(unknown) in check mode.
  returned: success
  type: dict
  sample:
    before:
      name: docker.io/library/debian:12
      exists: false
    after:
      name: docker.io/library/debian:12
      exists: true
      id: sha256:2d3f2d1e9a6d1c2f1a8c8f0e0a4b4f5c6d7e8f90a1b2c3d4e5f60718293a4b5c
image:
  description:
    - The image in the shape of C(docker image inspect), plus its C(History).
    - In check mode, for an image that is not on the host yet, only what is known about it.
    - Empty if there is none.
  returned: success, without O(all_tags)
  type: dict
  sample:
    Id: sha256:2d3f2d1e9a6d1c2f1a8c8f0e0a4b4f5c6d7e8f90a1b2c3d4e5f60718293a4b5c
    RepoTags: ["busybox:1"]
    Architecture: amd64
    Os: linux
images:
  description: The images of the repository, each as RV(image) describes it, in the order of tags.
  returned: success, with O(all_tags)
  type: list
  elements: dict
  sample:
    - Id: sha256:2d3f2d1e9a6d1c2f1a8c8f0e0a4b4f5c6d7e8f90a1b2c3d4e5f60718293a4b5c
      RepoTags: ["busybox:1"]
"""

from ansible_collections.slipway.engine.plugins.module_utils import _task
from ansible_collections.slipway.engine.plugins.module_utils._runtime.resource.image.remote import (
    image_pull,
)
from ansible_collections.slipway.engine.plugins.module_utils._runtime.trust import policy


def main() -> None:
    _task.converge(
        {
            **_task.PROGRESS,
            "name": {"type": "str", "required": True},
            "tag": {"type": "str"},
            "platform": {"type": "str"},
            "pull": {"type": "str", "choices": ["always", "not_present"], "default": "always"},
            "all_tags": {"type": "bool", "default": False},
            "username": {"type": "str"},
            "password": {"type": "str", "no_log": True},
            "insecure_registry": {"type": "bool"},
            "ca_path": {"type": "path"},
            "require_signature": policy.OPTION,
        },
        image_pull.declare,
        image_pull.RESOURCE,
        always_diff=True,
        required_together=[("username", "password")],
    )


if __name__ == "__main__":
    main()
