#!/usr/bin/python
# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: container_logs_info
short_description: Return the logs of a container
version_added: 0.2.0
author:
  - The slipway.engine authors (@slipway-engine)
description:
  - Returns what the main process of a container wrote to its standard output and error, as C(docker
    logs) does, even after the container has exited.
extends_documentation_fragment:
  - slipway.engine.attributes.info
options:
  container:
    description:
      - Name, ID or ID prefix of the container.
    type: str
    required: true
  tail:
    description:
      - Number of lines to return from the end; all by default.
    type: int
  since:
    description:
      - Only return what was written since this time, given as a time span before now such as V(10m)
        or V(1h30m), as a time such as V(2026-01-31T12:00:00Z), or in seconds since 1970.
    type: str
  until:
    description:
      - Only return what was written before this time, in the formats of O(since).
    type: str
  timestamps:
    description:
      - Prefix each line with the time at which it was started.
    type: bool
    default: false
  stdout:
    description:
      - Return the standard output.
    type: bool
    default: true
  stderr:
    description:
      - Return the standard error.
    type: bool
    default: true
  limit:
    description:
      - Maximum number of bytes to return, the newest ones; RV(truncated) is set if there were more.
    type: int
    default: 10485760
seealso:
  - module: slipway.engine.container
  - module: slipway.engine.container_info
"""

EXAMPLES = r"""
- name: Get the output of the last ten minutes
  slipway.engine.container_logs_info:
    container: web
    since: 10m
  register: said

- name: Show the last errors
  slipway.engine.container_logs_info:
    container: web
    stdout: false
    tail: 20
"""

RETURN = r"""
log:
  description: The output, both streams in order, unchanged if it is UTF-8.
  returned: success
  type: str
  sample: "listening on port 80\n"
lines:
  description: The same as a list of lines, without line ends.
  returned: success
  type: list
  elements: str
  sample: [listening on port 80]
truncated:
  description: Whether older lines were omitted because of O(limit).
  returned: success
  type: bool
  sample: false
"""

from ansible_collections.slipway.engine.plugins.module_utils import _task
from ansible_collections.slipway.engine.plugins.module_utils._runtime.container.status.logs import (
    gather,
)

ARGUMENT_SPEC = {
    "container": {"type": "str", "required": True},
    "tail": {"type": "int"},
    "since": {"type": "str"},
    "until": {"type": "str"},
    "timestamps": {"type": "bool", "default": False},
    "stdout": {"type": "bool", "default": True},
    "stderr": {"type": "bool", "default": True},
    "limit": {"type": "int", "default": 10 << 20},
}


def main() -> None:
    _task.inform(ARGUMENT_SPEC, gather)


if __name__ == "__main__":
    main()
