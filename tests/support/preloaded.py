# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""ansible-playbook, imported once: each run is a fork of a process that has loaded it.

To import Ansible takes 0.4 s of processor time, as much as a task or two. What it reads of the
environment while it is imported is the same for most runs; where it is not, another process is
made. A run does what the program does: the fork starts where the program has done its imports.

This file is also what the process runs, by the Python that has Ansible. It takes requests from
file 0, a sequenced-packet socket, and ends when the other end is closed.
"""

from __future__ import annotations

import array
import contextlib
import functools
import json
import os
import select
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Callable

#: More than a command line and an environment take.
_LARGEST = 1 << 20
#: What Ansible asks for while it is imported, besides all that begins with ``ANSIBLE_``.
_ASKED = ("HOME", "LC_ALL", "TMPDIR", "USER")
#: Each run has its own file and its own directory.
_OWN = ("ANSIBLE_CONFIG", "ANSIBLE_LOCAL_TEMP")


def run(
    python: str, arguments: Sequence[str], environment: Mapping[str, str], timeout_s: float
) -> tuple[int, str]:
    """Run ansible-playbook of the Ansible that ``python`` has, with no input: its exit status, and
    all that it printed. Raises ``subprocess.TimeoutExpired``.
    """
    asked = {
        name: value
        for name, value in environment.items()
        if name in _ASKED or (name.startswith("ANSIBLE_") and name not in _OWN)
    }
    config = environment["ANSIBLE_CONFIG"]
    server, dummy = _server(python, Path(config).read_text(), tuple(sorted(asked.items())))
    request = {
        "arguments": list(arguments),
        "environment": dict(environment),
        "directory": os.getcwd(),
    }
    with tempfile.TemporaryFile() as output:
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        with ours, theirs:
            handed = array.array("i", [output.fileno(), theirs.fileno()])
            server.sendmsg(
                [json.dumps(request).encode()],
                [(socket.SOL_SOCKET, socket.SCM_RIGHTS, handed.tobytes())],
            )
            theirs.close()
            status = _status(ours, timeout_s, arguments)
        output.seek(0)
        return status, output.read().decode(errors="replace")


def _status(ours: socket.socket, timeout_s: float, arguments: Sequence[str]) -> int:
    """What a run ended with. It says its process number at its beginning, its status at its end."""
    pid = int(ours.recv(16))
    if not select.select([ours], [], [], timeout_s)[0]:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
        raise subprocess.TimeoutExpired(list(arguments), timeout_s)
    return int(ours.recv(16))


@functools.lru_cache(maxsize=4)
def _server(
    python: str, config: str, asked: tuple[tuple[str, str], ...]
) -> tuple[socket.socket, subprocess.Popen[bytes]]:
    """A process that has loaded Ansible with this configuration and this environment."""
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    with theirs, tempfile.NamedTemporaryFile("w", suffix=".cfg") as file:
        file.write(config)
        file.flush()
        usual = {name: value for name, value in os.environ.items() if name not in _OWN}
        environment = {**usual, **dict(asked), "ANSIBLE_CONFIG": file.name}
        process = subprocess.Popen(
            [python, __file__],
            env=environment,
            stdin=theirs.fileno(),
            stdout=subprocess.DEVNULL,
            cwd="/",
        )
        theirs.close()
        # The file may go when it has been read.
        assert ours.recv(16) == b"loaded", "Ansible could not be loaded"
    return ours, process


def _serve() -> None:
    from ansible.cli import playbook
    from ansible.executor import module_common, playbook_executor  # noqa: F401
    from ansible.plugins.action import normal  # noqa: F401
    from ansible.plugins.callback import default  # noqa: F401
    from ansible.plugins.connection import local  # noqa: F401
    from ansible.plugins.shell import sh  # noqa: F401
    from ansible.plugins.strategy import linear  # noqa: F401

    requests = socket.socket(fileno=os.dup(0))
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    requests.send(b"loaded")
    # Nobody waits for the processes that attend to a run.
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    while True:
        data, files, dummy, dummy = socket.recv_fds(requests, _LARGEST, 2)
        if not data:
            return
        if os.fork() == 0:
            requests.close()
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)
            _attend(playbook.main, json.loads(data), files[0], socket.socket(fileno=files[1]))
        for file in files:
            os.close(file)


def _attend(
    main: Callable[[list[str]], None],
    request: Mapping[str, Any],
    output: int,
    teller: socket.socket,
) -> None:
    """In a process of its own: fork the run, and tell of its beginning and its end."""
    pid = os.fork()
    if pid == 0:
        teller.close()
        os.dup2(output, 1)
        os.dup2(output, 2)
        os.close(output)
        os.environ.clear()
        os.environ.update(request["environment"])
        os.chdir(request["directory"])
        sys.argv = ["ansible-playbook", *request["arguments"]]
        status = 1
        try:
            with _own_directory():
                main(sys.argv)
        except SystemExit as error:
            status = error.code if isinstance(error.code, int) else int(error.code is not None)
        finally:
            sys.stdout.flush()
            sys.stderr.flush()
            os._exit(status)
    teller.send(str(pid).encode())
    status = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
    teller.send(str(status).encode())
    os._exit(0)


@contextlib.contextmanager
def _own_directory() -> Iterator[None]:
    """The controller's temporary directory of this run (ansible.cfg ``local_tmp``), which is made
    while Ansible is imported and removed when the program ends.
    """
    from ansible import constants

    usual = os.path.dirname(constants.DEFAULT_LOCAL_TMP)
    place = os.environ.get("ANSIBLE_LOCAL_TEMP", usual)
    os.makedirs(place, mode=0o700, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=f"ansible-local-{os.getpid()}", dir=place) as own:
        constants.DEFAULT_LOCAL_TMP = own
        yield


if __name__ == "__main__":
    _serve()
