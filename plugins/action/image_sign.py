# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The action plugin of image_sign: it signs on the controller (plugin_utils/_signing.py)."""

from __future__ import annotations

from typing import Any

from ansible.errors import AnsibleActionFail

from ansible_collections.slipway.engine.plugins.plugin_utils._signing import SigningAction


class ActionModule(SigningAction):
    """Keeps the key, and hands the module what it signed."""

    def run(self, tmp: Any = None, task_vars: Any = None) -> dict[str, Any]:
        self._variables = task_vars
        arguments = dict(self._task.args)
        key, passphrase = arguments.pop("key", None), arguments.pop("passphrase", None)
        if not key:
            raise AnsibleActionFail("missing required arguments: key")
        return self.sign(arguments, key, passphrase)
