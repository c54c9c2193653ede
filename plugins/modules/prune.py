#!/usr/bin/python
# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: prune
short_description: Remove unused objects
version_added: 0.1.0
author:
  - The slipway.engine authors (@slipway-engine)
description:
  - Removes stopped containers, networks, images and volumes that nothing uses, and what builds keep
    for the next one. The options are those of M(community.docker.docker_prune).
  - Containers are removed first, so what only they used is removed by the same task.
  - What others start, use or remove while the task runs is left out, also of its result.
extends_documentation_fragment:
  - slipway.engine.attributes
attributes:
  check_mode:
    support: full
    details:
      - With filters, images that earlier tasks of the same check-mode run would have created are
        not counted, because neither their time nor their labels are known.
  diff_mode:
    support: full
  idempotent:
    support: full
  platform:
    support: full
    platforms: linux
options:
  containers:
    description: Remove the containers that are not running.
    type: bool
    default: false
  containers_filters:
    description:
      - Which of them to remove. Filters are C(until), C(label) and C(label!).
      - C(until) is a time, or a time span before now such as V(24h); C(label) is a label's name or
        C(NAME=VALUE), or a list of such.
    type: dict
  images:
    description: Remove the images that no container uses.
    type: bool
    default: false
  images_filters:
    description:
      - Which of them to remove. Filters are C(dangling), and those of O(containers_filters).
      - C(dangling) is V(true) by default, which means dangling images only; V(false) means all that
        no container uses.
    type: dict
  networks:
    description:
      - Remove the networks that no container is on, running or not. V(bridge), V(host), V(none) and
        config-only networks are kept.
    type: bool
    default: false
  networks_filters:
    description: Which of them to remove. Filters are those of O(containers_filters).
    type: dict
  volumes:
    description:
      - Remove the volumes that no container uses, running or not. Only anonymous ones, unless
        O(volumes_filters) has C(all).
    type: bool
    default: false
  volumes_filters:
    description:
      - Which of them to remove. Filters are C(all), with V(true) for named volumes too, C(label)
        and C(label!).
    type: dict
  builder_cache:
    description:
      - Remove what builds keep for the next one, namely the layers of their steps and the content
        of C(RUN --mount=type=cache).
    type: bool
    default: false
  builder_cache_all:
    description: Without effect, as O(builder_cache) removes all of it.
    type: bool
    default: false
  builder_cache_filters:
    description:
      - What of it to remove. The filter is C(until), a time or a span such as V(24h), and keeps
        what was used since.
    type: dict
  builder_cache_keep_storage:
    description:
      - How much of it may stay, such as V(10G). What was used last stays.
    type: str
"""

EXAMPLES = r"""
- name: Remove dangling images
  slipway.engine.prune:
    images: true

- name: Remove unused anonymous volumes, with exceptions
  slipway.engine.prune:
    volumes: true
    volumes_filters:
      label!: keep

- name: Remove stopped containers, and images that have not been used since yesterday
  slipway.engine.prune:
    containers: true
    images: true
    images_filters:
      dangling: false
      until: 24h
      label!: keep

- name: Leave what builds used in the last day, and up to 10 GiB of the rest
  slipway.engine.prune:
    builder_cache: true
    builder_cache_filters:
      until: 24h
    builder_cache_keep_storage: 10G
"""

RETURN = r"""
actions:
  description: What was done, or in check mode what would be done.
  returned: success
  type: list
  elements: str
  sample: ["remove 3 images"]
containers:
  description: The ids of the containers that were removed, or in check mode would be.
  returned: success
  type: list
  elements: str
  sample: []
containers_space_reclaimed:
  description: The disk space their own layers took, in bytes.
  returned: success
  type: int
  sample: 0
images:
  description:
    - What was taken away, or in check mode would be, as Docker says it. Each is a dictionary with
      either C(Untagged), a name or digest, or C(Deleted), an image's id or a layer's chain id.
  returned: success
  type: list
  elements: dict
  sample:
    - Deleted: sha256:2d3f2d1e9a6d1c2f1a8c8f0e0a4b4f5c6d7e8f90a1b2c3d4e5f60718293a4b5c
networks:
  description: The names of the networks that were removed, or in check mode would be.
  returned: success
  type: list
  elements: str
  sample: [old]
images_space_reclaimed:
  description: The bytes of the unpacked layers that went with the images.
  returned: success
  type: int
  sample: 4261550
volumes:
  description: The names of the volumes that were removed, or in check mode would be.
  returned: success
  type: list
  elements: str
  sample: []
volumes_space_reclaimed:
  description: The disk space their files took, in bytes.
  returned: success
  type: int
  sample: 0
builder_cache_caches_deleted:
  description: The keys of the steps and the names of the cache mounts that were removed.
  returned: success
  type: list
  elements: str
  sample: []
builder_cache_space_reclaimed:
  description: The disk space they took, in bytes.
  returned: success
  type: int
  sample: 0
"""

from ansible_collections.slipway.engine.plugins.module_utils import _task
from ansible_collections.slipway.engine.plugins.module_utils._runtime.resource.prune import (
    RESOURCE,
    declare,
)


def main() -> None:
    _task.converge(
        {
            "containers": {"type": "bool", "default": False},
            "containers_filters": {"type": "dict"},
            "images": {"type": "bool", "default": False},
            "images_filters": {"type": "dict"},
            "networks": {"type": "bool", "default": False},
            "networks_filters": {"type": "dict"},
            "volumes": {"type": "bool", "default": False},
            "volumes_filters": {"type": "dict"},
            "builder_cache": {"type": "bool", "default": False},
            "builder_cache_all": {"type": "bool", "default": False},
            "builder_cache_filters": {"type": "dict"},
            "builder_cache_keep_storage": {"type": "str"},
        },
        declare,
        RESOURCE,
    )


if __name__ == "__main__":
    main()
