# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Running the collection's modules from the copy of it that the host keeps.

The module ``library`` is sent to the host instead of the task's own. If it answers that the host
lacks this version of the collection, the sources are sent too, once, and kept there. A check-mode
run keeps nothing, so there a host that lacks them again gets each module the usual way for the rest
of the run; as does one that cannot run what was sent.
"""

from __future__ import annotations

import hashlib
import os
from pathlib import Path
from typing import Any, Callable, Optional

from ansible import constants as C
from ansible import context
from ansible.plugins.action.normal import ActionModule as NormalAction

from ansible_collections.slipway.engine.plugins.module_utils import _keeping
from ansible_collections.slipway.engine.plugins.plugin_utils import _sources

COLLECTION = "slipway.engine."
_PLUGINS = Path(__file__).resolve().parents[1]

#: Modules that are sent whole: this one removes the copy, so running must not make one.
_WHOLE = frozenset({f"{COLLECTION}host_reset"})


class LibraryAction(NormalAction):
    """The normal action, with the task's module run from the host's copy of the collection."""

    def _execute_module(self, *arguments: Any, **options: Any) -> dict[str, Any]:
        module = self._module()
        plain = arguments or "module_name" in options or options.get("wrap_async")
        given_up = self._mark("slipway-without-library")
        plain = plain or not module.startswith(COLLECTION) or module in _WHOLE
        if plain or given_up.exists():
            usual: dict[str, Any] = super()._execute_module(*arguments, **options)
            return usual
        asked = {"digest": _packed().stem, "module": module[len(COLLECTION) :]}
        result = self._execute_from_library(asked, options)
        if result.get("library") != "missing":
            return result
        sent = self._mark("slipway-library-sent")
        if not sent.exists():
            if context.CLIARGS.get("check"):
                sent.touch()
            asked = {**asked, "sent": self._send(_archive())}
            result = self._execute_from_library(asked, options)
            if result.get("library") != "missing":
                return result
        given_up.touch()
        return self._execute_module(**options)

    def _module(self) -> str:
        """The whole name of the task's module. Before ansible-core 2.19 the task's own
        ``resolved_action`` is that of the action plugin, which serves many.
        """
        loader = self._shared_loader_obj.module_loader
        found = loader.find_plugin_with_context(
            self._task.action, collection_list=self._task.collections
        )
        return str(found.resolved_fqcn or "")

    def _execute_from_library(
        self, asked: dict[str, str], options: dict[str, Any]
    ) -> dict[str, Any]:
        own = {**(options.get("module_args") or self._task.args)}
        asked = {**asked, "name": str(self._task.action)}
        result: dict[str, Any] = super()._execute_module(
            **{
                **options,
                "module_name": f"{COLLECTION}library",
                "module_args": {**own, "_library": asked},
            }
        )
        return result

    def _send(self, path: Path) -> str:
        """Put a file into the task's temporary directory on the host; where it is there."""
        shell = self._connection._shell
        if not shell.tmpdir:
            self._make_tmp_path()
        remote = str(shell.join_path(shell.tmpdir, "library.zip"))
        self._transfer_file(str(path), remote)
        self._fixup_perms2((shell.tmpdir, remote))
        return remote

    def host_key(self) -> str:
        """A file name's worth of the host this task goes to."""
        play = self._play_context
        address = f"{self._connection.transport} {play.remote_addr} {play.port}"
        return hashlib.sha256(address.encode()).hexdigest()[:16]

    def _mark(self, what: str) -> Path:
        """A file that remembers something of this host for the duration of this run."""
        return Path(C.DEFAULT_LOCAL_TMP) / f"{what}-{self.host_key()}"


def _packed() -> Path:
    """Where the zip of the collection's sources is, once a host lacks them: its name is their
    digest, which is computed once in a run.
    """
    # Ansible's tasks run in processes of their own, so what one of them finds is handed to the
    # others by a link in the temporary directory of the run.
    known = Path(C.DEFAULT_LOCAL_TMP) / "slipway-library"
    name = _target(known)
    if name is None:
        name = f"{_keeping.digest(_sources.of_hosts(_PLUGINS))}.zip"
        _in_one_step(known, lambda path: path.symlink_to(name))
    return known.with_name(name)


def _archive() -> Path:
    """The zip, made by the first task that has to send it."""
    packed = _packed()
    if not packed.exists():
        content = _keeping.pack(_sources.with_contents(_sources.of_hosts(_PLUGINS)))
        _in_one_step(packed, lambda path: path.write_bytes(content))
    return packed


def _in_one_step(path: Path, make: Callable[[Path], object]) -> None:
    temporary = path.with_name(f"{path.name}.{os.getpid()}")
    make(temporary)
    temporary.rename(path)


def _target(link: Path) -> Optional[str]:
    try:
        return os.readlink(link)
    except FileNotFoundError:
        return None
