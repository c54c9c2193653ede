#!/usr/bin/python
# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: volume_info
short_description: Inspect a volume
version_added: 0.2.0
author:
  - The slipway.engine authors (@slipway-engine)
description:
  - Returns what C(docker volume inspect) shows of a volume. The options are those of
    M(community.docker.docker_volume_info).
extends_documentation_fragment:
  - slipway.engine.attributes.info
options:
  name:
    description:
      - Name of the volume.
    type: str
    required: true
    aliases: [volume_name]
seealso:
  - module: slipway.engine.volume
"""

EXAMPLES = r"""
- name: Inspect a volume
  slipway.engine.volume_info:
    name: data
  register: data

- name: Show its path
  ansible.builtin.debug:
    msg: "{{ data.volume.Mountpoint if data.exists else 'not there' }}"
"""

RETURN = r"""
exists:
  description: Whether the volume exists.
  returned: success
  type: bool
  sample: true
volume:
  description:
    - The volume in the shape of C(docker volume inspect), or V(null) if there is none. C(Options)
      has all driver options, including passwords.
  returned: success
  type: dict
  sample:
    CreatedAt: "2026-01-31T12:00:00Z"
    Driver: local
    Labels:
      backup: daily
    Mountpoint: /var/lib/slipway/volumes/data/_data
    Name: data
    Options: {}
    Scope: local
"""

from ansible_collections.slipway.engine.plugins.module_utils import _task
from ansible_collections.slipway.engine.plugins.module_utils._runtime.resource.volume import decide

ARGUMENT_SPEC = {"name": {"type": "str", "required": True, "aliases": ["volume_name"]}}


def main() -> None:
    _task.inform(ARGUMENT_SPEC, decide.gather)


if __name__ == "__main__":
    main()
