# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A real OpenSSH server on loopback, and accounts of this sandbox that may log in to it.

The accounts are in copies of /etc/passwd, shadow, group and sudoers, which are mounted over the
machine's own within the sandbox.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from support.servers.registry import free_port

#: Unprivileged accounts: one that may become root by sudo, one that must say PASSWORD for it.
DEPLOY, CAREFUL = "deploy", "careful"
PASSWORD = "said to sudo 'only'"

_SSHD = shutil.which("sshd") or "/usr/sbin/sshd"
_USERS = {DEPLOY: 64001, CAREFUL: 64002}
_SUDOERS = f"""\
Defaults !lecture
root ALL=(ALL:ALL) ALL
{DEPLOY} ALL=(ALL:ALL) NOPASSWD: ALL
{CAREFUL} ALL=(ALL:ALL) ALL
"""
_CONFIG = """\
AddressFamily inet
ListenAddress 127.0.0.1:{port}
HostKey {directory}/host_key
PidFile none
AuthorizedKeysFile {directory}/key.pub
PasswordAuthentication no
KbdInteractiveAuthentication no
UsePAM no
StrictModes no
PermitRootLogin prohibit-password
MaxStartups 100
Subsystem sftp internal-sftp
"""


@dataclass(frozen=True)
class SshHost:
    """A server and what a client needs to log in: the inventory's variables."""

    directory: Path
    port: int

    def variables(self, user: str = DEPLOY) -> dict[str, Any]:
        """What the inventory has of this host, for a login."""
        known = f"-o UserKnownHostsFile={self.directory}/known -o StrictHostKeyChecking=yes"
        return {
            "ansible_host": "127.0.0.1",
            "ansible_port": self.port,
            "ansible_user": user,
            "ansible_ssh_private_key_file": str(self.directory / "key"),
            "ansible_ssh_common_args": f"{known} -F /dev/null",
            "ansible_control_path_dir": str(self.directory / "cp"),
            "ansible_python_interpreter": "/usr/bin/python3",
        }


@contextlib.contextmanager
def ssh_host(directory: Path) -> Iterator[SshHost]:
    """A server with the accounts root, DEPLOY and CAREFUL, while the block lasts."""
    directory.mkdir(mode=0o755)
    os.chmod(directory.parent, 0o755)
    for name in ("key", "host_key"):
        _run("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(directory / name))
    made = SshHost(directory, free_port())
    (directory / "config").write_text(_CONFIG.format(port=made.port, directory=directory))
    public = (directory / "host_key.pub").read_text()
    (directory / "known").write_text(f"[127.0.0.1]:{made.port} {public}")
    with _accounts(directory), _server(directory, made.port):
        yield made


@contextlib.contextmanager
def _server(directory: Path, port: int) -> Iterator[None]:
    os.makedirs("/run/sshd", mode=0o755, exist_ok=True)
    with open(directory / "log", "wb") as log:
        # sshd wants to be started by its whole name, as it starts itself again.
        server = subprocess.Popen(
            ["setpriv", "--pdeathsig", "TERM", _SSHD, "-D", "-e", "-f", str(directory / "config")],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
        )
    try:
        deadline = time.monotonic() + 60
        while not _answers(port):
            if server.poll() is not None or time.monotonic() > deadline:
                said = (directory / "log").read_text(errors="replace")
                raise RuntimeError(f"sshd does not start: {said}")
            time.sleep(0.02)
        yield
    finally:
        server.terminate()
        server.wait(60)


@contextlib.contextmanager
def _accounts(directory: Path) -> Iterator[None]:
    """The machine's accounts and these."""
    coded = _run("openssl", "passwd", "-6", PASSWORD).strip()
    more: Mapping[str, str] = {
        "passwd": "".join(
            f"{name}:x:{uid}:{uid}::{directory}/{name}:/bin/sh\n" for name, uid in _USERS.items()
        ),
        "shadow": "".join(f"{name}:{coded}:19000:0:99999:7:::\n" for name in _USERS),
        "group": "".join(f"{name}:x:{uid}:\n" for name, uid in _USERS.items()),
    }
    for name, uid in _USERS.items():
        (directory / name).mkdir()
        os.chown(directory / name, uid, uid)
    mounted = []
    try:
        for name, lines in more.items():
            copy = directory / f"etc-{name}"
            shutil.copy2(f"/etc/{name}", copy)
            with open(copy, "a") as file:
                file.write(lines)
            _run("mount", "--bind", str(copy), f"/etc/{name}")
            mounted.append(f"/etc/{name}")
        sudoers = directory / "etc-sudoers"
        sudoers.write_text(_SUDOERS)
        sudoers.chmod(0o440)
        _run("mount", "--bind", str(sudoers), "/etc/sudoers")
        mounted.append("/etc/sudoers")
        yield
    finally:
        for path in reversed(mounted):
            _run("umount", "--lazy", path)


def _answers(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), 1).close()
    except OSError:
        return False
    return True


def _run(*argv: str) -> str:
    return subprocess.run(argv, check=True, stdout=subprocess.PIPE, text=True).stdout
