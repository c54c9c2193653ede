# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Where Ansible meets the runtime library: parameters in, result out, errors into fail_json.

This is the only file of module_utils that imports Ansible, and it holds the only branch on check
mode in the collection.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import Any, Callable, NoReturn, Optional, TypeVar

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.slipway.engine.plugins.module_utils import _library
from ansible_collections.slipway.engine.plugins.module_utils._runtime.base import document, files
from ansible_collections.slipway.engine.plugins.module_utils._runtime.base.errors import (
    Error,
    refusal,
)
from ansible_collections.slipway.engine.plugins.module_utils._runtime.base.layout import Layout
from ansible_collections.slipway.engine.plugins.module_utils._runtime.plan.converge import (
    converge as carry_out,
)
from ansible_collections.slipway.engine.plugins.module_utils._runtime.plan.plan import (
    Host,
    Plan,
    Resource,
)
from ansible_collections.slipway.engine.plugins.module_utils._runtime.resource import leftovers

S = TypeVar("S")
D = TypeVar("D")


#: The option of modules whose work can take long (doc_fragments/progress.py).
PROGRESS: Mapping[str, Any] = {"progress": {"type": "bool", "default": False}}
#: Finds the values that nobody is to be shown where they are deeper in the parameters than Ansible
#: is told of. The parameters may be wrong.
Secrets = Callable[[Mapping[str, Any]], list[str]]


class _Module(AnsibleModule):
    """The module's parameters, and beside them what its action plugin adds.

    ``_predicted``, ``_library``, ``_archive``, a file it sent, ``_signing``, what it signed,
    ``_context``, files of the controller, ``_progress``, by which it finds what is told of the
    task, and ``_diff_limit`` are not options (see plugin_utils/ and action/), so they are taken out
    before Ansible compares the parameters with the options.
    ``predicted`` is None outside a check-mode run.
    """

    predicted: Optional[dict[str, Any]] = None
    archive: Optional[str] = None
    signing: Optional[dict[str, str]] = None
    context: Optional[dict[str, Any]] = None
    progress: Optional[str] = None
    #: Ansible's default of MAX_FILE_SIZE_FOR_DIFF, where no action plugin says the configured one.
    diff_limit: int = 104448

    def __init__(self, secrets: Optional[Secrets], **given: Any) -> None:
        self._secrets = secrets
        super().__init__(**given)
        self._hide()

    def _hide(self) -> None:
        if self._secrets is not None:
            self.no_log_values.update(self._secrets(self.params))

    def _load_params(self) -> None:
        super()._load_params()
        # Ansible shows what it was given also where it refuses that, or skips the task.
        self._hide()
        self.predicted = self.params.pop("_predicted", None)
        self.archive = self.params.pop("_archive", None)
        self.signing = self.params.pop("_signing", None)
        self.context = self.params.pop("_context", None)
        self.progress = self.params.pop("_progress", None)
        self.diff_limit = self.params.pop("_diff_limit", None) or self.diff_limit
        asked = self.params.pop("_library", None)
        if asked:
            # Errors name the module that the task does.
            self.params["_ansible_module_name"] = asked["name"]


def _nothing(host: Host, params: Mapping[str, Any]) -> AbstractContextManager[list[str]]:
    return nullcontext([])


def converge(
    argument_spec: Mapping[str, Any],
    declare: Callable[[dict[str, Any]], D],
    resource: Resource[D, S],
    always_diff: bool = False,
    secrets: Optional[Secrets] = None,
    around: Callable[[Host, Mapping[str, Any]], AbstractContextManager[list[str]]] = _nothing,
    **module_options: Any,
) -> None:
    """Run one task: observe, plan, apply, and observe again to see that the host is what was
    planned.

    ``around`` is entered, with the host and the parameters, where things are really done, and gets
    the actions.

    ``always_diff`` is for modules whose counterparts in community.docker return their diff, which
    is small, in any case.
    """
    module = _module(argument_spec, module_options, secrets=secrets)
    limit = module.diff_limit if module._diff else None
    host = Host(Layout.default(), predicted=module.predicted or {}, diff_limit=limit)
    _tell_progress(module, host)
    host.held.enter_context(document.decoded_once())
    try:
        # Results repeat the parameters, and need no list of files.
        sent = {} if module.context is None else {"_context": module.context}
        declared = declare({**module.params, **sent})
        if module.check_mode:
            files.check(host.layout)
            declared = resource.located(host, declared)
            have = resource.observe(host, declared)
            plan = resource.foreseen(host, resource.plan(declared, have))
            found = plan.want
            for missing in plan.unmet:
                host.warn(missing)
        else:
            if not resource.ends:
                leftovers.finish(host)
            with around(host, module.params) as actions:
                plan, found = carry_out(host, resource, declared)
                actions += plan.actions
            _library.keep(_write)
        result = _result(host, resource, plan, found)
        # Only who asks for a diff gets one: it can be large, and looping tasks keep every result.
        if module._diff or always_diff:
            result["diff"] = resource.shown(plan, found)
    except Error as exc:
        _fail(module, host, exc)
    except (OSError, RuntimeError, MemoryError) as exc:
        _fail_of_system(module, host, exc)
    finally:
        host.held.close()
    if module.predicted is not None and resource.predict:
        result["_predicted"] = {
            "states": resource.told(plan, found),
            "real": not module.check_mode,
        }
    for note in host.notes:
        module.log(note)
    _warn(module, host)
    module.exit_json(**result)


def _tell_progress(module: _Module, host: Host) -> None:
    """Note for the action plugin how far the task is, where it was asked to tell."""
    module.params.pop("progress", None)
    if module.progress is not None:
        from ansible_collections.slipway.engine.plugins.module_utils._runtime.records import (
            progress_file,
        )

        noted = progress_file.ProgressFile(host.layout, module.progress)
        host.watch, host.progress = noted.note, noted.line
        host.held.callback(noted.close)


def perform(
    argument_spec: Mapping[str, Any],
    act: Callable[[Host, dict[str, Any]], dict[str, Any]],
    secrets: Optional[Secrets] = None,
    **module_options: Any,
) -> None:
    """Run one task that does something whatever the host is like, such as a command; ``act``
    returns the module's result. Ansible skips it in check mode.
    """
    options = {**module_options, "supports_check_mode": False}
    module = _module(argument_spec, options, secrets=secrets)
    host = Host(Layout.default())
    try:
        done = act(host, module.params)
        _library.keep(_write)
    except Error as exc:
        _fail(module, host, exc)
    except (OSError, RuntimeError, MemoryError) as exc:
        _fail_of_system(module, host, exc)
    _warn(module, host)
    module.exit_json(**{"changed": True, **done})


def inform(
    argument_spec: Mapping[str, Any],
    gather: Callable[[Host, dict[str, Any]], dict[str, Any]],
    engine: bool = True,
    **module_options: Any,
) -> None:
    """Run one task that only reads; ``gather`` returns the module's result. With ``engine`` false
    it is not about what the engine has, so it needs no root.
    """
    module = _module(argument_spec, module_options, engine)
    host = Host(Layout.default(), predicted=module.predicted or {})
    try:
        found = gather(host, module.params)
    except Error as exc:
        _fail(module, host, exc)
    except (OSError, RuntimeError, MemoryError) as exc:
        _fail_of_system(module, host, exc)
    # A copy of the collection is not a change of the host; a host that has nothing gets none.
    _library.keep(_write)
    _warn(module, host)
    module.exit_json(changed=False, **found)


def _write(path: str, data: bytes) -> None:
    files.write_atomic(Path(path), data)


def _module(
    argument_spec: Mapping[str, Any],
    options: dict[str, Any],
    engine: bool = True,
    secrets: Optional[Secrets] = None,
) -> _Module:
    os.umask(0o077)
    module = _Module(
        secrets,
        argument_spec=dict(argument_spec),
        **{"supports_check_mode": True, **options},
    )
    if engine and os.geteuid() != 0:
        module.fail_json(
            msg="slipway.engine requires root on the host; set become: true for the "
            "task or the play"
        )
    if module.archive is not None:
        module.params["_archive"] = module.archive
    if module.signing is not None:
        module.params["_signing"] = module.signing
    return module


def _result(host: Host, resource: Resource[D, S], plan: Plan[S], found: S) -> dict[str, Any]:
    return {
        "changed": plan.changed,
        "actions": plan.actions,
        **({"differences": list(plan.reasons)} if plan.reasons else {}),
        **resource.result(host, found),
        **(resource.report(host, plan) if resource.report else {}),
    }


def _warn(module: AnsibleModule, host: Host) -> None:
    for warning in host.warnings:
        module.warn(warning)


def _fail_of_system(module: AnsibleModule, host: Host, exc: Exception) -> NoReturn:
    refused = refusal(exc)
    if refused is None:
        raise exc
    _fail(module, host, refused)


def _fail(module: AnsibleModule, host: Host, error: Error) -> NoReturn:
    _warn(module, host)
    module.fail_json(msg=str(error), **host.outcome.get("failed", {}))
    raise AssertionError("fail_json ends the process")
