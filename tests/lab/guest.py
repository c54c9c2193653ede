# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A guest: a directory with a disk, a kernel and a key, and the QEMU that runs it.

Only 127.0.0.1 reaches it. Its user is ``op``, who may use sudo. Snapshots are kept in its disk,
with the memory of the moment, so going on from one takes seconds where a boot takes a minute.
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
import socket
import subprocess
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Callable

from support import CHECKOUT

USER = "op"
#: Where guests are; they outlive a run.
GUESTS = CHECKOUT / ".build" / "lab"
#: An emulated processor beside a busy machine: what takes a second elsewhere may take a minute.
TIMEOUT_S = 900.0
#: How long a guest may take to boot with a processor that is not emulated.
_TRIAL_S = 120.0

_DRIVE = "disk"
#: How the snapshots begin that are a moment of the disk.
_MOMENT = "moment-"
_BOOT_ID = "cat /proc/sys/kernel/random/boot_id"
_APPEND = "root=/dev/vda rw console=ttyS0 net.ifnames=0 no5lvl mitigations=off quiet"


class Guest:
    """One guest, made or not yet made (making.py)."""

    def __init__(self, name: str, guests: Path = GUESTS) -> None:
        self.name = name
        self.directory = guests / name

    # --- power -----------------------------------------------------------------------------------

    def boot(self, snapshot: str = "") -> None:
        """Switch it on, or go on from a snapshot, and wait until it answers over ssh.

        The processor that it booted with first is kept: a snapshot goes on with no other.
        """
        known = self._file("accel")
        if not known.exists() and not snapshot and _kvm():
            # There may be a device that does not work, which only a guest that boots tells.
            with contextlib.suppress(RuntimeError):
                self._start("kvm", snapshot)
                if self._answers(_TRIAL_S):
                    known.write_text("kvm")
            self.off()
        if not known.exists():
            known.write_text("tcg,thread=multi")
        self._start(known.read_text(), snapshot)
        if not self._answers(TIMEOUT_S):
            console = self._file("console.log")
            raise TimeoutError(f"guest {self.name} does not answer; see {console}")
        # In a snapshot the clock stood still.
        self.tell(f"sudo date -s @{int(time.time())}")

    def _answers(self, timeout_s: float) -> bool:
        """Wait until it does; not while it is halted by a fault of the machine."""
        deadline = time.monotonic() + timeout_s
        while not self.answer(_BOOT_ID):
            if time.monotonic() > deadline or "error" in self.monitor("info status"):
                return False
            time.sleep(1.0)
        return True

    def _start(self, accelerator: str, snapshot: str) -> None:
        with socket.create_server(("127.0.0.1", 0)) as free:
            port = free.getsockname()[1]
        self._file("port").write_text(str(port))
        append = f"{_APPEND} {self._file('append').read_text()}"
        disk = self._file("disk.qcow2")
        argv = ["nice", "-n", "5", "qemu-system-x86_64", "-name", self.name]
        argv += ["-nodefaults", "-no-user-config", "-display", "none", "-machine", "q35"]
        argv += ["-accel", accelerator, "-cpu", "max", "-smp", "1", "-m", "1G"]
        argv += ["-kernel", str(self._file("vmlinuz")), "-initrd", str(self._file("initrd"))]
        # What it has written is kept when its process is killed, whether or not this machine has
        # it on a disk of its own by then.
        drive = f"if=virtio,id={_DRIVE},format=qcow2,cache=unsafe,file={disk}"
        argv += ["-append", append, "-drive", drive]
        argv += ["-device", "virtio-rng-pci", "-device", "virtio-net-pci,netdev=net,romfile="]
        argv += ["-netdev", f"user,id=net,hostfwd=tcp:127.0.0.1:{port}-:22"]
        argv += ["-serial", f"file:{self._file('console.log')}"]
        argv += ["-qmp", f"unix:{self._file('qmp')},server,wait=off"]
        argv += ["-pidfile", str(self._file("pid")), "-daemonize"]
        argv += ["-loadvm", snapshot] if snapshot else []
        nothing, pipe = subprocess.DEVNULL, subprocess.PIPE
        done = subprocess.run(argv, check=False, text=True, stdin=nothing, stderr=pipe)
        if done.returncode:
            raise RuntimeError(f"guest {self.name} cannot be switched on: {done.stderr}")

    def reboot(self) -> None:
        """Restart it from inside, and wait until it answers again."""
        before = self.tell(_BOOT_ID)
        self.answer("sudo reboot")
        self._until(lambda: self.answer(_BOOT_ID) not in ("", before), "does not come back")

    def off(self) -> None:
        """Cut the power: what it has not written to its disk yet is lost."""
        pid = self.process()
        if pid:
            os.kill(pid, signal.SIGKILL)
            # Its lock on the disk lasts as long as it does, and its command line does not.
            gone = Path(f"/proc/{pid}")
            self._until(lambda: not gone.exists(), "does not end", pause_s=0.05)
        # The connection over it ends by itself.
        for path in self.directory.glob("ssh-*"):
            path.unlink(missing_ok=True)

    def save(self, snapshot: str) -> None:
        """Keep its memory and disk under this name."""
        self.tell("sync")
        said = self.monitor(f"savevm {snapshot}")
        if said:
            raise RuntimeError(f"{self.name}: {said}")

    def has(self, snapshot: str) -> bool:
        """Whether its disk holds a snapshot of this name."""
        return snapshot in self._snapshots()

    def _snapshots(self) -> list[str]:
        disk = self._file("disk.qcow2")
        found = json.loads(do(["qemu-img", "info", "--force-share", "--output=json", disk]))
        return [one["name"] for one in found.get("snapshots", ())]

    def mark(self, moment: str) -> None:
        """Keep what is on its disk at this moment, without its memory: a power cut leaves that."""
        said = self.monitor(f"snapshot_blkdev_internal {_DRIVE} {_MOMENT}{moment}")
        if said:
            raise RuntimeError(f"{self.name}: {said}")

    def cut_at(self, moment: str) -> None:
        """Cut the power, and have on its disk what was there at a moment that was marked."""
        self.off()
        do(["qemu-img", "snapshot", "-a", f"{_MOMENT}{moment}", self._file("disk.qcow2")])

    def forget_moments(self, but: Sequence[str] = ()) -> None:
        """Remove what was kept of its disk, but for these; it has to be off."""
        kept = [f"{_MOMENT}{moment}" for moment in but]
        for name in self._snapshots():
            if name.startswith(_MOMENT) and name not in kept:
                do(["qemu-img", "snapshot", "-d", name, self._file("disk.qcow2")])

    def process(self) -> int:
        """The pid of its QEMU, or 0: the pid that was written down may be another's by now."""
        with contextlib.suppress(OSError, ValueError):
            pid = int(self._file("pid").read_text())
            if f"{self._file('disk.qcow2')}" in Path(f"/proc/{pid}/cmdline").read_text():
                return pid
        return 0

    def monitor(self, command: str) -> str:
        """Say something to QEMU's monitor, and return what it has to say."""
        with socket.socket(socket.AF_UNIX) as link, link.makefile("rw") as talk:
            link.connect(str(self._file("qmp")))
            talk.readline()
            arguments = {"command-line": command}
            for message in (
                {"execute": "qmp_capabilities"},
                {"execute": "human-monitor-command", "arguments": arguments},
            ):
                print(json.dumps(message), file=talk, flush=True)
                while "event" in (answer := json.loads(talk.readline())):
                    pass
        return str(answer.get("return", answer)).strip()

    # --- reaching it -----------------------------------------------------------------------------

    def ssh(self, *command: str) -> list[str]:
        """The command line that runs a command in it, or a shell."""
        argv = ["ssh", "-o", "BatchMode=yes", *self._settings(), "-i", str(self._file("key"))]
        argv += ["-p", self._file("port").read_text()]
        return [*argv, f"{USER}@127.0.0.1", *command]

    def _settings(self) -> list[str]:
        """Its own known host, and one login for all commands, Ansible's too: an emulated processor
        needs seconds for another. The connection ends with the guest's power.
        """
        settings = ["ConnectTimeout=60", "StrictHostKeyChecking=no", "LogLevel=ERROR"]
        settings += [f"UserKnownHostsFile={self._file('known_hosts')}"]
        settings += ["ControlMaster=auto", f"ControlPath={self._file('ssh-%r-%p')}"]
        settings += ["ControlPersist=600", "ServerAliveInterval=60", "ServerAliveCountMax=10"]
        return ["-F", "none", *(word for setting in settings for word in ("-o", setting))]

    def tell(self, command: str) -> str:
        """Run a command in it as its user. Returns what it wrote; fails where the command does."""
        done = subprocess.run(
            self.ssh(command),
            check=False,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=TIMEOUT_S,
        )
        assert done.returncode == 0, f"{self.name}: {command}: {done.stdout}{done.stderr}"
        return done.stdout.strip()

    def begin_telling(self, command: str) -> subprocess.Popen[bytes]:
        """Begin a command in it; what it writes is read from the process that is returned."""
        return subprocess.Popen(self.ssh(command), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE)

    def answer(self, command: str) -> str:
        """The same, where it may not even answer yet."""
        with contextlib.suppress(AssertionError, subprocess.TimeoutExpired):
            return self.tell(command)
        return ""

    def forward(self, port: int) -> int:
        """A port of 127.0.0.1 from which a port of it is reached until its power is cut."""
        with socket.create_server(("127.0.0.1", 0)) as free:
            here: int = free.getsockname()[1]
        said = self.monitor(f"hostfwd_add net tcp:127.0.0.1:{here}-:{port}")
        if said:
            raise RuntimeError(f"{self.name}: {said}")
        return here

    def inventory(self) -> str:
        """It as a line of an inventory; its port is another after every boot."""
        words = {
            "ansible_host": "127.0.0.1",
            "ansible_port": self._file("port").read_text(),
            "ansible_user": USER,
            "ansible_python_interpreter": "/usr/bin/python3",
            "ansible_ssh_private_key_file": self._file("key"),
            "ansible_ssh_common_args": f"'{' '.join(self._settings())}'",
        }
        return " ".join([self.name, *(f"{name}={value}" for name, value in words.items())])

    def _file(self, name: str) -> Path:
        return self.directory / name

    def _until(self, true: Callable[[], bool], otherwise: str, pause_s: float = 1.0) -> None:
        deadline = time.monotonic() + TIMEOUT_S
        while not true():
            if time.monotonic() > deadline:
                console = self._file("console.log")
                raise TimeoutError(f"guest {self.name} {otherwise}; see {console}")
            time.sleep(pause_s)


def do(argv: Sequence[object]) -> str:
    """Run a program of this machine to its end. Returns what it wrote to stdout."""
    words = [str(word) for word in argv]
    return subprocess.run(words, check=True, text=True, stdout=subprocess.PIPE).stdout


def _kvm() -> bool:
    """Whether the device can be opened."""
    with contextlib.suppress(OSError):
        os.close(os.open("/dev/kvm", os.O_RDWR | os.O_CLOEXEC))
        return True
    return False
