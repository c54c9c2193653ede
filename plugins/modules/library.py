#!/usr/bin/python
# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

DOCUMENTATION = r"""
module: library
short_description: Run the other modules of the collection from the host
version_added: 0.2.0
author:
  - The slipway.engine authors (@slipway-engine)
description:
  - This module is not for playbooks. The collection's action plugin sends it instead of the module
    of a task, so that the Python code of the collection is sent to each host once and not with
    every task.
  - It runs the named module with the task's options, from the copy of the collection that the host
    keeps in C(/var/lib/slipway/program), and reports if the host has no such copy.
extends_documentation_fragment:
  - slipway.engine.attributes
attributes:
  check_mode:
    support: full
    details:
      - A task in check mode keeps nothing on the host.
  diff_mode:
    support: none
    details:
      - Supported by the module it runs.
  idempotent:
    support: full
  platform:
    support: full
    platforms: linux
options: {}
seealso:
  - module: slipway.engine.container
"""

EXAMPLES = r"""
- name: This module is sent instead of the container module
  slipway.engine.container:
    name: web
    state: started
"""

RETURN = r"""
library:
  description: V(missing) when the host has no copy of the collection as the controller has it.
  returned: when no other module was run
  type: str
  sample: missing
"""

import importlib
import sys
from typing import Any

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.slipway.engine.plugins.module_utils import _library


class _Library(AnsibleModule):
    """Hands over to the module that was asked for as soon as the parameters are read."""

    params: dict[str, Any]

    def _load_params(self) -> None:
        super()._load_params()
        asked = self.params.pop("_library", None)
        if not asked:
            return
        self.params = {key: value for key, value in self.params.items() if key[:9] == "_ansible_"}
        found = _library.find(asked["digest"], asked.get("sent", ""))
        if found is not None:
            found.keeps = not self.params.get("_ansible_check_mode", False)
            sys.meta_path.insert(0, found)
            # Its AnsibleModule reads the parameters again, and ends the process.
            importlib.import_module(f"{_library.PACKAGE}.modules.{asked['module']}").main()


def main() -> None:
    module = _Library(argument_spec={}, supports_check_mode=True)
    module.exit_json(changed=False, library="missing")


if __name__ == "__main__":
    main()
