# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Real OpenSSH servers, on loopback or each on a host of its own, and accounts that may log in.

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
from typing import Any, Callable, Optional

from support.servers.registry import free_port

#: Unprivileged accounts: one that may become root by sudo, one that must say PASSWORD for it.
DEPLOY, CAREFUL = "deploy", "careful"
PASSWORD = "said to sudo 'only'"

#: The network of hosts that have one.
_NETWORK = "10.77.0"
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
ListenAddress {address}:{port}
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


#: What makes a host: its own installation and network, and a server when the rest is in place.
_HOST = """
for place in /var/lib/slipway /run/slipway /etc/slipway; do
    mkdir -p -m 0700 "$1$place"
    mount --bind "$1$place" "$place"
done
ip link set lo up
exec "$2" -D -e -f "$1/config"
"""


@dataclass(frozen=True)
class SshHost:
    """A server and what a client needs to log in: the inventory's variables."""

    directory: Path
    port: int
    address: str = "127.0.0.1"

    def variables(self, user: str = DEPLOY) -> dict[str, Any]:
        """What the inventory has of this host, for a login."""
        known = f"-o UserKnownHostsFile={self.directory}/known -o StrictHostKeyChecking=yes"
        return {
            "ansible_host": self.address,
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
    made = SshHost(directory, free_port())
    _make_keys(directory)
    os.makedirs("/run/sshd", mode=0o755, exist_ok=True)
    with _accounts(directory), _server(made, [_SSHD, "-D", "-e", "-f", f"{directory}/config"]):
        yield made


@contextlib.contextmanager
def ssh_hosts(directory: Path, count: int) -> Iterator[list[SshHost]]:
    """So many hosts with the same accounts: a server each in a network and mount namespace of its
    own, with an installation of its own, behind one bridge. They share the kernel's control groups
    and processes.
    """
    _make_keys(directory)
    os.makedirs("/run/sshd", mode=0o755, exist_ok=True)
    with _accounts(directory), contextlib.ExitStack() as stack:
        _run(*["ip", "link", "add", "ssh-hosts", "type", "bridge"])
        stack.callback(_run, *["ip", "link", "delete", "ssh-hosts"])
        _run(*f"ip address add {_NETWORK}.1/24 dev ssh-hosts".split())
        _run(*["ip", "link", "set", "ssh-hosts", "up"])
        yield [stack.enter_context(_own_host(directory, number)) for number in range(count)]


@contextlib.contextmanager
def _own_host(top: Path, number: int) -> Iterator[SshHost]:
    directory = top / f"host-{number}"
    directory.mkdir()
    for name in ("key", "key.pub", "host_key"):
        shutil.copy2(top / name, directory / name)
    made = SshHost(directory, 22, f"{_NETWORK}.{10 + number}")
    host = ["unshare", "--mount", "--net", "--propagation", "private", "sh", "-euc", _HOST]
    with contextlib.ExitStack() as links:

        def connect(pid: int) -> None:
            own = os.readlink("/proc/self/ns/net")
            while os.readlink(f"/proc/{pid}/ns/net") == own:
                time.sleep(0.01)
            link, inside = f"ssh-host-{number}", ["nsenter", "--net", f"--target={pid}", "ip"]
            _run(*f"ip link add {link} type veth peer name eth0 netns {pid}".split())
            links.callback(subprocess.run, ["ip", "link", "delete", link], capture_output=True)
            _run(*f"ip link set {link} master ssh-hosts up".split())
            _run(*inside, *f"address add {made.address}/24 dev eth0".split())
            _run(*inside, *["link", "set", "eth0", "up"])

        with _server(made, [*host, "sh", str(directory), _SSHD], connect):
            yield made


def _make_keys(directory: Path) -> None:
    directory.mkdir(mode=0o755)
    os.chmod(directory.parent, 0o755)
    for name in ("key", "host_key"):
        _run("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(directory / name))


@contextlib.contextmanager
def _server(
    made: SshHost, argv: list[str], begun: Optional[Callable[[int], None]] = None
) -> Iterator[None]:
    """Run a server until the block ends; ``begun`` is called with its pid."""
    directory = made.directory
    # The address of a host of its own comes after its server.
    listening = made.address if made.address == "127.0.0.1" else "0.0.0.0"
    config = _CONFIG.format(port=made.port, address=listening, directory=directory)
    (directory / "config").write_text(config)
    keygen = ["ssh-keygen", "-y", "-f", str(directory / "host_key")]
    public = subprocess.run(keygen, check=True, stdout=subprocess.PIPE, text=True).stdout
    (directory / "known").write_text(f"[{made.address}]:{made.port},{made.address} {public}")
    with open(directory / "log", "wb") as log:
        # It must not outlive a test run that is killed.
        server = subprocess.Popen(
            ["setpriv", "--pdeathsig", "TERM", *argv],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
        )
    try:
        if begun is not None:
            begun(server.pid)
        deadline = time.monotonic() + 60
        while not _answers(made):
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


def _answers(made: SshHost) -> bool:
    try:
        socket.create_connection((made.address, made.port), 1).close()
    except OSError:
        return False
    return True


def _run(*argv: str) -> str:
    return subprocess.run(argv, check=True, stdout=subprocess.PIPE, text=True).stdout
