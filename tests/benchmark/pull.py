# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How long it takes to pull and unpack a real image, beside docker and podman, in one run.

    python3 tests/benchmark/pull.py [ROUNDS [CACHE]]

The image (image.py) is made once in CACHE, .build/benchmark by default, which takes debootstrap, pip
and the network. Then everything happens in tests/sandbox: skopeo pushes the image to a registry on
loopback, and every contender pulls it in turn, round after round, and forgets it again. The medians
and their ratios are what counts. What a contender left for later is shown too: how long sync takes
after it. Ours has left nothing, for it publishes no layer that is not on disk.
"""

from __future__ import annotations

import os
import re
import shutil
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Optional, Union

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE.parent)]

import image  # noqa: E402
import images  # noqa: E402
from registry import Registry  # noqa: E402

PYTHON = "/usr/bin/python3"
#: What ours may hold in memory, whatever the layer's size.
MEMORY_LIMIT_MB = 150


def run(*argv: str, check: bool = True) -> str:
    done = subprocess.run(argv, capture_output=True, text=True, check=False, timeout=600)
    if check and done.returncode:
        raise SystemExit(f"{' '.join(argv)}: {done.stderr.strip()[-2000:]}")
    return done.stdout.strip()


class Slipway:
    """This library, as a whole process of the host's Python."""

    name = "slipway.engine"

    def __init__(self, directory: Path, target: str) -> None:
        self.target = target

    def pull(self) -> None:
        run(PYTHON, str(HERE / "fetch.py"), self.target)

    def peak_mb(self) -> float:
        """Pull once more, alone, and tell the largest of its processes."""
        process = subprocess.Popen([PYTHON, str(HERE / "fetch.py"), self.target])
        dummy, status, usage = os.wait4(process.pid, 0)
        if status:
            raise SystemExit("the pull failed")
        return usage.ru_maxrss / 1024

    def remove(self) -> None:
        run(PYTHON, str(HERE / "fetch.py"), self.target, "absent")

    def close(self) -> None:
        pass


class Podman:
    name = "podman pull"

    def __init__(self, directory: Path, target: str) -> None:
        self.target = target
        self.root = directory / "podman"
        self.argv = ["podman", f"--root={self.root}", f"--runroot={directory}/podman-run",
                     "--cgroup-manager=cgroupfs", "--events-backend=file"]  # fmt: skip
        driver = run(*self.argv, "info", "-f", "{{.Store.GraphDriverName}}")
        if driver != "overlay":
            raise SystemExit(f"it would use the storage driver {driver}")

    def pull(self) -> None:
        run(*self.argv, "pull", "-q", "--tls-verify=false", self.target)

    def remove(self) -> None:
        run(*self.argv, "rmi", "-f", self.target)

    def close(self) -> None:
        run("umount", f"{self.root}/overlay", check=False)


class Docker:
    name = "docker pull"

    def __init__(self, directory: Path, target: str) -> None:
        self.target = target
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
        while not (driver := run(*self.argv, "info", "-f", "{{.Driver}}", check=False)):
            if time.monotonic() > deadline or self.daemon.poll() is not None:
                self.close()
                raise SystemExit((directory / "dockerd.log").read_text()[-2000:])
            time.sleep(0.2)
        if driver != "overlay2":
            self.close()
            raise SystemExit(f"it would use the storage driver {driver}")

    def pull(self) -> None:
        run(*self.argv, "pull", "-q", self.target)

    def remove(self) -> None:
        run(*self.argv, "rmi", "-f", self.target)

    def close(self) -> None:
        self.daemon.terminate()
        self.daemon.wait(timeout=30)
        self.log.close()


Contender = Union[Slipway, Podman, Docker]


@dataclass
class Taken:
    """What one contender needed: seconds of each pull, and of the sync after it."""

    pull: list[float] = field(default_factory=list)
    sync: list[float] = field(default_factory=list)


def contenders(directory: Path, target: str) -> list[Contender]:
    found: list[Contender] = [Slipway(directory, target)]
    peers: list[tuple[str, Callable[[Path, str], Contender]]] = [
        ("podman", Podman),
        ("dockerd", Docker),
    ]
    for program, make in peers:
        if shutil.which(program) is None:
            print(f"{program} is not installed and is left out")
            continue
        try:
            found.append(make(directory, target))
        except SystemExit as exc:
            print(f"{program} does not serve here and is left out: {str(exc)[-400:]}")
    return found


def blob_bytes(log: str) -> int:
    """The bytes of blobs that a registry's access log says it has sent."""
    answers = re.findall(r'"GET /v2/\S+/blobs/\S+ HTTP/1.1" 20[06] ([0-9]+)', log)
    return sum(int(length) for length in answers)


def measure(layout: Path, rounds: int, only: Optional[str]) -> None:
    directory = Path(os.environ["SLIPWAY_SANDBOX"]) / "benchmark"
    directory.mkdir()
    registry = Registry(directory / "registry")
    target = f"{registry.host}/real:1"
    images.skopeo_copy(f"oci:{layout}:latest", f"docker://{target}")
    manifest = images.skopeo_inspect(f"docker://{target}", raw=True)
    size = sum(part["size"] for part in (*manifest["layers"], manifest["config"]))
    running = contenders(directory, target)
    if only:
        running = [contender for contender in running if only in contender.name]
    taken = {contender.name: Taken() for contender in running}
    fetched, peak = 0, 0.0
    try:
        for dummy in range(rounds):
            for contender in running:
                os.sync()
                before, began = len(registry.log), time.perf_counter()
                contender.pull()
                pulled = time.perf_counter()
                os.sync()
                taken[contender.name].pull.append(pulled - began)
                taken[contender.name].sync.append(time.perf_counter() - pulled)
                if isinstance(contender, Slipway):
                    fetched = max(fetched, blob_bytes(registry.log[before:]))
                contender.remove()
        ours = running[0]
        if isinstance(ours, Slipway):
            peak = ours.peak_mb()
    finally:
        for contender in running:
            contender.close()
        registry.stop()
    report(taken, len(manifest["layers"]), size)
    if peak:
        print(f"\nslipway.engine: {peak:.0f} MB at most in memory (limit {MEMORY_LIMIT_MB}), "
              f"{fetched - size} bytes fetched twice")  # fmt: skip


def report(taken: dict[str, Taken], layers: int, size: int) -> None:
    print(f"{layers} layers, {size / 1e6:.0f} MB compressed; medians in seconds\n")
    print(f"{'':18}{'pull':>7}{'min':>7}{'max':>7}{'x ours':>8}{'+ sync':>9}{'x ours':>8}")
    first = next(iter(taken.values()))
    ours = statistics.median(first.pull)
    ours_whole = statistics.median(map(sum, zip(first.pull, first.sync)))
    for name, times in taken.items():
        median = statistics.median(times.pull)
        whole = statistics.median(map(sum, zip(times.pull, times.sync)))
        print(f"{name:18}{median:7.1f}{min(times.pull):7.1f}{max(times.pull):7.1f}"
              f"{median / ours:8.2f}{whole:9.1f}{whole / ours_whole:8.2f}")  # fmt: skip


def main() -> None:
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else 3
    cache = Path(sys.argv[2] if len(sys.argv) > 2 else HERE.parents[1] / ".build" / "benchmark")
    only = sys.argv[3] if len(sys.argv) > 3 else None
    layout = image.ensure(cache.resolve())
    if "SLIPWAY_SANDBOX" not in os.environ:
        # In there is no network to make the image with.
        sandbox = str(HERE.parent / "sandbox")
        os.execv(sandbox, [sandbox, sys.executable, *sys.argv])
    measure(layout, rounds, only)


if __name__ == "__main__":
    main()
