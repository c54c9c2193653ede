# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How long one container takes to start with its network, beside docker and podman, in one run.

    tests/sandbox python3 tests/benchmark/start.py [ROUNDS]

Every contender starts one container of the same image on a bridge network of its own, in turn,
round after round, so that a machine whose speed drifts slows all of them alike. The medians and
their ratios are what counts. Peers that are not installed are left out.
"""

from __future__ import annotations

import os
import shutil
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE.parent), str(HERE.parents[1] / ".build" / "collections")]

from benchmark.goals import figures  # noqa: E402
from support.inputs import images  # noqa: E402

PYTHON = "/usr/bin/python3"
IMAGE = "localhost/busybox:1"
STORE = "/var/lib/slipway/images"
RUNTIME = "ansible_collections.slipway.engine.plugins.module_utils._runtime"
#: Installs the program of these sources, with a link to it at its first argument.
INSTALL = f"""
import pathlib, sys
sys.path.insert(0, {str(HERE.parents[1] / ".build" / "collections")!r})
from {RUNTIME}.base import layout
from {RUNTIME}.program import zipapp
zipapp.install(layout.Layout.default(), pathlib.Path(sys.argv[1]))
"""


def run(*argv: str, check: bool = True) -> str:
    done = subprocess.run(argv, capture_output=True, text=True, check=False, timeout=120)
    if check and done.returncode:
        raise SystemExit(f"{' '.join(argv)}: {done.stderr.strip()}")
    return done.stdout.strip()


def timed(*argv: str) -> float:
    began = time.perf_counter()
    run(*argv)
    return (time.perf_counter() - began) * 1000


class Slipway:
    """This library, as a whole process of the host's Python; the engine's own time is kept too."""

    name = "slipway.engine"

    def __init__(self, directory: Path) -> None:
        self.engine: list[float] = []
        self.unchanged: list[float] = []
        tarball = images.busybox_tar(directory / "busybox.tar")
        run(PYTHON, str(HERE / "prepare.py"), str(tarball), IMAGE, "bench")

    def start(self, index: int) -> float:
        began = time.perf_counter()
        said = run(PYTHON, str(HERE / "one.py"), f"bench{index}", IMAGE, "bench")
        whole = (time.perf_counter() - began) * 1000
        self.engine.append(float(said))
        self.unchanged.append(timed(PYTHON, str(HERE / "one.py"), f"bench{index}", IMAGE, "bench"))
        return whole

    def remove(self, index: int) -> None:
        run(PYTHON, str(HERE / "one.py"), f"bench{index}", IMAGE, "bench", "absent")

    def close(self) -> None:
        pass


class Command:
    """The program, as a user types it."""

    name = "slipway run -d"

    def __init__(self, directory: Path) -> None:
        self.program = str(directory / "slipway")
        run(PYTHON, "-c", INSTALL, self.program)

    def start(self, index: int) -> float:
        argv = ["run", "-d", "--name", f"command{index}", "--network=bench", IMAGE, "sleep", "1000"]
        return timed(self.program, *argv)

    def remove(self, index: int) -> None:
        run(self.program, "rm", "-f", f"command{index}")

    def close(self) -> None:
        pass


class Podman:
    name = "podman run -d"

    def __init__(self, directory: Path) -> None:
        self.argv = [
            "podman", f"--root={directory}/podman", f"--runroot={directory}/podman-run",
            "--cgroup-manager=cgroupfs", "--runtime=runc", "--events-backend=file",
            f"--network-config-dir={directory}/podman-net",
        ]  # fmt: skip
        run(*self.argv, "pull", "-q", f"oci:{STORE}:{IMAGE}")
        self.image = run(*self.argv, "images", "-q")
        run(*self.argv, "network", "create", "--subnet=10.123.1.0/24", "bench")

    def start(self, index: int) -> float:
        name = f"bench{index}"
        # Raising limits takes a capability that a machine made of namespaces need not have.
        options = ["--network=bench", "--ulimit=nofile=1024", "--ulimit=nproc=1024"]
        return timed(*self.argv, "run", "-d", "--name", name, *options, self.image, "sleep", "1000")

    def remove(self, index: int) -> None:
        run(*self.argv, "rm", "-f", "-t", "0", f"bench{index}")

    def close(self) -> None:
        run(*self.argv, "network", "rm", "-f", "bench", check=False)
        run("umount", f"{self.argv[1][7:]}/overlay", check=False)


class Docker:
    """A daemon of its own, with the image of our store that is called ``image`` there."""

    name = "docker run -d"

    def __init__(self, directory: Path, image: str = IMAGE) -> None:
        self.socket = f"unix://{directory}/docker.sock"
        self.argv = ["/usr/bin/docker", "-H", self.socket]
        if not os.access(self.argv[0], os.X_OK):
            self.argv[0] = "docker"
        self.log = (directory / "dockerd.log").open("wb")
        self.daemon = subprocess.Popen(
            ["dockerd", "-H", self.socket, f"--data-root={directory}/docker",
             f"--exec-root={directory}/docker-run", f"--pidfile={directory}/docker.pid"],
            stdout=self.log, stderr=self.log,
        )  # fmt: skip
        deadline = time.monotonic() + 30
        while run(*self.argv, "info", "-f", "{{.ServerVersion}}", check=False) == "":
            if time.monotonic() > deadline or self.daemon.poll() is not None:
                self.close()
                raise SystemExit((directory / "dockerd.log").read_text()[-2000:])
            time.sleep(0.2)
        archive = directory / "docker.tar"
        target = f"docker-archive:{archive}:{IMAGE}"
        run("skopeo", "--insecure-policy", "copy", f"oci:{STORE}:{image}", target)
        run(*self.argv, "load", "-q", "-i", str(archive))
        run(*self.argv, "network", "create", "--subnet=10.123.2.0/24", "bench")

    def start(self, index: int) -> float:
        name = f"bench{index}"
        return timed(
            *self.argv, "run", "-d", "--name", name, "--network=bench", IMAGE, "sleep", "1000"
        )

    def remove(self, index: int) -> None:
        run(*self.argv, "rm", "-f", f"bench{index}")

    def close(self) -> None:
        self.daemon.terminate()
        self.daemon.wait(timeout=30)
        self.log.close()


def contenders(directory: Path) -> list[Slipway | Command | Podman | Docker]:
    found: list[Slipway | Command | Podman | Docker] = [Slipway(directory), Command(directory)]
    peers: list[tuple[str, Callable[[Path], Podman | Docker]]] = [
        ("podman", Podman),
        ("dockerd", Docker),
    ]
    for program, make in peers:
        if shutil.which(program) is None:
            print(f"{program} is not installed and is left out")
            continue
        try:
            found.append(make(directory))
        except SystemExit as exc:
            print(f"{program} does not serve here and is left out: {str(exc)[-400:]}")
    return found


def main() -> None:
    if "SLIPWAY_SANDBOX" not in os.environ:
        raise SystemExit("run it in tests/sandbox: it makes networks and containers")
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else 11
    directory = Path(os.environ["SLIPWAY_SANDBOX"]) / "benchmark"
    directory.mkdir()
    running = contenders(directory)
    times: dict[str, list[float]] = {contender.name: [] for contender in running}
    try:
        for index in range(rounds + 1):
            for contender in running:
                took = contender.start(index)
                contender.remove(index)
                # The first round warms caches of the machine and makes each engine's bridge.
                if index:
                    times[contender.name].append(took)
    finally:
        for contender in running:
            contender.close()
    ours = running[0]
    assert isinstance(ours, Slipway)
    whole = statistics.median(times[ours.name])
    report("slipway.engine, engine alone", ours.engine[1:], whole)
    for name, taken in times.items():
        report(f"{name}, whole process", taken, whole)
        figures.note("run -d", name, [each / 1000 for each in taken])
    report("slipway.engine, nothing to change", ours.unchanged[1:], whole)


def report(name: str, taken: list[float], whole: float) -> None:
    median = statistics.median(taken)
    print(
        f"{name:40} median {median:7.1f} ms   min {min(taken):7.1f}   max {max(taken):7.1f}"
        f"   {median / whole:5.2f} x ours"
    )


if __name__ == "__main__":
    main()
