# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The action plugin of image_load: archives on the controller.

An archive's documents are enough to plan by, so they go to the host first, as an archive without
layers, and the module says in check mode what it would load of it. Only if there is something to
load is the whole archive sent. Both are in the task's temporary directory, which is removed after
each run of the module.
"""

from __future__ import annotations

import os
import tempfile
from pathlib import Path
from typing import Any

from ansible import constants as C
from ansible.errors import AnsibleActionFail, AnsibleError

from ansible_collections.slipway.engine.plugins.module_utils._runtime.base.errors import Error
from ansible_collections.slipway.engine.plugins.module_utils._runtime.image.archive import (
    inventory,
    members,
    save,
)
from ansible_collections.slipway.engine.plugins.plugin_utils._predictions import PredictingAction


class ActionModule(PredictingAction):
    """Runs the module with what ``src`` names sent to the host as its ``path``."""

    def run(self, tmp: Any = None, task_vars: Any = None) -> dict[str, Any]:
        src = self._task.args.get("src")
        # Of both together, or an empty one, the module itself complains.
        if not src or self._task.args.get("path"):
            return super().run(tmp, task_vars)
        if self._task.async_val:
            raise AnsibleActionFail("an archive on the controller cannot be loaded asynchronously")
        try:
            found = Path(self._find_needle("files", str(src)))
        except AnsibleError as exc:
            raise AnsibleActionFail(f"{src} does not exist on the controller") from exc
        with tempfile.TemporaryDirectory(dir=C.DEFAULT_LOCAL_TMP) as directory:
            head = Path(directory) / "head"
            try:
                _write_head(found, head)
            except Error as exc:
                raise AnsibleActionFail(str(exc)) from exc
            result = self._run_with(head, found, task_vars, check_mode=True)
        if self._task.check_mode or result.get("failed") or not result.get("changed"):
            return result
        return self._run_with(found, found, task_vars, check_mode=False)

    def _run_with(self, file: Path, src: Path, task_vars: Any, check_mode: bool) -> dict[str, Any]:
        """Send a file, and run the module on it. Whatever it says names ``src``."""
        shell = self._connection._shell
        if not shell.tmpdir:
            self._make_tmp_path()
        remote = shell.join_path(shell.tmpdir, "archive")
        self._transfer_file(str(file), remote)
        self._fixup_perms2((shell.tmpdir, remote))
        arguments, mode = self._task.args, self._task.check_mode
        own = {key: value for key, value in arguments.items() if key != "src"}
        self._task.args = {**own, "path": remote}
        self._task.check_mode = check_mode or mode
        try:
            result = super().run(None, task_vars)
        finally:
            self._task.args, self._task.check_mode = arguments, mode
        if isinstance(result.get("msg"), str):
            result["msg"] = result["msg"].replace(remote, str(src))
        return result


def _write_head(path: Path, head: Path) -> None:
    """Write an archive of another one's documents, for a host that is to say what it lacks."""
    if path.is_dir():
        raise Error(f"{path} is a directory", hint="src must be an archive; create one with tar")
    spool = Path(C.DEFAULT_LOCAL_TMP)
    with members.opened(path, spool, whole=False) as there:
        documents = inventory.head(there)
    fd = os.open(head, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    try:
        save.write_documents(documents, fd)
    finally:
        os.close(fd)
