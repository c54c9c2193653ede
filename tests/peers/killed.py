# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is left when another engine is killed while it creates, starts or removes a container.

    tests/sandbox python3 tests/peers/killed.py podman|docker|dockerd [POINTS]

Each command is killed at POINTS even distances of the time it takes, 10 by default. Then it is run
again, as a user would, and the container is removed by force. A point is survived when the command
does its work then, and when files, mounts, processes, control groups and volumes are those of
before. With docker the client is killed, with dockerd the daemon, which is started again as a
service would be. For docs/reliability.md.
"""

from __future__ import annotations

import contextlib
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
sys.path.append(str(Path(__file__).resolve().parents[2] / ".build" / "collections"))

from support.inputs import images
from support.servers.engines import Docker, Engine, Podman

CREATE = ("create", "--name", "web", "--network", "none", "-v", "/data", "busybox:1", "sleep",
          "1000")  # fmt: skip
REMOVE = ("rm", "--force", "--volumes")
#: How long what was killed may take to be cleared away by who outlives it. Seconds.
SETTLES_S = 8.0
_OWN = re.compile("/(netns|libnetwork)$")


class Tried:
    """An engine with a store of its own, and what that holds."""

    def __init__(self, directory: Path, name: str) -> None:
        self.directory = directory / name
        kind: Callable[[Path], Engine] = Podman if name == "podman" else Docker
        self.engine = kind(self.directory)
        self.of_daemon = name == "dockerd"
        # podman lets the container end by itself first, which it does not.
        self.remove = (*REMOVE, *(("--time", "0") if name == "podman" else ()), "web")
        self.engine.run("import", str(images.busybox_tar(directory / "busybox.tar")), "busybox:1")

    def quietly(self, *arguments: str) -> bool:
        """Run it; whether it succeeds."""
        with contextlib.suppress(RuntimeError):
            self.engine.run(*arguments)
            return True
        return False

    def exists(self) -> bool:
        return self.quietly("container", "inspect", "web")

    def running(self) -> bool:
        return self.exists() and (
            self.engine.run("inspect", "--format", "{{.State.Running}}", "web") == "true"
        )

    def held(self) -> frozenset[str]:
        return frozenset(self._held())

    def _held(self) -> Iterator[str]:
        top = str(self.directory)
        for directory, names, files in os.walk(top):
            # dockerd removes what is left of namespaces once a minute, and has a socket per run.
            if directory.count("/") - top.count("/") < 3 and not _OWN.search(directory):
                yield from (f"file {directory}/{name}" for name in (*names, *files))
        for line in Path("/proc/self/mountinfo").read_text().splitlines():
            if top in line.split()[4]:
                yield f"mount {line.split()[4]}"
        yield from (f"process {name} {pid}" for pid, name in processes())
        for directory, names, dummy in os.walk("/sys/fs/cgroup"):
            theirs = "libpod-" in directory or directory.endswith("/docker")
            yield from (f"group {directory}/{name}" for name in names if theirs)

    def left(self, before: frozenset[str]) -> list[str]:
        """What is there on top, once who outlives the kill had time."""
        deadline = time.monotonic() + SETTLES_S
        while True:
            found = sorted(self.held() - before)
            if not found or time.monotonic() > deadline:
                return found + self.engine.run("volume", "ls", "--quiet").split()
            time.sleep(0.2)

    def clear(self) -> None:
        """Begin anew, whatever is left."""
        self.quietly(*self.remove)
        for container_id in self.engine.run("ps", "--all", "--quiet").split():
            self.quietly("rm", "--force", container_id)
        self.quietly("volume", "prune", "--force")
        for pid, dummy in processes():
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)

    def kill(self, client: subprocess.Popen[bytes]) -> bool:
        """Kill a command that was begun, or the daemon; False when it had ended before."""
        early = client.poll() is None
        if self.of_daemon and isinstance(self.engine, Docker):
            daemon = self.engine._daemon
            daemon.kill()
            daemon.wait()
            self.engine._daemon = subprocess.Popen(
                daemon.args, stdout=self.engine._log, stderr=self.engine._log
            )
            while not self.engine._answers():
                time.sleep(0.1)
        else:
            client.kill()
        client.wait()
        return early


def processes() -> Iterator[tuple[int, str]]:
    """Monitors and what runs in containers; nobody else has any in the sandbox."""
    for name in filter(str.isdecimal, os.listdir("/proc")):
        with contextlib.suppress(OSError):
            words = Path(f"/proc/{name}/cmdline").read_text().split("\0")
            monitors = words[0].endswith("conmon") or "containerd-shim" in words[0]
            if monitors or words[:2] == ["sleep", "1000"]:
                yield int(name), words[0]


def commands(
    tried: Tried,
) -> dict[str, tuple[Sequence[Sequence[str]], Sequence[str], Callable[[], bool]]]:
    """What is there before, what is killed, and what has to succeed after that."""

    def created() -> bool:
        there = tried.exists() or tried.quietly(*CREATE)
        return there and tried.quietly("start", "web")

    def started() -> bool:
        return tried.running() or tried.quietly("start", "web")

    return {
        "create": ((), CREATE, created),
        "start": ((CREATE,), ("start", "web"), started),
        "remove": ((CREATE, ("start", "web")), tried.remove,
                   lambda: tried.quietly(*tried.remove) or not tried.exists()),
    }  # fmt: skip


def killed_after(tried: Tried, argv: Sequence[str], delay_s: float) -> bool:
    """Kill a command; False when it had ended before."""
    client = subprocess.Popen(
        [*tried.engine.argv, *argv],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    time.sleep(delay_s)
    return tried.kill(client)


def main() -> int:
    points = int(sys.argv[2]) if len(sys.argv) > 2 else 10
    tried = Tried(Path(os.environ["SLIPWAY_SANDBOX"]), sys.argv[1])
    # What is made once for all containers is there from now on.
    for usual in (CREATE, ("start", "web"), tried.remove):
        tried.engine.run(*usual)
    survived = killed = 0
    for name, (before, argv, again) in commands(tried).items():
        for one in before:
            tried.engine.run(*one)
        began = time.monotonic()
        tried.engine.run(*argv)
        took_s = time.monotonic() - began
        for number in range(points):
            tried.clear()
            base = tried.held()
            for one in before:
                tried.engine.run(*one)
            if not killed_after(tried, argv, took_s * (number + 0.5) / points):
                continue
            deadline = time.monotonic() + SETTLES_S
            while not (done := again()) and time.monotonic() < deadline:
                time.sleep(0.5)
            said = [] if done else [f"{name} fails for {SETTLES_S:.0f} s"]
            tried.quietly(*tried.remove)
            said += tried.left(base)
            killed += 1
            survived += not said
            print(f"{name} {number}: {'; '.join(said)[:300] or 'survived'}", flush=True)
        tried.clear()
    print(f"{survived} of {killed} survived")
    return 0


if __name__ == "__main__":
    sys.exit(main())
