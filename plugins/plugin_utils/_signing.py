# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Signing on the controller: the private key never goes to a host.

The module image_sign is run twice. First in check mode, with the public key alone: it says which
digest the registry has, and whether that is signed. Then, where it is not, with the signature that
was made here.
"""

from __future__ import annotations

from typing import Any

from ansible.errors import AnsibleActionFail

from ansible_collections.slipway.engine.plugins.module_utils._runtime.base.errors import Error
from ansible_collections.slipway.engine.plugins.module_utils._runtime.spec.reference import (
    parse_normalized,
)
from ansible_collections.slipway.engine.plugins.module_utils._runtime.trust import keys, payload
from ansible_collections.slipway.engine.plugins.module_utils._runtime.trust.attached import (
    Signature,
)
from ansible_collections.slipway.engine.plugins.plugin_utils._library import COLLECTION
from ansible_collections.slipway.engine.plugins.plugin_utils._predictions import PredictingAction

#: What image_sign knows of an image_push.
SHARED = ("name", "tag", "username", "password", "insecure_registry", "ca_path")


class SigningAction(PredictingAction):
    """An action that can have an image signed in its registry."""

    def sign(self, arguments: dict[str, Any], key: Any, passphrase: Any) -> dict[str, Any]:
        """Run image_sign with these arguments and a key of the controller."""
        private, word = str(key or ""), str(passphrase or "")
        try:
            public = keys.public_of(private, word)
        except Error as exc:
            raise AnsibleActionFail(str(exc)) from exc
        checking = self._task.check_mode
        found = self._run_sign({**arguments, "_signing": {"public_key": public}}, True)
        if found.get("failed") or not found.get("changed") or checking:
            return found
        data = payload.make(parse_normalized(found["reference"]), found["digest"])
        signed = Signature(data, keys.sign(data, private, word)).document()
        return self._run_sign({**arguments, "_signing": {**signed, "public_key": public}}, False)

    def _run_sign(self, arguments: dict[str, Any], checking: bool) -> dict[str, Any]:
        task = self._task
        own = task.action, task.args, task.check_mode
        task.action, task.args, task.check_mode = f"{COLLECTION}image_sign", arguments, checking
        try:
            result: dict[str, Any] = super().run(None, self._variables)
        finally:
            task.action, task.args, task.check_mode = own
        result.pop("invocation", None)
        return result

    def run(self, tmp: Any = None, task_vars: Any = None) -> dict[str, Any]:
        self._variables = task_vars
        return super().run(tmp, task_vars)
