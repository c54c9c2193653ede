#!/usr/bin/python
# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: container_exec
short_description: Run a command in a running container
version_added: 0.2.0
author:
  - The slipway.engine authors (@slipway-engine)
description:
  - Runs a command in a running container, as C(docker exec) does, and returns its output.
  - The names and meanings of the options are those of
    M(community.docker.docker_container_exec).
  - As with any module, Ansible treats a RV(rc) other than V(0) as a failure unless C(failed_when)
    says otherwise.
  - The command has the limits and privileges of the container, none of them inheritable. Its
    environment and input appear in no argument list, log or result.
extends_documentation_fragment:
  - slipway.engine.attributes
  - slipway.engine.command
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
  container:
    description:
      - Name, ID or ID prefix of the container.
    type: str
    required: true
  argv:
    description:
      - The command and its arguments, each an element of the list, without quoting.
      - Exactly one of O(argv) and O(command) is required.
    type: list
    elements: str
  tty:
    description:
      - Allocate a terminal for the command. All of its output is then in RV(stdout).
    type: bool
    default: false
seealso:
  - module: slipway.engine.container
  - module: community.docker.docker_container_exec
"""

EXAMPLES = r"""
- name: Load a schema
  slipway.engine.container_exec:
    container: db
    argv: [psql, --username, app, --file, /srv/schema.sql]
    user: postgres
  register: loaded

- name: Expand variables of the container in a shell
  slipway.engine.container_exec:
    container: web
    command: /bin/sh -c "echo $HOME"
    chdir: /srv

- name: Pass a secret through standard input
  slipway.engine.container_exec:
    container: db
    argv: [app-set-password]
    stdin: "{{ app_password }}"
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
  sample: "the command in container db exited with 3: psql: could not connect"
truncated:
  description: Whether more was written than O(output_limit) allows.
  returned: success and O(detach=false)
  type: bool
  sample: false
exec_id:
  description: A number of its own for a command that was started.
  returned: success and O(detach=true)
  type: str
  sample: 249d9e3075655baf705ed8f40488c5e9434049cf3431976f1bfdb73741c574c5
"""

from typing import Any

from ansible_collections.slipway.engine.plugins.module_utils import _task
from ansible_collections.slipway.engine.plugins.module_utils._runtime.plan.plan import Host
from ansible_collections.slipway.engine.plugins.module_utils._runtime.records import (
    container_record,
)
from ansible_collections.slipway.engine.plugins.module_utils._runtime.resource.container import (
    command,
)

ARGUMENT_SPEC = {
    "container": {"type": "str", "required": True},
    **command.OPTIONS,
}


def act(host: Host, params: dict[str, Any]) -> dict[str, Any]:
    command.check(params)
    container_id = container_record.identify(host.layout, params["container"])
    called = f"container {params['container']}"
    return command.perform(host, container_id, params, called)


def main() -> None:
    _task.perform(
        ARGUMENT_SPEC,
        act,
        mutually_exclusive=[("argv", "command")],
        required_one_of=[("argv", "command")],
    )


if __name__ == "__main__":
    main()
