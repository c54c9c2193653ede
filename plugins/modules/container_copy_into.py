#!/usr/bin/python
# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: container_copy_into
short_description: Copy files into a container
version_added: 0.1.0
author:
  - The slipway.engine authors (@slipway-engine)
description:
  - Copies a file, a link or a directory with its content into a container, into its own filesystem
    or a volume, whether the container is running, paused, stopped or only created.
  - The processes of the container are frozen meanwhile, and nothing in the container is executed.
  - The names and meanings of the options are those of
    M(community.docker.docker_container_copy_into). O(src) and directories are supported in
    addition.
extends_documentation_fragment:
  - slipway.engine.attributes
  - slipway.engine.progress
attributes:
  check_mode:
    support: full
  diff_mode:
    support: full
    details:
      - Shows the text of a file before and after, as M(ansible.builtin.copy) does, of up to
        C(MAX_FILE_SIZE_FOR_DIFF) bytes; of a directory the SHA-256 of each file. If the content is
        secret, set C(diff=false) or C(no_log=true) for the task.
  idempotent:
    support: partial
    details:
      - Extended attributes and times are copied, and not compared.
      - O(force=true) writes the files on every run.
  platform:
    support: full
    platforms: linux
options:
  container:
    description:
      - Name or id of the container.
    type: str
    required: true
  path:
    description:
      - A file, link or directory on the host to copy.
      - Exactly one of O(path), O(src) and O(content) is required.
    type: path
  src:
    description:
      - A file or directory on the controller to copy, searched for as by M(ansible.builtin.copy).
    type: path
  content:
    description:
      - The content of the file.
    type: str
  content_is_b64:
    description:
      - O(content) is Base64, for files that are not text.
    type: bool
    default: false
  container_path:
    description:
      - The absolute path in the container of the file or directory itself, not of a directory to
        put it in. Its parent directory must exist.
      - An existing directory keeps its other content. A file replaces an empty directory; a
        directory that is not empty is an error.
    type: str
    required: true
  follow:
    description:
      - Write to the target of a link at O(container_path) instead of replacing the link. Links in
        its parent directories are always followed, within the container.
    type: bool
    default: false
  local_follow:
    description:
      - Copy the target of a link at O(path) or O(src) instead of the link. Links in a directory are
        copied as links.
    type: bool
    default: true
  owner_id:
    description:
      - The user ID that owns the files. By default that of the user the container runs as, which is
        looked up in the container's files.
    type: int
  group_id:
    description:
      - The group ID of the files. By default that of the user the container runs as.
    type: int
  mode:
    description:
      - The mode of files, interpreted according to O(mode_parse).
      - By default that of the file at O(path) or O(src). With O(content), that of the file in the
        container, or V("0644") for a new one.
    type: raw
  directory_mode:
    description:
      - The mode of directories that are created, interpreted according to O(mode_parse). By default
        that of the source.
      - Existing directories keep theirs.
    type: raw
  mode_parse:
    description:
      - How O(mode) is interpreted.
    type: str
    choices:
      modern:
        - A string is an octal number, such as V("0644"); a number is used as it is.
        - This is how M(ansible.builtin.copy) interprets its option.
      legacy:
        - A string is a decimal number, as is the default of
          M(community.docker.docker_container_copy_into).
      octal_string_only:
        - A string is an octal number, and a number is an error.
    default: modern
  force:
    description:
      - V(true) writes the files even if nothing differs, V(false) only if O(container_path) does
        not exist.
    type: bool
seealso:
  - module: slipway.engine.container
  - module: slipway.engine.container_copy_from
"""

EXAMPLES = r"""
- name: Copy a page to a web server
  slipway.engine.container_copy_into:
    container: web
    container_path: /srv/index.html
    content: |
      <h1>It runs</h1>
    mode: "0644"

- name: Copy a site from the controller
  slipway.engine.container_copy_into:
    container: web
    src: site
    container_path: /srv/www
    owner_id: 33
    group_id: 33
"""

RETURN = r"""
container_path:
  description: The path in the container, with O(follow=true) the target of the link.
  returned: success
  type: str
  sample: /srv/index.html
actions:
  description: What was done, or in check mode what would be done, in order.
  returned: success
  type: list
  elements: str
  sample: [write /srv/index.html in container web]
"""

from ansible_collections.slipway.engine.plugins.module_utils import _task
from ansible_collections.slipway.engine.plugins.module_utils._runtime.resource import (
    container_copy_into,
)

ARGUMENT_SPEC = {
    "container": {"type": "str", "required": True},
    "path": {"type": "path"},
    "src": {"type": "path"},
    "content": {"type": "str", "no_log": True},
    "content_is_b64": {"type": "bool", "default": False},
    "container_path": {"type": "str", "required": True},
    "follow": {"type": "bool", "default": False},
    "local_follow": {"type": "bool", "default": True},
    "owner_id": {"type": "int"},
    "group_id": {"type": "int"},
    "mode": {"type": "raw"},
    "directory_mode": {"type": "raw"},
    "mode_parse": {
        "type": "str",
        "choices": ["modern", "legacy", "octal_string_only"],
        "default": "modern",
    },
    "force": {"type": "bool"},
}


def main() -> None:
    _task.converge(
        {**_task.PROGRESS, **ARGUMENT_SPEC},
        container_copy_into.declare,
        container_copy_into.RESOURCE,
        mutually_exclusive=[("path", "content", "src")],
        required_one_of=[("path", "content", "src")],
    )


if __name__ == "__main__":
    main()
