# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

DOCUMENTATION = r"""
name: container
short_description: Run tasks in containers of slipway.engine
version_added: 0.3.0
author:
  - The slipway.engine authors (@slipway-engine)
description:
  - Runs commands in a running container, and copies files into it and out of it.
  - The container is on the controller, or on the host that O(slipway_host) names. That host is
    reached by its own connection, such as ssh, and its own become, as the inventory has them.
  - The container needs a shell, C(/bin/sh), and for modules Python. Nothing else is installed in
    it, and nothing but C(slipway) is run on the host.
  - Become does not need C(sudo) in the container. A task with C(become) is executed as
    C(become_user), which is C(root) unless the task says otherwise, as with C(docker exec --user).
options:
  remote_addr:
    description:
      - The name or ID of the container.
    type: str
    default: inventory_hostname
    vars:
      - name: inventory_hostname
      - name: ansible_host
      - name: ansible_docker_host
  slipway_host:
    description:
      - The host that has the container, by its name in the inventory. Its own variables, such as
        C(ansible_host), C(ansible_user) and C(ansible_become_password), are used to reach it. A
        name that is not in the inventory is used as an address.
      - Becoming root there is a matter of course when its login is not C(root), unless its
        C(ansible_become) is V(false).
      - Without it, the container is on the controller.
    type: str
    vars:
      - name: ansible_slipway_host
  remote_user:
    description:
      - The user in the container that tasks without C(become) are executed as. By default it is the
        user that the container runs as.
      - A login given by C(--user), E(ANSIBLE_REMOTE_USER) or C(ansible.cfg) is that of hosts, and
        not used in containers.
    type: str
    vars:
      - name: ansible_user
      - name: ansible_docker_user
    keyword:
      - name: remote_user
  working_dir:
    description:
      - The directory in the container that commands are run in. By default it is the one of the
        container.
    type: str
    vars:
      - name: ansible_docker_working_dir
      - name: ansible_slipway_working_dir
  extra_env:
    description:
      - Environment variables for everything that is run in the container, on top of its own. Names
        and values are strings.
      - They are passed by a pipe, and not seen in lists of processes.
    type: dict
    vars:
      - name: ansible_docker_extra_env
      - name: ansible_slipway_extra_env
  privileged:
    description:
      - Whether commands are run with all capabilities. A command that has them can leave the
        container.
    type: bool
    default: false
    vars:
      - name: ansible_docker_privileged
      - name: ansible_slipway_privileged
  become_inside:
    description:
      - Whether a task with C(become) runs the program of its C(become_method), such as C(sudo), in
        the container. It must be installed there and must not ask for a password.
    type: bool
    default: false
    vars:
      - name: ansible_slipway_become_inside
  pipelining:
    description:
      - Whether modules are run without being copied into the container first. Unlike with other
        connections it is the default, as nothing here is in its way.
    type: bool
    default: true
    env:
      - name: ANSIBLE_PIPELINING
    ini:
      - section: defaults
        key: pipelining
      - section: connection
        key: pipelining
    vars:
      - name: ansible_pipelining
"""

import os
import posixpath
import shlex
from collections.abc import Mapping
from typing import Any, Optional

from ansible import context as invocation
from ansible.errors import AnsibleConnectionFailure, AnsibleError, AnsibleFileNotFound
from ansible.module_utils.common.text.converters import to_text
from ansible.plugins.connection import ConnectionBase
from ansible.utils.display import Display

from ansible_collections.slipway.engine.plugins.plugin_utils._engine_host import (
    CONTROLLER,
    PROGRAM,
    EngineHost,
    quote,
)
from ansible_collections.slipway.engine.plugins.plugin_utils._exec_become import ExecBecome

display = Display()

#: Files are copied in pieces of so many bytes, which are held in memory.
_PIECE = 32 << 20

#: The status by which a shell says that there is no such file to be fetched.
_NO_FILE = 44


class Connection(ConnectionBase):
    """Runs everything by ``slipway exec`` on the host that has the container."""

    transport = "slipway.engine.container"
    has_pipelining = True

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self._connected = False
        self._hostvars: Mapping[str, Any] = {}
        self._above: tuple[str, ...] = ()
        self._host: Optional[EngineHost] = None

    def _resolve_option_variables(self, variables: Any, templar: Any) -> dict[str, Any]:
        # The only call that hands over what other hosts are reached by.
        self._hostvars = variables.get("hostvars") or {}
        found: dict[str, Any] = super()._resolve_option_variables(variables, templar)
        return found

    def set_options(
        self, task_keys: Any = None, var_options: Any = None, direct: Any = None
    ) -> None:
        keys = dict(task_keys or {})
        # The keyword's default is the login given for hosts.
        if keys.get("remote_user") == invocation.CLIARGS.get("remote_user"):
            keys.pop("remote_user", None)
        super().set_options(task_keys=keys, var_options=var_options, direct=direct)
        self.close()

    def set_become_plugin(self, plugin: Any) -> None:
        super().set_become_plugin(plugin and ExecBecome(plugin, self._becomes_inside))

    def _becomes_inside(self) -> bool:
        return bool(self.get_option("become_inside"))

    def _connect(self) -> Connection:
        if not self._connected:
            name = self.get_option("slipway_host") or CONTROLLER
            self._host = EngineHost(name, self._values(name), self._play_context)
            self._connected = True
        return self

    def _values(self, name: str) -> Mapping[str, Any]:
        """The variables of a host; none for one that the inventory does not have."""
        values: Mapping[str, Any] = {}
        if name in self._hostvars:
            values = self._hostvars[name]
        if not self.get_option("slipway_host"):
            values = {**_become_of(values), "ansible_connection": "local"}
        return values

    def exec_command(
        self, cmd: Any, in_data: Optional[bytes] = None, sudoable: bool = True
    ) -> tuple[int, bytes, bytes]:
        super().exec_command(cmd, in_data=in_data, sudoable=sudoable)
        command = to_text(cmd)
        user = self.get_option("remote_user")
        if isinstance(self.become, ExecBecome) and self.become.marks(command):
            user = self.become.user()
        return self._execute(command, in_data, user)

    def put_file(self, in_path: str, out_path: str) -> None:
        super().put_file(in_path, out_path)
        target = _absolute(out_path)
        self._say(f"PUT {to_text(in_path)} TO {target}")
        if not os.path.exists(in_path):
            raise AnsibleFileNotFound(f"{to_text(in_path)} does not exist")
        with open(in_path, "rb") as source:
            way, data = ">", source.read(_PIECE)
            while way == ">" or data:
                command = f"cat {way} {shlex.quote(target)}"
                status, dummy, err = self._execute(command, data, self.get_option("remote_user"))
                if status:
                    raise AnsibleError(f"{target} cannot be written: {_said(err)}")
                way, data = ">>", source.read(_PIECE)

    def fetch_file(self, in_path: str, out_path: str) -> None:
        super().fetch_file(in_path, out_path)
        source = _absolute(in_path)
        self._say(f"FETCH {source} TO {to_text(out_path)}")
        user, word = self.get_option("remote_user"), shlex.quote(source)
        count = _PIECE >> 20
        with open(out_path, "wb") as target:
            number = 0
            while True:
                copy = f"dd if={word} bs=1048576 skip={number * count} count={count}"
                status, data, err = self._execute(
                    f"[ -e {word} ] || exit {_NO_FILE}; {copy}", None, user
                )
                if status == _NO_FILE:
                    raise AnsibleFileNotFound(f"there is no {source} in the container")
                if status:
                    raise AnsibleError(f"{source} cannot be read: {_said(err)}")
                target.write(data)
                if len(data) < _PIECE:
                    return
                number += 1

    def reset(self) -> None:
        if self._host is not None:
            self._host.reset()
        self.close()

    def close(self) -> None:
        if self._host is not None:
            self._host.close()
            self._host = None
        self._connected = False

    def reached_from(self, values: Mapping[str, Any]) -> None:
        """This container is itself a host that has containers: where its own host is found."""
        self._hostvars = values.get("hostvars") or {}

    def _execute(
        self, command: str, data: Optional[bytes], user: Optional[str]
    ) -> tuple[int, bytes, bytes]:
        """Run a shell command in the container, with input or without."""
        self._connect()
        if self._host is None:
            raise AssertionError("_connect makes it")
        container = str(self.get_option("remote_addr"))
        self._say(f"EXEC {command}")
        words = [PROGRAM, "exec"]
        words += ["-i"] if data is not None else []
        words += ["-u", str(user)] if user else []
        words += ["--privileged"] if self.get_option("privileged") else []
        directory = self.get_option("working_dir")
        words += ["-w", str(directory)] if directory else []
        exported = ""
        for name, value in _strings(self.get_option("extra_env") or {}).items():
            exported += f"export {name}={quote(value)}; "
            words += ["-e", name]
        words += ["--", container, "/bin/sh", "-c", command]
        line = f"{exported}exec {' '.join(map(quote, words))}"
        status, out, err = self._host.run(line, data or b"")
        if status and not out and err.startswith(b"slipway: "):
            raise AnsibleConnectionFailure(
                f"container {container} on {self._host.name}: {_said(err)[len('slipway: ') :]}"
            )
        return status, out, err

    def _say(self, what: str) -> None:
        display.vvv(what, host=self.get_option("remote_addr"))


def _strings(env: Mapping[Any, Any]) -> Mapping[str, str]:
    """Environment variables that are what their names say; a shell can export no others."""
    for name, value in env.items():
        if not isinstance(name, str) or not name.isidentifier() or not name.isascii():
            raise AnsibleError(f"extra_env: {name!r} is not a name of an environment variable")
        if not isinstance(value, str):
            raise AnsibleError(
                f"extra_env: the value of {name} is not a string, but {value!r}: write it in quotes"
            )
    return env


def _become_of(values: Mapping[str, Any]) -> dict[str, Any]:
    """What the inventory has of becoming root on the controller."""
    return {
        name: values[name]
        for name in values
        if str(name).startswith(("ansible_become", "ansible_sudo"))
    }


def _absolute(path: Any) -> str:
    """A path in the container; one that is relative is so to its root."""
    return posixpath.normpath(posixpath.join("/", to_text(path)))


def _said(err: bytes) -> str:
    return to_text(err).strip() or "no reason given"
