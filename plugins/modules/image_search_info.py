#!/usr/bin/python
# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: image_search_info
short_description: Search registries for images
version_added: 0.1.0
author:
  - The slipway.engine authors (@slipway-engine)
description:
  - Searches Docker Hub, or lists the repositories of another registry.
  - Registries with Docker Hub's search API are searched with it. For others the catalogue is read,
    and the term is matched against parts of the names.
extends_documentation_fragment:
  - slipway.engine.attributes.info
  - slipway.engine.registry
options:
  term:
    description:
      - The search term.
      - As with C(docker search), it may begin with a registry, as in
        V(registry.example.org:5000/web).
      - An empty term lists the whole catalogue of a registry other than Docker Hub.
    type: str
    required: true
  registry:
    description: The registry to search. The default is docker.io.
    type: str
  limit:
    description: Maximum number of results, from 1 to 100.
    type: int
    default: 25
  filters:
    description: Filters for the results.
    type: dict
    suboptions:
      stars:
        description: Minimum number of stars.
        type: int
        default: 0
      is_official:
        description: Official images only.
        type: bool
        default: false
"""

EXAMPLES = r"""
- name: Search for popular web servers
  slipway.engine.image_search_info:
    term: nginx
    filters:
      stars: 100

- name: List all repositories of a private registry
  slipway.engine.image_search_info:
    term: ""
    registry: registry.example.org:5000
    limit: 100
"""

RETURN = r"""
results:
  description:
    - The results, most stars first. For a catalogue only the names are known.
  returned: success
  type: list
  elements: dict
  contains:
    name:
      description: The repository, as it can be pulled.
      type: str
      sample: nginx
    description:
      description: The description by its owner.
      type: str
    star_count:
      description: The number of stars.
      type: int
    is_official:
      description: Whether it is an official image.
      type: bool
"""

from ansible_collections.slipway.engine.plugins.module_utils import _task
from ansible_collections.slipway.engine.plugins.module_utils._runtime.resource.image.remote import (
    image_search_info,
)


def main() -> None:
    _task.inform(
        {
            "term": {"type": "str", "required": True},
            "registry": {"type": "str"},
            "limit": {"type": "int", "default": 25},
            "filters": {
                "type": "dict",
                "options": {
                    "stars": {"type": "int", "default": 0},
                    "is_official": {"type": "bool", "default": False},
                },
            },
            "username": {"type": "str"},
            "password": {"type": "str", "no_log": True},
            "insecure_registry": {"type": "bool"},
            "ca_path": {"type": "path"},
        },
        image_search_info.gather,
        required_together=[("username", "password")],
    )


if __name__ == "__main__":
    main()
