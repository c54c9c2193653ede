# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What one check-mode run has predicted so far, handed from task to task.

In a check-mode run nothing is created, so a later task would not find the network, image or
container an earlier one predicted. Every task of this collection therefore returns the state it
predicts, and its action plugin passes the sum of them to the next. They are kept in a file of the
controller's temporary directory of this very run (ansible.cfg ``local_tmp``), which Ansible removes
at its end: tasks of one run execute in forked workers, and a file is what these share. A real run
has no predictions at all.
"""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any, Optional

from ansible import constants as C
from ansible import context

from ansible_collections.slipway.engine.plugins.module_utils._runtime.spec.secrets import (
    HIDDEN,
    without_passwords,
)
from ansible_collections.slipway.engine.plugins.plugin_utils import (
    _docker_connection,
    _progress,
)
from ansible_collections.slipway.engine.plugins.plugin_utils._library import LibraryAction

#: Options whose values are secrets by nature though each alone is not no_log: masked in -vvv
#: output.
_SECRET_MAPS = ("env",)

#: The same for options that are texts: what a command reads.
_SECRET_TEXTS = ("stdin",)

#: Lists of dictionaries with options of other modules.
_ENTRIES = ("containers", "networks", "volumes", "images")

#: Modules of community.docker that leave alone what a task does not name. A task that says them,
#: through the redirect of playbooks/redirect.yml, means that.
MERGING = ("docker_container", "docker_network", "docker_volume")


class PredictingAction(LibraryAction):
    """The modules' action, with the predictions of a check-mode run passed in and taken out."""

    def run(self, tmp: Any = None, task_vars: Any = None) -> dict[str, Any]:
        # Ansible writes every task's arguments to the host's system log; environments hold secrets,
        # so this collection's tasks stay out of it, as with ansible.cfg's no_target_syslog.
        task_vars = {**(task_vars or {}), "ansible_no_target_syslog": True}
        store = self._store()
        arguments = self._task.args
        module = self._module().rpartition(".")[2]
        own: dict[str, Any] = {} if store is None else {"_predicted": _read(store)}
        if self._task.diff:
            own["_diff_limit"] = C.MAX_FILE_SIZE_FOR_DIFF
        written = str(self._task.action).rpartition(".")[2]
        default = {"undeclared": "keep"} if written in MERGING else {}
        try:
            with _progress.shown(self, task_vars) as told:
                meant, ignored = _docker_connection.without(module, arguments)
                self._task.args = {**default, **meant, **own, **told}
                result: dict[str, Any] = super().run(tmp, task_vars)
        finally:
            self._task.args = arguments
        predicted = result.pop("_predicted", None)
        if store is not None and predicted:
            _merge(store, predicted["states"], forget=predicted["real"])
        _mask(result)
        if ignored:
            note = _docker_connection.warning(ignored)
            result["warnings"] = [*result.get("warnings", ()), note]
        return result

    def _store(self) -> Optional[Path]:
        """The file of this host's predictions; None unless the whole run is in check mode.

        A single ``check_mode: true`` task of a real run stands between tasks that act: what it
        predicts is true only for itself.
        """
        if not context.CLIARGS.get("check"):
            return None
        return Path(C.DEFAULT_LOCAL_TMP) / f"slipway-predictions-{self.host_key()}.json"


def _read(store: Path) -> dict[str, Any]:
    try:
        predictions: dict[str, Any] = json.loads(store.read_bytes())
    except FileNotFoundError:
        return {}
    return predictions


def _merge(store: Path, states: dict[str, dict[str, Any]], forget: bool) -> None:
    """Add the predicted states; a task that really acted made its own come true, so they are
    forgotten.
    """
    predictions = _read(store)
    for kind, named in states.items():
        known = predictions.setdefault(kind, {})
        for name, state in named.items():
            known.pop(name, None)
            if not forget:
                known[name] = state
    temporary = store.with_suffix(f".{os.getpid()}")
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
    with os.fdopen(descriptor, "w") as out:
        json.dump(predictions, out)
    temporary.rename(store)


def _mask(result: dict[str, Any]) -> None:
    arguments = result.get("invocation", {}).get("module_args")
    if not isinstance(arguments, dict):
        return
    arguments.pop("_predicted", None)
    arguments.pop("_diff_limit", None)
    arguments.pop("_progress", None)
    _mask_options(arguments)
    # The entries of a stack have the options of other modules.
    entries = [arguments.get("defaults")]
    for kind in _ENTRIES:
        found = arguments.get(kind)
        entries += found if isinstance(found, list) else []
    for entry in entries:
        if isinstance(entry, dict):
            _mask_options(entry)


def _mask_options(arguments: dict[str, Any]) -> None:
    for option in _SECRET_MAPS:
        if isinstance(arguments.get(option), dict):
            arguments[option] = dict.fromkeys(arguments[option], HIDDEN)
    for option in _SECRET_TEXTS:
        if arguments.get(option) is not None:
            arguments[option] = HIDDEN
    _mask_passwords(arguments, "driver_options")
    mounts = arguments.get("mounts")
    for mount in mounts if isinstance(mounts, list) else ():
        _mask_passwords(mount, "volume_options")


def _mask_passwords(arguments: Any, name: str) -> None:
    """Hide the passwords of network filesystems in a volume's options, in place."""
    options = arguments.get(name) if isinstance(arguments, dict) else None
    if isinstance(options, dict) and isinstance(options.get("o"), str):
        arguments[name] = {**options, **without_passwords({"o": options["o"]})}
