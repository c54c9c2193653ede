#!/usr/bin/python
# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: compose_pull
short_description: Pull the images of a Compose project
version_added: 0.3.0
author:
  - The slipway.engine authors (@slipway-engine)
description:
  - Pulls the images of the services that Compose files declare, each once. The options are those of
    M(community.docker.docker_compose_v2_pull).
  - Services without C(image), and those whose C(pull_policy) is C(never) or C(build), have nothing
    to pull. An image that cannot be pulled and that its service builds is named in a warning.
requirements:
  - PyYAML on the host
extends_documentation_fragment:
  - slipway.engine.attributes
  - slipway.engine.compose
  - slipway.engine.progress
attributes:
  check_mode:
    support: full
    details:
      - The registries are asked for digests, so the prediction is exact. That differs from
        M(community.docker.docker_compose_v2_pull), which always predicts a change.
  diff_mode:
    support: full
  idempotent:
    support: full
  platform:
    support: full
    platforms: linux
options:
  policy:
    description:
      - V(always) asks the registry of each image whether its name refers to another image there,
        and pulls only in that case. A service whose C(pull_policy) is C(missing) is asked about
        only if the host lacks its image.
      - V(missing) asks only for images that the host lacks.
    type: str
    choices: [always, missing]
    default: always
  services:
    description:
      - The services whose images are pulled, by default all. Those named here are meant even if
        they have a profile that is not active.
    type: list
    elements: str
  include_deps:
    description:
      - Pull also the images of the services that those of O(services) depend on.
    type: bool
    default: false
  ignore_buildable:
    description:
      - Do not pull the images of services that have a C(build).
    type: bool
    default: false
  ignore_pull_failures:
    description:
      - Pull what can be pulled. Images that cannot are named in warnings.
    type: bool
    default: false
seealso:
  - module: slipway.engine.compose
  - module: slipway.engine.image_pull
  - module: community.docker.docker_compose_v2_pull
"""

EXAMPLES = r"""
- name: Pull what is newer than the images of the host
  slipway.engine.compose_pull:
    project_src: /srv/shop

- name: Pull the images that the web server and what it depends on lack
  slipway.engine.compose_pull:
    project_src: /srv/shop
    services: [web]
    include_deps: true
    policy: missing
"""

RETURN = r"""
actions:
  description: The images that were pulled, or in check mode would be.
  returned: success
  type: list
  elements: dict
  contains:
    what:
      description: Always C(image).
      type: str
      returned: always
      sample: image
    id:
      description: The name of the image, as the files have it.
      type: str
      returned: always
      sample: registry.example.com/app:2
    status:
      description: Always C(Pulling).
      type: str
      returned: always
      sample: Pulling
"""

import os
from typing import Any

from ansible_collections.slipway.engine.plugins.module_utils import _task
from ansible_collections.slipway.engine.plugins.module_utils._runtime.resource.compose import (
    declare as compose_declare,
)
from ansible_collections.slipway.engine.plugins.module_utils._runtime.resource.compose import (
    options,
    pulling,
)


def declare(params: dict[str, Any]) -> pulling.Declared:
    # As with docker_compose_v2_pull, what is asked for by default is what the files say.
    policy = "" if params["policy"] == "always" else params["policy"]
    asked = compose_declare.asked_of(params, dict(os.environ))
    return pulling.declare(asked, {**params, "policy": policy})


def main() -> None:
    _task.converge(
        {
            **_task.PROGRESS,
            **options.OF_PROJECTS,
            "policy": {"type": "str", "choices": ["always", "missing"], "default": "always"},
            "services": {"type": "list", "elements": "str"},
            "include_deps": {"type": "bool", "default": False},
            "ignore_buildable": {"type": "bool", "default": False},
            "ignore_pull_failures": {"type": "bool", "default": False},
        },
        declare,
        pulling.RESOURCE,
        secrets=compose_declare.secrets,
        mutually_exclusive=options.EXCLUSIVE,
        required_one_of=options.ONE_OF,
        required_by=options.BY_DEFINITION,
    )


if __name__ == "__main__":
    main()
