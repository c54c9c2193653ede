# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The action plugin of image_push: what was pushed is signed on the controller."""

from __future__ import annotations

from typing import Any

from ansible.errors import AnsibleActionFail

from ansible_collections.slipway.engine.plugins.plugin_utils._signing import SHARED, SigningAction


class ActionModule(SigningAction):
    """Pushes without the key, then signs."""

    def run(self, tmp: Any = None, task_vars: Any = None) -> dict[str, Any]:
        arguments = self._task.args
        sign = arguments.get("sign")
        if not sign:
            return super().run(tmp, task_vars)
        if not isinstance(sign, dict) or set(sign) - {"key", "passphrase"} or not sign.get("key"):
            raise AnsibleActionFail("sign needs key, and may have passphrase")
        self._task.args = {name: value for name, value in arguments.items() if name != "sign"}
        try:
            pushed = super().run(tmp, task_vars)
        finally:
            self._task.args = arguments
        if pushed.get("failed"):
            return pushed
        signed = self.sign(
            {name: arguments[name] for name in SHARED if name in arguments},
            sign["key"],
            sign.get("passphrase"),
        )
        if signed.get("failed"):
            return {**pushed, **signed, "changed": pushed["changed"]}
        return {
            **pushed,
            "changed": pushed["changed"] or signed["changed"],
            "actions": [*pushed["actions"], *signed["actions"]],
            "warnings": [*pushed.get("warnings", ()), *signed.get("warnings", ())],
        }
