# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A command of a task in a running container, and what a task returns of any command's end."""

from __future__ import annotations

import secrets
import shlex
from collections.abc import Mapping
from typing import Any, Optional

from ...base.errors import Error
from ...container.engine import oci_runtime
from ...container.engine.capture import Captured
from ...container.lifecycle import execute
from ...plan.plan import Host
from ...spec.texts import texts

#: What Ansible is told about the options of a command: what is run, how, and what is returned.
OPTIONS: Mapping[str, Mapping[str, Any]] = {
    "argv": {"type": "list", "elements": "str"},
    "command": {"type": "str"},
    "chdir": {"type": "str"},
    "user": {"type": "str"},
    "env": {"type": "dict"},
    "stdin": {"type": "str"},
    "stdin_add_newline": {"type": "bool", "default": True},
    "strip_empty_ends": {"type": "bool", "default": True},
    "tty": {"type": "bool", "default": False},
    "detach": {"type": "bool", "default": False},
    "output_limit": {"type": "int", "default": 10 << 20},
}

#: The same in a project of Compose, whose modules take a terminal that they do not give.
IN_PROJECTS = {**OPTIONS, "tty": {"type": "bool", "default": True}}

#: How much of a command's last line goes into the message.
_LAST_WORDS = 300


def perform(
    host: Host, container_id: str, params: Mapping[str, Any], called: str
) -> dict[str, Any]:
    """Run the command that the options of container_exec say; ``called`` is what errors call the
    container. Returns the result of the module. Raises Error as execute.run() does, but not for a
    command that cannot be run: that is a result.
    """
    request = execute.Request(
        argv(params) or (),
        texts("env", params["env"] or {}),
        params["user"],
        params["chdir"],
        # Without streams there is nothing to show on a terminal.
        params["tty"] and not params["detach"],
        bool(params.get("privileged")),
    )
    check(params)
    if params["detach"]:
        execute.start(host, container_id, request)
        return {"exec_id": secrets.token_hex(32)}
    limit = params["output_limit"]
    try:
        done = execute.run(host, container_id, request, stdin(params), limit=limit)
    except oci_runtime.NotStarted as exc:
        refused = {"stdout": "", "stderr": str(exc), "rc": exc.status, "truncated": False}
        return {**refused, "msg": str(exc)}
    return told(done, params, called)


def check(params: Mapping[str, Any]) -> None:
    """Raise Error for options that exclude one another."""
    if params["detach"] and params["stdin"] is not None:
        raise Error("stdin: cannot be combined with detach: true", hint="omit one of them")
    if params["output_limit"] < 0:
        raise Error("output_limit: cannot be negative")


def told(done: Captured, params: Mapping[str, Any], called: str) -> dict[str, Any]:
    """What a task returns of a command that ended."""
    stdout, stderr = (said.decode("utf-8", "replace") for said in (done.stdout, done.stderr))
    if params["strip_empty_ends"]:
        stdout, stderr = stdout.rstrip("\r\n"), stderr.rstrip("\r\n")
    return {
        "stdout": stdout,
        "stderr": stderr,
        "rc": done.returncode,
        "truncated": done.truncated,
        **_failure(called, done.returncode, stderr or stdout),
    }


def _failure(called: str, status: int, said: str) -> dict[str, str]:
    """Why the task failed, which it does for any status but 0: its last log lines."""
    if status == 0:
        return {}
    last = said.strip().rpartition("\n")[2][:_LAST_WORDS]
    message = f"the command in {called} exited with {status}"
    return {"msg": f"{message}: {last}" if last else message}


def argv(params: Mapping[str, Any]) -> Optional[tuple[str, ...]]:
    """The command's words; None where there is none. Raises Error for a quote that is not
    closed.
    """
    if params["argv"] is not None:
        return tuple(params["argv"])
    if params["command"] is None:
        return None
    return words("command", params["command"])


def words(option: str, text: str) -> tuple[str, ...]:
    """A command as a shell splits it. Raises Error for a quote that is not closed."""
    try:
        return tuple(shlex.split(text))
    except ValueError as exc:
        raise Error(f"{option}: {exc}") from exc


def stdin(params: Mapping[str, Any]) -> bytes:
    if params["stdin"] is None:
        return b""
    newline = "\n" if params["stdin_add_newline"] else ""
    return f"{params['stdin']}{newline}".encode()
