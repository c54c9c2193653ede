# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The host that has the containers: its own connection and become, and the program slipway there.

Ansible's connection plugins do the work (ssh with its ControlPersist, local, any other), loaded and
set up as for a task on that host. What is to be run is the first line of standard input, so neither
a command nor an environment is an argument of a process on the way, and nothing limits its length.
"""

from __future__ import annotations

import getpass
import os
import re
import shlex
from collections.abc import Mapping
from typing import Any, Optional

from ansible import constants as C
from ansible.errors import AnsibleConnectionFailure, AnsibleError
from ansible.module_utils.common.text.converters import to_bytes, to_text
from ansible.module_utils.parsing.convert_bool import boolean
from ansible.plugins.loader import become_loader, connection_loader

CONTROLLER = "localhost"

#: Layout.default().program / "current"; whatever makes a container puts it there.
PROGRAM = "/var/lib/slipway/program/current"

#: What the script below says itself begins with this, and nothing else does.
_MARK = "slipway-connection: "

#: On one line, for login shells that want it so. $n is a newline: see quote().
_SCRIPT = (
    "n=$(printf '\\nx'); n=${n%x}; IFS= read -r l;"
    f' if [ -x {PROGRAM} ]; then eval "$l"; elif [ "$(id -u)" = 0 ]; then'
    f" echo '{_MARK}program' >&2; exit 125; else echo '{_MARK}root' >&2; exit 125; fi"
)

_COMPLAINTS = {
    "program": (
        f"there is no program {PROGRAM} on {{host}}: no task of slipway.engine has made a container"
        " there. Create the container with slipway.engine.container first"
    ),
    "root": (
        "slipway.engine requires root on {host}: set ansible_become: true for that host (with"
        " ansible_become_password if it needs one), or log in as root"
    ),
}


class NoProgram(AnsibleConnectionFailure):
    """The host has never had a container."""


class EngineHost:
    """A host and the way to it. Owns the connection, which is made when it is first needed.

    ``values`` are the host's variables, resolved; ``context`` is the PlayContext of the task or
    command, for what its command line says of all hosts: verbosity, timeout, passwords.
    """

    def __init__(self, name: str, values: Mapping[str, Any], context: Any) -> None:
        self.name = name
        self._values, self._context = values, context
        self._timeout, self._passwords = context.timeout, (context.password, context.become_pass)
        self._connection: Any = None
        self._become: Any = None

    def run(self, line: str, data: bytes = b"") -> tuple[int, bytes, bytes]:
        """Run one line of shell as root, which finds ``data`` at its standard input.

        Returns its exit status, output and errors. Raises AnsibleConnectionFailure when the host
        is not reached, or cannot have containers.
        """
        if "\n" in line:
            raise AssertionError("a line ends at a newline; quote() writes one in a word")
        connection = self.connection()
        command = _SCRIPT
        if self._become is not None:
            command = self._become.build_become_command(command, shell=connection._shell)
        # With input Ansible's ssh asks for no terminal, which would mix the streams.
        status, out, err = connection.exec_command(
            f"/bin/sh -c {shlex.quote(command)}", in_data=to_bytes(line) + b"\n" + data
        )
        if self._become is not None:
            out = _without_mark(out, self._become.success)
        self._check(status, err)
        return status, out, err

    def _check(self, status: int, err: bytes) -> None:
        if status == 125 and to_bytes(_MARK) in err:
            reason = to_text(err).rpartition(_MARK)[2].strip()
            kind = NoProgram if reason == "program" else AnsibleConnectionFailure
            raise kind(_COMPLAINTS[reason].format(host=self.name))

    def connection(self) -> Any:
        """The connection plugin, ready."""
        if self._connection is None:
            kind = self._kind()
            context = self._context.copy()
            context.remote_addr, context.remote_user = self.name, None
            context.executable = "/bin/sh"
            made = connection_loader.get(kind, context, os.devnull)
            if made is None:
                raise AnsibleError(f"{self.name}: unknown connection plugin {kind}")
            password, dummy = self._passwords
            keys = {"timeout": self._timeout, **({"password": password} if password else {})}
            made.set_options(task_keys=keys, var_options=self._options("connection", made))
            made._shell.set_options()
            if hasattr(made, "reached_from"):
                made.reached_from(self._values)
            self._become = self._make_become(made, kind)
            made.set_become_plugin(self._become)
            self._connection = made
        return self._connection

    def _kind(self) -> str:
        own = self._values.get("ansible_connection")
        if own:
            return str(own)
        if self.name in C.LOCALHOST:
            return "local"
        configured = str(C.DEFAULT_TRANSPORT)
        # "smart" is ssh; a configured plugin of ours is meant for containers.
        return "ssh" if configured == "smart" or "slipway" in configured else configured

    def _options(self, kind: str, plugin: Any) -> dict[str, Any]:
        names = C.config.get_plugin_vars(kind, plugin._load_name)
        values = {
            **self._values_of_name(),
            **{n: self._values[n] for n in names if n in self._values},
        }
        return {name: value for name, value in values.items() if name in names}

    def _values_of_name(self) -> dict[str, Any]:
        """What a host that the inventory does not have is reached by: its name."""
        return {"inventory_hostname": self.name}

    def _make_become(self, connection: Any, kind: str) -> Any:
        """The host's become plugin, set up; None where the login is root's."""
        wanted = self._values.get("ansible_become")
        if not (_is_unprivileged(connection, kind) if wanted is None else boolean(wanted)):
            return None
        method = str(self._values.get("ansible_become_method") or C.DEFAULT_BECOME_METHOD)
        made = become_loader.get(method)
        if made is None:
            raise AnsibleError(f"{self.name}: unknown become plugin {method}")
        dummy, password = self._passwords
        keys = {"become_pass": password} if password else {}
        made.set_options(
            task_keys=keys,
            var_options=self._options("become", made),
            direct={"become_user": "root"},
        )
        return made

    def reset(self) -> None:
        if self._connection is not None:
            self._connection.reset()

    def close(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None


def _is_unprivileged(connection: Any, kind: str) -> bool:
    """Whether the login is not root's, as far as can be known here: without ``ansible_become``
    this decides.
    """
    if kind.rpartition(".")[2] == "local":
        return os.geteuid() != 0
    user: Optional[str] = None
    try:
        user = connection.get_option("remote_user")
    except KeyError:
        return False
    return (user or getpass.getuser()) != "root"


def _without_mark(out: bytes, success: str) -> bytes:
    """Output without the line by which become says that it became; some plugins leave it there."""
    return re.sub(rb"^(?:\r?\n)?" + re.escape(to_bytes(success)) + rb"[^\n]*\n", b"", out, count=1)


def quote(word: str) -> str:
    """A word for run(), on one line whatever it holds."""
    return shlex.quote(word).replace("\n", "'\"$n\"'")
