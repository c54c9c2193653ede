# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How long it takes to pull and unpack a real image, beside docker and podman, in one run.

    python3 tests/benchmark/pull.py [ROUNDS [CACHE [PART-OF-A-NAME]]]

The image (image.py) is made once in CACHE, .build/benchmark by default, which takes debootstrap,
pip and the network. Then everything happens in tests/sandbox: skopeo pushes the image to a registry
on loopback, and every contender pulls it in turn, round after round.

Each pull has a new ext4 of its own in a file. Removing what was pulled instead would measure
something else: for minutes ext4 passes over every inode that was freed, which made the next
contender's creation of a file ten times slower.

The medians and their ratios are what counts. What a contender left for later is shown too: how
long it takes until all is on disk. Ours leaves nothing, for it publishes no layer that is not.
"""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Optional, Union

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE.parent)]

import image  # noqa: E402
from support.inputs import images  # noqa: E402
from support.servers.registry import Registry  # noqa: E402

PYTHON = "/usr/bin/python3"
#: What ours may hold in memory, whatever the layer's size.
MEMORY_LIMIT_MB = 150
#: Sparse: only what is written takes space.
DISK_BYTES = 16 << 30


def run(*argv: str, check: bool = True) -> str:
    done = subprocess.run(argv, capture_output=True, text=True, check=False, timeout=600)
    if check and done.returncode:
        raise SystemExit(f"{' '.join(argv)}: {done.stderr.strip()[-2000:]}")
    return done.stdout.strip()


class Slipway:
    """This library, as a whole process of the host's Python."""

    name = "slipway.engine"
    place = Path("/var/lib/slipway")

    def __init__(self, directory: Path, target: str) -> None:
        self.target = target
        #: The largest of its processes, in every pull.
        self.peaks_mb: list[float] = []

    def prepare(self) -> None:
        pass

    def pull(self) -> None:
        process = subprocess.Popen([PYTHON, str(HERE / "fetch.py"), self.target])
        dummy, status, usage = os.wait4(process.pid, 0)
        process.returncode = status
        if status:
            raise SystemExit("the pull failed")
        self.peaks_mb.append(usage.ru_maxrss / 1024)

    def close(self) -> None:
        pass


class Podman:
    name = "podman pull"

    def __init__(self, directory: Path, target: str) -> None:
        self.target = target
        self.place = directory / "podman"
        self.argv = ["podman", f"--root={self.place}/root", f"--runroot={self.place}/run",
                     "--cgroup-manager=cgroupfs", "--events-backend=file"]  # fmt: skip

    def prepare(self) -> None:
        driver = run(*self.argv, "info", "-f", "{{.Store.GraphDriverName}}")
        if driver != "overlay":
            raise SystemExit(f"it would use the storage driver {driver}")

    def pull(self) -> None:
        run(*self.argv, "pull", "-q", "--tls-verify=false", self.target)

    def close(self) -> None:
        run("umount", f"{self.place}/root/overlay", check=False)


class Docker:
    name = "docker pull"

    def __init__(self, directory: Path, target: str) -> None:
        self.target = target
        self.place = directory / "docker"
        self.log = directory / "dockerd.log"
        self.socket = f"unix://{directory}/docker.sock"
        self.argv = ["/usr/bin/docker", "-H", self.socket]
        if not os.access(self.argv[0], os.X_OK):
            self.argv[0] = "docker"
        self.daemon: Optional[subprocess.Popen[bytes]] = None

    def prepare(self) -> None:
        with self.log.open("wb") as log:
            self.daemon = subprocess.Popen(
                ["dockerd", "-H", self.socket, f"--data-root={self.place}/root",
                 f"--exec-root={self.place}/run", f"--pidfile={self.place}/pid"],
                stdout=log, stderr=log,
            )  # fmt: skip
        deadline = time.monotonic() + 30
        while not (driver := run(*self.argv, "info", "-f", "{{.Driver}}", check=False)):
            if time.monotonic() > deadline or self.daemon.poll() is not None:
                raise SystemExit(self.log.read_text()[-2000:])
            time.sleep(0.2)
        if driver != "overlay2":
            raise SystemExit(f"it would use the storage driver {driver}")

    def pull(self) -> None:
        run(*self.argv, "pull", "-q", self.target)

    def close(self) -> None:
        if self.daemon is not None:
            self.daemon.terminate()
            self.daemon.wait(timeout=30)
            self.daemon = None


Contender = Union[Slipway, Podman, Docker]


@dataclass
class Taken:
    """What one contender needed: seconds of each pull, and of the sync after it."""

    pull: list[float] = field(default_factory=list)
    sync: list[float] = field(default_factory=list)


@contextlib.contextmanager
def filesystem(disk: Path, place: Path) -> Iterator[None]:
    """A new ext4 at ``place``, in a sparse file."""
    place.mkdir(exist_ok=True)
    with disk.open("wb") as file:
        file.truncate(DISK_BYTES)
    # Otherwise the kernel would go on making it while it is measured.
    lazy = "lazy_itable_init=0,lazy_journal_init=0"
    run("mkfs.ext4", "-q", "-F", "-E", lazy, str(disk))
    run("mount", "-o", "loop", str(disk), str(place))
    os.sync()
    try:
        yield
    finally:
        run("umount", str(place))
        disk.unlink()


def contenders(directory: Path, target: str, only: str) -> list[Contender]:
    found: list[Contender] = []
    made: list[tuple[str, Callable[[Path, str], Contender]]] = [
        (PYTHON, Slipway),
        ("podman", Podman),
        ("dockerd", Docker),
    ]
    for program, make in made:
        if shutil.which(program) is None:
            print(f"{program} is not installed and is left out")
        elif only in make(directory, target).name:
            found.append(make(directory, target))
    return found


def blob_bytes(log: str) -> int:
    """The bytes of blobs that a registry's access log says it has sent."""
    answers = re.findall(r'"GET /v2/\S+/blobs/\S+ HTTP/1.1" 20[06] ([0-9]+)', log)
    return sum(int(length) for length in answers)


def measure(layout: Path, rounds: int, only: str) -> None:
    directory = Path(os.environ["SLIPWAY_SANDBOX"]) / "benchmark"
    directory.mkdir()
    registry = Registry(directory / "registry")
    target = f"{registry.host}/real:1"
    images.skopeo_copy(f"oci:{layout}:latest", f"docker://{target}")
    manifest = images.skopeo_inspect(f"docker://{target}", raw=True)
    size = sum(part["size"] for part in (*manifest["layers"], manifest["config"]))
    running = contenders(directory, target, only)
    taken = {contender.name: Taken() for contender in running}
    fetched = 0
    try:
        for dummy in range(rounds):
            for contender in list(running):
                with filesystem(directory / "disk", contender.place):
                    try:
                        contender.prepare()
                        before, began = len(registry.log), time.perf_counter()
                        contender.pull()
                        pulled = time.perf_counter()
                        os.sync()
                        taken[contender.name].pull.append(pulled - began)
                        taken[contender.name].sync.append(time.perf_counter() - pulled)
                    except SystemExit as exc:
                        if isinstance(contender, Slipway):
                            raise
                        print(f"{contender.name} fails here and is left out: {str(exc)[-400:]}")
                        running.remove(contender)
                        taken.pop(contender.name)
                    finally:
                        contender.close()
                if isinstance(contender, Slipway):
                    fetched = max(fetched, blob_bytes(registry.log[before:]))
    finally:
        registry.stop()
    report(taken, len(manifest["layers"]), size)
    for contender in running:
        if isinstance(contender, Slipway):
            print(f"\n{contender.name}: {max(contender.peaks_mb):.0f} MB at most in memory "
                  f"(limit {MEMORY_LIMIT_MB}), {fetched - size} bytes fetched twice")  # fmt: skip


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
    only = sys.argv[3] if len(sys.argv) > 3 else ""
    layout = image.ensure(cache.resolve())
    if "SLIPWAY_SANDBOX" not in os.environ:
        # In there is no network to make the image with.
        sandbox = str(HERE.parent / "sandbox")
        os.execv(sandbox, [sandbox, sys.executable, *sys.argv])
    measure(layout, rounds, only)


if __name__ == "__main__":
    main()
