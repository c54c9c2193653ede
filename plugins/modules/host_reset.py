#!/usr/bin/python
# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: host_reset
short_description: Remove everything the collection keeps on a host
version_added: 0.3.0
author:
  - The slipway.engine authors (@slipway-engine)
description:
  - Removes all containers, running ones too, networks, images and volumes, the bridges, the table
    of the firewall, the service that starts containers at boot, the program C(slipway) and the
    directories C(/var/lib/slipway) and C(/run/slipway).
  - The packages that the role P(slipway.engine.host#role) installed stay.
  - Nothing is removed when a named volume is there and O(volumes) is V(false).
extends_documentation_fragment:
  - slipway.engine.attributes
attributes:
  check_mode:
    support: full
    details:
      - What earlier tasks of the same check-mode run would have made is not counted.
  diff_mode:
    support: full
  idempotent:
    support: full
  platform:
    support: full
    platforms: linux
options:
  volumes:
    description: Whether named volumes may be removed with their data.
    type: bool
    default: false
  configuration:
    description:
      - Whether C(/etc/slipway) is removed too, with logins, keys and the policy of signatures.
    type: bool
    default: false
seealso:
  - module: slipway.engine.prune
"""

EXAMPLES = r"""
- name: Take everything off this host, the data of volumes and the logins included
  slipway.engine.host_reset:
    volumes: true
    configuration: true
"""

RETURN = r"""
actions:
  description: What was done, or in check mode what would be done.
  returned: success
  type: list
  elements: str
  sample: ["remove container web", "remove 3 images"]
"""

from ansible_collections.slipway.engine.plugins.module_utils import _task
from ansible_collections.slipway.engine.plugins.module_utils._runtime.program import uninstall


def main() -> None:
    _task.converge(
        {
            "volumes": {"type": "bool", "default": False},
            "configuration": {"type": "bool", "default": False},
        },
        uninstall.declare,
        uninstall.RESOURCE,
    )


if __name__ == "__main__":
    main()
