#!/usr/bin/python
# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: compose_exec
short_description: Run a command in a container of a service
version_added: 0.3.0
author:
  - The slipway.engine authors (@slipway-engine)
description:
  - Runs a command in a running container of a service, as C(docker compose exec) does, and returns
    its output.
  - The names and meanings of the options are those of
    M(community.docker.docker_compose_v2_exec).
  - As with any module, Ansible treats a RV(rc) other than V(0) as a failure unless C(failed_when)
    says otherwise.
requirements:
  - PyYAML on the host
extends_documentation_fragment:
  - slipway.engine.attributes
  - slipway.engine.command
  - slipway.engine.compose
attributes:
  check_mode:
    support: none
    details:
      - The effect of a command cannot be predicted, so the task is skipped.
  diff_mode:
    support: none
  idempotent:
    support: none
    details:
      - The command runs every time.
  platform:
    support: full
    platforms: linux
options:
  service:
    description:
      - The service to run the command in a container of.
    type: str
    required: true
  index:
    description:
      - The number of the container, if the service has several. The default is the first one.
    type: int
  argv:
    description:
      - The command and its arguments, each an element of the list, without quoting.
      - Exactly one of O(argv) and O(command) is required.
    type: list
    elements: str
  tty:
    description:
      - Has no effect. A task has no terminal to give, so RV(stdout) and RV(stderr) are apart, as
        they are with M(community.docker.docker_compose_v2_exec).
    type: bool
    default: true
  privileged:
    description:
      - Give the command all capabilities that the host has.
    type: bool
    default: false
seealso:
  - module: slipway.engine.compose
  - module: slipway.engine.container_exec
  - module: community.docker.docker_compose_v2_exec
"""

EXAMPLES = r"""
- name: Load a schema into the database of a project
  slipway.engine.compose_exec:
    project_src: /srv/shop
    service: db
    argv: [psql, --username, app, --file, /srv/schema.sql]
  register: loaded

- name: Expand variables of the container in a shell
  slipway.engine.compose_exec:
    project_src: /srv/shop
    service: web
    command: /bin/sh -c "echo $HOME"
    chdir: /srv
"""

RETURN = r"""
stdout:
  description: What the command wrote to its standard output.
  returned: success and O(detach=false)
  type: str
  sample: done
stderr:
  description: >-
    What it wrote to its standard error; or why it could not be run, when RV(rc) is 126 or 127.
  returned: success and O(detach=false)
  type: str
  sample: ""
rc:
  description: >-
    The exit status. 127 when there is no such command in the container, 126 when it cannot be
    executed, 128 and the number of the signal when one ended it.
  returned: success and O(detach=false)
  type: int
  sample: 0
msg:
  description: How the command ended, with the last line it wrote.
  returned: when RV(rc) is not 0
  type: str
  sample: "the command in container shop-db-1 exited with 3: cannot connect"
truncated:
  description: Whether more was written than O(output_limit) allows.
  returned: success and O(detach=false)
  type: bool
  sample: false
"""

import os
from typing import Any

from ansible_collections.slipway.engine.plugins.module_utils import _task
from ansible_collections.slipway.engine.plugins.module_utils._runtime.plan.plan import Host
from ansible_collections.slipway.engine.plugins.module_utils._runtime.resource.compose import (
    declare,
    executing,
    options,
)
from ansible_collections.slipway.engine.plugins.module_utils._runtime.resource.container import (
    command,
)

ARGUMENT_SPEC = {
    **options.OF_PROJECTS,
    "service": {"type": "str", "required": True},
    "index": {"type": "int"},
    **command.IN_PROJECTS,
    "privileged": {"type": "bool", "default": False},
}


def act(host: Host, params: dict[str, Any]) -> dict[str, Any]:
    asked = declare.asked_of(params, dict(os.environ))
    return executing.perform(host, asked, params)


def main() -> None:
    _task.perform(
        ARGUMENT_SPEC,
        act,
        secrets=declare.secrets,
        mutually_exclusive=[*options.EXCLUSIVE, ("argv", "command")],
        required_one_of=[*options.ONE_OF, ("argv", "command")],
        required_by=options.BY_DEFINITION,
    )


if __name__ == "__main__":
    main()
