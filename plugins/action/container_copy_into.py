# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The action plugin of container_copy_into: files and directories on the controller.

They are sent to the host as one tar in the task's temporary directory, where the module unpacks it
and Ansible removes both. So their modes and links are preserved, and their size does not matter.
"""

from __future__ import annotations

import os
import tarfile
import tempfile
from pathlib import Path
from typing import Any

from ansible import constants as C
from ansible.errors import AnsibleActionFail, AnsibleError

from ansible_collections.slipway.engine.plugins.module_utils._runtime.text import veil
from ansible_collections.slipway.engine.plugins.plugin_utils._predictions import PredictingAction


class ActionModule(PredictingAction):
    """Runs the module with what ``src`` names sent to the host."""

    def run(self, tmp: Any = None, task_vars: Any = None) -> dict[str, Any]:
        result = self._sent(task_vars)
        diff = result.get("diff")
        if isinstance(diff, dict) and diff.pop("veiled", False):
            for side in ("before", "after"):
                if side in diff:
                    diff[side] = veil.unveil(diff[side])
        return result

    def _sent(self, task_vars: Any) -> dict[str, Any]:
        src = self._task.args.get("src")
        # Of several of them together, or an empty one, the module itself complains.
        if not src or self._task.args.get("path") or self._task.args.get("content") is not None:
            return super().run(None, task_vars)
        if self._task.async_val:
            raise AnsibleActionFail("a file on the controller cannot be copied asynchronously")
        try:
            found = self._find_needle("files", str(src))
        except AnsibleError as exc:
            raise AnsibleActionFail(f"{src} does not exist on the controller") from exc
        if boolean_of(self._task.args.get("local_follow"), default=True):
            found = os.path.realpath(found)
        shell = self._connection._shell
        if not shell.tmpdir:
            self._make_tmp_path()
        remote = shell.join_path(shell.tmpdir, "copied")
        with tempfile.TemporaryDirectory(dir=C.DEFAULT_LOCAL_TMP) as directory:
            archive = Path(directory) / "copied"
            _pack(found, archive)
            self._transfer_file(str(archive), remote)
        self._fixup_perms2((shell.tmpdir, remote))
        arguments = self._task.args
        self._task.args = {**arguments, "_archive": remote}
        try:
            return super().run(None, task_vars)
        finally:
            self._task.args = arguments


def boolean_of(value: Any, default: bool) -> bool:
    """An option that is true or false, before Ansible has read it."""
    if value is None:
        return default
    return str(value).lower() not in ("false", "no", "off", "0", "f", "n")


def _pack(source: str, archive: Path) -> None:
    """Write a file, link or directory as the entry ``copied`` of a tar."""

    def plain(info: tarfile.TarInfo) -> Any:
        # The owners of the controller mean nothing on the host.
        info.uid = info.gid = 0
        info.uname = info.gname = ""
        return info

    with tarfile.open(archive, "w", format=tarfile.PAX_FORMAT) as tar:
        tar.add(source, "copied", filter=plain)
