#!/usr/bin/python
# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: compose_run
short_description: Run a command in a new container of a service
version_added: 0.3.0
author:
  - The slipway.engine authors (@slipway-engine)
description:
  - Runs a command in a container of its own that is like those of a service, as
    C(docker compose run) does, and returns its output. The networks, volumes and images it needs
    are made first, and the services that it depends on are started.
  - The names and meanings of the options are those of M(community.docker.docker_compose_v2_run).
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
      - The service that the container is like.
    type: str
    required: true
  argv:
    description:
      - The command and its arguments, each an element of the list, without quoting.
      - The default is the command of the service. At most one of O(argv) and O(command) can be
        given.
    type: list
    elements: str
  entrypoint:
    description:
      - The entrypoint in place of the service's, split as by a shell. The command of the service
        does not apply then.
    type: str
  name:
    description:
      - The name of the container. The default is made of the project, the service and a random
        number.
    type: str
  cleanup:
    description:
      - Remove the container at its end, as C(docker compose run --rm) does. Otherwise it stays.
    type: bool
    default: false
  build:
    description:
      - Build the image of the service first, if it has a C(build).
    type: bool
    default: false
  quiet_pull:
    description:
      - Has no effect. What is pulled is not part of the output.
    type: bool
    default: false
  no_deps:
    description:
      - Do not start the services that the service depends on.
    type: bool
    default: false
  remove_orphans:
    description:
      - Remove the containers of services that the files no longer declare.
    type: bool
    default: false
  cap_add:
    description:
      - Capabilities that the container has besides those of the service.
    type: list
    elements: str
  cap_drop:
    description:
      - Capabilities that the container does not have.
    type: list
    elements: str
  labels:
    description:
      - Labels of the container besides those of the service, each as V(NAME=VALUE).
    type: list
    elements: str
  volumes:
    description:
      - Volumes besides those of the service, each as V(SOURCE:TARGET[:OPTIONS]).
    type: list
    elements: str
  publish:
    description:
      - Ports to publish. Those of the service are not, unless O(service_ports=true).
    type: list
    elements: str
  service_ports:
    description:
      - Publish the ports of the service. Cannot be combined with O(publish).
    type: bool
    default: false
  use_aliases:
    description:
      - Give the container the names that the service has on its networks.
    type: bool
    default: false
  interactive:
    description:
      - Keep the standard input of the container open until O(stdin) has been read.
    type: bool
    default: true
  tty:
    description:
      - Has no effect. A task has no terminal to give, so RV(stdout) and RV(stderr) are apart, as
        they are with M(community.docker.docker_compose_v2_run).
    type: bool
    default: true
seealso:
  - module: slipway.engine.compose
  - module: slipway.engine.compose_exec
  - module: community.docker.docker_compose_v2_run
"""

EXAMPLES = r"""
- name: Migrate the database of a project, and leave no container behind
  slipway.engine.compose_run:
    project_src: /srv/shop
    service: web
    command: migrate-database
    cleanup: true
  register: migrated

- name: Give a command its input
  slipway.engine.compose_run:
    project_src: /srv/shop
    service: web
    argv: [/bin/sh, -c, "cat > /dev/null"]
    stdin: "{{ app_password }}"
    no_deps: true
    cleanup: true
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
container_id:
  description: The ID of the container that was started.
  returned: success and O(detach=true)
  type: str
  sample: 44a7d607219a60b7db0a4817fb3205dce46e91df2cb4b78a6100b6e27b0d3135
"""

import os
from typing import Any

from ansible_collections.slipway.engine.plugins.module_utils import _task
from ansible_collections.slipway.engine.plugins.module_utils._runtime.cli.installing import (
    with_program,
)
from ansible_collections.slipway.engine.plugins.module_utils._runtime.plan.converge import converge
from ansible_collections.slipway.engine.plugins.module_utils._runtime.plan.plan import Host
from ansible_collections.slipway.engine.plugins.module_utils._runtime.resource.compose import (
    decide,
    declare,
    one_off,
    options,
    running,
)
from ansible_collections.slipway.engine.plugins.module_utils._runtime.resource.container import (
    command,
)
from ansible_collections.slipway.engine.plugins.module_utils._runtime.resource.container import (
    decide as container_decide,
)

ARGUMENT_SPEC = {
    **options.OF_PROJECTS,
    "service": {"type": "str", "required": True},
    **command.IN_PROJECTS,
    "entrypoint": {"type": "str"},
    "name": {"type": "str"},
    "cleanup": {"type": "bool", "default": False},
    "build": {"type": "bool", "default": False},
    "quiet_pull": {"type": "bool", "default": False},
    "no_deps": {"type": "bool", "default": False},
    "remove_orphans": {"type": "bool", "default": False},
    "cap_add": {"type": "list", "elements": "str"},
    "cap_drop": {"type": "list", "elements": "str"},
    "labels": {"type": "list", "elements": "str"},
    "volumes": {"type": "list", "elements": "str"},
    "publish": {"type": "list", "elements": "str"},
    "service_ports": {"type": "bool", "default": False},
    "use_aliases": {"type": "bool", "default": False},
    "interactive": {"type": "bool", "default": True},
}


def act(host: Host, params: dict[str, Any]) -> dict[str, Any]:
    command = one_off.command_of(params)
    asked = declare.asked_of(params, dict(os.environ))
    project = with_program(decide.RESOURCE, decide.needs_program)
    converge(host, project, one_off.around(asked, command, host.layout))
    declared = one_off.container(asked, command, host.layout)
    container = with_program(container_decide.RESOURCE)
    made = converge(host, container, declared)[1].inner
    return running.perform(host, made.id, command.remove, params, f"container {declared.name}")


def main() -> None:
    _task.perform(
        ARGUMENT_SPEC,
        act,
        secrets=declare.secrets,
        mutually_exclusive=[*options.EXCLUSIVE, ("argv", "command")],
        required_one_of=options.ONE_OF,
        required_by=options.BY_DEFINITION,
    )


if __name__ == "__main__":
    main()
