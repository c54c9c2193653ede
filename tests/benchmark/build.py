# Copyright (c) 2026, the slipway.engine authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How long a build takes, and a commit of 200 MB, beside buildah, docker and podman in one run.

    tests/sandbox python3 tests/benchmark/build.py [ROUNDS]

Ten instructions, of which four write files and two are commands: with a warm cache, where nothing
is to be done but to say so, and without a cache. docker builds as it did before BuildKit
(DOCKER_BUILDKIT=0). Then a container that has written 200 MB is committed, and committed again
unchanged. Every contender is one process of its command line, in turn, round after round. The
medians and their ratios are what counts. Peers that are not installed are left out.
"""

from __future__ import annotations

import os
import statistics
import sys
import time
from collections.abc import Callable
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE.parent), str(HERE.parents[1] / ".build" / "collections")]

from benchmark import start  # noqa: E402
from support import containers  # noqa: E402
from support.builds.building import fill  # noqa: E402
from support.inputs import images  # noqa: E402

from ansible_collections.slipway.engine.plugins.module_utils._runtime.base import files  # noqa: E402
from ansible_collections.slipway.engine.plugins.module_utils._runtime.base.layout import Layout  # noqa: E402
from ansible_collections.slipway.engine.plugins.module_utils._runtime.program import zipapp  # noqa: E402

DOCKERFILE = f"""FROM {start.IMAGE}
ENV APP=/srv/app
WORKDIR /srv/app
COPY requirements.txt ./
RUN mkdir -p /opt/lib && for i in $(seq 100); do echo $i > /opt/lib/$i; done
COPY src src
RUN cat src/* > all && rm -r /opt/lib/5*
EXPOSE 8080
USER nobody
CMD ["cat", "all"]
"""
CHANGE = "dd if=/dev/urandom of=/change bs=1M count=200 2>/dev/null"
Act = Callable[[], None]


def context(directory: Path) -> Path:
    """A Dockerfile, and a hundred files that it copies."""
    sources = {f"src/{number}.py": f"print({number})\n" * 200 for number in range(100)}
    return fill(directory, {"Dockerfile": DOCKERFILE, "requirements.txt": "x\n", **sources})


def ours(directory: Path, layout: Layout, built: Path) -> dict[str, Act]:
    argv = [start.PYTHON, str(zipapp.program(layout))]
    build = [*argv, "build", "-q", "-t", "bench:1", "--network", "none", str(built)]
    start.run(*argv, "run", "--name", "big", "--network", "none", start.IMAGE, "sh", "-c", CHANGE)

    def commit() -> None:
        start.run(*argv, "commit", "big", "committed:1")

    def forget() -> None:
        start.run(*argv, "rmi", "committed:1", check=False)
        start.run(*argv, "builder", "prune", "-a", "-f")

    return {
        "build, warm": lambda: void(start.run(*build)),
        "build, cold": lambda: void(start.run(*build, "--no-cache")),
        "forget": forget,
        "commit": commit,
        "commit again": commit,
    }


def with_buildah(directory: Path, podman: start.Podman, built: Path) -> dict[str, Act]:
    places = podman.argv[1:3]
    argv = ["buildah", *places, "bud", "-q", "--pull-never", "--network=none", "-t", "bench:1"]
    podman_argv = podman.argv
    start.run(*podman_argv, "tag", podman.image, start.IMAGE)
    limits = ["--ulimit=nofile=1024", "--ulimit=nproc=1024"]
    run = ["run", "--name", "big", "--network=none", *limits, start.IMAGE, "sh", "-c", CHANGE]
    start.run(*podman_argv, *run)
    return {
        "build, warm": lambda: void(start.run(*argv, "--layers", str(built))),
        "build, cold": lambda: void(start.run(*argv, "--layers", "--no-cache", str(built))),
        "commit": lambda: void(start.run(*podman_argv, "commit", "-q", "big", "committed:1")),
    }


def with_docker(directory: Path, docker: start.Docker, built: Path) -> dict[str, Act]:
    os.environ["DOCKER_BUILDKIT"] = "0"
    argv = [*docker.argv, "build", "-q", "--network=none", "-t", "bench:1"]
    run = ["run", "--name", "big", "--network=none", start.IMAGE, "sh", "-c", CHANGE]
    start.run(*docker.argv, *run)
    return {
        "build, warm": lambda: void(start.run(*argv, str(built))),
        "build, cold": lambda: void(start.run(*argv, "--no-cache", str(built))),
        "commit": lambda: void(start.run(*docker.argv, "commit", "big", "committed:1")),
    }


def void(value: object) -> None:
    """The same, of no value."""


def main() -> None:
    if "SLIPWAY_SANDBOX" not in os.environ:
        raise SystemExit("run it in tests/sandbox: it makes containers")
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else 7
    directory = Path(os.environ["SLIPWAY_SANDBOX"]) / "benchmark"
    directory.mkdir()
    layout = Layout.default()
    files.prepare(layout)
    built = context(directory / "context")
    peers = start.contenders(directory)[1:]
    tar = images.busybox_tar(directory / "busybox.tar")
    with containers.world(layout, directory, tar):
        running = {"slipway.engine": ours(directory, layout, built)}
        for peer in peers:
            try:
                if isinstance(peer, start.Podman):
                    running["buildah, podman"] = with_buildah(directory, peer, built)
                elif isinstance(peer, start.Docker):
                    running["docker"] = with_docker(directory, peer, built)
            except SystemExit as exc:
                print(f"{peer.name} does not serve here and is left out: {str(exc)[-400:]}")
        try:
            times = measure(running, rounds)
        finally:
            for peer in peers:
                if isinstance(peer, (start.Podman, start.Docker)):
                    start.run(*peer.argv, "rm", "-f", "big", check=False)
                    peer.close()
    for step in ("build, warm", "build, cold", "commit", "commit again"):
        whole = statistics.median(times["slipway.engine", step])
        for name in running:
            if (name, step) in times:
                start.report(f"{step}: {name}", times[name, step], whole)


def measure(running: dict[str, dict[str, Act]], rounds: int) -> dict[tuple[str, str], list[float]]:
    """Milliseconds of each contender and step; the first round warms caches and is left out."""
    times: dict[tuple[str, str], list[float]] = {}
    for index in range(rounds + 1):
        for step in ("build, cold", "build, warm", "commit", "commit again"):
            for name, steps in running.items():
                if step not in steps:
                    continue
                began = time.perf_counter()
                steps[step]()
                if index:
                    took = (time.perf_counter() - began) * 1000
                    times.setdefault((name, step), []).append(took)
                os.sync()
        for steps in running.values():
            if "forget" in steps:
                steps["forget"]()
    return times


if __name__ == "__main__":
    main()
